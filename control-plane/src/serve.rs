//! Puts the parts together and serves until told to stop.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context as _, bail};
use gimlet_api::{
    AgentPort, HttpMetrics, PeopleConfig, health_router, observed, people_router, serve_http,
    tls_config,
};
use gimlet_app::{
    App, AppConfig, AppMetrics, CertificateAuthority, Clock as _, SystemClock, Vault, reconcile,
};
use gimlet_git::{
    Git,
    remote::HostPolicy,
    smart_http::{Limits, SmartHttp},
};
use gimlet_github::GitHubHooks;
use gimlet_store::Store;
use gimlet_web::{WebConfig, pages_router};
use prometheus::Registry;
use secrecy::ExposeSecret as _;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::config::Config;

/// Opens database, certificate authority and use cases; migrates the database where it is older.
///
/// # Errors
/// What cannot be opened, and why.
pub async fn open_app(config: &Config) -> anyhow::Result<(App, Registry)> {
    make_private(&config.data_dir)
        .with_context(|| format!("cannot make the data directory {}", config.data_dir.display()))?;
    let store = Store::open(config.database_url.expose_secret())
        .await
        .context("cannot open the database")?;
    let ca = CertificateAuthority::open(&config.data_dir.join("ca"), SystemClock.now())
        .context("cannot open the certificate authority")?;
    let vault = Vault::open(&config.data_dir).context("cannot open the secrets' key")?;
    let registry = Registry::new();
    let metrics = AppMetrics::register(&registry).context("cannot register the metrics")?;
    let settings = AppConfig {
        public_url: config.public_url.clone(),
        agent_url: config.agent_url.clone(),
        git_url: config.git_url.clone(),
        data_dir: config.data_dir.clone(),
        agent_image: config.agent_image.clone(),
        release_deadline: config.release_deadline,
        poll_interval: config.poll_interval,
        host_policy: HostPolicy {
            allow_private: config.allow_private_hosts,
            allow_file: config.allow_file_repositories,
        },
    };
    let (hooks, clock) = (Arc::new(GitHubHooks), Arc::new(SystemClock));
    let app = App::new(store, settings, ca, vault, hooks, clock, metrics);
    Ok((app, registry))
}

/// Tokens' hashes, webhook secrets and keys lie below it: nobody else on the machine reads it.
fn make_private(folder: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(folder)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

/// Serves people, agents and health, and runs the reconcilers, until SIGTERM or SIGINT; then lets what is
/// under way end. A part that ends by itself ends the process.
///
/// # Errors
/// A port that cannot be opened, or a part that failed.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    // The provider of the whole process; it is set once, before any TLS.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (app, registry) = open_app(&config).await?;
    let shutdown = CancellationToken::new();
    let metrics = HttpMetrics::register(&registry).context("cannot register the metrics")?;
    let agents = agent_port(&app, &config, metrics.clone(), shutdown.clone())?;
    let git = SmartHttp::new(Git::new(config.data_dir.join("git-home")), Limits::default());
    let people = PeopleConfig { git: git.clone(), shutdown: shutdown.clone() };
    let pages = WebConfig { public_url: config.public_url.clone(), shutdown: shutdown.clone() };
    let people = people_router(app.clone(), people).merge(pages_router(app.clone(), &pages));
    let people = observed(people, metrics);
    let people_listener = bind("people", config.listen).await?;
    let health_listener = bind("health", config.health_listen).await?;
    let agent_listener = bind("agents", config.agent_listen).await?;

    let mut parts: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let stop = shutdown.clone();
    parts.spawn(async move {
        let served = serve_http(people_listener, people, stop).await;
        // Clones and pushes had their time to end with the other requests; no git process stays behind.
        git.shutdown().await;
        served.context("the people's port failed")
    });
    let (stop, health) = (shutdown.clone(), health_router(app.clone(), registry));
    parts.spawn(async move {
        serve_http(health_listener, health, stop).await.context("the health port failed")
    });
    parts.spawn(
        async move { agents.serve(agent_listener).await.context("the agents' port failed") },
    );
    let stop = shutdown.clone();
    parts.spawn(async move { reconcile::run(app, stop).await.context("a reconciler failed") });
    info!(public_url = %config.public_url, agent_url = %config.agent_url, "serving");
    run_until_stopped(parts, &shutdown).await
}

async fn run_until_stopped(
    mut parts: JoinSet<anyhow::Result<()>>,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let mut result = tokio::select! {
        signal = stop_signal() => signal,
        ended = parts.join_next() => match ended {
            Some(Ok(Ok(()))) | None => Err(anyhow::anyhow!("a part of the server ended by itself")),
            Some(Ok(Err(error))) => Err(error),
            Some(Err(error)) => Err(error).context("a part of the server panicked"),
        },
    };
    info!("stopping");
    shutdown.cancel();
    while let Some(ended) = parts.join_next().await {
        let ended = ended.context("a part of the server panicked").and_then(|result| result);
        result = result.and(ended);
    }
    result
}

async fn stop_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

fn agent_port(
    app: &App,
    config: &Config,
    metrics: HttpMetrics,
    shutdown: CancellationToken,
) -> anyhow::Result<AgentPort> {
    let Some(host) = config.agent_url.host_str() else { bail!("agent_url: names no host") };
    let (chain, key) =
        app.server_certificate(host).context("cannot make the agent port's certificate")?;
    let tls = tls_config(&chain, &key, app.root_pem()).context("cannot set up TLS for agents")?;
    Ok(AgentPort { app: app.clone(), tls, metrics, shutdown })
}

async fn bind(what: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot open the port for {what} at {address}"))
}
