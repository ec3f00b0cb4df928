//! What a manifest becomes for a branch.

use super::*;
use crate::parse::parse_manifest;
use crate::resolve::{Resolved, resolve};
use crate::variables::{ArtifactFacts, Variables};

const HOSTED: &str =
    "chart: {name: onechart}\nvalues: {ingress: {host: web.example.com}, replicas: 2}\n";

fn manifest(app: &str, lines: &str) -> Manifest {
    let text = format!("app: '{app}'\nenv: e\nnamespace: n\npreview: true\n{lines}");
    parse_manifest("x.yaml", &text).unwrap().manifest
}

fn preview(manifest: &Manifest, branch: &str, suffix: Option<&str>) -> Manifest {
    match prepare_preview(manifest, branch, suffix, "main") {
        Preparation::Preview(preview) => *preview,
        other => panic!("{branch}: {other:?}"),
    }
}

fn resolved(manifest: &Manifest, branch: &str) -> Resolved {
    let facts = ArtifactFacts {
        repository: "acme/shop",
        event: EventKind::Push,
        branch,
        tag: "",
        sha: "abc",
        actor: "",
        job: "",
        url: "",
        message: "",
        source_branch: "",
        target_branch: "",
    };
    let variables = Variables::for_artifact(&facts).build(manifest).unwrap();
    assert_eq!(
        variables.get("APP"),
        Some(resolve(manifest, &variables).unwrap().app.as_str()),
        "the variable and the name are one"
    );
    resolve(manifest, &variables).unwrap()
}

fn name(app: &str, branch: &str) -> String {
    resolved(&preview(&manifest(app, HOSTED), branch, None), branch).app
}

fn host(host: &str, branch: &str, suffix: Option<&str>) -> String {
    let lines = HOSTED.replace("web.example.com", &format!("'{host}'"));
    let preview = preview(&manifest("web", &lines), branch, suffix);
    resolved(&preview, branch).values.text(&["ingress", "host"]).unwrap().to_string()
}

#[test]
fn a_preview_is_called_after_its_branch() {
    assert_eq!(name("web", "Feature/JIRA_12"), "web-feature-jira-12");
    assert_eq!(name("web-preview", "x"), "web-x");
    assert_eq!(name("web-preview-preview", "x"), "web-preview-x");
    assert_eq!(name("{{ .SHA }}-preview", "x"), "abc-x");
}

#[test]
fn a_name_that_is_too_long_ends_in_six_digits_of_its_branch() {
    let branch = "feature/a-very-long-name-of-a-branch-that-goes-on-and-on";
    let long = name("web", branch);
    let (start, digits) = long.rsplit_once('-').unwrap();
    assert_eq!(start, "web-feature-a-very-long-name-of-a-branch-that");
    assert!(digits.len() == 6 && digits.chars().all(|c| c.is_ascii_hexdigit()), "{long}");
    assert_ne!(long, name("web", &format!("{branch}-2")));
    // 53 characters still fit.
    let fits = "x".repeat(49);
    assert_eq!(name("web", &fits), format!("web-{fits}"));
}

#[test]
fn what_is_cut_before_the_digits_ends_in_no_dash() {
    let branch = format!("{}-{}", "a".repeat(41), "b".repeat(10));
    let cut = name("web", &branch);
    assert!(cut.starts_with(&format!("web-{}-", "a".repeat(41))), "{cut}");
    assert_eq!(cut.len(), 52);
}

#[test]
fn the_host_takes_the_environments_suffix() {
    assert_eq!(host("web.example.com", "x", Some("apps.test")), "web-x.apps.test");
    assert_eq!(host("web.example.com", "x", Some(".apps.test")), "web-x.apps.test");
    assert_eq!(host("web.example.com", "x", Some("-apps.test")), "web-x-apps.test");
}

#[test]
fn the_host_keeps_its_domain_where_there_is_no_suffix() {
    assert_eq!(host("web.example.com", "x", None), "web-x.example.com");
    assert_eq!(host("{{ .APP }}.example.com", "x", Some("")), "web-x.example.com");
    assert_eq!(host("localhost", "x", None), "localhost");
}

#[test]
fn the_host_is_as_short_as_the_name() {
    let branch = "b".repeat(60);
    assert_eq!(host("web.test", &branch, None), format!("{}.test", name("web", &branch)));
}

#[test]
fn policy_cleanup_and_branch_are_the_previews_own() {
    let written = manifest("web", &format!("{HOSTED}deploy: {{event: tag, tag: v*}}\n"));
    let preview = preview(&written, "dev", None);
    let deploy = preview.deploy.as_ref().unwrap();
    assert_eq!(deploy.event, Some(EventKind::Push));
    assert_eq!(deploy.branch.as_ref().unwrap().as_str(), "!{main,master}");
    assert!(deploy.tag.is_none());
    let cleanup = preview.cleanup.as_ref().unwrap();
    assert_eq!(cleanup.app.as_str(), "web-{{ .BRANCH | sanitizeDNSName }}");
    assert_eq!(cleanup.branch.as_str(), "*");
    assert_eq!(resolved(&preview, "dev").values.text(&["gitBranch"]).unwrap().as_str(), "dev");
}

#[test]
fn a_branch_that_looks_like_a_template_is_only_a_name() {
    let branch = "x{{.TOKEN}}";
    let preview = preview(&manifest("web", HOSTED), branch, None);
    let values = resolved(&preview, branch).values;
    assert_eq!(values.text(&["gitBranch"]).unwrap().as_str(), branch);
}

#[test]
fn the_default_branch_is_never_previewed() {
    let written = manifest("web", HOSTED);
    for branch in ["trunk", ""] {
        let prepared = prepare_preview(&written, branch, None, "trunk");
        assert!(matches!(prepared, Preparation::NotPreviewed), "{branch:?}");
    }
}

#[test]
fn a_manifest_without_previews_stays_as_it_is() {
    let text = "app: web\nenv: e\nnamespace: n\nmanifests: x\npreview: false\n";
    let written = parse_manifest("x.yaml", text).unwrap().manifest;
    assert!(matches!(prepare_preview(&written, "x", None, "main"), Preparation::Ordinary));
}
