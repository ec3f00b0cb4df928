//! What a caller asks to be committed.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::Message;
use crate::{BranchName, CommitId, RepoPath};

/// One commit to be made.
#[derive(Clone, Debug)]
pub struct Change {
    /// The branch to commit to; it is created if it does not exist.
    pub branch: BranchName,
    /// Subject, body and trailers.
    pub message: Message,
    /// Author and committer time, to the second. A commit is never dated before its parent: then it
    /// takes the parent's time, so that histories stay in order.
    pub time: OffsetDateTime,
    /// Applied in this order.
    pub edits: Vec<Edit>,
    /// Files whose difference alone makes no commit, such as `release.json`.
    pub compare_without: Vec<RepoPath>,
}

/// One edit of a tree. Files are written with mode 644; a symbolic link in the place of what is
/// written is replaced, one on the way to it is refused.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Makes a folder hold exactly these files, by their paths within it; no files, no folder.
    ReplaceFolder {
        /// The folder; not the root.
        path: RepoPath,
        /// All its files.
        files: BTreeMap<String, Vec<u8>>,
    },
    /// Writes one file.
    PutFile {
        /// The file.
        path: RepoPath,
        /// Its whole content.
        content: Vec<u8>,
    },
    /// Removes one file; nothing happens if it is absent.
    DeleteFile {
        /// The file.
        path: RepoPath,
    },
    /// Removes a folder with all that is in it; nothing happens if it is absent.
    DeleteFolder {
        /// The folder; not the root.
        path: RepoPath,
    },
    /// Puts a folder back as it was at an earlier commit of the same branch.
    RestoreFolder {
        /// The folder; not the root.
        path: RepoPath,
        /// The commit, in the history of the branch, that has the folder.
        from: CommitId,
    },
}

/// What became of a [`Change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// A commit was made, and is on the disk (or on the host).
    Made {
        /// The new head.
        commit: CommitId,
        /// What it was made on; `None` for the first commit of a branch.
        parent: Option<CommitId>,
    },
    /// The branch already holds what the change asks for.
    Unchanged {
        /// The head that was compared with.
        head: CommitId,
    },
}

impl Committed {
    /// The commit at which the branch holds what was asked for.
    pub fn head(self) -> CommitId {
        match self {
            Self::Made { commit, .. } => commit,
            Self::Unchanged { head } => head,
        }
    }
}
