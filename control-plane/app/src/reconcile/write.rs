//! Writes releases that wait for their turn, a few applications at a time.

use gimlet_shared::{crash_point, error_chain::Chain, ids::ApplicationId};
use gimlet_store::QueuedGroup;
use tracing::warn;

use super::{LEASE, WRITE_LIMIT, places::Turn};
use crate::{App, AppError};

/// One round: of every application with waiting releases, the one whose turn it is, as far as there are places.
/// It does not wait for their ends, and each end makes another round worth while.
pub(super) async fn write_queued_releases(app: &App) -> Result<(), AppError> {
    let parts = app.parts();
    while let Some(busy) = parts.writes.busy() {
        let (now, limit) = (app.now(), busy.free as u64);
        crash_point!("job.claim.before");
        let groups = parts.store.claim_queued(&parts.system, now, now.after(LEASE), limit).await?;
        crash_point!("job.claim.after");
        let more = groups.len() == busy.free;
        for group in groups {
            let turn = parts.writes.take(group.application.id, group.environment.organization_id);
            begin(app, group, turn);
        }
        if !more {
            return Ok(());
        }
    }
    Ok(())
}

fn begin(app: &App, group: QueuedGroup, turn: Turn<ApplicationId>) {
    let (app, writes) = (app.clone(), &app.parts().writes);
    let stopped = writes.stopped.clone();
    writes.tasks.spawn(async move {
        let written = stopped.run_until_cancelled(write(&app, group)).await;
        drop(turn);
        if written.is_some() {
            app.parts().wake.releases.notify_one();
        }
    });
}

async fn write(app: &App, group: QueuedGroup) {
    let (application, organization) = (group.application.id, group.environment.organization_id);
    let written = tokio::time::timeout(WRITE_LIMIT, app.write_next(group)).await;
    let written = written
        .unwrap_or_else(|elapsed| Err(AppError::unavailable("the gitops repository", elapsed)));
    if let Err(error) = written {
        warn!(
            application.id = %application,
            organization.id = %organization,
            error = %Chain(&error),
            "a release could not be moved; it is tried again"
        );
    }
}
