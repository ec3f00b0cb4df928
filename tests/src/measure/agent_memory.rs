//! The agent's memory: the real agent, its real control plane, and a cluster by script that is as large as
//! it says. Beside it, on the same cluster at the same time, a plain reflector of pods.
//!
//! Each round both start anew, list everything, lose their watches and what those could go on from, list
//! again, and follow a change of every pod. Memory is what the kernel counts, pages of the program included.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use gimlet_bench::{
    figure::{Figure, Goal},
    server::Server,
    usage::{Memory, cpu_of, memory_of},
};
use serde_json::json;
use tokio::runtime::Runtime;

use super::{Setting, Size, large_cluster::LargeCluster};
use crate::{
    child::{Child, ChildPlan, until},
    http,
    scripted_cluster::ScriptedCluster,
};

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// What was promised: MiB at most, and kB for each pod.
const PEAK_GOAL: f64 = 12.0;
const POD_GOAL: f64 = 0.3;

/// Pods of the two clusters: what is between them is what pods cost.
const FULL: (usize, usize) = (1_000, 10_000);
const SMOKE: (usize, usize) = (20, 60);

/// Who works is not yet done; so long without work, it is.
const QUIET: Duration = Duration::from_millis(1500);

/// Longer than any step takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

/// The program that the agent is measured beside.
const PEER: &str = "kube-rs reflector";

/// Measures it.
pub(super) fn measure(setting: &Setting) -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let runtime = Runtime::new()?;
    let server = Server::start(&setting.programs, &folder.path().join("data"), &[])?;
    let (few, many) = if setting.size == Size::Full { FULL } else { SMOKE };
    let world = |pods: usize, name: &str| {
        World::start(setting, &runtime, &server, &folder.path().join(name), pods)
    };
    let (small, large) = (world(few, "small")?, world(many, "large")?);
    let mut results = Results { pods: (many - few) as f64, ..Results::default() };
    for round in 1..=setting.rounds {
        setting.progress.say(format_args!("  round {round} of {}", setting.rounds));
        let (ours, theirs) = (small.agent()?, small.reflector()?);
        let before = (ours.settled()?, theirs.settled()?);
        drop((ours, theirs));
        let (ours, theirs) = (large.agent()?, large.reflector()?);
        let listed = (ours.settled()?, theirs.settled()?);
        large.expire();
        let again = (ours.settled()?, theirs.settled()?);
        large.change_every_pod();
        let changed = (ours.settled()?, theirs.settled()?);
        results.ours.note(&before.0, &[listed.0, again.0, changed.0], ours.cpu()?);
        results.theirs.note(&before.1, &[listed.1, again.1, changed.1], theirs.cpu()?);
        large.check(&ours)?;
    }
    Ok(results.figures())
}

/// What every round found.
#[derive(Default)]
struct Results {
    /// How many pods the large cluster has more than the small one.
    pods: f64,
    ours: Found,
    theirs: Found,
}

/// Of one program, by round.
#[derive(Default)]
struct Found {
    small: Vec<f64>,
    listed: Vec<f64>,
    steady: Vec<f64>,
    peak: Vec<f64>,
    anonymous: Vec<f64>,
    cpu: Vec<f64>,
}

impl Found {
    fn note(&mut self, small: &Memory, [listed, again, changed]: &[Memory; 3], cpu: Duration) {
        let mebibytes = |bytes: u64| bytes as f64 / MEBIBYTE;
        self.small.push(mebibytes(small.now));
        self.listed.push(mebibytes(listed.now));
        self.steady.push(mebibytes(changed.now.max(again.now)));
        self.peak.push(mebibytes(changed.peak));
        self.anonymous.push(mebibytes(changed.anonymous));
        self.cpu.push(cpu.as_secs_f64());
    }

    /// Kilobytes that each pod costs once everything was listed.
    fn of_a_pod(&self, pods: f64) -> Vec<f64> {
        let grown = self.listed.iter().zip(&self.small).map(|(large, small)| large - small);
        grown.map(|grown| grown * MEBIBYTE / 1000.0 / pods).collect()
    }
}

impl Results {
    fn figures(self) -> Vec<Figure> {
        let Self { pods, ours, theirs } = self;
        let figure = |name: &str, unit, ours: Vec<f64>, theirs: &[f64]| {
            Figure::of(format!("agent-memory/{name}"), unit, ours).peer(PEER, theirs)
        };
        let (our_pod, their_pod) = (ours.of_a_pod(pods), theirs.of_a_pod(pods));
        vec![
            figure("peak", "MiB", ours.peak, &theirs.peak).goal(Goal::Max(PEAK_GOAL)),
            figure("pod", "kB", our_pod, &their_pod).goal(Goal::Max(POD_GOAL)),
            figure("small", "MiB", ours.small, &theirs.small),
            figure("listed", "MiB", ours.listed, &theirs.listed),
            figure("steady", "MiB", ours.steady, &theirs.steady),
            figure("steady-anonymous", "MiB", ours.anonymous, &theirs.anonymous),
            figure("cpu", "s", ours.cpu, &theirs.cpu),
        ]
    }
}

