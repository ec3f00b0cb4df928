//! Flux objects to facts.

use gimlet_shared::observed::{FluxState, ObservedState, Ready};
use kube::api::ObjectMeta;

use super::{
    kinds::{Condition, FluxSpec, FluxStatus, GitRepository, HelmRelease, Kustomization},
    text::clean,
};

pub(crate) fn git_repository(object: &GitRepository) -> ObservedState {
    let state = state(&object.metadata, &object.spec, &object.status);
    let artifact = object.status.artifact.as_ref();
    let applied_revision = artifact.and_then(|artifact| cleaned(artifact.revision.as_ref()));
    ObservedState::Source(FluxState { applied_revision, ..state })
}

pub(crate) fn kustomization(object: &Kustomization) -> ObservedState {
    ObservedState::Applier(state(&object.metadata, &object.spec, &object.status))
}

/// A `HelmRelease` has no applied revision of its own: the newest entry of its history is what stands.
pub(crate) fn helm_release(object: &HelmRelease) -> ObservedState {
    let state = state(&object.metadata, &object.spec, &object.status);
    let newest = object.status.history.first().filter(|newest| newest.status == "deployed");
    let applied_revision = newest.and_then(|newest| cleaned(newest.chart_version.as_ref()));
    ObservedState::Applier(FluxState { applied_revision, ..state })
}

fn state(metadata: &ObjectMeta, spec: &FluxSpec, status: &FluxStatus) -> FluxState {
    let ready = status.conditions.iter().find(|condition| condition.kind == "Ready");
    let reconciling = Condition::find(&status.conditions, "Reconciling", "True");
    FluxState {
        ready: match ready.map(|condition| condition.status.as_str()) {
            Some("True") => Ready::True,
            Some("False") => Ready::False,
            Some(_) | None => Ready::Unknown,
        },
        reason: ready.map(|condition| clean(&condition.reason)).unwrap_or_default(),
        message: ready.map(|condition| clean(&condition.message)).unwrap_or_default(),
        reconciling: reconciling.map(|condition| clean(&condition.message)),
        applied_revision: cleaned(status.last_applied_revision.as_ref()),
        attempted_revision: cleaned(status.last_attempted_revision.as_ref()),
        generation: metadata.generation.unwrap_or_default(),
        observed_generation: status.observed_generation,
        suspended: spec.suspend,
        handled_request: cleaned(status.last_handled_reconcile_at.as_ref()),
    }
}

fn cleaned(text: Option<&String>) -> Option<String> {
    text.map(|text| clean(text))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn kustomization_of(status: Value) -> FluxState {
        let object = serde_json::from_value(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": "shop-web", "namespace": "flux-system", "generation": 2},
            "spec": {"interval": "24h", "path": "./web", "prune": true},
            "status": status,
        }))
        .unwrap();
        let ObservedState::Applier(state) = kustomization(&object) else { panic!() };
        state
    }

    #[test]
    fn an_applied_kustomization_names_its_revision() {
        let state = kustomization_of(json!({
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "ReconciliationSucceeded",
                "message": "Applied revision: main@sha1:8f0a",
                "observedGeneration": 2, "lastTransitionTime": "2025-01-01T00:00:00Z"
            }],
            "lastAppliedRevision": "main@sha1:8f0a",
            "lastAttemptedRevision": "main@sha1:8f0a",
            "lastHandledReconcileAt": "cmd_1",
            "observedGeneration": 2
        }));
        let expected = FluxState {
            ready: Ready::True,
            reason: "ReconciliationSucceeded".into(),
            message: "Applied revision: main@sha1:8f0a".into(),
            reconciling: None,
            applied_revision: Some("main@sha1:8f0a".into()),
            attempted_revision: Some("main@sha1:8f0a".into()),
            generation: 2,
            observed_generation: 2,
            suspended: false,
            handled_request: Some("cmd_1".into()),
        };
        assert_eq!(state, expected);
    }

    #[test]
    fn a_failed_kustomization_says_why() {
        let state = kustomization_of(json!({
            "conditions": [
                {"type": "Ready", "status": "False", "reason": "BuildFailed",
                 "message": "kustomize build failed: \u{1b}[31mno such file\u{1b}[0m"},
                {"type": "Reconciling", "status": "False", "message": "old"}
            ],
            "lastAppliedRevision": "main@sha1:1111",
            "lastAttemptedRevision": "main@sha1:2222",
        }));
        assert_eq!((state.ready, state.reason.as_str()), (Ready::False, "BuildFailed"));
        assert_eq!(state.message, "kustomize build failed: no such file");
        assert_eq!(state.reconciling, None);
        assert_eq!(state.attempted_revision.as_deref(), Some("main@sha1:2222"));
    }

    #[test]
    fn a_kustomization_on_its_way_says_what_it_does() {
        let state = kustomization_of(json!({
            "conditions": [
                {"type": "Reconciling", "status": "True", "reason": "Progressing",
                 "message": "Running health checks for revision main@sha1:2222 with a timeout of 5m0s"},
                {"type": "Ready", "status": "Unknown", "reason": "Progressing",
                 "message": "Reconciliation in progress"}
            ],
        }));
        assert_eq!(state.ready, Ready::Unknown);
        assert!(state.reconciling.unwrap().contains("health checks"));
    }

    #[test]
    fn a_new_object_without_status_is_unknown() {
        let state = kustomization_of(Value::Null);
        assert_eq!((state.ready, state.generation), (Ready::Unknown, 2));
        assert_eq!(state.observed_generation, 0);
    }

    #[test]
    fn a_source_names_the_revision_of_its_artifact() {
        let object = serde_json::from_value(json!({
            "metadata": {"name": "apps", "namespace": "flux-system", "generation": 1},
            "spec": {"url": "https://git/gitops.git", "suspend": true},
            "status": {"artifact": {"revision": "main@sha1:8f0a", "url": "http://source"}},
        }))
        .unwrap();
        let ObservedState::Source(state) = git_repository(&object) else { panic!() };
        assert_eq!(state.applied_revision.as_deref(), Some("main@sha1:8f0a"));
        assert!(state.suspended);
    }

    #[test]
    fn a_helm_release_names_the_chart_that_stands() {
        let release = |status: &str| {
            let object = serde_json::from_value(json!({
                "metadata": {"name": "web", "namespace": "shop", "generation": 4},
                "status": {
                    "lastAttemptedRevision": "1.3.0",
                    "history": [
                        {"status": status, "chartVersion": "1.2.0", "version": 7},
                        {"status": "superseded", "chartVersion": "1.1.0", "version": 6}
                    ]
                },
            }))
            .unwrap();
            let ObservedState::Applier(state) = helm_release(&object) else { panic!() };
            (state.applied_revision, state.attempted_revision)
        };
        assert_eq!(release("deployed"), (Some("1.2.0".into()), Some("1.3.0".into())));
        assert_eq!(release("failed").0, None);
    }
}
