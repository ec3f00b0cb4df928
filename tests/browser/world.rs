//! What a scenario acts on: a control plane, a scripted cluster with the real agent, and developers.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use gimlet_tests::{
    child::{Child, ChildPlan, until},
    http,
    programs::Programs,
    scripted_cluster::{FluxEnvironment, Ledger, ScriptedCluster},
};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::runtime::Runtime;

mod source;

use source::{Commit, Source};

/// Longer than any start takes on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Longer than any answer takes.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// What the scripted Flux reads the built-in repositories with.
const GIT_PASSWORD: &str = "may-read";

/// Everything around the browser.
pub(crate) struct World {
    server: Child,
    agent: Option<Child>,
    cluster: Option<ScriptedCluster>,
    people: SocketAddr,
    agents: SocketAddr,
    health: SocketAddr,
    http: Client,
    token: String,
    sources: Vec<Source>,
    programs: Programs,
    runtime: Runtime,
    folder: TempDir,
}

impl World {
    /// Starts a control plane on an empty database.
    pub(crate) fn start() -> Result<Self> {
        // Another test of this program may have been first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let programs = Programs::build()?;
        let (runtime, folder) = (Runtime::new()?, TempDir::new()?);
        // Held together, so that no two are the same.
        let bind = || TcpListener::bind("127.0.0.1:0");
        let ports = [bind()?, bind()?, bind()?];
        let [people, health, agents] = &ports;
        let (people, health, agents) =
            (people.local_addr()?, health.local_addr()?, agents.local_addr()?);
        drop(ports);
        let server = server(&programs, &folder, people, health, agents);
        let http = Client::builder().tls_danger_accept_invalid_certs(true).timeout(ANSWER_LIMIT);
        let mut world = Self {
            server,
            agent: None,
            cluster: None,
            people,
            agents,
            health,
            http: http.build()?,
            token: String::new(),
            sources: Vec::new(),
            programs,
            runtime,
            folder,
        };
        world.start_server()?;
        let link = world.sign_in_link("acme")?;
        let code = link.rsplit('/').next().unwrap_or_default();
        let body = json!({"code": code, "name": "browser tests"});
        let created = world.send(Method::POST, "/api/v1/auth/link", Some(&body))?;
        world.token = text(&created, "token")?;
        Ok(world)
    }

