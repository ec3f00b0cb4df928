//! The last lines of containers that failed, kept with the release under which they did.

use gimlet_domain::time::Timestamp;
use gimlet_shared::ids::{OrganizationId, ReleaseId};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::OnConflict,
};

use crate::{
    columns::{active, from_json, to_json},
    connect::Store,
    entity::release_log,
    error::{During, StoreError},
    scope::{SystemScope, TenantScope},
};

/// Containers of one release whose lines are kept, the newest first: at 4 KiB each a release keeps 32 KiB.
pub const LOGS_KEPT: u64 = 8;

/// What a container said last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseLog {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// How often it had been started again.
    pub restarts: i32,
    /// Its last lines, oldest first.
    pub lines: Vec<String>,
    /// When they were seen.
    pub seen_at: Timestamp,
}

const NOTE: &str = "keep a container's last lines";

impl Store {
    /// Keeps a container's last lines in the place of its earlier ones, and the [`LOGS_KEPT`] newest
    /// containers of a release.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn keep_release_log(
        &self,
        _: &SystemScope,
        organization: OrganizationId,
        release: ReleaseId,
        log: &ReleaseLog,
    ) -> Result<(), StoreError> {
        use release_log::Column;

        let row = release_log::Model {
            organization_id: organization.0,
            release_id: release.0,
            pod: log.pod.clone(),
            container: log.container.clone(),
            restarts: log.restarts,
            lines: to_json("container lines", &log.lines)?,
            seen_at: log.seen_at.0,
        };
        let newer = OnConflict::columns([Column::ReleaseId, Column::Pod, Column::Container])
            .update_columns([Column::Restarts, Column::Lines, Column::SeenAt])
            .to_owned();
        let txn = self.begin(&organization, NOTE).await?;
        let kept = release_log::Entity::insert(active(row)).on_conflict(newer);
        kept.exec_without_returning(&txn).await.during(NOTE)?;
        let of_release = release_log::Entity::find()
            .filter(release_log::owned_by(organization))
            .filter(Column::ReleaseId.eq(release.0))
            .order_by_desc(Column::SeenAt)
            .order_by_asc(Column::Pod)
            .order_by_asc(Column::Container);
        let all = of_release.all(&txn).await.during(NOTE)?;
        for old in all.into_iter().skip(usize::try_from(LOGS_KEPT).unwrap_or(usize::MAX)) {
            let key = (old.release_id, old.pod, old.container);
            release_log::Entity::delete_by_id(key).exec(&txn).await.during(NOTE)?;
        }
        txn.commit().await
    }

    /// What containers said under one of the organization's releases, the newest first.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_release_logs(
        &self,
        scope: &TenantScope,
        release: ReleaseId,
    ) -> Result<Vec<ReleaseLog>, StoreError> {
        let rows = release_log::Entity::find()
            .filter(release_log::owned_by(scope.organization()))
            .filter(release_log::Column::ReleaseId.eq(release.0))
            .order_by_desc(release_log::Column::SeenAt)
            .order_by_asc(release_log::Column::Pod)
            .order_by_asc(release_log::Column::Container)
            .limit(LOGS_KEPT)
            .all(&self.read(scope))
            .await
            .during("read containers' last lines")?;
        rows.into_iter()
            .map(|row| {
                Ok(ReleaseLog {
                    pod: row.pod,
                    container: row.container,
                    restarts: row.restarts,
                    lines: from_json("container lines", &row.lines)?,
                    seen_at: Timestamp(row.seen_at),
                })
            })
            .collect()
    }
}
