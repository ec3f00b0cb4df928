//! What pages show of a release, from an agent's report to the API: pods, last lines, the address, and
//! what changed in git.

use gimlet_shared::{
    api::{App, Diff, Release},
    link::{FromAgent, SnapshotPart},
    observed::{
        ContainerState, FluxState, IngressRule, IngressState, ObjectKey, Observation,
        ObservedState, PodOwner, PodState, Ready, Termination, Trouble, WorkloadState,
    },
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    agents::{Link, connect_cluster_of, hello, say},
    harness::problem,
    source::{Shop, Source, manifest},
};

const APPLIER: &str = "builtin-prod-apps-shop-shop";

/// A control plane whose only cluster is connected.
async fn connected(source: Source) -> (Shop, Link) {
    let shop = Shop::given(source).await;
    let (link, _) = connect_cluster_of(&shop, &hello()).await;
    (shop, link)
}

fn object(kind: &str, namespace: &str, name: &str, state: ObservedState) -> Observation {
    let (kind, namespace, name) = (kind.to_owned(), namespace.to_owned(), name.to_owned());
    Observation { key: ObjectKey { kind, namespace, name }, state }
}

/// Flux has applied the commit.
fn flux(commit: &str) -> Vec<Observation> {
    let applied_revision = Some(format!("main@sha1:{commit}"));
    let state = FluxState {
        ready: Ready::True,
        attempted_revision: applied_revision.clone(),
        applied_revision,
        ..FluxState::default()
    };
    let apps = "builtin-prod-apps";
    vec![
        object("GitRepository", "flux-system", apps, ObservedState::Source(state.clone())),
        object("Kustomization", "flux-system", apps, ObservedState::Applier(state.clone())),
        object("Kustomization", "flux-system", APPLIER, ObservedState::Applier(state)),
    ]
}

fn deployment(ready: i32) -> Observation {
    let state = WorkloadState {
        applied_by: Some(APPLIER.to_owned()),
        desired: 1,
        updated: 1,
        total: 1,
        ready,
        available: ready,
        ..WorkloadState::default()
    };
    object("Deployment", "shop", "shop", ObservedState::Workload(state))
}

/// A pod whose container ended twice, as an agent of somebody else might tell it.
fn crashing() -> Observation {
    let waiting = Trouble { reason: "CrashLoopBackOff".to_owned(), message: "back-off".to_owned() };
    let ended = Termination { reason: "Error".to_owned(), exit_code: 3, message: String::new() };
    let container = ContainerState {
        name: "web".to_owned(),
        restarts: 2,
        waiting: Some(waiting),
        terminated: Some(ended),
        last_lines: vec!["starting".to_owned(), "\u{1b}[31mno DATABASE_URL\u{202e}".to_owned()],
        ..ContainerState::default()
    };
    let state = PodState {
        owner: Some(PodOwner { kind: "Deployment".to_owned(), name: "shop".to_owned() }),
        phase: "Running".to_owned(),
        node: Some("node-a".to_owned()),
        containers: vec![container],
        ..PodState::default()
    };
    object("Pod", "shop", "shop-7d4b", ObservedState::Pod(state))
}

fn ingress() -> Observation {
    let state = IngressState {
        applied_by: Some(APPLIER.to_owned()),
        rules: vec![IngressRule { host: "shop.example".to_owned(), path: "/".to_owned() }],
        tls_hosts: vec!["shop.example".to_owned()],
        ..IngressState::default()
    };
    object("Ingress", "shop", "shop", ObservedState::Ingress(state))
}

async fn report(link: &mut Link, seq: u64, seen: Vec<Observation>, gone: Vec<ObjectKey>) {
    let snapshot = if seq == 1 { SnapshotPart::Whole } else { SnapshotPart::Delta };
    say(link, &FromAgent::State { seq, snapshot, observations: seen, gone }).await;
}

async fn diff(shop: &Shop, path: &str) -> Diff {
    serde_json::from_value(shop.owner.get(path).await).unwrap()
}

#[tokio::test]
async fn last_lines_address_and_pods_reach_the_release_and_the_lines_outlive_the_pod() {
    let (shop, mut link) = connected(Source::with(&manifest("prod", "{event: push}", "1"))).await;
    let id = shop.releases().await[0].id.clone();
    let written = shop.until(&id, |release| release.gitops_commit.is_some()).await;
    let mut seen = flux(&written.gitops_commit.unwrap());
    let pod = crashing();
    seen.extend([deployment(0), pod.clone(), ingress()]);
    report(&mut link, 1, seen, Vec::new()).await;

    let told = |release: &Release| release.closed && !release.logs.is_empty();
    let release = shop.until(&id, told).await;
    assert_eq!(release.state, "degraded");
    assert_eq!(release.app_url.as_deref(), Some("https://shop.example/"));
    let pod_view = &release.pods[0];
    assert_eq!((pod_view.status.as_str(), pod_view.restarts), ("CrashLoopBackOff", 2));
    assert_eq!(pod_view.node.as_deref(), Some("node-a"));
    assert_eq!(release.logs[0].lines, ["starting", "no DATABASE_URL"]);

    let app: App =
        serde_json::from_value(shop.owner.get("/api/v1/environments/prod/apps/shop").await)
            .unwrap();
    assert_eq!(app.app_url.as_deref(), Some("https://shop.example/"));
    assert_eq!(app.current_release.as_deref(), Some(id.as_str()));
    assert_eq!((app.pods.len(), app.alerts[0].code.as_str()), (1, "crash_loop"));

    report(&mut link, 2, Vec::new(), vec![pod.key, ingress().key]).await;
    let gone = |release: &Release| release.pods.is_empty() && release.app_url.is_none();
    let release = shop.until(&id, gone).await;
    assert_eq!(release.logs[0].lines, ["starting", "no DATABASE_URL"]);
}

