//! How far a release has come on its cluster, judged from what the agent reports.

use gimlet_shared::observed::{FluxState, Ready};

use crate::{
    cause::{Cause, CauseCode},
    health::{Health, Trouble, Workloads},
};

/// A Flux object and whether the revisions it names carry the release's commit.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The object.
    pub state: &'a FluxState,
    /// Its applied (or, for a source, fetched) revision carries the commit.
    pub applied: bool,
    /// Its attempted revision carries the commit.
    pub attempted: bool,
}

/// Everything that matters to one release.
#[derive(Clone, Debug, Default)]
pub struct Scene<'a> {
    /// The environment's source.
    pub source: Option<Seen<'a>>,
    /// The Kustomization that applies the environment's `flux/` folder.
    pub sync: Option<Seen<'a>>,
    /// The application's own Kustomization.
    pub applier: Option<Seen<'a>>,
    /// What that one applied.
    pub workloads: Workloads<'a>,
}

/// A verdict on a release that is in git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not finished.
    Waiting {
        /// Flux fetched the commit.
        fetched: bool,
        /// Flux applied the commit.
        applied: bool,
        /// What stands in the way, if something does; named when the deadline passes.
        trouble: Option<Cause>,
    },
    /// Applied, and every workload is healthy.
    Healthy,
    /// Broken in a way that waiting does not heal.
    Degraded(Cause),
}

/// Judges a release that brings or changes an application.
#[must_use]
pub fn judge_deploy(scene: &Scene<'_>) -> Verdict {
    let fetched = scene.source.is_some_and(|source| source.applied);
    if let Some(cause) = refusal(scene.applier, "the application") {
        return Verdict::Degraded(cause);
    }
    let applied = scene.applier.is_some_and(|applier| applied(&applier));
    if !applied {
        // Another application's bad object may hold up the environment's own; it matters to this one only
        // as long as its Kustomization is not there to get the commit by itself.
        return match refusal(scene.sync, "the environment's Flux objects") {
            Some(cause) if scene.applier.is_none() => Verdict::Degraded(cause),
            _ => Verdict::Waiting { fetched, applied: false, trouble: flux_trouble(scene) },
        };
    }
    let done =
        scene.applier.is_some_and(|applier| applier.applied && applier.state.ready == Ready::True);
    match (scene.workloads.health(), scene.workloads.trouble()) {
        (Health::Degraded { cause }, _) => Verdict::Degraded(cause),
        (Health::Healthy, _) if done => Verdict::Healthy,
        (_, trouble) => Verdict::Waiting {
            fetched: true,
            applied: true,
            trouble: trouble.map(|Trouble { cause, .. }| cause).or_else(|| flux_trouble(scene)),
        },
    }
}

/// Judges a release that takes an application away: its Kustomization and workloads must be gone.
#[must_use]
pub fn judge_delete(scene: &Scene<'_>) -> Verdict {
    let fetched = scene.source.is_some_and(|source| source.applied);
    if let Some(cause) = refusal(scene.sync, "the environment's Flux objects") {
        return Verdict::Degraded(cause);
    }
    let synced = scene.sync.is_some_and(|sync| sync.applied);
    let gone = scene.applier.is_none() && scene.workloads.workloads.is_empty();
    if synced && gone {
        return Verdict::Healthy;
    }
    Verdict::Waiting { fetched, applied: synced, trouble: flux_trouble(scene) }
}

/// Flux writes the applied revision only after its health checks; that they run says that it applied.
fn applied(applier: &Seen<'_>) -> bool {
    let checking = |text: &str| text.contains("health check");
    let state = applier.state;
    applier.applied
        || (applier.attempted
            && (state.reason == "HealthCheckFailed"
                || checking(&state.message)
                || state.reconciling.as_deref().is_some_and(checking)))
}

/// What Kubernetes or Flux refused in this very commit.
fn refusal(seen: Option<Seen<'_>>, what: &str) -> Option<Cause> {
    let seen =
        seen.filter(|seen| seen.attempted && !seen.applied && seen.state.ready == Ready::False)?;
    let (code, summary, next) = match seen.state.reason.as_str() {
        "ReconciliationFailed" | "ValidationFailed" => (
            CauseCode::Refused,
            format!("Kubernetes refused what the release wants to apply for {what}"),
            "The message names the object and the field; correct the manifest and push.",
        ),
        "BuildFailed" | "PruneFailed" | "ArtifactFailed" => (
            CauseCode::FluxFailed,
            format!("Flux could not build {what} from the gitops repository"),
            "The message names the file; correct the manifest and push.",
        ),
        _ => return None,
    };
    Some(Cause::new(code, summary, next).with_detail(seen.state.message.clone()))
}

