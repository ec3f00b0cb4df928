//! Cluster, control plane, enrolled agent and a signed-in command line, set up the way a user does it.

mod reach;

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Output},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use gimlet_cluster::{Cluster, Forward, NODE_ADDRESS, Options, Settings, shell_image};
use serde_json::Value;

use reach::{ports, server_settings};

use crate::{
    http,
    programs::Programs,
    sample::Sample,
    server::{Server, ServerPlan},
    steps::Steps,
};

/// The organization of every stack.
pub const ORGANIZATION: &str = "acme";
/// The login of its owner.
pub const LOGIN: &str = "ana";
/// How often waits look.
const LOOK: Duration = Duration::from_millis(200);

/// What differs between stacks.
#[derive(Clone, Debug)]
pub struct StackPlan {
    /// Name of the cluster's run.
    pub name: String,
    /// Seconds that a release may take.
    pub release_deadline_s: u64,
    /// Seconds between two looks at a repository.
    pub poll_interval_s: u64,
    /// URL of a database; absent: SQLite.
    pub database_url: Option<String>,
    /// Loopback port for people; 0 takes a free one.
    pub port: u16,
    /// Where a cluster given by `KUBECONFIG` reaches this machine.
    pub reach: Option<Reach>,
}

/// How a cluster that is not ours reaches this machine and its images.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Address of this machine as the cluster's pods see it.
    pub host: String,
    /// Full name of an agent image that the cluster can pull.
    pub agent_image: String,
    /// Full name of a shell image with a web server (`busybox`) that the cluster can pull.
    pub shell_image: String,
}

/// Everything, running.
#[derive(Debug)]
pub struct Stack {
    /// The cluster.
    pub cluster: Cluster,
    /// The control plane.
    pub server: Server,
    /// The source repository.
    pub sample: Sample,
    /// Where people reach the control plane.
    pub public_url: String,
    programs: Programs,
    scratch: PathBuf,
    _forwards: Vec<Forward>,
}

impl Stack {
    /// Brings up cluster and control plane and signs the command line in. No agent is enrolled yet.
    ///
    /// # Errors
    /// What is missing or failed, with the remedy; nothing is left standing then.
    pub fn up(plan: &StackPlan, steps: &Steps) -> Result<Self> {
        let up = Self::bring_up(plan, steps);
        if up.is_err() {
            gimlet_cluster::down(&Settings::from_environment()?, &plan.name)?;
        }
        up
    }

    fn bring_up(plan: &StackPlan, steps: &Steps) -> Result<Self> {
        let settings = Settings::from_environment()?;
        let programs = steps.step("Build the product's programs", Programs::build)?;
        let options = Options { name: plan.name.clone() };
        let cluster =
            steps.step("Bring up Kubernetes with Flux", || Cluster::up(&settings, &options))?;
        let scratch = fresh_scratch(&settings, &plan.name)?;
        let (agent_image, shell) = match (cluster.lab(), &plan.reach) {
            (Some(_), _) => steps.step("Make and push the images", || {
                let agent = programs.push_agent_image(&cluster, &scratch)?;
                let archive = scratch.join("shell.tar");
                shell_image(&settings, "acme/shell:1")?.write_to(&archive)?;
                Ok((agent, cluster.push_image(&archive, "acme/shell:1")?))
            })?,
            (None, Some(reach)) => (reach.agent_image.clone(), reach.shell_image.clone()),
            (None, None) => bail!(
                "the cluster of KUBECONFIG is not ours, so it has to be said how it reaches this machine: give --host \
                 ADDRESS, --agent-image NAME and --shell-image NAME"
            ),
        };
        let ports = ports(cluster.lab(), plan.port)?;
        let public_url = format!("http://{}", ports.people);
        let settings = server_settings(plan, cluster.lab(), &ports, &agent_image, &public_url);
        let server_plan = ServerPlan {
            program: programs.path("gimlet-server"),
            data: scratch.join("control-plane"),
            settings,
            health: ports.health,
            lab: cluster.lab().cloned(),
        };
        let server = steps.step("Start the control plane", || Server::start(server_plan))?;
        let sample = Sample::create(&scratch, &shell)?;
        let stack = Self {
            cluster,
            server,
            sample,
            public_url,
            programs,
            scratch,
            _forwards: ports.forwards,
        };
        let link = stack.server.sign_in_link(ORGANIZATION, LOGIN)?;
        stack.gimlet(&["auth", "login", "--server", &stack.public_url, "--link", &link])?;
        Ok(stack)
    }

