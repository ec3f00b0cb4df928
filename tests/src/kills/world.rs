//! Everything that stands while the killing goes on: control plane, two clusters, their agents, a second
//! git host and the developers' repositories.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{
    api::{Added, ApiClient},
    plan::{REPOSITORIES, Victim},
    source::{AppName, Source},
};
use crate::{
    child::{Child, ChildPlan, until},
    git_host::{GitHost, Login},
    http,
    programs::Programs,
    scripted_cluster::{FluxEnvironment, Ledger, Objects, ScriptedCluster},
};

/// The environment whose gitops repository the control plane keeps, and the one whose it does not.
pub(super) const BUILT_IN: &str = "prod";
pub(super) const OUTSIDE: &str = "edge";

/// One for each of them.
pub(super) const CLUSTERS: usize = 2;

/// Applications of each repository, half of them in each environment.
const APPS_OF_EACH: usize = 4;

/// Longer than any start takes.
pub(super) const START_LIMIT: Duration = Duration::from_secs(30);

/// A webhook that nobody took is found by the next poll: the stand-in for the usual five minutes.
const POLL_INTERVAL_S: &str = "5";

/// So long that a request to look which was lost is not made good by Flux itself.
const FLUX_INTERVAL: Duration = Duration::from_secs(3600);

/// What Flux reads the built-in repositories with.
pub(super) const GIT_PASSWORD: &str = "may-read";

const ORGANIZATION: &str = "acme";

/// What the control plane pushes with to the other git host.
const HOST_LOGIN: Login = Login { user: "bot", password: "may-push" };

/// Where a control plane listens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) people: SocketAddr,
    pub(super) health: SocketAddr,
    pub(super) agents: SocketAddr,
}

/// One cluster with its agent.
#[derive(Debug)]
pub(super) struct Cluster {
    /// Its id at the control plane.
    pub(super) id: String,
    pub(super) agent: Mutex<Child>,
    token_file: PathBuf,
    scripted: ScriptedCluster,
}

impl Cluster {
    /// What is on it.
    pub(super) fn objects(&self) -> &Objects {
        self.scripted.objects()
    }
}