/// What Flux complains about without having tried this commit.
fn flux_trouble(scene: &Scene<'_>) -> Option<Cause> {
    let complaint = |seen: Option<Seen<'_>>, what: &str, next: &str| {
        let seen = seen.filter(|seen| !seen.applied)?;
        if seen.state.suspended {
            return Some(Cause::new(
                CauseCode::FluxFailed,
                format!("{what} is suspended"),
                "Resume it on the cluster: `flux resume`, or `spec.suspend: false`.",
            ));
        }
        (seen.state.ready == Ready::False).then(|| {
            Cause::new(CauseCode::FluxFailed, format!("{what} is not ready"), next)
                .with_detail(seen.state.message.clone())
        })
    };
    complaint(
        scene.source,
        "Flux's source of the environment",
        "Check that the cluster reaches the gitops repository and may read it.",
    )
    .or_else(|| {
        complaint(
            scene.sync,
            "the environment's Kustomization",
            "The message says what it waits for.",
        )
    })
    .or_else(|| {
        complaint(
            scene.applier,
            "the application's Kustomization",
            "The message says what it waits for.",
        )
    })
}

#[cfg(test)]
mod tests {
    use gimlet_shared::observed::{ObjectKey, WorkloadState};

    use super::*;

    fn flux(ready: Ready, reason: &str, message: &str) -> FluxState {
        FluxState { ready, reason: reason.into(), message: message.into(), ..FluxState::default() }
    }

    fn seen(state: &FluxState, applied: bool, attempted: bool) -> Option<Seen<'_>> {
        Some(Seen { state, applied, attempted })
    }

    #[test]
    fn a_release_waits_until_flux_has_its_commit() {
        let old = flux(Ready::True, "Succeeded", "stored artifact");
        let scene = Scene { source: seen(&old, false, false), ..Scene::default() };
        assert_eq!(
            judge_deploy(&scene),
            Verdict::Waiting { fetched: false, applied: false, trouble: None }
        );
    }

    #[test]
    fn a_refusal_by_kubernetes_degrades_with_its_message() {
        let fine = flux(Ready::True, "Succeeded", "");
        let refused = flux(
            Ready::False,
            "ReconciliationFailed",
            "Deployment/shop/web dry-run failed: spec.replicas",
        );
        let scene = Scene {
            source: seen(&fine, true, true),
            sync: seen(&fine, true, true),
            applier: seen(&refused, false, true),
            ..Scene::default()
        };
        let Verdict::Degraded(cause) = judge_deploy(&scene) else { panic!("must be degraded") };
        assert_eq!(cause.code, CauseCode::Refused);
        assert!(cause.detail.contains("spec.replicas"));
    }

    #[test]
    fn a_neighbour_s_bad_object_does_not_spoil_a_release_that_got_through() {
        let fine = flux(Ready::True, "ReconciliationSucceeded", "");
        let refused =
            flux(Ready::False, "ReconciliationFailed", "Namespace/infrastructure is forbidden");
        let through = Scene {
            source: seen(&fine, true, true),
            sync: seen(&refused, false, true),
            applier: seen(&fine, true, true),
            ..Scene::default()
        };
        assert_eq!(judge_deploy(&through), Verdict::Healthy);
        let held_up = Scene { applier: None, ..through };
        assert!(matches!(judge_deploy(&held_up), Verdict::Degraded(_)));
    }

    #[test]
    fn a_refusal_of_an_earlier_commit_does_not_end_this_one() {
        let refused = flux(Ready::False, "ReconciliationFailed", "old");
        let scene = Scene { applier: seen(&refused, false, false), ..Scene::default() };
        assert!(matches!(judge_deploy(&scene), Verdict::Waiting { applied: false, .. }));
    }

    #[test]
    fn healthy_needs_flux_word_and_the_workloads() {
        let fine = flux(Ready::True, "ReconciliationSucceeded", "");
        let key =
            ObjectKey { kind: "Deployment".into(), namespace: "shop".into(), name: "web".into() };
        let one = WorkloadState {
            desired: 1,
            updated: 1,
            ready: 1,
            available: 1,
            total: 1,
            ..WorkloadState::default()
        };
        let none = WorkloadState { desired: 1, ..WorkloadState::default() };
        let scene = |workload| Scene {
            source: seen(&fine, true, true),
            sync: seen(&fine, true, true),
            applier: seen(&fine, true, true),
            workloads: Workloads { workloads: vec![(&key, workload)], pods: vec![] },
        };
        assert_eq!(judge_deploy(&scene(&one)), Verdict::Healthy);
        assert!(matches!(judge_deploy(&scene(&none)), Verdict::Waiting { applied: true, .. }));
    }

    #[test]
    fn a_deletion_is_done_when_nothing_is_left() {
        let fine = flux(Ready::True, "ReconciliationSucceeded", "");
        let left = Scene {
            sync: seen(&fine, true, true),
            applier: seen(&fine, false, false),
            ..Scene::default()
        };
        assert!(matches!(judge_delete(&left), Verdict::Waiting { .. }));
        let gone = Scene { sync: seen(&fine, true, true), ..Scene::default() };
        assert_eq!(judge_delete(&gone), Verdict::Healthy);
    }
}
