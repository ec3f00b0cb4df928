//! A source repository: people push to it, its host tells of it, and a control plane looks at it.

use std::path::{Path, PathBuf};

use gimlet_shared::api::{Artifact, Page, Release, Repository, RepositoryAdded};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Owner, TestServer, client, eventually, git};

/// A repository on its host, and the clone that people work in.
pub(crate) struct Source(TempDir);

impl Source {
    /// Empty; its host gives out every commit it has, as git hosts do.
    pub(crate) fn new() -> Self {
        let source = Self(tempfile::tempdir().unwrap());
        let (host, clone) = (source.host(), source.clone_folder());
        for folder in [&host, &clone] {
            std::fs::create_dir_all(folder).unwrap();
        }
        run(&host, &["init", "-q", "--bare", "-b", "main"]);
        for allowed in ["allowAnySHA1InWant", "allowReachableSHA1InWant"] {
            run(&host, &["config", &format!("uploadpack.{allowed}"), "true"]);
        }
        run(&clone, &["init", "-q", "-b", "main"]);
        run(&clone, &["remote", "add", "origin", host.to_str().unwrap()]);
        source
    }

    /// With one commit on `main` that has this manifest.
    pub(crate) fn with(manifest: &str) -> Self {
        let source = Self::new();
        source.write("shop.yaml", manifest);
        source.commit("First");
        source.push(&["main"]);
        source
    }

    pub(crate) fn write(&self, manifest: &str, text: &str) {
        let folder = self.clone_folder().join(".gimlet");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(manifest), text).unwrap();
    }

    /// Commits what was written, be it nothing; returns the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn push(&self, refs: &[&str]) {
        self.git(&[&["push", "-q", "origin"], refs].concat());
    }

    /// Runs git in the clone.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        run(&self.clone_folder(), arguments)
    }

    pub(crate) fn host(&self) -> PathBuf {
        self.0.path().join("acme/shop.git")
    }

    fn clone_folder(&self) -> PathBuf {
        self.0.path().join("clone")
    }
}

/// A manifest of application `shop` that puts `value` into a ConfigMap.
pub(crate) fn manifest(env: &str, deploy: &str, value: &str) -> String {
    format!(
        "app: shop\nenv: {env}\nnamespace: shop\ndeploy: {deploy}\nmanifests: |\n  apiVersion: v1\n  \
         kind: ConfigMap\n  metadata:\n    name: shop\n  data:\n    value: \"{value}\"\n"
    )
}

/// A control plane with the environment `prod` that has looked at a source repository once.
pub(crate) struct Shop {
    pub(crate) owner: Owner,
    pub(crate) source: Source,
    pub(crate) server: TestServer,
    added: RepositoryAdded,
}

impl Shop {
    pub(crate) async fn given(source: Source) -> Self {
        Self::on(TestServer::start().await, source).await
    }

    pub(crate) async fn on(mut server: TestServer, source: Source) -> Self {
        let owner = server.new_owner("acme").await;
        owner.given_cluster("prod").await;
        server.reconcile();
        let url = format!("file://{}", source.host().display());
        let answer = owner.post("/api/v1/repositories", json!({"url": url})).await;
        assert_eq!(answer.status(), 201);
        let added = answer.json().await.unwrap();
        let shop = Self { owner, source, server, added };
        shop.until_looked_after(0).await;
        shop
    }

    /// Asks for a look, and waits until it is done.
    pub(crate) async fn look(&self) {
        let before = self.looks().await;
        let path = format!("/api/v1/repositories/{}/look", self.added.repository.id);
        assert_eq!(self.owner.post(&path, json!({})).await.status(), 202);
        self.until_looked_after(before).await;
    }

    /// Waits for a look that nobody asked for.
    pub(crate) async fn until_polled(&self) {
        self.until_looked_after(self.looks().await).await;
    }

    /// Delivers a webhook as the host does, and waits for the look where it is news.
    pub(crate) async fn deliver(&self, event: &str, delivery: &str, body: &Value) -> String {
        let (before, body) = (self.looks().await, body.to_string());
        let signature = gimlet_github::sign(&self.added.webhook_secret, body.as_bytes()).unwrap();
        let request = client()
            .post(&self.added.webhook_url)
            .header("content-type", "application/json")
            .header("x-github-event", event)
            .header("x-github-delivery", delivery)
            .header("x-hub-signature-256", signature);
        let answer: Value = request.body(body).send().await.unwrap().json().await.unwrap();
        let result = answer["result"].as_str().unwrap().to_owned();
        if result == "stored" {
            self.until_looked_after(before).await;
        }
        result
    }

    /// All artifacts, newest first. None of the looks before has failed.
    pub(crate) async fn artifacts(&self) -> Vec<Artifact> {
        let repositories = self.owner.get("/api/v1/repositories").await["items"].take();
        let repositories: Vec<Repository> = serde_json::from_value(repositories).unwrap();
        assert_eq!(repositories[0].last_error, None);
        let page = self.owner.get("/api/v1/artifacts?limit=100").await;
        serde_json::from_value::<Page<Artifact>>(page).unwrap().items
    }

    /// The only artifact of a commit and git event.
    pub(crate) async fn artifact(&self, sha: &str, event: &str) -> Artifact {
        let all = self.artifacts().await;
        let mut of_it: Vec<Artifact> =
            all.into_iter().filter(|found| found.sha == sha && found.event == event).collect();
        assert_eq!(of_it.len(), 1, "{of_it:?}");
        of_it.remove(0)
    }

    /// All releases, newest first.
    pub(crate) async fn releases(&self) -> Vec<Release> {
        let page = self.owner.get("/api/v1/releases?limit=100").await;
        serde_json::from_value::<Page<Release>>(page).unwrap().items
    }

    pub(crate) async fn until(&self, release: &str, holds: impl Fn(&Release) -> bool) -> Release {
        eventually(async || {
            let release = self.owner.get(&format!("/api/v1/releases/{release}")).await;
            let release: Release = serde_json::from_value(release).unwrap();
            holds(&release).then_some(release)
        })
        .await
    }

    /// Waits until the release that policy made of a commit is in the gitops repository, and prints that.
    pub(crate) async fn until_written(&self, artifact: &Artifact) -> String {
        let [decision] = artifact.decisions.as_slice() else { panic!("{artifact:?}") };
        assert!(decision.releases, "{}", decision.reason);
        let release = decision.release.as_deref().unwrap();
        let written = self.until(release, |release| release.gitops_commit.is_some()).await;
        self.deployed(&written.gitops_commit.unwrap())
    }

    /// What a commit of the gitops repository has deployed.
    pub(crate) fn deployed(&self, commit: &str) -> String {
        let mut organizations =
            std::fs::read_dir(self.server.folder.path().join("gitops")).unwrap();
        let organization = organizations.next().unwrap().unwrap().path();
        run(&organization.join("gitops-prod-apps.git"), &["grep", "-h", "value:", commit])
    }

    async fn until_looked_after(&self, before: u64) {
        eventually(async || (self.looks().await > before).then_some(())).await;
    }

    /// How many looks have ended.
    async fn looks(&self) -> u64 {
        let metrics = client().get(format!("{}/metrics", self.server.health_url)).send();
        let metrics = metrics.await.unwrap().text().await.unwrap();
        let counts =
            metrics.lines().filter(|line| line.starts_with("gimlet_repository_polls_total"));
        counts.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
    }
}

fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = git(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
