//! Mirrors of source repositories: what commits are there, and what their manifests say.
//!
//! A mirror is a bare copy of a repository's branches and tags. It remembers nothing of what was
//! already processed: [`Mirror::refs`] says what is there, and the caller keeps what it has dealt with,
//! so a crash in between repeats a change and loses none.

mod error;
mod folder;
mod refs;
mod size;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

pub use error::MirrorError;
pub use folder::{
    Folder, FolderFile, Ignored, IgnoredReason, LARGEST_FILE, LARGEST_FOLDER, MOST_FILES,
};
pub use refs::{RefChange, changes};

/// The most branches and tags of a repository. Each is looked up at every fetch, and each new one brings
/// artifacts.
pub const MOST_REFS: usize = 20_000;
/// The most that a mirror may hold on our disk, in bytes.
pub const LARGEST_MIRROR: u64 = 4 << 30;
/// How often a mirror is measured while it grows.
const SIZE_PERIOD: Duration = Duration::from_secs(1);

use crate::read::{self, blocking};
use crate::remote::{Credentials, HostPolicy, Remote, RemoteUrl};
use crate::{CommitId, CommitInfo, Git, ReadError, RefName, RepoPath, history, skeleton};

/// The local copy of a source repository. Clones share it.
#[derive(Clone, Debug)]
pub struct Mirror {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    git: gix::ThreadSafeRepository,
    remote: Remote,
    /// One fetch at a time: git would lock itself out.
    fetching: Mutex<()>,
    /// When the host last said where everything is.
    fetched: std::sync::Mutex<Option<Instant>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Mirror").field(&self.path).field(&self.remote.url).finish()
    }
}

impl Mirror {
    /// Uses the mirror at `path`, or makes an empty one; the host is not contacted yet. A mirror may be
    /// given another address later (the repository was renamed): the next fetch brings it in line.
    ///
    /// # Errors
    /// When `path` holds something else, or the disk refuses.
    pub async fn ensure(
        path: impl Into<PathBuf>,
        git: Git,
        url: RemoteUrl,
        credentials: Option<Credentials>,
        policy: HostPolicy,
    ) -> Result<Self, MirrorError> {
        let path = path.into();
        let remote = Remote::new(git, url, credentials, policy);
        blocking(move || {
            if !skeleton::stands(&path) {
                skeleton::write(&path)
                    .map_err(|source| MirrorError::Write { path: path.clone(), source })?;
            }
            skeleton::tidy(&path);
            let git = read::open(&path)?;
            let (fetching, fetched) = (Mutex::default(), std::sync::Mutex::default());
            Ok(Self { inner: Arc::new(Inner { path, git, remote, fetching, fetched }) })
        })
        .await
    }

    /// The mirror's directory.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The repository's address.
    pub fn url(&self) -> &RemoteUrl {
        &self.inner.remote.url
    }

    /// Brings branches and tags in line with the host, within 120 s, and says what changed since the
    /// last fetch. When nothing did, this costs one listing. Submodules and LFS objects stay away.
    ///
    /// The answer is a hint: if it is lost in a crash, [`refs`](Self::refs) and [`changes`] give the
    /// difference from what the caller has dealt with.
    ///
    /// # Errors
    /// When the host may not be dialled, cannot be reached, refuses, or does not know the repository.
    pub async fn fetch(&self) -> Result<Vec<RefChange>, MirrorError> {
        let _alone = self.inner.fetching.lock().await;
        let (remote, path) = (&self.inner.remote, &self.inner.path);
        let listing = remote.list(path).await?;
        if listing.refs.len() > MOST_REFS {
            return Err(MirrorError::TooManyRefs { count: listing.refs.len() });
        }
        let before = self.refs().await?;

        let known = self.read(|repo| refs::unpeeled(&repo)).await?;
        if listing.refs != known {
            let refspecs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
            self.within_limit(remote.fetch(path, &refspecs)).await?;
        }
        if let Some(head) = listing.head
            && self.read(|repo| refs::head(&repo)).await?.as_ref() != Some(&head)
        {
            let this = self.clone();
            blocking(move || {
                skeleton::set_head(&this.inner.path, head.as_str())
                    .map_err(|source| MirrorError::Write { path: this.inner.path.clone(), source })
            })
            .await?;
        }
        *self.fetched() = Some(Instant::now());
        Ok(changes(&before, &self.refs().await?))
    }

