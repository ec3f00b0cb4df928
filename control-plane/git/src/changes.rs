//! Which files differ between two commits, with their contents on both sides.
//!
//! Only what differs is read, and no more than the caller can use: unequal trees are walked by their
//! ids, and a file beyond the limits is named without its content.

use std::collections::BTreeMap;

use gix::bstr::ByteSlice;
use gix::{ObjectId, objs::tree::EntryMode};

use crate::read::{self, failed};
use crate::{CommitId, ReadError, RepoPath};

/// How deep folders are followed; trees are read recursively, so this bounds the stack.
const DEEPEST: usize = 64;

/// How much of a difference is read.
#[derive(Clone, Copy, Debug)]
pub struct ChangeLimits {
    /// Files that are named at most.
    pub files: usize,
    /// Bytes of one side of a file that are read at most.
    pub file_bytes: u64,
}

/// The files that differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// By path, in order; regular files only.
    pub files: Vec<ChangedFile>,
    /// Differing files beyond the limit.
    pub left_out: usize,
}

/// One file that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path in the repository.
    pub path: String,
    /// What stood there before.
    pub before: Side,
    /// What stands there after.
    pub after: Side,
}

/// One side of a changed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// No file.
    Absent,
    /// Its content.
    Content(Vec<u8>),
    /// A file that is larger than was asked for, with its size in bytes.
    TooLarge(u64),
}

/// The files at or below `paths` that differ between two commits; without `from`, all of `to`'s.
pub(crate) fn changes(
    repo: &gix::Repository,
    from: Option<CommitId>,
    to: CommitId,
    paths: &[RepoPath],
    limits: ChangeLimits,
) -> Result<Changes, ReadError> {
    let mut found = BTreeMap::new();
    for path in paths {
        let standing = |commit: CommitId| read::entry(repo, read::tree_of(repo, commit)?, path);
        let before = from.map(standing).transpose()?.flatten();
        let after = standing(to)?;
        compare(repo, path.as_str(), before, after, 0, &mut found)?;
    }
    let left_out = found.len().saturating_sub(limits.files);
    let mut changes = Changes { files: Vec::new(), left_out };
    for (path, (before, after)) in found.into_iter().take(limits.files) {
        let (before, after) = (side(repo, before, limits)?, side(repo, after, limits)?);
        changes.files.push(ChangedFile { path, before, after });
    }
    Ok(changes)
}

type Standing = (EntryMode, ObjectId);
type Entry = Option<Standing>;
type Pairs = BTreeMap<String, (Option<ObjectId>, Option<ObjectId>)>;

fn compare(
    repo: &gix::Repository,
    path: &str,
    before: Entry,
    after: Entry,
    depth: usize,
    found: &mut Pairs,
) -> Result<(), ReadError> {
    if before == after || depth > DEEPEST {
        return Ok(());
    }
    let blob = |entry: &Entry| entry.filter(|(mode, _)| mode.is_blob()).map(|(_, id)| id);
    let (blob_before, blob_after) = (blob(&before), blob(&after));
    // The same content with another mode is no difference that Flux could see.
    if blob_before != blob_after {
        found.insert(path.to_owned(), (blob_before, blob_after));
    }
    let tree = |entry: Entry| entry.filter(|(mode, _)| mode.is_tree()).map(|(_, id)| id);
    let (tree_before, tree_after) = (tree(before), tree(after));
    if tree_before == tree_after {
        return Ok(());
    }
    let mut names: BTreeMap<String, (Entry, Entry)> = BTreeMap::new();
    for (name, entry) in entries(repo, tree_before)? {
        names.entry(name).or_default().0 = Some(entry);
    }
    for (name, entry) in entries(repo, tree_after)? {
        names.entry(name).or_default().1 = Some(entry);
    }
    for (name, (before, after)) in names {
        let path = if path.is_empty() { name } else { format!("{path}/{name}") };
        compare(repo, &path, before, after, depth + 1, found)?;
    }
    Ok(())
}

fn entries(
    repo: &gix::Repository,
    tree: Option<ObjectId>,
) -> Result<Vec<(String, Standing)>, ReadError> {
    let Some(tree) = tree else { return Ok(Vec::new()) };
    let tree = repo.find_tree(tree).map_err(failed("read a folder"))?;
    let mut all = Vec::new();
    for entry in tree.iter() {
        let entry = entry.map_err(failed("decode a folder"))?;
        // A name that is no UTF-8 cannot be a path of ours; nothing reads such files.
        let Ok(name) = entry.filename().to_str() else { continue };
        all.push((name.to_owned(), (entry.mode(), entry.object_id())));
    }
    Ok(all)
}

fn side(
    repo: &gix::Repository,
    blob: Option<ObjectId>,
    limits: ChangeLimits,
) -> Result<Side, ReadError> {
    let Some(id) = blob else { return Ok(Side::Absent) };
    let size = read::blob_size(repo, id)?;
    if size > limits.file_bytes {
        return Ok(Side::TooLarge(size));
    }
    let mut blob = repo.find_blob(id).map_err(failed("read a file"))?;
    Ok(Side::Content(blob.take_data()))
}
