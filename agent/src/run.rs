//! The agent as a whole: wires its parts, owns their tasks, and takes them down in order.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use gimlet_shared::{backoff::Backoff, ids::BootId, link::agent::AgentIdentity};
use kube::Client;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    config::Config,
    dial::Dialer,
    health::{self, Health},
    lease,
    link::{Link, Parts, keep_connected},
    metrics::Metrics,
    watch as cluster,
};

/// Changes on their way to the link. Beyond it the watch waits, and the API server keeps what comes.
const CHANGES: usize = 32;

/// The bounds of the delay between attempts to connect.
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// Runs the agent until `shutdown`.
///
/// # Errors
/// When it cannot start, or one of its parts ends by itself.
pub async fn run(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let root_pem = tokio::fs::read_to_string(&config.root_file).await.with_context(|| {
        format!("could not read GIMLET_ROOT_FILE ({})", config.root_file.display())
    })?;
    let listener = TcpListener::bind(config.health_addr)
        .await
        .with_context(|| format!("could not listen on {}", config.health_addr))?;
    let client = Client::try_default().await.context("found no way to the Kubernetes API")?;

    let (health, metrics) = (Arc::new(Health::default()), Arc::new(Metrics::new()?));
    let (change_sender, changes) = mpsc::channel(CHANGES);
    let (lead_sender, leads) = watch::channel(false);
    let (https_proxy, no_proxy) = (config.https_proxy.as_deref(), config.no_proxy.as_deref());
    let mut parts = Parts {
        client: client.clone(),
        namespace: config.namespace.clone(),
        dialer: Dialer::new(config.server, https_proxy, no_proxy),
        root_pem,
        token_file: config.token_file,
        identity: identity(),
        changes,
        leads,
        health: Arc::clone(&health),
        metrics: Arc::clone(&metrics),
    };

    // The link drains first; only then is the Lease given back, so that no other replica connects before.
    let (link_shutdown, rest_shutdown) = (shutdown.child_token(), CancellationToken::new());
    let mut tasks: JoinSet<anyhow::Result<&'static str>> = JoinSet::new();
    tasks.spawn({
        let shutdown = rest_shutdown.clone();
        async move {
            health::serve(listener, health, metrics, shutdown)
                .await
                .context("serving health failed")?;
            Ok("health")
        }
    });
    tasks.spawn({
        let (client, shutdown) = (client.clone(), rest_shutdown.clone());
        async move {
            cluster::run(client, change_sender, shutdown).await.context("watching failed")?;
            Ok("watch")
        }
    });
    tasks.spawn({
        let shutdown = rest_shutdown.clone();
        async move {
            let (namespace, replica) = (config.namespace, config.replica);
            lease::take_part(client, &namespace, &replica, lead_sender, shutdown).await;
            Ok("lease")
        }
    });
    tasks.spawn(async move {
        parts.identity.kubernetes_version = kubernetes_version(&parts.client, &link_shutdown).await;
        let backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
        keep_connected(&mut Link::new(parts), backoff, link_shutdown).await;
        Ok("link")
    });
    take_down(tasks, &shutdown, rest_shutdown).await
}

/// Waits for the link to end at shutdown, then ends the rest. Anything that ends before is an error.
async fn take_down(
    mut tasks: JoinSet<anyhow::Result<&'static str>>,
    shutdown: &CancellationToken,
    rest: CancellationToken,
) -> anyhow::Result<()> {
    let mut result = Ok(());
    while let Some(ended) = tasks.join_next().await {
        let part = ended.context("a part of the agent broke down").and_then(|part| part);
        match part {
            Ok(part) if shutdown.is_cancelled() => info!(part, "ended"),
            Ok(part) => result = Err(anyhow::anyhow!("the agent's {part} ended by itself")),
            Err(error) => result = Err(error),
        }
        shutdown.cancel();
        rest.cancel();
    }
    result
}

/// Who this run is; the API server's version comes later, once it answers.
fn identity() -> AgentIdentity {
    AgentIdentity {
        boot_id: BootId::new(),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        kubernetes_version: String::new(),
    }
}

/// The API server's version, which is also the first proof that it answers.
async fn kubernetes_version(client: &Client, shutdown: &CancellationToken) -> String {
    let mut backoff = Backoff::new(FIRST_DELAY, Duration::from_secs(10));
    loop {
        match client.apiserver_version().await {
            Ok(version) => return version.git_version,
            Err(error) => {
                tracing::warn!(error = %gimlet_shared::error_chain::Chain(&error), "the Kubernetes API does not answer, trying again");
            }
        }
        let delay = tokio::time::sleep(backoff.next_delay());
        if shutdown.run_until_cancelled(delay).await.is_none() {
            return String::new();
        }
    }
}
