//! Go's slices.

use std::mem;
use std::rc::Rc;

use super::Value;

/// A list that is never changed. Copies are cheap.
#[derive(Clone, Debug)]
pub struct List(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ListKind,
    items: Vec<Value>,
    nil: bool,
}

/// What a list is of, by Go's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// `[]interface {}`
    Any,
    /// `[]string`
    Strings,
    /// `[]int`
    Ints,
    /// `[][]interface {}`, what `chunk` makes.
    Lists,
    /// `[]map[string]interface {}`
    Maps,
    /// A slice of structures or of a named type, by the type's name.
    Named(&'static str),
}

impl ListKind {
    /// Go's name of the type.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Any => "[]interface {}",
            Self::Strings => "[]string",
            Self::Ints => "[]int",
            Self::Lists => "[][]interface {}",
            Self::Maps => "[]map[string]interface {}",
            Self::Named(name) => name,
        }
    }
}

impl List {
    /// A list of `kind`, whose items are of that type.
    pub fn new(kind: ListKind, items: Vec<Value>) -> Self {
        Self(Rc::new(Inner { kind, items, nil: false }))
    }

    /// A nil slice of `kind`: empty, but JSON and YAML write it as null.
    pub fn nil(kind: ListKind) -> Self {
        Self(Rc::new(Inner { kind, items: Vec::new(), nil: true }))
    }

    /// Whether it is a nil slice.
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// What it is of.
    pub fn kind(&self) -> ListKind {
        self.0.kind
    }

    /// Its items, in order.
    pub fn items(&self) -> &[Value] {
        &self.0.items
    }

    /// Whether both are one and the same list.
    pub fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Takes the items if nobody else holds the list.
    pub(super) fn take(self) -> Vec<Value> {
        Rc::try_unwrap(self.0).map(|mut inner| mem::take(&mut inner.items)).unwrap_or_default()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.items.iter().any(Value::is_container) {
            drop_flat(mem::take(&mut self.items));
        }
    }
}

/// Drops values without recursion, since nothing bounds how deep a chart nests them.
pub(super) fn drop_flat(mut waiting: Vec<Value>) {
    while let Some(value) = waiting.pop() {
        match value {
            Value::List(list) => waiting.extend(list.take()),
            Value::Map(map) => waiting.extend(map.take().into_values()),
            _ => {}
        }
    }
}

impl Value {
    pub(super) fn is_container(&self) -> bool {
        matches!(self, Self::List(_) | Self::Map(_))
    }
}
