//! A control plane as a child process: started, killed without warning, started again.

use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use gimlet_cluster::Lab;

/// Longer than any start takes, migrations included.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Longer than a drain takes.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// Lines of the log that an error shows.
const LINES_OF_AN_ERROR: usize = 20;

/// How a control plane is started.
#[derive(Clone, Debug)]
pub struct ServerPlan {
    /// The program.
    pub program: PathBuf,
    /// Its data directory; its log lies beside it.
    pub data: PathBuf,
    /// Configuration as environment variables, `GIMLET_…`.
    pub settings: Vec<(String, String)>,
    /// Address where health is asked, as this process reaches it.
    pub health: SocketAddr,
    /// The network it runs in; `None`: the host's.
    pub lab: Option<Lab>,
}

/// A running control plane; killed when dropped.
#[derive(Debug)]
pub struct Server {
    plan: ServerPlan,
    child: Option<Child>,
}

impl Server {
    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// When it ends, or is not ready in time; the end of its log is part of the error.
    pub fn start(plan: ServerPlan) -> Result<Self> {
        let mut server = Self { plan, child: None };
        server.start_again()?;
        Ok(server)
    }

    /// Starts it again after [`Server::kill`] or [`Server::stop`].
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_again(&mut self) -> Result<()> {
        ensure!(self.child.is_none(), "the control plane runs already");
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = self.command();
        command.arg("run").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().context("cannot start gimlet-server")?);
        let began = Instant::now();
        while !ready(self.plan.health) {
            if let Some(status) =
                self.child.as_mut().and_then(|child| child.try_wait().ok().flatten())
            {
                self.child = None;
                bail!("gimlet-server ended with {status}:\n{}", self.log_end(LINES_OF_AN_ERROR));
            }
            ensure!(
                began.elapsed() < START_LIMIT,
                "gimlet-server is not ready in time:\n{}",
                self.log_end(LINES_OF_AN_ERROR)
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the control plane does not run")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// SIGTERM, and waits until it has drained.
    ///
    /// # Errors
    /// When it does not run, does not end in time, or ends with an error.
    pub fn stop(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the control plane does not run")?;
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                ensure!(
                    status.success(),
                    "gimlet-server ended with {status}:\n{}",
                    self.log_end(LINES_OF_AN_ERROR)
                );
                return Ok(());
            }
            if began.elapsed() > STOP_LIMIT {
                child.kill()?;
                child.wait()?;
                bail!("gimlet-server did not drain in time:\n{}", self.log_end(LINES_OF_AN_ERROR));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A one-time sign-in link for the owner `login`.
    ///
    /// # Errors
    /// When the command fails.
    pub fn sign_in_link(&self, organization: &str, login: &str) -> Result<String> {
        let output = self
            .command()
            .args(["sign-in-link", "--organization", organization, "--login", login])
            .output()
            .context("cannot run gimlet-server")?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "gimlet-server sign-in-link failed: {complaint}");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Its log file.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.plan.data.with_extension("log")
    }

    /// The last `count` lines of its log, as far as it can be read.
    #[must_use]
    pub fn log_end(&self, count: usize) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }

    /// Its data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.plan.data
    }

    /// Changes a setting for the next start.
    pub fn set(&mut self, name: &str, value: &str) {
        self.plan.settings.retain(|(other, _)| other != name);
        self.plan.settings.push((name.to_owned(), value.to_owned()));
    }

    fn command(&self) -> Command {
        let mut command = match &self.plan.lab {
            Some(lab) => lab.command(&self.plan.program),
            None => Command::new(&self.plan.program),
        };
        command.env("GIMLET_DATA_DIR", &self.plan.data);
        command.envs(self.plan.settings.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.is_some() {
            // Dropped on the way out of a failure: the failure is what counts.
            let _ = self.kill();
        }
    }
}

fn ready(health: SocketAddr) -> bool {
    crate::http::get(health, "/readyz").is_ok_and(|answer| answer.status == 200)
}
