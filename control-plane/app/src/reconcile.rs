//! The loops that carry releases on: each looks at what the database says, does one bounded round, and
//! sleeps until it is nudged or its period is over. Running a round twice has the effect of one.

mod deny;
mod follow;
mod last_lines;
mod look;
mod measure;
mod places;
mod sweep;
mod troubles;
mod write;

use std::time::Duration;

use gimlet_shared::error_chain::Chain;
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

pub(crate) use last_lines::KeptLines;
pub(crate) use places::{Looks, Writes};
pub(crate) use troubles::Troubles;

use crate::{App, AppError};

/// A release that cannot be written in this time ends.
pub(crate) const QUEUE_DEADLINE: Duration = Duration::from_secs(600);
/// A poke that did not reach the cluster in this time is pointless: Flux looks by itself.
pub(crate) const COMMAND_LIFETIME: Duration = Duration::from_secs(300);

/// How long the look at a repository is ours; a start makes all of them due.
const LEASE: Duration = Duration::from_secs(45);
/// What rounds and writing may still take once the server stops; what they leave is taken up by the next start.
const LAST_ROUND: Duration = Duration::from_secs(8);
/// Rounds happen this often without a nudge.
const PERIOD: Duration = Duration::from_secs(2);
/// Figures are read about this often by whoever keeps them.
const MEASURE_PERIOD: Duration = Duration::from_secs(10);
/// A burst of nudges makes one round of what nobody waits for.
const GATHER: Duration = Duration::from_millis(20);
/// After a failed round.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// The longest wait between two tries to write a release, or to read a repository that failed.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// Runs all reconcilers until `shutdown` fires. Returns early, with an error, when one of them panics.
///
/// # Errors
/// The panic of a reconciler.
pub async fn run(app: App, shutdown: CancellationToken) -> Result<(), tokio::task::JoinError> {
    resume(&app, &shutdown).await;
    let mut tasks = JoinSet::new();
    for reconciler in Reconciler::ALL {
        tasks.spawn(repeat(app.clone(), reconciler, shutdown.clone()));
    }
    tasks.spawn(crate::feed::hand_out(app.clone(), shutdown.clone()));
    let (looks, writes) = (&app.parts().looks, &app.parts().writes);
    let all_ended = async {
        while let Some(end) = tasks.join_next().await {
            end?;
        }
        writes.finish().await;
        Ok::<_, tokio::task::JoinError>(())
    };
    let cut_off = async {
        shutdown.cancelled().await;
        tokio::time::sleep(LAST_ROUND).await;
        writes.stopped.cancel();
        std::future::pending().await
    };
    let ended = tokio::select! {
        ended = all_ended => ended,
        () = cut_off => Ok(()),
    };
    looks.stop().await;
    ended
}

/// Takes back what a killed run of this process held. The database may be away at the start, too.
async fn resume(app: &App, shutdown: &CancellationToken) {
    let parts = app.parts();
    while let Err(error) = parts.store.resume_after_restart(&parts.system, app.now()).await {
        warn!(error = %Chain(&error), "cannot resume the work of the last run yet");
        if shutdown.run_until_cancelled(tokio::time::sleep(AFTER_FAILURE)).await.is_none() {
            return;
        }
    }
}

/// What is repeated.
#[derive(Clone, Copy, Debug)]
enum Reconciler {
    /// Looks at source repositories that are due.
    Look,
    /// Writes releases that wait for their turn.
    Write,
    /// Follows releases that are in git, and the health of applications.
    Follow,
    /// Closes what has passed its deadline.
    Sweep,
    /// Closes the links of clusters whose certificates were revoked.
    Deny,
    /// Measures what no event tells.
    Measure,
}

impl Reconciler {
    const ALL: [Self; 6] =
        [Self::Look, Self::Write, Self::Follow, Self::Sweep, Self::Deny, Self::Measure];

    /// Its name in logs and metrics.
    fn name(self) -> &'static str {
        match self {
            Self::Look => "repositories",
            Self::Write => "releases",
            Self::Follow => "follow",
            Self::Sweep => "sweep",
            Self::Deny => "deny",
            Self::Measure => "measure",
        }
    }

    async fn round(self, app: &App) -> Result<(), AppError> {
        match self {
            Self::Look => look::look_at_due_repositories(app).await,
            Self::Write => write::write_queued_releases(app).await,
            Self::Follow => follow::follow(app).await,
            Self::Sweep => sweep::sweep(app).await,
            Self::Deny => deny::close_revoked_links(app).await,
            Self::Measure => measure::measure(app).await,
        }
    }

    /// Between two rounds without a nudge.
    fn period(self) -> Duration {
        match self {
            Self::Look | Self::Write | Self::Follow | Self::Sweep | Self::Deny => PERIOD,
            Self::Measure => MEASURE_PERIOD,
        }
    }

    /// How long a nudge waits for others. Releases wait for looks and writing, whose rounds only hand out
    /// what there is to do: those begin at once.
    fn gathers(self) -> Option<Duration> {
        match self {
            Self::Look | Self::Write => None,
            Self::Follow | Self::Sweep | Self::Deny | Self::Measure => Some(GATHER),
        }
    }

    /// What makes a round worth while before its period is over; nothing hurries a sweep or a measurement.
    fn nudge(self, app: &App) -> Option<&Notify> {
        match self {
            Self::Look => Some(&app.parts().wake.repositories),
            Self::Write => Some(&app.parts().wake.releases),
            Self::Follow => Some(&app.parts().views.changed),
            Self::Sweep | Self::Deny | Self::Measure => None,
        }
    }
}

async fn repeat(app: App, reconciler: Reconciler, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let too_long = async {
            shutdown.cancelled().await;
            tokio::time::sleep(LAST_ROUND).await;
        };
        let round = tokio::select! {
            round = reconciler.round(&app) => round,
            () = too_long => return,
        };
        let pause = match round {
            Ok(()) => reconciler.period(),
            Err(failure) => {
                let name = reconciler.name();
                app.parts().metrics.reconcile_errors.with_label_values(&[name]).inc();
                error!(reconciler = name, error = %Chain(&failure), "a reconciler's round failed; it is tried again");
                AFTER_FAILURE
            }
        };
        let nudge = async {
            match reconciler.nudge(&app) {
                Some(notify) => notify.notified().await,
                None => std::future::pending().await,
            }
            if let Some(gather) = reconciler.gathers() {
                tokio::time::sleep(gather).await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = nudge => {}
            () = shutdown.cancelled() => {}
        }
    }
}

/// 1 s, 2 s, 4 s … 60 s.
pub(crate) fn retry_delay(attempts: i32) -> Duration {
    let exponent = u32::try_from(attempts.clamp(1, 7) - 1).unwrap_or(0);
    Duration::from_secs(2_u64.pow(exponent)).min(LONGEST_RETRY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_between_two_tries_doubles_up_to_a_minute() {
        let delays: Vec<u64> = (0..9).map(|attempts| retry_delay(attempts).as_secs()).collect();
        assert_eq!(delays, [1, 1, 2, 4, 8, 16, 32, 60, 60]);
    }
}
