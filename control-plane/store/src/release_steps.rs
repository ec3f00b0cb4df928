//! Moving releases, by compare-and-set on their revision. What may follow on what is the domain's rule.

use gimlet_domain::{activity::Actor, release::ReleaseState, time::Timestamp};
use gimlet_shared::ids::{ReleaseId, RepositoryId};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    sea_query::Expr,
};

use crate::{
    activity::record,
    applications::lock,
    columns::to_json,
    commands::{NewCommand, insert_command},
    connect::Store,
    entity::{application, release},
    error::{DatabaseError, During, StoreError, is_taken},
    releases::{Release, in_states, note},
    scope::SystemScope,
};

/// What happens together with a release's step. `None` leaves things as they are.
#[derive(Clone, Debug, Default)]
pub struct AdvanceExtra {
    /// When the next state must have ended.
    pub deadline_at: Option<Timestamp>,
    /// When it was in git.
    pub committed_at: Option<Timestamp>,
    /// When Flux had fetched it.
    pub fetched_at: Option<Timestamp>,
    /// When Flux had applied it.
    pub applied_at: Option<Timestamp>,
    /// When it closed; the moment of the step where a closing one says nothing.
    pub finished_at: Option<Timestamp>,
    /// When a worker must look at it next; the moment of the step where it says nothing.
    pub due_at: Option<Timestamp>,
    /// A remark for people.
    pub note: Option<String>,
    /// Commands that the step causes; they get the next numbers of their clusters.
    pub commands: Vec<NewCommand>,
    /// Releases of the same application that end by this step, and how.
    pub overtaken: Vec<(Release, ReleaseState)>,
    /// What it changes about the application.
    pub application: Option<ApplicationChange>,
}

/// What a release's step changes about its application. `None` leaves things as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplicationChange {
    /// The release that made it what it is.
    pub current_release: Option<ReleaseId>,
    /// The namespace it runs in.
    pub namespace: Option<String>,
    /// The source repository that owns it.
    pub repository: Option<RepositoryId>,
    /// It is gone. It stays where another release of it is open: that one brings it back.
    pub deleted_at: Option<Timestamp>,
}

/// What was seen of a release without moving it. `None` leaves things as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReleaseMarks {
    /// When Flux had fetched it.
    pub fetched_at: Option<Timestamp>,
    /// When Flux had applied it.
    pub applied_at: Option<Timestamp>,
}

const ADVANCE: &str = "move a release";

impl Store {
    /// Moves a release to `next`, with everything that belongs to the step, all or nothing. `None` where
    /// it, or one that it overtakes, changed since it was read.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where another release of the application is in git and not closed,
    /// [`StoreError::Absent`] where a command's cluster is not the organization's, [`StoreError::Query`].
    pub async fn advance_release(
        &self,
        _: &SystemScope,
        release: &Release,
        next: ReleaseState,
        extra: AdvanceExtra,
        now: Timestamp,
    ) -> Result<Option<Release>, StoreError> {
        let txn = self.begin(&release.organization_id, ADVANCE).await?;
        let mut noted = Vec::with_capacity(extra.overtaken.len() + 1);
        for (overtaken, end) in &extra.overtaken {
            let after = moved(overtaken, end.clone(), &AdvanceExtra::default(), now);
            if !save(&txn, &after).await? {
                return txn.undo(None).await;
            }
            noted.push(note(Actor::System, &after, Some(&overtaken.state)));
        }
        let after = moved(release, next, &extra, now);
        if !save(&txn, &after).await? {
            return txn.undo(None).await;
        }
        for command in extra.commands {
            insert_command(&txn, release, command, now).await?;
        }
        if let Some(change) = extra.application {
            change_application(&txn, release, change).await?;
        }
        if release.state == ReleaseState::Queued {
            give_back(&txn, release).await.during(ADVANCE)?;
        }
        noted.push(note(Actor::System, &after, Some(&release.state)));
        record(&txn, release.organization_id, noted, now).await?;
        txn.commit().await?;
        Ok(Some(after))
    }

    /// Notes what was seen of a release; `None` where it changed since it was read.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn mark_release(
        &self,
        _: &SystemScope,
        release: &Release,
        marks: ReleaseMarks,
    ) -> Result<Option<Release>, StoreError> {
        let after = Release {
            fetched_at: marks.fetched_at.or(release.fetched_at),
            applied_at: marks.applied_at.or(release.applied_at),
            revision: release.revision + 1,
            ..release.clone()
        };
        Ok(save(&self.write(&release.organization_id), &after).await?.then_some(after))
    }

    /// Puts the next look at a release off; `None` where it changed since it was read.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn postpone_release(
        &self,
        _: &SystemScope,
        release: &Release,
        due_at: Timestamp,
        attempts: i32,
        note: Option<&str>,
    ) -> Result<Option<Release>, StoreError> {
        const OPERATION: &str = "postpone a release";

        let after = Release {
            due_at,
            attempts,
            note: note.map(str::to_owned).or_else(|| release.note.clone()),
            revision: release.revision + 1,
            ..release.clone()
        };
        let txn = self.begin(&release.organization_id, OPERATION).await?;
        if !save(&txn, &after).await? {
            return txn.undo(None).await;
        }
        if release.state == ReleaseState::Queued {
            give_back(&txn, release).await.during(OPERATION)?;
        }
        txn.commit().await?;
        Ok(Some(after))
    }
}

