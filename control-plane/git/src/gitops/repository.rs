//! A bare repository on our own disk.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError, TryLockError};
use std::time::Instant;

use gimlet_shared::crash_point;
use time::OffsetDateTime;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::deploys::Deploys;
use super::draft::{Draft, Drafting, Tip};
use super::error::write_failed;
use super::gather::{TOGETHER, gather};
use super::queue::{LastBatch, Queue, Waiting};
use super::reference::{Swap, Value, advance};
use super::{Change, CommitError, Committed, DEPLOY_ID, Edit, Message, deploys, durable};
use crate::read::{self, blocking};
use crate::{
    BranchName, ChangeLimits, Changes, CommitId, CommitInfo, ReadError, RepoPath, changes, history,
    skeleton,
};

/// Commits after which a branch's tree is read anew, so that what they touched does not gather in memory.
const MOST_MADE: u32 = 4_096;

/// How often a commit is made anew because somebody else was faster.
pub(super) const ATTEMPTS: u32 = 10;

/// A bare repository on our own disk. Clones share it, and its one writer.
///
/// **Together.** Changes that wait for the writer are committed together: one commit each, chained in the
/// order in which they came, their objects in one pack, and the branch moved once. So what waits shares
/// the syncs, and a busy repository takes thousands of commits a second.
///
/// **What lasts.** When [`commit`](Self::commit) returns `Made`, a power loss cannot take the commit
/// back: its objects were synced before they got their names, the branch's new value before it replaced
/// the old one, and the folders of both before the call returned. (That a disk obeys a sync is the disk's
/// promise, and that the objects' names come to it before the branch that was moved after them, the file
/// system's.) A crash at any point before leaves the branch as it was, and a repository that `git fsck`
/// calls whole; objects that nothing names may stay behind.
///
/// **In memory.** The tree of each branch that was committed to is kept as far as commits have touched it,
/// so that the next one reads nothing; a branch that somebody else moved is read again.
#[derive(Clone, Debug)]
pub struct Repository {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    git: std::sync::Mutex<gix::ThreadSafeRepository>,
    /// Where the branches are that this repository speaks of.
    branches: &'static str,
    /// Whoever has it commits, for all in the queue.
    writer: Arc<Mutex<()>>,
    queue: Queue,
    last: std::sync::Mutex<LastBatch>,
    /// Which release made which commit, of each branch that was asked for.
    deploys: std::sync::Mutex<HashMap<BranchName, Deploys>>,
    /// Where each branch stands that was committed to.
    tips: std::sync::Mutex<HashMap<BranchName, Tip>>,
    /// Packs stored since small ones were gathered last.
    packs: AtomicUsize,
    /// Held by whoever gathers.
    gathering: std::sync::Mutex<()>,
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
        let inner = Inner {
            path: path.to_owned(),
            git: std::sync::Mutex::new(git),
            branches,
            writer: Arc::default(),
            queue: Queue::default(),
            last: Default::default(),
            deploys: Default::default(),
            tips: Default::default(),
            // The first commit gathers what earlier runs left.
            packs: AtomicUsize::new(TOGETHER),
            gathering: Default::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
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

    /// The files at or below `paths` that differ between two commits; without `from`, all of `to`'s.
    ///
    /// # Errors
    /// When either commit is unknown.
    pub async fn changes(
        &self,
        from: Option<CommitId>,
        to: CommitId,
        paths: Vec<RepoPath>,
        limits: ChangeLimits,
    ) -> Result<Changes, ReadError> {
        self.read(move |_, repo| changes::changes(&repo, from, to, &paths, limits)).await
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
        self.read(move |this, repo| {
            let Some(head) = this.head_in(&repo, &branch)? else { return Ok(None) };
            if since.is_some() || limit > deploys::DEPTH {
                return history::find_deploy(&repo, head, &deploy_id, since, limit);
            }
            let mut known = lock(&this.inner.deploys);
            known.entry(branch).or_default().find(&repo, head, &deploy_id, limit)
        })
        .await
    }

    /// Commits a change on the branch's head; see [`Repository`] for what then lasts.
    ///
    /// A dropped call may still commit: look with [`find_deploy`](Self::find_deploy) before repeating.
    ///
    /// # Errors
    /// Every error leaves the branch without the change, except a failed sync after the move.
    pub async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        let mut answer = self.inner.queue.join(change);
        loop {
            let turn = tokio::select! {
                biased;
                answered = &mut answer => return answered.unwrap_or_else(|_| Err(unanswered())),
                turn = self.turn() => turn,
            };
            let this = self.clone();
            // The turn goes with the work: it runs on when the caller is gone.
            let work = blocking(move || {
                let gathering = this.commit_waiting();
                drop(turn);
                if gathering.is_some() {
                    this.gather();
                }
                Ok::<_, CommitError>(())
            });
            tokio::select! {
                biased;
                answered = &mut answer => return answered.unwrap_or_else(|_| Err(unanswered())),
                ended = work => ended?,
            }
        }
    }

