//! Moving a branch by compare-and-swap, durably, under git's own lock.
//!
//! The new value is written and synced under another name, then linked to `<reference>.lock`, as git
//! names its locks, so that pushes by the git binary and we exclude each other. Under the lock the old
//! value is compared; a rename makes the new value visible, and the directory is synced before the
//! move counts. A process that dies between link and rename leaves its lock behind. The file is
//! locked (flock) for as long as its process lives, so the next writer knows such a lock at once; one that
//! git left is removed once it is older than any live one can be.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use gimlet_shared::crash_point;
use gix::ObjectId;

use super::CommitError;
use super::durable::Placed;
use super::error::write_failed;
use crate::CommitId;
use crate::read;
use crate::skeleton::{VALUE, sync};

/// Git holds a reference lock for milliseconds, and for a push of very many references for seconds.
const STALE: Duration = Duration::from_secs(30);

/// How long a lock is waited for: until a stale one was seen and removed.
const PATIENCE: Duration = Duration::from_secs(40);

/// How often a held lock is looked at.
const PAUSE: Duration = Duration::from_millis(10);

/// How a compare-and-swap ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Swap {
    Moved,
    /// Somebody else moved the reference since it was read.
    Lost,
}

/// A reference's new value on its way, in a file that nothing names yet.
pub(super) struct Value(tempfile::NamedTempFile);

impl Value {
    /// Writes the value; it is [`advance`]'s only when its [`file`](Self::file) was synced.
    pub(super) fn write(git_dir: &Path, new: CommitId) -> Result<Self, CommitError> {
        written(git_dir, new).map(Self).map_err(write_failed("write a reference"))
    }

    /// To be synced.
    pub(super) fn file(&self) -> &fs::File {
        self.0.as_file()
    }
}

/// Moves the reference `name` (full) from `old` to a value that is synced, and syncs the names of what it
/// leads to with it.
pub(super) fn advance(
    repo: &gix::Repository,
    name: &str,
    old: Option<CommitId>,
    value: &Value,
    placed: Placed,
) -> Result<Swap, CommitError> {
    let git_dir = repo.git_dir();
    let place = git_dir.join(name);
    let folder = place.parent().unwrap_or(git_dir);
    fs::create_dir_all(folder).map_err(write_failed("make a reference's folder"))?;

    let mut lock_name = place.clone().into_os_string();
    lock_name.push(".lock");
    crash_point!("git.reference.before");
    let lock = Lock::take(value.0.path(), lock_name.into())?;
    crash_point!("git.reference.locked");

    if read::resolve(repo, name)? != old.map(CommitId::object) {
        return Ok(Swap::Lost);
    }
    let is_new = !place.exists();
    lock.rename_to(&place).map_err(write_failed("move a reference"))?;
    let synced = "sync a reference's folder";
    placed.sync_with(Some(folder)).map_err(write_failed(synced))?;
    // Up to `refs`: the folders in between may be new, too.
    let above = folder.ancestors().skip(1).filter(|_| is_new);
    for folder in above.take_while(|folder| folder.starts_with(git_dir.join("refs"))) {
        sync(folder).map_err(write_failed(synced))?;
    }
    crash_point!("git.reference.after");
    Ok(Swap::Moved)
}

fn written(git_dir: &Path, value: CommitId) -> io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;

    let readable = fs::Permissions::from_mode(0o644);
    let mut file =
        tempfile::Builder::new().prefix(VALUE).permissions(readable).tempfile_in(git_dir)?;
    let id: ObjectId = value.object();
    writeln!(file, "{}", id.to_hex())?;
    // Says for as long as this process lives that the lock it becomes is held.
    file.as_file().lock()?;
    Ok(file)
}

/// A held lock; removed on drop unless it became the reference.
struct Lock(Option<PathBuf>);

impl Lock {
    fn take(value: &Path, lock: PathBuf) -> Result<Self, CommitError> {
        let begun = Instant::now();
        loop {
            match fs::hard_link(value, &lock) {
                Ok(()) => return Ok(Self(Some(lock))),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(write_failed("lock a reference")(source)),
            }
            if is_stale(&lock) {
                // Gone already is as good.
                let _ = fs::remove_file(&lock);
            } else if remove_abandoned(&lock) {
                // Its turn is free.
            } else if begun.elapsed() > PATIENCE {
                return Err(CommitError::Locked { path: lock });
            } else {
                sleep(PAUSE);
            }
        }
    }

    fn rename_to(mut self, place: &Path) -> io::Result<()> {
        let Some(lock) = &self.0 else { return Ok(()) };
        fs::rename(lock, place)?;
        self.0 = None;
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(lock) = &self.0 {
            // A lock that cannot be removed becomes stale and is removed then.
            let _ = fs::remove_file(lock);
        }
    }
}

/// Removes a lock of ours whose process is gone: it is a second name of a value, and nobody holds that
/// locked. Git's own locks have one name, and are not touched.
pub(crate) fn remove_abandoned(lock: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let Ok(file) = fs::File::open(lock) else { return false };
    let Ok(found) = file.metadata() else { return false };
    if found.nlink() < 2 || file.try_lock().is_err() {
        return false;
    }
    // Held now, so of several who found it one removes it, and none removes a newer one of its name.
    let is_same = |now: fs::Metadata| (now.dev(), now.ino()) == (found.dev(), found.ino());
    fs::symlink_metadata(lock).is_ok_and(is_same) && fs::remove_file(lock).is_ok()
}

fn is_stale(lock: &Path) -> bool {
    let modified = fs::symlink_metadata(lock).and_then(|found| found.modified());
    modified.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > STALE))
}
