//! What pages ask of the database: as many statements with thirty rows as with two.

use axum::http::StatusCode;
use gimlet_app::{TenantScope, Timestamp};
use gimlet_shared::ids::{ArtifactId, ReleaseId};
use gimlet_store::{
    ClusterCreation, Commit, EventWord, GitopsLocation, IngestBatch, NewArtifact, NewDecision,
    NewEnrolment, NewEnvironment, NewRelease, NewRepository, RepositoryAddition, StoredManifest,
};

use crate::{Site, get, text};

const AT: Timestamp = Timestamp(1_800_000_000_000_000);

/// A release with everything around it: a cluster, an environment, a repository, a commit, an application.
async fn add(site: &Site, owner: &TenantScope, number: usize) -> (String, ArtifactId, ReleaseId) {
    let (name, token) = (format!("shop-{number:02}"), format!("token {number}"));
    let enrolment = NewEnrolment { token_hash: &token, expires_at: AT };
    let gitops = GitopsLocation::BuiltIn;
    let environment = NewEnvironment { name: name.clone(), namespace: None, gitops };
    let store = &site.store;
    let made = store.create_cluster_with_environment(owner, &name, environment, enrolment, AT);
    let ClusterCreation::Created { cluster, environment } = made.await.unwrap() else {
        panic!("{name} is taken")
    };
    let new = NewRepository {
        name: format!("acme/{name}"),
        url: "file:///nowhere".to_owned(),
        default_branch: None,
        webhook_secret: "none".into(),
        look_token_hash: "none".to_owned(),
    };
    let RepositoryAddition::Added(repository) = store.add_repository(owner, new, AT).await.unwrap()
    else {
        panic!("{name} is taken")
    };
    let artifact = ArtifactId::new();
    let file = ".gimlet/shop.yaml".to_owned();
    let batch = IngestBatch {
        artifacts: vec![NewArtifact {
            id: artifact,
            commit: commit(number),
            manifests: vec![StoredManifest {
                file: file.clone(),
                app: name.clone(),
                env: name.clone(),
                text: String::new(),
            }],
            problems: Vec::new(),
            is_head: true,
        }],
        decisions: vec![NewDecision {
            artifact,
            env: name.clone(),
            app: name.clone(),
            file,
            releases: true,
            reason: "it matches".to_owned(),
        }],
        releases: vec![NewRelease {
            environment: environment.id,
            app: name.clone(),
            namespace: "shop".to_owned(),
            repository: Some(repository.id),
            artifact: None,
            intent: gimlet_domain::release::Intent::Deploy { artifact },
            trigger: gimlet_domain::release::Trigger::Policy,
            deadline_at: AT,
            idempotency_key: None,
            note: None,
        }],
        ..IngestBatch::default()
    };
    let system = store.system();
    let stored = store.record_ingest(&system, &repository, batch, AT).await.unwrap();
    (cluster.id.to_string(), artifact, stored.releases[0].id)
}

fn commit(number: usize) -> Commit {
    Commit {
        sha: format!("{number:040x}"),
        event: EventWord::Push,
        branch: Some("main".to_owned()),
        tag: None,
        source_branch: None,
        target_branch: None,
        message: format!("Change the shop {number}"),
        author_name: "Ana".to_owned(),
        author_email: "ana@example.com".to_owned(),
        committer_name: "Ana".to_owned(),
        committer_email: "ana@example.com".to_owned(),
        committed_at: AT,
        url: None,
    }
}

/// How many statements each page reads with.
async fn reads(site: &Site, cookie: &str, pages: &[String]) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    for path in pages {
        let before = site.store.read_count();
        let answer = site.ask(get(path, cookie)).await;
        assert!(matches!(answer.status(), StatusCode::OK | StatusCode::SEE_OTHER), "{path}");
        let page = text(answer).await;
        assert!(page.is_empty() || page.contains("shop-"), "{path} shows what there is: {page}");
        all.push((path.clone(), site.store.read_count() - before));
    }
    all
}

#[tokio::test]
async fn a_page_asks_for_thirty_rows_as_often_as_for_two() {
    let site = Site::start("http://gimlet.example").await;
    let ana = site.signed_in("acme").await;
    let owner = site.app.scope_of_session(ana.split_once('=').unwrap().1).await.unwrap().unwrap();
    let (cluster, artifact, release) = add(&site, &owner, 0).await;
    add(&site, &owner, 1).await;
    let mut pages: Vec<String> = [
        "/",
        "/get-started",
        "/fleet",
        "/fleet?group=environment",
        "/fleet?q=shop&state=waiting",
        "/repositories",
        "/commits",
        "/apps",
        "/apps?q=shop&health=unknown",
        "/apps/shop-00/shop-00",
        "/apps/shop-00/shop-00/history",
        "/releases",
        "/releases?environment=shop-00",
        "/activity",
        "/activity?kind=release",
        "/palette?q=shop",
        "/search?q=shop",
    ]
    .map(str::to_owned)
    .into();
    pages.push(format!("/fleet/{cluster}"));
    pages.push(format!("/commits/{artifact}"));
    pages.push(format!("/releases/{release}"));
    let of_two = reads(&site, &ana, &pages).await;
    for number in 2..30 {
        add(&site, &owner, number).await;
    }
    assert_eq!(reads(&site, &ana, &pages).await, of_two);
    let most = of_two.iter().map(|(_, reads)| *reads).max().unwrap();
    assert!(most <= 24, "{of_two:?}");
}
