//! A bare repository on our own disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use time::OffsetDateTime;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::draft::{Draft, draft};
use super::error::write_failed;
use super::reference::{Swap, advance};
use super::{Change, CommitError, Committed, Edit, Message, durable};
use crate::read::{self, blocking};
use crate::{BranchName, CommitId, CommitInfo, ReadError, RepoPath, history, skeleton};

/// How often a commit is made anew because somebody else was faster.
pub(super) const ATTEMPTS: u32 = 10;

/// A bare repository on our own disk. Clones share it, and its one writer.
///
/// **What lasts.** When [`commit`](Self::commit) returns `Made`, a power loss cannot take the commit
/// back: its objects were synced before they got their names, their folders before the branch moved,
/// the branch's new value before it replaced the old one, and its folder before the call returned.
/// (That a disk obeys a sync is the disk's promise.) A crash at any point before leaves the branch as
/// it was, and a repository that `git fsck` calls whole; objects that nothing names may stay behind.
#[derive(Clone, Debug)]
pub struct Repository {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    git: gix::ThreadSafeRepository,
    /// Where the branches are that this repository speaks of.
    branches: &'static str,
    /// Commits are made one at a time; later, those that wait here can share one sync.
    writer: Arc<Mutex<()>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Repository").field(&self.path).finish()
    }
}

impl Repository {
    /// Makes a repository at `path`, which must not exist or be an empty directory: branch `main`, a
    /// first commit with an empty `README.md`, pushes allowed. It appears whole or not at all.
    ///
    /// # Errors
    /// When `path` is taken, or the disk refuses.
    pub async fn init(path: impl Into<PathBuf>, time: OffsetDateTime) -> Result<Self, CommitError> {
        let path = path.into();
        blocking(move || init(&path, time)).await
    }

