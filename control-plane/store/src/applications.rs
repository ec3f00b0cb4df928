//! Applications: what a manifest describes and releases change, and how it is.

use gimlet_domain::{health::Health, time::Timestamp};
use gimlet_shared::ids::{ApplicationId, EnvironmentId, OrganizationId, ReleaseId, RepositoryId};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, ExprTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use crate::{
    columns::{active, from_json, moment, to_json},
    connect::Store,
    entity::{application, environment, release},
    error::{During, StoreError},
    releases::NewRelease,
    scope::{ClusterScope, SystemScope, TenantScope},
};

/// One `app` name in one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The environment it lives in.
    pub environment_id: EnvironmentId,
    /// Its name, unique among the environment's living applications.
    pub name: String,
    /// The namespace it runs in.
    pub namespace: String,
    /// The source repository that owns it.
    pub repository_id: Option<RepositoryId>,
    /// How it is.
    pub health: Health,
    /// Since when.
    pub health_at: Option<Timestamp>,
    /// The release that made it what it is.
    pub current_release: Option<ReleaseId>,
    /// When it was first asked for.
    pub created_at: Timestamp,
    /// When it went away.
    pub deleted_at: Option<Timestamp>,
    /// The number of its last change.
    pub revision: i64,
    /// Where people reach it, as its cluster said last.
    pub url: Option<String>,
}

/// An application as someone saw it: what must still hold for a change that is made on its strength.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenApplication {
    /// Which one.
    pub id: ApplicationId,
    /// The number of its last change.
    pub revision: i64,
    /// Its newest release, and the number of that one's last change.
    pub newest: Option<(ReleaseId, i64)>,
}

const READ: &str = "read an application";
const LIST: &str = "list the applications of a cluster";
const ENSURE: &str = "store an application";
const COMPARE: &str = "compare an application with what was seen";

impl Store {
    /// The organization's living application of this name in the environment of that name.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_application(
        &self,
        scope: &TenantScope,
        environment: &str,
        app: &str,
    ) -> Result<Option<Application>, StoreError> {
        let Some(environment) = self.find_environment_by_name(scope, environment).await? else {
            return Ok(None);
        };
        let found = application::Entity::find()
            .filter(application::owned_by(scope.organization()))
            .filter(living_in(environment.id, app));
        found.one(&self.read(scope)).await.during(READ)?.map(Application::try_from).transpose()
    }

    /// The living applications on the cluster that speaks, by name.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_cluster_applications(
        &self,
        scope: &ClusterScope,
    ) -> Result<Vec<Application>, StoreError> {
        let on_cluster = environment::Entity::find()
            .select_only()
            .column(environment::Column::Id)
            .filter(environment::owned_by(scope.organization()))
            .filter(environment::Column::ClusterId.eq(scope.cluster().0));
        let rows = application::Entity::find()
            .filter(application::Column::EnvironmentId.in_subquery(on_cluster.into_query()))
            .filter(application::Column::DeletedAt.is_null())
            .order_by_asc(application::Column::Name)
            .order_by_asc(application::Column::Id)
            .all(&self.read(scope))
            .await
            .during(LIST)?;
        rows.into_iter().map(Application::try_from).collect()
    }

    /// Notes how an application is; true where that is news.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn set_health(
        &self,
        system: &SystemScope,
        id: ApplicationId,
        health: &Health,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let health = to_json("health", health)?;
        let changed = application::Entity::update_many()
            .col_expr(application::Column::Health, Expr::value(health.as_str()))
            .col_expr(application::Column::HealthAt, Expr::value(now.0))
            .col_expr(
                application::Column::Revision,
                Expr::col(application::Column::Revision).add(1),
            )
            .filter(application::Column::Id.eq(id.0))
            .filter(application::Column::Health.ne(health.as_str()))
            .exec(&self.write(system))
            .await
            .during("note an application's health")?;
        Ok(changed.rows_affected == 1)
    }

    /// Notes where people reach an application; true where that is news.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn set_url(
        &self,
        system: &SystemScope,
        id: ApplicationId,
        url: Option<&str>,
    ) -> Result<bool, StoreError> {
        let column = application::Column::Url;
        let differs = match url {
            Some(url) => column.ne(url).or(column.is_null()),
            None => column.is_not_null(),
        };
        let changed = application::Entity::update_many()
            .col_expr(column, Expr::value(url.map(str::to_owned)))
            .col_expr(
                application::Column::Revision,
                Expr::col(application::Column::Revision).add(1),
            )
            .filter(application::Column::Id.eq(id.0))
            .filter(differs)
            .exec(&self.write(system))
            .await
            .during("note an application's address")?;
        Ok(changed.rows_affected == 1)
    }
}

