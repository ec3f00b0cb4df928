//! What pages ask about many releases at once: each in a fixed number of queries.

use gimlet_shared::ids::{ApplicationId, ArtifactId, EnvironmentId, ReleaseId};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};

use crate::{
    artifacts::Artifact,
    connect::Store,
    entity::{application, artifact, release},
    error::{During, StoreError},
    releases::Release,
    scope::TenantScope,
};

/// Ids in one query: well below what either database takes as parameters.
const AT_ONCE: usize = 500;

const READ: &str = "read releases for a page";

impl Store {
    /// The newest release of each of these applications of the organization.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_newest_releases(
        &self,
        scope: &TenantScope,
        applications: &[ApplicationId],
    ) -> Result<Vec<Release>, StoreError> {
        let mut found = Vec::with_capacity(applications.len());
        for some in applications.chunks(AT_ONCE) {
            // One step in an index for each application, however many releases it has.
            let newest = Query::select()
                .expr(Expr::SubQuery(None, Box::new(newest_of_application().into())))
                .from(application::Entity)
                .and_where(
                    Expr::col((application::Entity, application::Column::Id))
                        .is_in(some.iter().map(|id| id.0)),
                )
                .to_owned();
            let rows = release::Entity::find()
                .filter(release::owned_by(scope.organization()))
                .filter(release::Column::Id.in_subquery(newest))
                .all(&self.read(scope))
                .await
                .during(READ)?;
            found.extend(rows);
        }
        found.into_iter().map(Release::try_from).collect()
    }

    /// The organization's releases of these ids, in no order; unknown ids are left out.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_releases(
        &self,
        scope: &TenantScope,
        ids: &[ReleaseId],
    ) -> Result<Vec<Release>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(AT_ONCE) {
            let rows = release::Entity::find()
                .filter(release::owned_by(scope.organization()))
                .filter(release::Column::Id.is_in(some.iter().map(|id| id.0)))
                .all(&self.read(scope))
                .await
                .during(READ)?;
            found.extend(rows);
        }
        found.into_iter().map(Release::try_from).collect()
    }

    /// The organization's artifacts of these ids, in no order and without what was decided about them.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_artifacts(
        &self,
        scope: &TenantScope,
        ids: &[ArtifactId],
    ) -> Result<Vec<Artifact>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(AT_ONCE) {
            let rows = artifact::Entity::find()
                .filter(artifact::owned_by(scope.organization()))
                .filter(artifact::Column::Id.is_in(some.iter().map(|id| id.0)))
                .all(&self.read(scope))
                .await
                .during(READ)?;
            found.extend(rows);
        }
        found.into_iter().map(Artifact::try_from).collect()
    }

    /// The application's newest healthy releases, newest first.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_healthy_of_application(
        &self,
        scope: &TenantScope,
        application: ApplicationId,
        limit: u64,
    ) -> Result<Vec<Release>, StoreError> {
        let which = release::Column::ApplicationId.eq(application.0);
        self.healthy(scope, Condition::all().add(which), limit).await
    }

    /// The environment's newest healthy releases, newest first.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_healthy_of_environment(
        &self,
        scope: &TenantScope,
        environment: EnvironmentId,
        limit: u64,
    ) -> Result<Vec<Release>, StoreError> {
        let which = release::Column::EnvironmentId.eq(environment.0);
        self.healthy(scope, Condition::all().add(which), limit).await
    }

    async fn healthy(
        &self,
        scope: &TenantScope,
        which: Condition,
        limit: u64,
    ) -> Result<Vec<Release>, StoreError> {
        let rows = release::Entity::find()
            .filter(release::owned_by(scope.organization()))
            .filter(which)
            // Written out, since a parameter would keep the partial index from being used.
            .filter(Expr::cust("state = 'healthy'"))
            .order_by_desc(release::Column::Id)
            .limit(limit)
            .all(&self.read(scope))
            .await
            .during(READ)?;
        rows.into_iter().map(Release::try_from).collect()
    }
}

/// The id of the newest release of the application in the query around it.
fn newest_of_application() -> SelectStatement {
    Query::select()
        .column((release::Entity, release::Column::Id))
        .from(release::Entity)
        .and_where(
            Expr::col((release::Entity, release::Column::ApplicationId))
                .equals((application::Entity, application::Column::Id)),
        )
        .order_by((release::Entity, release::Column::Id), sea_orm::Order::Desc)
        .limit(1)
        .to_owned()
}
