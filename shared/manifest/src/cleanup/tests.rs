//! When something is cleaned up, and what.

use super::*;
use crate::parse::parse_manifest;

fn manifest(lines: &str) -> Manifest {
    let text = format!("app: web\nenv: e\nnamespace: n\nmanifests: x\n{lines}\n");
    parse_manifest("x.yaml", &text).unwrap().manifest
}

fn cleaned(lines: &str, branch: &str) -> Option<String> {
    app_to_clean_up(&manifest(lines), branch, "main").unwrap()
}

#[test]
fn a_deleted_branch_takes_its_application_away() {
    let policy = "cleanup: {app: 'web-{{ .BRANCH | sanitizeDNSName }}', event: branchDeleted, branch: 'feature/*'}";
    assert_eq!(cleaned(policy, "feature/X").as_deref(), Some("web-feature-x"));
    assert_eq!(cleaned(policy, "fix/x"), None);
    assert_eq!(cleaned(policy, ""), None);
    assert_eq!(cleaned("", "feature/x"), None);
}

#[test]
fn a_negated_pattern_spares_what_it_names() {
    let policy = "cleanup: {app: fixed, branch: '!main'}";
    assert_eq!(cleaned(policy, "main"), None);
    assert_eq!(cleaned(policy, "dev").as_deref(), Some("fixed"));
}

#[test]
fn a_preview_goes_with_its_branch() {
    assert_eq!(cleaned("preview: true", "Feature/X").as_deref(), Some("web-feature-x"));
    assert_eq!(cleaned("preview: true", "main"), None);
    let long = "feature/a-branch-whose-name-is-much-longer-than-any-name-may-be";
    let name = cleaned("preview: true", long).unwrap();
    assert_eq!(name.len(), 53);
    assert!(name.starts_with("web-feature-a-branch-whose-name-is-much-longer-"), "{name}");
}

#[test]
fn only_the_branch_is_known() {
    let manifest = manifest("cleanup: {app: 'web-{{ .SHA }}', branch: '*'}");
    let error = app_to_clean_up(&manifest, "x", "main").unwrap_err();
    assert_eq!((error.path(), error.line()), ("cleanup.app", Some(5)));
    assert!(error.message().contains("variable `SHA` is not set"), "{error}");
}

#[test]
fn a_name_that_is_none_is_an_error() {
    for app in ["../other", "flux", "{{ .BRANCH }}"] {
        let manifest = manifest(&format!("cleanup: {{app: '{app}', branch: '*'}}"));
        let error = app_to_clean_up(&manifest, "a/b", "main").unwrap_err();
        assert_eq!(error.path(), "cleanup.app", "{app}");
    }
}
