//! How a server stops: it says so, lets go of work step by step, and is gone within 20 seconds.
//!
//! 1. `/readyz` answers 503, so that balancers send nobody new.
//! 2. No reconciler takes up new work; what is under way ends, or is cut off and taken up by the next start.
//! 3. Agents are sent away, each for a time of its own; streams end, requests are answered, ports close.
//! 4. What is left after the limit is cut off. Every step of the product may be cut off anywhere.

use std::time::Duration;

use anyhow::Context as _;
use gimlet_shared::crash_point;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Orchestrators kill after 30 s; the process itself needs a moment to end.
const LIMIT: Duration = Duration::from_secs(18);

/// The stages of a stop, in their order. Each is a token that fires once.
#[derive(Clone, Debug, Default)]
pub struct Stages {
    /// This server is not ready any more.
    pub unready: CancellationToken,
    /// No new work is taken up.
    pub claims: CancellationToken,
    /// Ports close, streams end, agents go.
    pub closing: CancellationToken,
    /// Everything else has ended: the health port may, too.
    pub ended: CancellationToken,
}

/// The parts of a server.
pub type Parts = JoinSet<anyhow::Result<()>>;

/// Runs `parts` until a signal, or until one of them ends; then takes them down. `health` goes last, so that
/// whoever asks hears "not ready" to the end.
///
/// # Errors
/// A part that failed, or a second signal.
pub async fn run_until_stopped(
    mut parts: Parts,
    mut health: Parts,
    stages: Stages,
    wait: Duration,
) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let result = tokio::select! {
        name = signals.next() => {
            info!(signal = name, "stopping: this server is not ready any more");
            Ok(())
        }
        ended = parts.join_next() => ended_early(ended),
        ended = health.join_next() => ended_early(ended),
    };
    let began = Instant::now();
    tokio::select! {
        drained = drain(&mut parts, &stages, began, wait) => {
            stages.ended.cancel();
            let _ = timeout_at(began + LIMIT, async { while health.join_next().await.is_some() {} }).await;
            let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            info!(duration_ms, "stopped");
            result.and(drained)
        }
        name = signals.next() => {
            warn!(signal = name, "stopped at once by a second signal; the next start takes up what was left");
            Err(anyhow::anyhow!("stopped by a second signal before everything had ended"))
        }
    }
}

async fn drain(
    parts: &mut Parts,
    stages: &Stages,
    began: Instant,
    wait: Duration,
) -> anyhow::Result<()> {
    crash_point!("drain.step.before");
    stages.unready.cancel();
    stages.claims.cancel();
    sleep_until(began + wait).await;
    stages.closing.cancel();
    let mut result = Ok(());
    let all = async {
        while let Some(ended) = parts.join_next().await {
            let ended = ended.context("a part of the server panicked").and_then(|result| result);
            if result.is_ok() {
                result = ended;
            }
            crash_point!("drain.step.after");
        }
    };
    if timeout_at(began + LIMIT, all).await.is_err() {
        warn!("some work did not end in time and was cut off; the next start takes it up");
    }
    result
}

fn ended_early(
    ended: Option<Result<anyhow::Result<()>, tokio::task::JoinError>>,
) -> anyhow::Result<()> {
    match ended {
        Some(Ok(Ok(()))) | None => Err(anyhow::anyhow!("a part of the server ended by itself")),
        Some(Ok(Err(error))) => Err(error),
        Some(Err(error)) => Err(error).context("a part of the server panicked"),
    }
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_stages_come_in_their_order_and_what_never_ends_is_cut_off() {
        let (stages, began) = (Stages::default(), Instant::now());
        let mut parts = Parts::new();
        let seen = stages.clone();
        parts.spawn(async move {
            seen.claims.cancelled().await;
            assert!(seen.unready.is_cancelled() && !seen.closing.is_cancelled());
            seen.closing.cancelled().await;
            assert_eq!(began.elapsed(), Duration::from_secs(5));
            Ok(())
        });
        parts.spawn(std::future::pending());
        let drained = drain(&mut parts, &stages, began, Duration::from_secs(5)).await;
        assert!(drained.is_ok());
        assert_eq!(began.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_fails_while_stopping_is_told() {
        let (stages, mut parts) = (Stages::default(), Parts::new());
        parts.spawn(async { anyhow::bail!("the port broke") });
        let drained = drain(&mut parts, &stages, Instant::now(), Duration::ZERO).await;
        assert_eq!(drained.expect_err("told").to_string(), "the port broke");
    }
}
