//! A server of its own for every test, and the people who ask it.

use std::{path::Path, process::Command, sync::Arc, time::Duration};

use axum::Router;
use gimlet_api::{
    AgentPort, HttpMetrics, PeopleConfig, RequestLimits, health_router, observed, people_router,
    serve_http, tls_config,
};
use gimlet_app::{
    App, AppConfig, AppMetrics, CertificateAuthority, Clock, Outside, SystemClock, Vault,
    open_charts, reconcile,
};
use gimlet_git::{
    Git,
    remote::HostPolicy,
    smart_http::{Limits, SmartHttp},
};
use gimlet_github::GitHubHooks;
use gimlet_shared::api::{ClusterConnect, Problem, TokenCreated};
use gimlet_store::Store;
use prometheus::Registry;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Longer than any wait between two tries that a test meets.
const PATIENCE: Duration = Duration::from_secs(60);
/// A test that does not wait for it never meets it.
const SELDOM: Duration = Duration::from_secs(3600);

/// All three ports of a control plane, on loopback.
pub(crate) struct TestServer {
    pub(crate) app: App,
    pub(crate) url: String,
    pub(crate) health_url: String,
    pub(crate) agent_port: u16,
    pub(crate) shutdown: CancellationToken,
    pub(crate) folder: TempDir,
    pub(crate) tasks: JoinSet<()>,
}

/// A signed-in owner of an organization.
pub(crate) struct Owner {
    pub(crate) token: String,
    url: String,
    client: Client,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_polling(SELDOM).await
    }

    /// Looks at source repositories this often, asked or not.
    pub(crate) async fn start_polling(poll_interval: Duration) -> Self {
        Self::start_with(poll_interval, RequestLimits::default()).await
    }

    /// Lets only so many requests through.
    pub(crate) async fn start_limited(limits: RequestLimits) -> Self {
        Self::start_with(SELDOM, limits).await
    }

    async fn start_with(poll_interval: Duration, limits: RequestLimits) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let (people, agents, health) = (listener().await, listener().await, listener().await);
        let url = format!("http://{}", people.local_addr().unwrap());
        let agent_port = agents.local_addr().unwrap().port();
        let registry = Registry::new();
        let app = open_app(&folder, &url, agent_port, poll_interval, &registry).await;
        let metrics = HttpMetrics::register(&registry).unwrap();
        let (shutdown, mut tasks) = (CancellationToken::new(), JoinSet::new());

        let git = SmartHttp::new(Git::new(folder.path().join("git-home")), Limits::default());
        let router =
            people_router(app.clone(), PeopleConfig { git, shutdown: shutdown.clone(), limits });
        serve(&mut tasks, people, observed(router, metrics.clone()), &shutdown);
        let health_url = format!("http://{}", health.local_addr().unwrap());
        serve(
            &mut tasks,
            health,
            health_router(app.clone(), registry, shutdown.clone()),
            &shutdown,
        );
        let (chain, key) = app.server_certificate("localhost").unwrap();
        let tls = tls_config(&chain, &key, app.root_pem()).unwrap();
        let port = AgentPort { app: app.clone(), tls, metrics, shutdown: shutdown.clone() };
        tasks.spawn(async move { port.serve(agents).await.unwrap() });
        Self { app, url, health_url, agent_port, shutdown, folder, tasks }
    }

    /// Runs what carries commits and releases on.
    pub(crate) fn reconcile(&mut self) {
        let (app, shutdown) = (self.app.clone(), self.shutdown.clone());
        self.tasks.spawn(async move { reconcile::run(app, shutdown).await.unwrap() });
    }

    /// Makes an organization and signs its owner in, by link, as a program does.
    pub(crate) async fn new_owner(&self, organization: &str) -> Owner {
        let link = self.app.create_sign_in_link(organization, "ana").await.unwrap();
        let (_, code) = link.rsplit_once('/').unwrap();
        let client = client();
        let request = client.post(format!("{}/api/v1/auth/link", self.url));
        let answer = request.json(&json!({"code": code, "name": "test"})).send().await.unwrap();
        let created: TokenCreated = answer.json().await.unwrap();
        Owner { token: created.token, url: self.url.clone(), client }
    }

    /// A session cookie of the owner of `organization`.
    pub(crate) async fn new_session(&self, organization: &str) -> String {
        let link = self.app.create_sign_in_link(organization, "ana").await.unwrap();
        let (_, code) = link.rsplit_once('/').unwrap();
        self.app.sign_in(code).await.unwrap().cookie
    }

    /// A client of the agents' port that trusts its root.
    pub(crate) fn agent_client(&self) -> Client {
        let root = reqwest::Certificate::from_pem(self.app.root_pem().as_bytes()).unwrap();
        Client::builder().tls_certs_only([root]).no_proxy().build().unwrap()
    }

    pub(crate) fn agent_url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.agent_port)
    }
}