/// The release as it is after the step.
fn moved(release: &Release, next: ReleaseState, extra: &AdvanceExtra, now: Timestamp) -> Release {
    let closed_at = next.is_closed().then_some(now);
    Release {
        state: next,
        deadline_at: extra.deadline_at.unwrap_or(release.deadline_at),
        committed_at: extra.committed_at.or(release.committed_at),
        fetched_at: extra.fetched_at.or(release.fetched_at),
        applied_at: extra.applied_at.or(release.applied_at),
        finished_at: extra.finished_at.or(closed_at),
        attempts: 0,
        due_at: extra.due_at.unwrap_or(now),
        note: extra.note.clone().or_else(|| release.note.clone()),
        revision: release.revision + 1,
        ..release.clone()
    }
}

/// Writes every column that can change, where the row is still the one before; false where it is not.
async fn save(db: &impl ConnectionTrait, after: &Release) -> Result<bool, StoreError> {
    let columns = release::ActiveModel {
        state: Set(after.state.word().to_owned()),
        state_data: Set(to_json("release state", &after.state)?),
        commit_sha: Set(after.state.commit().map(str::to_owned)),
        deadline_at: Set(after.deadline_at.0),
        committed_at: Set(after.committed_at.map(|at| at.0)),
        fetched_at: Set(after.fetched_at.map(|at| at.0)),
        applied_at: Set(after.applied_at.map(|at| at.0)),
        finished_at: Set(after.finished_at.map(|at| at.0)),
        attempts: Set(after.attempts),
        due_at: Set(after.due_at.0),
        note: Set(after.note.clone()),
        revision: Set(after.revision),
        ..Default::default()
    };
    let saved = release::Entity::update_many()
        .set(columns)
        .filter(release::Column::Id.eq(after.id.0))
        .filter(release::Column::Revision.eq(after.revision - 1))
        .exec(db)
        .await;
    match saved {
        Ok(saved) => Ok(saved.rows_affected == 1),
        Err(error) if is_taken(&error) => {
            Err(StoreError::Conflict { what: "the followed release of the application" })
        }
        Err(source) => {
            Err(StoreError::Query { operation: ADVANCE, source: DatabaseError::from(source) })
        }
    }
}

async fn change_application(
    db: &impl ConnectionTrait,
    release: &Release,
    change: ApplicationChange,
) -> Result<(), StoreError> {
    let this = application::Column::Id.eq(release.application_id.0);
    // Locked before the look for open releases: a request locks it too, and is then seen or waits.
    lock(db, this.clone()).await.during(ADVANCE)?;
    let deleted_at = match change.deleted_at {
        Some(at) if !has_other_open_releases(db, release).await? => Set(Some(at.0)),
        Some(_) | None => NotSet,
    };
    let columns = application::ActiveModel {
        current_release: change.current_release.map_or(NotSet, |id| Set(Some(id.0))),
        namespace: change.namespace.map_or(NotSet, Set),
        repository_id: change.repository.map_or(NotSet, |id| Set(Some(id.0))),
        deleted_at,
        ..Default::default()
    };
    if columns == application::ActiveModel::default() {
        return Ok(());
    }
    application::Entity::update_many()
        .set(columns)
        .filter(this)
        .exec(db)
        .await
        .map(drop)
        .during(ADVANCE)
}

async fn has_other_open_releases(
    db: &impl ConnectionTrait,
    release: &Release,
) -> Result<bool, StoreError> {
    let others = release::Entity::find()
        .filter(release::Column::ApplicationId.eq(release.application_id.0))
        .filter(release::Column::Id.ne(release.id.0))
        .filter(in_states(&["queued", "committed", "observed"]));
    Ok(others.count(db).await.during(ADVANCE)? > 0)
}

/// Ends the lease of the application: its next queued release may be claimed.
async fn give_back(db: &impl ConnectionTrait, release: &Release) -> Result<(), DbErr> {
    let freed = application::Entity::update_many()
        .col_expr(application::Column::LeasedUntil, Expr::value(0_i64))
        .filter(application::Column::Id.eq(release.application_id.0))
        .exec(db)
        .await;
    freed.map(drop)
}
