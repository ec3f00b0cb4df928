//! The decision table, row by row.

use super::*;

/// A policy of a test: event, branch, tag, message patterns.
type Conditions = (&'static str, &'static str, &'static str, &'static [&'static str]);

/// What a test event is made of: kind, branch, tag, message.
type Facts = (EventKind, &'static str, &'static str, &'static str);

const PUSH_MAIN: Facts = (EventKind::Push, "main", "", "a change");
const PUSH_DEV: Facts = (EventKind::Push, "dev", "", "a change");
const TAG_V1: Facts = (EventKind::Tag, "", "v1", "a change");
const PR_DEV: Facts = (EventKind::PullRequest, "dev", "", "a change");

fn policy(event: &str, branch: &str, tag: &str, patterns: &[&str]) -> DeployPolicy {
    let pattern = |text: &str| (!text.is_empty()).then(|| Pattern::parse(text).unwrap());
    DeployPolicy {
        event: EventKind::from_word(event),
        branch: pattern(branch),
        tag: pattern(tag),
        commit_message_patterns: patterns
            .iter()
            .map(|text| Pattern::parse_for_messages(text).unwrap())
            .collect(),
    }
}

fn decide(policy: &DeployPolicy, (event, branch, tag, message): Facts) -> Decision {
    let event = GitEvent { event, branch, tag, message, source_branch: "", target_branch: "" };
    would_release(policy, &event)
}

#[test]
fn the_decision_table_holds() {
    let table: &[(Conditions, Facts, bool)] = &[
        // Nothing is set.
        (("", "", "", &[]), PUSH_MAIN, false),
        (("", "", "", &[]), TAG_V1, false),
        (("", "", "", &[]), PR_DEV, false),
        // The event alone.
        (("push", "", "", &[]), PUSH_MAIN, true),
        (("push", "", "", &[]), PUSH_DEV, true),
        (("push", "", "", &[]), TAG_V1, false),
        (("push", "", "", &[]), PR_DEV, false),
        (("tag", "", "", &[]), TAG_V1, true),
        (("tag", "", "", &[]), PUSH_MAIN, false),
        (("tag", "", "", &[]), PR_DEV, false),
        (("pr", "", "", &[]), PR_DEV, true),
        (("pr", "", "", &[]), PUSH_DEV, false),
        (("pr", "", "", &[]), TAG_V1, false),
        // The branch with push or pr.
        (("push", "main", "", &[]), PUSH_MAIN, true),
        (("push", "main", "", &[]), PUSH_DEV, false),
        (("push", "!main", "", &[]), PUSH_DEV, true),
        (("push", "!main", "", &[]), PUSH_MAIN, false),
        (("push", "{main,dev}", "", &[]), PUSH_DEV, true),
        (("push", "m*", "", &[]), PUSH_MAIN, true),
        (("push", "Main", "", &[]), PUSH_MAIN, false),
        (("push", "dev", "", &[]), PR_DEV, false),
        (("pr", "dev", "", &[]), PR_DEV, true),
        (("pr", "main", "", &[]), PR_DEV, false),
        (("pr", "!main", "", &[]), PR_DEV, true),
        // The branch without event, or with tag.
        (("", "main", "", &[]), PUSH_MAIN, false),
        (("", "*", "", &[]), PR_DEV, false),
        (("tag", "main", "", &[]), TAG_V1, false),
        (("tag", "*", "", &[]), (EventKind::Tag, "main", "v1", ""), false),
        (("", "main", "", &["*"]), PUSH_MAIN, false),
        // The tag with tag.
        (("tag", "", "v*", &[]), TAG_V1, true),
        (("tag", "", "v1", &[]), TAG_V1, true),
        (("tag", "", "x*", &[]), TAG_V1, false),
        (("tag", "", "!v*", &[]), TAG_V1, false),
        (("tag", "", "!v*", &[]), (EventKind::Tag, "", "1.0", ""), true),
        (("tag", "", "!v*", &[]), (EventKind::Tag, "", "", ""), false),
        (("tag", "", "*", &[]), (EventKind::Tag, "", "", ""), false),
        (("tag", "", "v*", &[]), PUSH_MAIN, false),
        // The tag otherwise, and tag with branch.
        (("", "", "v*", &[]), TAG_V1, false),
        (("push", "", "v*", &[]), PUSH_MAIN, false),
        (("pr", "", "v*", &[]), PR_DEV, false),
        (("tag", "main", "v*", &[]), (EventKind::Tag, "main", "v1", ""), false),
        (("push", "main", "v*", &[]), PUSH_MAIN, false),
        // Message patterns, with and without more.
        (("push", "", "", &["a *"]), PUSH_MAIN, true),
        (("push", "", "", &["fix*"]), PUSH_MAIN, false),
        (("push", "main", "", &["a *"]), PUSH_MAIN, true),
        (("push", "main", "", &["a *"]), PUSH_DEV, false),
        (("push", "", "", &["fix*", "*change"]), PUSH_MAIN, true),
        (("push", "", "", &["!fix*"]), PUSH_MAIN, true),
        (("push", "", "", &["!a*"]), PUSH_MAIN, false),
        (("tag", "", "v*", &["a *"]), TAG_V1, true),
        (("", "", "", &["a *"]), PUSH_MAIN, true),
        (("", "", "", &["a *"]), PUSH_DEV, true),
        (("", "", "", &["a *"]), TAG_V1, true),
        (("", "", "", &["a *"]), PR_DEV, true),
        (("", "", "", &["fix*"]), PR_DEV, false),
        (("", "", "", &["fix*"]), (EventKind::Push, "x", "", "ship it [DEPLOY: ALL]"), true),
        (("push", "main", "", &["fix*"]), (EventKind::Push, "dev", "", "[DEPLOY: ALL]"), false),
        (
            ("push", "", "", &["*[api]*"]),
            (EventKind::Push, "x", "", "feat: [api] more\n\nbody"),
            true,
        ),
        (("push", "", "", &["*[api]*"]), (EventKind::Push, "x", "", "a"), false),
    ];
    for ((event, branch, tag, patterns), facts, releases) in table {
        let decision = decide(&policy(event, branch, tag, patterns), *facts);
        assert_eq!(
            decision.releases, *releases,
            "event {event:?}, branch {branch:?}, tag {tag:?}, patterns {patterns:?} on {facts:?}: {}",
            decision.reason
        );
    }
}

#[test]
fn conditions_that_cannot_hold_together_are_warned_about() {
    for (event, branch, tag) in [
        ("", "main", ""),
        ("tag", "main", ""),
        ("push", "", "v*"),
        ("pr", "", "v*"),
        ("", "", "v*"),
        ("tag", "a", "b"),
    ] {
        let decision = decide(&policy(event, branch, tag, &[]), PUSH_MAIN);
        assert!(!decision.releases);
        assert_eq!(decision.warnings.len(), 1, "event {event:?}, branch {branch:?}, tag {tag:?}");
        assert_eq!(decision.reason, decision.warnings[0]);
    }
}

#[test]
fn sound_policies_are_not_warned_about() {
    for (event, branch, tag) in
        [("", "", ""), ("push", "main", ""), ("pr", "x", ""), ("tag", "", "v*"), ("tag", "", "")]
    {
        assert!(decide(&policy(event, branch, tag, &[]), PUSH_MAIN).warnings.is_empty());
    }
}

#[test]
fn reasons_are_plain_words() {
    let cases: &[(Conditions, Facts, &str)] = &[
        (("", "", "", &[]), PUSH_MAIN, "no deploy policy is set: it is released by hand"),
        (("push", "main", "", &[]), PUSH_DEV, "branch `dev` does not match `main`"),
        (("push", "main", "", &[]), PUSH_MAIN, "the event is a push, branch `main` matches `main`"),
        (("tag", "", "", &[]), PUSH_MAIN, "the event is a push, not a tag"),
        (("pr", "", "", &[]), TAG_V1, "the event is a tag, not a pull request"),
        (("tag", "", "v*", &[]), (EventKind::Tag, "", "", ""), "there is no tag to match `v*`"),
        (("tag", "", "v2*", &[]), TAG_V1, "tag `v1` does not match `v2*`"),
        (("", "", "", &["x"]), PUSH_MAIN, "the commit message does not match `x`"),
        (("", "", "", &["x", "y"]), PUSH_MAIN, "the commit message matches none of 2 patterns"),
        (("", "", "", &["x", "a *"]), PUSH_MAIN, "the commit message matches `a *`"),
    ];
    for ((event, branch, tag, patterns), facts, reason) in cases {
        assert_eq!(decide(&policy(event, branch, tag, patterns), *facts).reason, *reason);
    }
}

#[test]
fn a_manifest_without_policy_is_released_by_hand() {
    let text = "app: a\nenv: e\nnamespace: n\nmanifests: x\n";
    let manifest = crate::parse_manifest("x.yaml", text).unwrap().manifest;
    let event = GitEvent {
        event: EventKind::Push,
        branch: "main",
        tag: "",
        message: DEPLOY_ALL,
        source_branch: "",
        target_branch: "",
    };
    let decision = manifest.would_release(&event);
    assert!(!decision.releases && decision.reason.contains("by hand"));
}

#[test]
fn a_pull_request_is_judged_by_its_head_branch() {
    let policy = policy("pr", "feature", "", &[]);
    let event = GitEvent {
        event: EventKind::PullRequest,
        branch: "main",
        tag: "",
        message: "",
        source_branch: "feature",
        target_branch: "main",
    };
    assert!(would_release(&policy, &event).releases);
    assert!(!would_release(&policy, &GitEvent { source_branch: "other", ..event }).releases);
}
