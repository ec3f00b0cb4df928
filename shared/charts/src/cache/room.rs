//! Room for what is new: the longest unused goes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What a file takes besides its bytes: half a page on average, and its entry in the folder.
const OVERHEAD: u64 = 4096;

struct Entry {
    path: PathBuf,
    size: u64,
    used: SystemTime,
}

/// Removes the longest unused files of the folders until they take no more than nine tenths of `limit`, if they
/// take more than all of it.
pub(super) fn make(folders: [&Path; 2], limit: u64) {
    let mut entries: Vec<Entry> = folders.into_iter().flat_map(entries).collect();
    let mut taken: u64 = entries.iter().map(|entry| entry.size).sum();
    if taken <= limit {
        return;
    }
    entries.sort_by_key(|entry| entry.used);
    for entry in entries {
        if taken <= limit / 10 * 9 {
            break;
        }
        // Another program may have removed it already; either way it takes nothing any more.
        let _ = fs::remove_file(entry.path);
        taken -= entry.size;
    }
}

/// What was last changed so long ago.
pub(super) fn older_than(folder: &Path, age: Duration) -> Vec<PathBuf> {
    let now = SystemTime::now();
    let is_old = |entry: &Entry| now.duration_since(entry.used).is_ok_and(|it| it > age);
    entries(folder).into_iter().filter(is_old).map(|entry| entry.path).collect()
}

fn entries(folder: &Path) -> Vec<Entry> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let entry = |entry: fs::DirEntry| {
        let found = entry.metadata().ok()?;
        let size = found.len() + OVERHEAD;
        Some(Entry { path: entry.path(), size, used: found.modified().ok()? })
    };
    entries.flatten().filter_map(entry).collect()
}
