//! What pages ask about many releases at once: each in a fixed number of queries.

use gimlet_shared::ids::{ApplicationId, ArtifactId, EnvironmentId, ReleaseId};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};

use crate::{
    artifacts::Artifact,
    connect::Store,
    entity::{application, artifact, decision, environment, release},
    error::{During, StoreError},
    releases::Release,
    scope::TenantScope,
};

/// The newest release of what was decided for one manifest of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedRelease {
    /// The artifact.
    pub artifact: ArtifactId,
    /// Environment's name.
    pub environment: String,
    /// Application's name.
    pub app: String,
    /// The release.
    pub release: ReleaseId,
}

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

    /// The newest release of each manifest of these artifacts of the organization, where it has one.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn list_decided_releases(
        &self,
        scope: &TenantScope,
        artifacts: &[ArtifactId],
    ) -> Result<Vec<DecidedRelease>, StoreError> {
        let mut decided = decision::Entity::find()
            .filter(decision::owned_by(scope.organization()))
            .filter(decision::Column::ArtifactId.is_in(artifacts.iter().map(|id| id.0)))
            .select_only()
            .column(decision::Column::ArtifactId)
            .column(decision::Column::Env)
            .column(decision::Column::App)
            .column_as(Expr::SubQuery(None, Box::new(newest_of_decision(scope).into())), "release");
        let column = |column| Expr::col((environment::Entity, column));
        let named = column(environment::Column::OrganizationId)
            .equals((decision::Entity, decision::Column::OrganizationId))
            .and(
                column(environment::Column::Name).equals((decision::Entity, decision::Column::Env)),
            );
        QueryTrait::query(&mut decided).inner_join(environment::Entity, named);
        let rows: Vec<(Uuid, String, String, Option<Uuid>)> =
            decided.into_tuple().all(&self.read(scope)).await.during(READ)?;
        let found = |(artifact, environment, app, release): (_, _, _, Option<_>)| {
            let (artifact, release) = (ArtifactId(artifact), ReleaseId(release?));
            Some(DecidedRelease { artifact, environment, app, release })
        };
        Ok(rows.into_iter().filter_map(found).collect())
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

/// The id of the newest release of the decision and its environment in the query around it.
fn newest_of_decision(scope: &TenantScope) -> SelectStatement {
    let column = |column| Expr::col((release::Entity, column));
    Query::select()
        .column((release::Entity, release::Column::Id))
        .from(release::Entity)
        .and_where(release::owned_by(scope.organization()))
        .and_where(
            column(release::Column::ArtifactId)
                .equals((decision::Entity, decision::Column::ArtifactId)),
        )
        .and_where(
            column(release::Column::EnvironmentId)
                .equals((environment::Entity, environment::Column::Id)),
        )
        .and_where(column(release::Column::App).equals((decision::Entity, decision::Column::App)))
        .order_by((release::Entity, release::Column::Id), sea_orm::Order::Desc)
        .limit(1)
        .to_owned()
}
