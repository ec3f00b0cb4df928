//! Editing trees: git's folders, rewritten from the changed leaf up to the root.

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::Tree;
use gix::objs::tree::{Entry, EntryKind, EntryMode};

use super::CommitError;
use crate::RepoPath;
use crate::read::failed;

/// What is to stand at a path.
#[derive(Clone, Copy)]
pub(super) enum Leaf {
    /// A file with this content; a link there is replaced, a folder refused.
    File(ObjectId),
    /// No file; a folder there is refused.
    NoFile,
    /// This folder, whatever stood there, except a file.
    Folder(ObjectId),
    /// No folder; a file there is refused.
    NoFolder,
}

/// The tree `root` (`None`: empty) with `leaf` at `path`. Folders that become empty vanish, as git
/// knows none.
pub(super) fn with_leaf(
    repo: &gix::Repository,
    root: Option<ObjectId>,
    path: &RepoPath,
    leaf: Leaf,
) -> Result<ObjectId, CommitError> {
    let names: Vec<&str> = path.parts().collect();
    let edited = Rewrite { repo, path, names: &names, leaf }.folder(root, 0)?;
    edited.map_or_else(|| write(repo, &Tree::empty()), Ok)
}

struct Rewrite<'a> {
    repo: &'a gix::Repository,
    path: &'a RepoPath,
    names: &'a [&'a str],
    leaf: Leaf,
}

impl Rewrite<'_> {
    /// The folder at `depth` with the edit made; `None` when nothing is left in it.
    fn folder(
        &self,
        folder: Option<ObjectId>,
        depth: usize,
    ) -> Result<Option<ObjectId>, CommitError> {
        let Some(name) = self.names.get(depth) else { return Err(CommitError::Root) };
        let mut tree = folder.map_or_else(|| Ok(Tree::empty()), |id| read(self.repo, id))?;
        let position =
            tree.entries.iter().position(|entry| entry.filename == name.as_bytes().as_bstr());
        let present = position.map(|at| (tree.entries[at].mode, tree.entries[at].oid));

        let replacement = if depth + 1 == self.names.len() {
            self.leaf(present)?
        } else {
            self.inner(present, depth)?
        };
        // Taken out and put back in order: files and folders sort differently.
        if let Some(at) = position {
            tree.entries.remove(at);
        }
        if let Some((mode, oid)) = replacement {
            let entry = Entry { mode, filename: (*name).into(), oid };
            let at = tree.entries.partition_point(|other| other < &entry);
            tree.entries.insert(at, entry);
        }
        if tree.entries.is_empty() { Ok(None) } else { write(self.repo, &tree).map(Some) }
    }

    fn inner(
        &self,
        present: Option<(EntryMode, ObjectId)>,
        depth: usize,
    ) -> Result<Option<(EntryMode, ObjectId)>, CommitError> {
        let removes = matches!(self.leaf, Leaf::NoFile | Leaf::NoFolder);
        let folder = match present {
            Some((mode, id)) if mode.is_tree() => Some(id),
            // Below a link or file there is nothing to remove, and nothing may be written through it.
            Some(other) if removes => return Ok(Some(other)),
            Some(_) => return Err(CommitError::NotAFolder { path: self.prefix(depth) }),
            None if removes => return Ok(None),
            None => None,
        };
        Ok(self.folder(folder, depth + 1)?.map(|id| (EntryKind::Tree.into(), id)))
    }

    fn leaf(
        &self,
        present: Option<(EntryMode, ObjectId)>,
    ) -> Result<Option<(EntryMode, ObjectId)>, CommitError> {
        let is =
            |test: fn(&EntryMode) -> bool| present.as_ref().is_some_and(|(mode, _)| test(mode));
        match self.leaf {
            Leaf::File(_) | Leaf::NoFile if is(EntryMode::is_tree) => {
                Err(CommitError::NotAFile { path: self.path.clone() })
            }
            Leaf::Folder(_) | Leaf::NoFolder if is(EntryMode::is_blob) => {
                Err(CommitError::NotAFolder { path: self.path.clone() })
            }
            Leaf::File(id) => Ok(Some((EntryKind::Blob.into(), id))),
            Leaf::Folder(id) => Ok((!id.is_empty_tree()).then(|| (EntryKind::Tree.into(), id))),
            Leaf::NoFile | Leaf::NoFolder => Ok(None),
        }
    }

    /// The path down to `depth`. It is a prefix of a valid path, so it is one.
    fn prefix(&self, depth: usize) -> RepoPath {
        self.names[..=depth].join("/").parse().unwrap_or_else(|_| self.path.clone())
    }
}

fn read(repo: &gix::Repository, id: ObjectId) -> Result<Tree, CommitError> {
    let tree = repo.find_tree(id).map_err(failed("read a folder"))?;
    let decoded = tree.decode().map_err(failed("decode a folder"))?;
    Ok(decoded.into())
}

fn write(repo: &gix::Repository, tree: &Tree) -> Result<ObjectId, CommitError> {
    Ok(repo.write_object(tree).map_err(failed("build a folder"))?.detach())
}
