//! Commits into our own repositories, as the git binary sees them.

use gimlet_git::gitops::{CommitError, Committed, DEPLOY_ID, Edit, Message, Repository};
use gimlet_git::{BranchName, ChangeLimits, ChangedFile, CommitId, ReadError, RepoPath, Side};

use crate::support::*;

pub(crate) async fn repository(place: &Place) -> Repository {
    Repository::init(place.at("r.git"), at_second(0)).await.unwrap()
}

pub(crate) async fn head(repository: &Repository) -> CommitId {
    repository.head(&BranchName::main()).await.unwrap().unwrap()
}

pub(crate) fn replace(folder: &str, list: &[(&str, &str)]) -> Edit {
    Edit::ReplaceFolder { path: path(folder), files: files(list) }
}

pub(crate) async fn made(repository: &Repository, edits: Vec<Edit>) -> CommitId {
    match repository.commit(change(edits)).await.unwrap() {
        Committed::Made { commit, .. } => commit,
        Committed::Unchanged { .. } => panic!("no commit was made"),
    }
}

#[tokio::test]
async fn a_new_repository_has_one_commit_with_an_empty_readme() {
    let place = Place::new();
    let repository = repository(&place).await;
    assert_eq!(
        git(repository.path(), &["log", "--format=%an <%ae> %s", "main"]),
        "Gimlet <gimlet@gimlet.io> [Gimlet] Bootstrapping"
    );
    git(repository.path(), &["fsck", "--strict"]);
    let clone = place.clone_of(repository.path().to_str().unwrap(), "clone");
    assert_eq!(checkout(&clone), files(&[("README.md", "")]));
    assert_eq!(git(&clone, &["branch", "--show-current"]), "main");
}

#[tokio::test]
async fn a_clone_holds_what_was_committed_and_fsck_is_content() {
    let place = Place::new();
    let repository = repository(&place).await;
    let list = [
        ("deployment.yaml", "kind: Deployment\n"),
        ("service.yaml", "kind: Service\n"),
        ("a/b/c.yaml", "deep\n"),
    ];
    made(
        &repository,
        vec![
            replace("app", &list),
            put("release.json", "{}"),
            put("app.yaml", "a"),
            put("app-x", "b"),
        ],
    )
    .await;

    git(repository.path(), &["fsck", "--strict", "--full"]);
    let clone = place.clone_of(repository.path().to_str().unwrap(), "clone");
    let expected = files(&[
        ("README.md", ""),
        ("app-x", "b"),
        ("app.yaml", "a"),
        ("app/a/b/c.yaml", "deep\n"),
        ("app/deployment.yaml", "kind: Deployment\n"),
        ("app/service.yaml", "kind: Service\n"),
        ("release.json", "{}"),
    ]);
    assert_eq!(checkout(&clone), expected);

    let head = head(&repository).await;
    assert_eq!(repository.read_folder(head, &RepoPath::root()).await.unwrap(), expected);
    assert_eq!(repository.read_folder(head, &path("app")).await.unwrap(), files(&list));
    assert_eq!(repository.read_file(head, &path("release.json")).await.unwrap().unwrap(), b"{}");
    assert_eq!(repository.read_file(head, &path("app")).await.unwrap(), None);
    assert_eq!(repository.read_folder(head, &path("absent")).await.unwrap(), files(&[]));
    assert!(matches!(
        repository.read_folder(head, &path("app.yaml")).await,
        Err(ReadError::NotAFolder { .. })
    ));
}

#[tokio::test]
async fn git_reads_our_trailers_and_we_find_them() {
    let place = Place::new();
    let repository = repository(&place).await;
    let before = head(&repository).await;
    let message = Message::new("[Gimlet] staging/app automated deploy")
        .and_then(|m| m.with_body("Deploy-Id: rel_forged\n\nThis reverts commit 123."))
        .and_then(|m| m.with_trailer(DEPLOY_ID, "rel_1"))
        .unwrap();
    let mut first = change(vec![put("a", "1")]);
    first.message = message;
    let deployed = repository.commit(first).await.unwrap().head();
    let after = made(&repository, vec![put("a", "2")]).await;

    let format = "--format=%(trailers:key=Deploy-Id,valueonly)";
    assert_eq!(git(repository.path(), &["log", "-1", format, &deployed.to_string()]), "rel_1");

    let find = async |id: &str, since, limit| {
        repository.find_deploy(&BranchName::main(), id, since, limit).await.unwrap()
    };
    assert_eq!(find("rel_1", None, 100).await, Some(deployed));
    assert_eq!(find("rel_1", Some(before), 100).await, Some(deployed));
    assert_eq!(find("rel_1", Some(after), 100).await, None);
    assert_eq!(find("rel_1", None, 1).await, None);
    assert_eq!(find("rel_forged", None, 100).await, None);
    assert_eq!(find("rel", None, 100).await, None);
    let info = repository.commit_info(deployed).await.unwrap();
    assert_eq!(
        (info.subject(), info.trailer("deploy-id")),
        ("[Gimlet] staging/app automated deploy", Some("rel_1"))
    );
}

