//! What source hosts delivered: stored once, before it is acknowledged.

use gimlet_domain::time::Timestamp;
use gimlet_shared::ids::{DeliveryId, OrganizationId, RepositoryId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};

use crate::{
    columns::insert_new,
    connect::Store,
    entity::{delivery, source_repository},
    error::{During, StoreError},
    repositories::look_now,
    scope::SystemScope,
};

/// A delivery that was just received and verified.
#[derive(Clone, Copy, Debug)]
pub struct NewDelivery<'a> {
    /// The repository it is about.
    pub repository: RepositoryId,
    /// The kind of host, such as `github`.
    pub provider: &'a str,
    /// The host's own id of it.
    pub delivery_id: &'a str,
    /// The host's word for what happened.
    pub kind: &'a str,
    /// Its body as received.
    pub body: &'a [u8],
}

/// What came of storing a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryReceipt {
    /// It is stored, and its repository is due.
    Stored(DeliveryId),
    /// It was stored before; nothing changed.
    Replay,
}

/// A stored delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Whose repository it is about.
    pub organization_id: OrganizationId,
    /// The repository it is about.
    pub repository_id: RepositoryId,
    /// The kind of host, such as `github`.
    pub provider: String,
    /// The host's own id of it.
    pub delivery_id: String,
    /// The host's word for what happened.
    pub kind: String,
    /// Its body as received.
    pub body: Vec<u8>,
    /// When it came.
    pub received_at: Timestamp,
}

const STORE: &str = "store a delivery";

impl Store {
    /// Stores a delivery and makes its repository due, both or neither.
    ///
    /// # Errors
    /// [`StoreError::Absent`] where the repository is gone, [`StoreError::Query`].
    pub async fn store_delivery(
        &self,
        _: &SystemScope,
        new: NewDelivery<'_>,
        now: Timestamp,
    ) -> Result<DeliveryReceipt, StoreError> {
        let txn = self.begin(STORE).await?;
        let repository = source_repository::Entity::find_by_id(new.repository.0)
            .one(&txn)
            .await
            .during(STORE)?;
        let repository = repository.ok_or(StoreError::Absent { what: "repository" })?;
        let id = DeliveryId::new();
        let row = delivery::Model {
            id: id.0,
            organization_id: repository.organization_id,
            repository_id: repository.id,
            provider: new.provider.to_owned(),
            delivery_id: new.delivery_id.to_owned(),
            kind: new.kind.to_owned(),
            body: new.body.to_vec(),
            received_at: now.0,
            finished_at: None,
            error: None,
        };
        let key = [
            delivery::Column::Provider,
            delivery::Column::RepositoryId,
            delivery::Column::DeliveryId,
        ];
        if !insert_new(&txn, row, key).await.during(STORE)? {
            return Ok(DeliveryReceipt::Replay);
        }
        look_now(&txn, new.repository, now).await.during(STORE)?;
        txn.commit().await.during(STORE)?;
        Ok(DeliveryReceipt::Stored(id))
    }

    /// A repository's deliveries that nobody has worked on to the end, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn list_deliveries(
        &self,
        _: &SystemScope,
        repository: RepositoryId,
        limit: u64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let rows = delivery::Entity::find()
            .filter(delivery::Column::RepositoryId.eq(repository.0))
            .filter(delivery::Column::FinishedAt.is_null())
            .order_by_asc(delivery::Column::Id)
            .limit(limit)
            .all(&self.reader)
            .await
            .during("list deliveries")?;
        Ok(rows.into_iter().map(Delivery::from).collect())
    }

    /// Notes that a delivery needs no more work, and why it could not be used where it could not.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn finish_delivery(
        &self,
        _: &SystemScope,
        id: DeliveryId,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let finished = delivery::Entity::update_many()
            .col_expr(delivery::Column::FinishedAt, Expr::value(now.0))
            .col_expr(delivery::Column::Error, Expr::value(error.map(str::to_owned)))
            .filter(delivery::Column::Id.eq(id.0))
            .exec(&self.writer)
            .await;
        finished.map(drop).during("finish a delivery")
    }
}

impl From<delivery::Model> for Delivery {
    fn from(row: delivery::Model) -> Self {
        Self {
            id: DeliveryId(row.id),
            organization_id: OrganizationId(row.organization_id),
            repository_id: RepositoryId(row.repository_id),
            provider: row.provider,
            delivery_id: row.delivery_id,
            kind: row.kind,
            body: row.body,
            received_at: Timestamp(row.received_at),
        }
    }
}
