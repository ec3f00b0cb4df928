//! One run's directory: what is recorded there, and where its files are.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::process::ProcessId;
use crate::settings::Settings;

/// Node names end up in host names, cgroups and labels; 30 letters fit all of them.
const MAX_NAME: usize = 30;

/// The directory of the run `name`, whether or not it stands.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    name: String,
    root: PathBuf,
    lock: PathBuf,
}

/// What survives the driver: enough to find the run again, or to end it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Unique for each start; every process of the run carries it.
    pub(crate) id: String,
    /// What the run is.
    #[serde(default)]
    pub(crate) flavour: Flavour,
    /// The outermost process of the run; its end is the run's.
    pub(crate) outermost: Option<ProcessId>,
    /// Whether `up` came to its end.
    pub(crate) ready: bool,
}

/// What a cluster is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// A node with containers, and Flux.
    #[default]
    Real,
    /// A control plane whose nodes and pods are simulated.
    Simulated,
}

impl Run {
    /// The run called `name`; letters, digits and dashes.
    pub(crate) fn named(settings: &Settings, name: &str) -> Result<Self> {
        let well_formed = name.starts_with(|c: char| c.is_ascii_lowercase())
            && !name.ends_with('-')
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !well_formed || name.len() > MAX_NAME {
            bail!(
                "cluster name {name:?} must begin with a letter and have at most {MAX_NAME} \
                 lower-case letters, digits and dashes"
            );
        }
        let runs = settings.runs();
        Ok(Self {
            name: name.into(),
            root: runs.join(name),
            lock: runs.join(format!(".{name}.lock")),
        })
    }

    /// All runs that have a directory.
    pub(crate) fn list(settings: &Settings) -> Result<Vec<Self>> {
        let Ok(entries) = fs::read_dir(settings.runs()) else { return Ok(Vec::new()) };
        let mut names: Vec<String> = entries
            .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.to_owned()))
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names.iter().map(|name| Self::named(settings, name)).collect()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.root.join("kubeconfig")
    }

    pub(crate) fn containerd_socket(&self) -> PathBuf {
        self.root.join("containerd.sock")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// One line for each process of the run that ended though it should not have.
    pub(crate) fn exits(&self) -> String {
        fs::read_to_string(self.root.join("exits")).unwrap_or_default()
    }

    /// Waits until no other process changes this run; the guard keeps it so.
    pub(crate) fn lock(&self) -> Result<File> {
        lock_file(&self.lock)
    }

    /// Removes what [`Run::lock`] left, with the lock held.
    pub(crate) fn forget_lock(&self, held: File) {
        // Whoever waits for the old file finds it gone from the directory and starts over in `lock_file`.
        if let Err(error) = fs::remove_file(&self.lock) {
            tracing::debug!(%error, "the run's lock file was gone");
        }
        drop(held);
    }

    /// Says how the start that began at `began` came out.
    pub(crate) fn conclude<T>(&self, began: Instant, outcome: Result<T>) -> Result<T> {
        let name = &self.name;
        if outcome.is_ok() {
            tracing::info!("cluster {name} is ready after {:.1} s", began.elapsed().as_secs_f32());
        }
        outcome.with_context(|| {
            format!("cluster {name} did not come up; its logs are in {}", self.logs().display())
        })
    }

    /// What is recorded, if anything; an unreadable record counts as none.
    pub(crate) fn record(&self) -> Option<Record> {
        serde_json::from_slice(&fs::read(self.root.join("run.json")).ok()?).ok()
    }

    /// The outermost process of the run, if an earlier `up` completed it and nothing of it has ended since.
    ///
    /// Fails when it stands, but is of the other flavour.
    pub(crate) fn find_standing(&self, flavour: Flavour) -> Result<Option<(Record, ProcessId)>> {
        let Some(record) = self.record() else { return Ok(None) };
        let standing = record.outermost.filter(|process| record.ready && process.is_alive());
        let Some(process) = standing.filter(|_| self.exits().is_empty()) else {
            tracing::info!("cleaning up what is left of cluster {}", self.name);
            return Ok(None);
        };
        if record.flavour != flavour {
            bail!(
                "a {} cluster stands under the name {}; take it down first, or choose another name",
                record.flavour,
                self.name
            );
        }
        Ok(Some((record, process)))
    }

    /// Replaces the record, whole or not at all.
    pub(crate) fn write_record(&self, record: &Record) -> Result<()> {
        let path = self.root.join("run.json");
        let partial = self.root.join("run.json.partial");
        let text = serde_json::to_vec_pretty(record)
            .context("could not write the run's record as JSON")?;
        fs::write(&partial, text)
            .and_then(|()| fs::rename(&partial, &path))
            .with_context(|| format!("could not write {}", path.display()))
    }
}

impl Record {
    /// A run of which nothing has started yet.
    pub(crate) fn new(id: String, flavour: Flavour) -> Self {
        Self { id, flavour, outermost: None, ready: false }
    }
}

impl fmt::Display for Flavour {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Real => "real",
            Self::Simulated => "simulated",
        })
    }
}

/// Takes the lock file at `path`, waiting for whoever holds it; its holder's end frees it.
pub(crate) fn lock_file(path: &Path) -> Result<File> {
    use std::os::unix::fs::MetadataExt;

    let failed = || format!("could not lock {}", path.display());
    fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).with_context(failed)?;
    loop {
        let file = File::create(path).with_context(failed)?;
        file.lock().with_context(failed)?;
        let held = file.metadata().with_context(failed)?.ino();
        // Its last holder may have removed the file that was waited for; then the name is another file's.
        if fs::metadata(path).is_ok_and(|now| now.ino() == held) {
            return Ok(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_leave_the_run_directory_is_refused() {
        let settings = Settings::from_environment().unwrap().with_cache("/nonexistent");
        for name in ["", "../x", "a/b", "A", "-a", "a-", "1a", "a.b", &"a".repeat(31)] {
            assert!(Run::named(&settings, name).is_err(), "{name:?}");
        }
        assert!(Run::named(&settings, "e2e-1").is_ok());
    }
}