#[tokio::test]
async fn the_same_files_make_no_commit() {
    let place = Place::new();
    let repository = repository(&place).await;
    let deploy = |release: &str, image: &str| {
        let mut change = change(vec![
            replace("app", &[("deployment.yaml", image), ("release.json", release)]),
            put("release.json", release),
        ]);
        change.compare_without =
            vec![path("app/release.json"), path("release.json"), path("none/release.json")];
        change
    };
    let first = repository.commit(deploy("1", "image:1")).await.unwrap().head();
    assert_eq!(
        repository.commit(deploy("2", "image:1")).await.unwrap(),
        Committed::Unchanged { head: first }
    );
    let second = repository.commit(deploy("3", "image:2")).await.unwrap();
    assert!(matches!(second, Committed::Made { parent, .. } if parent == Some(first)));
    let release = repository.read_file(second.head(), &path("app/release.json")).await.unwrap();
    assert_eq!(release.unwrap(), b"3");
    assert_eq!(
        repository.commit(change(vec![])).await.unwrap(),
        Committed::Unchanged { head: second.head() }
    );
}

#[tokio::test]
async fn folders_are_emptied_restored_and_removed() {
    let place = Place::new();
    let repository = repository(&place).await;
    let one = made(
        &repository,
        vec![replace("app", &[("a.yaml", "1"), ("old.yaml", "x")]), put("other/x", "1")],
    )
    .await;
    let two = made(&repository, vec![replace("app", &[("a.yaml", "2")])]).await;
    assert_eq!(repository.read_folder(two, &path("app")).await.unwrap(), files(&[("a.yaml", "2")]));

    let back = made(&repository, vec![Edit::RestoreFolder { path: path("app"), from: one }]).await;
    assert_eq!(
        repository.read_folder(back, &path("app")).await.unwrap(),
        files(&[("a.yaml", "1"), ("old.yaml", "x")])
    );

    let gone = made(
        &repository,
        vec![Edit::DeleteFolder { path: path("app") }, Edit::DeleteFile { path: path("other/x") }],
    )
    .await;
    assert_eq!(
        repository.read_folder(gone, &RepoPath::root()).await.unwrap(),
        files(&[("README.md", "")])
    );
    let again = repository.commit(change(vec![
        Edit::DeleteFolder { path: path("app") },
        Edit::DeleteFile { path: path("app/x/y") },
        replace("app", &[]),
    ]));
    assert_eq!(again.await.unwrap(), Committed::Unchanged { head: gone });

    let error = repository
        .commit(change(vec![Edit::RestoreFolder { path: path("app"), from: gone }]))
        .await;
    assert!(matches!(error, Err(CommitError::NothingToRestore { .. })));
    let stranger = "1".repeat(40).parse().unwrap();
    let error = repository
        .commit(change(vec![Edit::RestoreFolder { path: path("app"), from: stranger }]))
        .await;
    assert!(matches!(error, Err(CommitError::NotInHistory { .. })));
    repository.gathered().await;
    git(repository.path(), &["fsck", "--strict", "--full"]);
}

#[tokio::test]
async fn a_history_holds_the_commits_that_changed_the_path() {
    let place = Place::new();
    let repository = repository(&place).await;
    let one = made(&repository, vec![put("app/x", "1")]).await;
    let two = made(&repository, vec![put("other/x", "1")]).await;
    let three = made(&repository, vec![put("app/x", "2"), put("other/x", "2")]).await;
    let gone = made(&repository, vec![Edit::DeleteFolder { path: path("app") }]).await;

    let ids = async |at: &str, limit| -> Vec<CommitId> {
        let at = if at.is_empty() { RepoPath::root() } else { path(at) };
        let found = repository.history(gone, &at, limit).await.unwrap();
        found.into_iter().map(|info| info.id).collect()
    };
    assert_eq!(ids("app", 10).await, [gone, three, one]);
    assert_eq!(ids("other/x", 10).await, [three, two]);
    assert_eq!(ids("app", 1).await, [gone]);
    assert_eq!(ids("absent", 10).await, []);
    assert_eq!(ids("", 10).await.len(), 5);
}

