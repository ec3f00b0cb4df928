//! From a change and where the branch stands to the objects of a commit, all in memory.

use std::sync::Arc;

use gix::objs::{Commit, Kind, WriteTo as _};

use super::error::write_failed;
use super::folder::{Folder, is_same};
use super::objects::NewObjects;
use super::tree::{Leaf, find, with_leaf};
use super::{Change, CommitError, Edit};
use crate::read;
use crate::{CommitId, ReadError, RepoPath};

/// Who signs our commits.
const NAME: &str = "Gimlet";
const EMAIL: &str = "gimlet@gimlet.io";

/// Where a branch stands, and so what the next change is made on.
#[derive(Clone, Debug)]
pub(super) struct Tip {
    pub(super) head: CommitId,
    /// The committer's time, in seconds.
    time: i64,
    tree: Arc<Folder>,
    /// Commits that were made since the tree was read: it remembers what each of them touched.
    pub(super) made: u32,
}

/// A commit that exists in memory only, or the finding that none is needed.
pub(super) enum Draft {
    Unchanged { head: CommitId },
    Commit(Tip),
}

impl Tip {
    /// The branch whose newest commit is `head`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(repo: &gix::Repository, head: CommitId) -> Result<Self, ReadError> {
        let time = read::commit_info(repo, head)?.committer.time.unix_timestamp();
        let tree = Folder::stored(read::tree_of(repo, head)?);
        Ok(Self { head, time, tree, made: 0 })
    }
}

/// Makes commits on a branch, one after the other.
pub(super) struct Drafting<'r> {
    repo: &'r gix::Repository,
    /// Where the branch stands in the repository.
    stored: Option<CommitId>,
    tip: Option<Tip>,
    objects: NewObjects<'r>,
}

impl<'r> Drafting<'r> {
    /// Begins on `tip`, which the repository has.
    pub(super) fn on(repo: &'r gix::Repository, tip: Option<Tip>) -> Self {
        let stored = tip.as_ref().map(|tip| tip.head);
        Self { repo, stored, tip, objects: NewObjects::of(repo) }
    }

    /// The newest commit, drafted or stored.
    pub(super) fn head(&self) -> Option<CommitId> {
        self.tip.as_ref().map(|tip| tip.head)
    }

    /// Makes the commit of `change` on the newest one.
    ///
    /// # Errors
    /// What speaks against the change; the branch is then as before.
    pub(super) fn add(&mut self, change: &Change) -> Result<Draft, CommitError> {
        let draft = self.draft(change);
        self.objects.end_change();
        if let Ok(Draft::Commit(tip)) = &draft {
            self.tip = Some(tip.clone());
        }
        draft
    }

    /// Where the branch is to stand, and the objects that it needs.
    pub(super) fn end(self) -> (Option<Tip>, NewObjects<'r>) {
        (self.tip, self.objects)
    }

    fn draft(&mut self, change: &Change) -> Result<Draft, CommitError> {
        let before = self.tip.clone();
        let mut tree = before.as_ref().map_or_else(Arc::default, |tip| Arc::clone(&tip.tree));
        for edit in &change.edits {
            tree = self.apply(&tree, edit, change)?;
        }
        if let Some(tip) = &before
            && differ_in_these_only(self.repo, &tip.tree, &tree, &change.compare_without)?
        {
            return Ok(Draft::Unchanged { head: tip.head });
        }
        self.commit(before.as_ref(), tree, change).map(Draft::Commit)
    }

    fn apply(
        &mut self,
        tree: &Arc<Folder>,
        edit: &Edit,
        change: &Change,
    ) -> Result<Arc<Folder>, CommitError> {
        let (path, leaf) = match edit {
            Edit::ReplaceFolder { path, files } => {
                let mut folder = Arc::default();
                for (name, content) in files {
                    let name =
                        name.parse().map_err(|source| CommitError::InvalidPath { source })?;
                    // The whole path has a limit too.
                    path.join(RepoPath::as_str(&name))
                        .map_err(|source| CommitError::InvalidPath { source })?;
                    let file = Leaf::File(self.objects.file(content)?);
                    folder = with_leaf(self.repo, &folder, &name, file)?;
                }
                (path, if files.is_empty() { Leaf::NoFolder } else { Leaf::Folder(folder) })
            }
            Edit::PutFile { path, content } => (path, Leaf::File(self.objects.file(content)?)),
            Edit::DeleteFile { path } => (path, Leaf::NoFile),
            Edit::DeleteFolder { path } => (path, Leaf::NoFolder),
            Edit::RestoreFolder { path, from } => {
                (path, Leaf::Folder(self.earlier(path, *from, change)?))
            }
        };
        with_leaf(self.repo, tree, path, leaf)
    }

    fn earlier(
        &self,
        path: &RepoPath,
        from: CommitId,
        change: &Change,
    ) -> Result<Arc<Folder>, CommitError> {
        // What is only drafted has no id that anybody could have been told.
        let known = self.stored.map(|head| read::contains(self.repo, head, from));
        match known {
            Some(Ok(true)) => {}
            Some(Err(ReadError::UnknownCommit { .. }) | Ok(false)) | None => {
                return Err(CommitError::NotInHistory { from, branch: change.branch.clone() });
            }
            Some(Err(error)) => return Err(error.into()),
        }
        match read::entry(self.repo, read::tree_of(self.repo, from)?, path)? {
            Some((mode, folder)) if mode.is_tree() => Ok(Folder::stored(folder)),
            _ => Err(CommitError::NothingToRestore { from, path: path.clone() }),
        }
    }

    fn commit(
        &mut self,
        before: Option<&Tip>,
        tree: Arc<Folder>,
        change: &Change,
    ) -> Result<Tip, CommitError> {
        let asked = change.time.unix_timestamp();
        let time = before.map_or(asked, |parent| asked.max(parent.time)).max(0);
        let signature = gix::actor::Signature {
            name: NAME.into(),
            email: EMAIL.into(),
            time: gix::date::Time::new(time, 0),
        };
        let commit = Commit {
            tree: tree.seal(&mut self.objects)?,
            parents: before.map(|parent| parent.head.object()).into_iter().collect(),
            author: signature.clone(),
            committer: signature,
            encoding: None,
            message: change.message.text().into(),
            extra_headers: Vec::new(),
        };
        let mut content = Vec::new();
        commit.write_to(&mut content).map_err(write_failed("build a commit"))?;
        let head = self.objects.add(Kind::Commit, content).into();
        Ok(Tip { head, time, tree, made: before.map_or(0, |parent| parent.made) + 1 })
    }
}

/// Whether two trees differ in nothing but these files.
fn differ_in_these_only(
    repo: &gix::Repository,
    before: &Arc<Folder>,
    after: &Arc<Folder>,
    left_out: &[RepoPath],
) -> Result<bool, CommitError> {
    let mut tree = Arc::clone(after);
    for path in left_out {
        let was = find(repo, before, path)?.filter(|entry| entry.mode.is_blob());
        let leaf = was.and_then(|entry| entry.file_id()).map_or(Leaf::NoFile, Leaf::File);
        tree = match with_leaf(repo, &tree, path, leaf) {
            // Something else than a file has come to stand there, so there is a difference.
            Err(CommitError::NotAFile { .. } | CommitError::NotAFolder { .. }) => return Ok(false),
            edited => edited?,
        };
    }
    is_same(repo, before, &tree)
}
