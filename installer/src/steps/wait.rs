//! Waiting for what was applied to work, with a word on the likely cause whenever it takes long.

use std::time::Duration;

use anyhow::bail;
use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Pod},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Cluster, ClusterError, diagnosis};
use crate::progress::Progress;

/// Longer silence makes people doubt.
const STALL: Duration = Duration::from_secs(20);
const INTERVAL: Duration = Duration::from_secs(1);

/// What is waited for.
#[derive(Clone, Debug)]
pub(super) enum Awaited {
    /// The API server serves a kind.
    Kind { name: String },
    /// A Deployment has all its replicas, of its newest generation.
    Deployment { namespace: &'static str, name: &'static str, unready: &'static str },
    /// Flux has fetched a source.
    GitRepository { namespace: &'static str, name: String },
}

/// How something that is waited for stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Ready,
    /// Not yet: the likely cause, and what to do about it.
    Pending {
        cause: String,
        remedy: String,
    },
}

/// Waits until it is ready.
///
/// # Errors
/// When `deadline` passes first, or the cluster cannot be asked.
pub(super) async fn wait_for(
    cluster: &Cluster,
    awaited: &Awaited,
    deadline: Instant,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let (mut elapsed, mut next_word) = (Duration::ZERO, STALL);
    loop {
        let Standing::Pending { cause, remedy } = awaited.look(cluster).await? else {
            return Ok(());
        };
        if Instant::now() >= deadline {
            bail!(
                "{} is not ready after {} s: {cause}; {remedy}; then run this again, or give it more \
                 time with --wait",
                awaited.subject(),
                elapsed.as_secs()
            );
        }
        progress.waiting(&awaited.subject(), elapsed, &cause);
        if elapsed >= next_word {
            progress.note(&format!("  still waiting for {}: {cause}", awaited.subject()));
            progress.note(&format!("    {remedy}"));
            next_word += STALL;
        }
        sleep(INTERVAL).await;
        elapsed = begun.elapsed();
    }
}

impl Awaited {
    fn subject(&self) -> String {
        match self {
            Self::Kind { name } => format!("kind {name}"),
            Self::Deployment { namespace, name, .. } => format!("Deployment {namespace}/{name}"),
            Self::GitRepository { namespace, name } => format!("GitRepository {namespace}/{name}"),
        }
    }

    async fn look(&self, cluster: &Cluster) -> Result<Standing, ClusterError> {
        match self {
            Self::Kind { name } => {
                let kind = ("apiextensions.k8s.io/v1", "CustomResourceDefinition");
                let found: Option<CustomResourceDefinition> =
                    cluster.find_as(kind, None, name).await?;
                Ok(diagnosis::of_kind(found.as_ref()))
            }
            Self::Deployment { namespace, name, unready } => {
                let kind = ("apps/v1", "Deployment");
                let found: Option<Deployment> =
                    cluster.find_as(kind, Some(namespace), name).await?;
                let Some(deployment) = found else { return Ok(diagnosis::gone(&self.subject())) };
                if diagnosis::is_available(&deployment) {
                    return Ok(Standing::Ready);
                }
                let pods: Vec<Pod> =
                    cluster.list(namespace, &diagnosis::pod_selector(&deployment)).await?;
                Ok(diagnosis::of_deployment(&deployment, &pods, unready))
            }
            Self::GitRepository { namespace, name } => {
                let kind = ("source.toolkit.fluxcd.io/v1", "GitRepository");
                let found: Option<Value> = cluster.find_as(kind, Some(namespace), name).await?;
                Ok(found.map_or_else(
                    || diagnosis::gone(&self.subject()),
                    |source| diagnosis::of_source(&source),
                ))
            }
        }
    }
}
