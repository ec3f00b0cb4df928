//! Objects on the disk before anything names them.
//!
//! gix writes loose objects and references without any fsync. Here all new objects of a batch go into one
//! pack, written under a name that nothing reads and synced; pack and index get their names only then, and
//! the folder that holds the names is synced last. So a name in the object store never stands for a torn
//! file, which would otherwise be taken for stored objects and never be written again. What a crash leaves
//! is garbage under a name that git's own pruning knows.
//!
//! Where a branch moves to what is stored, the folder of the names and that of the branch are synced side by
//! side, after both have changed: a batch costs the time of two syncs. That the names come to the disk no
//! later than the branch is what file systems with one journal promise (ext4, XFS): they keep the order of
//! renames.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;

use gimlet_shared::crash_point;
use tempfile::NamedTempFile;

use super::CommitError;
use super::error::write_failed;
use super::objects::NewObject;
use super::pack::Pack;
use crate::skeleton::{PACK_DRAFT, sync};

/// The folder whose names are not yet on the disk; to be synced before anybody is told.
#[must_use]
pub(super) struct Placed(Option<PathBuf>);

impl Placed {
    /// Syncs the names, and side by side with them the folder `beside`.
    pub(super) fn sync_with(self, beside: Option<&Path>) -> io::Result<()> {
        let folders: io::Result<Vec<File>> =
            self.0.as_deref().into_iter().chain(beside).map(File::open).collect();
        let folders = folders?;
        sync_all(&folders.iter().map(Some).collect::<Vec<_>>())
    }
}

/// Stores `objects` and what `beside` holds: the content is on the disk when it returns, the names are once
/// they are [synced](Placed::sync_with) as well.
pub(super) fn store(
    git_dir: &Path,
    objects: &[NewObject],
    beside: Option<&File>,
) -> Result<Placed, CommitError> {
    if objects.is_empty() {
        let synced = beside.map_or(Ok(()), File::sync_all);
        return synced.map(|()| Placed(None)).map_err(write_failed("sync a reference"));
    }
    let pack = Pack::of(objects)?;
    let home = git_dir.join("objects/pack");
    crash_point!("git.objects.before");
    name(&home, &pack, beside).map_err(write_failed("store new objects"))?;
    crash_point!("git.objects.after");
    Ok(Placed(Some(home)))
}

/// Writes a pack and its index into the folder `home`; when it returns they survive a power loss.
pub(super) fn place(home: &Path, pack: &Pack) -> io::Result<()> {
    name(home, pack, None)?;
    sync(home)
}

/// Writes a pack and its index and gives them their names.
fn name(home: &Path, pack: &Pack, beside: Option<&File>) -> io::Result<()> {
    fs::create_dir_all(home)?;
    let data = draft(home, &pack.data)?;
    let index = draft(home, &pack.index)?;
    sync_all(&[Some(data.as_file()), Some(index.as_file()), beside])?;
    let name = format!("pack-{}", gix::ObjectId::from(pack.checksum));
    // The index last: without it nobody looks into the pack.
    data.persist(home.join(format!("{name}.pack")))?;
    index.persist(home.join(format!("{name}.idx")))?;
    Ok(())
}

fn draft(home: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let read_only = Permissions::from_mode(0o444);
    let mut builder = tempfile::Builder::new();
    let mut file = builder.prefix(PACK_DRAFT).permissions(read_only).tempfile_in(home)?;
    file.write_all(content)?;
    Ok(file)
}

/// Syncs files side by side: the disk gathers what comes at once.
fn sync_all(files: &[Option<&File>]) -> io::Result<()> {
    let mut files = files.iter().flatten();
    let Some(first) = files.next() else { return Ok(()) };
    thread::scope(|scope| {
        let others: Vec<_> = files.map(|file| scope.spawn(|| file.sync_all())).collect();
        let mut synced = first.sync_all();
        for other in others {
            let end = other.join().unwrap_or_else(|_| Err(io::Error::other("a sync ended early")));
            synced = synced.and(end);
        }
        synced
    })
}
