//! From a change and a head to the objects of a commit, all in memory.

use gix::ObjectId;
use gix::objs::{Commit, Kind, TreeRefIter};

use super::tree::{Leaf, with_leaf};
use super::{Change, CommitError, Edit};
use crate::read::{self, failed};
use crate::{CommitId, RepoPath};

/// Who signs our commits.
const NAME: &str = "Gimlet";
const EMAIL: &str = "gimlet@gimlet.io";

/// An object that is not yet in the repository.
pub(super) type NewObject = (ObjectId, Kind, Vec<u8>);

/// A commit that exists in memory only, or the finding that none is needed.
pub(super) enum Draft {
    Unchanged { head: CommitId },
    Commit { id: CommitId, tree: ObjectId },
}

/// Makes the commit of `change` on `head`; `repo` must keep new objects in memory, where `head` may be, too.
pub(super) fn draft(
    repo: &gix::Repository,
    head: Option<CommitId>,
    change: &Change,
) -> Result<Draft, CommitError> {
    let before = head.map(|head| read::tree_of(repo, head)).transpose()?;
    let mut tree = before;
    for edit in &change.edits {
        tree = Some(Drafting { repo, head, change }.apply(tree, edit)?);
    }
    if let Some((head, before)) = head.zip(before)
        && comparable(repo, before, tree, &change.compare_without)? == Some(before)
    {
        return Ok(Draft::Unchanged { head });
    }
    let tree = tree.map_or_else(|| empty_folder(repo), Ok)?;
    let id = write_commit(repo, head, tree, change)?;
    Ok(Draft::Commit { id: id.into(), tree })
}

struct Drafting<'a> {
    repo: &'a gix::Repository,
    head: Option<CommitId>,
    change: &'a Change,
}

impl Drafting<'_> {
    fn apply(&self, tree: Option<ObjectId>, edit: &Edit) -> Result<ObjectId, CommitError> {
        let (path, leaf) = match edit {
            Edit::ReplaceFolder { path, files } => {
                let mut folder = empty_folder(self.repo)?;
                for (name, content) in files {
                    let name =
                        name.parse().map_err(|source| CommitError::InvalidPath { source })?;
                    // The whole path has a limit too.
                    path.join(RepoPath::as_str(&name))
                        .map_err(|source| CommitError::InvalidPath { source })?;
                    folder =
                        with_leaf(self.repo, Some(folder), &name, Leaf::File(self.blob(content)?))?;
                }
                (path, if files.is_empty() { Leaf::NoFolder } else { Leaf::Folder(folder) })
            }
            Edit::PutFile { path, content } => (path, Leaf::File(self.blob(content)?)),
            Edit::DeleteFile { path } => (path, Leaf::NoFile),
            Edit::DeleteFolder { path } => (path, Leaf::NoFolder),
            Edit::RestoreFolder { path, from } => (path, Leaf::Folder(self.earlier(path, *from)?)),
        };
        with_leaf(self.repo, tree, path, leaf)
    }

    fn blob(&self, content: &[u8]) -> Result<ObjectId, CommitError> {
        Ok(self.repo.write_blob(content).map_err(failed("build a file"))?.detach())
    }

    fn earlier(&self, path: &RepoPath, from: CommitId) -> Result<ObjectId, CommitError> {
        let known = self.head.map(|head| read::contains(self.repo, head, from));
        match known {
            Some(Ok(true)) => {}
            Some(Err(crate::ReadError::UnknownCommit { .. }) | Ok(false)) | None => {
                return Err(CommitError::NotInHistory { from, branch: self.change.branch.clone() });
            }
            Some(Err(error)) => return Err(error.into()),
        }
        match read::entry(self.repo, read::tree_of(self.repo, from)?, path)? {
            Some((mode, folder)) if mode.is_tree() => Ok(folder),
            _ => Err(CommitError::NothingToRestore { from, path: path.clone() }),
        }
    }
}

/// `after` with the left-out files as they were in `before`.
fn comparable(
    repo: &gix::Repository,
    before: ObjectId,
    after: Option<ObjectId>,
    left_out: &[RepoPath],
) -> Result<Option<ObjectId>, CommitError> {
    let mut tree = after;
    for path in left_out {
        let was = read::entry(repo, before, path)?.filter(|(mode, _)| mode.is_blob());
        let leaf = was.map_or(Leaf::NoFile, |(_, id)| Leaf::File(id));
        tree = match with_leaf(repo, tree, path, leaf) {
            // Something else than a file has come to stand there, so there is a difference.
            Err(CommitError::NotAFile { .. } | CommitError::NotAFolder { .. }) => return Ok(None),
            edited => Some(edited?),
        };
    }
    Ok(tree)
}

fn empty_folder(repo: &gix::Repository) -> Result<ObjectId, CommitError> {
    Ok(repo.write_object(gix::objs::Tree::empty()).map_err(failed("build a folder"))?.detach())
}

fn write_commit(
    repo: &gix::Repository,
    head: Option<CommitId>,
    tree: ObjectId,
    change: &Change,
) -> Result<ObjectId, CommitError> {
    let parent = head.map(|head| read::commit_info(repo, head)).transpose()?;
    let asked = change.time.unix_timestamp();
    let seconds = parent.map_or(asked, |parent| asked.max(parent.committer.time.unix_timestamp()));
    let signature = gix::actor::Signature {
        name: NAME.into(),
        email: EMAIL.into(),
        time: gix::date::Time::new(seconds.max(0), 0),
    };
    let commit = Commit {
        tree,
        parents: head.map(CommitId::object).into_iter().collect(),
        author: signature.clone(),
        committer: signature,
        encoding: None,
        message: change.message.text().into(),
        extra_headers: Vec::new(),
    };
    Ok(repo.write_object(commit).map_err(failed("build a commit"))?.detach())
}

/// The new objects that these commits and their trees need: commits in their order, each after its files.
/// What edits made in passing stays behind.
pub(super) fn new_objects(
    repo: &gix::Repository,
    commits: &[(CommitId, ObjectId)],
) -> Result<Vec<NewObject>, CommitError> {
    let mut memory = repo.objects.reset_object_memory().unwrap_or_default();
    let mut needed = Vec::new();
    for (commit, tree) in commits {
        let begun = needed.len();
        let mut waiting = vec![commit.object(), *tree];
        while let Some(id) = waiting.pop() {
            // Absent: it is in the repository already, or was met before.
            let Some((kind, data)) = memory.remove(&id) else { continue };
            if kind == Kind::Tree {
                for entry in TreeRefIter::from_bytes(&data, id.kind()) {
                    waiting.push(entry.map_err(failed("decode a folder"))?.oid.to_owned());
                }
            }
            needed.push((id, kind, data));
        }
        needed[begun..].reverse();
    }
    Ok(needed)
}
