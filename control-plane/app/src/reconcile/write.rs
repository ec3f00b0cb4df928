//! Writes releases that wait for their turn, a few applications at a time.

use futures::{StreamExt as _, stream};
use gimlet_shared::{crash_point, error_chain::Chain};
use tracing::warn;

use super::{AT_ONCE, LEASE, WRITE_LIMIT};
use crate::{App, AppError};

/// One round: of every application with waiting releases, the one whose turn it is.
pub(super) async fn write_queued_releases(app: &App) -> Result<(), AppError> {
    let (parts, now) = (app.parts(), app.now());
    crash_point!("job.claim.before");
    let groups =
        parts.store.claim_queued(&parts.system, now, now.after(LEASE), AT_ONCE.into()).await?;
    crash_point!("job.claim.after");
    let more = groups.len() == usize::from(AT_ONCE);
    stream::iter(groups)
        .for_each_concurrent(usize::from(AT_ONCE), |group| async move {
            let (application, organization) =
                (group.application.id, group.environment.organization_id);
            let written = tokio::time::timeout(WRITE_LIMIT, app.write_next(group)).await;
            let written = written.unwrap_or_else(|elapsed| {
                Err(AppError::unavailable("the gitops repository", elapsed))
            });
            if let Err(error) = written {
                warn!(
                    application.id = %application,
                    organization.id = %organization,
                    error = %Chain(&error),
                    "a release could not be moved; it is tried again"
                );
            }
        })
        .await;
    if more {
        parts.wake.releases.notify_one();
    }
    Ok(())
}
