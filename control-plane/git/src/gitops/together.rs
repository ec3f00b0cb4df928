//! Changes that are committed together: what each of them finds, and what gathers behind them.

use std::fs;
use std::path::Path;

use futures::future::join_all;
use futures::{FutureExt as _, poll};
use tempfile::TempDir;

use super::gather::TOGETHER;
use super::{Change, CommitError, Committed, DEPLOY_ID, Edit, Message, Repository};
use crate::testing::{git, new_year};
use crate::{BranchName, CommitId};

async fn repository() -> (TempDir, Repository) {
    let directory = tempfile::tempdir().unwrap();
    let repository = Repository::init(directory.path().join("r.git"), new_year()).await.unwrap();
    (directory, repository)
}

fn put(name: &str, content: &str) -> Change {
    let message = Message::new("change").and_then(|m| m.with_trailer(DEPLOY_ID, name)).unwrap();
    Change {
        branch: BranchName::main(),
        message,
        time: new_year(),
        edits: vec![Edit::PutFile { path: name.parse().unwrap(), content: content.into() }],
        compare_without: Vec::new(),
    }
}

/// Commits all of these with one turn of the writer.
async fn together(
    repository: &Repository,
    changes: Vec<Change>,
) -> Vec<Result<Committed, CommitError>> {
    let turn = repository.turn().await;
    let mut all = join_all(changes.into_iter().map(|change| repository.commit(change))).boxed();
    assert!(poll!(&mut all).is_pending(), "they wait for the writer");
    drop(turn);
    all.await
}

fn packs(repository: &Path) -> usize {
    let entries = fs::read_dir(repository.join("objects/pack")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".idx")).count()
}

#[tokio::test]
async fn changes_that_wait_become_one_chain_in_one_pack() {
    let (_directory, repository) = repository().await;
    let before = packs(repository.path());
    let changes = (0..50).map(|n| put(&format!("app-{n}/file"), &n.to_string())).collect();
    let mut head = repository.head(&BranchName::main()).await.unwrap();
    for made in together(&repository, changes).await {
        let Committed::Made { commit, parent } = made.unwrap() else { panic!("nothing was made") };
        assert_eq!(parent, head, "in the order in which they came");
        head = Some(commit);
    }
    assert_eq!(repository.head(&BranchName::main()).await.unwrap(), head);
    assert_eq!(packs(repository.path()), before + 1);
    git(repository.path(), &["fsck", "--strict", "--full"]);
    assert_eq!(git(repository.path(), &["rev-list", "--count", "main"]), "51");
    assert_eq!(git(repository.path(), &["show", "main~49:app-0/file"]), "0");
    assert_eq!(git(repository.path(), &["show", "main:app-49/file"]), "49");
}

#[tokio::test]
async fn a_change_that_cannot_be_made_fails_alone() {
    let (_directory, repository) = repository().await;
    let changes = vec![put("a/file", "1"), put("a", "no folder"), put("b/file", "1")];
    let ended = together(&repository, changes).await;
    assert!(matches!(ended[1], Err(CommitError::NotAFile { .. })), "{:?}", ended[1]);
    assert!(ended[0].is_ok() && ended[2].is_ok());
    assert_eq!(git(repository.path(), &["rev-list", "--count", "main"]), "3");
    git(repository.path(), &["fsck", "--strict", "--full"]);
}

#[tokio::test]
async fn the_second_of_two_equal_changes_finds_the_first() {
    let (_directory, repository) = repository().await;
    let ended = together(&repository, vec![put("a", "1"), put("a", "1")]).await;
    let [Ok(Committed::Made { commit, .. }), Ok(Committed::Unchanged { head })] = ended[..] else {
        panic!("{ended:?}")
    };
    assert_eq!(head, commit);
}

#[tokio::test]
async fn branches_that_wait_together_are_moved_each() {
    let (_directory, repository) = repository().await;
    let other = |name: &str| Change { branch: "other".parse().unwrap(), ..put(name, "1") };
    let changes = vec![put("a", "1"), other("b"), put("c", "1"), other("d")];
    for made in together(&repository, changes).await {
        made.unwrap();
    }
    assert_eq!(git(repository.path(), &["rev-list", "--count", "main"]), "3");
    assert_eq!(git(repository.path(), &["rev-list", "--count", "other"]), "2");
}

