//! The smart HTTP server, with real clients and hostile ones.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use futures::{StreamExt, stream};
use gimlet_git::BranchName;
use gimlet_git::gitops::Repository;
use gimlet_git::smart_http::{Body, Limits, Method, Request, Right, ServeError, SmartHttp};

use crate::support::*;

async fn served(place: &Place, limits: Limits) -> (Repository, Host) {
    let repository = Repository::init(place.at("r.git"), at_second(0)).await.unwrap();
    (repository, Host::start(&place.at(""), limits).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn people_clone_and_push_and_our_commits_go_between() {
    let place = Place::new();
    let (repository, host) = served(&place, Limits::default()).await;
    let clone = place.clone_of(&host.as_person("write", "r.git"), "clone");
    assert_eq!(checkout(&clone), files(&[("README.md", "")]));

    write(&clone, "by-hand", "1");
    let pushed = commit_all(&clone, "by hand");
    git(&clone, &["push", "-q", "origin", "main"]);
    assert_eq!(repository.head(&BranchName::main()).await.unwrap(), Some(pushed));

    let ours = repository.commit(change(vec![put("app/x", "1")])).await.unwrap().head();
    git(&clone, &["pull", "-q", "--rebase", "origin", "main"]);
    assert_eq!(git(&clone, &["rev-parse", "HEAD"]), ours.to_string());
    git(repository.path(), &["fsck", "--strict", "--full"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_protocol_versions_and_shallow_clones_work() {
    let place = Place::new();
    let (repository, host) = served(&place, Limits::default()).await;
    for i in 0..30 {
        repository.commit(change(vec![put("app/x", &"line\n".repeat(i * 50))])).await.unwrap();
    }
    let url = host.as_person("read", "r.git");
    for version in ["0", "1", "2"] {
        let name = format!("v{version}");
        git(
            &place.at(""),
            &["-c", &format!("protocol.version={version}"), "clone", "-q", &url, &name],
        );
        assert_eq!(git(&place.at(&name), &["rev-list", "--count", "HEAD"]), "31");
        let shallow = format!("s{version}");
        let version = format!("protocol.version={version}");
        git(&place.at(""), &["-c", &version, "clone", "-q", "--depth", "2", &url, &shallow]);
        assert_eq!(git(&place.at(&shallow), &["rev-list", "--count", "HEAD"]), "2");
        git(&place.at(&shallow), &["-c", &version, "fetch", "-q", "--unshallow"]);
        assert_eq!(git(&place.at(&shallow), &["rev-list", "--count", "HEAD"]), "31");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_to_read_does_not_push() {
    let place = Place::new();
    let (repository, host) = served(&place, Limits::default()).await;
    let clone = place.clone_of(&host.as_person("read", "r.git"), "clone");
    let before = repository.head(&BranchName::main()).await.unwrap();
    write(&clone, "a", "1");
    commit_all(&clone, "a");
    let output = try_git(&clone, &["push", "origin", "main"]);
    assert!(!output.status.success() && stderr(&output).contains("403"), "{}", stderr(&output));
    assert_eq!(repository.head(&BranchName::main()).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_move_forward_only_and_are_not_removed() {
    let place = Place::new();
    let (repository, host) = served(&place, Limits::default()).await;
    let clone = place.clone_of(&host.as_person("write", "r.git"), "clone");
    write(&clone, "a", "1");
    commit_all(&clone, "a");
    git(&clone, &["push", "-q", "origin", "main"]);
    let before = repository.head(&BranchName::main()).await.unwrap();

    git(&clone, &["commit", "-q", "--amend", "-m", "rewritten"]);
    for arguments in [&["push", "--force", "origin", "main"][..], &["push", "origin", ":main"]] {
        let output = try_git(&clone, arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(stderr(&output).contains("rejected"), "{}", stderr(&output));
    }
    assert_eq!(repository.head(&BranchName::main()).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_objects_are_refused_and_no_hook_runs() {
    let place = Place::new();
    let (repository, host) = served(&place, Limits::default()).await;
    for name in ["pre-receive", "update", "post-receive", "post-update", "reference-transaction"] {
        let hook = repository.path().join("hooks").join(name);
        std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
        std::fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", place.at("pwned").display()))
            .unwrap();
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let clone = place.clone_of(&host.as_person("write", "r.git"), "clone");
    write(&clone, "good", "1");
    commit_all(&clone, "good");
    git(&clone, &["push", "-q", "origin", "main"]);
    let before = repository.head(&BranchName::main()).await.unwrap();

    // A tree with `.git` in it, as git itself would never write: mktree does not look.
    let blob = git(&clone, &["hash-object", "-w", "good"]);
    write(&clone, "tree", &format!("100644 blob {blob}\t.git\n"));
    let tree = std::process::Command::new("git")
        .current_dir(&clone)
        .arg("mktree")
        .stdin(std::fs::File::open(clone.join("tree")).unwrap())
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let bad = git(&clone, &["commit-tree", "-p", "HEAD", "-m", "bad", tree.trim()]);
    let output = try_git(&clone, &["push", "origin", &format!("{bad}:refs/heads/main")]);
    assert!(
        !output.status.success() && stderr(&output).contains("hasDotgit"),
        "{}",
        stderr(&output)
    );

    assert_eq!(repository.head(&BranchName::main()).await.unwrap(), before);
    assert!(!place.at("pwned").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_branches_and_tags_can_be_pushed() {
    let place = Place::new();
    let (repository, host) = served(&place, Limits::default()).await;
    let clone = place.clone_of(&host.as_person("write", "r.git"), "clone");
    let head = git(&clone, &["rev-parse", "HEAD"]);
    write(&clone, "a", "1");
    commit_all(&clone, "a");
    git(&clone, &["push", "-q", "origin", "HEAD:refs/heads/other", "HEAD:refs/tags/v1"]);
    for name in
        [format!("refs/replace/{head}"), "refs/gimlet/x".into(), "refs/remotes/origin/x".into()]
    {
        let output = try_git(&clone, &["push", "origin", &format!("HEAD:{name}")]);
        assert!(
            !output.status.success() && stderr(&output).contains("deny updating a hidden ref"),
            "{}",
            stderr(&output)
        );
    }
    let refs = git(repository.path(), &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(refs, "refs/heads/main\nrefs/heads/other\nrefs/tags/v1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_over_the_limit_is_refused() {
    let place = Place::new();
    let (repository, host) =
        served(&place, Limits { push_bytes: 10_000, ..Limits::default() }).await;
    let clone = place.clone_of(&host.as_person("write", "r.git"), "clone");
    let before = repository.head(&BranchName::main()).await.unwrap();
    // Something that does not compress.
    let noise: String =
        (0u64..40_000).map(|i| format!("{:x}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    write(&clone, "large", &noise);
    commit_all(&clone, "large");
    let output = try_git(&clone, &["push", "origin", "main"]);
    assert!(!output.status.success(), "{}", stderr(&output));
    assert_eq!(repository.head(&BranchName::main()).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_repository_are_not_served() {
    let place = Place::new();
    let (_repository, host) = served(&place, Limits::default()).await;
    let server = SmartHttp::new(place.git(), Limits::default());
    for file in ["HEAD", "config", "objects/info/packs", "../r.git/HEAD", "info/refs/../../config"]
    {
        let request = request(Method::Get, file, "", stream::empty().boxed());
        let error = server.serve(&place.at("r.git"), Right::Write, request).await.err().unwrap();
        assert_eq!(error.status(), 404, "{file}");
    }
    // A client that knows only the dumb protocol asks for the references without a service.
    let output = try_git(
        &place.at(""),
        &["ls-remote", &format!("{}/config", host.as_person("read", "r.git"))],
    );
    assert!(!output.status.success());
}

fn request(method: Method, path_info: &str, query: &str, body: Body) -> Request {
    Request {
        method,
        path_info: path_info.into(),
        query: query.into(),
        content_type: Some(format!("application/x-{path_info}-request")),
        content_encoding: None,
        git_protocol: None,
        body,
    }
}

/// A push that never gets to its end.
fn stalled() -> Request {
    request(Method::Post, "git-receive-pack", "", stream::pending().boxed())
}

#[tokio::test]
async fn the_process_ends_when_the_client_goes() {
    let place = Place::new();
    Repository::init(place.at("r.git"), at_second(0)).await.unwrap();
    let limits = Limits { concurrent: 1, ..Limits::default() };
    let server = SmartHttp::new(place.git(), limits);
    let response = server.serve(&place.at("r.git"), Right::Write, stalled()).await.unwrap();
    assert_eq!(response.status, 200);
    drop(response);
    // The only turn is free again once the process is gone.
    let asked =
        request(Method::Get, "info/refs", "service=git-upload-pack", stream::empty().boxed());
    let response = server.serve(&place.at("r.git"), Right::Read, asked).await.unwrap();
    let body: Vec<_> = response.body.map(Result::unwrap).collect().await;
    assert!(body.concat().starts_with(b"001e# service=git-upload-pack\n"));
    server.shutdown().await;
}

#[tokio::test]
async fn too_many_exchanges_and_endless_ones_are_cut_off() {
    let place = Place::new();
    Repository::init(place.at("r.git"), at_second(0)).await.unwrap();
    let limits = Limits {
        concurrent: 1,
        patience: Duration::from_millis(50),
        time: Duration::from_secs(2),
        ..Limits::default()
    };
    let server = SmartHttp::new(place.git(), limits);
    let response = server.serve(&place.at("r.git"), Right::Write, stalled()).await.unwrap();
    let busy = server.serve(&place.at("r.git"), Right::Write, stalled()).await;
    assert!(matches!(busy, Err(ServeError::Busy)));

    let pieces: Vec<_> = response.body.collect().await;
    let last = pieces.last().unwrap().as_ref().unwrap_err();
    assert_eq!(last.to_string(), "the time for this exchange is up");
}

#[tokio::test]
async fn who_takes_all_turns_of_one_folder_keeps_no_other_waiting() {
    let place = Place::new();
    for name in ["greedy/r.git", "other/r.git"] {
        Repository::init(place.at(name), at_second(0)).await.unwrap();
    }
    let limits = Limits {
        concurrent: 3,
        concurrent_of_one: 2,
        patience: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = SmartHttp::new(place.git(), limits);
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(server.serve(&place.at("greedy/r.git"), Right::Write, stalled()).await.unwrap());
    }
    let more = server.serve(&place.at("greedy/r.git"), Right::Write, stalled()).await;
    assert!(matches!(more, Err(ServeError::Busy)));
    let asked =
        request(Method::Get, "info/refs", "service=git-upload-pack", stream::empty().boxed());
    let response = server.serve(&place.at("other/r.git"), Right::Read, asked).await.unwrap();
    assert_eq!(response.status, 200);
    drop((held, response));
    server.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_ends_what_is_open_and_refuses_the_rest() {
    let place = Place::new();
    Repository::init(place.at("r.git"), at_second(0)).await.unwrap();
    let server = SmartHttp::new(place.git(), Limits::default());
    let response = server.serve(&place.at("r.git"), Right::Write, stalled()).await.unwrap();
    let (pieces, ()) = tokio::join!(response.body.collect::<Vec<_>>(), server.shutdown());
    assert!(pieces.last().unwrap().is_err());
    assert!(matches!(
        server.serve(&place.at("r.git"), Right::Write, stalled()).await,
        Err(ServeError::Busy)
    ));
}

#[tokio::test]
async fn an_absent_repository_is_an_answer_and_no_crash() {
    let place = Place::new();
    let server = SmartHttp::new(place.git(), Limits::default());
    let asked =
        request(Method::Get, "info/refs", "service=git-upload-pack", stream::empty().boxed());
    let response = server.serve(&place.at("absent.git"), Right::Read, asked).await.unwrap();
    assert_eq!(response.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_or_tag_called_head_is_refused() {
    let place = Place::new();
    let (repository, host) = served(&place, Limits::default()).await;
    let clone = place.clone_of(&host.as_person("write", "r.git"), "clone");
    let before = repository.head(&BranchName::main()).await.unwrap();
    for target in ["refs/heads/HEAD", "refs/tags/HEAD"] {
        let output = try_git(&clone, &["push", "origin", &format!("main:{target}")]);
        assert!(!output.status.success(), "{target} was taken");
        assert!(!place.at("r.git").join(target).exists(), "{target}");
    }
    assert_eq!(repository.head(&BranchName::main()).await.unwrap(), before);
}
