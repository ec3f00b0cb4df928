//! The fleet: clusters by name, or under the environments that they serve.

use gimlet_shared::{api, ids::ClusterId};
use gimlet_store::{
    ApplicationFilter, ClusterCondition, ClusterCounts, ClusterFilter, Environment,
    EnvironmentFilter, TenantScope,
};

use crate::{
    App, AppError,
    artifacts::next_cursor,
    pages::{ListQuery, Listed, encoded},
    releases::each_once,
};

/// Environments, and degraded applications, on the page of a cluster: more are not read.
const MOST_ON_A_CLUSTER: u64 = 100;
/// Environments to choose from: more are not looked through.
const MOST_CHOICES: u64 = 200;

/// The clusters of a page.
pub type Fleet = Listed<FleetRow>;

/// A cluster under the heading that it belongs to.
#[derive(Clone, Debug)]
pub struct FleetRow {
    /// The environment that it serves; none in the list by name.
    pub environment: Option<String>,
    /// The cluster.
    pub cluster: api::Cluster,
}

impl App {
    /// A page of clusters by name: those in the state `connected`, `waiting`, `away` or `degraded`, or all,
    /// with a text in the name of the cluster or of one of its environments.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for a bad limit or cursor.
    pub async fn find_clusters(
        &self,
        scope: &TenantScope,
        query: &ListQuery,
    ) -> Result<Fleet, AppError> {
        let store = &self.parts().store;
        let Some((filter, limit)) = asked(query)? else {
            return self.no_clusters(scope, query).await;
        };
        let mut rows = store.list_clusters(scope, &filter).await?;
        let next_cursor = next_cursor(&mut rows, limit, |row| encoded(&row.name));
        let clusters = self.cluster_views(scope, rows).await?.into_iter();
        let items = clusters.map(|cluster| FleetRow { environment: None, cluster }).collect();
        let counts = counts(store.count_clusters(scope, &filter).await?);
        Ok(Listed { page: api::Page { items, next_cursor }, counts })
    }

    /// The same under each environment that they serve, a page of environments at a time; production first.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for a bad limit or cursor.
    pub async fn find_clusters_by_environment(
        &self,
        scope: &TenantScope,
        query: &ListQuery,
    ) -> Result<Fleet, AppError> {
        let store = &self.parts().store;
        let Some((filter, limit)) = asked(query)? else {
            return self.no_clusters(scope, query).await;
        };
        let mut rows = store.list_environments_by_use(scope, &filter).await?;
        let next_cursor = next_cursor(&mut rows, limit, |row| encoded(&row.name));
        let on = each_once(rows.iter().map(|row| row.cluster_id));
        let clusters = store.find_clusters(scope, &on).await?;
        let clusters = self.cluster_views(scope, clusters).await?;
        let row = |environment: Environment| {
            let id = environment.cluster_id.to_string();
            let cluster = clusters.iter().find(|cluster| cluster.id == id)?.clone();
            Some(FleetRow { environment: Some(environment.name), cluster })
        };
        let items = rows.into_iter().filter_map(row).collect();
        let counts = counts(store.count_clusters(scope, &filter).await?);
        Ok(Listed { page: api::Page { items, next_cursor }, counts })
    }

    /// Nothing is in a state that is none.
    async fn no_clusters(&self, scope: &TenantScope, query: &ListQuery) -> Result<Fleet, AppError> {
        let filter = ClusterFilter { text: query.text(), ..Default::default() };
        let counts = counts(self.parts().store.count_clusters(scope, &filter).await?);
        Ok(Listed { page: api::Page { items: Vec::new(), next_cursor: None }, counts })
    }

    /// What lies on a cluster: its environments, and its degraded applications, by name; the first hundred
    /// of each.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn on_cluster(
        &self,
        scope: &TenantScope,
        id: ClusterId,
    ) -> Result<(Vec<api::Environment>, Vec<api::App>), AppError> {
        let store = &self.parts().store;
        let (cluster, limit) = (Some(id), MOST_ON_A_CLUSTER);
        let environments = EnvironmentFilter { cluster, after: None, limit };
        let environments = store.list_environments(scope, &environments).await?;
        let health = Some("degraded".to_owned());
        let apps = ApplicationFilter { cluster, health, limit, ..Default::default() };
        let apps = store.list_applications(scope, &apps).await?;
        let apps = apps.into_iter().map(|(app, _)| app).collect();
        let environments = self.environment_views(scope, environments).await?;
        Ok((environments, self.app_views(scope, apps).await?))
    }

    /// Names of environments to choose from, the first two hundred.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn environment_choices(&self, scope: &TenantScope) -> Result<Vec<String>, AppError> {
        let filter = EnvironmentFilter { limit: MOST_CHOICES, ..Default::default() };
        let found = self.parts().store.list_environments(scope, &filter).await?;
        Ok(found.into_iter().map(|environment| environment.name).collect())
    }
}

/// What the store is asked for, one row more than the page has, and how many that are; nothing for a state
/// that is none.
fn asked(query: &ListQuery) -> Result<Option<(ClusterFilter, u32)>, AppError> {
    let (limit, after) = query.place()?;
    let condition = match query.state.as_str() {
        "" => None,
        "connected" => Some(ClusterCondition::Connected),
        "waiting" => Some(ClusterCondition::Waiting),
        "away" => Some(ClusterCondition::Away),
        "degraded" => Some(ClusterCondition::Degraded),
        _ => return Ok(None),
    };
    let one_more = u64::from(limit) + 1;
    let filter = ClusterFilter { text: query.text(), condition, after, limit: one_more };
    Ok(Some((filter, limit)))
}

fn counts(counts: ClusterCounts) -> Vec<(&'static str, u64)> {
    vec![
        ("", counts.all),
        ("connected", counts.connected),
        ("waiting", counts.waiting),
        ("away", counts.away),
        ("degraded", counts.degraded),
    ]
}
