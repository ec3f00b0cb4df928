//! Clusters: making one together with its first environment, and the sessions of its agent.

use gimlet_domain::{
    activity::{ActivityKind, Actor},
    time::Timestamp,
};
use gimlet_shared::ids::{ClusterId, EnvironmentId, OrganizationId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};

use crate::{
    activity::{ActivityDetails, NewActivity, record},
    columns::{from_count, insert, moment, to_count},
    connect::Store,
    enrolments::{NewEnrolment, insert_enrolment},
    entity::cluster,
    environments::{Environment, GitopsLocation, environment_row},
    error::{During, StoreError, is_taken},
    idempotency::note_effect,
    scope::{ClusterScope, SystemScope, TenantScope},
};

/// A Kubernetes cluster of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its id.
    pub id: ClusterId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Its name in the organization.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When its agent was last heard.
    pub last_seen_at: Option<Timestamp>,
    /// Since when its agent is connected; `None` while it is not.
    pub connected_at: Option<Timestamp>,
    /// Its agent's version, once one came.
    pub agent_version: Option<String>,
    /// Its API server's version, once its agent came.
    pub kubernetes_version: Option<String>,
    /// The number of its newest agent session; 0 before the first.
    pub epoch: u64,
}

/// A session of a cluster's agent that was just opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedSession {
    /// Its number; every session before has a lower one.
    pub epoch: u64,
    /// The number of the newest command that the cluster was ever given; 0 before the first.
    pub last_command_seq: u64,
}

/// An environment to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEnvironment {
    /// Its name, unique in the organization.
    pub name: String,
    /// The one namespace it is bound to; `None` is the whole cluster.
    pub namespace: Option<String>,
    /// Where its gitops repositories are.
    pub gitops: GitopsLocation,
}

/// What came of making a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one is returned per call, and none is kept")]
pub enum ClusterCreation {
    /// Both stand.
    Created {
        /// The cluster.
        cluster: Cluster,
        /// Its first environment.
        environment: Environment,
    },
    /// A name is in use in the organization; nothing was made.
    NameTaken {
        /// Whose name: `cluster` or `environment`.
        field: &'static str,
    },
}

const CREATE: &str = "store a cluster and its environment";

impl Store {
    /// Makes a cluster, an environment on it and the enrolment that connects it, all or nothing.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn create_cluster_with_environment(
        &self,
        scope: &TenantScope,
        name: &str,
        environment: NewEnvironment,
        enrolment: NewEnrolment<'_>,
        now: Timestamp,
    ) -> Result<ClusterCreation, StoreError> {
        let cluster = Cluster::new(scope.organization(), name, now);
        let environment = Environment {
            id: EnvironmentId::new(),
            organization_id: scope.organization(),
            cluster_id: cluster.id,
            name: environment.name,
            namespace: environment.namespace,
            created_at: now,
            gitops: environment.gitops,
        };
        let txn = self.begin(scope, CREATE).await?;
        match insert(&txn, cluster_row(&cluster)).await {
            Err(error) if is_taken(&error) => {
                return txn.undo(ClusterCreation::NameTaken { field: "cluster" }).await;
            }
            inserted => inserted.during(CREATE)?,
        }
        match insert(&txn, environment_row(&environment)?).await {
            Err(error) if is_taken(&error) => {
                return txn.undo(ClusterCreation::NameTaken { field: "environment" }).await;
            }
            inserted => inserted.during(CREATE)?,
        }
        insert_enrolment(&txn, scope.organization(), cluster.id, enrolment, now)
            .await
            .during(CREATE)?;
        let noted = note(ActivityKind::ClusterAdded, scope.actor(), name);
        record(&txn, scope.organization(), vec![noted], now).await?;
        note_effect(&txn, scope, &[cluster.id.to_string()]).await?;
        txn.commit().await?;
        Ok(ClusterCreation::Created { cluster, environment })
    }

    /// One of the organization's clusters.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_cluster(
        &self,
        scope: &TenantScope,
        id: ClusterId,
    ) -> Result<Option<Cluster>, StoreError> {
        self.one_cluster(scope.organization(), cluster::Column::Id.eq(id.0)).await
    }

    /// The organization's cluster of this name.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_cluster_by_name(
        &self,
        scope: &TenantScope,
        name: &str,
    ) -> Result<Option<Cluster>, StoreError> {
        self.one_cluster(scope.organization(), cluster::Column::Name.eq(name)).await
    }

    /// The cluster that speaks.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_cluster_of(
        &self,
        scope: &ClusterScope,
    ) -> Result<Option<Cluster>, StoreError> {
        self.one_cluster(scope.organization(), cluster::Column::Id.eq(scope.cluster().0)).await
    }

    /// The cluster that an environment lies on.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_cluster_of_environment(
        &self,
        _: &SystemScope,
        environment: &Environment,
    ) -> Result<Option<Cluster>, StoreError> {
        let which = cluster::Column::Id.eq(environment.cluster_id.0);
        self.one_cluster(environment.organization_id, which).await
    }

    async fn one_cluster(
        &self,
        organization: OrganizationId,
        which: Expr,
    ) -> Result<Option<Cluster>, StoreError> {
        let found = cluster::Entity::find().filter(cluster::owned_by(organization)).filter(which);
        found
            .one(&self.read(&organization))
            .await
            .during("read a cluster")?
            .map(Cluster::try_from)
            .transpose()
    }

    /// Opens a session of the cluster's agent, which fences every older one; returns its number.
    ///
    /// # Errors
    /// [`StoreError::Absent`] where the cluster is gone, [`StoreError::Query`].
    pub async fn open_epoch(
        &self,
        scope: &ClusterScope,
        agent_version: &str,
        kubernetes_version: &str,
        now: Timestamp,
    ) -> Result<OpenedSession, StoreError> {
        const OPERATION: &str = "open an agent session";

        let txn = self.begin(scope, OPERATION).await?;
        cluster::Entity::update_many()
            .col_expr(cluster::Column::Epoch, Expr::col(cluster::Column::Epoch).add(1))
            .col_expr(cluster::Column::AgentVersion, Expr::value(agent_version))
            .col_expr(cluster::Column::KubernetesVersion, Expr::value(kubernetes_version))
            .col_expr(cluster::Column::ConnectedAt, Expr::value(now.0))
            .col_expr(cluster::Column::LastSeenAt, Expr::value(now.0))
            .filter(cluster::owned_by(scope.organization()))
            .filter(cluster::Column::Id.eq(scope.cluster().0))
            .exec(&txn)
            .await
            .during(OPERATION)?;
        let row =
            cluster::Entity::find_by_id(scope.cluster().0).one(&txn).await.during(OPERATION)?;
        let row = row.ok_or(StoreError::Absent { what: "cluster" })?;
        let agent = Actor::Agent { cluster: row.name.clone() };
        let noted = note(ActivityKind::ClusterConnected, agent, &row.name);
        record(&txn, scope.organization(), vec![noted], now).await?;
        txn.commit().await?;
        Ok(OpenedSession {
            epoch: from_count("epoch", row.epoch)?,
            last_command_seq: from_count("command number", row.last_command_seq)?,
        })
    }

    /// Notes that the session was heard; false where a newer one has fenced it.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn touch_cluster(
        &self,
        scope: &ClusterScope,
        epoch: u64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        touch(&self.write(scope), scope, epoch, now).await
    }

    /// Notes that the session has ended, unless a newer one is open.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn note_disconnected(
        &self,
        scope: &ClusterScope,
        epoch: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "note the end of an agent session";

        let txn = self.begin(scope, OPERATION).await?;
        let left = cluster::Entity::update_many()
            .col_expr(cluster::Column::ConnectedAt, Expr::value(None::<i64>))
            .col_expr(cluster::Column::LastSeenAt, Expr::value(now.0))
            .filter(cluster::owned_by(scope.organization()))
            .filter(cluster::Column::Id.eq(scope.cluster().0))
            .filter(cluster::Column::Epoch.eq(to_count(epoch)))
            .exec(&txn)
            .await
            .during(OPERATION)?;
        // A session that another one has replaced leaves nothing behind.
        if left.rows_affected == 1 {
            let row =
                cluster::Entity::find_by_id(scope.cluster().0).one(&txn).await.during(OPERATION)?;
            let row = row.ok_or(StoreError::Absent { what: "cluster" })?;
            let agent = Actor::Agent { cluster: row.name.clone() };
            let noted = note(ActivityKind::ClusterDisconnected, agent, &row.name);
            record(&txn, scope.organization(), vec![noted], now).await?;
        }
        txn.commit().await
    }
}