/// A cluster of a size, and what may be started on it.
struct World {
    cluster: ScriptedCluster,
    content: LargeCluster,
    folder: PathBuf,
    programs: PathBuf,
    /// Of the agent; the reflector needs none of it.
    environment: Vec<(String, String)>,
}

impl World {
    fn start(
        setting: &Setting,
        runtime: &Runtime,
        server: &Server,
        folder: &Path,
        pods: usize,
    ) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let cluster = runtime.block_on(ScriptedCluster::start(folder, None))?;
        let content = LargeCluster::of(pods);
        content.put_into(cluster.objects());
        let token_file = folder.join("token");
        std::fs::write(&token_file, runtime.block_on(enrolment(server, folder))?)?;
        let set = |name: &str, value: String| (name.to_owned(), value);
        let environment = vec![
            set("GIMLET_SERVER", format!("https://{}", server.agents)),
            set("GIMLET_ROOT_FILE", server.root().display().to_string()),
            set("GIMLET_TOKEN_FILE", token_file.display().to_string()),
            set("POD_NAME", "agent".to_owned()),
            set("RUST_LOG", "info".to_owned()),
        ];
        let (folder, programs) = (folder.to_owned(), setting.programs.clone());
        Ok(Self { cluster, content, folder, programs, environment })
    }

    fn agent(&self) -> Result<Running> {
        let health = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut environment = self.environment.clone();
        environment.push(("GIMLET_HEALTH_ADDR".to_owned(), health.to_string()));
        let running = self.start_program("gimlet-agent", environment)?;
        let is_connected = || {
            let metrics = http::get(health, "/metrics").ok()?.body;
            let is_ready = http::get(health, "/readyz").ok()?.status == 200;
            (is_ready && metrics.contains("gimlet_agent_link_up 1")).then_some(())
        };
        until(LIMIT, is_connected).context("the agent does not connect")?;
        Ok(Running { health: Some(health), ..running })
    }

    fn reflector(&self) -> Result<Running> {
        self.start_program("gimlet-reflector", Vec::new())
    }

    fn start_program(&self, name: &str, environment: Vec<(String, String)>) -> Result<Running> {
        let kubeconfig = self.cluster.kubeconfig().display().to_string();
        let program = self.programs.join(name);
        ensure!(program.exists(), "{} is not built", program.display());
        let mut child = Child::new(ChildPlan {
            program,
            arguments: Vec::new(),
            environment: [vec![("KUBECONFIG".to_owned(), kubeconfig)], environment].concat(),
            log: self.folder.join(format!("{name}.log")),
            folder: self.folder.join(name),
        });
        child.start(None)?;
        let process = child.id().with_context(|| format!("{name} ended at once"))?;
        Ok(Running { _child: child, process, health: None })
    }

    /// Ends every watch, and forgets what it could go on from.
    fn expire(&self) {
        self.cluster.objects().forget_history();
    }

    fn change_every_pod(&self) {
        self.content.change_every_pod(self.cluster.objects());
    }

    /// A figure of an agent that did not see everything would be none.
    fn check(&self, agent: &Running) -> Result<()> {
        let health = agent.health.context("this is no agent")?;
        let metrics = http::get(health, "/metrics")?.body;
        let told = metrics
            .lines()
            .find_map(|line| line.strip_prefix("gimlet_agent_changes_total "))
            .context("the agent does not count its changes")?;
        // Listed twice, and changed once.
        let least = 3 * self.content.pods();
        ensure!(told.parse::<usize>()? >= least, "the agent saw {told} changes, not {least}");
        Ok(())
    }
}

/// A program that is measured; killed when dropped.
struct Running {
    _child: Child,
    process: u32,
    health: Option<SocketAddr>,
}

impl Running {
    /// Its memory once it has nothing more to do.
    fn settled(&self) -> Result<Memory> {
        let began = Instant::now();
        let (mut used, mut since) = (cpu_of(self.process)?, Instant::now());
        while since.elapsed() < QUIET {
            std::thread::sleep(QUIET / 5);
            let now = cpu_of(self.process)?;
            if now != used {
                (used, since) = (now, Instant::now());
            }
            if began.elapsed() > LIMIT {
                bail!("process {} does not come to rest", self.process);
            }
        }
        memory_of(self.process)
    }

    fn cpu(&self) -> Result<Duration> {
        cpu_of(self.process)
    }
}

/// Adds a cluster, and gives the token that its agent enrols with.
async fn enrolment(server: &Server, folder: &Path) -> Result<String> {
    let token = server.token().await?;
    let name = folder.file_name().and_then(|name| name.to_str()).context("a folder's name")?;
    let connect = server.call("/api/v1/clusters", Some(&token), &json!({"name": name})).await?;
    let command = connect["command"].as_str().context("the answer has no command")?;
    Ok(command.split('\'').nth(1).context("the command carries no token")?.to_owned())
}
