//! Releases: asking for one, and reading them.

use gimlet_domain::{
    activity::{ActivityKind, Actor},
    release::{Intent, ReleaseState, Trigger},
    time::Timestamp,
};
use gimlet_shared::ids::{
    ApplicationId, ArtifactId, EnvironmentId, OrganizationId, ReleaseId, RepositoryId,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::Expr,
};

use crate::{
    activity::{ActivityDetails, NewActivity, record},
    applications::{SeenApplication, ensure_application, is_as_seen, lock_in_order},
    artifacts::{Artifact, owns_artifact},
    columns::{from_json, insert_new, moment, to_json},
    connect::Store,
    entity::{artifact, environment, release, source_repository},
    error::{During, StoreError},
    idempotency::note_effect,
    scope::{SystemScope, TenantScope},
};

/// One attempt to bring an application to an artifact, back, or away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its id; ids sort by the time of the request.
    pub id: ReleaseId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Where it goes.
    pub environment_id: EnvironmentId,
    /// What it changes.
    pub application_id: ApplicationId,
    /// The application's name.
    pub app: String,
    /// The namespace that it asks for.
    pub namespace: String,
    /// What it brings; none of a deletion.
    pub artifact: Option<ArtifactId>,
    /// What it is to bring about.
    pub intent: Intent,
    /// Who asked.
    pub trigger: Trigger,
    /// Where it stands.
    pub state: ReleaseState,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When its present state must have ended.
    pub deadline_at: Timestamp,
    /// When it was in git.
    pub committed_at: Option<Timestamp>,
    /// When Flux had fetched it.
    pub fetched_at: Option<Timestamp>,
    /// When Flux had applied it.
    pub applied_at: Option<Timestamp>,
    /// When it closed.
    pub finished_at: Option<Timestamp>,
    /// How often it was tried in its present state.
    pub attempts: i32,
    /// When a worker must look at it next.
    pub due_at: Timestamp,
    /// A remark for people.
    pub note: Option<String>,
    /// The number of its last change.
    pub revision: i64,
}

/// A release to be asked for. It is due at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRelease {
    /// Where it goes.
    pub environment: EnvironmentId,
    /// The application's name.
    pub app: String,
    /// The namespace that it asks for.
    pub namespace: String,
    /// The source repository that asks, which then owns the application where it is new.
    pub repository: Option<RepositoryId>,
    /// What a rollback brings. The other intents say it themselves.
    pub artifact: Option<ArtifactId>,
    /// What it is to bring about.
    pub intent: Intent,
    /// Who asks.
    pub trigger: Trigger,
    /// When it must have left the queue.
    pub deadline_at: Timestamp,
    /// Asking again with the same key for the same application gets the earlier release.
    pub idempotency_key: Option<String>,
    /// A remark for people.
    pub note: Option<String>,
}

impl NewRelease {
    pub(crate) fn artifact_id(&self) -> Option<ArtifactId> {
        match &self.intent {
            Intent::Deploy { artifact } => Some(*artifact),
            Intent::Rollback { .. } => self.artifact,
            Intent::Delete => None,
        }
    }
}

/// Which releases to list.
#[derive(Clone, Debug, Default)]
pub struct ReleaseFilter {
    /// Only to this environment.
    pub environment: Option<EnvironmentId>,
    /// Only of applications of this name.
    pub app: Option<String>,
    /// Only of this artifact.
    pub artifact: Option<ArtifactId>,
    /// At most so many.
    pub limit: u64,
    /// Only older than this one.
    pub before: Option<ReleaseId>,
}

const REQUEST: &str = "store a release";
const READ: &str = "read a release";
const LIST: &str = "list releases";

impl Store {
    /// Asks for a release, and makes its application where it is new. Returns the earlier release where
    /// one with the same idempotency key was asked for.
    ///
    /// # Errors
    /// [`StoreError::Absent`] names what the organization does not have; [`StoreError::Query`].
    pub async fn request_release(
        &self,
        scope: &TenantScope,
        new: NewRelease,
        now: Timestamp,
    ) -> Result<Release, StoreError> {
        let mut asked = self.request_releases(scope, vec![new], now).await?;
        asked.pop().ok_or(StoreError::Absent { what: "release" })
    }

    /// Asks for several releases at once, all or none; the answer has their order.
    ///
    /// # Errors
    /// As [`Store::request_release`].
    pub async fn request_releases(
        &self,
        scope: &TenantScope,
        new: Vec<NewRelease>,
        now: Timestamp,
    ) -> Result<Vec<Release>, StoreError> {
        let txn = self.begin(scope, REQUEST).await?;
        lock_in_order(&txn, &new).await.during(REQUEST)?;
        let asked = insert_requested(&txn, scope, new, now).await?;
        txn.commit().await?;
        Ok(asked)
    }

