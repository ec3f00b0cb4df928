//! Releases that are open: what the followers and the sweeper of deadlines ask for.

use std::collections::HashMap;

use gimlet_domain::time::Timestamp;
use gimlet_shared::ids::{ClusterId, EnvironmentId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use crate::{
    connect::Store,
    entity::{environment, release},
    environments::Environment,
    error::{During, StoreError},
    releases::{Release, in_states},
    scope::SystemScope,
};

/// A release that is in git and not closed, with where it goes.
#[derive(Clone, Debug)]
pub struct FollowedRelease {
    /// The release.
    pub release: Release,
    /// Where it goes.
    pub environment: Environment,
}

const LIST: &str = "list followed releases";

impl Store {
    /// Every release that is in git and not closed, oldest first; of one cluster, or of all.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_followed(
        &self,
        system: &SystemScope,
        cluster: Option<ClusterId>,
    ) -> Result<Vec<FollowedRelease>, StoreError> {
        let environments = environment::Entity::find()
            .apply_if(cluster, |rows, id| rows.filter(environment::Column::ClusterId.eq(id.0)));
        let ids = environments.clone().select_only().column(environment::Column::Id).into_query();
        let mut known = HashMap::new();
        for row in environments.all(&self.read(system)).await.during(LIST)? {
            known.insert(EnvironmentId(row.id), Environment::try_from(row)?);
        }
        let rows = release::Entity::find()
            .filter(in_states(&["committed", "observed"]))
            .filter(release::Column::EnvironmentId.in_subquery(ids))
            .order_by_asc(release::Column::Id)
            .all(&self.read(system))
            .await
            .during(LIST)?;
        let mut followed = Vec::with_capacity(rows.len());
        for row in rows {
            let release = Release::try_from(row)?;
            // An environment made between the two looks is met by the next one.
            if let Some(environment) = known.get(&release.environment_id).cloned() {
                followed.push(FollowedRelease { release, environment });
            }
        }
        Ok(followed)
    }

    /// Open releases whose deadline has passed, longest first, for their one sweeper.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_overdue(
        &self,
        system: &SystemScope,
        now: Timestamp,
        limit: u64,
    ) -> Result<Vec<Release>, StoreError> {
        let rows = release::Entity::find()
            .filter(in_states(&["queued", "committed", "observed"]))
            .filter(release::Column::DeadlineAt.lte(now.0))
            .order_by_asc(release::Column::DeadlineAt)
            .limit(limit)
            .all(&self.read(system))
            .await
            .during("list overdue releases")?;
        rows.into_iter().map(Release::try_from).collect()
    }
}
