//! The files of one folder, read from a commit that anybody may have written.

use gix::bstr::ByteSlice;

use crate::read::{self, failed};
use crate::{CommitId, ReadError, RepoPath};

/// The largest file that is read, in bytes.
pub const LARGEST_FILE: u64 = 1 << 20;

/// The most files that are read of one folder.
pub const MOST_FILES: usize = 200;
/// The most that the files of one folder may hold in all, in bytes. A push of some kilobytes can bring a
/// hundred commits with folders of any size, and each is held in memory.
pub const LARGEST_FOLDER: u64 = 4 << 20;

/// How many ignored entries are named; a folder may hold millions.
const MOST_IGNORED: usize = 50;

/// The regular files directly in a folder, by name, and what was left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// At most [`MOST_FILES`] files of at most [`LARGEST_FILE`] bytes, [`LARGEST_FOLDER`] in all.
    pub files: Vec<FolderFile>,
    /// What else is there, at most 50 entries.
    pub ignored: Vec<Ignored>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderFile {
    /// Its name, without the folder.
    pub name: String,
    /// All of it.
    pub content: Vec<u8>,
}

/// Something in the folder that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Its name; the folder's own path when the folder itself is no folder.
    pub name: String,
    /// Why.
    pub reason: IgnoredReason,
}

/// Why something was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IgnoredReason {
    /// Links are never followed.
    #[error("it is a symbolic link")]
    Symlink,
    /// Submodules are never fetched.
    #[error("it is a submodule")]
    Submodule,
    /// Only files directly in the folder are read.
    #[error("it is a folder")]
    Folder,
    /// A file stands where the folder should be.
    #[error("it is a file, not a folder")]
    NotAFolder,
    /// Larger than [`LARGEST_FILE`].
    #[error("it is larger than 1 MiB")]
    TooLarge,
    /// Beyond [`MOST_FILES`].
    #[error("the folder has more than 200 files")]
    TooMany,
    /// Beyond [`LARGEST_FOLDER`].
    #[error("the folder's files have more than 4 MiB in all")]
    TooMuch,
    /// A name that is no UTF-8.
    #[error("its name is no UTF-8")]
    Name,
}

pub(super) fn read(
    repo: &gix::Repository,
    at: CommitId,
    path: &RepoPath,
) -> Result<Folder, ReadError> {
    let mut folder = Folder::default();
    let tree = match read::entry(repo, read::tree_of(repo, at)?, path)? {
        None => return Ok(folder),
        Some((mode, id)) if mode.is_tree() => {
            repo.find_tree(id).map_err(failed("read a folder"))?
        }
        Some((mode, _)) => {
            let reason = reason_by_mode(mode).unwrap_or(IgnoredReason::NotAFolder);
            folder.ignored.push(Ignored { name: path.as_str().to_owned(), reason });
            return Ok(folder);
        }
    };
    let mut room = LARGEST_FOLDER;
    for entry in tree.iter() {
        let entry = entry.map_err(failed("decode a folder"))?;
        let name = entry.filename().to_str_lossy().into_owned();
        let reason = if let Some(reason) = reason_by_mode(entry.mode()) {
            reason
        } else if entry.filename().to_str().is_err() {
            IgnoredReason::Name
        } else if folder.files.len() == MOST_FILES {
            IgnoredReason::TooMany
        } else {
            let size = read::blob_size(repo, entry.object_id())?;
            match (size > LARGEST_FILE, room.checked_sub(size)) {
                (true, _) => IgnoredReason::TooLarge,
                (false, None) => IgnoredReason::TooMuch,
                (false, Some(left)) => {
                    room = left;
                    let mut blob =
                        repo.find_blob(entry.object_id()).map_err(failed("read a file"))?;
                    folder.files.push(FolderFile { name, content: blob.take_data() });
                    continue;
                }
            }
        };
        if folder.ignored.len() < MOST_IGNORED {
            folder.ignored.push(Ignored { name, reason });
        }
    }
    Ok(folder)
}

fn reason_by_mode(mode: gix::objs::tree::EntryMode) -> Option<IgnoredReason> {
    if mode.is_link() {
        Some(IgnoredReason::Symlink)
    } else if mode.is_commit() {
        Some(IgnoredReason::Submodule)
    } else if mode.is_tree() {
        Some(IgnoredReason::Folder)
    } else {
        None
    }
}
