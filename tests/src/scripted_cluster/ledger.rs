//! What happened to a cluster: appended to a file before anyone is told of it.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// One effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Flux was asked to look at an object.
    Requested {
        /// Resource and name.
        object: String,
        /// The id of the command that asked.
        command: String,
    },
    /// Flux has fetched another commit of an environment's gitops repository.
    Fetched {
        /// The environment.
        environment: String,
        /// The gitops commit.
        commit: String,
    },
    /// Flux has applied another content of an application.
    Applied {
        /// The environment.
        environment: String,
        /// The application.
        app: String,
        /// The gitops commit that it was applied from.
        commit: String,
        /// The source commit that the application's `release.json` names; empty when it was removed.
        sha: String,
    },
}

/// An effect and its moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Microseconds since 1970.
    pub at: u64,
    /// What happened.
    #[serde(flatten)]
    pub effect: Effect,
}

/// The ledger of any number of clusters.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    file: File,
    entries: Vec<Entry>,
}

impl Ledger {
    /// Opens a new ledger at `path`.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create_new(path)
            .with_context(|| format!("cannot make the ledger {}", path.display()))?;
        let state = Mutex::new(State { file, entries: Vec::new() });
        Ok(Self { path: path.to_owned(), state, changed: Condvar::new() })
    }

    /// Notes an effect: it is in the file when this returns.
    ///
    /// # Panics
    /// When the file cannot be written: a ledger with gaps proves nothing.
    pub fn note(&self, effect: Effect) {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let entry = Entry { at: u64::try_from(at).unwrap_or(u64::MAX), effect };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let line = serde_json::to_string(&entry).unwrap_or_default() + "\n";
        let written = state.file.write_all(line.as_bytes());
        assert!(written.is_ok(), "the effect ledger {} cannot be written", self.path.display());
        state.entries.push(entry);
        self.changed.notify_all();
    }

    /// Waits until `look`, given all entries, finds something; `None` when `limit` has passed.
    pub fn wait<T>(
        &self,
        limit: Duration,
        mut look: impl FnMut(&[Entry]) -> Option<T>,
    ) -> Option<T> {
        let began = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = look(&state.entries) {
                return Some(found);
            }
            let left = limit.checked_sub(began.elapsed())?;
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Reads a ledger from its file.
    ///
    /// # Errors
    /// When it cannot be read, or a line is no entry.
    pub fn read(path: &Path) -> Result<Vec<Entry>> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the ledger {}", path.display()))?;
        let lines = text.lines();
        lines.map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}