    /// Where the browser finds it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.people)
    }

    /// Does what a script asks for.
    pub(crate) fn act(&mut self, asked: &Value) -> Result<Value> {
        let word = |key: &str| asked[key].as_str().unwrap_or_default();
        match word("do") {
            "sign-in-link" => Ok(json!(self.sign_in_link(word("organization"))?)),
            "connect" => self.connect(word("name")).map(Value::from),
            "add-cluster" => {
                self.send(Method::POST, "/api/v1/clusters", Some(&json!({"name": word("name")})))
            }
            "add-repository" => self.add_repository(word("name"), word("environment"), asked),
            "push" => self.push(asked),
            "kill-server" => {
                self.server.kill();
                Ok(Value::Null)
            }
            "start-server" => self.start_server().map(|()| Value::Null),
            other => bail!("`{other}` is nothing to do"),
        }
    }

    /// The end of the server's log.
    pub(crate) fn log_end(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("server.log"));
        let log = log.unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    fn start_server(&mut self) -> Result<()> {
        self.server.start(None)?;
        let health = self.health;
        let ready = until(START_LIMIT, || {
            http::get(health, "/readyz").is_ok_and(|answer| answer.status == 200).then_some(())
        });
        ready.with_context(|| format!("gimlet-server is not ready in time: {}", self.log_end()))
    }

    fn sign_in_link(&self, organization: &str) -> Result<String> {
        let mut command = self.server.command();
        command.args(["sign-in-link", "--organization", organization, "--login", "ana"]);
        let output = command.output().context("cannot run gimlet-server")?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "gimlet-server sign-in-link failed: {complaint}");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Adds a cluster and connects a scripted one with the real agent.
    fn connect(&mut self, name: &str) -> Result<String> {
        let connect = self.send(Method::POST, "/api/v1/clusters", Some(&json!({"name": name})))?;
        let command = text(&connect, "command")?;
        let token = command.split('\'').nth(1).context("the command carries no token")?;
        let plan = self.describe(token)?;
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        let ledger = Arc::new(Ledger::create(&folder.join("ledger.jsonl"))?);
        let mut cluster =
            self.runtime.block_on(ScriptedCluster::start(&folder, Some(Arc::clone(&ledger))))?;
        let environment = &plan["environments"][0];
        let (url, user) = (text(&environment["apps"], "url")?, text(environment, "gitUser")?);
        let environment = FluxEnvironment {
            name: name.to_owned(),
            url: url.replacen("http://", &format!("http://{user}:{GIT_PASSWORD}@"), 1),
            branch: "main".to_owned(),
            interval: Duration::from_secs(30),
            folder: folder.join("flux.git"),
        };
        let entered = self.runtime.enter();
        cluster.add_environment(environment, ledger);
        drop(entered);
        std::fs::write(folder.join("token"), token)?;
        let mut agent = self.agent_of(name, &cluster);
        agent.start(None)?;
        (self.agent, self.cluster) = (Some(agent), Some(cluster));
        text(&connect["cluster"], "id")
    }

    fn agent_of(&self, name: &str, cluster: &ScriptedCluster) -> Child {
        let folder = self.folder.path().join(name);
        let root = self.folder.path().join("data/ca/root.pem");
        let set = |name: &str, value: String| (name.to_owned(), value);
        Child::new(ChildPlan {
            program: self.programs.path("gimlet-agent"),
            arguments: Vec::new(),
            environment: vec![
                set("KUBECONFIG", cluster.kubeconfig().display().to_string()),
                set("GIMLET_SERVER", format!("https://{}", self.agents)),
                set("GIMLET_ROOT_FILE", root.display().to_string()),
                set("GIMLET_TOKEN_FILE", folder.join("token").display().to_string()),
                set("GIMLET_HEALTH_ADDR", "127.0.0.1:0".to_owned()),
                set("POD_NAME", format!("agent-{name}")),
            ],
            log: folder.join("agent.log"),
            folder: folder.join("agent"),
        })
    }

    /// What the installer asks.
    fn describe(&self, token: &str) -> Result<Value> {
        let hash = hex::encode(Sha256::digest(GIT_PASSWORD));
        let body = json!({"kubernetesVersion": "v1.34.4", "gitPasswordSha256": hash});
        let url = format!("https://{}/enrolment/cluster", self.agents);
        self.answer(self.http.post(url).bearer_auth(token).json(&body))
    }

    /// Adds a repository with `apps` applications; its first commit is there already.
    fn add_repository(&mut self, name: &str, environment: &str, asked: &Value) -> Result<Value> {
        let count = asked["apps"].as_u64().unwrap_or(1);
        let folder = self.folder.path().join("sources");
        let mut source = Source::create(&folder, name, environment, count)?;
        source.push(&Commit::asked_for(asked))?;
        let body = json!({"url": source.url(), "name": format!("acme/{name}")});
        let added = self.send(Method::POST, "/api/v1/repositories", Some(&body))?;
        source.id = text(&added["repository"], "id")?;
        self.sources.push(source);
        Ok(added)
    }

    /// Pushes, and has the server look.
    fn push(&mut self, asked: &Value) -> Result<Value> {
        let name = asked["name"].as_str().unwrap_or_default();
        let source = self.sources.iter_mut().find(|source| source.name == name);
        let source = source.with_context(|| format!("no repository is called {name}"))?;
        let head = source.push(&Commit::asked_for(asked))?;
        let path = format!("/api/v1/repositories/{}/look", source.id);
        self.send(Method::POST, &path, None)?;
        Ok(json!(head))
    }

    fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.url()));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        self.answer(request)
    }

    fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value> {
        self.runtime.block_on(async {
            let response = request.send().await?;
            let (status, url) = (response.status(), response.url().clone());
            let answer = response.text().await?;
            ensure!(status.is_success(), "{url} answered {status}: {answer}");
            Ok(if answer.is_empty() { Value::Null } else { serde_json::from_str(&answer)? })
        })
    }
}

fn server(
    programs: &Programs,
    folder: &TempDir,
    people: SocketAddr,
    health: SocketAddr,
    agents: SocketAddr,
) -> Child {
    let set = |name: &str, value: String| (format!("GIMLET_{name}"), value);
    let data = folder.path().join("data");
    Child::new(ChildPlan {
        program: programs.path("gimlet-server"),
        arguments: vec!["run".to_owned()],
        environment: vec![
            set("DATA_DIR", data.display().to_string()),
            set("LISTEN", people.to_string()),
            set("HEALTH_LISTEN", health.to_string()),
            set("AGENT_LISTEN", agents.to_string()),
            set("PUBLIC_URL", format!("http://{people}")),
            set("AGENT_URL", format!("https://{agents}")),
            set("ALLOW_PRIVATE_HOSTS", "true".to_owned()),
            set("ALLOW_FILE_REPOSITORIES", "true".to_owned()),
            set("LOG", "warn".to_owned()),
        ],
        log: folder.path().join("server.log"),
        folder: data,
    })
}

fn text(object: &Value, key: &str) -> Result<String> {
    let text = object[key].as_str();
    Ok(text.with_context(|| format!("the answer has no `{key}`: {object}"))?.to_owned())
}
