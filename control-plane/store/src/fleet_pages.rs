//! Clusters and environments a page at a time: what a page asks is a fixed number of queries, however many
//! there are.

use gimlet_domain::names::PRODUCTION_WORDS;
use gimlet_shared::ids::{ClusterId, EnvironmentId};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
    sea_query::{CaseStatement, Expr, ExprTrait, Func},
};

use crate::{
    app_pages::health_word,
    clusters::Cluster,
    columns::from_count,
    connect::Store,
    entity::{application, cluster, environment},
    environments::Environment,
    error::{During, StoreError},
    scope::TenantScope,
    search::{best, has, joined},
};

/// Which clusters to list.
#[derive(Clone, Debug, Default)]
pub struct ClusterFilter {
    /// Only with this in the cluster's name or in that of one of its environments, whatever the case.
    pub text: Option<String>,
    /// Only in this condition.
    pub condition: Option<ClusterCondition>,
    /// Only after the one of this name.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u64,
}

/// How a cluster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterCondition {
    /// Its agent is connected.
    Connected,
    /// Its agent never was.
    Waiting,
    /// Its agent was, and is not.
    Away,
    /// One of its applications is degraded; its agent may be anything.
    Degraded,
}

/// How many clusters there are in each condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterCounts {
    /// All.
    pub all: u64,
    /// [`ClusterCondition::Connected`].
    pub connected: u64,
    /// [`ClusterCondition::Waiting`].
    pub waiting: u64,
    /// [`ClusterCondition::Away`].
    pub away: u64,
    /// [`ClusterCondition::Degraded`].
    pub degraded: u64,
}

/// Which environments to list.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentFilter {
    /// Only on this cluster.
    pub cluster: Option<ClusterId>,
    /// Only after the one of this name.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u64,
}

const CLUSTERS: &str = "list clusters";
const ENVIRONMENTS: &str = "list environments";

impl Store {
    /// The organization's clusters, by name.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_clusters(
        &self,
        scope: &TenantScope,
        filter: &ClusterFilter,
    ) -> Result<Vec<Cluster>, StoreError> {
        let rows = clusters(scope)
            .filter(found_by(scope, filter))
            .apply_if(filter.after.as_ref(), |rows, name| {
                rows.filter(cluster::Column::Name.gt(name))
            })
            .order_by_asc(cluster::Column::Name)
            .limit(filter.limit);
        self.read_clusters(scope, rows).await
    }

    /// How many clusters with the filter's text there are in each condition.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn count_clusters(
        &self,
        scope: &TenantScope,
        filter: &ClusterFilter,
    ) -> Result<ClusterCounts, StoreError> {
        const OPERATION: &str = "count clusters";

        let with_text = ClusterFilter { condition: None, ..filter.clone() };
        let column = |column| Expr::col((cluster::Entity, column));
        let connected = || column(cluster::Column::ConnectedAt);
        let known = Func::coalesce([connected(), column(cluster::Column::LastSeenAt)]);
        let counts: Option<(i64, i64, i64)> = clusters(scope)
            .filter(found_by(scope, &with_text))
            .select_only()
            .column_as(column(cluster::Column::Id).count(), "all")
            .column_as(connected().count(), "connected")
            .column_as(Expr::expr(known).count(), "known")
            .into_tuple()
            .one(&self.read(scope))
            .await
            .during(OPERATION)?;
        let (all, connected, known) = counts.unwrap_or_default();
        let degraded = Some(ClusterCondition::Degraded);
        let degraded = ClusterFilter { condition: degraded, ..with_text };
        let degraded: Option<i64> = clusters(scope)
            .filter(found_by(scope, &degraded))
            .select_only()
            .column_as(column(cluster::Column::Id).count(), "degraded")
            .into_tuple()
            .one(&self.read(scope))
            .await
            .during(OPERATION)?;
        let count = |count| from_count("count of clusters", count);
        Ok(ClusterCounts {
            all: count(all)?,
            connected: count(connected)?,
            waiting: count(all - known)?,
            away: count(known - connected)?,
            degraded: count(degraded.unwrap_or_default())?,
        })
    }

    /// The organization's clusters of these ids, in no order; unknown ids are left out.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_clusters(
        &self,
        scope: &TenantScope,
        ids: &[ClusterId],
    ) -> Result<Vec<Cluster>, StoreError> {
        let rows = clusters(scope).filter(cluster::Column::Id.is_in(ids.iter().map(|id| id.0)));
        self.read_clusters(scope, rows).await
    }

    /// The cluster that tells best how far an organization is: one whose agent has come, where there is one.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_leading_cluster(
        &self,
        scope: &TenantScope,
    ) -> Result<Option<Cluster>, StoreError> {
        let unseen = cluster::Column::LastSeenAt.is_null();
        let unseen = Expr::expr(CaseStatement::new().case(unseen, 1).finally(0));
        let mut rows = clusters(scope);
        QueryTrait::query(&mut rows).order_by_expr(unseen, Order::Asc);
        let rows = rows.order_by_asc(cluster::Column::Name).limit(1);
        Ok(self.read_clusters(scope, rows).await?.pop())
    }

    /// The few clusters whose name has all of these words, the best first.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn search_clusters(
        &self,
        scope: &TenantScope,
        words: &[&str],
        limit: u64,
    ) -> Result<Vec<Cluster>, StoreError> {
        let name = Expr::col((cluster::Entity, cluster::Column::Name));
        self.read_clusters(scope, best(clusters(scope), &name, words, limit)).await
    }

    async fn read_clusters(
        &self,
        scope: &TenantScope,
        rows: Select<cluster::Entity>,
    ) -> Result<Vec<Cluster>, StoreError> {
        let rows = rows.all(&self.read(scope)).await.during(CLUSTERS)?;
        rows.into_iter().map(Cluster::try_from).collect()
    }

    /// The organization's environments, by name.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_environments(
        &self,
        scope: &TenantScope,
        filter: &EnvironmentFilter,
    ) -> Result<Vec<Environment>, StoreError> {
        let rows = environments(scope)
            .apply_if(filter.cluster, |rows, id| {
                rows.filter(environment::Column::ClusterId.eq(id.0))
            })
            .apply_if(filter.after.as_ref(), |rows, name| {
                rows.filter(environment::Column::Name.gt(name))
            })
            .order_by_asc(environment::Column::Name)
            .limit(filter.limit);
        self.read_environments(scope, rows).await
    }

    /// The environments on the clusters that `filter` finds: those for production first, then by name.
    /// Where `filter` says after which one, that is the name of an environment.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_environments_by_use(
        &self,
        scope: &TenantScope,
        filter: &ClusterFilter,
    ) -> Result<Vec<Environment>, StoreError> {
        let on = clusters(scope)
            .filter(found_by(scope, filter))
            .select_only()
            .column(cluster::Column::Id);
        let mut rows = environments(scope)
            .filter(environment::Column::ClusterId.in_subquery(on.into_query()))
            .apply_if(filter.after.as_ref(), |rows, after| {
                let (rank, name) =
                    (rank_of(Expr::value(after.as_str())), environment::Column::Name);
                let same = use_rank().eq(rank.clone()).and(name.gt(after));
                rows.filter(use_rank().gt(rank).or(same))
            });
        QueryTrait::query(&mut rows).order_by_expr(use_rank(), Order::Asc);
        let rows = rows.order_by_asc(environment::Column::Name).limit(filter.limit);
        self.read_environments(scope, rows).await
    }

    /// The organization's environments of these ids, in no order; unknown ids are left out.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_environments(
        &self,
        scope: &TenantScope,
        ids: &[EnvironmentId],
    ) -> Result<Vec<Environment>, StoreError> {
        let ids = environment::Column::Id.is_in(ids.iter().map(|id| id.0));
        self.read_environments(scope, environments(scope).filter(ids)).await
    }

    /// The environments on these clusters of the organization, by name.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_environments_on(
        &self,
        scope: &TenantScope,
        clusters: &[ClusterId],
    ) -> Result<Vec<Environment>, StoreError> {
        let on = environment::Column::ClusterId.is_in(clusters.iter().map(|id| id.0));
        let rows = environments(scope).filter(on).order_by_asc(environment::Column::Name);
        self.read_environments(scope, rows).await
    }

    /// The few environments whose name has all of these words, the best first.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn search_environments(
        &self,
        scope: &TenantScope,
        words: &[&str],
        limit: u64,
    ) -> Result<Vec<Environment>, StoreError> {
        self.read_environments(scope, best(environments(scope), &environment_name(), words, limit))
            .await
    }

    async fn read_environments(
        &self,
        scope: &TenantScope,
        rows: Select<environment::Entity>,
    ) -> Result<Vec<Environment>, StoreError> {
        let rows = rows.all(&self.read(scope)).await.during(ENVIRONMENTS)?;
        rows.into_iter().map(Environment::try_from).collect()
    }
}