/// Notes that the session was heard, and so proves inside a transaction that it is the newest: the row
/// stays locked until the end.
pub(crate) async fn touch(
    db: &impl ConnectionTrait,
    scope: &ClusterScope,
    epoch: u64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let touched = cluster::Entity::update_many()
        .col_expr(cluster::Column::LastSeenAt, Expr::value(now.0))
        .filter(cluster::owned_by(scope.organization()))
        .filter(cluster::Column::Id.eq(scope.cluster().0))
        .filter(cluster::Column::Epoch.eq(to_count(epoch)))
        .exec(db)
        .await
        .during("note a sign of life")?;
    Ok(touched.rows_affected == 1)
}

/// That something happened to a cluster.
pub(crate) fn note(kind: ActivityKind, actor: Actor, cluster: &str) -> NewActivity {
    let details = ActivityDetails { cluster: Some(cluster.to_owned()), ..Default::default() };
    NewActivity::new(kind, actor, details)
}

impl Cluster {
    fn new(organization_id: OrganizationId, name: &str, now: Timestamp) -> Self {
        Self {
            id: ClusterId::new(),
            organization_id,
            name: name.to_owned(),
            created_at: now,
            last_seen_at: None,
            connected_at: None,
            agent_version: None,
            kubernetes_version: None,
            epoch: 0,
        }
    }
}

fn cluster_row(cluster: &Cluster) -> cluster::Model {
    cluster::Model {
        id: cluster.id.0,
        organization_id: cluster.organization_id.0,
        name: cluster.name.clone(),
        created_at: cluster.created_at.0,
        last_seen_at: None,
        connected_at: None,
        agent_version: None,
        kubernetes_version: None,
        epoch: to_count(cluster.epoch),
        last_command_seq: 0,
    }
}

impl TryFrom<cluster::Model> for Cluster {
    type Error = StoreError;

    fn try_from(row: cluster::Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: ClusterId(row.id),
            organization_id: OrganizationId(row.organization_id),
            name: row.name,
            created_at: Timestamp(row.created_at),
            last_seen_at: moment(row.last_seen_at),
            connected_at: moment(row.connected_at),
            agent_version: row.agent_version,
            kubernetes_version: row.kubernetes_version,
            epoch: from_count("epoch", row.epoch)?,
        })
    }
}
