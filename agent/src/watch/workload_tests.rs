use serde_json::json;

use super::*;

#[test]
fn a_deployment_mid_rollout_counts_old_and_new_pods() {
    let object: Deployment = serde_json::from_value(json!({
        "metadata": {
            "name": "web", "namespace": "shop", "generation": 7,
            "labels": {"app": "web", "kustomize.toolkit.fluxcd.io/name": "shop-web",
                       "kustomize.toolkit.fluxcd.io/namespace": "flux-system"},
            "annotations": {"deployment.kubernetes.io/revision": "4"}
        },
        "spec": {
            "replicas": 3,
            "template": {"spec": {"containers": [
                {"name": "web", "image": "registry/web:2"}, {"name": "proxy", "image": "envoy:1"}
            ]}}
        },
        "status": {
            "observedGeneration": 7, "replicas": 4, "updatedReplicas": 1, "readyReplicas": 3,
            "availableReplicas": 3, "unavailableReplicas": 1,
            "conditions": [
                {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
                {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated",
                 "message": "ReplicaSet \"web-6c5d8f9b7\" is progressing."}
            ]
        },
    }))
    .unwrap();
    let expected = WorkloadState {
        applied_by: Some("shop-web".into()),
        generation: 7,
        observed_generation: 7,
        desired: 3,
        updated: 1,
        ready: 3,
        available: 3,
        total: 4,
        images: vec!["registry/web:2".into(), "envoy:1".into()],
        ..WorkloadState::default()
    };
    assert_eq!(deployment(&object), expected);
    assert_eq!(newest_revision(&object).as_deref(), Some("4"));
}

#[test]
fn a_deployment_past_its_deadline_or_without_quota_is_stuck() {
    let stuck = |conditions| {
        let object = serde_json::from_value(json!({
            "metadata": {"name": "web"}, "status": {"conditions": conditions}
        }))
        .unwrap();
        deployment(&object).stuck.unwrap()
    };
    let deadline = json!({
        "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
        "message": "ReplicaSet \"web-1\" has timed out progressing."
    });
    assert_eq!(stuck(json!([deadline])).reason, "ProgressDeadlineExceeded");
    let quota = json!({
        "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
        "message": "pods \"web-1-x\" is forbidden: exceeded quota: small"
    });
    let both = stuck(json!([deadline, quota]));
    assert_eq!(both.reason, "FailedCreate");
    assert!(both.message.contains("exceeded quota"));
}

#[test]
fn a_replica_set_tells_the_template_of_its_deployment() {
    let object = |owner: &str| {
        serde_json::from_value(json!({
            "metadata": {
                "name": "web-6c5d8f9b7", "namespace": "shop",
                "labels": {"pod-template-hash": "6c5d8f9b7"},
                "annotations": {"deployment.kubernetes.io/revision": "4"},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": owner, "name": "web",
                                     "uid": "u-1", "controller": true}]
            }
        }))
        .unwrap()
    };
    let expected =
        Revision { deployment: "web".into(), number: "4".into(), hash: "6c5d8f9b7".into() };
    assert_eq!(revision(&object("Deployment")), Some(expected));
    assert_eq!(revision(&object("Rollout")), None);
}

#[test]
fn stateful_and_daemon_sets_name_their_newest_template() {
    let set = serde_json::from_value(json!({
        "metadata": {"name": "db", "generation": 2},
        "spec": {"replicas": 3},
        "status": {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 1,
                   "readyReplicas": 2, "availableReplicas": 2,
                   "currentRevision": "db-old", "updateRevision": "db-new"}
    }))
    .unwrap();
    let state = stateful_set(&set);
    assert_eq!(state.template.as_deref(), Some("db-new"));
    assert_eq!((state.desired, state.updated, state.ready, state.total), (3, 1, 2, 3));

    let set = serde_json::from_value(json!({
        "metadata": {"name": "logs", "generation": 5,
                     "annotations": {"deprecated.daemonset.template.generation": "5"}},
        "status": {"observedGeneration": 5, "desiredNumberScheduled": 4,
                   "currentNumberScheduled": 4, "updatedNumberScheduled": 2, "numberReady": 3,
                   "numberAvailable": 3, "numberMisscheduled": 0}
    }))
    .unwrap();
    let state = daemon_set(&set);
    assert_eq!(state.template.as_deref(), Some("5"));
    assert_eq!((state.desired, state.updated, state.ready), (4, 2, 3));
}

#[test]
fn a_failed_job_says_why() {
    let object = serde_json::from_value(json!({
        "metadata": {"name": "migrate", "uid": "u-7", "generation": 1},
        "spec": {"backoffLimit": 1, "template": {"spec": {"containers": [
            {"name": "migrate", "image": "registry/web:2"}]}}},
        "status": {"failed": 2, "conditions": [
            {"type": "FailureTarget", "status": "True", "reason": "BackoffLimitExceeded"},
            {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded",
             "message": "Job has reached the specified backoff limit"}]}
    }))
    .unwrap();
    let state = job(&object);
    assert_eq!((state.desired, state.ready, state.failed), (1, 0, 2));
    assert_eq!(state.stuck.unwrap().reason, "BackoffLimitExceeded");
    assert_eq!(state.template.as_deref(), Some("u-7"));
    assert_eq!(state.observed_generation, 1);
}
