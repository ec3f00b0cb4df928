//! A gitops repository on another git host.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gimlet_shared::crash_point;
use tokio::sync::Mutex;

use super::error::write_failed;
use super::reference::Swap;
use super::repository::{ATTEMPTS, Prepared};
use super::{Change, CommitError, Committed, Repository};
use crate::read::blocking;
use crate::remote::{Credentials, HostPolicy, Pushed, Remote, RemoteError, RemoteUrl};
use crate::{BranchName, CommitId, Git, ReadError, skeleton};

/// Where the host's branches are kept in the local copy.
const BRANCHES: &str = "refs/remotes/origin/";

/// A gitops repository on another git host, with a bare copy on our disk. Clones share the copy.
///
/// Reading answers from the copy, as of the last [`refresh`](Self::refresh) or commit. The host is the
/// truth: the copy may be deleted at any time while nobody uses it.
#[derive(Clone, Debug)]
pub struct Outside {
    copy: Repository,
    remote: Arc<Remote>,
    /// One fetch at a time: git would lock itself out.
    fetching: Arc<Mutex<()>>,
}

impl Outside {
    /// Uses the copy at `path`, or makes an empty one; the host is not contacted yet.
    ///
    /// # Errors
    /// When `path` holds something else, or the disk refuses.
    pub async fn open(
        path: impl Into<PathBuf>,
        git: Git,
        url: RemoteUrl,
        credentials: Option<Credentials>,
        policy: HostPolicy,
    ) -> Result<Self, CommitError> {
        let path = path.into();
        let copy = blocking(move || open_copy(&path)).await?;
        Ok(Self {
            copy,
            remote: Arc::new(Remote::new(git, url, credentials, policy)),
            fetching: Arc::default(),
        })
    }

    /// The local copy, for reading.
    pub(super) fn copy(&self) -> &Repository {
        &self.copy
    }

    /// The repository's address.
    pub fn url(&self) -> &RemoteUrl {
        &self.remote.url
    }

    /// Fetches all branches into the copy.
    ///
    /// # Errors
    /// When the host cannot be reached, refuses, or does not know the repository.
    pub async fn refresh(&self) -> Result<(), RemoteError> {
        let _alone = self.fetching.lock().await;
        let refspec = format!("+refs/heads/*:{BRANCHES}*");
        self.remote.fetch(self.copy.path(), &[&refspec]).await
    }

    /// The branch that the host's `HEAD` names; `None` for an empty repository, or an unusable name.
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh).
    pub async fn default_branch(&self) -> Result<Option<BranchName>, RemoteError> {
        let listing = self.remote.list(self.copy.path()).await?;
        Ok(listing.head.and_then(|head| head.short().parse().ok()))
    }

    /// Commits a change on the host's present head and pushes it, as compare-and-swap: if somebody
    /// pushed meanwhile, the change is made anew on the new head, ten times at most.
    ///
    /// # Errors
    /// [`CommitError::Remote`] when the host does not take it. If its answer was lost, or the call was
    /// dropped, the commit may have arrived nevertheless: look with `find_deploy`.
    pub async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        let _turn = self.copy.turn().await;
        let change = Arc::new(change);
        self.refresh().await?;
        for _ in 0..ATTEMPTS {
            let head = self.copy.head(&change.branch).await?;
            let commit = match self.prepare(head, &change).await? {
                Prepared::Unchanged { head } => return Ok(Committed::Unchanged { head }),
                Prepared::Stored { commit } => commit,
            };
            crash_point!("git.push.before");
            let pushed = self.remote.push(self.copy.path(), commit, &change.branch, head).await;
            crash_point!("git.push.after");
            match pushed {
                Ok(Pushed::Done) => {
                    crash_point!("git.push-noted.before");
                    self.remember(&change.branch, head, commit).await?;
                    crash_point!("git.push-noted.after");
                    return Ok(Committed::Made { commit, parent: head });
                }
                Ok(Pushed::Raced) => self.refresh().await?,
                Err(error) => {
                    // The push may have arrived although its answer did not.
                    if self.refresh().await.is_ok() && self.has(&change.branch, commit).await? {
                        return Ok(Committed::Made { commit, parent: head });
                    }
                    return Err(error.into());
                }
            }
            if self.has(&change.branch, commit).await? {
                return Ok(Committed::Made { commit, parent: head });
            }
        }
        Err(CommitError::Contended { branch: change.branch.clone(), attempts: ATTEMPTS })
    }

    /// Asks the host whether we may push, by pushing a branch as it stands; nothing moves.
    ///
    /// # Errors
    /// [`CommitError::Remote`] when we may not, or the host does not answer.
    pub async fn check_push(&self, branch: &BranchName) -> Result<(), CommitError> {
        let _turn = self.copy.turn().await;
        let Some(head) = self.copy.head(branch).await? else { return Ok(()) };
        // That somebody moved it meanwhile is an answer too.
        self.remote.push(self.copy.path(), head, branch, Some(head)).await?;
        Ok(())
    }

    async fn prepare(
        &self,
        head: Option<CommitId>,
        change: &Arc<Change>,
    ) -> Result<Prepared, CommitError> {
        let (copy, change) = (self.copy.clone(), Arc::clone(change));
        blocking(move || copy.prepare(head, &change)).await
    }

    /// Notes in the copy what the host has now. A reader's refresh may have noted something newer.
    async fn remember(
        &self,
        branch: &BranchName,
        old: Option<CommitId>,
        new: CommitId,
    ) -> Result<Swap, CommitError> {
        let (copy, branch) = (self.copy.clone(), branch.clone());
        blocking(move || copy.swap(&branch, old, new)).await
    }

    async fn has(&self, branch: &BranchName, commit: CommitId) -> Result<bool, ReadError> {
        match self.copy.head(branch).await? {
            Some(head) => self.copy.contains(head, commit).await,
            None => Ok(false),
        }
    }
}

fn open_copy(path: &Path) -> Result<Repository, CommitError> {
    if !skeleton::stands(path) {
        skeleton::write(path).map_err(write_failed("write the new copy"))?;
    }
    Ok(Repository::open_with(path, BRANCHES)?)
}