#[tokio::test]
async fn steps_tell_what_is_usual_once_a_release_was_healthy() {
    let (shop, mut link) = connected(Source::with(&manifest("prod", "{event: push}", "1"))).await;
    let first = shop.releases().await[0].id.clone();
    let written = shop.until(&first, |release| release.gitops_commit.is_some()).await;
    assert!(written.steps.iter().all(|step| step.usual_ms.is_none()));
    let mut seen = flux(&written.gitops_commit.unwrap());
    seen.push(deployment(1));
    report(&mut link, 1, seen, Vec::new()).await;
    shop.until(&first, |release| release.state == "healthy").await;

    shop.source.write("shop.yaml", &manifest("prod", "{event: push}", "2"));
    shop.source.commit("Second");
    shop.source.push(&["main"]);
    shop.look().await;
    let second = shop.releases().await[0].id.clone();
    assert_ne!(second, first);
    let release = shop.until(&second, |_| true).await;
    assert!(release.steps.iter().all(|step| step.usual_ms.is_some()), "{:?}", release.steps);
}

#[tokio::test]
async fn what_a_release_changed_and_what_going_back_would_change_are_told_from_git() {
    let shop = Shop::given(Source::with(&manifest("prod", "{event: push}", "one"))).await;
    let first = shop.releases().await[0].id.clone();
    shop.until(&first, |release| release.gitops_commit.is_some()).await;
    shop.source.write("shop.yaml", &manifest("prod", "{event: push}", "two"));
    shop.source.commit("Second");
    shop.source.push(&["main"]);
    shop.look().await;
    let second = shop.releases().await[0].id.clone();
    shop.until(&second, |release| release.gitops_commit.is_some()).await;

    let new = diff(&shop, &format!("/api/v1/releases/{first}/diff")).await;
    assert!(new.files.iter().all(|file| file.change == "added"), "{new:?}");
    assert!(new.files.iter().any(|file| file.path.starts_with("shop/")), "{new:?}");
    let changed = diff(&shop, &format!("/api/v1/releases/{second}/diff")).await;
    let [file] = changed.files.as_slice() else { panic!("{changed:?}") };
    assert_eq!((file.change.as_str(), file.added, file.removed), ("changed", 1, 1));
    let lines: Vec<_> = file.hunks[0].lines.iter().filter(|line| line.change != "same").collect();
    assert!(lines[0].text.contains("one") && lines[1].text.contains("two"), "{lines:?}");

    let compare = "/api/v1/environments/prod/apps/shop/compare";
    let back = diff(&shop, &format!("{compare}?to={first}")).await;
    assert_eq!((back.files.len(), back.files[0].removed), (1, 1));
    let same = diff(&shop, &format!("{compare}?from={second}")).await;
    assert!(same.files.is_empty() && same.note.is_some(), "{same:?}");
    let refused = |query: &str| {
        let request = shop.owner.request(Method::GET, &format!("{compare}?{query}"));
        async { problem(request.send().await.unwrap()).await }
    };
    let bad = refused("to=nonsense").await;
    assert_eq!((bad.status, bad.field.as_deref()), (bad.status.max(400), Some("to")));
    assert_eq!(refused("to=rel_00000000000000000000000000000001").await.status, 404);
}

#[tokio::test]
async fn a_release_that_changed_nothing_says_so_instead_of_showing_another_one_s_change() {
    let shop = Shop::given(Source::with(&manifest("prod", "{event: push}", "one"))).await;
    let first = shop.releases().await[0].clone();
    shop.until(&first.id, |release| release.gitops_commit.is_some()).await;
    let body = json!({"environment": "prod", "artifact": first.artifact});
    let asked: Value = shop.owner.post("/api/v1/releases", body).await.json().await.unwrap();
    let again = asked[0]["id"].as_str().unwrap().to_owned();
    shop.until(&again, |release| release.gitops_commit.is_some()).await;
    let nothing = diff(&shop, &format!("/api/v1/releases/{again}/diff")).await;
    assert!(nothing.files.is_empty(), "{nothing:?}");
    assert!(nothing.note.is_some_and(|note| note.contains("changed nothing")));
}

#[tokio::test]
async fn no_stranger_sees_a_difference() {
    let shop = Shop::given(Source::with(&manifest("prod", "{event: push}", "one"))).await;
    let id = shop.releases().await[0].id.clone();
    let stranger = shop.server.new_owner("rival").await;
    for path in [
        format!("/api/v1/releases/{id}/diff"),
        format!("/api/v1/environments/prod/apps/shop/compare?to={id}"),
    ] {
        let answer = stranger.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(problem(answer).await.status, 404, "{path}");
    }
}
