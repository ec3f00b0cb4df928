//! Reading a local repository through gix: opening it, single files, folders, ancestry.
//!
//! Nothing here follows a symbolic link or enters a submodule, and every read is bounded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::tree::{EntryKind, EntryMode};
use gix::odb::store::init::Slots;

use crate::{CommitId, CommitInfo, RepoPath};

/// The largest file read whole, in bytes. Manifests are kilobytes; this bounds memory.
pub(crate) const LARGEST_FILE: u64 = 16 << 20;

/// The most that one folder read may hold in all, in bytes.
const LARGEST_FOLDER: u64 = 64 << 20;

/// Packs that an open repository can know of at a time, before it fails; gathering keeps them far below.
const MOST_PACKS: u16 = 512;

/// How deep folders are followed; trees are read recursively, so this bounds the stack.
const DEEPEST: usize = 64;

/// Why something could not be read from a local repository.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The directory is missing, or is no repository of ours.
    #[error("the repository {path} could not be opened")]
    Open {
        /// Where it should be.
        path: PathBuf,
        /// What gix found instead.
        source: Box<gix::Error>,
    },
    /// No such commit here.
    #[error("commit {id} is not in this repository")]
    UnknownCommit {
        /// The id that was asked for.
        id: CommitId,
    },
    /// A file, link or submodule stands where a folder was asked for.
    #[error("{path} is no folder")]
    NotAFolder {
        /// The path that was asked for.
        path: RepoPath,
    },
    /// The file, or the folder in all, is larger than this crate reads (16 MiB, 64 MiB, 64 levels).
    #[error("{path} is too large to be read")]
    TooLarge {
        /// The path that was asked for.
        path: RepoPath,
    },
    /// The repository is damaged, or the disk is.
    #[error("could not {operation}")]
    Objects {
        /// What was being done.
        operation: &'static str,
        /// What gix says.
        source: Box<gix::Error>,
    },
    /// The worker thread ended early: the process is shutting down.
    #[error("the work on the repository was cut short")]
    CutShort(#[from] CutShort),
}

/// The worker thread of a blocking operation ended before it answered.
#[derive(Debug, thiserror::Error)]
#[error("a worker thread ended early")]
pub struct CutShort(#[from] tokio::task::JoinError);

/// Names what failed, for use with `map_err`.
pub(crate) fn failed(operation: &'static str) -> impl Fn(gix::Error) -> ReadError {
    move |source| ReadError::Objects { operation, source: Box::new(source) }
}

/// Runs blocking work off the async threads. It runs to its end even when the caller goes away.
pub(crate) async fn blocking<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<CutShort> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(CutShort)?
}

/// Opens a bare repository that this process owns; nothing outside its directory is consulted.
pub(crate) fn open(path: &Path) -> Result<gix::ThreadSafeRepository, ReadError> {
    gix::open::Options::isolated()
        .open_path_as_is(true)
        // The directory is ours by construction, whoever the process runs as and whatever
        // `safe.directory` says.
        .with(gix::sec::Trust::Full)
        .object_store_slots(Slots::Given(MOST_PACKS))
        // Who can push `refs/replace` could otherwise show us another history than git's objects hold.
        .config_overrides(["core.useReplaceRefs=false"])
        .open(path)
        .map_err(|source| ReadError::Open { path: path.to_owned(), source: Box::new(source) })
}

/// The commit that a reference (by its full name) points at, through tags; `None` if there is none.
pub(crate) fn resolve(repo: &gix::Repository, name: &str) -> Result<Option<ObjectId>, ReadError> {
    let found = repo.try_find_reference(name).map_err(failed("look up a reference"))?;
    let id = found.map(|mut reference| reference.peel_to_id().map(|id| id.detach())).transpose();
    id.map_err(failed("follow a reference"))
}

pub(crate) fn commit(repo: &gix::Repository, id: CommitId) -> Result<gix::Commit<'_>, ReadError> {
    let unknown = || ReadError::UnknownCommit { id };
    let object =
        repo.try_find_object(id.object()).map_err(failed("read a commit"))?.ok_or_else(unknown)?;
    object.try_into_commit().map_err(|_| unknown())
}

pub(crate) fn commit_info(repo: &gix::Repository, id: CommitId) -> Result<CommitInfo, ReadError> {
    CommitInfo::decode(&commit(repo, id)?).map_err(failed("decode a commit"))
}

