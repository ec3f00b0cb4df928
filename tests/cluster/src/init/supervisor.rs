//! Starts programs, collects every process that ends, and writes down the ends that should not be.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{WaitOptions, WaitStatus, wait};

/// The programs of one process namespace, as its first process sees them.
pub(super) struct Supervisor {
    root: PathBuf,
    running: HashMap<i32, &'static str>,
}

impl Supervisor {
    /// Logs go to `logs/` below `root`, unexpected ends to the file `exits`.
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), running: HashMap::new() }
    }

    /// Starts `command` as `name`, with its output in `logs/NAME.log`. Standard input stays as it is set.
    pub(super) fn spawn(&mut self, name: &'static str, command: &mut Command) -> Result<()> {
        let path = self.root.join("logs").join(format!("{name}.log"));
        let log =
            File::create(&path).with_context(|| format!("could not write {}", path.display()))?;
        let errors =
            log.try_clone().with_context(|| format!("could not write {} twice", path.display()))?;
        let child = command
            .stdout(Stdio::from(log))
            .stderr(Stdio::from(errors))
            .spawn()
            .with_context(|| format!("could not start {name}"))?;
        let pid = i32::try_from(child.id()).context("a process id beyond the system's range")?;
        // The handle is let go: `collect` waits for all children alike, orphans of others included.
        self.running.insert(pid, name);
        tracing::info!(pid, "started {name}");
        Ok(())
    }

    /// Collects what has ended so far, without waiting.
    pub(super) fn collect(&mut self) -> Result<()> {
        while let Some((pid, status)) =
            wait(WaitOptions::NOHANG).context("no process is left to wait for")?
        {
            self.note(pid.as_raw_pid(), status);
        }
        Ok(())
    }

    /// Collects whatever ends, for as long as anything runs.
    pub(super) fn watch(mut self) -> Result<()> {
        loop {
            match wait(WaitOptions::empty()) {
                Ok(Some((pid, status))) => self.note(pid.as_raw_pid(), status),
                Ok(None) | Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::CHILD) => bail!("every program has ended"),
                Err(error) => return Err(error).context("could not wait for the programs"),
            }
        }
    }

    fn note(&mut self, pid: i32, status: WaitStatus) {
        let Some(name) = self.running.remove(&pid) else { return };
        let how = match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => format!("exit status {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => format!("status {status:?}"),
        };
        tracing::error!(pid, "{name} ended with {how}");
        let path = self.root.join("exits");
        let written =
            OpenOptions::new().create(true).append(true).open(&path).and_then(|mut file| {
                file.write_all(format!("{name} ended with {how}\n").as_bytes())
            });
        if let Err(error) = written {
            tracing::error!(%error, "could not write {}", path.display());
        }
    }
}

/// Reads a small file without its line end.
pub(super) fn read(path: &Path) -> Result<String> {
    let text =
        fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    Ok(text.trim_end().to_owned())
}

/// Writes a small file of the kernel's.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("could not write {text:?} to {}", path.display()))
}
