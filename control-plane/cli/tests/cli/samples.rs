//! Answers of a server.

use serde_json::{Value, json};

/// The release that most tests are about.
pub(crate) const RELEASE: &str = "rel_0197a0000000700080000000000000a1";
/// One that took its place.
pub(crate) const NEWER: &str = "rel_0197a0000000700080000000000000a2";
pub(crate) const SHA: &str = "8f31c2a9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f";

fn step(name: &str, title: &str, state: &str, ms: Option<u64>) -> Value {
    json!({"name": name, "title": title, "state": state, "started_at": ms.map(|_| "2026-03-10T11:58:00Z"),
           "duration_ms": ms, "error": null})
}

/// A release whose steps are done up to a number, the next one running or failed by its state.
pub(crate) fn release(state: &str, done: usize) -> Value {
    let closed = !matches!(state, "queued" | "committed" | "observed");
    let titles = [
        ("written", "Written to the gitops repository"),
        ("fetched", "Fetched by Flux"),
        ("applied", "Applied to the cluster"),
        ("healthy", "Healthy"),
    ];
    let steps: Vec<Value> = titles
        .iter()
        .enumerate()
        .map(|(index, (name, title))| {
            let at = 1000 * (index as u64 + 1);
            match index.cmp(&done) {
                std::cmp::Ordering::Less => step(name, title, "done", Some(at)),
                std::cmp::Ordering::Equal if state == "superseded" => {
                    step(name, title, "skipped", Some(at))
                }
                std::cmp::Ordering::Equal if closed => step(name, title, "failed", Some(at)),
                std::cmp::Ordering::Equal => step(name, title, "running", Some(at)),
                std::cmp::Ordering::Greater if closed => step(name, title, "skipped", None),
                std::cmp::Ordering::Greater => step(name, title, "waiting", None),
            }
        })
        .collect();
    json!({
        "id": RELEASE, "kind": "deploy", "environment": "staging", "app": "web", "namespace": "shop",
        "state": state, "closed": closed, "triggered_by": "ana", "repository": "acme/shop",
        "artifact": "art_0197a000000070008000000000000001", "sha": SHA, "message": "Fix tax",
        "author_name": "Ana", "branch": "main", "rollback_to": null,
        "gitops_commit": (done > 0).then_some("1111111111111111111111111111111111111111"),
        "superseded_by": null, "cause": null, "note": null, "steps": steps,
        "requested_at": "2026-03-10T11:58:00Z", "deadline_at": "2026-03-10T12:08:00Z",
        "finished_at": closed.then_some("2026-03-10T11:58:34Z"),
        "url": format!("https://gimlet.example/releases/{RELEASE}"), "current": state == "healthy",
    })
}

/// Why an image does not come.
pub(crate) fn cause() -> Value {
    json!({
        "code": "crash_loop", "summary": "container web keeps crashing with exit code 1",
        "detail": "back-off 40s restarting failed container", "pod": "web-5d9c-x7", "container": "web",
        "last_lines": ["connecting to db", "panic: no route to host"],
        "next_step": "read the last lines; fix the start of the program and push again",
    })
}

/// A release that ended degraded, with its cause.
pub(crate) fn degraded() -> Value {
    let mut release = release("degraded", 3);
    release["cause"] = cause();
    release["steps"][3]["error"] = json!("container web keeps crashing with exit code 1");
    release
}

pub(crate) fn superseded() -> Value {
    let mut release = release("superseded", 1);
    release["superseded_by"] = json!(NEWER);
    release
}

pub(crate) fn me() -> Value {
    json!({"login": "ana", "organization": "acme", "role": "owner"})
}

pub(crate) fn environment(name: &str) -> Value {
    json!({"id": format!("env_{name}"), "name": name, "cluster": "eu-1", "namespace": null,
           "apps_repository": format!("https://gimlet.example/git/acme/gitops-{name}-apps"),
           "infra_repository": format!("https://gimlet.example/git/acme/gitops-{name}-infra")})
}

pub(crate) fn cluster(name: &str, state: &str) -> Value {
    let seen = (state != "waiting").then_some("2026-03-10T11:59:58Z");
    json!({"id": format!("clu_{name}"), "name": name, "state": state, "last_seen_at": seen,
           "agent_version": seen.map(|_| "0.1.0"), "kubernetes_version": seen.map(|_| "v1.34.2"),
           "environments": [name], "apps": 3, "degraded_apps": 1, "created_at": "2026-03-01T12:00:00Z"})
}

pub(crate) fn repository() -> Value {
    json!({"id": "rep_1", "name": "acme/shop", "url": "https://git.example/acme/shop.git", "default_branch": "main",
           "last_polled_at": "2026-03-10T11:59:30Z", "last_error": null, "created_at": "2026-03-01T12:00:00Z"})
}

pub(crate) fn artifact(sha: &str, decisions: &[Value]) -> Value {
    json!({"id": format!("art_{sha}"), "repository": "acme/shop", "sha": format!("{sha}0000000000"), "event": "push",
           "branch": "main", "tag": null, "message": "Fix tax\n\nIt was wrong.", "author_name": "Ana",
           "committed_at": "2026-03-10T11:50:00Z", "created_at": "2026-03-10T11:55:00Z", "is_head": true,
           "problems": [], "decisions": decisions})
}

pub(crate) fn decision(environment: &str, releases: bool, reason: &str) -> Value {
    json!({"environment": environment, "app": "web", "file": ".gimlet/web.yaml", "releases": releases,
           "reason": reason, "release": releases.then_some(RELEASE)})
}

pub(crate) fn app(health: &str) -> Value {
    let cause = if health == "degraded" { cause() } else { Value::Null };
    let ready = i32::from(health == "healthy") + 1;
    json!({"name": "web", "environment": "staging", "namespace": "shop", "repository": "acme/shop", "health": health,
           "health_at": "2026-03-10T11:00:00Z", "cause": cause, "latest_release": release("healthy", 4), "sha": SHA,
           "workloads": [{"kind": "Deployment", "name": "web", "ready": ready, "desired": 2,
                          "images": ["registry.example/shop/web:8f31c2a"]}],
           "url": "https://gimlet.example/apps/staging/web"})
}

/// The address of the sample release, and below it.
pub(crate) fn at_release(method: &str, below: &str) -> String {
    format!("{method} /api/v1/releases/{RELEASE}{below}")
}
