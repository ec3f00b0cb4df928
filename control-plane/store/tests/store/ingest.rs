use gimlet_domain::release::{Intent, Trigger};
use gimlet_shared::ids::{ArtifactId, EnvironmentId};
use gimlet_store::{
    ArtifactFilter, Commit, EventWord, IngestBatch, ManifestProblem, NewDecision, NewRelease,
    RefChange, ReleaseFilter, SeenRef, StoreError, StoredManifest,
};

use crate::harness::{
    at, connected, each_database, new_artifact, new_release, owner, pushed, repository, shop,
};

fn moved(old: Option<&str>, new: Option<&str>) -> RefChange {
    RefChange {
        name: "refs/heads/main".to_owned(),
        old: old.map(str::to_owned),
        new: new.map(str::to_owned),
    }
}

/// One artifact with a manifest, its decision and its release.
fn batch(environment: EnvironmentId, sha: &str, change: RefChange) -> IngestBatch {
    let mut artifact = new_artifact(pushed(sha));
    artifact.manifests.push(StoredManifest {
        file: ".gimlet/prod.yaml".to_owned(),
        app: "web".to_owned(),
        env: "prod".to_owned(),
        text: "app: web".to_owned(),
    });
    artifact.problems.push(ManifestProblem {
        file: ".gimlet/bad.yaml".to_owned(),
        line: Some(3),
        column: None,
        message: "`env` is missing".to_owned(),
    });
    let decision = NewDecision {
        artifact: artifact.id,
        env: "prod".to_owned(),
        app: "web".to_owned(),
        file: ".gimlet/prod.yaml".to_owned(),
        releases: true,
        reason: "branch `main` matches".to_owned(),
    };
    let release = NewRelease {
        environment,
        app: "web".to_owned(),
        namespace: "default".to_owned(),
        repository: None,
        artifact: None,
        intent: Intent::Deploy { artifact: artifact.id },
        trigger: Trigger::Policy,
        deadline_at: at(600),
        idempotency_key: None,
        note: None,
    };
    IngestBatch {
        artifacts: vec![artifact],
        refs: vec![change],
        decisions: vec![decision],
        releases: vec![release],
    }
}

#[tokio::test]
async fn an_ingest_stores_artifact_decision_release_and_ref() {
    each_database(async |store| {
        let (owner, system) = (owner(&store, "acme").await, store.system());
        let environment = connected(&store, &owner, "prod").await.environment;
        let repository = repository(&store, &owner, "acme/shop").await;
        let batch = batch(environment.id, "abcdef123456", moved(None, Some("abcdef123456")));
        let (artifact, decision) = (batch.artifacts[0].clone(), batch.decisions[0].clone());

        let ingested = store.record_ingest(&system, &repository, batch, at(5)).await.unwrap();
        assert_eq!(ingested.artifacts, [artifact.id]);
        assert_eq!(ingested.releases[0].artifact, Some(artifact.id));
        let found = store.find_artifact(&owner, artifact.id).await.unwrap().unwrap();
        assert_eq!(found.artifact.commit, artifact.commit);
        assert_eq!(
            (&found.artifact.manifests, &found.artifact.problems),
            (&artifact.manifests, &artifact.problems)
        );
        assert_eq!(
            (found.decisions[0].releases, &found.decisions[0].reason),
            (true, &decision.reason)
        );
        let seen = SeenRef { name: "refs/heads/main".to_owned(), sha: "abcdef123456".to_owned() };
        assert_eq!(store.list_seen_refs(&system, repository.id).await.unwrap(), [seen]);
        let release = store.find_release(&owner, ingested.releases[0].id).await.unwrap();
        assert_eq!(release.as_ref(), Some(&ingested.releases[0]));
    })
    .await;
}

