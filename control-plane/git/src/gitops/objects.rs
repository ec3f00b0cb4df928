//! Objects that commits in the making need and the repository does not have yet.

use std::collections::{HashMap, HashSet};

use gix::ObjectId;
use gix::objs::Kind;
use sha1::{Digest, Sha1};

use super::CommitError;
use crate::read::failed;

/// An object that is not yet in the repository.
pub(super) type NewObject = (ObjectId, Kind, Vec<u8>);

/// The new objects of a batch, each after those that it names.
pub(super) struct NewObjects<'r> {
    repo: &'r gix::Repository,
    list: Vec<NewObject>,
    listed: HashSet<ObjectId>,
    /// Files of the change in hand; most of them will stand in its folders.
    files: HashMap<ObjectId, Vec<u8>>,
}

impl<'r> NewObjects<'r> {
    /// None, for `repo`.
    pub(super) fn of(repo: &'r gix::Repository) -> Self {
        Self { repo, list: Vec::new(), listed: HashSet::new(), files: HashMap::new() }
    }

    /// The id of a file with this content, which is added when a folder that is sealed holds it.
    ///
    /// # Errors
    /// For content that was made to have the id of another: git refuses it too.
    pub(super) fn file(&mut self, content: &[u8]) -> Result<ObjectId, CommitError> {
        let id = gix::objs::compute_hash(self.repo.object_hash(), Kind::Blob, content)
            .map_err(failed("build a file"))?;
        if !self.has(&id) {
            self.files.entry(id).or_insert_with(|| content.to_vec());
        }
        Ok(id)
    }

    /// Adds a file that is held by a folder, if it is new.
    pub(super) fn keep(&mut self, id: ObjectId) {
        if let Some(content) = self.files.remove(&id) {
            self.push(id, Kind::Blob, content);
        }
    }

    /// Adds a folder or a commit, if it is new, and returns its id. Both are of our own making, so nobody
    /// looks for collisions in them.
    pub(super) fn add(&mut self, kind: Kind, content: Vec<u8>) -> ObjectId {
        let head = gix::objs::encode::loose_header(kind, content.len() as u64);
        let digest: [u8; 20] =
            Sha1::new().chain_update(head).chain_update(&content).finalize().into();
        let id = ObjectId::from(digest);
        if !self.has(&id) {
            self.push(id, kind, content);
        }
        id
    }

    /// Forgets the files that no folder of the change came to hold.
    pub(super) fn end_change(&mut self) {
        self.files.clear();
    }

    /// All of them.
    pub(super) fn into_list(self) -> Vec<NewObject> {
        self.list
    }

    fn has(&self, id: &ObjectId) -> bool {
        self.listed.contains(id) || self.repo.objects.exists_without_refresh(id)
    }

    fn push(&mut self, id: ObjectId, kind: Kind, content: Vec<u8>) {
        self.listed.insert(id);
        self.list.push((id, kind, content));
    }
}
