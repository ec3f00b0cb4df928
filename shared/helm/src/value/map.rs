//! Go's maps.

use std::cell::{Ref, RefCell};
use std::mem;
use std::rc::Rc;

use super::list::drop_flat;
use super::{Entries, Str, Value};

/// A map: a reference, so that a change shows in all copies.
#[derive(Clone, Debug)]
pub struct Map {
    kind: MapKind,
    inner: Rc<Inner>,
}

#[derive(Debug)]
struct Inner {
    entries: RefCell<Entries>,
}

/// What a map is, by Go's types. All keys are texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKind {
    /// `map[string]interface {}`
    Any,
    /// `map[string]string`, such as a chart's annotations.
    Strings,
    /// A named type over `map[string]interface {}`, by its name: `chartutil.Values`, `common.Values`.
    Values(&'static str),
    /// A named type over `map[string][]uint8` with methods: a chart's files.
    Files(&'static str),
}

impl MapKind {
    /// Go's name of the type.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Any => "map[string]interface {}",
            Self::Strings => "map[string]string",
            Self::Values(name) | Self::Files(name) => name,
        }
    }
}

impl Map {
    /// A map of `kind`, whose values are of that type.
    pub fn new(kind: MapKind, entries: Entries) -> Self {
        Self { kind, inner: Rc::new(Inner { entries: RefCell::new(entries) }) }
    }

    /// The same map as one of another kind, as Go converts between types: a change shows in both.
    pub fn of_kind(&self, kind: MapKind) -> Self {
        Self { kind, inner: Rc::clone(&self.inner) }
    }

    /// What it is.
    pub fn kind(&self) -> MapKind {
        self.kind
    }

    /// A copy of the value of `key`.
    pub fn get(&self, key: &str) -> Option<Value> {
        self.inner.entries.borrow().get(key).cloned()
    }

    /// Whether there is a `key`.
    pub fn contains(&self, key: &str) -> bool {
        self.inner.entries.borrow().contains_key(key)
    }

    /// Sets `key`, and gives back what it was.
    ///
    /// A map that comes to contain itself is not freed by itself: see [`Map::clear`].
    pub fn insert(&self, key: impl Into<Str>, value: Value) -> Option<Value> {
        self.inner.entries.borrow_mut().insert(key.into(), value)
    }

    /// Removes `key`, and gives back what it was.
    pub fn remove(&self, key: &str) -> Option<Value> {
        self.inner.entries.borrow_mut().remove(key)
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.inner.entries.borrow().len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.inner.entries.borrow().is_empty()
    }

    /// Its entries, to read. Nothing may change the map as long as they are held.
    pub fn entries(&self) -> Ref<'_, Entries> {
        self.inner.entries.borrow()
    }

    /// Copies of its keys, in order.
    pub fn keys(&self) -> Vec<Str> {
        self.inner.entries.borrow().keys().cloned().collect()
    }

    /// Copies of its entries, in order, for walks that may change the map.
    pub fn to_vec(&self) -> Vec<(Str, Value)> {
        self.inner.entries.borrow().to_vec()
    }

    /// Empties it. A render does so in the end with the maps that were changed, so that those that contain
    /// themselves are freed.
    pub fn clear(&self) {
        let entries = mem::take(&mut *self.inner.entries.borrow_mut());
        drop(entries);
    }

    /// Whether both are one and the same map.
    pub fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.inner, &other.inner)
    }

    /// Takes the entries if nobody else holds the map.
    pub(super) fn take(self) -> Entries {
        Rc::try_unwrap(self.inner)
            .map(|mut inner| mem::take(inner.entries.get_mut()))
            .unwrap_or_default()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.entries.get_mut().values().any(Value::is_container) {
            drop_flat(mem::take(self.entries.get_mut()).into_values().collect());
        }
    }
}
