use super::*;

const PUSH: &str = include_str!("fixtures/push.json");
const PULL_REQUEST: &str = include_str!("fixtures/pull_request.json");
const ZERO: &str = "0000000000000000000000000000000000000000";

fn parse(event: &str, body: &str) -> Hook {
    Hook::parse(event, body.as_bytes()).unwrap()
}

fn refused(event: &str, body: &str) -> PayloadError {
    Hook::parse(event, body.as_bytes()).unwrap_err()
}

#[test]
fn a_push_says_where_its_branch_was_and_is() {
    let expected = Hook::Push {
        ref_name: "refs/heads/main".into(),
        before: "1".repeat(40),
        after: "2".repeat(40),
        deleted: false,
        forced: false,
        repository: "acme/shop".into(),
    };
    assert_eq!(parse("push", PUSH), expected);
}

#[test]
fn a_push_to_nothing_deletes_even_when_it_does_not_say_so() {
    let body = PUSH.replace(&"2".repeat(40), ZERO).replace(
        r#""deleted": false"#,
        r#""deleted": null, "head_commit_of_a_deleted_branch": null"#,
    );
    assert!(matches!(parse("push", &body), Hook::Push { deleted: true, .. }));
}

#[test]
fn a_made_tag_is_told_from_a_made_branch() {
    let create = |kind: &str| {
        format!(
            r#"{{"ref":"v1","ref_type":"{kind}","description":null,"repository":{{"full_name":"acme/shop"}}}}"#
        )
    };
    let tag = Hook::Tag { name: "v1".into(), repository: "acme/shop".into() };
    assert_eq!(parse("create", &create("tag")), tag);
    assert_eq!(parse("create", &create("branch")), Hook::Ignored);
    // A new repository has no ref.
    let repository = create("repository").replace(r#""v1""#, "null");
    assert_eq!(parse("create", &repository), Hook::Ignored);
}

#[test]
fn a_pull_request_says_what_it_brings_from_where() {
    let expected = Hook::PullRequest {
        action: PullRequestAction::Synchronize,
        number: 7,
        title: "Round taxes".into(),
        head_sha: "3".repeat(40),
        head_ref: "round".into(),
        head_repo: Some("ana/shop".into()),
        base_ref: "main".into(),
        merged: false,
        url: "https://git.acme.example/acme/shop/pull/7".into(),
        repository: "acme/shop".into(),
    };
    assert_eq!(parse("pull_request", PULL_REQUEST), expected);
}

#[test]
fn a_pull_request_never_links_to_a_script() {
    let body =
        PULL_REQUEST.replace("https://git.acme.example/acme/shop/pull/7", "javascript:alert(1)");
    let Hook::PullRequest { url, .. } = parse("pull_request", &body) else { panic!() };
    assert_eq!(url, "https://github.com/acme/shop/pull/7");
}

#[test]
fn a_pull_request_outlives_its_fork_and_its_title() {
    let body = PULL_REQUEST
        .replace(r#"{"full_name": "ana/shop", "fork": true}"#, "null")
        .replace(r#""Round taxes""#, "null")
        .replace(r#""merged": false"#, r#""merged": null"#)
        .replace("synchronize", "converted_to_draft");
    let hook = parse("pull_request", &body);
    assert!(
        matches!(&hook, Hook::PullRequest { head_repo: None, action: PullRequestAction::Other, title, .. }
            if title.is_empty()),
        "{hook:?}"
    );
}

#[test]
fn what_we_do_nothing_about_is_not_even_read() {
    assert_eq!(parse("ping", r#"{"zen":"Keep it logically awesome."}"#), Hook::Ping);
    assert_eq!(parse("watch", "no json"), Hook::Ignored);
    assert_eq!(parse("", ""), Hook::Ignored);
}

#[test]
fn a_bad_payload_names_the_field() {
    let cases = [
        ("push", PUSH.replace(&format!("\"{}\"", "2".repeat(40)), "null"), "after"),
        ("push", PUSH.replace(&"2".repeat(40), "22222"), "after"),
        ("push", PUSH.replace(&"1".repeat(40), "../../etc/passwd"), "before"),
        ("push", PUSH.replace("refs/heads/main", ""), "ref"),
        ("push", PUSH.replace("\"acme/shop\"", "null"), "repository.full_name"),
        ("push", PUSH.replace("\"deleted\": false", "\"deleted\": \"no\""), "deleted"),
        ("push", "null".into(), "."),
        ("push", "[]".into(), "."),
        ("push", "{".into(), "."),
        ("push", String::new(), "."),
        ("push", format!("{PUSH} trailing"), "."),
        ("pull_request", PULL_REQUEST.replace("\"number\": 7", "\"number\": -7"), "number"),
        ("pull_request", PULL_REQUEST.replace(&"3".repeat(40), "short"), "pull_request.head.sha"),
        (
            "pull_request",
            r#"{"action":"opened","number":1,"pull_request":null}"#.into(),
            "pull_request",
        ),
        ("create", r#"{"ref":"v1","ref_type":7}"#.into(), "ref_type"),
    ];
    for (event, body, field) in cases {
        let error = refused(event, &body);
        assert_eq!((error.event, error.field.as_str()), (event, field), "{error}");
        assert!(!error.reason.is_empty());
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let body = format!("{{\"ref\":{}", "[".repeat(200_000));
    refused("push", &body);
}

#[test]
fn only_whole_refs_have_names() {
    assert_eq!(branch_name("refs/heads/feature/x"), Some("feature/x"));
    assert_eq!(branch_name("refs/heads/"), None);
    assert_eq!(branch_name("main"), None);
    assert_eq!(tag_name("refs/tags/v1"), Some("v1"));
    assert_eq!(tag_name("refs/heads/v1"), None);
}
