//! Handing due repositories to looks, one at a time, so that every organization gets its share.

use gimlet_domain::time::Timestamp;
use gimlet_shared::ids::{OrganizationId, RepositoryId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};

use crate::{
    connect::Store,
    entity::source_repository,
    error::{During, StoreError},
    repositories::SourceRepository,
    scope::SystemScope,
};

const CLAIM: &str = "claim a repository that is due";

impl Store {
    /// Takes the repository that has been due longest, of those that are neither listed nor of a listed
    /// organization. It is due again at `lease_until`, should its look never finish.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn claim_due_repository(
        &self,
        system: &SystemScope,
        now: Timestamp,
        lease_until: Timestamp,
        not_of: &[OrganizationId],
        not_these: &[RepositoryId],
    ) -> Result<Option<SourceRepository>, StoreError> {
        use source_repository::Column;
        loop {
            let due = source_repository::Entity::find()
                .filter(Column::PollDueAt.lte(now.0))
                .filter(Column::OrganizationId.is_not_in(not_of.iter().map(|id| id.0)))
                .filter(Column::Id.is_not_in(not_these.iter().map(|id| id.0)))
                .order_by_asc(Column::PollDueAt)
                .one(&self.read(system))
                .await
                .during(CLAIM)?;
            let Some(row) = due else { return Ok(None) };
            let claimed = source_repository::Entity::update_many()
                .col_expr(Column::PollDueAt, Expr::value(lease_until.0))
                .col_expr(Column::Revision, Expr::value(row.revision + 1))
                .filter(Column::Id.eq(row.id))
                .filter(Column::Revision.eq(row.revision))
                .exec(&self.write(system))
                .await
                .during(CLAIM)?;
            // Another replica was faster, or a webhook asked again: look anew.
            if claimed.rows_affected == 1 {
                let (poll_due_at, revision) = (lease_until.0, row.revision + 1);
                let row = source_repository::Model { poll_due_at, revision, ..row };
                return Ok(Some(row.into()));
            }
        }
    }
}
