//! Gitops repositories on other hosts: races, lost answers, refusals.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use gimlet_git::gitops::{CommitError, Committed, Edit, Gitops, Outside};
use gimlet_git::remote::{Credentials, HostPolicy, RemoteError, RemoteErrorKind, RemoteUrl};
use gimlet_git::smart_http::Limits;
use gimlet_git::{BranchName, RepoPath};

use crate::support::*;

async fn outside(place: &Place, name: &str, url: RemoteUrl) -> Outside {
    Outside::open(place.at(name), place.git(), url, None, OPEN).await.unwrap()
}

fn hook(host: &Path, name: &str, script: &str) {
    let path = host.join("hooks").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn kind(error: &CommitError) -> RemoteErrorKind {
    match error {
        CommitError::Remote(error) => error.kind(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_commit_arrives_at_the_host() {
    let place = Place::new();
    let host = place.host("host.git");
    let gitops = Gitops::Outside(outside(&place, "copy", file_url(&host)).await);
    let committed = gitops.commit(change(vec![put("app/x", "1")])).await.unwrap();

    assert_eq!(git(&host, &["rev-parse", "main"]), committed.head().to_string());
    git(&host, &["fsck", "--strict"]);
    assert_eq!(gitops.head(&BranchName::main()).await.unwrap(), Some(committed.head()));
    let all = gitops.read_folder(committed.head(), &RepoPath::root()).await.unwrap();
    assert_eq!(all, files(&[("README.md", "hello\n"), ("app/x", "1")]));
    let again = gitops.commit(change(vec![put("app/x", "1")])).await.unwrap();
    assert_eq!(again, Committed::Unchanged { head: committed.head() });
}

#[tokio::test]
async fn the_lock_of_a_server_that_was_killed_while_it_noted_a_push_holds_up_no_later_commit() {
    let place = Place::new();
    let host = place.host("host.git");
    let outside = outside(&place, "copy", file_url(&host)).await;
    outside.commit(change(vec![put("a", "1")])).await.unwrap();
    // As the program leaves it: a second name of the value that was on its way. The push has arrived.
    let (copy, clone) = (place.at("copy"), place.clone_of(host.to_str().unwrap(), "clone"));
    std::fs::write(copy.join("gimlet-ref-killed"), "").unwrap();
    let lock = copy.join("refs/remotes/origin/main.lock");
    std::fs::hard_link(copy.join("gimlet-ref-killed"), lock).unwrap();
    write(&clone, "b", "1");
    commit_all(&clone, "pushed");
    git(&clone, &["push", "-q", "origin", "main"]);

    let committed = outside.commit(change(vec![put("a", "2")])).await.unwrap();
    assert_eq!(git(&host, &["rev-parse", "main"]), committed.head().to_string());
}

#[tokio::test]
async fn an_empty_host_gets_its_first_commit() {
    let place = Place::new();
    git(&place.at(""), &["init", "-q", "--bare", "-b", "main", "host.git"]);
    let outside = outside(&place, "copy", file_url(&place.at("host.git"))).await;
    let committed = outside.commit(change(vec![put("a", "1")])).await.unwrap();
    assert!(matches!(committed, Committed::Made { parent: None, .. }));
    assert_eq!(git(&place.at("host.git"), &["rev-parse", "main"]), committed.head().to_string());
    assert_eq!(outside.default_branch().await.unwrap(), Some(BranchName::main()));
}

#[tokio::test]
async fn a_push_that_lost_the_race_is_made_anew() {
    let place = Place::new();
    let host = place.host("host.git");
    let clone = place.clone_of(host.to_str().unwrap(), "clone");
    write(&clone, "by-hand", "x");
    let by_hand = commit_all(&clone, "by hand");
    git(&clone, &["push", "-q", "origin", "HEAD:refs/heads/waiting"]);
    // Between our fetch and our push, once, a person's commit lands.
    let script =
        format!("[ -e raced ] && exit 0; touch raced; git update-ref refs/heads/main {by_hand}");
    hook(&host, "update", &script);

    let outside = outside(&place, "copy", file_url(&host)).await;
    let committed = outside.commit(change(vec![put("app/x", "1")])).await.unwrap();
    assert!(host.join("raced").exists());
    assert!(matches!(committed, Committed::Made { parent, .. } if parent == Some(by_hand)));
    assert_eq!(git(&host, &["rev-list", "--count", "main"]), "3");
}

#[tokio::test]
async fn writers_of_one_host_lose_nothing() {
    const EACH: usize = 4;
    let place = Place::new();
    let host = place.host("host.git");
    let (one, two) = tokio::join!(
        outside(&place, "copy-1", file_url(&host)),
        outside(&place, "copy-2", file_url(&host))
    );
    let writer = async |outside: &Outside, name: &str| {
        for i in 0..EACH {
            outside.commit(change(vec![put(&format!("{name}/{i}"), "x")])).await.unwrap();
        }
    };
    tokio::join!(writer(&one, "one"), writer(&two, "two"));
    assert_eq!(git(&host, &["rev-list", "--count", "main"]), (2 * EACH + 1).to_string());
    git(&host, &["fsck", "--strict"]);
}

#[tokio::test]
async fn a_push_whose_answer_was_lost_counts_once() {
    let place = Place::new();
    let host = place.host("host.git");
    // The host dies right after the branch moved, before it says so.
    hook(
        &host,
        "reference-transaction",
        "[ \"$1\" = committed ] && touch died && kill -9 $PPID; exit 0",
    );
    let outside = outside(&place, "copy", file_url(&host)).await;
    let committed = outside.commit(change(vec![put("app/x", "1")])).await.unwrap();
    assert!(host.join("died").exists());
    assert!(matches!(committed, Committed::Made { .. }));
    assert_eq!(git(&host, &["rev-parse", "main"]), committed.head().to_string());
    assert_eq!(git(&host, &["rev-list", "--count", "main"]), "2");
}

#[tokio::test]
async fn a_hosts_own_refusal_is_reported_with_its_reason() {
    let place = Place::new();
    let host = place.host("host.git");
    hook(&host, "update", "echo protected >&2; exit 1");
    let outside = outside(&place, "copy", file_url(&host)).await;
    let before = git(&host, &["rev-parse", "main"]);
    let error = outside.commit(change(vec![put("a", "1")])).await.unwrap_err();
    assert_eq!(kind(&error), RemoteErrorKind::Rejected);
    assert!(
        matches!(&error, CommitError::Remote(RemoteError::Rejected { detail, .. }) if detail.contains("hook declined")),
        "{error:?}"
    );
    assert_eq!(git(&host, &["rev-parse", "main"]), before);
}

#[tokio::test]
async fn hosts_that_are_absent_or_refuse_are_told_apart() {
    let place = Place::new();
    place.host("r.git");
    let host = Host::start(&place.at(""), Limits::default()).await;
    let open = async |name: &str, url: RemoteUrl, password: &str| {
        let credentials = Credentials::new("write", password.into()).unwrap();
        Outside::open(place.at(name), place.git(), url, Some(credentials), OPEN).await.unwrap()
    };
    let attempt = async |outside: Outside| {
        let error = outside.commit(change(vec![put("a", "1")])).await.unwrap_err();
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        kind(&error)
    };
    let good = open("good", host.url("r.git"), PASSWORD).await;
    let committed = good.commit(change(vec![put("a", "1")])).await.unwrap();
    assert_eq!(git(&place.at("r.git"), &["rev-parse", "main"]), committed.head().to_string());

    assert_eq!(
        attempt(open("c1", host.url("r.git"), "canary-wrong").await).await,
        RemoteErrorKind::Denied
    );
    assert_eq!(
        attempt(open("c2", host.url("absent.git"), PASSWORD).await).await,
        RemoteErrorKind::Address
    );
    assert_eq!(
        attempt(open("c3", host.url("moved/x"), PASSWORD).await).await,
        RemoteErrorKind::Address
    );
    // Nobody listens on the discard port.
    let nobody = "http://127.0.0.1:9/r.git".parse().unwrap();
    assert_eq!(attempt(open("c4", nobody, PASSWORD).await).await, RemoteErrorKind::Unreachable);
}

#[tokio::test]
async fn credentials_that_may_only_read_are_denied_the_push() {
    let place = Place::new();
    place.host("r.git");
    let host = Host::start(&place.at(""), Limits::default()).await;
    let credentials = Credentials::new("read", PASSWORD.into()).unwrap();
    let outside =
        Outside::open(place.at("copy"), place.git(), host.url("r.git"), Some(credentials), OPEN)
            .await
            .unwrap();
    let error = outside.commit(change(vec![put("a", "1")])).await.unwrap_err();
    assert_eq!(kind(&error), RemoteErrorKind::Denied);
    let error = outside.check_push(&BranchName::main()).await.unwrap_err();
    assert_eq!(kind(&error), RemoteErrorKind::Denied);
}

#[tokio::test]
async fn asking_whether_a_push_is_allowed_moves_nothing() {
    let place = Place::new();
    let directory = place.host("r.git");
    let host = Host::start(&place.at(""), Limits::default()).await;
    let before = git(&directory, &["rev-parse", "main"]);
    let credentials = Credentials::new("write", PASSWORD.into()).unwrap();
    let outside =
        Outside::open(place.at("copy"), place.git(), host.url("r.git"), Some(credentials), OPEN)
            .await
            .unwrap();
    outside.refresh().await.unwrap();
    outside.check_push(&BranchName::main()).await.unwrap();
    assert_eq!(git(&directory, &["rev-parse", "main"]), before);
}

#[tokio::test]
async fn directories_and_private_hosts_need_the_operators_word() {
    let place = Place::new();
    let directory = place.host("host.git");
    let host = Host::start(&place.at(""), Limits::default()).await;
    for (name, url) in [("c1", file_url(&directory)), ("c2", host.url("host.git"))] {
        let outside = Outside::open(place.at(name), place.git(), url, None, HostPolicy::default())
            .await
            .unwrap();
        let error = outside.commit(change(vec![put("a", "1")])).await.unwrap_err();
        assert_eq!(kind(&error), RemoteErrorKind::Address);
    }
    assert_eq!(host.connections.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_edit_that_cannot_be_made_reaches_no_host() {
    let place = Place::new();
    let host = place.host("host.git");
    let outside = outside(&place, "copy", file_url(&host)).await;
    let edit = Edit::PutFile { path: path("README.md/x"), content: Vec::new() };
    let error = outside.commit(change(vec![edit])).await.unwrap_err();
    assert!(matches!(error, CommitError::NotAFolder { .. }), "{error}");
    assert_eq!(git(&host, &["rev-list", "--count", "main"]), "1");
}