    /// Connects the cluster as a user does: asks for the command, and pastes it into a shell.
    ///
    /// # Errors
    /// When the command fails or the agent does not come.
    pub fn enrol(&self, name: &str) -> Result<()> {
        let connect = self.gimlet_json(&["cluster", "connect", name])?;
        let command = connect["command"].as_str().context("the answer has no command")?;
        self.paste(command)?;
        self.wait(Duration::from_secs(60), "the agent to connect", || {
            let clusters = self.gimlet_json(&["cluster", "list"])?;
            let rows = items(&clusters);
            Ok(rows
                .iter()
                .any(|row| row["name"] == name && row["state"] == "connected")
                .then_some(()))
        })
    }

    /// The product's programs.
    #[must_use]
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Runs a shell command where a user would: with the cluster's kubeconfig and our programs in `PATH`.
    ///
    /// # Errors
    /// When it fails; with what it wrote.
    pub fn paste(&self, command: &str) -> Result<String> {
        let kubeconfig = self.user_kubeconfig()?;
        let mut shell = match self.cluster.lab() {
            Some(lab) => lab.command("sh"),
            None => Command::new("sh"),
        };
        let output = shell
            .args(["-c", command])
            .env("KUBECONFIG", kubeconfig)
            .env(
                "PATH",
                format!("{}:/usr/local/bin:/usr/bin:/bin", self.programs.folder().display()),
            )
            .output()?;
        let all = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        ensure!(
            output.status.success(),
            "the pasted command failed with {}:\n{all}",
            output.status
        );
        Ok(all)
    }

