//! What the agent's own credential can do, and what it cannot.

use serde_json::{Value, json};

use crate::asking::{
    Asking, Attempt, CLUSTER_ROLE_BINDING, CONFIG_MAP, DEPLOYMENT, GIT_REPOSITORY, JOB,
    KUSTOMIZATION, POD, ROLE_BINDING, SECRET, installed,
};

const NO_RIGHT: &str = "cannot";

async fn agent() -> Asking {
    installed().await;
    Asking::account("infrastructure", "gimlet-agent").await
}

fn source_patch(patch: Value) -> Attempt {
    Attempt::Patch {
        kind: GIT_REPOSITORY,
        namespace: "flux-system",
        name: "builtin-blue-apps",
        patch,
    }
}

fn kustomization_patch(patch: Value) -> Attempt {
    Attempt::Patch {
        kind: KUSTOMIZATION,
        namespace: "flux-system",
        name: "builtin-blue-apps",
        patch,
    }
}

#[tokio::test]
#[ignore = "needs a cluster to write to"]
async fn the_agent_pokes_and_suspends_flux_objects() {
    let agent = agent().await;
    let poke = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "cmd_1"}}});
    agent.may(source_patch(poke.clone())).await;
    agent.may(kustomization_patch(poke)).await;
    agent.may(source_patch(json!({"spec": {"suspend": true}}))).await;
    agent.may(kustomization_patch(json!({"spec": {"suspend": false}}))).await;
}

#[tokio::test]
#[ignore = "needs a cluster to write to"]
async fn the_agent_changes_nothing_else_of_a_flux_object() {
    let agent = agent().await;
    for patch in [
        json!({"spec": {"url": "https://evil.example/repo"}}),
        json!({"spec": {"interval": "1h"}}),
        json!({"spec": {"secretRef": null}}),
        json!({"spec": {"suspend": true, "ref": {"branch": "other"}}}),
        json!({"spec": {"verify": {"mode": "HEAD", "secretRef": {"name": "mine"}}}}),
    ] {
        agent.may_not(source_patch(patch), "nothing of a Flux object's spec but suspend").await;
    }
    for patch in [
        json!({"spec": {"serviceAccountName": "kustomize-controller"}}),
        json!({"spec": {"serviceAccountName": null}}),
        json!({"spec": {"sourceRef": {"name": "other"}}}),
        json!({"spec": {"path": "./other"}}),
        json!({"spec": {"kubeConfig": {"secretRef": {"name": "mine"}}}}),
    ] {
        agent
            .may_not(kustomization_patch(patch), "nothing of a Flux object's spec but suspend")
            .await;
    }
    let annotation =
        json!({"metadata": {"annotations": {"kustomize.toolkit.fluxcd.io/prune": "disabled"}}});
    agent.may_not(source_patch(annotation), "no annotation").await;
    for metadata in [
        json!({"labels": {"a": "b"}}),
        json!({"labels": null}),
        json!({"finalizers": []}),
        json!({"ownerReferences": [
            {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "00000000-0000-0000-0000-000000000000"},
        ]}),
    ] {
        // A finalizer of Flux's is there once Flux has looked at the object.
        agent
            .may_not(source_patch(json!({"metadata": metadata})), "labels, owners or finalizers")
            .await;
    }
}

#[tokio::test]
#[ignore = "needs a cluster to write to"]
async fn the_agent_reads_no_secret_but_its_own() {
    let agent = agent().await;
    let get = |namespace, name| Attempt::Get { kind: SECRET, namespace, name };
    agent.may(get("infrastructure", "gimlet-agent-identity")).await;
    agent.may(get("infrastructure", "gimlet-agent-enrolment")).await;
    agent.may(get("flux-system", "deploy-key-builtin-gitops-blue-apps")).await;
    agent.may_not(get("infrastructure", "another"), NO_RIGHT).await;
    agent.may_not(get("flux-system", "another"), NO_RIGHT).await;
    agent.may_not(get("gimlet-builds", "another"), NO_RIGHT).await;
    for namespace in ["", "flux-system", "infrastructure", "gimlet-builds", "default"] {
        agent.may_not(Attempt::List { kind: SECRET, namespace }, NO_RIGHT).await;
    }
}

#[tokio::test]
#[ignore = "needs a cluster to write to"]
async fn the_agent_writes_nothing_but_its_own_objects() {
    let agent = agent().await;
    let data = json!({"data": {"a": "b"}});
    let patch = |name| Attempt::Patch {
        kind: CONFIG_MAP,
        namespace: "infrastructure",
        name,
        patch: data.clone(),
    };
    agent.may(patch("gimlet-agent-cursor")).await;
    agent.may_not(patch("gimlet-agent-policy"), NO_RIGHT).await;
    agent.may_not(patch("gimlet-agent-root"), NO_RIGHT).await;
    let itself = Attempt::Patch {
        kind: DEPLOYMENT,
        namespace: "infrastructure",
        name: "gimlet-agent",
        patch: json!({"spec": {"replicas": 0}}),
    };
    agent.may_not(itself, NO_RIGHT).await;
    for (kind, namespace) in [
        (POD, "gimlet-builds"),
        (CONFIG_MAP, "infrastructure"),
        (SECRET, "flux-system"),
        (JOB, "default"),
    ] {
        let object = json!({"metadata": {"name": "new"}, "spec": {}});
        agent.may_not(Attempt::Create { kind, namespace, object }, NO_RIGHT).await;
    }
    let delete = Attempt::Delete {
        kind: KUSTOMIZATION,
        namespace: "flux-system",
        name: "builtin-blue-apps",
    };
    agent.may_not(delete, NO_RIGHT).await;
}

