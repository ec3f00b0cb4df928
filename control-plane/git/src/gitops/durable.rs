//! Objects on the disk before anything names them.
//!
//! gix writes loose objects and references without any fsync. Here new objects go to a directory of
//! their own beside the others, each synced, and are moved to their names only then; the folders that
//! hold the names are synced last. So a name in the object store never stands for a torn file, which
//! would otherwise be taken for a stored object and never be written again. What a crash leaves in the
//! directory is garbage under a name that git's own pruning knows.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use gix::objs::Write;
use gix::odb::loose;

use super::CommitError;
use super::draft::NewObject;
use super::error::write_failed;
use crate::read::failed;
use crate::skeleton::{QUARANTINE, sync};

/// Stores `objects`; when it returns they survive a power loss.
pub(super) fn store(git_dir: &Path, objects: &[NewObject]) -> Result<(), CommitError> {
    let home = git_dir.join("objects");
    let quarantine = tempfile::Builder::new()
        .prefix(QUARANTINE)
        .tempdir_in(&home)
        .map_err(write_failed("make room for new objects"))?;
    let hash = gix::hash::Kind::Sha1;
    let (from, to) = (loose::Store::at(quarantine.path(), hash), loose::Store::at(&home, hash));

    for (id, kind, data) in objects {
        from.write_buf_with_known_id(*kind, data, *id).map_err(failed("write an object"))?;
        sync(&from.object_path(id)).map_err(write_failed("sync an object"))?;
    }
    let publish = || -> io::Result<()> {
        let mut touched = BTreeSet::new();
        for (id, ..) in objects {
            let place = to.object_path(id);
            let Some(fan) = place.parent().map(Path::to_owned) else { continue };
            if let Err(error) = fs::create_dir(&fan)
                && error.kind() != io::ErrorKind::AlreadyExists
            {
                return Err(error);
            }
            fs::rename(from.object_path(id), &place)?;
            touched.insert(fan);
        }
        touched.iter().try_for_each(|fan| sync(fan))?;
        sync(&home)
    };
    publish().map_err(write_failed("move new objects to their place"))
}
