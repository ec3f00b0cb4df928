//! Locks that a killed run left in a copy that only this server fetches into, one fetch at a time.
//!
//! Git never takes over a lock file: where its owner was killed, every later fetch fails, for ever. Whoever
//! finds one here is alone, but for a git that outlived the server that started it, and that holds a lock for
//! moments only.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::gitops::remove_abandoned;

/// Longer than any git holds a lock for, and short enough to be waited for.
const HELD_AT_MOST: Duration = Duration::from_secs(5);

/// Whether git says that it found something locked.
pub(super) fn is_locked(complaint: &str) -> bool {
    complaint.contains(".lock': File exists")
}

/// Removes the locks of whoever is gone; waits until that can be told from those of the living.
pub(super) async fn remove_left_over(git_dir: &Path) {
    let git_dir = git_dir.to_owned();
    let found = tokio::task::spawn_blocking(move || locks(&git_dir)).await.unwrap_or_default();
    // What this program itself leaves says at once whether its owner lives.
    let found: Vec<PathBuf> = found.into_iter().filter(|lock| !remove_abandoned(lock)).collect();
    let youngest = found.iter().filter_map(|lock| age(lock)).min();
    if let Some(left) = youngest.and_then(|age| HELD_AT_MOST.checked_sub(age)) {
        tokio::time::sleep(left).await;
    }
    for lock in found {
        // One that is gone meanwhile was a living one's, and one that is young is a newer one of its name.
        if age(&lock).is_some_and(|age| age >= HELD_AT_MOST) {
            let _ = fs::remove_file(lock);
        }
    }
}

/// Every lock of a repository but those of its objects, of which git keeps none.
fn locks(git_dir: &Path) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![git_dir.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && entry.file_name() != "objects" => folders.push(path),
                Ok(kind) if kind.is_file() && path.extension().is_some_and(|it| it == "lock") => {
                    found.push(path);
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
    found
}

fn age(lock: &Path) -> Option<Duration> {
    let modified = fs::symlink_metadata(lock).and_then(|found| found.modified()).ok()?;
    // A clock that was set back makes it young.
    Some(SystemTime::now().duration_since(modified).unwrap_or_default())
}
