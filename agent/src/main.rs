//! `gimlet-agent`: reads its configuration, then runs until it is told to stop.

use anyhow::Context as _;
use gimlet_agent::{config::Config, logging, run::run};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

// One thread: the work is small and waits most of the time, and each thread would have memory of its own.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let config = Config::from_env()?;
    logging::start(&config.log).context("RUST_LOG cannot be read")?;
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another TLS provider was installed before"))?;

    let shutdown = CancellationToken::new();
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        shutdown.cancel();
        // The run below ends by itself; a second signal ends the process at once.
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Err(anyhow::anyhow!("stopped before everything was in order"))
    };
    tokio::select! {
        result = run(config, shutdown.clone()) => result,
        result = stop => result,
    }
}
