//! Puts the parts together and serves until told to stop.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context as _, bail};
use gimlet_api::{
    AgentPort, HttpMetrics, PeopleConfig, health_router, observed, people_router, serve_http,
    tls_config, traced,
};
use gimlet_app::{
    App, AppConfig, AppMetrics, CertificateAuthority, Clock as _, Outside, SystemClock, Vault,
    open_charts, reconcile,
};
use gimlet_git::{
    Git,
    remote::HostPolicy,
    smart_http::{Limits, SmartHttp},
};
use gimlet_github::GitHubHooks;
use gimlet_store::Store;
use gimlet_web::{WebConfig, docs_router, pages_router};
use prometheus::Registry;
use secrecy::ExposeSecret as _;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    config::{Config, Settings},
    docs::docs_site,
    drain::{Parts, Stages, run_until_stopped},
    lock::DataLock,
    logs::Logs,
    process, telemetry,
};

/// Opens database, certificate authority and use cases; migrates the database where it is older.
///
/// # Errors
/// What cannot be opened, and why.
pub async fn open_app(config: &Config) -> anyhow::Result<(App, Registry)> {
    // The provider of the whole process; it is set once, before any TLS.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    make_private(&config.data_dir)
        .with_context(|| format!("cannot make the data directory {}", config.data_dir.display()))?;
    let store = Store::open(config.database_url.expose_secret())
        .await
        .context("cannot open the database")?;
    let ca = CertificateAuthority::open(&config.data_dir.join("ca"), SystemClock.now())
        .context("cannot open the certificate authority")?;
    let vault = Vault::open(&config.data_dir).context("cannot open the secrets' key")?;
    let registry = Registry::new();
    store.register_metrics(&registry).context("cannot register the metrics")?;
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
    let charts = open_charts(&config.data_dir, settings.host_policy)
        .context("cannot open the folder of fetched charts")?;
    let app = App::new(store, settings, ca, vault, Outside { charts, hooks }, clock, metrics);
    Ok((app, registry))
}

/// Tokens' hashes, webhook secrets and keys lie below it: nobody else on the machine reads it.
pub(crate) fn make_private(folder: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(folder)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

/// Serves people, agents and health, and runs the reconcilers, until SIGTERM or SIGINT; then drains as
/// [`drain`](crate::drain) says. A part that ends by itself ends the process. SIGHUP reads `log` of the
/// configuration file anew.
///
/// # Errors
/// A port that cannot be opened, or a part that failed.
pub async fn serve(config: Config, settings: Settings, logs: Logs) -> anyhow::Result<()> {
    make_private(&config.data_dir)
        .with_context(|| format!("cannot make the data directory {}", config.data_dir.display()))?;
    let _lock = DataLock::take(&config.data_dir)?;
    let (app, registry) = open_app(&config).await?;
    let stages = Stages::default();
    let mut health_parts = Parts::new();
    process::register(&registry).context("cannot register the metrics")?;
    if let Some((traces, export)) = telemetry::open(&config.telemetry, &registry)? {
        app.trace_to(traces);
        let ended = stages.ended.clone();
        health_parts.spawn(async move {
            export.run(ended).await;
            Ok(())
        });
    }
    let shutdown = stages.closing.clone();
    let metrics = HttpMetrics::register(&registry).context("cannot register the metrics")?;
    let agents = agent_port(&app, &config, metrics.clone(), shutdown.clone())?;
    let git = SmartHttp::new(Git::new(config.data_dir.join("git-home")), Limits::default());
    let people =
        PeopleConfig { git: git.clone(), shutdown: shutdown.clone(), limits: config.limits };
    let pages = WebConfig { public_url: config.public_url.clone(), shutdown: shutdown.clone() };
    let people = people_router(app.clone(), people)
        .merge(docs_router(app.clone(), Arc::new(docs_site()?), &pages))
        .merge(pages_router(app.clone(), &pages));
    let people = observed(traced(people, app.clone()), metrics);
    let people_listener = bind("people", config.listen).await?;
    let health_listener = bind("health", config.health_listen).await?;
    let agent_listener = bind("agents", config.agent_listen).await?;

    let mut parts = Parts::new();
    let stop = shutdown.clone();
    parts.spawn(async move {
        let served = serve_http(people_listener, people, stop).await;
        // Clones and pushes had their time to end with the other requests; no git process stays behind.
        git.shutdown().await;
        served.context("the people's port failed")
    });
    let health = health_router(app.clone(), registry, stages.unready.clone());
    let stop = stages.ended.clone();
    health_parts.spawn(async move {
        serve_http(health_listener, health, stop).await.context("the health port failed")
    });
    parts.spawn(
        async move { agents.serve(agent_listener).await.context("the agents' port failed") },
    );
    let stop = stages.claims.clone();
    parts.spawn(async move { reconcile::run(app, stop).await.context("a reconciler failed") });
    parts.spawn(reload_logs(settings, logs, stages.closing.clone()));
    info!(public_url = %config.public_url, agent_url = %config.agent_url, "serving");
    run_until_stopped(parts, health_parts, stages, config.drain_wait).await
}

/// At each SIGHUP, `log` of the configuration counts as it is written then. Everything else needs a start.
async fn reload_logs(
    settings: Settings,
    logs: Logs,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let mut hangups = signal(SignalKind::hangup())?;
    while shutdown.run_until_cancelled(hangups.recv()).await.is_some() {
        match Config::load(settings.clone()).map_err(anyhow::Error::from) {
            Ok(config) => match logs.change(&config.log) {
                Ok(()) => info!(log = config.log, "what is logged has changed"),
                Err(error) => warn!(error = format!("{error:#}"), "the logs stay as they were"),
            },
            Err(error) => warn!(error = format!("{error:#}"), "the logs stay as they were"),
        }
    }
    Ok(())
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
