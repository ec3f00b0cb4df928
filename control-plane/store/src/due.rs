//! Handing due repositories to looks, so that every organization gets its share.

use gimlet_domain::time::Timestamp;
use gimlet_shared::ids::{OrganizationId, RepositoryId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::{
    connect::Store,
    entity::source_repository,
    error::{During, StoreError},
    repositories::{SourceRepository, set_due},
    scope::SystemScope,
};

const CLAIM: &str = "claim repositories that are due";

/// Which due repositories are asked for.
#[derive(Clone, Copy, Debug)]
pub struct DueLooks<'a> {
    /// None of these organizations.
    pub not_of: &'a [OrganizationId],
    /// None of these.
    pub not_these: &'a [RepositoryId],
    /// So many are looked through.
    pub limit: u64,
}

impl Store {
    /// Takes the repositories that have been due longest, of those that `admit` lets in. Each is due again at
    /// `lease_until`, should its look never finish. None is taken that another replica takes, or that a
    /// webhook asks for, at the same moment: that is the next call's.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn claim_due_looks(
        &self,
        system: &SystemScope,
        now: Timestamp,
        lease_until: Timestamp,
        due: DueLooks<'_>,
        mut admit: impl FnMut(RepositoryId, OrganizationId) -> bool,
    ) -> Result<Vec<SourceRepository>, StoreError> {
        use source_repository::Column;
        let rows = source_repository::Entity::find()
            .filter(Column::PollDueAt.lte(now.0))
            .filter(Column::OrganizationId.is_not_in(due.not_of.iter().map(|id| id.0)))
            .filter(Column::Id.is_not_in(due.not_these.iter().map(|id| id.0)))
            .order_by_asc(Column::PollDueAt)
            .limit(due.limit)
            .all(&self.read(system))
            .await
            .during(CLAIM)?;
        let mut admitted: Vec<_> = rows
            .into_iter()
            .filter(|row| admit(RepositoryId(row.id), OrganizationId(row.organization_id)))
            .collect();
        if admitted.is_empty() {
            return Ok(Vec::new());
        }
        // In one order everywhere, so that no two replicas wait for each other.
        admitted.sort_unstable_by_key(|row| row.id);
        let txn = self.begin(system, CLAIM).await?;
        let mut claimed = Vec::with_capacity(admitted.len());
        for row in admitted {
            if set_due(&txn, &row, lease_until).await.during(CLAIM)? {
                let (poll_due_at, revision) = (lease_until.0, row.revision + 1);
                let row = source_repository::Model { poll_due_at, revision, ..row };
                claimed.push(row.into());
            }
        }
        txn.commit().await?;
        Ok(claimed)
    }
}
