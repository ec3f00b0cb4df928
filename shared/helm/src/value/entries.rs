//! What a map holds.

use std::borrow::Borrow;

use super::{Str, Value};

/// Up to this many entries a look at each is quicker than a search by halves.
const FEW: usize = 12;

/// The entries of a map, in the order of their keys' bytes, in which Go walks and prints maps. They lie side by side:
/// most maps of charts are small, and are built once and read often.
#[derive(Clone, Debug, Default)]
pub struct Entries(Vec<(Str, Value)>);

impl Entries {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Entries whose keys are in order, and all different.
    pub(super) const fn from_sorted(entries: Vec<(Str, Value)>) -> Self {
        Self(entries)
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        if self.0.len() <= FEW
            && let Some(at) = self.0.iter().position(|(other, _)| **other == *key)
        {
            return Ok(at);
        }
        // A new last key is the common case of the others.
        match self.0.last() {
            Some((last, _)) if **last < *key => Err(self.0.len()),
            _ => self.0.binary_search_by(|(other, _)| (**other).cmp(key)),
        }
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        if self.0.len() <= FEW {
            return self.0.iter().find(|(other, _)| **other == *key).map(|(_, value)| value);
        }
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    /// The value of `key`, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.find(key).ok().map(|at| &mut self.0[at].1)
    }

    /// Whether there is a `key`.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Sets `key`, and gives back what it was.
    pub fn insert(&mut self, key: Str, value: Value) -> Option<Value> {
        match self.find(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Removes `key`, and gives back what it was.
    pub fn remove(&mut self, key: impl Borrow<str>) -> Option<Value> {
        self.find(key.borrow()).ok().map(|at| self.0.remove(at).1)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Str, &Value)> + DoubleEndedIterator {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Str> {
        self.0.iter().map(|(key, _)| key)
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The values, in the order of their keys.
    pub fn into_values(self) -> impl ExactSizeIterator<Item = Value> {
        self.0.into_iter().map(|(_, value)| value)
    }

    /// Keeps only some.
    pub fn retain(&mut self, mut keep: impl FnMut(&Str, &mut Value) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    pub(super) fn to_vec(&self) -> Vec<(Str, Value)> {
        self.0.clone()
    }
}

impl FromIterator<(Str, Value)> for Entries {
    /// Of equal keys the last counts.
    fn from_iter<I: IntoIterator<Item = (Str, Value)>>(entries: I) -> Self {
        let mut all = Self::new();
        all.extend(entries);
        all
    }
}

impl Extend<(Str, Value)> for Entries {
    fn extend<I: IntoIterator<Item = (Str, Value)>>(&mut self, entries: I) {
        let entries = entries.into_iter();
        self.0.reserve(entries.size_hint().0);
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<const N: usize> From<[(Str, Value); N]> for Entries {
    fn from(entries: [(Str, Value); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl IntoIterator for Entries {
    type Item = (Str, Value);
    type IntoIter = std::vec::IntoIter<(Str, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