pub(crate) fn tree_of(repo: &gix::Repository, id: CommitId) -> Result<ObjectId, ReadError> {
    commit(repo, id)?.tree_id().map(|tree| tree.detach()).map_err(failed("decode a commit"))
}

/// Whether `ancestor` is `descendant` or lies in its history.
pub(crate) fn contains(
    repo: &gix::Repository,
    descendant: CommitId,
    ancestor: CommitId,
) -> Result<bool, ReadError> {
    commit(repo, descendant)?;
    commit(repo, ancestor)?;
    let base = repo
        .merge_base(descendant.object(), ancestor.object())
        .map_err(failed("walk the history"))?;
    Ok(base.is_some_and(|base| base.detach() == ancestor.object()))
}

/// What stands at `path` in a tree; the root is a folder. Links are not followed.
pub(crate) fn entry(
    repo: &gix::Repository,
    tree: ObjectId,
    path: &RepoPath,
) -> Result<Option<(EntryMode, ObjectId)>, ReadError> {
    if path.is_root() {
        return Ok(Some((EntryKind::Tree.into(), tree)));
    }
    let tree = repo.find_tree(tree).map_err(failed("read a folder"))?;
    let found =
        tree.lookup_entry(path.parts().map(str::as_bytes)).map_err(failed("look up a path"))?;
    Ok(found.map(|entry| (entry.mode(), entry.object_id())))
}

/// A file's content; `None` when nothing, or no regular file, stands there.
pub(crate) fn file(
    repo: &gix::Repository,
    at: CommitId,
    path: &RepoPath,
) -> Result<Option<Vec<u8>>, ReadError> {
    match entry(repo, tree_of(repo, at)?, path)? {
        Some((mode, id)) if mode.is_blob() => blob(repo, id, path).map(Some),
        _ => Ok(None),
    }
}

/// All regular files below a folder by their path within it; empty when nothing stands there.
pub(crate) fn folder(
    repo: &gix::Repository,
    at: CommitId,
    path: &RepoPath,
) -> Result<BTreeMap<String, Vec<u8>>, ReadError> {
    let mut gathered = Gathered { repo, path, files: BTreeMap::new(), bytes: 0 };
    match entry(repo, tree_of(repo, at)?, path)? {
        None => {}
        Some((mode, id)) if mode.is_tree() => gathered.add_tree(id, "", 0)?,
        Some(_) => return Err(ReadError::NotAFolder { path: path.clone() }),
    }
    Ok(gathered.files)
}

/// The files of a folder while it is being read.
struct Gathered<'a> {
    repo: &'a gix::Repository,
    path: &'a RepoPath,
    files: BTreeMap<String, Vec<u8>>,
    bytes: u64,
}

impl Gathered<'_> {
    fn add_tree(&mut self, tree: ObjectId, prefix: &str, depth: usize) -> Result<(), ReadError> {
        if depth > DEEPEST {
            return Err(ReadError::TooLarge { path: self.path.clone() });
        }
        let tree = self.repo.find_tree(tree).map_err(failed("read a folder"))?;
        for entry in tree.iter() {
            let entry = entry.map_err(failed("decode a folder"))?;
            // A name that is no UTF-8 cannot be a path of ours; nothing reads such files.
            let Ok(name) = entry.filename().to_str() else { continue };
            let name = format!("{prefix}{name}");
            if entry.mode().is_tree() {
                self.add_tree(entry.object_id(), &format!("{name}/"), depth + 1)?;
            } else if entry.mode().is_blob() {
                let content = blob(self.repo, entry.object_id(), self.path)?;
                self.bytes += content.len() as u64;
                if self.bytes > LARGEST_FOLDER {
                    return Err(ReadError::TooLarge { path: self.path.clone() });
                }
                self.files.insert(name, content);
            }
        }
        Ok(())
    }
}

fn blob(repo: &gix::Repository, id: ObjectId, path: &RepoPath) -> Result<Vec<u8>, ReadError> {
    if blob_size(repo, id)? > LARGEST_FILE {
        return Err(ReadError::TooLarge { path: path.clone() });
    }
    let mut blob = repo.find_blob(id).map_err(failed("read a file"))?;
    Ok(blob.take_data())
}

/// The size of a file in bytes, without reading it.
pub(crate) fn blob_size(repo: &gix::Repository, id: ObjectId) -> Result<u64, ReadError> {
    repo.find_header(id).map(|header| header.size()).map_err(failed("read a file's size"))
}
