//! What source hosts delivered: stored once, before it is acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use gimlet_domain::time::Timestamp;
use gimlet_shared::ids::{DeliveryId, OrganizationId, RepositoryId};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use crate::{
    columns::active,
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
        system: &SystemScope,
        new: NewDelivery<'_>,
        now: Timestamp,
    ) -> Result<DeliveryReceipt, StoreError> {
        let receipts = self.store_deliveries(system, &[new], now).await?;
        receipts.into_iter().next().flatten().ok_or(StoreError::Absent { what: "repository" })
    }

    /// Stores deliveries and makes their repositories due, all or none: in a flood of them, many cost little
    /// more than one. The receipts are in the order of `new`, without one where the repository is gone.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn store_deliveries(
        &self,
        system: &SystemScope,
        new: &[NewDelivery<'_>],
        now: Timestamp,
    ) -> Result<Vec<Option<DeliveryReceipt>>, StoreError> {
        let txn = self.begin(system, STORE).await?;
        // In one order everywhere: two replicas that store the same ones do not wait for each other.
        let repositories: BTreeSet<Uuid> = new.iter().map(|new| new.repository.0).collect();
        let found = source_repository::Entity::find()
            .filter(source_repository::Column::Id.is_in(repositories.iter().copied()))
            .all(&txn)
            .await
            .during(STORE)?;
        let owners: BTreeMap<Uuid, Uuid> =
            found.into_iter().map(|row| (row.id, row.organization_id)).collect();
        let ids: Vec<DeliveryId> = new.iter().map(|_| DeliveryId::new()).collect();
        let rows: Vec<_> = new
            .iter()
            .zip(&ids)
            .filter_map(|(new, id)| Some(new.row(*id, *owners.get(&new.repository.0)?, now)))
            .collect();
        let stored = insert_deliveries(&txn, rows).await.during(STORE)?;
        let receipts = new.iter().zip(&ids).map(|(new, id)| {
            let known = owners.contains_key(&new.repository.0);
            let stored = stored.contains(&id.0);
            known.then_some(if stored {
                DeliveryReceipt::Stored(*id)
            } else {
                DeliveryReceipt::Replay
            })
        });
        let receipts = receipts.collect();
        if stored.is_empty() {
            return txn.undo(receipts).await;
        }
        let due: BTreeSet<Uuid> = new
            .iter()
            .zip(&ids)
            .filter(|(_, id)| stored.contains(&id.0))
            .map(|(new, _)| new.repository.0)
            .collect();
        for repository in due {
            look_now(&txn, RepositoryId(repository), now).await.during(STORE)?;
        }
        txn.commit().await?;
        Ok(receipts)
    }

    /// A repository's deliveries that nobody has worked on to the end, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn list_deliveries(
        &self,
        system: &SystemScope,
        repository: RepositoryId,
        limit: u64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let rows = delivery::Entity::find()
            .filter(delivery::Column::RepositoryId.eq(repository.0))
            .filter(delivery::Column::FinishedAt.is_null())
            .order_by_asc(delivery::Column::Id)
            .limit(limit)
            .all(&self.read(system))
            .await
            .during("list deliveries")?;
        Ok(rows.into_iter().map(Delivery::from).collect())
    }

    /// Notes that deliveries need no more work.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn finish_deliveries(
        &self,
        system: &SystemScope,
        ids: &[DeliveryId],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let finished = delivery::Entity::update_many()
            .col_expr(delivery::Column::FinishedAt, Expr::value(now.0))
            .filter(delivery::Column::Id.is_in(ids.iter().map(|id| id.0)))
            .exec(&self.write(system))
            .await;
        finished.map(drop).during("finish deliveries")
    }
}

impl NewDelivery<'_> {
    fn row(&self, id: DeliveryId, organization_id: Uuid, now: Timestamp) -> delivery::Model {
        delivery::Model {
            id: id.0,
            organization_id,
            repository_id: self.repository.0,
            provider: self.provider.to_owned(),
            delivery_id: self.delivery_id.to_owned(),
            kind: self.kind.to_owned(),
            body: self.body.to_vec(),
            received_at: now.0,
            finished_at: None,
            error: None,
        }
    }
}

/// Inserts those that are not there yet, and returns which.
async fn insert_deliveries(
    db: &impl ConnectionTrait,
    mut rows: Vec<delivery::Model>,
) -> Result<BTreeSet<Uuid>, DbErr> {
    if rows.is_empty() {
        return Ok(BTreeSet::new());
    }
    let key =
        [delivery::Column::Provider, delivery::Column::RepositoryId, delivery::Column::DeliveryId];
    // As with their repositories: in one order everywhere.
    rows.sort_by(|one, other| {
        (one.repository_id, &one.delivery_id).cmp(&(other.repository_id, &other.delivery_id))
    });
    let ids: BTreeSet<Uuid> = rows.iter().map(|row| row.id).collect();
    let inserted = delivery::Entity::insert_many(rows.into_iter().map(active))
        .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
        .exec_without_returning(db)
        .await?;
    if inserted == ids.len() as u64 {
        return Ok(ids);
    }
    // Some were there before: only ours have our ids.
    let there: Vec<Uuid> = delivery::Entity::find()
        .select_only()
        .column(delivery::Column::Id)
        .filter(delivery::Column::Id.is_in(ids))
        .into_tuple()
        .all(db)
        .await?;
    Ok(there.into_iter().collect())
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
