//! Paths, links and references that were made to mislead.

use gimlet_git::gitops::{CommitError, Committed, Edit, Repository};
use gimlet_git::{ReadError, RepoPath};

use crate::repository::{head, made, replace, repository};
use crate::support::*;

#[tokio::test]
async fn a_commit_of_another_branch_is_nothing_to_restore_from() {
    let place = Place::new();
    let repository = repository(&place).await;
    let mut elsewhere = change(vec![replace("app", &[("a", "1")])]);
    elsewhere.branch = "feature/x".parse().unwrap();
    let foreign = repository.commit(elsewhere).await.unwrap();
    assert!(matches!(foreign, Committed::Made { parent: None, .. }));
    assert_eq!(git(repository.path(), &["rev-parse", "feature/x"]), foreign.head().to_string());

    let error = repository
        .commit(change(vec![Edit::RestoreFolder { path: path("app"), from: foreign.head() }]))
        .await;
    assert!(matches!(error, Err(CommitError::NotInHistory { .. })));
    assert!(!repository.contains(head(&repository).await, foreign.head()).await.unwrap());
}

#[tokio::test]
async fn no_file_name_leads_out_of_the_folder() {
    let place = Place::new();
    let repository = repository(&place).await;
    let before = head(&repository).await;
    for name in [
        "",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "./x",
        "x/",
        "a//b",
        ".git/config",
        "a/.GIT/hooks/x",
        ".git. /x",
        "git~1/x",
        ".g\u{200c}it/x",
        "x\0y",
        "x\ny",
        "a\\..\\b",
        ".gitmodules",
    ] {
        let error =
            repository.commit(change(vec![replace("app", &[(name, "x")])])).await.unwrap_err();
        assert!(matches!(error, CommitError::InvalidPath { .. }), "{name:?}: {error}");
    }
    for edit in [
        Edit::ReplaceFolder { path: RepoPath::root(), files: files(&[("a", "b")]) },
        Edit::DeleteFolder { path: RepoPath::root() },
        Edit::RestoreFolder { path: RepoPath::root(), from: before },
    ] {
        assert!(matches!(repository.commit(change(vec![edit])).await, Err(CommitError::Root)));
    }
    assert_eq!(head(&repository).await, before);
}

#[tokio::test]
async fn files_and_folders_do_not_replace_each_other() {
    let place = Place::new();
    let repository = repository(&place).await;
    let before = made(&repository, vec![put("app/x", "1")]).await;
    for edit in [
        put("README.md/x", "1"),
        replace("README.md", &[("x", "1")]),
        replace("new", &[("a", "1"), ("a/b", "2")]),
        Edit::DeleteFolder { path: path("README.md") },
    ] {
        let error = repository.commit(change(vec![edit])).await.unwrap_err();
        assert!(matches!(error, CommitError::NotAFolder { .. }), "{error}");
    }
    for edit in [put("app", "1"), Edit::DeleteFile { path: path("app") }] {
        let error = repository.commit(change(vec![edit])).await.unwrap_err();
        assert!(matches!(error, CommitError::NotAFile { .. }), "{error}");
    }
    assert_eq!(head(&repository).await, before);
}

#[tokio::test]
async fn symbolic_links_that_somebody_pushed_are_never_followed() {
    let place = Place::new();
    let repository = repository(&place).await;
    let clone = place.clone_of(repository.path().to_str().unwrap(), "clone");
    std::os::unix::fs::symlink("/etc", clone.join("way")).unwrap();
    std::os::unix::fs::symlink("README.md", clone.join("link.yaml")).unwrap();
    std::fs::create_dir(clone.join("app")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", clone.join("app/stolen.yaml")).unwrap();
    let pushed = commit_all(&clone, "links");
    git(&clone, &["push", "-q", "origin", "main"]);

    assert_eq!(repository.read_file(pushed, &path("link.yaml")).await.unwrap(), None);
    assert_eq!(repository.read_file(pushed, &path("way/passwd")).await.unwrap(), None);
    assert!(matches!(
        repository.read_folder(pushed, &path("way")).await,
        Err(ReadError::NotAFolder { .. })
    ));
    assert_eq!(
        repository.read_folder(pushed, &RepoPath::root()).await.unwrap(),
        files(&[("README.md", "")])
    );

    let error = repository.commit(change(vec![put("way/passwd", "x")])).await.unwrap_err();
    assert!(matches!(error, CommitError::NotAFolder { .. }), "{error}");
    let unchanged = repository
        .commit(change(vec![Edit::DeleteFile { path: path("way/passwd") }]))
        .await
        .unwrap();
    assert_eq!(unchanged, Committed::Unchanged { head: pushed });

    // In the place of what is written, a link gives way to a plain file or folder.
    made(
        &repository,
        vec![
            put("link.yaml", "plain"),
            replace("way", &[("x", "1")]),
            replace("app", &[("a", "1")]),
        ],
    )
    .await;
    let listed = git(repository.path(), &["ls-tree", "-r", "main"]);
    assert!(!listed.contains("120000"), "{listed}");
}

#[tokio::test]
async fn a_branch_is_found_by_its_exact_name_only() {
    let place = Place::new();
    let repository = repository(&place).await;
    git(repository.path(), &["update-ref", "refs/heads/refs/heads/other", "main"]);
    git(repository.path(), &["update-ref", "refs/tags/refs/heads/other", "main"]);
    assert_eq!(repository.head(&"other".parse().unwrap()).await.unwrap(), None);
}

#[tokio::test]
async fn replaced_objects_do_not_rewrite_our_history() {
    let place = Place::new();
    let repository = repository(&place).await;
    let one = made(&repository, vec![put("a", "1")]).await;
    let two = made(&repository, vec![put("a", "2")]).await;
    git(repository.path(), &["update-ref", &format!("refs/replace/{two}"), &one.to_string()]);
    let reopened = Repository::open(repository.path()).await.unwrap();
    assert_eq!(reopened.read_file(two, &path("a")).await.unwrap().unwrap(), b"2");
}