impl Owner {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Response {
        self.request(Method::POST, path).json(&body).send().await.unwrap()
    }

    /// Adds a cluster with an environment of the same name.
    pub(crate) async fn given_cluster(&self, name: &str) -> ClusterConnect {
        let answer = self.post("/api/v1/clusters", json!({"name": name})).await;
        assert_eq!(answer.status(), 201);
        answer.json().await.unwrap()
    }
}

/// The single-use token in a connect command.
pub(crate) fn enrolment_token(connect: &ClusterConnect) -> String {
    let start = connect.command.find("get_").unwrap();
    let rest = &connect.command[start..];
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
    rest[..end.unwrap_or(rest.len())].to_owned()
}

/// A client without proxies and redirects.
pub(crate) fn client() -> Client {
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// The problem that an answer carries; its header and body must agree.
pub(crate) async fn problem(answer: Response) -> Problem {
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    assert_eq!(headers["content-type"], "application/problem+json");
    let problem: Problem = answer.json().await.unwrap();
    assert_eq!(problem.status, status);
    assert!(problem.kind.starts_with("/docs/problems#"), "{problem:?}");
    assert_eq!(problem.request_id.as_deref(), headers["x-request-id"].to_str().ok());
    problem
}

/// Asks until there is an answer; the reconcilers have no other word for it.
pub(crate) async fn eventually<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    let asked = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("it did not come")
}

/// Runs git in `folder`, without anything of this machine's configuration.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new("git")
        .args(["-c", "user.name=Ana", "-c", "user.email=ana@example.com"])
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("NO_PROXY", "*")
        .output()
        .unwrap()
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn open_app(
    folder: &TempDir,
    url: &str,
    agent_port: u16,
    poll_interval: Duration,
    registry: &Registry,
) -> App {
    let database = format!("sqlite://{}", folder.path().join("gimlet.db").display());
    let store = Store::open(&database).await.unwrap();
    let ca = CertificateAuthority::open(&folder.path().join("ca"), SystemClock.now()).unwrap();
    let config = AppConfig {
        public_url: url.parse().unwrap(),
        agent_url: format!("https://localhost:{agent_port}").parse().unwrap(),
        git_url: url.parse().unwrap(),
        data_dir: folder.path().to_owned(),
        agent_image: "registry.example/agent:1".to_owned(),
        release_deadline: Duration::from_secs(300),
        poll_interval,
        host_policy: HostPolicy { allow_private: true, allow_file: true },
    };
    let metrics = AppMetrics::register(registry).unwrap();
    let vault = Vault::open(folder.path()).unwrap();
    let charts = open_charts(folder.path(), config.host_policy).unwrap();
    let outside = Outside { charts, hooks: Arc::new(GitHubHooks) };
    App::new(store, config, ca, vault, outside, Arc::new(SystemClock), metrics)
}

fn serve(tasks: &mut JoinSet<()>, listener: TcpListener, router: Router, stop: &CancellationToken) {
    let stop = stop.clone();
    tasks.spawn(async move {
        serve_http(listener, router, stop).await.unwrap();
    });
}
