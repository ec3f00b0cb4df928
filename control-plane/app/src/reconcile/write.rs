//! Writes releases that wait for their turn, a few applications at a time.

use std::time::Duration;

use gimlet_shared::{crash_point, error_chain::Chain, ids::ApplicationId};
use gimlet_store::QueuedGroup;
use tokio::time::{error::Elapsed, timeout};
use tracing::warn;

use super::{AFTER_FAILURE, places::Turn};
use crate::{App, AppError, Timestamp};

/// How long a claim holds without being kept. A killed replica holds up its releases for no longer than this.
const CLAIM: Duration = Duration::from_secs(15);
/// How often it is kept: so often that a database which is away for a moment costs no claim.
const KEEP_EVERY: Duration = Duration::from_secs(5);
/// How long the database may take for that.
const KEEP_PATIENCE: Duration = Duration::from_secs(3);
/// A write whose claim cannot be kept is cut off this long before somebody else may take the claim.
const CUT_OFF: Duration = Duration::from_secs(2);
/// How long writing one release may take.
const WRITE_LIMIT: Duration = Duration::from_secs(40);

/// One round: of every application with waiting releases, the one whose turn it is, as far as there are places.
/// It does not wait for their ends, and each end makes another round worth while.
pub(super) async fn write_queued_releases(app: &App) -> Result<(), AppError> {
    let parts = app.parts();
    while let Some(busy) = parts.writes.busy() {
        let (now, limit) = (app.now(), busy.free as u64);
        crash_point!("job.claim.before");
        let until = now.after(CLAIM);
        let groups = parts.store.claim_queued(&parts.system, now, until, limit).await?;
        crash_point!("job.claim.after");
        let more = groups.len() == busy.free;
        for group in groups {
            let turn = parts.writes.take(group.application.id, group.environment.organization_id);
            begin(app, group, until, turn);
        }
        if !more {
            return Ok(());
        }
    }
    Ok(())
}

fn begin(app: &App, group: QueuedGroup, until: Timestamp, turn: Turn<ApplicationId>) {
    let (app, writes) = (app.clone(), &app.parts().writes);
    let stopped = writes.stopped.clone();
    writes.tasks.spawn(async move {
        let written = stopped.run_until_cancelled(write(&app, group, until)).await;
        drop(turn);
        if written.is_some() {
            app.parts().wake.releases.notify_one();
        }
    });
}

async fn write(app: &App, group: QueuedGroup, until: Timestamp) {
    let (application, organization) = (group.application.id, group.environment.organization_id);
    if let Err(error) = write_claimed(app, group, until).await {
        warn!(
            application.id = %application,
            organization.id = %organization,
            error = %Chain(&error),
            "a release could not be moved; it is tried again"
        );
    }
}

/// Writes one application's release for as long as it is ours.
async fn write_claimed(app: &App, group: QueuedGroup, until: Timestamp) -> Result<(), AppError> {
    let application = group.application.id;
    let written = timeout(WRITE_LIMIT, async {
        tokio::select! {
            written = app.write_next(group) => written,
            lost = keep_claim(app, application, until) => {
                Err(AppError::unavailable("the claim of the application", lost))
            }
        }
    });
    let overdue = |elapsed: Elapsed| Err(AppError::unavailable("the gitops repository", elapsed));
    written.await.unwrap_or_else(overdue)
}

/// Why a claim could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("the database did not take that it is kept, until it was about to run out")]
struct ClaimLost;

/// Keeps a claim until it is given back by what is written; returns where it cannot be kept.
async fn keep_claim(app: &App, application: ApplicationId, mut until: Timestamp) -> ClaimLost {
    let parts = app.parts();
    let mut pause = KEEP_EVERY;
    loop {
        tokio::time::sleep(pause).await;
        let now = app.now();
        if now.after(CUT_OFF) >= until {
            return ClaimLost;
        }
        let next = now.after(CLAIM);
        let kept = parts.store.keep_claim(&parts.system, application, until, next);
        match timeout(KEEP_PATIENCE, kept).await {
            Ok(Ok(true)) => (until, pause) = (next, KEEP_EVERY),
            // A release of it was advanced or postponed by the write itself, which is about to end.
            Ok(Ok(false)) => return std::future::pending().await,
            Ok(Err(error)) => {
                warn!(application.id = %application, error = %Chain(&error), "a claim could not be kept yet");
                pause = AFTER_FAILURE;
            }
            Err(_) => pause = AFTER_FAILURE,
        }
    }
}
