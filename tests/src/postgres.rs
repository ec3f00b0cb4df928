//! A PostgreSQL server of its own for tests: a fresh folder, a free loopback port, nobody's data.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

/// Longer than any start takes.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running server; ended, and its folder removed, when dropped.
#[derive(Debug)]
pub struct Postgres {
    server: Child,
    port: u16,
    /// Data and socket; removed after the server has ended.
    folder: TempDir,
}

impl Postgres {
    /// Finds the programs, makes a data folder, starts a server and waits for it.
    ///
    /// # Errors
    /// Says what is missing and how to get it.
    pub fn start() -> Result<Self> {
        let programs = programs()?;
        let folder = TempDir::new()?;
        let data = folder.path().join("data");
        std::fs::create_dir(&data)?;
        own(folder.path())?;
        own(&data)?;
        let made = unprivileged(&programs.join("initdb"))
            .args(["--auth=trust", "--username=gimlet", "--encoding=UTF8", "--no-sync", "--pgdata"])
            .arg(&data)
            .output()?;
        ensure!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut server = unprivileged(&programs.join("postgres"))
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "fsync=off",
                "-c",
                "max_connections=300",
                "-p",
            ])
            .arg(port.to_string())
            .arg("-k")
            .arg(folder.path())
            .arg("-D")
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = server.try_wait()? {
                bail!("postgres ended with {status}");
            }
            if began.elapsed() > START_LIMIT {
                server.kill()?;
                bail!("postgres did not start in time");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Self { server, port, folder })
    }

    /// URL of a database on it, with the right to make more.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://gimlet@127.0.0.1:{}/{database}", self.port)
    }

    /// The same over its socket: for programs in another network namespace, which have no such loopback.
    #[must_use]
    pub fn socket_url(&self, database: &str) -> String {
        format!("{}?host={}", self.url(database), self.folder.path().display())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT is its fast shutdown; nothing of its data is wanted any more.
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.server),
            rustix::process::Signal::INT,
        );
        let _ = self.server.wait();
    }
}

/// The folder of `initdb` and `postgres`, installed from Debian's packages where missing.
fn programs() -> Result<PathBuf> {
    if let Some(found) = find_programs() {
        return Ok(found);
    }
    // A fresh machine has no package lists yet.
    apt_get(&["install", "-y", "--no-install-recommends", "postgresql"])
        .or_else(|_| {
            apt_get(&["update"])?;
            apt_get(&["install", "-y", "--no-install-recommends", "postgresql"])
        })
        .context("PostgreSQL 15 or newer is missing and could not be installed")?;
    find_programs().context("PostgreSQL was installed, but initdb is not where Debian puts it")
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let output = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .output()
        .context("apt-get is not here")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "apt-get {} failed: {complaint}", arguments.join(" "));
    Ok(())
}

fn find_programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend([PathBuf::from("/usr/local/bin"), PathBuf::from("/usr/bin")]);
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// PostgreSQL refuses to run as root; and it ends (SIGINT, its fast shutdown) with whoever started it.
fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if rustix::process::getuid().is_root() {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    command.args(["--pdeathsig=INT", "--"]).arg(program);
    command
}

fn own(path: &Path) -> Result<()> {
    if rustix::process::getuid().is_root() {
        std::os::unix::fs::chown(path, Some(65534), Some(65534))?;
    }
    Ok(())
}

/// Makes an empty database on the server of `url`, and returns its URL.
///
/// # Errors
/// When `psql` is missing or the server refuses.
pub fn fresh_database(url: &str) -> Result<String> {
    let name = format!("gimlet_{}", gimlet_shared::ids::BootId::new().0.simple());
    psql(url, &format!("CREATE DATABASE {name}"))?;
    let (address, settings) =
        url.split_once('?').map_or((url, None), |(address, rest)| (address, Some(rest)));
    let (server, _) = address.rsplit_once('/').context("the URL names no database")?;
    let settings = settings.map(|settings| format!("?{settings}")).unwrap_or_default();
    Ok(format!("{server}/{name}{settings}"))
}

/// Drops a database that [`fresh_database`] made on the server of `url`; whoever is connected is cut off.
///
/// # Errors
/// As [`fresh_database`].
pub fn drop_database(url: &str, made: &str) -> Result<()> {
    let address = made.split_once('?').map_or(made, |(address, _)| address);
    let (_, name) = address.rsplit_once('/').context("the URL names no database")?;
    psql(url, &format!("DROP DATABASE {name} WITH (FORCE)"))
}

fn psql(url: &str, statement: &str) -> Result<()> {
    let output = Command::new("psql")
        .args(["--quiet", "--no-psqlrc", "--dbname", url, "--command", statement])
        .output()
        .context("psql is missing (Debian: postgresql-client)")?;
    ensure!(output.status.success(), "psql failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
