//! Clusters and environments as people see and add them.

use std::{collections::HashMap, time::Duration};

use gimlet_domain::{
    names::{LONGEST_NAME, LONGEST_NAMESPACE, check_label},
    role::Role,
    time::Timestamp,
};
use gimlet_shared::{api, ids::ClusterId};
use gimlet_store::{
    AppCounts, Cluster, ClusterCreation, Environment, GitopsLocation, NewEnrolment, NewEnvironment,
    TenantScope,
};

use serde::{Deserialize, Serialize};

use crate::{App, AppError, live::Subject, releases::each_once, secrets, state::require};

/// An enrolment token is for a command that is pasted now.
const ENROLMENT_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// What is shown of an enrolment the one time that it is made.
#[derive(Serialize, Deserialize)]
struct EnrolmentSecret {
    token: String,
    expires_at: String,
}

impl EnrolmentSecret {
    /// A new one, and when it lapses.
    fn new(now: Timestamp) -> (Self, Timestamp) {
        let expires_at = now.after(ENROLMENT_LIFETIME);
        (Self { token: secrets::new_secret("get"), expires_at: expires_at.rfc3339() }, expires_at)
    }
}

impl App {
    /// One cluster.
    ///
    /// # Errors
    /// [`AppError::NotFound`].
    pub async fn cluster(
        &self,
        scope: &TenantScope,
        id: ClusterId,
    ) -> Result<api::Cluster, AppError> {
        let absent = || AppError::NotFound { what: "the cluster" };
        let found = self.parts().store.find_cluster(scope, id).await?.ok_or_else(absent)?;
        self.cluster_views(scope, vec![found]).await?.pop().ok_or_else(absent)
    }

