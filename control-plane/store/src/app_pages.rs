//! Applications a page at a time: what a page asks is a fixed number of queries, however many there are.

use gimlet_shared::ids::{ApplicationId, ClusterId};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    prelude::Uuid,
    sea_query::{Alias, Expr, ExprTrait},
};

use crate::{
    applications::Application,
    columns::from_count,
    connect::Store,
    entity::{application, environment, source_repository},
    error::{During, StoreError},
    scope::TenantScope,
    search::{best, has, joined},
};

/// Which applications to list.
#[derive(Clone, Debug, Default)]
pub struct ApplicationFilter {
    /// Only with this in the application's name, its environment's or its repository's, whatever the case.
    pub text: Option<String>,
    /// Only of this health: [`Health::word`](gimlet_domain::health::Health::word).
    pub health: Option<String>,
    /// Only on this cluster.
    pub cluster: Option<ClusterId>,
    /// Only after the one of this name in the environment of that name.
    pub after: Option<(String, String)>,
    /// At most so many.
    pub limit: u64,
}

const LIST: &str = "list applications";
const READ: &str = "read applications for a page";

impl Store {
    /// The organization's living applications by name and environment, each with its environment's name.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_applications(
        &self,
        scope: &TenantScope,
        filter: &ApplicationFilter,
    ) -> Result<Vec<(Application, String)>, StoreError> {
        let rows = in_environments(scope)
            .filter(found_by(scope, filter))
            .apply_if(filter.after.as_ref(), |rows, (app, environment)| {
                // Spelled out, so that the index leads to where the page begins.
                let name = application::Column::Name;
                let later = name.gt(app).or(environment::Column::Name.gt(environment));
                rows.filter(name.gte(app)).filter(later)
            })
            .order_by_asc(application::Column::Name)
            .order_by_asc(environment::Column::Name)
            .limit(filter.limit);
        self.with_environment(scope, rows, LIST).await
    }

    /// How many living applications the filter finds of each health, leaving out those without any. The
    /// filter's own health, place and limit do not count.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn count_applications(
        &self,
        scope: &TenantScope,
        filter: &ApplicationFilter,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let all = ApplicationFilter { health: None, ..filter.clone() };
        let counts: Vec<(String, i64)> = living(scope)
            .filter(found_by(scope, &all))
            .select_only()
            .column_as(health_word(), "health")
            .column_as(Expr::col((application::Entity, application::Column::Id)).count(), "count")
            .group_by(health_word())
            .into_tuple()
            .all(&self.read(scope))
            .await
            .during("count applications")?;
        let count = |(health, count)| Ok((health, from_count("count of applications", count)?));
        counts.into_iter().map(count).collect()
    }

    /// The organization's applications of these ids, in no order and gone ones too; unknown ids are left
    /// out.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_applications(
        &self,
        scope: &TenantScope,
        ids: &[ApplicationId],
    ) -> Result<Vec<Application>, StoreError> {
        let rows = application::Entity::find()
            .filter(application::owned_by(scope.organization()))
            .filter(application::Column::Id.is_in(ids.iter().map(|id| id.0)))
            .all(&self.read(scope))
            .await
            .during(READ)?;
        rows.into_iter().map(Application::try_from).collect()
    }

    /// The few living applications whose name and environment have all of these words, the best first.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn search_applications(
        &self,
        scope: &TenantScope,
        words: &[&str],
        limit: u64,
    ) -> Result<Vec<(Application, String)>, StoreError> {
        let name = Expr::col((application::Entity, application::Column::Name));
        let environment = Expr::col((environment::Entity, environment::Column::Name));
        let name = joined(joined(name, Expr::value(" ")), environment);
        self.with_environment(scope, best(in_environments(scope), &name, words, limit), LIST).await
    }

    async fn with_environment(
        &self,
        scope: &TenantScope,
        rows: Select<application::Entity>,
        operation: &'static str,
    ) -> Result<Vec<(Application, String)>, StoreError> {
        let rows = rows.select_also(environment::Entity).all(&self.read(scope)).await;
        let rows = rows.during(operation)?.into_iter();
        let read = |(app, environment): (_, Option<environment::Model>)| {
            let environment = environment.map(|found| found.name).unwrap_or_default();
            Ok((Application::try_from(app)?, environment))
        };
        rows.map(read).collect()
    }
}