#[tokio::test]
async fn a_call_that_was_dropped_before_its_turn_is_not_committed() {
    let (_directory, repository) = repository().await;
    let turn = repository.turn().await;
    let mut dropped = repository.commit(put("dropped", "1")).boxed();
    assert!(poll!(&mut dropped).is_pending());
    drop(dropped);
    drop(turn);
    repository.commit(put("kept", "1")).await.unwrap();
    assert_eq!(git(repository.path(), &["ls-tree", "--name-only", "main"]), "README.md\nkept");
}

#[tokio::test]
async fn small_packs_are_gathered_and_nothing_is_lost() {
    let (_directory, repository) = repository().await;
    // Opened before: it has looked into packs that will be gone.
    let reader = Repository::open(repository.path()).await.unwrap();
    let mut commits: Vec<CommitId> = Vec::new();
    for n in 0..5 * TOGETHER {
        commits.push(repository.commit(put("app/file", &n.to_string())).await.unwrap().head());
        let found = reader.read_file(commits[n / 2], &"app/file".parse().unwrap()).await.unwrap();
        assert_eq!(found.unwrap(), (n / 2).to_string().as_bytes());
    }
    repository.gathered().await;
    assert!(packs(repository.path()) < 3 * TOGETHER, "{}", packs(repository.path()));
    git(repository.path(), &["fsck", "--strict", "--full"]);
    let counted = git(repository.path(), &["rev-list", "--count", "--objects", "main"]);
    // The first commit's three objects, and four for each other one.
    assert_eq!(counted, (3 + 4 * commits.len()).to_string());
}

#[tokio::test]
async fn large_folders_are_stored_as_what_differs() {
    let (_directory, repository) = repository().await;
    let many = (0..400).map(|n| put(&format!("apps/app-{n:03}"), "1")).collect();
    assert!(together(&repository, many).await.iter().all(Result::is_ok));
    let changes = (0..40).map(|n| put(&format!("apps/app-{n:03}"), "2")).collect();
    assert!(together(&repository, changes).await.iter().all(Result::is_ok));
    git(repository.path(), &["fsck", "--strict", "--full"]);
    assert_eq!(git(repository.path(), &["show", "main~1:apps/app-038"]), "2");
    assert_eq!(git(repository.path(), &["show", "main~1:apps/app-039"]), "1");
    let size = git(repository.path(), &["count-objects", "-v"]);
    let kib = size.lines().find_map(|line| line.strip_prefix("size-pack: ")).unwrap();
    // The folder alone, 440 times in full, is more than 3 MB.
    assert!(kib.parse::<u32>().unwrap() < 600, "{size}");
}

#[tokio::test]
async fn an_index_whose_pack_was_lost_is_removed_when_the_repository_is_opened() {
    let (_directory, repository) = repository().await;
    let lost = repository.path().join("objects/pack/pack-lost.idx");
    fs::write(&lost, "x").unwrap();
    let opened = Repository::open(repository.path()).await.unwrap();
    assert!(!lost.exists());
    assert!(opened.head(&BranchName::main()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_deploy_is_found_after_the_branch_was_moved_by_others() {
    let (_directory, repository) = repository().await;
    let main = BranchName::main();
    let find = async |id: &str| repository.find_deploy(&main, id, None, 100).await.unwrap();
    let first = repository.commit(put("first", "1")).await.unwrap().head();
    assert_eq!((find("first").await, find("second").await), (Some(first), None));
    let second = repository.commit(put("second", "1")).await.unwrap().head();
    assert_eq!((find("first").await, find("second").await), (Some(first), Some(second)));
    assert_eq!(repository.find_deploy(&main, "first", None, 1).await.unwrap(), None);
    // As a host's owner may do in a repository of theirs.
    git(repository.path(), &["update-ref", "refs/heads/main", &first.to_string()]);
    assert_eq!((find("first").await, find("second").await), (Some(first), None));
}
