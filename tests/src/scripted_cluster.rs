//! A cluster by script: enough of the Kubernetes API, over TLS, for the real agent, and somebody who
//! plays Flux in it.
//!
//! Hundreds of applications cost one process and a few megabytes. Nothing is scheduled and no container
//! runs: what Flux applies is ready at once. What happened to the cluster is kept in an effect ledger, a
//! file that outlives every kill of the programs around it.
//!
//! [`Objects`] knows no kind by name, and can hold what any test wants an agent to see.

mod api;
mod flux;
mod git;
mod ledger;
mod objects;
mod serve;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use serde_json::json;
use tokio::task::JoinSet;

pub use flux::{FluxEnvironment, play_flux};
pub use ledger::{Effect, Entry, Ledger};
pub use objects::{Objects, Resource};

/// The namespace that the agent's own objects are in.
pub const AGENT_NAMESPACE: &str = "infrastructure";

/// The namespace that Flux's objects are in.
pub const FLUX_NAMESPACE: &str = "flux-system";

/// The resource of `ConfigMaps`.
pub const CONFIG_MAPS: &str = "v1/configmaps";
/// The resource of Secrets.
pub const SECRETS: &str = "v1/secrets";
/// The resource of Leases.
pub const LEASES: &str = "coordination.k8s.io/v1/leases";

/// A running cluster; its port closes when it is dropped.
#[derive(Debug)]
pub struct ScriptedCluster {
    objects: Objects,
    address: SocketAddr,
    kubeconfig: PathBuf,
    tasks: JoinSet<()>,
}

impl ScriptedCluster {
    /// Opens the cluster's API on a loopback port, and writes a kubeconfig for it into `folder`. The
    /// objects that an installer makes for the agent are there.
    ///
    /// # Errors
    /// When there is no port, no certificate, or no room on the disk.
    pub async fn start(folder: &Path, ledger: Option<Arc<Ledger>>) -> Result<Self> {
        let objects = Objects::default();
        for (resource, name) in [
            (CONFIG_MAPS, "gimlet-agent-cursor"),
            (SECRETS, "gimlet-agent-identity"),
            (SECRETS, "gimlet-agent-enrolment"),
            (LEASES, "gimlet-agent"),
        ] {
            objects
                .put(resource, json!({"metadata": {"namespace": AGENT_NAMESPACE, "name": name}}));
        }
        let mut tasks = JoinSet::new();
        let served = serve::serve(api::Api::new(objects.clone(), ledger), &mut tasks).await?;
        std::fs::create_dir_all(folder)?;
        let kubeconfig = folder.join("kubeconfig");
        std::fs::write(&kubeconfig, served.kubeconfig.to_string())
            .context("cannot write the kubeconfig")?;
        Ok(Self { objects, address: served.address, kubeconfig, tasks })
    }

    /// Everything that is on the cluster.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Where its API listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How the agent finds it.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Has somebody play Flux for an environment until the cluster is dropped.
    pub fn add_environment(&mut self, environment: FluxEnvironment, ledger: Arc<Ledger>) {
        self.tasks.spawn(play_flux(self.objects.clone(), environment, ledger));
    }
}
