//! Enrolments: the tokens with which a cluster joins, each spent once by one key.

use gimlet_domain::{activity::ActivityKind, time::Timestamp};
use gimlet_shared::ids::{ClusterId, EnrolmentId, OrganizationId};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, sea_query::Expr};

use crate::{
    activity::{ActivityDetails, NewActivity, record},
    columns::insert,
    connect::Store,
    door::Unproven,
    entity::{cluster, enrolment},
    error::{During, StoreError},
    idempotency::note_effect,
    scope::{ClusterScope, TenantScope},
};

/// An enrolment to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewEnrolment<'a> {
    /// SHA-256 of its token, in hexadecimal.
    pub token_hash: &'a str,
    /// Until when the token works.
    pub expires_at: Timestamp,
}

/// An enrolment whose token the caller has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Enrolment {
    /// Its id.
    pub id: EnrolmentId,
    /// Whose cluster joins.
    pub organization_id: OrganizationId,
    /// Which cluster joins.
    pub cluster_id: ClusterId,
    /// SHA-256 of the public key that spent it, in hexadecimal.
    pub spent: Option<String>,
    /// Until when the token works.
    pub expires_at: Timestamp,
}

impl Enrolment {
    /// The cluster that the token speaks for.
    #[must_use]
    pub fn cluster_scope(&self) -> ClusterScope {
        ClusterScope::new(self.organization_id, self.cluster_id)
    }
}

/// What came of spending an enrolment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spend {
    /// This call spent it.
    Spent(Enrolment),
    /// The same key spent it before: its holder lost the answer and may have it again.
    SameKeyAgain(Enrolment),
    /// Unknown, too old, or spent by another key.
    Refused,
}

const SPEND: &str = "spend an enrolment";

impl Store {
    /// Replaces the cluster's enrolments by a new one: older tokens work no more. False where the
    /// organization has no such cluster.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn renew_enrolment(
        &self,
        scope: &TenantScope,
        cluster: ClusterId,
        enrolment: NewEnrolment<'_>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const OPERATION: &str = "renew an enrolment";

        let txn = self.begin(scope, OPERATION).await?;
        let owned = cluster::Entity::find()
            .filter(cluster::owned_by(scope.organization()))
            .filter(cluster::Column::Id.eq(cluster.0));
        let Some(row) = owned.one(&txn).await.during(OPERATION)? else {
            return txn.undo(false).await;
        };
        end_enrolments(&txn, scope, cluster, now).await.during(OPERATION)?;
        insert_enrolment(&txn, scope.organization(), cluster, enrolment, now)
            .await
            .during(OPERATION)?;
        let details = ActivityDetails { cluster: Some(row.name), ..Default::default() };
        let noted = NewActivity::new(ActivityKind::ClusterEnrolmentRenewed, scope.actor(), details);
        record(&txn, scope.organization(), vec![noted], now).await?;
        note_effect(&txn, scope, &[cluster.to_string()]).await?;
        txn.commit().await?;
        Ok(true)
    }

    /// The enrolment of this token, spent or not, unless it is too old.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn find_enrolment(
        &self,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<Option<Enrolment>, StoreError> {
        find(&self.read(&Unproven), token_hash, now).await.during("read an enrolment")
    }

    /// Spends an enrolment for this key. Of any number of keys at the same moment one wins.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn spend_enrolment(
        &self,
        token_hash: &str,
        public_key_sha256: &str,
        now: Timestamp,
    ) -> Result<Spend, StoreError> {
        let txn = self.begin(&Unproven, SPEND).await?;
        let spent = enrolment::Entity::update_many()
            .col_expr(enrolment::Column::PublicKeySha256, Expr::value(public_key_sha256))
            .col_expr(enrolment::Column::SpentAt, Expr::value(now.0))
            .filter(enrolment::Column::TokenHash.eq(token_hash))
            .filter(enrolment::Column::SpentAt.is_null())
            .filter(enrolment::Column::ExpiresAt.gt(now.0))
            .exec(&txn)
            .await
            .during(SPEND)?;
        let enrolment = find(&txn, token_hash, now).await.during(SPEND)?;
        txn.commit().await?;
        Ok(match enrolment {
            Some(enrolment) if spent.rows_affected == 1 => Spend::Spent(enrolment),
            Some(enrolment) if enrolment.spent.as_deref() == Some(public_key_sha256) => {
                Spend::SameKeyAgain(enrolment)
            }
            Some(_) | None => Spend::Refused,
        })
    }
}

async fn find(
    db: &impl ConnectionTrait,
    token_hash: &str,
    now: Timestamp,
) -> Result<Option<Enrolment>, DbErr> {
    let row = enrolment::Entity::find()
        .filter(enrolment::Column::TokenHash.eq(token_hash))
        .filter(enrolment::Column::ExpiresAt.gt(now.0))
        .one(db)
        .await?;
    Ok(row.map(Enrolment::from))
}

/// Inserts an enrolment of a cluster.
pub(crate) async fn insert_enrolment(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    cluster: ClusterId,
    enrolment: NewEnrolment<'_>,
    now: Timestamp,
) -> Result<(), DbErr> {
    let row = enrolment::Model {
        id: EnrolmentId::new().0,
        organization_id: organization.0,
        cluster_id: cluster.0,
        token_hash: enrolment.token_hash.to_owned(),
        created_at: now.0,
        expires_at: enrolment.expires_at.0,
        public_key_sha256: None,
        spent_at: None,
    };
    insert(db, row).await
}

/// Ends every enrolment of the cluster that still works.
pub(crate) async fn end_enrolments(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    cluster: ClusterId,
    now: Timestamp,
) -> Result<(), DbErr> {
    let ended = enrolment::Entity::update_many()
        .col_expr(enrolment::Column::ExpiresAt, Expr::value(now.0))
        .filter(enrolment::owned_by(scope.organization()))
        .filter(enrolment::Column::ClusterId.eq(cluster.0))
        .filter(enrolment::Column::ExpiresAt.gt(now.0))
        .exec(db)
        .await;
    ended.map(drop)
}

impl From<enrolment::Model> for Enrolment {
    fn from(row: enrolment::Model) -> Self {
        Self {
            id: EnrolmentId(row.id),
            organization_id: OrganizationId(row.organization_id),
            cluster_id: ClusterId(row.cluster_id),
            spent: row.public_key_sha256,
            expires_at: Timestamp(row.expires_at),
        }
    }
}