#[tokio::test]
async fn the_same_ingest_again_doubles_nothing() {
    each_database(async |store| {
        let (owner, system) = (owner(&store, "acme").await, store.system());
        let environment = connected(&store, &owner, "prod").await.environment;
        let repository = repository(&store, &owner, "acme/shop").await;
        let change = moved(None, Some("abcdef123456"));
        let first = batch(environment.id, "abcdef123456", change.clone());
        store.record_ingest(&system, &repository, first.clone(), at(5)).await.unwrap();

        // Once as it was, and once as a look that starts afresh makes it: with ids of its own.
        for repeat in [first, batch(environment.id, "abcdef123456", change)] {
            let ingested = store.record_ingest(&system, &repository, repeat, at(6)).await.unwrap();
            assert_eq!((ingested.artifacts.len(), ingested.releases.len()), (0, 0));
        }
        let artifacts = ArtifactFilter { limit: 10, ..Default::default() };
        let artifacts = store.list_artifacts(&owner, &artifacts).await.unwrap();
        assert_eq!(artifacts.iter().map(|found| found.decisions.len()).collect::<Vec<_>>(), [1]);
        let releases = ReleaseFilter { limit: 10, ..Default::default() };
        assert_eq!(store.list_releases(&owner, &releases).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_ingest_on_a_ref_that_moved_meanwhile_changes_nothing() {
    each_database(async |store| {
        let (owner, system) = (owner(&store, "acme").await, store.system());
        let environment = connected(&store, &owner, "prod").await.environment;
        let repository = repository(&store, &owner, "acme/shop").await;
        let first = batch(environment.id, "aaaaaaa1", moved(None, Some("aaaaaaa1")));
        store.record_ingest(&system, &repository, first, at(5)).await.unwrap();

        for change in [
            moved(None, Some("bbbbbbb2")),
            moved(Some("ccccccc3"), Some("bbbbbbb2")),
            moved(Some("ccccccc3"), None),
        ] {
            let stale = batch(environment.id, "bbbbbbb2", change);
            let refused = store.record_ingest(&system, &repository, stale, at(6)).await;
            assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
        }
        assert_eq!(store.find_artifact_by_sha(&owner, None, "bbbbbbb").await.unwrap(), []);

        let refs = vec![moved(Some("aaaaaaa1"), None)];
        store
            .record_ingest(&system, &repository, IngestBatch { refs, ..Default::default() }, at(7))
            .await
            .unwrap();
        assert_eq!(store.list_seen_refs(&system, repository.id).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn one_commit_has_an_artifact_per_git_event_and_ref() {
    each_database(async |store| {
        let (owner, system) = (owner(&store, "acme").await, store.system());
        let repository = repository(&store, &owner, "acme/shop").await;
        let push = pushed("abcdef123456");
        let tag = Commit {
            event: EventWord::Tag,
            branch: None,
            tag: Some("v1".to_owned()),
            ..push.clone()
        };
        let request = Commit {
            event: EventWord::PullRequest,
            branch: None,
            source_branch: Some("greeting".to_owned()),
            target_branch: Some("main".to_owned()),
            ..push.clone()
        };
        let artifacts: Vec<_> =
            [push.clone(), tag, request, push].into_iter().map(new_artifact).collect();
        let batch = IngestBatch { artifacts, ..Default::default() };

        assert_eq!(
            store.record_ingest(&system, &repository, batch, at(1)).await.unwrap().artifacts.len(),
            3
        );
        let found =
            store.find_artifact_by_sha(&owner, Some(repository.id), "ABCDEF1").await.unwrap();
        assert_eq!(found.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_short_or_odd_prefix_matches_nothing() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let find = async |prefix: &str| {
            store.find_artifact_by_sha(&shop.owner, None, prefix).await.unwrap().len()
        };
        assert_eq!(find("aaaaaaa").await, 1);
        assert_eq!(find("aaaaaa").await, 0);
        assert_eq!(find("aaaaaa%").await, 0);
        assert_eq!(find("").await, 0);
    })
    .await;
}

#[tokio::test]
async fn artifacts_are_listed_newest_first_and_page_by_page() {
    each_database(async |store| {
        let (owner, system) = (owner(&store, "acme").await, store.system());
        let repository = repository(&store, &owner, "acme/shop").await;
        let artifacts: Vec<_> =
            (0..5).map(|number| new_artifact(pushed(&format!("abcdef{number}")))).collect();
        let mut newest_first: Vec<ArtifactId> =
            artifacts.iter().map(|artifact| artifact.id).collect();
        newest_first.sort_by(|one, other| other.cmp(one));
        store
            .record_ingest(
                &system,
                &repository,
                IngestBatch { artifacts, ..Default::default() },
                at(1),
            )
            .await
            .unwrap();

        let mut seen = Vec::new();
        loop {
            let filter = ArtifactFilter {
                repository: Some(repository.id),
                branch: Some("main".to_owned()),
                limit: 2,
                before: seen.last().copied(),
            };
            let page = store.list_artifacts(&owner, &filter).await.unwrap();
            if page.is_empty() {
                break;
            }
            seen.extend(page.iter().map(|found| found.artifact.id));
        }
        assert_eq!(seen, newest_first);
    })
    .await;
}

#[tokio::test]
async fn a_release_to_a_foreign_environment_undoes_the_whole_ingest() {
    each_database(async |store| {
        let (shop, system) = (shop(&store, "acme").await, store.system());
        let stranger = owner(&store, "other").await;
        let foreign = connected(&store, &stranger, "prod").await.environment;
        let batch = batch(foreign.id, "bbbbbbb2", moved(None, Some("bbbbbbb2")));
        let refused = store.record_ingest(&system, &shop.repository, batch, at(5)).await;

        assert!(matches!(refused, Err(StoreError::Absent { what: "environment" })), "{refused:?}");
        assert_eq!(store.find_artifact_by_sha(&shop.owner, None, "bbbbbbb").await.unwrap(), []);
        let foreign_artifact = new_release(&foreign, "web", shop.artifact);
        let refused = store.request_release(&stranger, foreign_artifact, at(6)).await;
        assert!(matches!(refused, Err(StoreError::Absent { what: "artifact" })), "{refused:?}");
    })
    .await;
}
