//! Follows releases that are in git, and the health of every application, from what agents report.

use std::collections::{BTreeSet, HashMap};

use gimlet_domain::{
    follow::{Verdict, judge_delete, judge_deploy},
    names::FluxNames,
    release::{Intent, ReleaseEvent},
};
use gimlet_git::{CommitId, gitops::Gitops};
use gimlet_shared::{crash_point, error_chain::Chain, ids::EnvironmentId};
use gimlet_store::{AdvanceExtra, Environment, FollowedRelease, Release, ReleaseMarks};
use tracing::warn;

use super::last_lines::keep_last_lines;
use crate::{
    App, AppError,
    live::Subject,
    observed::{ClusterView, DirtyView},
};

/// One round: every followed release is judged, and the health of what changed.
pub(super) async fn follow(app: &App) -> Result<(), AppError> {
    let parts = app.parts();
    let followed = parts.store.list_followed(&parts.system, None).await?;
    for FollowedRelease { release, environment } in followed {
        let Some(view) = parts.views.get(environment.cluster_id) else { continue };
        // One release that cannot be judged, for its repository's sake say, holds up no other.
        if let Err(error) = judge(app, &release, &environment, &view).await {
            warn!(
                release.id = %release.id,
                organization.id = %release.organization_id,
                error = %Chain(&error),
                "a release could not be judged; it is tried again"
            );
        }
    }
    for found in parts.views.take_dirty() {
        let scope = found.scope;
        if let Err(error) = note_health(app, &found).await {
            parts.views.judge_again(scope.cluster());
            warn!(
                cluster.id = %scope.cluster(),
                organization.id = %scope.organization(),
                error = %Chain(&error),
                "the health of a cluster's applications could not be noted; it is tried again"
            );
        }
    }
    Ok(())
}

async fn judge(
    app: &App,
    release: &Release,
    environment: &Environment,
    view: &ClusterView,
) -> Result<(), AppError> {
    let Some(commit) = release.state.commit().and_then(|commit| commit.parse::<CommitId>().ok())
    else {
        return Ok(());
    };
    let names = FluxNames::of(&environment.name);
    let (apps, applier) = (names.apps(), names.application(&release.namespace, &release.app));
    let gitops = app.gitops(environment).await?;
    let carried = carried(&gitops, &view.revisions(&apps, &applier), commit).await;
    let scene = view.scene(&apps, &applier, &|revision| carried.contains(revision));
    let verdict = match release.intent {
        Intent::Delete => judge_delete(&scene),
        Intent::Deploy { .. } | Intent::Rollback { .. } => judge_deploy(&scene),
    };
    crash_point!("release.judged.before");
    act_on(app, release, verdict).await?;
    crash_point!("release.judged.after");
    Ok(())
}

async fn act_on(app: &App, release: &Release, verdict: Verdict) -> Result<(), AppError> {
    let now = app.now();
    let reached = AdvanceExtra {
        fetched_at: release.fetched_at.or(Some(now)),
        applied_at: release.applied_at.or(Some(now)),
        ..AdvanceExtra::default()
    };
    match verdict {
        Verdict::Healthy => {
            app.move_release(release, ReleaseEvent::Healed, reached).await.map(drop)
        }
        Verdict::Degraded(cause) => {
            let extra = AdvanceExtra { fetched_at: reached.fetched_at, ..AdvanceExtra::default() };
            app.move_release(release, ReleaseEvent::Broke { cause }, extra).await.map(drop)
        }
        Verdict::Waiting { fetched, applied, trouble } => {
            if app.parts().troubles.note(release.id, trouble) {
                app.tell(release.organization_id, Subject::release(release));
            }
            mark_progress(app, release, fetched, applied).await
        }
    }
}

async fn mark_progress(
    app: &App,
    release: &Release,
    fetched: bool,
    applied: bool,
) -> Result<(), AppError> {
    let (parts, now) = (app.parts(), app.now());
    if fetched && release.fetched_at.is_none() {
        let applied_at = applied.then_some(now);
        let extra = AdvanceExtra { fetched_at: Some(now), applied_at, ..AdvanceExtra::default() };
        app.move_release(release, ReleaseEvent::Seen, extra).await?;
    } else if applied && release.applied_at.is_none() {
        let marks = ReleaseMarks { applied_at: Some(now), ..ReleaseMarks::default() };
        if let Some(marked) = parts.store.mark_release(&parts.system, release, marks).await? {
            app.trace_release(release, &marked);
            app.tell(release.organization_id, Subject::release(release));
        }
    }
    Ok(())
}

/// The Flux revisions whose history has the commit.
async fn carried(
    gitops: &Gitops,
    revisions: &BTreeSet<String>,
    commit: CommitId,
) -> BTreeSet<String> {
    let mut carried = BTreeSet::new();
    for revision in revisions {
        let Some(at) = commit_of(revision) else { continue };
        let has = match gitops.contains(at, commit).await {
            Ok(has) => has,
            // Somebody else pushed it to an outside repository: our copy learns of it first.
            Err(_) if gitops.refresh().await.is_ok() => {
                gitops.contains(at, commit).await.unwrap_or(false)
            }
            Err(_) => false,
        };
        if has {
            carried.insert(revision.clone());
        }
    }
    carried
}

/// Flux writes `main@sha1:<sha>`, older versions `main/<sha>`.
fn commit_of(revision: &str) -> Option<CommitId> {
    let sha = match revision.rsplit_once(':') {
        Some((_, sha)) => sha,
        None => revision.rsplit_once('/').map_or(revision, |(_, sha)| sha),
    };
    sha.parse().ok()
}

async fn note_health(app: &App, found: &DirtyView) -> Result<(), AppError> {
    let DirtyView { scope, view, dirty } = found;
    let parts = app.parts();
    let environments: HashMap<EnvironmentId, String> = parts
        .store
        .list_cluster_environments(scope)
        .await?
        .into_iter()
        .map(|environment| (environment.id, environment.name))
        .collect();
    for application in parts.store.list_cluster_applications(scope).await? {
        let Some(environment) = environments.get(&application.environment_id) else { continue };
        let applier =
            FluxNames::of(environment).application(&application.namespace, &application.name);
        if !dirty.has(&applier) {
            continue;
        }
        let workloads = view.workloads(&applier);
        // Before the first release is applied there is nothing to be healthy.
        if workloads.workloads.is_empty() && !view.applied_once(&applier) {
            continue;
        }
        parts
            .store
            .set_health(&parts.system, application.id, &workloads.health(), app.now())
            .await?;
        let url = view.reach(&applier).url();
        if url != application.url {
            parts.store.set_url(&parts.system, application.id, url.as_deref()).await?;
        }
        keep_last_lines(app, scope, &application, &workloads).await?;
        let subject = Subject::App { environment: environment.clone(), app: application.name };
        app.tell(scope.organization(), subject);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_flux_revision_name_their_commit() {
        let sha = "0123456789abcdef0123456789abcdef01234567";
        for revision in
            [format!("main@sha1:{sha}"), format!("main/{sha}"), format!("feature/x@sha1:{sha}")]
        {
            assert_eq!(
                commit_of(&revision).map(|id| id.to_string()).as_deref(),
                Some(sha),
                "{revision}"
            );
        }
        assert!(commit_of("main").is_none());
    }
}
