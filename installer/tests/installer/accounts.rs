//! What git can bring, through the accounts that Flux takes on for an environment.

use serde_json::{Value, json};

use crate::asking::{
    Asking, Attempt, CLUSTER_ROLE_BINDING, CONFIG_MAP, HELM_RELEASE, KUSTOMIZATION, NAMESPACE,
    ROLE_BINDING, SECRET, installed,
};

const NO_RIGHT: &str = "cannot";

async fn account(name: &str) -> Asking {
    installed().await;
    Asking::account("flux-system", name).await
}

/// An application's Kustomization as the control plane writes it for `blue`, with one part changed.
fn application(change: impl FnOnce(&mut Value)) -> Value {
    let mut spec = json!({
        "interval": "10m", "path": "./hello", "prune": true, "wait": true,
        "targetNamespace": "web",
        "serviceAccountName": "gimlet-apply-blue",
        "sourceRef": {"kind": "GitRepository", "name": "builtin-blue-apps"},
    });
    change(&mut spec);
    json!({"metadata": {"name": "test-hello"}, "spec": spec})
}

fn create(change: impl FnOnce(&mut Value)) -> Attempt {
    let object = application(change);
    Attempt::Create { kind: KUSTOMIZATION, namespace: "flux-system", object }
}

#[tokio::test]
#[ignore = "needs a cluster to write to"]
async fn an_environments_kustomization_stays_within_it() {
    let sync = account("gimlet-sync-blue").await;
    sync.may(create(|_| ())).await;
    let remove = |field: &'static str| {
        move |spec: &mut Value| {
            spec.as_object_mut().unwrap().remove(field);
        }
    };
    sync.may_not(create(remove("serviceAccountName")), "must be gimlet-apply-blue").await;
    for other in ["gimlet-infra-blue", "gimlet-apply-red", "kustomize-controller"] {
        let change = |spec: &mut Value| spec["serviceAccountName"] = json!(other);
        sync.may_not(create(change), "must be gimlet-apply-blue").await;
    }
    sync.may_not(create(remove("targetNamespace")), "targetNamespace must be set").await;
    for protected in
        ["flux-system", "infrastructure", "gimlet-builds", "kube-system", "kube-public"]
    {
        let change = |spec: &mut Value| spec["targetNamespace"] = json!(protected);
        sync.may_not(create(change), "targetNamespace must be set").await;
    }
    for source in [
        json!({"kind": "GitRepository", "name": "builtin-red-apps"}),
        json!({"kind": "GitRepository", "name": "builtin-blue-infra"}),
        json!({"kind": "Bucket", "name": "builtin-blue-apps"}),
        json!({"kind": "GitRepository", "name": "builtin-blue-apps", "namespace": "web"}),
    ] {
        let change = |spec: &mut Value| spec["sourceRef"] = source;
        sync.may_not(create(change), "must be the GitRepository builtin-blue-apps").await;
    }
    for (field, value) in [
        ("kubeConfig", json!({"secretRef": {"name": "a"}})),
        ("postBuild", json!({"substituteFrom": [{"kind": "Secret", "name": "a"}]})),
        ("decryption", json!({"provider": "sops", "secretRef": {"name": "a"}})),
    ] {
        sync.may_not(create(|spec| spec[field] = value), "is not allowed").await;
    }
    sync.may(create(|spec| spec["postBuild"] = json!({"substitute": {"a": "b"}}))).await;
    let elsewhere =
        Attempt::Create { kind: KUSTOMIZATION, namespace: "default", object: application(|_| ()) };
    sync.may_not(elsewhere, NO_RIGHT).await;
}

#[tokio::test]
#[ignore = "needs a cluster to write to"]
async fn an_environment_touches_no_kustomization_but_its_applications() {
    let sync = account("gimlet-sync-blue").await;
    let owner = Asking::owner().await;
    let mut own = application(|spec| spec["suspend"] = json!(true));
    own["metadata"]["name"] = json!("test-owned");
    owner.apply(KUSTOMIZATION, "flux-system", own).await;

    let delete = |name| Attempt::Delete { kind: KUSTOMIZATION, namespace: "flux-system", name };
    let patch = |name| {
        let patch = application(|_| ());
        let patch = json!({"spec": patch["spec"]});
        Attempt::Patch { kind: KUSTOMIZATION, namespace: "flux-system", name, patch }
    };
    sync.may(patch("test-owned")).await;
    sync.may(delete("test-owned")).await;
    let red = account("gimlet-sync-red").await;
    red.may_not(delete("test-owned"), "does not belong to environment red").await;
    for name in ["builtin-blue-apps", "builtin-blue-infra", "builtin-red-apps"] {
        sync.may_not(delete(name), "does not belong to environment blue").await;
        sync.may_not(patch(name), "does not belong to environment blue").await;
    }
    let source = Attempt::Get { kind: SECRET, namespace: "flux-system", name: "another" };
    sync.may_not(source, NO_RIGHT).await;
    owner.remove(KUSTOMIZATION, "flux-system", "test-owned").await;
}

