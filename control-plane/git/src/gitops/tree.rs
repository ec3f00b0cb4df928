//! Editing trees: folders in memory, rewritten from the changed leaf up to the root.

use std::sync::Arc;

use gix::ObjectId;

use super::CommitError;
use super::folder::{Entry, Folder, Node, is_same_entry, position};
use crate::RepoPath;

/// What is to stand at a path.
#[derive(Clone)]
pub(super) enum Leaf {
    /// A file with this content; a link there is replaced, a folder refused.
    File(ObjectId),
    /// No file; a folder there is refused.
    NoFile,
    /// This folder, whatever stood there, except a file.
    Folder(Arc<Folder>),
    /// No folder; a file there is refused.
    NoFolder,
}

/// The tree `root` with `leaf` at `path`: `root` itself where that is so already. Folders that become empty
/// vanish, as git knows none.
pub(super) fn with_leaf(
    repo: &gix::Repository,
    root: &Arc<Folder>,
    path: &RepoPath,
    leaf: Leaf,
) -> Result<Arc<Folder>, CommitError> {
    let names: Vec<&str> = path.parts().collect();
    let edited = Rewrite { repo, path, names: &names, leaf }.folder(Some(root), 0)?;
    Ok(edited.unwrap_or_default())
}

/// What stands at a path, links not followed.
pub(super) fn find(
    repo: &gix::Repository,
    root: &Arc<Folder>,
    path: &RepoPath,
) -> Result<Option<Entry>, CommitError> {
    let mut folder = Arc::clone(root);
    let mut names = path.parts().peekable();
    while let Some(name) = names.next() {
        let entries = folder.entries(repo)?;
        let Some(at) = position(entries, name.as_bytes()) else { return Ok(None) };
        let found = entries[at].clone();
        match &found.node {
            _ if names.peek().is_none() => return Ok(Some(found)),
            Node::Folder(inner) => folder = Arc::clone(inner),
            Node::Other(_) => return Ok(None),
        }
    }
    Ok(None)
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
        folder: Option<&Arc<Folder>>,
        depth: usize,
    ) -> Result<Option<Arc<Folder>>, CommitError> {
        let Some(name) = self.names.get(depth) else { return Err(CommitError::Root) };
        let entries = folder.map_or(Ok(&[][..]), |folder| folder.entries(self.repo))?;
        let position = position(entries, name.as_bytes());
        let present = position.map(|at| &entries[at]);
        let replacement = if depth + 1 == self.names.len() {
            self.leaf(name, present)?
        } else {
            self.inner(name, present, depth)?
        };
        let is_as_before = match (present, &replacement) {
            (None, None) => true,
            (Some(present), Some(new)) => is_same_entry(self.repo, present, new)?,
            (None, Some(_)) | (Some(_), None) => false,
        };
        let edited = if is_as_before {
            folder.cloned()
        } else {
            Some(Folder::of(replaced(entries, position, replacement)))
        };
        match edited {
            Some(folder) if folder.entries(self.repo)?.is_empty() => Ok(None),
            edited => Ok(edited),
        }
    }

    fn inner(
        &self,
        name: &str,
        present: Option<&Entry>,
        depth: usize,
    ) -> Result<Option<Entry>, CommitError> {
        let removes = matches!(self.leaf, Leaf::NoFile | Leaf::NoFolder);
        let folder = match present {
            Some(Entry { node: Node::Folder(folder), .. }) => Some(folder),
            // Below a link or file there is nothing to remove, and nothing may be written through it.
            Some(other) if removes => return Ok(Some(other.clone())),
            Some(_) => return Err(CommitError::NotAFolder { path: self.prefix(depth) }),
            None if removes => return Ok(None),
            None => None,
        };
        Ok(self.folder(folder, depth + 1)?.map(|folder| Entry::folder(name, folder)))
    }

    fn leaf(&self, name: &str, present: Option<&Entry>) -> Result<Option<Entry>, CommitError> {
        let is_folder = present.is_some_and(|entry| entry.mode.is_tree());
        let is_file = present.is_some_and(|entry| entry.mode.is_blob());
        match &self.leaf {
            Leaf::File(_) | Leaf::NoFile if is_folder => {
                Err(CommitError::NotAFile { path: self.path.clone() })
            }
            Leaf::Folder(_) | Leaf::NoFolder if is_file => {
                Err(CommitError::NotAFolder { path: self.path.clone() })
            }
            Leaf::File(id) => Ok(Some(Entry::file(name, *id))),
            Leaf::Folder(folder) => {
                let is_empty = folder.entries(self.repo)?.is_empty();
                Ok((!is_empty).then(|| Entry::folder(name, Arc::clone(folder))))
            }
            Leaf::NoFile | Leaf::NoFolder => Ok(None),
        }
    }

    /// The path down to `depth`. It is a prefix of a valid path, so it is one.
    fn prefix(&self, depth: usize) -> RepoPath {
        self.names[..=depth].join("/").parse().unwrap_or_else(|_| self.path.clone())
    }
}

/// Entries with the one at `position` taken out and another put in order: files and folders sort differently.
fn replaced(entries: &[Entry], position: Option<usize>, new: Option<Entry>) -> Vec<Entry> {
    let mut all = Vec::with_capacity(entries.len() + 1);
    match position {
        Some(at) => {
            all.extend_from_slice(&entries[..at]);
            all.extend_from_slice(&entries[at + 1..]);
        }
        None => all.extend_from_slice(entries),
    }
    if let Some(new) = new {
        let at = all.partition_point(|other| other.order(&new).is_lt());
        all.insert(at, new);
    }
    all
}