    /// Asks for a release as long as its application is the one that was `seen`; `None` where it changed.
    ///
    /// # Errors
    /// As [`Store::request_release`].
    pub async fn request_release_of_seen(
        &self,
        scope: &TenantScope,
        seen: &SeenApplication,
        new: NewRelease,
        now: Timestamp,
    ) -> Result<Option<Release>, StoreError> {
        let txn = self.begin(scope, REQUEST).await?;
        if !is_as_seen(&txn, scope, seen).await? {
            return txn.undo(None).await;
        }
        let mut asked = insert_requested(&txn, scope, vec![new], now).await?;
        txn.commit().await?;
        Ok(asked.pop())
    }

    /// One of the organization's releases.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_release(
        &self,
        scope: &TenantScope,
        id: ReleaseId,
    ) -> Result<Option<Release>, StoreError> {
        let found =
            release::Entity::find_by_id(id.0).filter(release::owned_by(scope.organization()));
        found.one(&self.read(scope)).await.during(READ)?.map(Release::try_from).transpose()
    }

    /// Any release, for reconcilers.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_release_for_system(
        &self,
        system: &SystemScope,
        id: ReleaseId,
    ) -> Result<Option<Release>, StoreError> {
        let found = release::Entity::find_by_id(id.0).one(&self.read(system)).await.during(READ)?;
        found.map(Release::try_from).transpose()
    }

    /// The organization's releases, newest first.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_releases(
        &self,
        scope: &TenantScope,
        filter: &ReleaseFilter,
    ) -> Result<Vec<Release>, StoreError> {
        let rows = release::Entity::find()
            .filter(release::owned_by(scope.organization()))
            .apply_if(filter.environment, |rows, id| {
                rows.filter(release::Column::EnvironmentId.eq(id.0))
            })
            .apply_if(filter.app.as_ref(), |rows, app| rows.filter(release::Column::App.eq(app)))
            .apply_if(filter.artifact, |rows, id| rows.filter(release::Column::ArtifactId.eq(id.0)))
            .apply_if(filter.before, |rows, id| rows.filter(release::Column::Id.lt(id.0)))
            .order_by_desc(release::Column::Id)
            .limit(filter.limit)
            .all(&self.read(scope))
            .await
            .during(LIST)?;
        rows.into_iter().map(Release::try_from).collect()
    }

    /// What the application's newest release that reached git brought; none before the first, and
    /// deletions do not count.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn last_released_artifact(
        &self,
        system: &SystemScope,
        application: ApplicationId,
    ) -> Result<Option<Artifact>, StoreError> {
        let newest = release::Entity::find()
            .filter(release::Column::ApplicationId.eq(application.0))
            .filter(release::Column::CommitSha.is_not_null())
            .filter(release::Column::ArtifactId.is_not_null())
            .order_by_desc(release::Column::Id)
            .one(&self.read(system))
            .await
            .during(READ)?;
        let Some(id) = newest.and_then(|row| row.artifact_id) else { return Ok(None) };
        let found = artifact::Entity::find_by_id(id).one(&self.read(system)).await.during(READ)?;
        found.map(Artifact::try_from).transpose()
    }
}

/// Inserts what a member asks for, with the record of it.
async fn insert_requested(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    new: Vec<NewRelease>,
    now: Timestamp,
) -> Result<Vec<Release>, StoreError> {
    let (organization, actor) = (scope.organization(), scope.actor());
    let (mut noted, mut asked) = (Vec::new(), Vec::with_capacity(new.len()));
    for new in new {
        asked.push(insert_release(db, organization, new, now, &actor, &mut noted).await?);
    }
    record(db, organization, noted, now).await?;
    let made: Vec<String> = asked.iter().map(|release| release.id.to_string()).collect();
    note_effect(db, scope, &made).await?;
    Ok(asked)
}

/// Inserts a queued release inside a transaction, or finds the earlier one of its idempotency key.
pub(crate) async fn insert_release(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    new: NewRelease,
    now: Timestamp,
    actor: &Actor,
    noted: &mut Vec<NewActivity>,
) -> Result<Release, StoreError> {
    check_references(db, organization, &new).await?;
    if let Some(earlier) = find_earlier(db, &new).await? {
        return earlier.try_into();
    }
    let application = ensure_application(db, organization, &new, now).await?;
    let row = release_row(organization, application, &new, now)?;
    let key =
        [release::Column::EnvironmentId, release::Column::App, release::Column::IdempotencyKey];
    if insert_new(db, row.clone(), key).await.during(REQUEST)? {
        let release = Release::try_from(row)?;
        noted.push(note(actor.clone(), &release, None));
        return Ok(release);
    }
    // Someone stored it between the look and the insert.
    let earlier =
        find_earlier(db, &new).await?.ok_or(StoreError::Conflict { what: "the release" })?;
    earlier.try_into()
}

