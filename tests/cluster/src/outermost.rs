//! The outermost process of a run: how it is started, apart from this program and its terminal, and how its
//! driver waits for what it brings up.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};

use crate::process::{MARK, ProcessId};
use crate::programs::tail;
use crate::run::{Record, Run};
use crate::settings::Settings;

/// Each wait takes seconds; on a machine that compiles on all its cores, half a minute.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A run's outermost process, just started.
pub(crate) struct Outermost {
    pub(crate) process: ProcessId,
    log: PathBuf,
}

impl Outermost {
    /// Starts `setsid COMMAND` with the mark of the run, `socket` as standard input and its output in the
    /// log `name`, and records it.
    pub(crate) fn start(
        settings: &Settings,
        run: &Run,
        record: &mut Record,
        name: &str,
        command: &Command,
        socket: OwnedFd,
    ) -> Result<Self> {
        let log = run.logs().join(format!("{name}.log"));
        let output =
            File::create(&log).with_context(|| format!("could not write {}", log.display()))?;
        let errors = output
            .try_clone()
            .with_context(|| format!("could not write {} twice", log.display()))?;
        let child = Command::new("setsid")
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir("/")
            .env("PATH", settings.path_value())
            .env(MARK, &record.id)
            .stdin(Stdio::from(socket))
            .stdout(output)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("could not start the {name}"))?;
        let pid = i32::try_from(child.id()).context("a process id beyond the system's range")?;
        // Collected when it ends, should this process live that long.
        std::thread::spawn(move || {
            let mut child = child;
            child.wait()
        });
        let process = ProcessId::find(pid)
            .with_context(|| format!("the {name} ended at once:\n{}", tail(&log)))?;
        record.outermost = Some(process);
        run.write_record(record)?;
        Ok(Self { process, log })
    }

    /// Waits until `done`, unless a part of the run ends or patience does.
    pub(crate) fn wait(&self, run: &Run, what: &str, done: impl Fn() -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !done() {
            let exits = run.exits();
            if let Some(program) = exits.split_whitespace().next() {
                let log = run.logs().join(format!("{program}.log"));
                bail!("{}; its last words:\n{}", exits.trim(), tail(&log));
            }
            if !self.process.is_alive() {
                bail!("the first process ended; its last words:\n{}", tail(&self.log));
            }
            if Instant::now() > deadline {
                bail!("{what} was not ready within {} s", PATIENCE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        tracing::info!("{what} is ready");
        Ok(())
    }
}

/// No two starts share it, on this machine and across its reboots.
pub(crate) fn new_id(name: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{name}-{}-{}", std::process::id(), now.as_nanos())
}

/// The `gimlet-cluster` program: this process's own file, or, when this is a test that uses the library,
/// what cargo builds.
pub(crate) fn own_program() -> Result<PathBuf> {
    let current = std::env::current_exe().context("could not find this program's own file")?;
    if current.file_name().is_some_and(|name| name == "gimlet-cluster") {
        return Ok(current);
    }
    let failed = "could not have cargo build gimlet-cluster, which runs as a run's first process";
    let output = Command::new("cargo")
        .args(["build", "--quiet", "--workspace", "--bin=gimlet-cluster"])
        .arg("--message-format=json")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .context(failed)?;
    let words = String::from_utf8_lossy(&output.stdout);
    words
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .with_context(|| format!("{failed}:\n{}", String::from_utf8_lossy(&output.stderr)))
}