/// A repository and who tells of its pushes.
#[derive(Debug)]
pub(super) struct Developer {
    pub(super) source: Source,
    pub(super) added: Added,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct World {
    pub(super) folder: PathBuf,
    pub(super) server: Mutex<Child>,
    pub(super) ports: Ports,
    pub(super) api: ApiClient,
    pub(super) clusters: Vec<Cluster>,
    pub(super) ledger: Arc<Ledger>,
    host: GitHost,
    _runtime: Arc<Runtime>,
}

impl Ports {
    /// Ports of a loopback address of their own. Every outgoing connection comes from 127.0.0.1: none takes a
    /// port of a control plane that is dead for a moment, and neither does another control plane.
    pub(super) fn free() -> Result<Self> {
        static CONTROL_PLANES: AtomicU32 = AtomicU32::new(1);
        let [.., high, low] = CONTROL_PLANES.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        // Another run on this machine has another process id.
        let run = u8::try_from(64 + std::process::id() % 128)?;
        let address = Ipv4Addr::new(127, run, high, low);
        // Held together, so that no two are the same.
        let bind = || TcpListener::bind((address, 0));
        let (people, health, agents) = (bind()?, bind()?, bind()?);
        Ok(Self {
            people: people.local_addr()?,
            health: health.local_addr()?,
            agents: agents.local_addr()?,
        })
    }
}

/// A control plane with its data in `folder`.
pub(super) fn server(programs: &Programs, folder: &Path, database: &str, ports: Ports) -> Child {
    let set = |name: &str, value: String| (format!("GIMLET_{name}"), value);
    Child::new(ChildPlan {
        program: programs.path("gimlet-server"),
        arguments: vec!["run".to_owned()],
        environment: vec![
            set("DATA_DIR", folder.join("data").display().to_string()),
            set("DATABASE_URL", database.to_owned()),
            set("LISTEN", ports.people.to_string()),
            set("HEALTH_LISTEN", ports.health.to_string()),
            set("AGENT_LISTEN", ports.agents.to_string()),
            set("PUBLIC_URL", format!("http://{}", ports.people)),
            set("AGENT_URL", format!("https://{}", ports.agents)),
            set("POLL_INTERVAL_S", POLL_INTERVAL_S.to_owned()),
            set("ALLOW_PRIVATE_HOSTS", "true".to_owned()),
            set("ALLOW_FILE_REPOSITORIES", "true".to_owned()),
            set("LOG", "info".to_owned()),
        ],
        log: folder.join("server.log"),
        folder: folder.join("data"),
    })
}

/// Waits until a control plane says that it is ready.
pub(super) fn wait_until_ready(ports: Ports, child: &Mutex<Child>) -> Result<()> {
    let is_ready = || http::get(ports.health, "/readyz").is_ok_and(|answer| answer.status == 200);
    let end =
        until(START_LIMIT, || if is_ready() { Some(None) } else { lock(child).end().map(Some) });
    match end {
        Some(None) => Ok(()),
        Some(Some(end)) => bail!("the control plane ended: {end:?}"),
        None => bail!("the control plane is not ready in time"),
    }
}

impl World {
    /// Starts everything, with all of the agents enrolled.
    pub(super) fn start(
        programs: &Programs,
        folder: &Path,
        database: &str,
        flaw: Option<&str>,
    ) -> Result<(Self, Vec<Developer>)> {
        let runtime = Arc::new(Runtime::new()?);
        let ports = Ports::free()?;
        let mut server = server(programs, folder, database, ports);
        server.set_flaw(flaw);
        let server = Mutex::new(server);
        lock(&server).start(None)?;
        wait_until_ready(ports, &server)?;
        let link = sign_in_link(&lock(&server))?;
        let api = ApiClient::sign_in(Arc::clone(&runtime), ports.people, ports.agents, &link)?;
        let ledger = Arc::new(Ledger::create(&folder.join("ledger.jsonl"))?);
        let host_folder = folder.join("host");
        std::fs::create_dir_all(&host_folder)?;
        let host = runtime.block_on(GitHost::start(host_folder, HOST_LOGIN))?;
        let mut world = Self {
            folder: folder.to_owned(),
            server,
            ports,
            api,
            clusters: Vec::new(),
            ledger,
            host,
            _runtime: Arc::clone(&runtime),
        };
        for name in [BUILT_IN, OUTSIDE] {
            let cluster = world.connect(programs, &runtime, name, flaw)?;
            world.clusters.push(cluster);
        }
        let developers = world.developers()?;
        Ok((world, developers))
    }

    /// One of its programs.
    pub(super) fn process(&self, victim: Victim) -> &Mutex<Child> {
        match victim {
            Victim::Server => &self.server,
            Victim::Agent(cluster) => &self.clusters[cluster].agent,
        }
    }

    /// Writes a new enrolment token to where a cluster's agent looks for one.
    pub(super) fn hand_out_token(&self, cluster: usize) -> Result<()> {
        let cluster = &self.clusters[cluster];
        let (_, token) = self.api.renew_enrolment(&cluster.id)?;
        Ok(std::fs::write(&cluster.token_file, token)?)
    }

    /// The gitops repositories by environment.
    pub(super) fn gitops_repositories(&self) -> Result<Vec<(&'static str, PathBuf)>> {
        let name = format!("gitops-{BUILT_IN}-apps");
        let built_in = find_folder(&self.folder.join("data"), &[name.clone(), name + ".git"]);
        let built_in = built_in.context("the built-in gitops repository is not in the data")?;
        Ok(vec![(BUILT_IN, built_in), (OUTSIDE, self.host.repository().to_owned())])
    }