/// A foreign key would refuse foreign rows as well, and not say which of them.
/// That a release is now in its state, and was in the other one before.
pub(crate) fn note(actor: Actor, release: &Release, before: Option<&ReleaseState>) -> NewActivity {
    let intent = match release.intent {
        Intent::Deploy { .. } => "deploy",
        Intent::Rollback { .. } => "rollback",
        Intent::Delete => "delete",
    };
    NewActivity {
        kind: ActivityKind::of_release(&release.state),
        actor,
        environment: Some(release.environment_id),
        app: Some(release.app.clone()),
        details: ActivityDetails {
            release: Some(release.id),
            intent: Some(intent.to_owned()),
            before: before.map(|state| state.word().to_owned()),
            after: Some(release.state.word().to_owned()),
            reason: release.state.cause().map(|cause| cause.summary.clone()),
            ..Default::default()
        },
    }
}

async fn check_references(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    new: &NewRelease,
) -> Result<(), StoreError> {
    let environment = environment::Entity::find_by_id(new.environment.0)
        .filter(environment::owned_by(organization));
    if environment.one(db).await.during(REQUEST)?.is_none() {
        return Err(StoreError::Absent { what: "environment" });
    }
    if let Some(id) = new.artifact_id()
        && !owns_artifact(db, organization, id).await?
    {
        return Err(StoreError::Absent { what: "artifact" });
    }
    if let Some(id) = new.repository {
        let owned = source_repository::Entity::find_by_id(id.0)
            .filter(source_repository::owned_by(organization));
        if owned.one(db).await.during(REQUEST)?.is_none() {
            return Err(StoreError::Absent { what: "repository" });
        }
    }
    if let Intent::Rollback { to } = &new.intent {
        let target = release::Entity::find_by_id(to.0).filter(release::owned_by(organization));
        if target.one(db).await.during(REQUEST)?.is_none() {
            return Err(StoreError::Absent { what: "release" });
        }
    }
    Ok(())
}

async fn find_earlier(
    db: &impl ConnectionTrait,
    new: &NewRelease,
) -> Result<Option<release::Model>, StoreError> {
    let Some(key) = new.idempotency_key.as_deref() else { return Ok(None) };
    let earlier = release::Entity::find()
        .filter(release::Column::EnvironmentId.eq(new.environment.0))
        .filter(release::Column::App.eq(new.app.as_str()))
        .filter(release::Column::IdempotencyKey.eq(key));
    earlier.one(db).await.during(REQUEST)
}

fn release_row(
    organization: OrganizationId,
    application: ApplicationId,
    new: &NewRelease,
    now: Timestamp,
) -> Result<release::Model, StoreError> {
    let state = ReleaseState::Queued;
    Ok(release::Model {
        id: ReleaseId::new().0,
        organization_id: organization.0,
        environment_id: new.environment.0,
        application_id: application.0,
        app: new.app.clone(),
        namespace: new.namespace.clone(),
        artifact_id: new.artifact_id().map(|id| id.0),
        intent: to_json("intent", &new.intent)?,
        asked_by: to_json("trigger", &new.trigger)?,
        state: state.word().to_owned(),
        state_data: to_json("release state", &state)?,
        commit_sha: None,
        requested_at: now.0,
        deadline_at: new.deadline_at.0,
        committed_at: None,
        fetched_at: None,
        applied_at: None,
        finished_at: None,
        attempts: 0,
        due_at: now.0,
        note: new.note.clone(),
        idempotency_key: new.idempotency_key.clone(),
        revision: 1,
    })
}

/// Releases in one of these states.
pub(crate) fn in_states(states: &[&'static str]) -> Expr {
    release::Column::State.is_in(states.iter().copied())
}

impl TryFrom<release::Model> for Release {
    type Error = StoreError;

    fn try_from(row: release::Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: ReleaseId(row.id),
            organization_id: OrganizationId(row.organization_id),
            environment_id: EnvironmentId(row.environment_id),
            application_id: ApplicationId(row.application_id),
            app: row.app,
            namespace: row.namespace,
            artifact: row.artifact_id.map(ArtifactId),
            intent: from_json("intent", &row.intent)?,
            trigger: from_json("trigger", &row.asked_by)?,
            state: from_json("release state", &row.state_data)?,
            requested_at: Timestamp(row.requested_at),
            deadline_at: Timestamp(row.deadline_at),
            committed_at: moment(row.committed_at),
            fetched_at: moment(row.fetched_at),
            applied_at: moment(row.applied_at),
            finished_at: moment(row.finished_at),
            attempts: row.attempts,
            due_at: Timestamp(row.due_at),
            note: row.note,
            revision: row.revision,
        })
    }
}
