//! Mirrors of source repositories.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use gimlet_git::mirror::{IgnoredReason, Mirror, MirrorError, changes};
use gimlet_git::remote::{HostError, HostPolicy, RemoteError, RemoteErrorKind};
use gimlet_git::smart_http::Limits;
use gimlet_git::{CommitId, ReadError, RefKind};

use crate::support::*;

async fn mirror_of(place: &Place, host: &Path) -> Mirror {
    Mirror::ensure(place.at("mirror"), place.git(), file_url(host), None, OPEN).await.unwrap()
}

/// What a fetch reports: short name, whether it was there before, whether it is now.
async fn fetched(mirror: &Mirror) -> Vec<(String, bool, bool)> {
    let changes = mirror.fetch().await.unwrap();
    changes
        .into_iter()
        .map(|c| (c.name.short().to_owned(), c.old.is_some(), c.new.is_some()))
        .collect()
}

fn remote_kind(error: &MirrorError) -> RemoteErrorKind {
    match error {
        MirrorError::Remote(error) => error.kind(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_fetch_says_what_came_moved_and_went() {
    let place = Place::new();
    let host = place.host("host.git");
    let clone = place.clone_of(host.to_str().unwrap(), "clone");
    let mirror = mirror_of(&place, &host).await;
    assert_eq!(fetched(&mirror).await, [("main".to_owned(), false, true)]);
    assert_eq!(fetched(&mirror).await, []);

    write(&clone, "a", "1");
    let tagged = commit_all(&clone, "two");
    git(&clone, &["tag", "-a", "-m", "release", "v1"]);
    git(&clone, &["push", "-q", "origin", "main", "v1", "HEAD:refs/heads/feature/x"]);
    assert_eq!(
        fetched(&mirror).await,
        [
            ("feature/x".to_owned(), false, true),
            ("main".to_owned(), true, true),
            ("v1".to_owned(), false, true),
        ]
    );
    let refs = mirror.refs().await.unwrap();
    let tag = refs.iter().find(|(name, _)| name.kind() == RefKind::Tag).unwrap();
    assert_eq!((tag.0.short(), *tag.1), ("v1", tagged), "an annotated tag counts as its commit");

    git(&clone, &["commit", "-q", "--amend", "-m", "rewritten"]);
    git(&clone, &["push", "-q", "--force", "origin", "main", ":feature/x"]);
    assert_eq!(
        fetched(&mirror).await,
        [("feature/x".to_owned(), true, false), ("main".to_owned(), true, true),]
    );
}

#[tokio::test]
async fn the_lock_of_a_killed_fetch_holds_up_no_later_one() {
    let place = Place::new();
    let host = place.host("host.git");
    let clone = place.clone_of(host.to_str().unwrap(), "clone");
    let mirror = mirror_of(&place, &host).await;
    mirror.fetch().await.unwrap();
    let lock = std::fs::File::create(mirror.path().join("refs/heads/main.lock")).unwrap();
    lock.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();

    write(&clone, "a", "1");
    commit_all(&clone, "two");
    git(&clone, &["push", "-q", "origin", "main"]);
    assert_eq!(fetched(&mirror).await, [("main".to_owned(), true, true)]);
    git(mirror.path(), &["fsck", "--strict"]);
}

#[tokio::test]
async fn an_answer_lost_in_a_crash_is_had_again_from_the_refs() {
    let place = Place::new();
    let host = place.host("host.git");
    let mirror = mirror_of(&place, &host).await;
    let dealt_with = mirror.refs().await.unwrap();
    mirror.fetch().await.unwrap();
    drop(mirror);

    let reopened = mirror_of(&place, &host).await;
    assert_eq!(reopened.fetch().await.unwrap(), []);
    assert_eq!(changes(&dealt_with, &reopened.refs().await.unwrap()).len(), 1);
}

#[tokio::test]
async fn commits_are_read_newest_first_with_all_they_say() {
    let place = Place::new();
    let host = place.host("host.git");
    let clone = place.clone_of(host.to_str().unwrap(), "clone");
    let first: CommitId = git(&clone, &["rev-parse", "HEAD"]).parse().unwrap();
    let mut made = Vec::new();
    for i in 0..3 {
        write(&clone, "a", &i.to_string());
        git(&clone, &["add", "-A"]);
        let date = format!("{} +0200", at_second(i).unix_timestamp());
        git(
            &clone,
            &["commit", "-q", "--date", &date, "-m", &format!("change {i}\n\nWhy: ünïcode")],
        );
        made.push(git(&clone, &["rev-parse", "HEAD"]).parse::<CommitId>().unwrap());
    }
    git(&clone, &["push", "-q", "origin", "main"]);
    let mirror = mirror_of(&place, &host).await;
    mirror.fetch().await.unwrap();

    let ids = async |old, limit| -> Vec<CommitId> {
        let found = mirror.commits_between(old, made[2], limit).await.unwrap();
        found.into_iter().map(|info| info.id).collect()
    };
    assert_eq!(ids(Some(made[0]), 10).await.len(), 2);
    assert_eq!(ids(Some(first), 2).await.len(), 2);
    assert_eq!(ids(None, 10).await.len(), 4);
    assert_eq!(ids(Some(made[2]), 10).await, []);

    let info = mirror.commit(made[1]).await.unwrap();
    assert_eq!(info.parents, [made[0]]);
    assert_eq!(info.message, "change 1\n\nWhy: ünïcode\n");
    assert_eq!((info.author.name.as_str(), info.author.time), ("Ada", at_second(1)));
    assert!(mirror.is_ancestor(made[0], made[2]).await.unwrap());
    assert!(!mirror.is_ancestor(made[2], made[0]).await.unwrap());
    let stranger = "1".repeat(40).parse().unwrap();
    assert!(matches!(mirror.commit(stranger).await, Err(ReadError::UnknownCommit { .. })));
}

#[tokio::test]
async fn the_default_branch_follows_the_host() {
    let place = Place::new();
    let host = place.host("host.git");
    let mirror = mirror_of(&place, &host).await;
    assert_eq!(mirror.default_branch().await.unwrap(), None, "nothing is fetched yet");
    mirror.fetch().await.unwrap();
    assert_eq!(mirror.default_branch().await.unwrap().unwrap().short(), "main");
    git(&host, &["branch", "-m", "main", "trunk"]);
    mirror.fetch().await.unwrap();
    assert_eq!(mirror.default_branch().await.unwrap().unwrap().short(), "trunk");
}

#[tokio::test]
async fn an_empty_repository_is_mirrored_as_such() {
    let place = Place::new();
    git(&place.at(""), &["init", "-q", "--bare", "host.git"]);
    let mirror = mirror_of(&place, &place.at("host.git")).await;
    assert_eq!(mirror.fetch().await.unwrap(), []);
    assert!(mirror.refs().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_commit_that_no_branch_holds_is_fetched_by_its_id() {
    let place = Place::new();
    let host = place.host("host.git");
    let clone = place.clone_of(host.to_str().unwrap(), "clone");
    write(&clone, "a", "1");
    let hidden = commit_all(&clone, "pull request");
    git(&clone, &["push", "-q", "origin", "HEAD:refs/pull/1/head"]);
    let mirror = mirror_of(&place, &host).await;
    mirror.fetch().await.unwrap();
    assert!(!mirror.has(hidden).await.unwrap());

    mirror.fetch_sha(hidden).await.unwrap();
    assert_eq!(mirror.commit(hidden).await.unwrap().subject(), "pull request");
    assert_eq!(fetched(&mirror).await, [], "it is no branch");
    assert!(mirror.has(hidden).await.unwrap(), "pruning leaves it alone");

    let stranger = "1".repeat(40).parse().unwrap();
    let error = mirror.fetch_sha(stranger).await.unwrap_err();
    assert_eq!(remote_kind(&error), RemoteErrorKind::Address, "{error:?}");
}

#[tokio::test]
async fn hostile_names_of_branches_are_only_names() {
    let place = Place::new();
    let host = place.host("host.git");
    let names = [
        "-x",
        "--upload-pack=touch pwned",
        "$(touch pwned)",
        "a;touch pwned",
        "`x`",
        "ünï",
        "x'y\"z",
    ];
    let names: Vec<String> = names.iter().map(|name| name.replace(' ', "\u{a0}")).collect();
    for name in &names {
        git(&host, &["update-ref", &format!("refs/heads/{name}"), "main"]);
        git(&host, &["update-ref", &format!("refs/tags/{name}"), "main"]);
    }
    let mirror = mirror_of(&place, &host).await;
    mirror.fetch().await.unwrap();
    let refs = mirror.refs().await.unwrap();
    for name in &names {
        assert_eq!(refs.keys().filter(|found| found.short() == name).count(), 2, "{name}");
    }
    assert_eq!(mirror.fetch().await.unwrap(), []);
    for directory in [place.at(""), place.at("mirror"), place.at("host.git")] {
        assert!(!directory.join("pwned").exists());
    }
}

#[tokio::test]
async fn only_plain_small_files_of_a_manifest_folder_are_read() {
    let place = Place::new();
    let host = place.host("host.git");
    let clone = place.clone_of(host.to_str().unwrap(), "clone");
    write(&clone, ".gimlet/staging.yaml", "app: x\n");
    write(&clone, ".gimlet/empty.yaml", "");
    write(&clone, ".gimlet/deeper/x.yaml", "no");
    write(&clone, ".gimlet/large.yaml", &"x".repeat((1 << 20) + 1));
    write(&clone, ".gimlet/limit.yaml", &"x".repeat(1 << 20));
    std::os::unix::fs::symlink("/etc/passwd", clone.join(".gimlet/link.yaml")).unwrap();
    git(&clone, &["add", "-A"]);
    let cacheinfo = format!("160000,{},.gimlet/module", git(&clone, &["rev-parse", "HEAD"]));
    git(&clone, &["update-index", "--add", "--cacheinfo", &cacheinfo]);
    git(&clone, &["commit", "-q", "-m", "manifests"]);
    let commit = git(&clone, &["rev-parse", "HEAD"]).parse().unwrap();
    git(&clone, &["push", "-q", "origin", "main"]);
    let mirror = mirror_of(&place, &host).await;
    mirror.fetch().await.unwrap();

    let folder = mirror.read_folder(commit, &path(".gimlet")).await.unwrap();
    let read: Vec<_> =
        folder.files.iter().map(|file| (file.name.as_str(), file.content.len())).collect();
    assert_eq!(read, [("empty.yaml", 0), ("limit.yaml", 1 << 20), ("staging.yaml", 7)]);
    let ignored: Vec<_> =
        folder.ignored.iter().map(|entry| (entry.name.as_str(), entry.reason)).collect();
    assert_eq!(
        ignored,
        [
            ("deeper", IgnoredReason::Folder),
            ("large.yaml", IgnoredReason::TooLarge),
            ("link.yaml", IgnoredReason::Symlink),
            ("module", IgnoredReason::Submodule),
        ]
    );
    let absent = mirror.read_folder(commit, &path("absent")).await.unwrap();
    assert!(absent.files.is_empty() && absent.ignored.is_empty());
}

#[tokio::test]
async fn a_manifest_folder_that_is_a_link_or_too_full_is_reported() {
    let place = Place::new();
    let host = place.host("host.git");
    let clone = place.clone_of(host.to_str().unwrap(), "clone");
    std::os::unix::fs::symlink("/etc", clone.join(".gimlet")).unwrap();
    let linked = commit_all(&clone, "link");
    std::fs::remove_file(clone.join(".gimlet")).unwrap();
    for i in 0..300 {
        write(&clone, &format!(".gimlet/{i:03}.yaml"), "x");
    }
    let full = commit_all(&clone, "many");
    git(&clone, &["push", "-q", "origin", "main"]);
    let mirror = mirror_of(&place, &host).await;
    mirror.fetch().await.unwrap();

    let folder = mirror.read_folder(linked, &path(".gimlet")).await.unwrap();
    assert_eq!((folder.files.len(), folder.ignored[0].reason), (0, IgnoredReason::Symlink));
    let folder = mirror.read_folder(full, &path(".gimlet")).await.unwrap();
    assert_eq!((folder.files.len(), folder.ignored.len()), (200, 50));
    assert_eq!(folder.ignored[0].reason, IgnoredReason::TooMany);
}

#[tokio::test]
async fn a_small_push_of_huge_manifests_and_messages_is_held_in_little_memory() {
    let place = Place::new();
    let host = place.host("host.git");
    let clone = place.clone_of(host.to_str().unwrap(), "clone");
    for i in 0..20 {
        write(&clone, &format!(".gimlet/{i:02}.yaml"), &"x".repeat(1 << 20));
    }
    git(&clone, &["add", "-A"]);
    write(&place.at(""), "message", &"ü".repeat(100_000));
    git(&clone, &["commit", "-q", "-F", place.at("message").to_str().unwrap()]);
    git(&clone, &["push", "-q", "origin", "main"]);
    let mirror = mirror_of(&place, &host).await;
    mirror.fetch().await.unwrap();
    let head = *mirror.refs().await.unwrap().values().next().unwrap();

    let folder = mirror.read_folder(head, &path(".gimlet")).await.unwrap();
    assert_eq!((folder.files.len(), folder.ignored.len()), (4, 16));
    assert_eq!(folder.ignored[0].reason, IgnoredReason::TooMuch);
    let info = mirror.commit(head).await.unwrap();
    assert!(
        info.message.len() <= 16 << 10 && info.message.ends_with("ü…"),
        "{}",
        info.message.len()
    );
}

#[tokio::test]
async fn a_private_host_is_not_dialled_and_a_redirect_not_followed() {
    let place = Place::new();
    place.host("r.git");
    let host = Host::start(&place.at(""), Limits::default()).await;
    let closed =
        Mirror::ensure(place.at("m1"), place.git(), host.url("r.git"), None, HostPolicy::default())
            .await
            .unwrap();
    let error = closed.fetch().await.unwrap_err();
    assert!(
        matches!(
            &error,
            MirrorError::Remote(RemoteError::Host { source: HostError::NotPublic { .. } })
        ),
        "{error:?}"
    );
    let moved = Mirror::ensure(place.at("m2"), place.git(), host.url("moved/r.git"), None, OPEN)
        .await
        .unwrap();
    let error = moved.fetch().await.unwrap_err();
    assert!(matches!(error, MirrorError::Remote(RemoteError::Redirected { .. })), "{error:?}");
    assert_eq!(host.connections.load(Ordering::SeqCst), 0, "nobody reached the repository");
}

#[tokio::test]
async fn a_mirror_survives_a_host_that_goes_away() {
    let place = Place::new();
    let host = place.host("host.git");
    let mirror = mirror_of(&place, &host).await;
    mirror.fetch().await.unwrap();
    let refs = mirror.refs().await.unwrap();
    std::fs::rename(&host, place.at("elsewhere")).unwrap();
    let error = mirror.fetch().await.unwrap_err();
    assert_eq!(remote_kind(&error), RemoteErrorKind::Address, "{error:?}");
    assert_eq!(mirror.refs().await.unwrap(), refs);
}