    fn connect(
        &self,
        programs: &Programs,
        runtime: &Runtime,
        name: &str,
        flaw: Option<&str>,
    ) -> Result<Cluster> {
        let is_outside = name == OUTSIDE;
        let gitops = is_outside.then(|| {
            json!({
                "url": self.host.url(), "username": HOST_LOGIN.user, "password": HOST_LOGIN.password,
            })
        });
        let (id, token) = self.api.connect_cluster(name, gitops)?;
        let plan = self.api.describe(&token, GIT_PASSWORD)?;
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder)?;
        let ledger = Arc::clone(&self.ledger);
        let mut scripted = runtime.block_on(ScriptedCluster::start(&folder, Some(ledger)))?;
        let apps = &plan["environments"][0]["apps"];
        let url = if is_outside { self.host.url_with_login() } else { with_login(apps, &plan)? };
        let environment = FluxEnvironment {
            name: name.to_owned(),
            url,
            branch: "main".to_owned(),
            interval: FLUX_INTERVAL,
            folder: folder.join("flux.git"),
        };
        let entered = runtime.enter();
        scripted.add_environment(environment, Arc::clone(&self.ledger));
        drop(entered);
        let token_file = folder.join("token");
        std::fs::write(&token_file, token)?;
        let root = self.folder.join("data/ca/root.pem");
        let set = |name: &str, value: String| (name.to_owned(), value);
        let mut agent = Child::new(ChildPlan {
            program: programs.path("gimlet-agent"),
            arguments: Vec::new(),
            environment: vec![
                set("KUBECONFIG", scripted.kubeconfig().display().to_string()),
                set("GIMLET_SERVER", format!("https://{}", self.ports.agents)),
                set("GIMLET_ROOT_FILE", root.display().to_string()),
                set("GIMLET_TOKEN_FILE", token_file.display().to_string()),
                set("GIMLET_HEALTH_ADDR", "127.0.0.1:0".to_owned()),
                set("POD_NAME", format!("agent-{name}")),
                set("RUST_LOG", "info".to_owned()),
            ],
            log: folder.join("agent.log"),
            folder: folder.join("agent"),
        });
        agent.set_flaw(flaw);
        agent.start(None)?;
        Ok(Cluster { id, agent: Mutex::new(agent), token_file, scripted })
    }

    fn developers(&self) -> Result<Vec<Developer>> {
        let folder = self.folder.join("sources");
        let mut developers = Vec::new();
        for number in 0..REPOSITORIES {
            let app = |place: usize| AppName {
                environment: if place.is_multiple_of(2) { BUILT_IN } else { OUTSIDE }.to_owned(),
                app: format!("app-{number}-{place}"),
            };
            let apps = (0..APPS_OF_EACH).map(app).collect();
            let source = Source::create(&folder, &format!("shop-{number}"), apps)?;
            let added = self.api.add_repository(&source.url(), &format!("acme/shop-{number}"))?;
            developers.push(Developer { source, added });
        }
        Ok(developers)
    }
}

pub(super) fn sign_in_link(server: &Child) -> Result<String> {
    let output = server
        .command()
        .args(["sign-in-link", "--organization", ORGANIZATION, "--login", "ana"])
        .output()
        .context("cannot run gimlet-server")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "gimlet-server sign-in-link failed: {complaint}");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The address of a repository with Flux's credential in it.
pub(super) fn with_login(location: &Value, plan: &Value) -> Result<String> {
    let url = location["url"].as_str().context("the plan has no address")?;
    let user = plan["environments"][0]["gitUser"].as_str().context("the plan has no git user")?;
    Ok(url.replacen("http://", &format!("http://{user}:{GIT_PASSWORD}@"), 1))
}

/// Locks what no panic leaves half done: a process that runs or does not.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn find_folder(below: &Path, names: &[String]) -> Option<PathBuf> {
    let entries = std::fs::read_dir(below).ok()?.flatten().filter(|entry| entry.path().is_dir());
    for entry in entries {
        let is_it = names.iter().any(|name| entry.file_name().to_string_lossy() == *name);
        let found = if is_it { Some(entry.path()) } else { find_folder(&entry.path(), names) };
        if found.is_some() {
            return found;
        }
    }
    None
}
