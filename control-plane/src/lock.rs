//! One server for one data directory: a second one on the same repositories and SQLite file would take the
//! first one's work for left behind.

use std::{fs::File, io::Write as _, path::Path};

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};

/// The file that is locked; it stays, and the lock ends with its process.
const FILE: &str = "server.lock";

/// The right to a data directory, until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

impl DataLock {
    /// Takes the data directory for this process.
    ///
    /// # Errors
    /// When another process has it, by its number where it is known, and when the file cannot be made.
    pub fn take(data_dir: &Path) -> anyhow::Result<Self> {
        let path = data_dir.join(FILE);
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let holder = std::fs::read_to_string(&path).unwrap_or_default();
            let holder = holder.trim();
            bail!(
                "the data directory {} belongs to a server that runs{}; stop it first",
                data_dir.display(),
                if holder.is_empty() { String::new() } else { format!(", process {holder}") }
            );
        }
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_on_the_same_folder_is_refused_by_name_until_the_first_has_ended() {
        let folder = tempfile::tempdir().expect("folder");
        let first = DataLock::take(folder.path()).expect("free");
        let error = DataLock::take(folder.path()).expect_err("taken").to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        DataLock::take(folder.path()).expect("free again");
    }
}
