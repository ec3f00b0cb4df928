//! How large everything may be.

use super::error::{PatchError, PatchPlace};

/// The largest text of objects, in bytes; also of what comes out. The largest public charts print 2 MiB.
pub(super) const MAX_DOCUMENTS: usize = 16 << 20;

/// The largest text of one patch, in bytes.
pub(super) const MAX_PATCH: usize = 1 << 20;

/// The most objects of a text; an application has at most a thousand.
pub(super) const MAX_OBJECTS: usize = 10_000;

/// The most strategic merges.
pub(super) const MAX_MERGES: usize = 1000;

/// The most operations of one JSON patch.
pub(super) const MAX_OPERATIONS: usize = 10_000;

/// How deep objects may be nested: what the emitter of YAML can write, less the root.
pub(super) const MAX_DEPTH: usize = gimlet_helm::value::MAX_DEPTH - 1;

/// How many values objects and patches may have together; what operations copy and move counts, too, and each
/// operation on each object.
const MAX_VALUES: usize = 1_000_000;

/// How many values may still be made.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: MAX_VALUES }
    }
}

impl Budget {
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Takes as many as are read or copied at a place.
    pub(super) fn take(&mut self, values: usize, place: &PatchPlace) -> Result<(), PatchError> {
        match self.left.checked_sub(values) {
            Some(left) => self.left = left,
            None => return Err(too_many(place)),
        }
        Ok(())
    }
}

fn too_many(place: &PatchPlace) -> PatchError {
    PatchError::TooLarge {
        place: place.clone(),
        what: format!("objects and patches with more than {MAX_VALUES} values"),
    }
}

/// Refuses a text that is too long.
pub(super) fn check_text(length: usize, most: usize, place: &PatchPlace) -> Result<(), PatchError> {
    if length <= most {
        return Ok(());
    }
    Err(PatchError::TooLarge {
        place: place.clone(),
        what: format!("a text of more than {} KiB", most / 1024),
    })
}

/// Refuses to write more than may be read.
pub(super) fn check_output(length: usize) -> Result<(), PatchError> {
    check_text(length, MAX_DOCUMENTS, &PatchPlace::Output)
}