    /// Opens a repository that [`init`](Self::init) made, or an older one.
    ///
    /// # Errors
    /// When there is none at `path`.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, ReadError> {
        let path = path.into();
        blocking(move || Self::open_with(&path, "refs/heads/")).await
    }

    /// Opens the repository at `path`, or makes it.
    ///
    /// # Errors
    /// When `path` holds something else, or the disk refuses.
    pub async fn ensure(
        path: impl Into<PathBuf>,
        time: OffsetDateTime,
    ) -> Result<Self, CommitError> {
        let path = path.into();
        blocking(move || {
            if skeleton::stands(&path) {
                return Ok(Self::open_with(&path, "refs/heads/")?);
            }
            init(&path, time)
        })
        .await
    }

    pub(super) fn open_with(path: &Path, branches: &'static str) -> Result<Self, ReadError> {
        skeleton::tidy(path);
        let git = read::open(path)?;
        let writer = Arc::default();
        Ok(Self { inner: Arc::new(Inner { path: path.to_owned(), git, branches, writer }) })
    }

    /// The repository's directory.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The newest commit of a branch; `None` if there is no such branch.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub async fn head(&self, branch: &BranchName) -> Result<Option<CommitId>, ReadError> {
        let branch = branch.clone();
        self.read(move |this, repo| this.head_in(&repo, &branch)).await
    }

    /// One file at a commit; `None` when no regular file stands there.
    ///
    /// # Errors
    /// When the commit is unknown, or the file larger than 16 MiB.
    pub async fn read_file(
        &self,
        at: CommitId,
        path: &RepoPath,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let path = path.clone();
        self.read(move |_, repo| read::file(&repo, at, &path)).await
    }

    /// All regular files below a folder at a commit, by their path within it; empty when nothing
    /// stands there. Symbolic links, submodules and names that are no UTF-8 are left out.
    ///
    /// # Errors
    /// When the commit is unknown, something else than a folder stands there, or it holds more than
    /// 64 MiB.
    pub async fn read_folder(
        &self,
        at: CommitId,
        path: &RepoPath,
    ) -> Result<BTreeMap<String, Vec<u8>>, ReadError> {
        let path = path.clone();
        self.read(move |_, repo| read::folder(&repo, at, &path)).await
    }

    /// Whether `ancestor` is `descendant` or lies in its history.
    ///
    /// # Errors
    /// When either commit is unknown.
    pub async fn contains(
        &self,
        descendant: CommitId,
        ancestor: CommitId,
    ) -> Result<bool, ReadError> {
        self.read(move |_, repo| read::contains(&repo, descendant, ancestor)).await
    }

    /// One commit.
    ///
    /// # Errors
    /// When it is unknown.
    pub async fn commit_info(&self, id: CommitId) -> Result<CommitInfo, ReadError> {
        self.read(move |_, repo| read::commit_info(&repo, id)).await
    }

    /// The commits in the history of `from` that changed what stands at `path`, newest first, at most
    /// `limit`. A merge counts only when it differs from all its parents. Looks back 50,000 commits.
    ///
    /// # Errors
    /// When `from` is unknown.
    pub async fn history(
        &self,
        from: CommitId,
        path: &RepoPath,
        limit: usize,
    ) -> Result<Vec<CommitInfo>, ReadError> {
        let path = path.clone();
        self.read(move |_, repo| history::touching(&repo, from, &path, limit)).await
    }

    /// The newest commit of `branch` with the trailer `Deploy-Id: <deploy_id>` that is not in the
    /// history of `since`; looks at no more than `limit` commits.
    ///
    /// # Errors
    /// When `since` is unknown.
    pub async fn find_deploy(
        &self,
        branch: &BranchName,
        deploy_id: &str,
        since: Option<CommitId>,
        limit: usize,
    ) -> Result<Option<CommitId>, ReadError> {
        let (branch, deploy_id) = (branch.clone(), deploy_id.to_owned());
        self.read(move |this, repo| match this.head_in(&repo, &branch)? {
            Some(head) => history::find_deploy(&repo, head, &deploy_id, since, limit),
            None => Ok(None),
        })
        .await
    }

    /// Commits a change on the branch's head; see [`Repository`] for what then lasts.
    ///
    /// A dropped call may still commit: look with [`find_deploy`](Self::find_deploy) before repeating.
    ///
    /// # Errors
    /// Every error leaves the branch as it was, except a failed sync after the move.
    pub async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        let (this, turn) = (self.clone(), self.turn().await);
        // The turn goes with the work: it runs on when the caller is gone.
        blocking(move || {
            let _turn = turn;
            this.commit_now(&change)
        })
        .await
    }

    /// Waits until no other commit is being made.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        self.inner.writer.clone().lock_owned().await
    }

    fn commit_now(&self, change: &Change) -> Result<Committed, CommitError> {
        for _ in 0..ATTEMPTS {
            let head = self.head_in(&self.repo(), &change.branch)?;
            let commit = match self.prepare(head, change)? {
                Prepared::Unchanged { head } => return Ok(Committed::Unchanged { head }),
                Prepared::Stored { commit } => commit,
            };
            if self.swap(&change.branch, head, commit)? == Swap::Moved {
                return Ok(Committed::Made { commit, parent: head });
            }
        }
        Err(CommitError::Contended { branch: change.branch.clone(), attempts: ATTEMPTS })
    }

    /// Makes the commit of `change` on `head` and stores it; no branch names it yet.
    pub(super) fn prepare(
        &self,
        head: Option<CommitId>,
        change: &Change,
    ) -> Result<Prepared, CommitError> {
        let repo = self.repo().with_object_memory();
        match draft(&repo, head, change)? {
            Draft::Unchanged { head } => Ok(Prepared::Unchanged { head }),
            Draft::Commit { id, objects } => {
                durable::store(&self.inner.path, &objects)?;
                Ok(Prepared::Stored { commit: id })
            }
        }
    }

    pub(super) fn swap(
        &self,
        branch: &BranchName,
        old: Option<CommitId>,
        new: CommitId,
    ) -> Result<Swap, CommitError> {
        advance(&self.repo(), &self.full_name(branch), old, new)
    }

    pub(super) fn head_in(
        &self,
        repo: &gix::Repository,
        branch: &BranchName,
    ) -> Result<Option<CommitId>, ReadError> {
        Ok(read::resolve(repo, &self.full_name(branch))?.map(CommitId::from))
    }

    fn full_name(&self, branch: &BranchName) -> String {
        format!("{}{branch}", self.inner.branches)
    }

    pub(super) fn repo(&self) -> gix::Repository {
        history::handle(&self.inner.git)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self, gix::Repository) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let this = self.clone();
        blocking(move || work(&this, this.repo())).await
    }
}

/// A commit that is stored, or not needed.
pub(super) enum Prepared {
    Unchanged { head: CommitId },
    Stored { commit: CommitId },
}

fn init(path: &Path, time: OffsetDateTime) -> Result<Repository, CommitError> {
    std::fs::create_dir_all(skeleton::parent_of(path))
        .map_err(write_failed("make a directory for the repository"))?;
    let building = tempfile::Builder::new()
        .prefix(".gimlet-init-")
        .tempdir_in(skeleton::parent_of(path))
        .map_err(write_failed("make a directory for the repository"))?;
    skeleton::write(building.path()).map_err(write_failed("write the new repository"))?;
    Repository::open_with(building.path(), "refs/heads/")?.commit_now(&first_commit(time)?)?;
    skeleton::publish(building.path(), path)
        .map_err(write_failed("move the new repository to its place"))?;
    // It is not there any more; nothing is to be removed.
    let _ = building.keep();
    Ok(Repository::open_with(path, "refs/heads/")?)
}

fn first_commit(time: OffsetDateTime) -> Result<Change, CommitError> {
    let path = "README.md".parse().map_err(|source| CommitError::InvalidPath { source })?;
    let edits = vec![Edit::PutFile { path, content: Vec::new() }];
    let message = Message::bootstrapping();
    Ok(Change { branch: BranchName::main(), message, time, edits, compare_without: Vec::new() })
}