    /// Runs `gimlet` and returns what it printed.
    ///
    /// # Errors
    /// When it ends with another code than 0; with what it wrote.
    pub fn gimlet(&self, arguments: &[&str]) -> Result<String> {
        let output = self.gimlet_output(arguments)?;
        ensure!(
            output.status.success(),
            "gimlet {} ended with {}:\n{}{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs `gimlet … -o json` and parses what it printed.
    ///
    /// # Errors
    /// As [`Stack::gimlet`], and when it is no JSON.
    pub fn gimlet_json(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.gimlet(&[arguments, &["-o", "json"]].concat())?;
        serde_json::from_str(&text)
            .with_context(|| format!("gimlet {} printed no JSON: {text}", arguments.join(" ")))
    }

    /// Runs `gimlet` and returns everything, exit code included.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn gimlet_output(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(self.programs.path("gimlet"));
        command
            .args(arguments)
            .env("XDG_CONFIG_HOME", self.scratch.join("config"))
            .env("NO_COLOR", "1");
        command.env_remove("GIMLET_SERVER").env_remove("GIMLET_TOKEN");
        command.output().context("cannot run gimlet")
    }

    /// Follows the sample's repository.
    ///
    /// # Errors
    /// When the control plane refuses it.
    pub fn add_repository(&self) -> Result<Value> {
        self.gimlet_json(&["repo", "add", &self.sample.url(), "--name", "acme/shop"])
    }

    /// Waits until the newest release of an application by this commit has closed, and returns it.
    ///
    /// # Errors
    /// When it takes longer than `limit`.
    pub fn wait_for_release(
        &self,
        environment: &str,
        app: &str,
        sha: &str,
        limit: Duration,
    ) -> Result<Value> {
        self.wait(limit, &format!("the release of {sha} to close"), || {
            let list =
                self.gimlet_json(&["release", "list", "--environment", environment, "--app", app])?;
            let found = items(&list).iter().find(|release| release["sha"] == sha).cloned();
            Ok(found.filter(|release| release["closed"] == true))
        })
    }

    /// Looks again and again until `look` finds something.
    ///
    /// # Errors
    /// When `limit` passes, with the last error of `look`, if it had one.
    pub fn wait<T>(
        &self,
        limit: Duration,
        what: &str,
        mut look: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let began = Instant::now();
        loop {
            let last = match look() {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => None,
                Err(error) => Some(error),
            };
            if began.elapsed() > limit {
                let reason = last.map(|error| format!(": {error:#}")).unwrap_or_default();
                bail!(
                    "waited {} s for {what}{reason}; log: {}",
                    limit.as_secs(),
                    self.server.log().display()
                );
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Reads a page as a person does who signs in with a link of her own.
    ///
    /// # Errors
    /// When the link is not taken, or the page is not there.
    pub fn page(&self, path: &str) -> Result<String> {
        let address: SocketAddr = self.public_url.trim_start_matches("http://").parse()?;
        let link = self.server.sign_in_link(ORGANIZATION, LOGIN)?;
        let sign_in = link.strip_prefix(&self.public_url).context("the link leads elsewhere")?;
        let signed_in = http::send(address, "POST", sign_in, &[("origin", &self.public_url)])?;
        let cookie = signed_in.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        let cookie =
            cookie.with_context(|| format!("signing in set no cookie: {}", signed_in.head))?;
        let page = http::send(address, "GET", path, &[("cookie", cookie)])?;
        ensure!(page.status == 200, "{path} answers {}", page.head);
        Ok(page.body)
    }

    /// Forwards a loopback port to port 80 of a Service.
    ///
    /// # Errors
    /// When the Service is not there, or the cluster is not ours.
    pub fn forward_service(&self, namespace: &str, name: &str) -> Result<Forward> {
        let ip = self.cluster.kubectl().run(&[
            "-n",
            namespace,
            "get",
            "service",
            name,
            "-o",
            "jsonpath={.spec.clusterIP}",
        ])?;
        let target = SocketAddr::new(ip.trim().parse()?, 80);
        self.cluster
            .lab()
            .context("this cluster has no network of ours to forward from")?
            .forward(target)
    }

    /// Ends the control plane and takes the cluster down.
    ///
    /// # Errors
    /// When something stays behind.
    pub fn down(mut self) -> Result<()> {
        let stopped = self.server.stop();
        drop(self.server);
        drop(self._forwards);
        self.cluster.down()?;
        std::fs::remove_dir_all(&self.scratch)?;
        stopped
    }

    /// The kubeconfig as it is used inside the cluster's own network.
    fn user_kubeconfig(&self) -> Result<PathBuf> {
        if self.cluster.lab().is_none() {
            return Ok(self.cluster.kubeconfig().to_owned());
        }
        let mut config: Value =
            serde_json::from_str(&std::fs::read_to_string(self.cluster.kubeconfig())?)?;
        config["clusters"][0]["cluster"]["server"] = format!("https://{NODE_ADDRESS}:6443").into();
        let path = self.scratch.join("user.kubeconfig");
        std::fs::write(&path, config.to_string())?;
        Ok(path)
    }
}

/// The rows of a list, whether it comes as a page or as an array.
#[must_use]
pub fn items(list: &Value) -> &[Value] {
    list.as_array().or_else(|| list["items"].as_array()).map_or(&[], Vec::as_slice)
}

/// An empty folder for one stack, below the cache; what a killed run left is removed.
fn fresh_scratch(settings: &Settings, name: &str) -> Result<PathBuf> {
    let scratch = settings.cache().join("stacks").join(name);
    if scratch.exists() {
        std::fs::remove_dir_all(&scratch)?;
    }
    std::fs::create_dir_all(&scratch)?;
    Ok(scratch)
}
