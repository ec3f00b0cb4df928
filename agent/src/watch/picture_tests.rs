use serde_json::{Value, json};

use super::*;

fn deployment(revision: &str) -> Object {
    let object = json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "d-1", "generation": 1,
                     "annotations": {"deployment.kubernetes.io/revision": revision}},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "replicas": 1},
    });
    Object::Deployment(serde_json::from_value(object).unwrap())
}

fn replica_set(hash: &str, revision: &str) -> Object {
    let object = json!({
        "metadata": {"name": format!("web-{hash}"), "namespace": "shop",
            "labels": {"pod-template-hash": hash},
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
                                 "uid": "d-1", "controller": true}]},
    });
    Object::ReplicaSet(serde_json::from_value(object).unwrap())
}

fn pod(uid: &str, status: &Value) -> Object {
    let object = json!({
        "metadata": {"name": "web-1", "namespace": "shop", "uid": uid,
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web",
                                 "uid": "s-1", "controller": true}]},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
        "status": status,
    });
    Object::Pod(serde_json::from_value(object).unwrap())
}

fn running() -> Value {
    json!({"phase": "Running", "containerStatuses": [
        {"name": "web", "ready": false, "restartCount": 0, "state": {"running": {}}}]})
}

fn crashed(restarts: i32) -> Value {
    json!({"phase": "Running", "containerStatuses": [
        {"name": "web", "ready": false, "restartCount": restarts,
         "state": {"waiting": {"reason": "CrashLoopBackOff"}},
         "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]})
}

fn event(kind: &str, about: &str, reason: &str) -> Object {
    let object = json!({
        "metadata": {"name": "e", "namespace": "shop", "uid": "e-1"},
        "involvedObject": {"kind": kind, "uid": about, "fieldPath": "spec.containers{web}"},
        "reason": reason, "message": "because", "lastTimestamp": "2025-01-01T00:00:00Z",
    });
    Object::Event(serde_json::from_value(object).unwrap())
}

fn seen(effects: &Effects) -> &ObservedState {
    let [Change::Seen(observation)] = &effects.changes[..] else { panic!("{effects:?}") };
    &observation.state
}

fn template(effects: &Effects) -> &str {
    let ObservedState::Workload(state) = seen(effects) else { panic!() };
    state.template.as_deref().unwrap()
}

fn container(effects: &Effects) -> &gimlet_shared::observed::ContainerState {
    let ObservedState::Pod(state) = seen(effects) else { panic!() };
    &state.containers[0]
}

#[test]
fn a_deployment_takes_its_template_from_the_replica_set_of_its_revision() {
    let mut picture = Picture::default();
    picture.see(replica_set("old", "1"));
    assert_eq!(template(&picture.see(deployment("1"))), "old");
    assert_eq!(template(&picture.see(deployment("2"))), "revision 2");
    assert_eq!(template(&picture.see(replica_set("new", "2"))), "new");
    assert!(picture.see(replica_set("new", "2")).changes.is_empty());
    picture.see(replica_set("old", "3"));
    assert_eq!(template(&picture.see(deployment("3"))), "old");
}

#[test]
fn a_failing_probe_reaches_its_pod_and_asks_for_its_output() {
    let mut picture = Picture::default();
    assert!(picture.see(pod("p-1", &running())).wanted.is_empty());
    let effects = picture.see(event("Pod", "p-1", "Unhealthy"));
    assert_eq!(container(&effects).probe_failure.as_deref(), Some("because"));
    assert_eq!(effects.wanted.len(), 1);
    assert!(!effects.wanted[0].previous);
}

#[test]
fn an_event_that_comes_before_its_pod_is_kept_for_it() {
    let mut picture = Picture::default();
    assert!(picture.see(event("Pod", "p-1", "Unhealthy")).changes.is_empty());
    let effects = picture.see(pod("p-1", &running()));
    assert!(container(&effects).probe_failure.is_some());
}

#[test]
fn the_last_lines_are_asked_for_once_per_restart_and_told_when_they_come() {
    let mut picture = Picture::default();
    let first = picture.see(pod("p-1", &crashed(1)));
    assert_eq!(first.wanted.len(), 1);
    assert!(picture.see(pod("p-1", &crashed(1))).wanted.is_empty());
    let effects = picture.hear(&first.wanted[0], Some(vec!["boom".into()]));
    assert_eq!(container(&effects).last_lines, ["boom"]);
    assert_eq!(picture.see(pod("p-1", &crashed(2))).wanted[0].restarts, 2);
}

#[test]
fn output_of_a_pod_that_was_replaced_under_its_name_is_not_told() {
    let mut picture = Picture::default();
    let wanted = picture.see(pod("p-1", &crashed(1))).wanted;
    picture.see(pod("p-2", &running()));
    assert!(picture.hear(&wanted[0], Some(vec!["boom".into()])).changes.is_empty());
}

#[test]
fn what_is_not_listed_any_more_is_gone() {
    let mut picture = Picture::default();
    picture.see(deployment("1"));
    picture.see(pod("p-1", &running()));
    picture.see(event("Pod", "p-1", "Unhealthy"));
    assert_eq!(picture.begin_list("Pod").changes, [Change::Listing("Pod")]);
    let effects = picture.end_list("Pod");
    let [Change::Gone(key), Change::Listed("Pod")] = &effects.changes[..] else { panic!() };
    assert_eq!(key.name, "web-1");
    assert!(picture.by_uid.contains_key("d-1") && !picture.by_uid.contains_key("p-1"));
    let effects = picture.see(pod("p-1", &running()));
    assert_eq!(container(&effects).probe_failure, None, "what was said of it is forgotten");
}

#[test]
fn what_is_listed_again_keeps_what_is_known_of_it() {
    let mut picture = Picture::default();
    picture.see(replica_set("old", "1"));
    picture.see(event("Pod", "p-1", "Unhealthy"));
    let wanted = picture.see(pod("p-1", &crashed(1))).wanted;
    picture.hear(&wanted[0], Some(vec!["boom".into()]));
    picture.begin_list("Pod");
    let effects = picture.see(pod("p-1", &crashed(1)));
    assert_eq!(container(&effects).last_lines, ["boom"]);
    assert_eq!(picture.end_list("Pod").changes, [Change::Listed("Pod")]);
    assert!(container(&picture.see(pod("p-1", &running()))).probe_failure.is_some());
    picture.begin_list("Deployment");
    assert_eq!(template(&picture.see(deployment("1"))), "old");
    picture.end_list("Deployment");
    assert_eq!(template(&picture.see(deployment("1"))), "old");
}

#[test]
fn what_is_well_is_told_and_not_kept() {
    let mut picture = Picture::default();
    picture.see(replica_set("old", "1"));
    picture.see(deployment("1"));
    picture.see(pod("p-1", &crashed(1)));
    let ready = json!({"phase": "Running", "containerStatuses": [
        {"name": "web", "ready": true, "restartCount": 1, "state": {"running": {}},
         "lastState": {"terminated": {"exitCode": 1}}}]});
    assert!(container(&picture.see(pod("p-1", &ready))).ready);
    assert!(picture.pods.is_empty() && picture.workloads.is_empty() && picture.by_uid.is_empty());
    let gone = picture.lose(pod("p-1", &ready));
    assert!(matches!(&gone.changes[..], [Change::Gone(key)] if key.name == "web-1"));
}

#[test]
fn a_set_that_cannot_make_its_pods_is_stuck_until_it_has_them() {
    let set = |total: i32| {
        let object = json!({
            "metadata": {"name": "db", "namespace": "shop", "uid": "s-1"},
            "spec": {"replicas": 1}, "status": {"replicas": total},
        });
        Object::StatefulSet(serde_json::from_value(object).unwrap())
    };
    let stuck = |effects: &Effects| {
        let ObservedState::Workload(state) = seen(effects) else { panic!() };
        state.stuck.is_some()
    };
    let mut picture = Picture::default();
    picture.see(set(0));
    assert!(stuck(&picture.see(event("StatefulSet", "s-1", "FailedCreate"))));
    assert!(!stuck(&picture.see(set(1))));
    assert!(!stuck(&picture.see(set(0))));
}

#[test]
fn runs_of_a_cron_job_are_left_out() {
    let object = json!({"metadata": {"name": "nightly-1", "namespace": "shop", "uid": "j-1",
        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly",
                             "uid": "c-1", "controller": true}]}});
    let job = Object::Job(serde_json::from_value(object).unwrap());
    assert!(Picture::default().see(job).changes.is_empty());
}
