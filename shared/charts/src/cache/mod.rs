//! What was fetched before, on the disk: bytes by their digest, and small records of what an address led to.
//!
//! Everything appears whole or not at all, is checked against its digest when it is read, and goes away, the
//! longest unused first, when all together takes up too much. Several programs may use one folder.

mod room;

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

use crate::digest::Digest;

/// A file of a program that is gone: nothing takes this long to be written.
const ABANDONED: Duration = Duration::from_secs(3600);

/// How exact the time of the last use is; so often a file that is read is touched.
const USE: Duration = Duration::from_secs(60);

/// A folder of fetched things.
#[derive(Debug)]
pub(crate) struct Cache {
    root: PathBuf,
    /// The most that all files take, in bytes.
    limit: u64,
}

impl Cache {
    /// Opens or makes the folder, and removes what a killed program left half written.
    pub(crate) fn open(root: &Path, limit: u64) -> io::Result<Self> {
        let cache = Self { root: root.to_owned(), limit };
        for folder in [cache.contents(), cache.records(), cache.drafts()] {
            // What was fetched with credentials is nothing for other users of the machine.
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        for path in room::older_than(&cache.drafts(), ABANDONED) {
            // A draft of git is a folder.
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
        Ok(cache)
    }

    fn contents(&self) -> PathBuf {
        self.root.join("sha256")
    }

    fn records(&self) -> PathBuf {
        self.root.join("records")
    }

    /// Where things are made that are not whole yet.
    pub(crate) fn drafts(&self) -> PathBuf {
        self.root.join("drafts")
    }

    /// The bytes with this digest. A file that holds others is removed.
    pub(crate) fn bytes(&self, digest: Digest) -> Option<Vec<u8>> {
        let path = self.contents().join(digest.to_hex());
        let bytes = fs::read(&path).ok()?;
        if Digest::of(&bytes) != digest {
            let _ = fs::remove_file(&path);
            return None;
        }
        touch(&path);
        Some(bytes)
    }

    /// Keeps bytes under their digest.
    pub(crate) fn keep(&self, digest: Digest, bytes: &[u8]) -> io::Result<()> {
        let path = self.contents().join(digest.to_hex());
        if fs::metadata(&path).is_ok_and(|found| found.len() == bytes.len() as u64) {
            touch(&path);
            return Ok(());
        }
        self.write(&path, bytes)?;
        let (contents, records) = (self.contents(), self.records());
        room::make([&contents, &records], self.limit);
        Ok(())
    }

    /// What was noted under a key, if it is still readable.
    pub(crate) fn record<T: DeserializeOwned>(&self, key: Digest) -> Option<T> {
        let path = self.records().join(key.to_hex());
        let record = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        touch(&path);
        Some(record)
    }

    /// Notes something under a key.
    pub(crate) fn note<T: Serialize>(&self, key: Digest, record: &T) -> io::Result<()> {
        self.write(&self.records().join(key.to_hex()), &serde_json::to_vec(record)?)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut draft = NamedTempFile::new_in(self.drafts())?;
        draft.write_all(bytes)?;
        draft.persist(path)?;
        Ok(())
    }
}

fn touch(path: &Path) {
    let now = SystemTime::now();
    let used = fs::metadata(path).and_then(|found| found.modified());
    let is_recent = used.is_ok_and(|it| now.duration_since(it).is_ok_and(|age| age < USE));
    if !is_recent && let Ok(file) = fs::File::options().append(true).open(path) {
        // Without it the file only goes earlier.
        let _ = file.set_modified(now);
    }
}

#[cfg(test)]
mod tests;
