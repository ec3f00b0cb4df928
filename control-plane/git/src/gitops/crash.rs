//! What a crash between the steps of a commit leaves behind, by taking the steps one at a time.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::reference::Swap;
use super::repository::Prepared;
use super::{Change, CommitError, Committed, Edit, Message, Repository};
use crate::skeleton::{QUARANTINES, VALUE};
use crate::testing::{git, new_year};
use crate::{BranchName, CommitId};

async fn repository() -> (TempDir, Repository) {
    let directory = tempfile::tempdir().unwrap();
    let repository = Repository::init(directory.path().join("r.git"), new_year()).await.unwrap();
    (directory, repository)
}

fn put(content: &str) -> Change {
    Change {
        branch: BranchName::main(),
        message: Message::new("change").unwrap(),
        time: new_year(),
        edits: vec![Edit::PutFile { path: "app/file".parse().unwrap(), content: content.into() }],
        compare_without: Vec::new(),
    }
}

fn stored(prepared: Prepared) -> CommitId {
    match prepared {
        Prepared::Stored { commit } => commit,
        Prepared::Unchanged { .. } => panic!("nothing was stored"),
    }
}

#[tokio::test]
async fn a_crash_before_the_branch_moves_leaves_the_repository_whole() {
    let (_directory, repository) = repository().await;
    let main = BranchName::main();
    let head = repository.head(&main).await.unwrap();
    let lost = stored(repository.prepare(head, &put("x")).unwrap());

    git(repository.path(), &["fsck", "--strict", "--full"]);
    assert_eq!(repository.head(&main).await.unwrap(), head);
    assert!(git(repository.path(), &["fsck", "--unreachable"]).contains(&lost.to_string()));

    // The same commit again: its objects are there already, and it goes through.
    let again = repository.commit(put("x")).await.unwrap();
    assert_eq!(again, Committed::Made { commit: lost, parent: head });
    git(repository.path(), &["fsck", "--strict", "--full"]);
}

#[tokio::test]
async fn a_branch_that_moved_since_it_was_read_is_left_alone() {
    let (_directory, repository) = repository().await;
    let main = BranchName::main();
    let head = repository.head(&main).await.unwrap();
    let late = stored(repository.prepare(head, &put("late")).unwrap());
    let winner = repository.commit(put("early")).await.unwrap().head();

    assert_eq!(repository.swap(&main, head, late).unwrap(), Swap::Lost);
    assert_eq!(repository.swap(&main, None, late).unwrap(), Swap::Lost);
    assert_eq!(repository.head(&main).await.unwrap(), Some(winner));
    assert!(!repository.path().join("refs/heads/main.lock").exists());
}

#[tokio::test]
async fn the_stale_lock_of_a_dead_process_is_removed() {
    let (_directory, repository) = repository().await;
    let lock = File::create(repository.path().join("refs/heads/main.lock")).unwrap();
    lock.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();

    assert!(matches!(repository.commit(put("x")).await.unwrap(), Committed::Made { .. }));
    git(repository.path(), &["fsck", "--strict"]);
}

/// A lock as this program leaves it when it is killed: a second name of a value on its way.
fn lock_of_a_writer(repository: &Repository) -> File {
    let value = repository.path().join(format!("{VALUE}killed"));
    let file = File::create(&value).unwrap();
    fs::hard_link(&value, repository.path().join("refs/heads/main.lock")).unwrap();
    file
}

#[tokio::test]
async fn the_lock_of_a_killed_writer_is_removed_at_once() {
    let (_directory, repository) = repository().await;
    drop(lock_of_a_writer(&repository));
    let commit = repository.commit(put("x"));
    let committed = tokio::time::timeout(Duration::from_secs(20), commit).await;
    assert!(matches!(committed.expect("nobody holds it").unwrap(), Committed::Made { .. }));
}

#[tokio::test]
async fn the_lock_of_a_living_writer_is_left_alone() {
    let (_directory, repository) = repository().await;
    let lock = repository.path().join("refs/heads/main.lock");
    let writer = lock_of_a_writer(&repository);
    writer.lock().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test awaits the handle")]
    let commit = tokio::spawn({
        let repository = repository.clone();
        async move { repository.commit(put("x")).await }
    });
    // Many times as long as it looks at the lock.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(lock.exists() && !commit.is_finished());
    drop(writer);
    assert!(matches!(commit.await.unwrap().unwrap(), Committed::Made { .. }));
}

#[tokio::test]
async fn a_live_lock_is_waited_for() {
    let (_directory, repository) = repository().await;
    let lock = repository.path().join("refs/heads/main.lock");
    File::create(&lock).unwrap();
    let release = async {
        tokio::task::yield_now().await;
        fs::remove_file(&lock).unwrap();
    };
    let (committed, ()) = tokio::join!(repository.commit(put("x")), release);
    assert!(matches!(committed.unwrap(), Committed::Made { .. }));
}

#[tokio::test]
async fn a_branch_in_a_packed_file_is_compared_and_moved() {
    let (_directory, repository) = repository().await;
    let first = repository.commit(put("1")).await.unwrap().head();
    git(repository.path(), &["pack-refs", "--all"]);
    git(repository.path(), &["repack", "-a", "-d", "-q"]);
    assert!(!repository.path().join("refs/heads/main").exists());

    let second = repository.commit(put("2")).await.unwrap();
    assert!(matches!(second, Committed::Made { parent, .. } if parent == Some(first)));
    assert_eq!(git(repository.path(), &["rev-parse", "main"]), second.head().to_string());
}

#[tokio::test]
async fn old_leftovers_are_removed_when_the_repository_is_opened() {
    let (_directory, repository) = repository().await;
    let objects = repository.path().join("objects");
    let (old, new) =
        (objects.join(format!("{QUARANTINES}old")), objects.join(format!("{QUARANTINES}new")));
    let value = repository.path().join(format!("{VALUE}old"));
    for folder in [&old, &new] {
        fs::create_dir(folder).unwrap();
    }
    File::create(&value).unwrap();
    for path in [&old, &value] {
        let yesterday = SystemTime::now() - Duration::from_secs(86_400);
        File::open(path).unwrap().set_modified(yesterday).unwrap();
    }

    Repository::open(repository.path()).await.unwrap();
    assert!(!old.exists() && !value.exists());
    assert!(new.exists(), "another process may be writing it");
}

#[tokio::test]
async fn a_commit_leaves_no_temporary_file() {
    let (_directory, repository) = repository().await;
    repository.commit(put("x")).await.unwrap();
    let names = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(repository.path().join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert!(
        names("objects").iter().all(|name| name.len() == 2 || name == "info" || name == "pack")
    );
    assert!(names("").iter().all(|name| !name.starts_with(VALUE)));
    assert_eq!(names("refs/heads"), ["main"]);
}

#[tokio::test]
async fn a_place_that_is_taken_is_not_written_over() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("theirs"), "x").unwrap();
    let error = Repository::init(directory.path(), new_year()).await.unwrap_err();
    assert!(matches!(error, CommitError::Write { .. }), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    assert!(Repository::open(directory.path()).await.is_err());
}
