//! The loops that carry releases on: each looks at what the database says, does one bounded round, and
//! sleeps until it is nudged or its period is over. Running a round twice has the effect of one.

mod follow;
mod sweep;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use gimlet_domain::cause::Cause;
use gimlet_shared::{error_chain::Chain, ids::ReleaseId};
use gimlet_store::PollEnd;
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::{App, AppError, ingest::LookError, live::Subject};

/// A release that cannot be written in this time ends.
pub(crate) const QUEUE_DEADLINE: Duration = Duration::from_secs(600);
/// A poke that did not reach the cluster in this time is pointless: Flux looks by itself.
pub(crate) const COMMAND_LIFETIME: Duration = Duration::from_secs(300);

/// Releases and repositories that are worked on at once.
const AT_ONCE: usize = 8;
/// How long a claim is ours. A killed process holds up its work for no longer than this.
const LEASE: Duration = Duration::from_secs(45);
/// Writing a release ends within its lease, so that no two ever write the same one.
const WRITE_LIMIT: Duration = Duration::from_secs(40);
/// Rounds happen this often without a nudge.
const PERIOD: Duration = Duration::from_secs(2);
/// A burst of nudges makes one round.
const GATHER: Duration = Duration::from_millis(20);
/// After a failed round.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// The longest wait between two tries to write a release.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// What stands in the way of releases that are not closed, for their pages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Troubles(Arc<Mutex<HashMap<ReleaseId, Cause>>>);

impl Troubles {
    pub(crate) fn of(&self, release: ReleaseId) -> Option<Cause> {
        self.lock().get(&release).cloned()
    }

    pub(crate) fn forget(&self, release: ReleaseId) {
        self.lock().remove(&release);
    }

    /// Notes what stands in the way; true if that is news.
    fn note(&self, release: ReleaseId, trouble: Option<Cause>) -> bool {
        let mut all = self.lock();
        let before = match trouble.clone() {
            Some(cause) => all.insert(release, cause),
            None => all.remove(&release),
        };
        before != trouble
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ReleaseId, Cause>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs all reconcilers until `shutdown` fires. Returns early, with an error, when one of them panics.
///
/// # Errors
/// The panic of a reconciler.
pub async fn run(app: App, shutdown: CancellationToken) -> Result<(), tokio::task::JoinError> {
    resume(&app, &shutdown).await;
    let mut tasks = JoinSet::new();
    tasks.spawn(repeat(app.clone(), "repositories", shutdown.clone()));
    tasks.spawn(repeat(app.clone(), "releases", shutdown.clone()));
    tasks.spawn(repeat(app.clone(), "follow", shutdown.clone()));
    tasks.spawn(repeat(app, "sweep", shutdown));
    while let Some(end) = tasks.join_next().await {
        end?;
    }
    Ok(())
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

async fn repeat(app: App, reconciler: &'static str, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let pause = match round(&app, reconciler).await {
            Ok(()) => PERIOD,
            Err(failure) => {
                app.parts().metrics.reconcile_errors.with_label_values(&[reconciler]).inc();
                error!(reconciler, error = %Chain(&failure), "a reconciler's round failed; it is tried again");
                AFTER_FAILURE
            }
        };
        let nudge = async {
            match nudge_of(&app, reconciler) {
                Some(notify) => notify.notified().await,
                None => std::future::pending().await,
            }
            tokio::time::sleep(GATHER).await;
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = nudge => {}
            () = shutdown.cancelled() => {}
        }
    }
}

fn nudge_of<'a>(app: &'a App, reconciler: &str) -> Option<&'a Notify> {
    match reconciler {
        "repositories" => Some(&app.parts().wake.repositories),
        "releases" => Some(&app.parts().wake.releases),
        "follow" => Some(&app.parts().views.changed),
        _ => None,
    }
}

async fn round(app: &App, reconciler: &str) -> Result<(), AppError> {
    match reconciler {
        "repositories" => look_at_due_repositories(app).await,
        "releases" => write_queued_releases(app).await,
        "follow" => follow::follow(app).await,
        _ => sweep::sweep(app).await,
    }
}

async fn look_at_due_repositories(app: &App) -> Result<(), AppError> {
    let (parts, now) = (app.parts(), app.now());
    let limit = u64::try_from(AT_ONCE).unwrap_or(u64::MAX);
    let due =
        parts.store.claim_due_repositories(&parts.system, now, now.after(LEASE), limit).await?;
    let more = due.len() == AT_ONCE;
    stream::iter(due)
        .for_each_concurrent(AT_ONCE, |repository| async move {
            let looked = app.look_at(&repository).await;
            let outcome = if looked.is_ok() { "ok" } else { "failed" };
            parts.metrics.polls.with_label_values(&[outcome]).inc();
            let end = poll_end(app, looked);
            if let Some(error) = &end.error {
                warn!(repository.id = %repository.id, error, "a source repository could not be read");
            }
            if let Err(error) = parts.store.finish_poll(&parts.system, &repository, end, app.now()).await {
                warn!(repository.id = %repository.id, error = %Chain(&error), "a look could not be finished; it is repeated");
            }
            app.tell(repository.organization_id, Subject::Commits);
        })
        .await;
    if more {
        parts.wake.repositories.notify_one();
    }
    Ok(())
}

fn poll_end(app: &App, looked: Result<Option<String>, LookError>) -> PollEnd {
    let interval = app.parts().config.poll_interval;
    match looked {
        Ok(default_branch) => {
            PollEnd { next_due: app.now().after(interval), error: None, default_branch }
        }
        // Somebody moved the refs while they were stored: look again at once.
        Err(LookError::Store(gimlet_store::StoreError::Conflict { .. })) => {
            PollEnd { next_due: app.now().after(AFTER_FAILURE), error: None, default_branch: None }
        }
        Err(error) => PollEnd {
            next_due: app.now().after(interval.min(LONGEST_RETRY)),
            error: Some(Chain(&error).to_string()),
            default_branch: None,
        },
    }
}

async fn write_queued_releases(app: &App) -> Result<(), AppError> {
    let (parts, now) = (app.parts(), app.now());
    let limit = u64::try_from(AT_ONCE).unwrap_or(u64::MAX);
    let groups = parts.store.claim_queued(&parts.system, now, now.after(LEASE), limit).await?;
    let more = groups.len() == AT_ONCE;
    stream::iter(groups)
        .for_each_concurrent(AT_ONCE, |group| async move {
            let app_name = group.application.name.clone();
            let written = tokio::time::timeout(WRITE_LIMIT, app.write_next(group)).await;
            let written = written.unwrap_or_else(|elapsed| {
                Err(AppError::unavailable("the gitops repository", elapsed))
            });
            if let Err(error) = written {
                warn!(app = %app_name, error = %Chain(&error), "a release could not be moved; it is tried again");
            }
        })
        .await;
    if more {
        parts.wake.releases.notify_one();
    }
    Ok(())
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