    /// How long ago this process last brought it in line with the host; `None`: never.
    pub fn age(&self) -> Option<Duration> {
        self.fetched().map(|fetched| fetched.elapsed())
    }

    fn fetched(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        // A moment is written in one go, whoever panicked.
        self.inner.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a fetch once the mirror holds more than it may; git removes what was not finished.
    async fn within_limit(
        &self,
        fetch: impl Future<Output = Result<(), crate::remote::RemoteError>>,
    ) -> Result<(), MirrorError> {
        let path = self.inner.path.clone();
        let too_large = async {
            loop {
                let measured = path.clone();
                let size = tokio::task::spawn_blocking(move || size::of_folder(&measured)).await;
                if size.is_ok_and(|size| size > LARGEST_MIRROR) {
                    return;
                }
                tokio::time::sleep(SIZE_PERIOD).await;
            }
        };
        tokio::select! {
            fetched = fetch => Ok(fetched?),
            () = too_large => Err(MirrorError::TooLarge),
        }
    }

    /// Makes sure that one commit is here, fetching it alone if no branch or tag has brought it.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch); also when the host does not give that commit.
    pub async fn fetch_sha(&self, id: CommitId) -> Result<(), MirrorError> {
        let _alone = self.inner.fetching.lock().await;
        if self.has(id).await? {
            return Ok(());
        }
        // A name of its own keeps it from being pruned.
        let refspec = format!("{id}:refs/gimlet/{id}");
        self.within_limit(self.inner.remote.fetch(&self.inner.path, &[&refspec])).await
    }

    /// Whether the commit is here.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub async fn has(&self, id: CommitId) -> Result<bool, ReadError> {
        match self.commit(id).await {
            Ok(_) => Ok(true),
            Err(ReadError::UnknownCommit { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All branches and tags with the commits they point at; tags of anything else are left out.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub async fn refs(&self) -> Result<BTreeMap<RefName, CommitId>, ReadError> {
        self.read(|repo| refs::peeled(&repo)).await
    }

    /// The branch that the host's `HEAD` names, if it exists.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub async fn default_branch(&self) -> Result<Option<RefName>, ReadError> {
        self.read(|repo| {
            let Some(head) = refs::head(&repo)? else { return Ok(None) };
            Ok(read::resolve(&repo, head.as_str())?.map(|_| head))
        })
        .await
    }

    /// One commit.
    ///
    /// # Errors
    /// When it is not here.
    pub async fn commit(&self, id: CommitId) -> Result<CommitInfo, ReadError> {
        self.read(move |repo| read::commit_info(&repo, id)).await
    }

    /// The commits in the history of `new` but not of `old` (`None`: all), newest first, at most `limit`.
    ///
    /// # Errors
    /// When either commit is not here.
    pub async fn commits_between(
        &self,
        old: Option<CommitId>,
        new: CommitId,
        limit: usize,
    ) -> Result<Vec<CommitInfo>, ReadError> {
        self.read(move |repo| history::between(&repo, old, new, limit)).await
    }

    /// Whether `ancestor` is `descendant` or lies in its history.
    ///
    /// # Errors
    /// When either commit is not here.
    pub async fn is_ancestor(
        &self,
        ancestor: CommitId,
        descendant: CommitId,
    ) -> Result<bool, ReadError> {
        self.read(move |repo| read::contains(&repo, descendant, ancestor)).await
    }

    /// The files directly in a folder at a commit, within the limits of [`Folder`]; empty when there is
    /// no such folder.
    ///
    /// # Errors
    /// When the commit is not here.
    pub async fn read_folder(&self, at: CommitId, path: &RepoPath) -> Result<Folder, ReadError> {
        let path = path.clone();
        self.read(move |repo| folder::read(&repo, at, &path)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(gix::Repository) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let this = self.clone();
        blocking(move || work(history::handle(&this.inner.git))).await
    }
}
