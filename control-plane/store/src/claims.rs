//! Handing queued releases to a worker: one worker per application at a time.

use gimlet_domain::time::Timestamp;
use gimlet_shared::ids::ApplicationId;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, sea_query::Expr,
};
use uuid::Uuid;

use crate::{
    applications::Application,
    connect::Store,
    entity::{application, environment, release, source_repository},
    environments::Environment,
    error::{During, StoreError},
    releases::{Release, in_states},
    scope::SystemScope,
};

/// The queued releases of one application, handed to one worker.
#[derive(Clone, Debug)]
pub struct QueuedGroup {
    /// Where they go.
    pub environment: Environment,
    /// What they change.
    pub application: Application,
    /// All that are queued, due or not, oldest first.
    pub releases: Vec<Release>,
    /// The release that is in git and not closed, if there is one.
    pub followed: Option<Release>,
}

const CLAIM: &str = "claim queued releases";
const RESUME: &str = "resume after a restart";

impl Store {
    /// Takes up to `limit` applications with a queued release that is due, longest due first. Nobody else
    /// gets them before `lease_until`, unless one of their queued releases is advanced or postponed.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn claim_queued(
        &self,
        system: &SystemScope,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u64,
    ) -> Result<Vec<QueuedGroup>, StoreError> {
        // Most looks find nothing: they must not take the writer's turn.
        let due = due_applications(&self.read(system), now, limit).await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let txn = self.begin(system, CLAIM).await?;
        let mut groups = Vec::with_capacity(due.len());
        for application in due {
            if lease(&txn, application, now, lease_until).await? {
                groups.extend(read_group(&txn, application).await?);
            }
        }
        txn.commit().await?;
        Ok(groups)
    }

    /// Holds an application that was claimed until `held_until` for longer; false where that claim is over,
    /// because a release of it was advanced or postponed, or because it ran out and somebody else has it.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn keep_claim(
        &self,
        system: &SystemScope,
        application: ApplicationId,
        held_until: Timestamp,
        lease_until: Timestamp,
    ) -> Result<bool, StoreError> {
        let kept = application::Entity::update_many()
            .col_expr(application::Column::LeasedUntil, Expr::value(lease_until.0))
            .filter(application::Column::Id.eq(application.0))
            .filter(application::Column::LeasedUntil.eq(held_until.0))
            .exec(&self.write(system))
            .await
            .during("keep a claim")?;
        Ok(kept.rows_affected == 1)
    }
}

impl Store {
    /// Gives back what an earlier run of this process may have held when it was killed: every repository is
    /// due for a look, for what was announced while nobody listened. On SQLite, where one process is all
    /// there is, queued releases are free at once; on PostgreSQL another replica may be at work on them, so
    /// their leases run out by themselves.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn resume_after_restart(
        &self,
        system: &SystemScope,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let txn = self.begin(system, RESUME).await?;
        source_repository::Entity::update_many()
            .col_expr(source_repository::Column::PollDueAt, Expr::value(now.0))
            .filter(source_repository::Column::PollDueAt.gt(now.0))
            .exec(&txn)
            .await
            .during(RESUME)?;
        if txn.get_database_backend() == DbBackend::Sqlite {
            application::Entity::update_many()
                .col_expr(application::Column::LeasedUntil, Expr::value(now.0))
                .filter(application::Column::LeasedUntil.gt(now.0))
                .exec(&txn)
                .await
                .during(RESUME)?;
        }
        txn.commit().await
    }
}

async fn due_applications(
    db: &impl ConnectionTrait,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<Uuid>, StoreError> {
    let free = application::Entity::find()
        .select_only()
        .column(application::Column::Id)
        .filter(application::Column::LeasedUntil.lte(now.0));
    let due = release::Entity::find()
        .select_only()
        .column(release::Column::ApplicationId)
        .filter(in_states(&["queued"]))
        .filter(release::Column::DueAt.lte(now.0))
        .filter(release::Column::ApplicationId.in_subquery(free.into_query()))
        .group_by(release::Column::ApplicationId)
        .order_by_asc(release::Column::DueAt.min())
        .limit(limit);
    let mut due = due.into_tuple::<Uuid>().all(db).await.during(CLAIM)?;
    // Everyone locks applications in the same order, so that nobody waits in a circle.
    due.sort_unstable();
    Ok(due)
}

async fn lease(
    db: &impl ConnectionTrait,
    application: Uuid,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let leased = application::Entity::update_many()
        .col_expr(application::Column::LeasedUntil, Expr::value(until.0))
        .filter(application::Column::Id.eq(application))
        .filter(application::Column::LeasedUntil.lte(now.0))
        .exec(db)
        .await
        .during(CLAIM)?;
    Ok(leased.rows_affected == 1)
}

async fn read_group(
    db: &impl ConnectionTrait,
    application: Uuid,
) -> Result<Option<QueuedGroup>, StoreError> {
    let open = release::Entity::find()
        .filter(release::Column::ApplicationId.eq(application))
        .filter(in_states(&["queued", "committed", "observed"]))
        .order_by_asc(release::Column::Id);
    let open = open.all(db).await.during(CLAIM)?;
    let open = open.into_iter().map(Release::try_from).collect::<Result<Vec<_>, _>>()?;
    let (followed, releases): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|release| release.state.is_followed());
    let Some(application) =
        application::Entity::find_by_id(application).one(db).await.during(CLAIM)?
    else {
        return Ok(None);
    };
    let Some(environment) =
        environment::Entity::find_by_id(application.environment_id).one(db).await.during(CLAIM)?
    else {
        return Ok(None);
    };
    let (environment, application) =
        (Environment::try_from(environment)?, Application::try_from(application)?);
    // The queue may have been emptied between the look and the lease.
    Ok((!releases.is_empty()).then(|| QueuedGroup {
        environment,
        application,
        releases,
        followed: followed.into_iter().next(),
    }))
}