#[tokio::test]
async fn a_merge_that_takes_one_side_is_no_change_of_the_path() {
    let place = Place::new();
    let repository = repository(&place).await;
    let clone = place.clone_of(repository.path().to_str().unwrap(), "clone");
    git(&clone, &["checkout", "-q", "-b", "side"]);
    write(&clone, "app/x", "1");
    let side = commit_all(&clone, "side");
    git(&clone, &["checkout", "-q", "main"]);
    write(&clone, "other", "1");
    commit_all(&clone, "main");
    git(&clone, &["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    git(&clone, &["push", "-q", "origin", "main"]);

    let found = repository.history(head(&repository).await, &path("app"), 10).await.unwrap();
    assert_eq!(found.iter().map(|info| info.id).collect::<Vec<_>>(), [side]);
    assert_eq!(
        (found[0].author.name.as_str(), found[0].author.email.as_str()),
        ("Ada", "ada@example.test")
    );
}

#[tokio::test]
async fn a_commit_is_never_dated_before_its_parent() {
    let place = Place::new();
    let repository = repository(&place).await;
    let mut late = change(vec![put("a", "1")]);
    late.time = at_second(100);
    repository.commit(late).await.unwrap();
    let early = made(&repository, vec![put("a", "2")]).await;
    assert_eq!(repository.commit_info(early).await.unwrap().committer.time, at_second(100));
}

#[tokio::test]
async fn two_writers_and_a_persons_push_lose_nothing() {
    const EACH: usize = 8;
    let place = Place::new();
    let first = repository(&place).await;
    // Opened twice: these two share no lock but git's own.
    let second = Repository::open(first.path()).await.unwrap();
    let clone = place.clone_of(first.path().to_str().unwrap(), "clone");

    let writer = async |repository: &Repository, name: &str| {
        for i in 0..EACH {
            made(repository, vec![put(&format!("{name}/{i}"), "x")]).await;
        }
    };
    let person = tokio::task::spawn_blocking(move || {
        for i in 0..EACH {
            write(&clone, &format!("person/{i}"), "x");
            commit_all(&clone, "by hand");
            while !try_git(&clone, &["push", "-q", "origin", "main"]).status.success() {
                git(&clone, &["pull", "-q", "--rebase", "origin", "main"]);
            }
        }
    });
    let ((), (), person) = tokio::join!(writer(&first, "one"), writer(&second, "two"), person);
    person.unwrap();

    for repository in [&first, &second] {
        repository.gathered().await;
    }
    git(first.path(), &["fsck", "--strict", "--full"]);
    assert_eq!(git(first.path(), &["rev-list", "--count", "main"]), (3 * EACH + 1).to_string());
    assert_eq!(git(first.path(), &["rev-list", "--merges", "--count", "main"]), "0");
    let all = first.read_folder(head(&first).await, &RepoPath::root()).await.unwrap();
    assert_eq!(all.len(), 3 * EACH + 1);
}

#[tokio::test]
async fn ensuring_twice_is_one_repository() {
    let place = Place::new();
    let first = Repository::ensure(place.at("r.git"), at_second(0)).await.unwrap();
    let commit = made(&first, vec![put("a", "1")]).await;
    let second = Repository::ensure(place.at("r.git"), at_second(9)).await.unwrap();
    assert_eq!(head(&second).await, commit);
    assert!(Repository::open(place.at("absent.git")).await.is_err());
    assert_eq!(second.head(&"absent".parse().unwrap()).await.unwrap(), None);
}

#[tokio::test]
async fn repacking_gathers_objects_beside_a_writer() {
    let place = Place::new();
    let repository = repository(&place).await;
    let write = async {
        for i in 0..20 {
            made(&repository, vec![put(&format!("app/{}", i % 3), &i.to_string())]).await;
        }
    };
    let repack = async {
        for _ in 0..4 {
            place.git().repack(repository.path()).await.unwrap();
        }
    };
    tokio::join!(write, repack);
    repository.gathered().await;
    place.git().repack(repository.path()).await.unwrap();

    git(repository.path(), &["fsck", "--strict", "--full"]);
    assert_eq!(git(repository.path(), &["rev-list", "--count", "main"]), "21");
    assert!(git(repository.path(), &["count-objects"]).starts_with("0 objects"));
    assert_eq!(
        repository.history(head(&repository).await, &path("app"), 100).await.unwrap().len(),
        20
    );
    assert!(place.git().repack(&place.at("absent")).await.is_err());
}

#[tokio::test]
async fn what_differs_between_two_commits_is_read_and_nothing_else() {
    let place = Place::new();
    let repository = repository(&place).await;
    let before = [("same.yaml", "a\n"), ("old.yaml", "b\n"), ("deep/er.yaml", "c\n")];
    let first = made(&repository, vec![replace("app", &before), put("other.yaml", "1")]).await;
    let large = "x".repeat(2_000);
    let after = [("same.yaml", "a\n"), ("deep/er.yaml", "d\n"), ("large.yaml", &large)];
    let second = made(&repository, vec![replace("app", &after), put("other.yaml", "2")]).await;
    let limits = ChangeLimits { files: 10, file_bytes: 1_000 };
    let changes = async |from, to, limits| {
        repository.changes(from, to, vec![path("app"), path("flux/none.yaml")], limits).await
    };
    let content = |text: &str| Side::Content(text.into());
    let file = |path: &str, before, after| ChangedFile { path: path.into(), before, after };
    let found = changes(Some(first), second, limits).await.unwrap();
    assert_eq!(
        found.files,
        [
            file("app/deep/er.yaml", content("c\n"), content("d\n")),
            file("app/large.yaml", Side::Absent, Side::TooLarge(2_000)),
            file("app/old.yaml", content("b\n"), Side::Absent),
        ]
    );
    let bounded = changes(Some(first), second, ChangeLimits { files: 1, ..limits }).await.unwrap();
    assert_eq!((bounded.files.len(), bounded.left_out), (1, 2));
    assert_eq!(changes(None, first, limits).await.unwrap().files.len(), 3);
    assert!(changes(Some(second), second, limits).await.unwrap().files.is_empty());
}
