//! The control plane under measurement: its own program, on a fresh SQLite database and free ports.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::http::{Connection, get, post};

/// Longer than any start takes.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running control plane; killed when dropped.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    data: PathBuf,
    /// Where it serves people and webhooks.
    pub address: SocketAddr,
    /// Where it serves agents.
    pub agents: SocketAddr,
    health: SocketAddr,
    /// Further settings, as environment variables.
    settings: Vec<(&'static str, String)>,
    child: Option<Child>,
}

impl Server {
    /// Starts `gimlet-server` of the folder `programs` on the data directory `data`, with these further
    /// settings.
    ///
    /// # Errors
    /// When it is not there, or does not become ready.
    pub fn start(
        programs: &Path,
        data: &Path,
        settings: &[(&'static str, String)],
    ) -> Result<Self> {
        let program = programs.join("gimlet-server");
        ensure!(program.exists(), "{} is not built", program.display());
        let mut server = Self {
            program,
            data: data.to_owned(),
            address: free_port()?,
            health: free_port()?,
            agents: free_port()?,
            settings: settings.to_vec(),
            child: None,
        };
        server.start_again()?;
        Ok(server)
    }

    /// Starts it again after [`kill`](Self::kill).
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_again(&mut self) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = self.command();
        command.arg("run").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().context("cannot start gimlet-server")?);
        let began = Instant::now();
        // It opens its ports last.
        while TcpStream::connect(self.address).is_err() {
            let ended = self.child.as_mut().map(Child::try_wait).transpose()?.flatten();
            if let Some(status) = ended {
                let log = std::fs::read_to_string(self.log()).unwrap_or_default();
                bail!("gimlet-server ended with {status}:\n{log}");
            }
            ensure!(began.elapsed() < START_LIMIT, "gimlet-server does not become ready");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the server does not run")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Its process.
    ///
    /// # Errors
    /// When it does not run.
    pub fn process(&self) -> Result<u32> {
        Ok(self.child.as_ref().context("the server does not run")?.id())
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A token of the organization's owner.
    ///
    /// # Errors
    /// When the server does not give one.
    pub async fn token(&self) -> Result<String> {
        let output = self
            .command()
            .args(["sign-in-link", "--organization", "acme", "--login", "ana"])
            .output()?;
        let link = String::from_utf8(output.stdout)?;
        let code = link.trim().rsplit('/').next().context("no link")?.to_owned();
        let body = json!({ "code": code, "name": "measure" });
        let answer = self.call("/api/v1/auth/link", None, &body).await?;
        Ok(answer["token"].as_str().context("no token")?.to_owned())
    }

    /// One call of the API.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn call(&self, path: &str, token: Option<&str>, body: &Value) -> Result<Value> {
        let bearer = format!("Bearer {}", token.unwrap_or_default());
        let headers: &[(&str, &str)] =
            if token.is_some() { &[("authorization", &bearer)] } else { &[] };
        let request = post(path, headers, body.to_string().as_bytes());
        let answer = Connection::open(self.address).await?.send(&request).await?;
        let text = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status < 300, "POST {path}: {} {text}", answer.status);
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// Its metrics, as text.
    ///
    /// # Errors
    /// When it does not tell them.
    pub async fn metrics(&self) -> Result<String> {
        let answer = Connection::open(self.health).await?.send(&get("/metrics", &[])).await?;
        ensure!(answer.status == 200, "the metrics were answered {}", answer.status);
        Ok(String::from_utf8(answer.body)?)
    }

    /// Its certificate authority's root.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.data.join("ca/root.pem")
    }

    fn log(&self) -> PathBuf {
        self.data.with_extension("log")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("GIMLET_DATA_DIR", &self.data)
            .env("GIMLET_LISTEN", self.address.to_string())
            .env("GIMLET_HEALTH_LISTEN", self.health.to_string())
            .env("GIMLET_AGENT_LISTEN", self.agents.to_string())
            .env("GIMLET_PUBLIC_URL", format!("http://{}", self.address))
            .env("GIMLET_AGENT_URL", format!("https://{}", self.agents))
            .env("GIMLET_ALLOW_FILE_REPOSITORIES", "true")
            .env("GIMLET_ALLOW_PRIVATE_HOSTS", "true")
            // Whoever measures asks more often than anybody else.
            .env("GIMLET_LIMITS_PER_CREDENTIAL", "0")
            .env("GIMLET_LOG", "warn")
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
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

fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
