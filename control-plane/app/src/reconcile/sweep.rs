//! The one owner of every deadline: releases that took too long, commands and credentials that lapsed.

use gimlet_domain::{
    cause::{Cause, CauseCode},
    release::{ReleaseEvent, ReleaseState},
};
use gimlet_shared::error_chain::Chain;
use gimlet_store::{AdvanceExtra, Release};
use tracing::warn;

use crate::{App, AppError};

/// Overdue releases that one round closes.
const AT_ONCE: u64 = 200;

/// One round.
pub(super) async fn sweep(app: &App) -> Result<(), AppError> {
    let (parts, now) = (app.parts(), app.now());
    for release in parts.store.list_overdue(&parts.system, now, AT_ONCE).await? {
        // One that cannot be closed holds up no other.
        if let Err(error) = close(app, &release).await {
            warn!(
                release.id = %release.id,
                organization.id = %release.organization_id,
                error = %Chain(&error),
                "an overdue release could not be closed; it is tried again"
            );
        }
    }
    parts.store.expire_commands(&parts.system, now).await?;
    parts.store.sweep_expired(&parts.system, now).await?;
    Ok(())
}

async fn close(app: &App, release: &Release) -> Result<(), AppError> {
    let event = overdue(app, release).await?;
    app.move_release(release, event, AdvanceExtra::default()).await.map(drop)
}

/// A release whose trouble is known ends degraded by it; one of which nothing was heard timed out.
async fn overdue(app: &App, release: &Release) -> Result<ReleaseEvent, AppError> {
    let parts = app.parts();
    if matches!(release.state, ReleaseState::Queued) {
        let cause = Cause::new(
            CauseCode::GitopsWrite,
            "the release could not be written to its gitops repository in time",
            "Check that the repository can be reached and written, then release again.",
        );
        return Ok(ReleaseEvent::DeadlinePassed {
            cause: cause.with_detail(release.note.clone().unwrap_or_default()),
        });
    }
    if let Some(cause) = parts.troubles.of(release.id) {
        return Ok(ReleaseEvent::Broke { cause });
    }
    let environment = parts.store.find_environment(&parts.system, release.environment_id).await?;
    let known = environment.is_some_and(|environment| parts.views.is_known(environment.cluster_id));
    let cause = if known {
        Cause::new(
            CauseCode::NoProgress,
            "the cluster did not finish the release in time, and reports no reason",
            "Look at the application's Kustomization and pods: `kubectl -n flux-system get kustomizations`.",
        )
    } else {
        Cause::new(
            CauseCode::ClusterAway,
            "the cluster's agent is not connected, so nothing was heard of the release",
            "Check the agent: `kubectl -n infrastructure logs deploy/gimlet-agent`. Flux applies the release without it.",
        )
    };
    Ok(ReleaseEvent::DeadlinePassed { cause })
}
