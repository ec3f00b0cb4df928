//! The values of templates: Go's, as charts see them.
//!
//! Copies are cheap, and maps are references, since charts change them in place (`set`). Values belong to one
//! render and one thread; [`Data`] is their frozen form, which threads share.

mod bytes;
mod compare;
mod data;
mod entries;
mod json;
mod list;
mod map;
mod object;
mod types;

use std::sync::Arc;

pub use bytes::{from_bytes, to_bytes};
pub use compare::deep_equal;
pub(crate) use compare::equal_within;
pub use data::Data;
pub use entries::Entries;
pub use json::JsonError;
pub use list::{List, ListKind};
pub use map::{Map, MapKind};
pub use object::{Method, Object};
pub use types::Ty;

/// A text: shared, and so cheap to copy. Bytes that are no UTF-8 are carried as [`from_bytes`] says.
pub type Str = Arc<str>;

/// How deep values may be nested wherever they are walked. Real charts stay below 20.
pub const MAX_DEPTH: usize = 200;

/// A value. Copies are cheap.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Go's invalid value: what a pipeline makes of nil. Its fields are again invalid.
    #[default]
    Invalid,
    /// A nil in a map, list or field. Its fields are errors.
    Nil,
    /// A truth.
    Bool(bool),
    /// Go's `int`: what templates count with.
    Int(i64),
    /// Go's `int64`: what sprig computes with.
    Int64(i64),
    /// Go's `float64`: every number of a values file.
    Float(f64),
    /// An integer of another type of Go.
    Other(IntKind, i64),
    /// A text.
    Str(Str),
    /// Go's `[]byte`.
    Bytes(Arc<[u8]>),
    /// A slice. It is never changed.
    List(List),
    /// A map, a reference that can be changed.
    Map(Map),
    /// A structure with fields and methods.
    Object(Object),
}

/// The rarer integer types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntKind {
    /// `uint8`, a byte of a text.
    Uint8,
    /// `int32`, also Go's `rune`.
    Int32,
    /// `uint32`.
    Uint32,
    /// `uint64`, the numbers of a semantic version. Held with its bits.
    Uint64,
    /// `time.Duration`.
    Duration,
    /// `time.Month`.
    Month,
    /// `time.Weekday`.
    Weekday,
}

impl IntKind {
    /// Go's name of the type.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Uint8 => "uint8",
            Self::Int32 => "int32",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Duration => "time.Duration",
            Self::Month => "time.Month",
            Self::Weekday => "time.Weekday",
        }
    }

    /// Go's kind of the type, as `kindOf` names it.
    pub fn kind_name(self) -> &'static str {
        match self {
            Self::Duration => "int64",
            Self::Month | Self::Weekday => "int",
            other => other.type_name(),
        }
    }

    /// Whether it has no sign.
    pub fn is_unsigned(self) -> bool {
        matches!(self, Self::Uint8 | Self::Uint32 | Self::Uint64)
    }
}

impl Value {
    /// A text.
    pub fn str(text: impl Into<Str>) -> Self {
        Self::Str(text.into())
    }

    /// A list of anything, Go's `[]interface {}`.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(ListKind::Any, items))
    }

    /// A list of texts, Go's `[]string`.
    pub fn strings<S: Into<Str>>(items: impl IntoIterator<Item = S>) -> Self {
        Self::List(List::new(ListKind::Strings, items.into_iter().map(Self::str).collect()))
    }

    /// A map of anything, Go's `map[string]interface {}`.
    pub fn map(entries: Entries) -> Self {
        Self::Map(Map::new(MapKind::Any, entries))
    }

    /// Either nil.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil | Self::Invalid)
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Str(text) = self { Some(text) } else { None }
    }

    /// The map, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(list) = self { Some(list.items()) } else { None }
    }

    /// A length as an `int`. No length comes near the limit.
    pub fn length(length: usize) -> Self {
        Self::Int(i64::try_from(length).unwrap_or(i64::MAX))
    }

    /// Go's truth: neither nil, zero nor empty.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Invalid | Self::Nil => false,
            Self::Bool(truth) => *truth,
            Self::Int(number) | Self::Int64(number) | Self::Other(_, number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(list) => !list.items().is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(_) => true,
        }
    }

    /// Go's name of its type, as `typeOf` and errors print it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Invalid => "<nil>",
            Self::Nil => "interface {}",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Float(_) => "float64",
            Self::Other(kind, _) => kind.type_name(),
            Self::Str(_) => "string",
            Self::Bytes(_) => "[]uint8",
            Self::List(list) => list.kind().type_name(),
            Self::Map(map) => map.kind().type_name(),
            Self::Object(object) => object.type_name(),
        }
    }

    /// Go's kind of its type, as `kindOf` prints it.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Invalid | Self::Nil => "invalid",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Float(_) => "float64",
            Self::Other(kind, _) => kind.kind_name(),
            Self::Str(_) => "string",
            Self::Bytes(_) | Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Object(object) => object.kind_name(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

#[cfg(test)]
mod tests;