fn living(scope: &TenantScope) -> Select<application::Entity> {
    application::Entity::find()
        .filter(application::owned_by(scope.organization()))
        .filter(application::Column::DeletedAt.is_null())
}

/// Living applications beside their environments.
fn in_environments(scope: &TenantScope) -> Select<application::Entity> {
    let mut rows = living(scope);
    let same = Expr::col((environment::Entity, environment::Column::Id))
        .equals((application::Entity, application::Column::EnvironmentId));
    QueryTrait::query(&mut rows).inner_join(environment::Entity, same);
    rows
}

fn found_by(scope: &TenantScope, filter: &ApplicationFilter) -> Condition {
    let mut found = Condition::all();
    if let Some(health) = &filter.health {
        found = found.add(health_word().eq(health.as_str()));
    }
    if let Some(cluster) = filter.cluster {
        let on_cluster = environment::Column::ClusterId.eq(cluster.0);
        found = found.add(in_those(scope, on_cluster));
    }
    if let Some(text) = &filter.text {
        let named = |column: environment::Column| Expr::col((environment::Entity, column));
        let repositories = source_repository::Entity::find()
            .select_only()
            .column(source_repository::Column::Id)
            .filter(source_repository::owned_by(scope.organization()))
            .filter(has(Expr::col(source_repository::Column::Name), text));
        found = found.add(
            Condition::any()
                .add(has(Expr::col((application::Entity, application::Column::Name)), text))
                .add(in_those(scope, has(named(environment::Column::Name), text)))
                .add(application::Column::RepositoryId.in_subquery(repositories.into_query())),
        );
    }
    found
}

/// In the environments of which `which` holds.
fn in_those(scope: &TenantScope, which: Expr) -> Expr {
    let environments = environment::Entity::find()
        .select_only()
        .column(environment::Column::Id)
        .filter(environment::owned_by(scope.organization()))
        .filter(which);
    application::Column::EnvironmentId.in_subquery(environments.into_query())
}

/// The word of an application's health: the database computes it from `health`.
pub(crate) fn health_word() -> Expr {
    Expr::col((application::Entity, Alias::new("health_word")))
}

/// How many applications a cluster has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AppCounts {
    /// All that live.
    pub all: u64,
    /// Of these, the degraded ones.
    pub degraded: u64,
}

impl Store {
    /// How many living applications each of these clusters of the organization has; clusters without any
    /// are left out.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn count_cluster_applications(
        &self,
        scope: &TenantScope,
        clusters: &[ClusterId],
    ) -> Result<Vec<(ClusterId, AppCounts)>, StoreError> {
        let cluster = || Expr::col((environment::Entity, environment::Column::ClusterId));
        let counts: Vec<(Uuid, String, i64)> = in_environments(scope)
            .filter(environment::Column::ClusterId.is_in(clusters.iter().map(|id| id.0)))
            .select_only()
            .column_as(cluster(), "cluster")
            .column_as(health_word(), "health")
            .column_as(Expr::col((application::Entity, application::Column::Id)).count(), "count")
            .group_by(cluster())
            .group_by(health_word())
            .into_tuple()
            .all(&self.read(scope))
            .await
            .during("count the applications of clusters")?;
        let mut found: Vec<(ClusterId, AppCounts)> = Vec::new();
        for (cluster, health, count) in counts {
            let (cluster, count) =
                (ClusterId(cluster), from_count("count of applications", count)?);
            let degraded = if health == "degraded" { count } else { 0 };
            match found.iter_mut().find(|(known, _)| *known == cluster) {
                Some((_, counts)) => {
                    counts.all += count;
                    counts.degraded += degraded;
                }
                None => found.push((cluster, AppCounts { all: count, degraded })),
            }
        }
        Ok(found)
    }
}
