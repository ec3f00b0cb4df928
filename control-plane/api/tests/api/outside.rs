//! Gitops repositories on another git host: setting one up, and releasing to it.

use std::path::PathBuf;

use gimlet_shared::{
    api::{Artifact, Page, Release},
    enrol::{ClusterPlan, DescribeCluster, GitReader},
};
use serde_json::{Value, json};

use crate::{
    githost::{GitHost, PASSWORD},
    harness::{Owner, TestServer, enrolment_token, eventually, git, problem},
};

fn wanted(url: &str, username: &str, password: &str) -> Value {
    json!({"name": "prod",
           "gitops_repository": {"url": url, "username": username, "password": password}})
}

/// What git prints of the host's repository.
fn look(host: &GitHost, arguments: &[&str]) -> String {
    let output = git(&host.repository("gitops.git"), arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A server with the environment `prod`, whose apps repository lies with the host.
async fn given_outside() -> (TestServer, Owner, GitHost, String) {
    let (server, host) = (TestServer::start().await, GitHost::start().await);
    host.given_repository("gitops.git");
    let owner = server.new_owner("acme").await;
    let request = wanted(&host.url("gitops.git"), "bot", PASSWORD);
    let answer = owner.post("/api/v1/clusters", request).await;
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, 201, "{text}");
    assert!(!text.contains("canary"), "{text}");
    let token = enrolment_token(&serde_json::from_str(&text).unwrap());
    (server, owner, host, token)
}

/// A source repository that people commit to.
struct Source {
    folder: PathBuf,
    look: String,
}

impl Source {
    async fn given(server: &TestServer, owner: &Owner) -> Self {
        let folder = server.folder.path().join("acme").join("shop");
        std::fs::create_dir_all(folder.join(".gimlet")).unwrap();
        assert!(git(&folder, &["init", "-q", "-b", "main"]).status.success());
        let source = Self { folder, look: String::new() };
        source.commit("1");
        let url = format!("file://{}", source.folder.display());
        let added = owner.post("/api/v1/repositories", json!({"url": url})).await;
        let added: Value = added.json().await.unwrap();
        let id = added["repository"]["id"].as_str().unwrap();
        Self { look: format!("/api/v1/repositories/{id}/look"), ..source }
    }

    /// Commits a manifest with this value; returns the commit.
    fn commit(&self, value: &str) -> String {
        let text = format!(
            "app: shop\nenv: prod\nnamespace: shop\nmanifests: |\n  apiVersion: v1\n  \
             kind: ConfigMap\n  metadata:\n    name: shop\n  data:\n    value: \"{value}\"\n"
        );
        std::fs::write(self.folder.join(".gimlet/shop.yaml"), text).unwrap();
        assert!(git(&self.folder, &["add", "."]).status.success());
        assert!(git(&self.folder, &["commit", "-q", "-m", value]).status.success());
        let head = git(&self.folder, &["rev-parse", "HEAD"]).stdout;
        String::from_utf8(head).unwrap().trim().to_owned()
    }

    /// Releases the commit once it was ingested.
    async fn deploy(&self, owner: &Owner, sha: &str) -> Release {
        owner.post(&self.look, json!({})).await;
        let artifact = eventually(async || {
            let page = owner.get("/api/v1/artifacts?repository=acme/shop").await;
            let page: Page<Artifact> = serde_json::from_value(page).unwrap();
            page.items.into_iter().find(|artifact| artifact.sha == sha)
        })
        .await;
        let body = json!({"environment": "prod", "artifact": artifact.id});
        let answer = owner.post("/api/v1/releases", body).await;
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
        let mut releases: Vec<Release> = answer.json().await.unwrap();
        releases.pop().unwrap()
    }
}

async fn until(owner: &Owner, id: &str, holds: impl Fn(&Release) -> bool) -> Release {
    eventually(async || {
        let release = owner.get(&format!("/api/v1/releases/{id}")).await;
        let release: Release = serde_json::from_value(release).unwrap();
        holds(&release).then_some(release)
    })
    .await
}

async fn until_committed(owner: &Owner, id: &str) -> String {
    let release = until(owner, id, |release| release.gitops_commit.is_some()).await;
    release.gitops_commit.unwrap()
}

#[tokio::test]
async fn a_release_is_one_commit_in_the_outside_repository_and_a_persons_push_stays() {
    let (mut server, owner, host, _) = given_outside().await;
    server.reconcile();
    let source = Source::given(&server, &owner).await;
    let release = source.deploy(&owner, &source.commit("2")).await;
    let commit = until_committed(&owner, &release.id).await;
    assert_eq!(look(&host, &["rev-parse", "main"]), commit);
    assert_eq!(look(&host, &["rev-list", "--count", "main"]), "2");
    let trailer = format!("Deploy-Id: {}", release.id);
    assert!(look(&host, &["log", "-1", "--format=%B", "main"]).contains(&trailer));

    let folder = tempfile::tempdir().unwrap();
    let bare = host.repository("gitops.git");
    assert!(git(folder.path(), &["clone", "-q", bare.to_str().unwrap(), "work"]).status.success());
    let work = folder.path().join("work");
    std::fs::write(work.join("notes.md"), "mine").unwrap();
    assert!(git(&work, &["add", "."]).status.success());
    assert!(git(&work, &["commit", "-q", "-m", "By hand"]).status.success());
    assert!(git(&work, &["push", "-q", "origin", "main"]).status.success());

    let release = source.deploy(&owner, &source.commit("3")).await;
    let commit = until_committed(&owner, &release.id).await;
    assert_eq!(look(&host, &["rev-parse", "main"]), commit);
    assert_eq!(look(&host, &["rev-list", "--count", "main"]), "4");
    assert_eq!(look(&host, &["show", "main:notes.md"]), "mine");
    assert!(look(&host, &["grep", "-h", "value:", "main"]).contains('3'));
}

#[tokio::test]
async fn a_release_waits_for_a_repository_that_is_away() {
    let (mut server, owner, mut host, _) = given_outside().await;
    server.reconcile();
    let source = Source::given(&server, &owner).await;
    host.go_away().await;
    let release = source.deploy(&owner, &source.commit("2")).await;
    let waits = until(&owner, &release.id, |release| release.note.is_some()).await;
    assert_eq!((waits.state.as_str(), waits.closed), ("queued", false));
    let note = waits.note.unwrap();
    assert!(note.contains("could not be reached") && note.contains("127.0.0.1"), "{note}");
    assert!(!note.contains("canary"), "{note}");

    host.come_back().await;
    let commit = until_committed(&owner, &release.id).await;
    assert_eq!(look(&host, &["rev-parse", "main"]), commit);
    assert_eq!(look(&host, &["rev-list", "--count", "main"]), "2");
}

#[tokio::test]
async fn a_repository_that_cannot_be_used_is_a_clear_problem_and_makes_nothing() {
    let (server, host) = (TestServer::start().await, GitHost::start().await);
    let owner = server.new_owner("acme").await;
    host.given_repository("gitops.git");
    host.given_repository("ready.git");
    let work = tempfile::tempdir().unwrap();
    let bare = host.repository("ready.git");
    for arguments in [
        ["init", "-q", "-b", "main"].as_slice(),
        &["commit", "-q", "--allow-empty", "-m", "First"],
        &["push", "-q", bare.to_str().unwrap(), "main"],
    ] {
        assert!(git(work.path(), arguments).status.success(), "{arguments:?}");
    }
    let url = host.url("gitops.git");
    let on_branch = |branch: &str| {
        let mut request = wanted(&host.url("ready.git"), "bot", PASSWORD);
        request["gitops_repository"]["branch"] = json!(branch);
        request
    };
    let without = json!({"name": "prod", "gitops_repository": {"url": url}});
    for (request, field, says) in [
        (wanted(&url, "bot", "canary-wrong"), "password", "must be right"),
        (wanted(&url, "reader", PASSWORD), "password", "may push"),
        (without, "password", "is missing"),
        (wanted(&host.url("absent.git"), "bot", PASSWORD), "url", "was not found"),
        // Nobody listens on the discard port.
        (wanted("http://127.0.0.1:9/r.git", "bot", PASSWORD), "url", "could not be reached"),
        (wanted("file:///srv/r.git", "bot", PASSWORD), "url", "https"),
        (wanted("https://bot:canary@h/r.git", "bot", PASSWORD), "url", "credentials"),
        (wanted(&url, "b:t", PASSWORD), "username", "colon"),
        (on_branch("absent"), "branch", "default branch is main"),
        (on_branch("--force"), "branch", ""),
    ] {
        let problem = problem(owner.post("/api/v1/clusters", request).await).await;
        let told = format!("{problem:?}");
        assert_eq!(problem.status, 422, "{told}");
        assert_eq!(problem.field.unwrap(), format!("gitops_repository.{field}"), "{told}");
        assert!(problem.detail.contains(says), "{told}");
        assert!(!told.contains("canary"), "{told}");
    }
    for list in ["clusters", "environments"] {
        assert_eq!(owner.get(&format!("/api/v1/{list}")).await, json!({"items": []}), "{list}");
    }
    assert_eq!(look(&host, &["for-each-ref"]), "");
    let drafts = std::fs::read_dir(server.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(drafts.into_iter().all(|name| !name.starts_with(".outside-")));
}

#[tokio::test]
async fn two_environments_never_share_a_branch_and_a_taken_name_pushes_nothing() {
    let (_server, owner, host, _) = given_outside().await;
    let url = host.url("gitops");
    let second = |name: &str, url: &str| {
        json!({"name": name,
               "gitops_repository": {"url": url, "username": "bot", "password": PASSWORD}})
    };
    let shared = problem(owner.post("/api/v1/clusters", second("other", &url)).await).await;
    assert_eq!(shared.field.as_deref(), Some("gitops_repository.url"));
    assert!(shared.detail.contains("prod"), "{shared:?}");

    host.given_repository("second.git");
    let taken = second("prod", &host.url("second.git"));
    let taken = problem(owner.post("/api/v1/clusters", taken).await).await;
    assert_eq!(taken.field.as_deref(), Some("name"));
    let refs = git(&host.repository("second.git"), &["for-each-ref"]);
    assert!(refs.stdout.is_empty());
}

#[tokio::test]
async fn the_cluster_is_told_to_bring_its_own_credential_and_the_secret_is_sealed_at_rest() {
    let (server, owner, host, token) = given_outside().await;
    let environments = owner.get("/api/v1/environments").await["items"].take();
    assert_eq!(environments[0]["apps_repository"], host.url("gitops.git"));
    assert!(environments[0]["infra_repository"].as_str().unwrap().starts_with(&server.url));
    assert!(!environments.to_string().contains("canary"));

    let describe = DescribeCluster {
        kubernetes_version: "v1.34.4".to_owned(),
        git_password_sha256: "0".repeat(64),
    };
    let plan = server.agent_client().post(server.agent_url("/enrolment/cluster"));
    let plan = plan.bearer_auth(token).json(&describe).send().await.unwrap();
    let plan = plan.text().await.unwrap();
    assert!(!plan.contains("canary"), "{plan}");
    let plan: ClusterPlan = serde_json::from_str(&plan).unwrap();
    assert_eq!(plan.environments[0].apps_reader, GitReader::Owner);
    assert_eq!(plan.environments[0].apps.url, host.url("gitops.git"));

    let body = json!({"url": "https://git.example/acme/shop.git"});
    let added: Value = owner.post("/api/v1/repositories", body).await.json().await.unwrap();
    let secret = added["webhook_secret"].as_str().unwrap();
    for entry in std::fs::read_dir(server.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for clear in [PASSWORD, secret] {
                let found = bytes.windows(clear.len()).any(|window| window == clear.as_bytes());
                assert!(!found, "{}", path.display());
            }
        }
    }
}

#[tokio::test]
async fn the_git_server_does_not_serve_the_copy_of_an_outside_repository() {
    let (server, owner, _host, _) = given_outside().await;
    let folder = tempfile::tempdir().unwrap();
    let server_host = server.url.strip_prefix("http://").unwrap().to_owned();
    let address = move |repository: &str| {
        format!("http://ana:{}@{server_host}/git/acme/{repository}.git", owner.token)
    };
    let clone = async |repository: &str| {
        let (folder, url) = (folder.path().to_owned(), address(repository));
        let run = move || git(&folder, &["clone", "-q", &url]);
        tokio::task::spawn_blocking(run).await.unwrap()
    };
    assert!(clone("gitops-prod-infra").await.status.success());
    let refused = clone("gitops-prod-apps").await;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not found"));
}