/// The living application that a release is for, made where there is none. Its row stays locked until the
/// transaction ends, so that it cannot be deleted meanwhile.
pub(crate) async fn ensure_application(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    new: &NewRelease,
    now: Timestamp,
) -> Result<ApplicationId, StoreError> {
    if !lock(db, living_in(new.environment, &new.app)).await.during(ENSURE)? {
        let row = application::Model {
            id: ApplicationId::new().0,
            organization_id: organization.0,
            environment_id: new.environment.0,
            name: new.app.clone(),
            namespace: new.namespace.clone(),
            repository_id: new.repository.map(|id| id.0),
            health: to_json("health", &Health::Unknown)?,
            health_at: None,
            current_release: None,
            created_at: now.0,
            deleted_at: None,
            leased_until: 0,
            revision: 1,
            url: None,
        };
        let living =
            OnConflict::columns([application::Column::EnvironmentId, application::Column::Name])
                .target_and_where(application::Column::DeletedAt.is_null())
                .do_nothing()
                .to_owned();
        let inserted = application::Entity::insert(active(row))
            .on_conflict(living)
            .exec_without_returning(db)
            .await;
        inserted.during(ENSURE)?;
    }
    let found =
        application::Entity::find().filter(living_in(new.environment, &new.app)).one(db).await;
    found
        .during(ENSURE)?
        .map(|row| ApplicationId(row.id))
        .ok_or(StoreError::Conflict { what: "the application" })
}

/// Locks the application and its newest release until the transaction ends, if both are what was seen.
///
/// A newer release would have changed the application's revision: [`ensure_application`] does.
pub(crate) async fn is_as_seen(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    seen: &SeenApplication,
) -> Result<bool, StoreError> {
    let this = application::owned_by(scope.organization())
        .and(application::Column::Id.eq(seen.id.0))
        .and(application::Column::Revision.eq(seen.revision))
        .and(application::Column::DeletedAt.is_null());
    if !lock(db, this).await.during(COMPARE)? {
        return Ok(false);
    }
    let Some((release, revision)) = seen.newest else { return Ok(true) };
    let held = release::Entity::update_many()
        .col_expr(release::Column::Revision, Expr::col(release::Column::Revision))
        .filter(release::owned_by(scope.organization()))
        .filter(release::Column::Id.eq(release.0))
        .filter(release::Column::Revision.eq(revision))
        .exec(db)
        .await
        .during(COMPARE)?;
    Ok(held.rows_affected == 1)
}

/// Locks the applications of several releases in the order in which everyone locks them, so that nobody
/// waits in a circle. New ones are nobody else's yet.
pub(crate) async fn lock_in_order(
    db: &impl ConnectionTrait,
    new: &[NewRelease],
) -> Result<(), DbErr> {
    if new.len() < 2 {
        return Ok(());
    }
    let named = new.iter().fold(Condition::any(), |any, release| {
        any.add(living_in(release.environment, &release.app))
    });
    let living = application::Entity::find()
        .select_only()
        .column(application::Column::Id)
        .filter(named)
        .order_by_asc(application::Column::Id);
    for id in living.into_tuple::<Uuid>().all(db).await? {
        lock(db, application::Column::Id.eq(id)).await?;
    }
    Ok(())
}

/// Locks the rows by changing them; false where there is none.
pub(crate) async fn lock(db: &impl ConnectionTrait, which: Expr) -> Result<bool, DbErr> {
    let locked = application::Entity::update_many()
        .col_expr(application::Column::Revision, Expr::col(application::Column::Revision).add(1))
        .filter(which)
        .exec(db)
        .await?;
    Ok(locked.rows_affected > 0)
}

fn living_in(environment: EnvironmentId, app: &str) -> Expr {
    application::Column::EnvironmentId
        .eq(environment.0)
        .and(application::Column::Name.eq(app))
        .and(application::Column::DeletedAt.is_null())
}

impl TryFrom<application::Model> for Application {
    type Error = StoreError;

    fn try_from(row: application::Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: ApplicationId(row.id),
            organization_id: OrganizationId(row.organization_id),
            environment_id: EnvironmentId(row.environment_id),
            name: row.name,
            namespace: row.namespace,
            repository_id: row.repository_id.map(RepositoryId),
            health: from_json("health", &row.health)?,
            health_at: moment(row.health_at),
            current_release: row.current_release.map(ReleaseId),
            created_at: Timestamp(row.created_at),
            deleted_at: moment(row.deleted_at),
            revision: row.revision,
            url: row.url,
        })
    }
}
