use serde_json::{Value, json};

use super::*;

fn of(status: &Value) -> PodState {
    let object = serde_json::from_value(json!({
        "metadata": {
            "name": "web-6c5d8f9b7-x2x4z", "namespace": "shop", "uid": "p-1",
            "creationTimestamp": "2025-01-01T00:00:10Z",
            "labels": {"app": "web", "pod-template-hash": "6c5d8f9b7"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet",
                "name": "web-6c5d8f9b7", "uid": "r-1", "controller": true}]
        },
        "spec": {
            "initContainers": [{"name": "migrate", "image": "registry/web:2"}],
            "containers": [{"name": "web", "image": "registry/web:2"}]
        },
        "status": status,
    }))
    .unwrap();
    pod(&object).unwrap()
}

fn owned(kind: &str, name: &str, labels: &Value) -> Option<PodState> {
    let object = serde_json::from_value(json!({
        "metadata": {"name": "p", "labels": labels, "ownerReferences": [
            {"apiVersion": "v1", "kind": kind, "name": name, "uid": "u-1", "controller": true}]},
    }))
    .unwrap();
    pod(&object)
}

#[test]
fn a_crash_loop_shows_wait_restarts_and_the_last_end() {
    let state = of(&json!({
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}],
        "initContainerStatuses": [{"name": "migrate", "ready": true, "restartCount": 0, "state":
            {"terminated": {"exitCode": 0, "reason": "Completed"}}}],
        "containerStatuses": [{
            "name": "web", "ready": false, "restartCount": 3, "image": "registry/web@sha256:1",
            "state": {"waiting": {"reason": "CrashLoopBackOff",
                "message": "back-off 40s restarting failed container=web pod=web-1_shop(1)"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error",
                "startedAt": "2025-01-01T00:00:20Z", "finishedAt": "2025-01-01T00:00:21Z"}}
        }]
    }));
    assert_eq!(state.owner, Some(PodOwner { kind: "Deployment".into(), name: "web".into() }));
    assert_eq!(state.template.as_deref(), Some("6c5d8f9b7"));
    assert_eq!((state.phase.as_str(), state.ready), ("Running", false));
    assert_eq!(state.created_at, 1_735_689_610);
    let [migrate, web] = &state.containers[..] else { panic!() };
    assert!(migrate.init && migrate.ready && !migrate.running);
    assert_eq!(web.waiting.as_ref().unwrap().reason, "CrashLoopBackOff");
    let terminated = web.terminated.as_ref().unwrap();
    assert_eq!((web.restarts, terminated.exit_code, web.running), (3, 1, false));
    assert_eq!(web.image, "registry/web:2");
}

#[test]
fn an_image_that_cannot_be_pulled_shows_its_reason() {
    let state = of(&json!({
        "phase": "Pending",
        "containerStatuses": [{"name": "web", "ready": false, "restartCount": 0, "state": {
            "waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"nope\""}
        }}]
    }));
    let waiting = state.containers[1].waiting.as_ref().unwrap();
    assert_eq!(waiting.reason, "ImagePullBackOff");
    assert_eq!(waiting.message, "Back-off pulling image \"nope\"");
}

#[test]
fn a_running_container_that_is_not_ready_is_just_that() {
    let state = of(&json!({
        "phase": "Running",
        "conditions": [{"type": "PodScheduled", "status": "True"}],
        "containerStatuses": [{"name": "web", "ready": false, "restartCount": 0,
            "state": {"running": {"startedAt": "2025-01-01T00:00:20Z"}}, "lastState": {}}]
    }));
    let web = &state.containers[1];
    assert!(web.running && !web.ready);
    assert_eq!((&web.waiting, &web.terminated, &state.trouble), (&None, &None, &None));
}

#[test]
fn a_pod_without_a_node_says_what_the_nodes_lack() {
    let state = of(&json!({
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/1 nodes are available: 1 Insufficient memory."}]
    }));
    let trouble = state.trouble.unwrap();
    assert_eq!(trouble.reason, "Unschedulable");
    assert!(trouble.message.contains("Insufficient memory"));
    assert_eq!(state.containers.len(), 2);
}

#[test]
fn an_evicted_pod_says_so() {
    let state = of(&json!({
        "phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."
    }));
    assert_eq!(state.trouble.unwrap().reason, "Evicted");
}

#[test]
fn pods_belong_to_the_workload_behind_their_owner() {
    let template = |pod: &PodState| (pod.owner.clone().unwrap().name, pod.template.clone());
    let set = owned("StatefulSet", "db", &json!({"controller-revision-hash": "db-1"})).unwrap();
    assert_eq!(template(&set), ("db".into(), Some("db-1".into())));
    let set = owned("DaemonSet", "logs", &json!({"pod-template-generation": "5"})).unwrap();
    assert_eq!(template(&set), ("logs".into(), Some("5".into())));
    let job = owned("Job", "migrate", &json!({})).unwrap();
    assert_eq!(template(&job), ("migrate".into(), Some("u-1".into())));
}

#[test]
fn pods_of_nothing_that_a_release_knows_are_left_out() {
    assert_eq!(owned("Node", "node-1", &json!({})), None);
    assert_eq!(owned("ReplicaSet", "bare", &json!({})), None);
    assert_eq!(owned("ReplicaSet", "other", &json!({"pod-template-hash": "x"})), None);
    let flux = owned("Custom", "c", &json!({"kustomize.toolkit.fluxcd.io/name": "shop"})).unwrap();
    assert_eq!(flux.owner, None);
}
