//! Folders in memory: read when somebody first looks into them, kept from one commit to the next, hashed
//! only when a commit holds them. Editing one leaves the one before as it was, and shares what is the same.

use std::sync::{Arc, OnceLock};

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::tree::{EntryKind, EntryMode, name_order};
use gix::objs::{Kind, TreeRefIter};

use super::CommitError;
use super::objects::NewObjects;
use crate::read::failed;

/// A folder: one that is in the repository, or one that was edited since, or both.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// Absent in an edited one until a commit holds it.
    id: OnceLock<ObjectId>,
    /// Absent until somebody looks.
    entries: OnceLock<Vec<Entry>>,
}

/// What stands in a folder under one name.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: Arc<[u8]>,
    pub(super) mode: EntryMode,
    pub(super) node: Node,
}

/// What an entry names.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Folder(Arc<Folder>),
    /// A file, a link or a submodule.
    Other(ObjectId),
}

impl Folder {
    /// One that the repository has.
    pub(super) fn stored(id: ObjectId) -> Arc<Self> {
        let folder = Self::default();
        let _ = folder.id.set(id);
        Arc::new(folder)
    }

    /// One that was made just now.
    pub(super) fn of(entries: Vec<Entry>) -> Arc<Self> {
        Arc::new(Self { id: OnceLock::new(), entries: OnceLock::from(entries) })
    }

    /// What stands in it, in git's order.
    pub(super) fn entries(&self, repo: &gix::Repository) -> Result<&[Entry], CommitError> {
        if let Some(entries) = self.entries.get() {
            return Ok(entries);
        }
        // One that was never stored has its entries, so this is the empty folder at worst.
        let Some(id) = self.id.get() else { return Ok(&[]) };
        let read = read(repo, *id)?;
        Ok(self.entries.get_or_init(|| read))
    }

    /// Its id. What of it is new is added to `objects`: files before the folder that holds them.
    pub(super) fn seal(&self, objects: &mut NewObjects<'_>) -> Result<ObjectId, CommitError> {
        if let Some(id) = self.id.get() {
            return Ok(*id);
        }
        let entries = self.entries.get().map_or(&[][..], Vec::as_slice);
        let mut content = Vec::with_capacity(64 * entries.len());
        for entry in entries {
            let id = match &entry.node {
                Node::Folder(folder) => folder.seal(objects)?,
                Node::Other(id) => {
                    objects.keep(*id);
                    *id
                }
            };
            content.extend_from_slice(entry.mode.as_bytes(&mut Default::default()));
            content.push(b' ');
            content.extend_from_slice(&entry.name);
            content.push(0);
            content.extend_from_slice(id.as_slice());
        }
        let id = objects.add(Kind::Tree, content);
        Ok(*self.id.get_or_init(|| id))
    }
}

impl Entry {
    /// A file with this content under `name`.
    pub(super) fn file(name: &str, id: ObjectId) -> Self {
        Self { name: name.as_bytes().into(), mode: EntryKind::Blob.into(), node: Node::Other(id) }
    }

    /// A folder under `name`.
    pub(super) fn folder(name: &str, folder: Arc<Folder>) -> Self {
        let mode = EntryKind::Tree.into();
        Self { name: name.as_bytes().into(), mode, node: Node::Folder(folder) }
    }

    /// The id of what is no folder.
    pub(super) fn file_id(&self) -> Option<ObjectId> {
        match self.node {
            Node::Other(id) => Some(id),
            Node::Folder(_) => None,
        }
    }

    /// Where this one belongs among others.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        name_order(&self.name, self.mode.is_tree(), &other.name, other.mode.is_tree())
    }
}

/// The place of `name` among entries, whatever kind it is of.
pub(super) fn position(entries: &[Entry], name: &[u8]) -> Option<usize> {
    let of_kind = |is_folder: bool| {
        let found = entries.binary_search_by(|entry| {
            name_order(&entry.name, entry.mode.is_tree(), name, is_folder)
        });
        found.ok()
    };
    // Somebody else's program may have put them in another order.
    let anywhere = || entries.iter().position(|entry| *entry.name == *name);
    of_kind(false).or_else(|| of_kind(true)).or_else(anywhere)
}

/// Whether two folders hold the same, found out without hashing either.
pub(super) fn is_same(
    repo: &gix::Repository,
    one: &Arc<Folder>,
    other: &Arc<Folder>,
) -> Result<bool, CommitError> {
    if Arc::ptr_eq(one, other) {
        return Ok(true);
    }
    if let (Some(one), Some(other)) = (one.id.get(), other.id.get()) {
        return Ok(one == other);
    }
    let (one, other) = (one.entries(repo)?, other.entries(repo)?);
    if one.len() != other.len() {
        return Ok(false);
    }
    for (one, other) in one.iter().zip(other) {
        if one.name != other.name || !is_same_entry(repo, one, other)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether two entries of one name hold the same.
pub(super) fn is_same_entry(
    repo: &gix::Repository,
    one: &Entry,
    other: &Entry,
) -> Result<bool, CommitError> {
    if one.mode != other.mode {
        return Ok(false);
    }
    match (&one.node, &other.node) {
        (Node::Folder(one), Node::Folder(other)) => is_same(repo, one, other),
        (Node::Other(one), Node::Other(other)) => Ok(one == other),
        (Node::Folder(_), Node::Other(_)) | (Node::Other(_), Node::Folder(_)) => Ok(false),
    }
}

fn read(repo: &gix::Repository, id: ObjectId) -> Result<Vec<Entry>, CommitError> {
    let tree = repo.find_tree(id).map_err(failed("read a folder"))?;
    let entries = TreeRefIter::from_bytes(&tree.data, id.kind()).map(|entry| {
        let entry = entry.map_err(failed("decode a folder"))?;
        let id = entry.oid.to_owned();
        let node =
            if entry.mode.is_tree() { Node::Folder(Folder::stored(id)) } else { Node::Other(id) };
        Ok(Entry { name: entry.filename.as_bytes().into(), mode: entry.mode, node })
    });
    entries.collect()
}