/// A job as the agent makes it, with one part of its pod changed.
fn job(change: impl FnOnce(&mut Value)) -> Attempt {
    let mut pod = json!({
        "automountServiceAccountToken": false,
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": true, "runAsUser": 1000, "fsGroup": 1000,
            "seccompProfile": {"type": "Unconfined"},
        },
        "containers": [
            {"name": "build", "image": "buildkit", "volumeMounts": [{"name": "work", "mountPath": "/source"}]},
            {"name": "source", "image": "git"},
        ],
        "volumes": [
            {"name": "work", "emptyDir": {}},
            {"name": "settings", "configMap": {"name": "settings"}},
            {"name": "registry", "secret": {"secretName": "gimlet-build-registry"}},
        ],
    });
    change(&mut pod);
    let object = json!({"metadata": {"name": "build"}, "spec": {"template": {"spec": pod}}});
    Attempt::Create { kind: JOB, namespace: "gimlet-builds", object }
}

#[tokio::test]
#[ignore = "needs a cluster to write to"]
async fn the_agents_jobs_have_one_shape() {
    let agent = agent().await;
    agent.may(job(|_| ())).await;
    agent.may(job(|pod| pod["serviceAccountName"] = json!("default"))).await;

    let volume = |source: Value| move |pod: &mut Value| pod["volumes"][1] = source;
    let named = |mut source: Value| {
        source["name"] = json!("settings");
        source
    };
    for source in [
        json!({"hostPath": {"path": "/"}}),
        json!({"secret": {"secretName": "another"}}),
        json!({"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}),
        json!({"persistentVolumeClaim": {"claimName": "another"}}),
    ] {
        agent.may_not(job(volume(named(source))), "volumes are emptyDir").await;
    }
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        agent.may_not(job(|pod| pod[field] = json!(true)), "may not use the host's").await;
    }
    agent.may_not(job(|pod| pod["nodeName"] = json!("node")), "choose its node").await;
    let port = json!([{"containerPort": 80, "hostPort": 80}]);
    agent.may_not(job(|pod| pod["containers"][0]["ports"] = port), "or ports").await;

    agent
        .may_not(job(|pod| pod["securityContext"]["runAsUser"] = json!(0)), "runs as user 1000")
        .await;
    agent.may_not(job(|pod| pod["securityContext"] = json!({})), "runs as user 1000").await;
    for context in [json!({"runAsUser": 0}), json!({"runAsNonRoot": false})] {
        let change = |pod: &mut Value| pod["containers"][1]["securityContext"] = context;
        agent.may_not(job(change), "runs as user 1000").await;
    }
    for context in [
        json!({"privileged": true}),
        json!({"capabilities": {"add": ["SYS_ADMIN"]}}),
        json!({"seLinuxOptions": {"type": "spc_t"}}),
    ] {
        let change = |pod: &mut Value| pod["containers"][0]["securityContext"] = context;
        agent.may_not(job(change), "may not be privileged").await;
    }
    let hidden = |pod: &mut Value| {
        pod["containers"].as_array_mut().unwrap().pop();
        let container =
            json!({"name": "first", "image": "a", "securityContext": {"privileged": true}});
        pod["initContainers"] = json!([container]);
    };
    agent.may_not(job(hidden), "may not be privileged").await;

    let token = |pod: &mut Value| pod["automountServiceAccountToken"] = json!(true);
    agent.may_not(job(token), "no service account's token").await;
    let unsaid = |pod: &mut Value| {
        pod.as_object_mut().unwrap().remove("automountServiceAccountToken");
    };
    agent.may_not(job(unsaid), "no service account's token").await;
    agent
        .may_not(
            job(|pod| pod["serviceAccountName"] = json!("other")),
            "no service account's token",
        )
        .await;

    let reference =
        json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": "another", "key": "a"}}}]);
    agent.may_not(job(|pod| pod["containers"][0]["env"] = reference), "reads no secret").await;
    let all = json!([{"secretRef": {"name": "another"}}]);
    agent.may_not(job(|pod| pod["containers"][0]["envFrom"] = all), "reads no secret").await;
    let third = json!({"name": "third", "image": "a"});
    let three = |pod: &mut Value| pod["containers"].as_array_mut().unwrap().push(third);
    agent.may_not(job(three), "one or two containers").await;
    let kernel = json!([{"name": "kernel.shm_rmid_forced", "value": "1"}]);
    agent.may_not(job(|pod| pod["securityContext"]["sysctls"] = kernel), "kernel parameters").await;
}

#[tokio::test]
#[ignore = "needs a cluster to write to"]
async fn the_agents_bounds_hold_when_someone_gives_it_more_rights() {
    let agent = agent().await;
    let owner = Asking::owner().await;
    let binding = json!({
        "metadata": {"name": "too-much"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "gimlet-agent", "namespace": "infrastructure"}],
    });
    owner.apply(CLUSTER_ROLE_BINDING, "", binding).await;
    let pod =
        json!({"metadata": {"name": "new"}, "spec": {"containers": [{"name": "a", "image": "a"}]}});
    let create = |kind, namespace, object| Attempt::Create { kind, namespace, object };
    agent
        .may_not(create(POD, "gimlet-builds", pod), "jobs in gimlet-builds and nothing else")
        .await;
    let Attempt::Create { object, .. } = job(|_| ()) else { unreachable!() };
    agent.may_not(create(JOB, "default", object), "jobs in gimlet-builds and nothing else").await;
    let more = json!({
        "metadata": {"name": "more"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
    });
    agent
        .may_not(create(ROLE_BINDING, "default", more), "jobs in gimlet-builds and nothing else")
        .await;
    owner.remove(CLUSTER_ROLE_BINDING, "", "too-much").await;
}