    /// The cluster that tells best how far an organization is: one whose agent has come, where there is one.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn find_leading_cluster(
        &self,
        scope: &TenantScope,
    ) -> Result<Option<api::Cluster>, AppError> {
        let found = self.parts().store.find_leading_cluster(scope).await?;
        Ok(self.cluster_views(scope, found.into_iter().collect()).await?.pop())
    }

    /// The views of these clusters, in their order and in a fixed number of queries.
    pub(crate) async fn cluster_views(
        &self,
        scope: &TenantScope,
        clusters: Vec<Cluster>,
    ) -> Result<Vec<api::Cluster>, AppError> {
        let store = &self.parts().store;
        let ids: Vec<ClusterId> = clusters.iter().map(|cluster| cluster.id).collect();
        let environments = store.list_environments_on(scope, &ids).await?;
        let counts: HashMap<ClusterId, AppCounts> =
            store.count_cluster_applications(scope, &ids).await?.into_iter().collect();
        let view = |cluster: Cluster| {
            let counts = counts.get(&cluster.id).copied().unwrap_or_default();
            cluster_view(cluster, &environments, counts.all, counts.degraded)
        };
        Ok(clusters.into_iter().map(view).collect())
    }

    /// Adds a cluster with its first environment, and says how to connect it.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::Invalid`] for a bad or taken name, and for a gitops repository
    /// that cannot be read and written; nothing is stored then.
    pub async fn connect_cluster(
        &self,
        scope: &TenantScope,
        request: api::NewCluster,
    ) -> Result<api::ClusterConnect, AppError> {
        require(scope, Role::Admin)?;
        if let Some(done) = self.done_before::<EnrolmentSecret>(scope)? {
            return self.connected_before(scope, done.id()?, done.kept).await;
        }
        let environment = request.environment.unwrap_or_else(|| request.name.clone());
        check("name", &request.name, LONGEST_NAME)?;
        check("environment", &environment, LONGEST_NAME)?;
        if let Some(namespace) = &request.namespace {
            check("namespace", namespace, LONGEST_NAMESPACE)?;
        }
        let gitops = match request.gitops_repository {
            None => GitopsLocation::BuiltIn,
            Some(repository) => {
                // Before anything is pushed to someone's repository for nothing.
                self.refuse_taken_names(scope, &request.name, &environment).await?;
                self.set_up_outside(scope, repository).await?
            }
        };
        let now = self.now();
        let (secret, expires_at) = EnrolmentSecret::new(now);
        let created = self
            .parts()
            .store
            .create_cluster_with_environment(
                &self.keeping(scope, &secret)?,
                &request.name,
                NewEnvironment { name: environment, namespace: request.namespace, gitops },
                NewEnrolment { token_hash: &secrets::hash(&secret.token), expires_at },
                now,
            )
            .await?;
        let (cluster, environment) = match created {
            ClusterCreation::Created { cluster, environment } => (cluster, environment),
            ClusterCreation::NameTaken { field } => {
                return Err(taken(if field == "cluster" { "name" } else { field }));
            }
        };
        self.create_gitops_repositories(&environment).await?;
        self.tell(scope.organization(), Subject::Cluster(cluster.id));
        Ok(self.connect_view(cluster_view(cluster, &[environment], 0, 0), secret))
    }

    /// The answer of a request that was cut off after the cluster was stored: what came after that is made up
    /// for.
    async fn connected_before(
        &self,
        scope: &TenantScope,
        id: ClusterId,
        secret: EnrolmentSecret,
    ) -> Result<api::ClusterConnect, AppError> {
        for environment in self.parts().store.list_environments_on(scope, &[id]).await? {
            self.create_gitops_repositories(&environment).await?;
        }
        Ok(self.connect_view(self.cluster(scope, id).await?, secret))
    }

    fn connect_view(&self, cluster: api::Cluster, secret: EnrolmentSecret) -> api::ClusterConnect {
        let command = self.enrolment_command(&secret.token);
        api::ClusterConnect { cluster, command, expires_at: secret.expires_at }
    }

    async fn refuse_taken_names(
        &self,
        scope: &TenantScope,
        cluster: &str,
        environment: &str,
    ) -> Result<(), AppError> {
        let store = &self.parts().store;
        if store.find_cluster_by_name(scope, cluster).await?.is_some() {
            return Err(taken("name"));
        }
        if store.find_environment_by_name(scope, environment).await?.is_some() {
            return Err(taken("environment"));
        }
        Ok(())
    }

    /// A new command for a cluster that is not connected yet, or whose agent lost its identity.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`].
    pub async fn renew_enrolment(
        &self,
        scope: &TenantScope,
        id: ClusterId,
    ) -> Result<api::ClusterConnect, AppError> {
        require(scope, Role::Admin)?;
        if let Some(done) = self.done_before::<EnrolmentSecret>(scope)? {
            return Ok(self.connect_view(self.cluster(scope, id).await?, done.kept));
        }
        let now = self.now();
        let (secret, expires_at) = EnrolmentSecret::new(now);
        let enrolment = NewEnrolment { token_hash: &secrets::hash(&secret.token), expires_at };
        let keeping = self.keeping(scope, &secret)?;
        if !self.parts().store.renew_enrolment(&keeping, id, enrolment, now).await? {
            return Err(AppError::NotFound { what: "the cluster" });
        }
        self.tell_activity(scope.organization());
        Ok(self.connect_view(self.cluster(scope, id).await?, secret))
    }

    /// Disconnects a cluster: its agent's certificates and enrolment tokens are revoked, and its open link
    /// closes within seconds, at every replica. What Flux applied stays, and a new enrolment connects it
    /// again.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`].
    pub async fn disconnect_cluster(
        &self,
        scope: &TenantScope,
        id: ClusterId,
    ) -> Result<(), AppError> {
        require(scope, Role::Admin)?;
        if self.done_before::<()>(scope)?.is_some() {
            return Ok(());
        }
        let (parts, now) = (self.parts(), self.now());
        let found = parts.store.find_cluster(scope, id).await?;
        found.ok_or(AppError::NotFound { what: "the cluster" })?;
        parts.store.revoke_certificates(scope, id, now).await?;
        parts.sessions.deny(id, now);
        self.tell(scope.organization(), Subject::Cluster(id));
        Ok(())
    }

    /// The views of these environments, in their order and in a fixed number of queries.
    pub(crate) async fn environment_views(
        &self,
        scope: &TenantScope,
        environments: Vec<Environment>,
    ) -> Result<Vec<api::Environment>, AppError> {
        let store = &self.parts().store;
        let organization = self.organization_name(scope.organization()).await?;
        let on = each_once(environments.iter().map(|env| env.cluster_id));
        let clusters: HashMap<_, _> = store
            .find_clusters(scope, &on)
            .await?
            .into_iter()
            .map(|cluster| (cluster.id, cluster.name))
            .collect();
        let view = |env: Environment| api::Environment {
            id: env.id.to_string(),
            cluster: clusters.get(&env.cluster_id).cloned().unwrap_or_default(),
            namespace: env.namespace.clone(),
            apps_repository: match &env.gitops {
                GitopsLocation::BuiltIn => {
                    self.gitops_url(&organization, &apps_repository(&env.name))
                }
                GitopsLocation::Outside { apps_url, .. } => apps_url.clone(),
            },
            infra_repository: self.gitops_url(&organization, &infra_repository(&env.name)),
            name: env.name,
        };
        Ok(environments.into_iter().map(view).collect())
    }

    /// The token goes over standard input, so that it never stands in a list of processes.
    fn enrolment_command(&self, token: &str) -> String {
        let parts = self.parts();
        let fingerprint = parts.ca.fingerprint();
        let server = parts.config.agent_url.as_str().trim_end_matches('/');
        format!(
            "printf %s '{token}' | gimlet-install --server {server} --root-fingerprint {fingerprint} --token-file -"
        )
    }
}

/// Name of the repository that releases write.
pub(crate) fn apps_repository(environment: &str) -> String {
    format!("gitops-{environment}-apps")
}

/// Name of the repository that the cluster's owner writes.
pub(crate) fn infra_repository(environment: &str) -> String {
    format!("gitops-{environment}-infra")
}

fn taken(field: &'static str) -> AppError {
    AppError::invalid(field, "is taken in this organization; choose another name")
}

/// Checks a name that a person chose, as the field `field` of a request.
pub(crate) fn check(field: &'static str, name: &str, longest: usize) -> Result<(), AppError> {
    check_label(name, longest).map_err(|error| AppError::invalid(field, error.to_string()))
}

fn cluster_view(
    cluster: Cluster,
    environments: &[Environment],
    apps: u64,
    degraded_apps: u64,
) -> api::Cluster {
    let state = match (cluster.connected_at, cluster.last_seen_at) {
        (Some(_), _) => "connected",
        (None, Some(_)) => "away",
        (None, None) => "waiting",
    };
    api::Cluster {
        id: cluster.id.to_string(),
        name: cluster.name,
        state: state.to_owned(),
        last_seen_at: cluster.last_seen_at.map(|at| at.rfc3339()),
        agent_version: cluster.agent_version,
        kubernetes_version: cluster.kubernetes_version,
        environments: environments
            .iter()
            .filter(|env| env.cluster_id == cluster.id)
            .map(|env| env.name.clone())
            .collect(),
        apps,
        degraded_apps,
        created_at: cluster.created_at.rfc3339(),
    }
}