    /// Waits until no other commit is being made.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        self.inner.writer.clone().lock_owned().await
    }

    /// Waits until small packs are not being gathered any more, which goes on beside the commits: for whoever
    /// looks at the repository's files by other means than git's, or with `git fsck`.
    pub async fn gathered(&self) {
        let this = self.clone();
        let waited = blocking(move || {
            drop(lock(&this.inner.gathering));
            Ok::<_, ReadError>(())
        });
        // It fails where the process ends, and then nothing gathers.
        let _ = waited.await;
    }

    /// Commits what waits, and answers those who wait for it; whoever gets the returned has to gather.
    fn commit_waiting(&self) -> Option<MutexGuard<'_, ()>> {
        let last = std::mem::take(&mut *lock(&self.inner.last));
        self.inner.queue.gather(last);
        let (branch, batch) = self.inner.queue.take()?;
        let (size, began) = (batch.len(), Instant::now());
        let (changes, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|Waiting { change, answer }| (change, answer)).unzip();
        let results = self.commit_together(&branch, &changes);
        let (took, ended) = (began.elapsed(), Some(Instant::now()));
        *lock(&self.inner.last) = LastBatch { size, took, ended };
        // Begun before anybody is answered, so that who was answered can wait for its end.
        let gathering = self.begin_gathering();
        for (answer, result) in answers.into_iter().zip(results) {
            // Nobody waits any more: that the commit is made holds all the same.
            let _ = answer.send(result);
        }
        gathering
    }

    /// One commit for each change, or what speaks against it.
    fn commit_together(
        &self,
        branch: &BranchName,
        changes: &[Change],
    ) -> Vec<Result<Committed, CommitError>> {
        let mut has_looked_again = false;
        let failed = (0..ATTEMPTS).find_map(|_| match self.attempt(branch, changes) {
            Ok(Attempt::Settled(results)) => Some(Ok(results)),
            Ok(Attempt::Lost) => None,
            Err(CommitError::Read(error)) if !has_looked_again => {
                has_looked_again = true;
                self.look_again().err().map(|_| Err(error.into()))
            }
            Err(error) => Some(Err(error)),
        });
        let contended = || CommitError::Contended { branch: branch.clone(), attempts: ATTEMPTS };
        let error = match failed.unwrap_or_else(|| Err(contended())) {
            Ok(results) => return results,
            Err(error) if changes.len() == 1 => return vec![Err(error)],
            Err(error) => Arc::new(error),
        };
        changes.iter().map(|_| Err(CommitError::Together { source: Arc::clone(&error) })).collect()
    }

    /// Makes all commits on the branch as it is now, stores them, and moves the branch.
    fn attempt(&self, branch: &BranchName, changes: &[Change]) -> Result<Attempt, CommitError> {
        let repo = self.repo();
        let before = self.head_in(&repo, branch)?;
        let mut drafting = Drafting::on(&repo, self.tip(&repo, branch, before)?);
        let (mut results, mut made) = (Vec::with_capacity(changes.len()), Vec::new());
        for change in changes {
            let parent = drafting.head();
            results.push(match drafting.add(change) {
                Ok(Draft::Unchanged { head }) => Ok(Committed::Unchanged { head }),
                Ok(Draft::Commit(Tip { head: commit, .. })) => {
                    made.push((commit, change.message.trailer(DEPLOY_ID)));
                    Ok(Committed::Made { commit, parent })
                }
                Err(error) => Err(error),
            });
        }
        let (Some(tip), objects) = drafting.end() else { return Ok(Attempt::Settled(results)) };
        if made.is_empty() {
            return Ok(Attempt::Settled(results));
        }
        let value = Value::write(&self.inner.path, tip.head)?;
        let placed = durable::store(&self.inner.path, &objects.into_list(), Some(value.file()))?;
        self.inner.packs.fetch_add(1, Ordering::Relaxed);
        Ok(match advance(&repo, &self.full_name(branch), before, &value, placed)? {
            Swap::Moved => {
                self.note(branch, before, tip, &made);
                Attempt::Settled(results)
            }
            Swap::Lost => Attempt::Lost,
        })
    }

    /// Where a branch stands: as it was left by the last commit, if nobody else moved it.
    fn tip(
        &self,
        repo: &gix::Repository,
        branch: &BranchName,
        head: Option<CommitId>,
    ) -> Result<Option<Tip>, ReadError> {
        let Some(head) = head else { return Ok(None) };
        // Looked up even where it is not read: that makes known what was stored since the last time.
        read::commit(repo, head)?;
        let tips = lock(&self.inner.tips);
        let kept = tips.get(branch).filter(|tip| tip.head == head && tip.made < MOST_MADE).cloned();
        drop(tips);
        kept.map_or_else(|| Tip::read(repo, head), Ok).map(Some)
    }

    /// Remembers what was just committed.
    fn note(
        &self,
        branch: &BranchName,
        before: Option<CommitId>,
        tip: Tip,
        made: &[(CommitId, Option<&str>)],
    ) {
        if let Some(known) = lock(&self.inner.deploys).get_mut(branch) {
            known.note(before, made);
        }
        lock(&self.inner.tips).insert(branch.clone(), tip);
    }

    /// The turn to gather small packs, where enough were stored since the last time and nobody else has it.
    fn begin_gathering(&self) -> Option<MutexGuard<'_, ()>> {
        if self.inner.packs.load(Ordering::Relaxed) < TOGETHER {
            return None;
        }
        match self.inner.gathering.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(left)) => Some(left.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Gathers small packs. Commits go on meanwhile.
    fn gather(&self) {
        self.inner.packs.store(0, Ordering::Relaxed);
        // Without it reading is slower, and the next time tries again.
        let _ = gather(&self.inner.path.join("objects/pack"));
    }

    /// Makes the commit of `change` on `head` and stores it; no branch names it yet.
    pub(super) fn prepare(
        &self,
        head: Option<CommitId>,
        change: &Change,
    ) -> Result<Prepared, CommitError> {
        let repo = self.repo();
        let tip = head.map(|head| Tip::read(&repo, head)).transpose()?;
        let mut drafting = Drafting::on(&repo, tip);
        match drafting.add(change)? {
            Draft::Unchanged { head } => Ok(Prepared::Unchanged { head }),
            Draft::Commit(Tip { head: commit, .. }) => {
                let (_, objects) = drafting.end();
                let placed = durable::store(&self.inner.path, &objects.into_list(), None)?;
                placed.sync_with(None).map_err(write_failed("store new objects"))?;
                self.inner.packs.fetch_add(1, Ordering::Relaxed);
                if let Some(_turn) = self.begin_gathering() {
                    self.gather();
                }
                Ok(Prepared::Stored { commit })
            }
        }
    }

    pub(super) fn swap(
        &self,
        branch: &BranchName,
        old: Option<CommitId>,
        new: CommitId,
    ) -> Result<Swap, CommitError> {
        let value = Value::write(&self.inner.path, new)?;
        let placed = durable::store(&self.inner.path, &[], Some(value.file()))?;
        advance(&self.repo(), &self.full_name(branch), old, &value, placed)
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
        history::handle(&lock(&self.inner.git))
    }

    /// Opens it anew: gix looks again into the folder of packs when the folder's time has changed, and packs that
    /// come and go within one tick of the clock do not show in it.
    fn look_again(&self) -> Result<(), ReadError> {
        *lock(&self.inner.git) = read::open(&self.inner.path)?;
        Ok(())
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self, gix::Repository) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let this = self.clone();
        blocking(move || work(&this, this.repo())).await
    }
}

fn lock<T>(kept: &std::sync::Mutex<T>) -> MutexGuard<'_, T> {
    // Each change leaves it usable, whoever panicked.
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How an attempt to commit ended.
enum Attempt {
    Settled(Vec<Result<Committed, CommitError>>),
    /// Somebody else moved the branch meanwhile.
    Lost,
}

/// A worker that ended without an answer did so by a panic, which is told where it happened.
fn unanswered() -> CommitError {
    write_failed("commit")(std::io::Error::other("the writer ended early"))
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
    let first = first_commit(time)?;
    let built = Repository::open_with(building.path(), "refs/heads/")?;
    built
        .commit_together(&first.branch, std::slice::from_ref(&first))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    crash_point!("git.repository.before");
    skeleton::publish(building.path(), path)
        .map_err(write_failed("move the new repository to its place"))?;
    crash_point!("git.repository.after");
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
