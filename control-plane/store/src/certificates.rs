//! The client certificates of agents: which were issued, and which are denied.

use gimlet_domain::{activity::ActivityKind, time::Timestamp};
use gimlet_shared::ids::{ClusterId, OrganizationId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};

use crate::{
    activity::record,
    clusters::note,
    columns::insert,
    connect::Store,
    door::Unproven,
    enrolments::end_enrolments,
    entity::{cluster, cluster_certificate},
    error::{During, StoreError},
    idempotency::note_effect,
    scope::{ClusterScope, SystemScope, TenantScope},
};

impl Store {
    /// Notes a certificate before it is handed out; one that is not noted opens nothing.
    ///
    /// # Errors
    /// [`StoreError::Query`], also for a serial number that was used.
    pub async fn record_certificate(
        &self,
        scope: &ClusterScope,
        serial: &str,
        not_after: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let row = cluster_certificate::Model {
            serial: serial.to_owned(),
            organization_id: scope.organization().0,
            cluster_id: scope.cluster().0,
            issued_at: now.0,
            not_after: not_after.0,
            revoked_at: None,
        };
        insert(&self.write(scope), row).await.during("note a certificate")
    }

    /// True for a certificate that is denied, and for one that was never issued.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn is_certificate_revoked(&self, serial: &str) -> Result<bool, StoreError> {
        let row = cluster_certificate::Entity::find_by_id(serial).one(&self.read(&Unproven)).await;
        Ok(row.during("read a certificate")?.is_none_or(|row| row.revoked_at.is_some()))
    }

    /// Denies every certificate of the cluster and ends its enrolments; returns how many certificates.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn revoke_certificates(
        &self,
        scope: &TenantScope,
        cluster: ClusterId,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        const OPERATION: &str = "revoke certificates";

        let txn = self.begin(scope, OPERATION).await?;
        let revoked = cluster_certificate::Entity::update_many()
            .col_expr(cluster_certificate::Column::RevokedAt, Expr::value(now.0))
            .filter(cluster_certificate::owned_by(scope.organization()))
            .filter(cluster_certificate::Column::ClusterId.eq(cluster.0))
            .filter(cluster_certificate::Column::RevokedAt.is_null())
            .exec(&txn)
            .await
            .during(OPERATION)?;
        // A spent token gives its key a certificate again, so it has to end too.
        end_enrolments(&txn, scope, cluster, now).await.during(OPERATION)?;
        let named =
            cluster::Entity::find_by_id(cluster.0).filter(cluster::owned_by(scope.organization()));
        if let Some(row) = named.one(&txn).await.during(OPERATION)? {
            let noted = note(ActivityKind::ClusterRevoked, scope.actor(), &row.name);
            record(&txn, scope.organization(), vec![noted], now).await?;
        }
        note_effect(&txn, scope, &[]).await?;
        txn.commit().await?;
        Ok(revoked.rows_affected)
    }

    /// Clusters whose certificates were revoked since `since`, and when: the links that have to close.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn list_revoked_since(
        &self,
        system: &SystemScope,
        since: Timestamp,
    ) -> Result<Vec<(ClusterId, Timestamp)>, StoreError> {
        let rows = cluster_certificate::Entity::find()
            .select_only()
            .column(cluster_certificate::Column::ClusterId)
            .column_as(cluster_certificate::Column::RevokedAt.max(), "revoked_at")
            .filter(cluster_certificate::Column::RevokedAt.gte(since.0))
            .group_by(cluster_certificate::Column::ClusterId)
            .into_tuple::<(uuid::Uuid, i64)>()
            .all(&self.read(system))
            .await
            .during("list revoked certificates")?;
        Ok(rows.into_iter().map(|(id, at)| (ClusterId(id), Timestamp(at))).collect())
    }

    /// The cluster that a client certificate names, where it was issued to it and is not denied. That it
    /// is in date is TLS's to check.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn find_cluster_by_certificate(
        &self,
        organization: OrganizationId,
        cluster: ClusterId,
        serial: &str,
    ) -> Result<Option<ClusterScope>, StoreError> {
        let row = cluster_certificate::Entity::find_by_id(serial)
            .filter(cluster_certificate::owned_by(organization))
            .filter(cluster_certificate::Column::ClusterId.eq(cluster.0))
            .filter(cluster_certificate::Column::RevokedAt.is_null())
            .one(&self.read(&organization))
            .await
            .during("read a certificate")?;
        Ok(row.map(|_| ClusterScope::new(organization, cluster)))
    }
}
