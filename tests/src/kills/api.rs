//! What the proof asks of the control plane, as a person's program would.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

/// Long enough for a server that just starts, short enough to notice one that is dead.
const LIMIT: Duration = Duration::from_secs(10);

/// A signed-in client.
#[derive(Clone, Debug)]
pub(super) struct ApiClient {
    runtime: Arc<Runtime>,
    http: Client,
    server: SocketAddr,
    agents: SocketAddr,
    token: String,
}

/// A source repository as it was added.
#[derive(Clone, Debug)]
pub(super) struct Added {
    pub(super) id: String,
    pub(super) secret: String,
}

impl ApiClient {
    /// Spends a sign-in link.
    pub(super) fn sign_in(
        runtime: Arc<Runtime>,
        server: SocketAddr,
        agents: SocketAddr,
        link: &str,
    ) -> Result<Self> {
        // The agents' port has a certificate of the control plane's own; who listens is not the question here.
        let http =
            Client::builder().tls_danger_accept_invalid_certs(true).timeout(LIMIT).build()?;
        let mut client = Self { runtime, http, server, agents, token: String::new() };
        let code = link.rsplit('/').next().unwrap_or_default();
        let body = json!({"code": code, "name": "prove"});
        let created = client.send(Method::POST, "/api/v1/auth/link", Some(&body))?;
        client.token = text(&created, "token")?;
        Ok(client)
    }

    /// Adds a cluster with an environment of the same name; returns its id and enrolment token.
    pub(super) fn connect_cluster(
        &self,
        name: &str,
        gitops: Option<Value>,
    ) -> Result<(String, String)> {
        let body = json!({"name": name, "gitops_repository": gitops});
        let connect = self.send(Method::POST, "/api/v1/clusters", Some(&body))?;
        enrolment_of(&connect)
    }

    /// A new enrolment token for a cluster.
    pub(super) fn renew_enrolment(&self, cluster: &str) -> Result<(String, String)> {
        let path = format!("/api/v1/clusters/{cluster}/enrolment");
        enrolment_of(&self.send(Method::POST, &path, None)?)
    }

    /// The same as a client asks for it that may have to ask again: a key stands for one request.
    pub(super) fn renew_enrolment_with_key(
        &self,
        cluster: &str,
        key: &str,
    ) -> Result<(String, String)> {
        let path = format!("/api/v1/clusters/{cluster}/enrolment");
        let request = self.request(Method::POST, &path, None).header("idempotency-key", key);
        enrolment_of(&self.answer(&path, request)?)
    }

    /// The id of the cluster of this name, if there is one.
    pub(super) fn find_cluster(&self, name: &str) -> Result<Option<String>> {
        let clusters = self.send(Method::GET, "/api/v1/clusters?limit=100", None)?;
        let found =
            clusters["items"].as_array().into_iter().flatten().find(|it| it["name"] == name);
        found.map(|cluster| text(cluster, "id")).transpose()
    }

    /// What the installer asks: tells the hash of Flux's password, and hears of the environments.
    pub(super) fn describe(&self, enrolment: &str, git_password: &str) -> Result<Value> {
        let hash = hex::encode(Sha256::digest(git_password));
        let body = json!({"kubernetesVersion": "v1.34.4", "gitPasswordSha256": hash});
        let url = format!("https://{}/enrolment/cluster", self.agents);
        self.runtime.block_on(async {
            let request = self.http.post(url).bearer_auth(enrolment).json(&body);
            let response = request.send().await?;
            let status = response.status();
            let answer = response.text().await?;
            ensure!(
                status.is_success(),
                "the installer's question was answered {status}: {answer}"
            );
            Ok(serde_json::from_str(&answer)?)
        })
    }

    pub(super) fn add_repository(&self, url: &str, name: &str) -> Result<Added> {
        let body = json!({"url": url, "name": name});
        let added = self.send(Method::POST, "/api/v1/repositories", Some(&body))?;
        Ok(Added { id: text(&added["repository"], "id")?, secret: text(&added, "webhook_secret")? })
    }

    /// Delivers a push as GitHub does; false where nobody took it.
    pub(super) fn deliver(
        &self,
        repository: &Added,
        delivery: &str,
        before: &str,
        after: &str,
    ) -> bool {
        let body = push_event("main", before, after);
        let Ok(signature) = gimlet_github::sign(&repository.secret, body.as_bytes()) else {
            return false;
        };
        let url = format!("http://{}/hooks/github/{}", self.server, repository.id);
        let request = self.http.post(url).body(body);
        let request = request
            .header("content-type", "application/json")
            .header("x-github-event", "push")
            .header("x-github-delivery", delivery)
            .header("x-hub-signature-256", signature);
        self.runtime.block_on(async {
            request.send().await.is_ok_and(|response| response.status().is_success())
        })
    }

    /// The newest releases of all environments.
    pub(super) fn newest_releases(&self) -> Result<Vec<Value>> {
        let page = self.send(Method::GET, "/api/v1/releases?limit=100", None)?;
        Ok(page["items"].as_array().cloned().unwrap_or_default())
    }

    /// Releases that have not closed, or not well, in sentences.
    pub(super) fn restless_releases(&self) -> Result<Vec<String>> {
        let state = |release: &Value| release["state"].as_str().unwrap_or_default().to_owned();
        let at_rest = |release: &Value| {
            release["closed"] == true && matches!(state(release).as_str(), "healthy" | "superseded")
        };
        let text = |release: &Value| format!("{} is {}", release["id"], state(release));
        Ok(self.releases()?.iter().filter(|it| !at_rest(it)).map(text).collect())
    }

    /// All releases, newest first.
    pub(super) fn releases(&self) -> Result<Vec<Value>> {
        self.all("releases")
    }

    /// All rows of a list.
    pub(super) fn all(&self, list: &str) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut path = format!("/api/v1/{list}?limit=100");
        loop {
            let page = self.send(Method::GET, &path, None)?;
            all.extend(page["items"].as_array().into_iter().flatten().cloned());
            let Some(next) = page["next_cursor"].as_str() else { return Ok(all) };
            path = format!("/api/v1/{list}?limit=100&cursor={next}");
        }
    }

    fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        self.answer(path, self.request(method, path, body))
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> RequestBuilder {
        let mut request = self.http.request(method, format!("http://{}{path}", self.server));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    fn answer(&self, path: &str, request: RequestBuilder) -> Result<Value> {
        self.runtime.block_on(async {
            let response = request.send().await?;
            let status = response.status();
            let answer = response.text().await?;
            ensure!(status.is_success(), "{path} answered {status}: {answer}");
            Ok(serde_json::from_str(&answer)?)
        })
    }
}

/// What GitHub says of a push.
pub(super) fn push_event(branch: &str, before: &str, after: &str) -> String {
    let event = json!({
        "ref": format!("refs/heads/{branch}"), "before": before, "after": after,
        "repository": {"id": 1, "full_name": "acme/shop", "default_branch": "main"},
    });
    event.to_string()
}

/// The cluster's id, and the token out of the command that is pasted.
fn enrolment_of(connect: &Value) -> Result<(String, String)> {
    let command = text(connect, "command")?;
    let token = command.split('\'').nth(1).context("the command carries no token")?;
    Ok((text(&connect["cluster"], "id")?, token.to_owned()))
}

fn text(object: &Value, key: &str) -> Result<String> {
    let text = object[key].as_str();
    Ok(text.with_context(|| format!("the answer has no `{key}`: {object}"))?.to_owned())
}