fn clusters(scope: &TenantScope) -> Select<cluster::Entity> {
    cluster::Entity::find().filter(cluster::owned_by(scope.organization()))
}

fn environments(scope: &TenantScope) -> Select<environment::Entity> {
    environment::Entity::find().filter(environment::owned_by(scope.organization()))
}

fn found_by(scope: &TenantScope, filter: &ClusterFilter) -> Condition {
    let mut found = Condition::all();
    if let Some(text) = &filter.text {
        let serving = environments(scope)
            .filter(has(environment_name(), text))
            .select_only()
            .column(environment::Column::ClusterId);
        let named = has(Expr::col((cluster::Entity, cluster::Column::Name)), text);
        let serving = cluster::Column::Id.in_subquery(serving.into_query());
        found = found.add(Condition::any().add(named).add(serving));
    }
    let (connected, seen) = (cluster::Column::ConnectedAt, cluster::Column::LastSeenAt);
    found.add_option(filter.condition.map(|condition| match condition {
        ClusterCondition::Connected => connected.is_not_null(),
        ClusterCondition::Waiting => connected.is_null().and(seen.is_null()),
        ClusterCondition::Away => connected.is_null().and(seen.is_not_null()),
        ClusterCondition::Degraded => has_degraded(scope),
    }))
}

/// A cluster has an application that is degraded.
fn has_degraded(scope: &TenantScope) -> Expr {
    let degraded = application::Entity::find()
        .filter(application::owned_by(scope.organization()))
        .filter(application::Column::DeletedAt.is_null())
        .filter(health_word().eq("degraded"))
        .select_only()
        .column(application::Column::EnvironmentId);
    let serving = environments(scope)
        .filter(environment::Column::Id.in_subquery(degraded.into_query()))
        .select_only()
        .column(environment::Column::ClusterId);
    cluster::Column::Id.in_subquery(serving.into_query())
}

fn environment_name() -> Expr {
    Expr::col((environment::Entity, environment::Column::Name))
}

fn use_rank() -> Expr {
    rank_of(environment_name())
}

/// 0 for a name that is for production, as [`gimlet_domain::names::is_production`] says, 1 for another one.
fn rank_of(name: Expr) -> Expr {
    let parts = joined(joined(Expr::value("-"), name), Expr::value("-"));
    let is_production = PRODUCTION_WORDS
        .iter()
        .fold(Condition::any(), |any, word| any.add(parts.clone().like(format!("%-{word}-%"))));
    Expr::expr(CaseStatement::new().case(is_production, 0).finally(1))
}
