//! Views for tests, and what every page must hold to.

use gimlet_shared::api::{App, Artifact, Cluster, ContainerLog, Me, Pod, Release};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use time::macros::datetime;

use crate::shell::{Section, Shell};

/// Names and messages of someone who wants to do harm.
pub(super) const HOSTILE: &str =
    "<script>alert(1)</script>\u{1b}[31m\u{202e}\"'\u{0} & <img src=x onerror=y>";

pub(super) fn shell(role: &str) -> Shell {
    Shell {
        me: Me { login: "ana".to_owned(), organization: "acme".to_owned(), role: role.to_owned() },
        section: Section::Elsewhere,
        now: datetime!(2026-05-01 12:00:00 UTC),
    }
}

pub(super) fn release(state: &str) -> Release {
    view(json!({
        "id": "rel_2", "kind": "deploy", "environment": "production", "app": "shop", "namespace": "shop",
        "state": state, "closed": matches!(state, "healthy" | "degraded"), "triggered_by": "policy",
        "repository": "acme/shop", "artifact": "art_1", "sha": "8f31c2a000", "message": "Fix tax",
        "author_name": "Ana", "branch": "main", "rollback_to": null, "gitops_commit": "77aa", "superseded_by": null,
        "cause": null, "note": null, "requested_at": "2026-05-01T11:59:30Z",
        "deadline_at": "2026-05-01T12:10:00Z", "finished_at": null, "url": "", "current": false,
        "steps": [
            {"name": "written", "title": "Write to git", "state": "done", "duration_ms": 420},
            {"name": "healthy", "title": "Workloads become healthy", "state": "running",
             "started_at": "2026-05-01T11:59:49Z", "duration_ms": 11000},
        ],
    }))
}

pub(super) fn with_cause(release: Release, text: &str) -> Release {
    let cause = json!({
        "code": "crash_loop", "summary": format!("container web ends again and again {text}"),
        "detail": text, "pod": "shop-7d4b", "container": "web", "last_lines": ["starting", text],
        "next_step": "Set DATABASE_URL and push.",
    });
    Release { cause: Some(view(cause)), ..release }
}

pub(super) fn commit(text: &str) -> Artifact {
    view(json!({
        "id": "art_1", "repository": "acme/shop", "sha": "8f31c2a000", "event": "push", "branch": text, "tag": null,
        "message": format!("Fix tax {text}\n\nmore {text}"), "author_name": text,
        "committed_at": "2026-05-01T11:00:00Z", "created_at": "2026-05-01T11:00:01Z", "is_head": true,
        "problems": [text],
        "decisions": [{"environment": "staging", "app": "shop", "file": text, "releases": false,
                       "reason": format!("the policy wants a tag {text}"), "release": null}],
    }))
}

pub(super) fn cluster(name: &str, state: &str, degraded: u64) -> Cluster {
    view(json!({
        "id": format!("clu_{name}"), "name": name, "state": state, "last_seen_at": null, "agent_version": null,
        "kubernetes_version": null, "environments": [format!("{name}-env")], "apps": 3,
        "degraded_apps": degraded, "created_at": "2026-05-01T11:00:00Z",
    }))
}

pub(super) fn app(text: &str) -> App {
    view(json!({
        "name": "shop", "environment": "production", "namespace": "shop", "repository": text, "health": "healthy",
        "health_at": "2026-05-01T11:00:00Z", "cause": null, "latest_release": null, "sha": text,
        "workloads": [{"kind": "Deployment", "name": text, "ready": 1, "desired": 3, "images": [text]}], "url": "",
    }))
}

pub(super) fn pod(name: &str, status: &str) -> Pod {
    view(json!({
        "name": name, "status": status, "ready": false, "ready_containers": 0, "containers": 1, "restarts": 4,
        "node": "node-a", "created_at": "2026-05-01T11:58:00Z", "newest": true,
    }))
}

pub(super) fn log(pod: &str, line: &str) -> ContainerLog {
    view(json!({
        "pod": pod, "container": "web", "restarts": 4, "lines": ["starting", line],
        "seen_at": "2026-05-01T11:59:00Z",
    }))
}

fn view<T: DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).expect("the view has all fields")
}

/// Nothing of [`HOSTILE`] acts, and the page runs and styles nothing from its own markup.
pub(super) fn assert_harmless(html: &str) {
    for forbidden in ["<script>", "<img", "\u{1b}", "\u{202e}", "\u{0}", " style=", "<style"] {
        assert!(!html.contains(forbidden), "{forbidden:?} in {html}");
    }
    for tag in html.split('<').filter_map(|rest| rest.split('>').next()) {
        let unquoted: String = tag.split('"').step_by(2).collect();
        assert!(!unquoted.contains(" on"), "a handler in <{tag}>");
    }
}
