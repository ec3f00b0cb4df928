//! Bytes that many have in common, kept once.

use std::{borrow::Borrow, collections::HashSet, sync::Arc};

/// Keeps what is in use, and nothing else.
#[derive(Debug, Default)]
pub(super) struct Interner {
    all: HashSet<Interned>,
}

/// Bytes that others may have as well. Equal ones of one [`Interner`] are the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Interned(Arc<Bytes>);

/// Behind a thin pointer, of which there is one for each user.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bytes(Box<[u8]>);

impl Interner {
    /// These bytes, kept until the last of their users has given them back.
    pub(super) fn intern(&mut self, bytes: &[u8]) -> Interned {
        if let Some(known) = self.all.get(bytes) {
            return known.clone();
        }
        let new = Interned(Arc::new(Bytes(bytes.into())));
        self.all.insert(new.clone());
        new
    }

    /// How much is kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Gives back what [`Interner::intern`] gave.
    pub(super) fn release(&mut self, interned: Interned) {
        // One more holds it: the set.
        if Arc::strong_count(&interned.0) == 2 {
            self.all.remove(&interned);
        }
    }
}

impl Interned {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0.0
    }
}

impl Borrow<[u8]> for Interned {
    fn borrow(&self) -> &[u8] {
        self.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_are_kept_once_and_as_long_as_somebody_has_them() {
        let mut interner = Interner::default();
        let (one, two) = (interner.intern(b"node-1"), interner.intern(b"node-1"));
        assert!(Arc::ptr_eq(&one.0, &two.0));
        interner.release(one);
        assert_eq!(interner.len(), 1);
        interner.release(two);
        assert_eq!(interner.len(), 0);
    }
}
