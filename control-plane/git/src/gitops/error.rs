//! Why a change was not committed.

use std::path::PathBuf;
use std::sync::Arc;

use crate::read::CutShort;
use crate::remote::RemoteError;
use crate::{BranchName, CommitId, InvalidPath, ReadError, RepoPath};

/// Why a change was not committed. The branch is then as it was.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A file name in [`ReplaceFolder`](super::Edit::ReplaceFolder).
    #[error("a file of the change has an invalid path")]
    InvalidPath {
        /// What is wrong.
        source: InvalidPath,
    },
    /// Folders are replaced, removed and restored below the root only.
    #[error("the root of a repository cannot be edited as a whole")]
    Root,
    /// A file, symbolic link or submodule stands where a folder is needed.
    #[error(
        "{path} is no folder, so nothing can be written below it; remove it from the repository first"
    )]
    NotAFolder {
        /// What stands in the way.
        path: RepoPath,
    },
    /// A folder stands where a file should be written or removed.
    #[error("{path} is a folder, not a file")]
    NotAFile {
        /// The path of the edit.
        path: RepoPath,
    },
    /// The commit to restore from is not in the history of the branch.
    #[error(
        "commit {from} is not in the history of branch {branch}, so nothing can be restored from it"
    )]
    NotInHistory {
        /// The commit.
        from: CommitId,
        /// The branch.
        branch: BranchName,
    },
    /// The commit to restore from has no such folder.
    #[error("commit {from} has no folder {path} to restore")]
    NothingToRestore {
        /// The commit.
        from: CommitId,
        /// The folder.
        path: RepoPath,
    },
    /// Others committed faster, again and again.
    #[error("branch {branch} moved {attempts} times while the change was being made; try again")]
    Contended {
        /// The branch.
        branch: BranchName,
        /// How often it was tried.
        attempts: u32,
    },
    /// Another process holds the branch's lock.
    #[error("the lock {path} is held by another process")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The repository could not be read.
    #[error("the repository could not be read")]
    Read(#[from] ReadError),
    /// The disk did not take the commit.
    #[error("could not {operation}")]
    Write {
        /// What was being done.
        operation: &'static str,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// What was to be stored together with others was not stored, for the same reason as theirs.
    #[error("the commits that were to be stored together could not be stored")]
    Together {
        /// Their common reason.
        source: Arc<CommitError>,
    },
    /// The git host did not take the commit. It may be found there after all when the answer was lost:
    /// look with `find_deploy` before committing again.
    #[error("the git host did not take the commit")]
    Remote(#[from] RemoteError),
}

impl From<CutShort> for CommitError {
    fn from(source: CutShort) -> Self {
        Self::Read(source.into())
    }
}

/// Names what failed, for use with `map_err`.
pub(super) fn write_failed(operation: &'static str) -> impl Fn(std::io::Error) -> CommitError {
    move |source| CommitError::Write { operation, source }
}