#[tokio::test]
#[ignore = "needs a cluster to write to"]
async fn an_environments_namespaces_outlive_it_and_are_its_own() {
    let sync = account("gimlet-sync-blue").await;
    let namespace = |metadata: Value| Attempt::Create {
        kind: NAMESPACE,
        namespace: "",
        object: json!({"metadata": metadata}),
    };
    let kept = json!({"kustomize.toolkit.fluxcd.io/prune": "disabled"});
    sync.may(namespace(json!({"name": "new", "annotations": kept}))).await;
    sync.may_not(namespace(json!({"name": "new"})), "needs the annotation").await;
    sync.may_not(
        namespace(json!({"name": "kube-new", "annotations": kept})),
        "not an environment's",
    )
    .await;
    let privileged = json!({"pod-security.kubernetes.io/enforce": "privileged"});
    let metadata = json!({"name": "new", "annotations": kept, "labels": privileged});
    sync.may_not(namespace(metadata.clone()), "pod-security").await;
    let patch = |name| Attempt::Patch {
        kind: NAMESPACE,
        namespace: "",
        name,
        patch: json!({"metadata": {"annotations": kept, "labels": {"a": "b"}}}),
    };
    sync.may(patch("default")).await;
    for name in ["flux-system", "infrastructure", "gimlet-builds", "kube-system"] {
        sync.may_not(patch(name), "not an environment's").await;
    }
    let red = account("gimlet-sync-red").await;
    red.may(patch("shop")).await;
    red.may_not(patch("default"), NO_RIGHT).await;
    red.may_not(namespace(json!({"name": "new", "annotations": kept})), NO_RIGHT).await;
}

#[tokio::test]
#[ignore = "needs a cluster to write to"]
async fn what_applications_bring_stays_out_of_the_clusters_own_namespaces() {
    let apply = account("gimlet-apply-blue").await;
    let map = |namespace| Attempt::Create {
        kind: CONFIG_MAP,
        namespace,
        object: json!({"metadata": {"name": "new"}}),
    };
    apply.may(map("default")).await;
    apply.may(map("shop")).await;
    for namespace in
        ["flux-system", "infrastructure", "gimlet-builds", "kube-system", "kube-public"]
    {
        apply.may_not(map(namespace), "may not touch namespace").await;
    }
    let policy = |kind, name| Attempt::Delete { kind, namespace: "infrastructure", name };
    apply.may_not(policy(CONFIG_MAP, "gimlet-agent-policy"), "may not touch namespace").await;
    let binding = json!({
        "metadata": {"name": "new"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "web"}],
    });
    let bind = |kind, namespace| Attempt::Create { kind, namespace, object: binding.clone() };
    apply.may_not(bind(ROLE_BINDING, "flux-system"), "may not touch namespace").await;
    apply.may_not(bind(CLUSTER_ROLE_BINDING, ""), NO_RIGHT).await;
    let read = |name| Attempt::Get { kind: NAMESPACE, namespace: "", name };
    apply.may(read("default")).await;

    let red = account("gimlet-apply-red").await;
    red.may(map("shop")).await;
    red.may(read("shop")).await;
    red.may_not(map("default"), NO_RIGHT).await;
}

#[tokio::test]
#[ignore = "needs a cluster to write to"]
async fn an_application_lends_nobody_the_rights_of_flux() {
    let apply = account("gimlet-apply-red").await;
    let owner = Asking::owner().await;
    // As `flux install` does it for the built-in role admin.
    let binding = json!({
        "metadata": {"name": "too-much", "namespace": "shop"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "gimlet-apply-red", "namespace": "flux-system"}],
    });
    owner.apply(ROLE_BINDING, "shop", binding).await;
    let release = |more: Value| {
        let mut spec = json!({
            "interval": "1h",
            "chart": {"spec": {"chart": "a", "sourceRef": {"kind": "HelmRepository", "name": "a"}}},
        });
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        let object = json!({"metadata": {"name": "new"}, "spec": spec});
        Attempt::Create { kind: HELM_RELEASE, namespace: "shop", object }
    };
    let refused = "serviceAccountName must be set";
    apply.may(release(json!({"serviceAccountName": "own"}))).await;
    apply.may_not(release(json!({})), refused).await;
    let remote = json!({"serviceAccountName": "own", "kubeConfig": {"secretRef": {"name": "a"}}});
    apply.may_not(release(remote), refused).await;
    let mut object = application(|_| ());
    object["spec"].as_object_mut().unwrap().remove("serviceAccountName");
    apply
        .may_not(Attempt::Create { kind: KUSTOMIZATION, namespace: "shop", object }, refused)
        .await;
    owner.remove(ROLE_BINDING, "shop", "too-much").await;
}
