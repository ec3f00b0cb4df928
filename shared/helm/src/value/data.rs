//! Values that threads share.

use super::{Entries, List, ListKind, Map, MapKind, Str, Value};

/// The frozen form of a [`Value`]: a parsed values file in a cache, for instance.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Nil.
    Nil,
    /// A truth.
    Bool(bool),
    /// An `int64`.
    Int(i64),
    /// A `float64`.
    Float(f64),
    /// A text.
    Str(Str),
    /// A list of anything.
    List(Vec<Self>),
    /// A map, in the order of its keys.
    Map(Vec<(Str, Self)>),
}

impl Data {
    /// A value of its own for one render; texts are shared with it.
    pub fn thaw(&self) -> Value {
        match self {
            Self::Nil => Value::Nil,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Int(number) => Value::Int64(*number),
            Self::Float(number) => Value::Float(*number),
            Self::Str(text) => Value::Str(text.clone()),
            Self::List(items) => {
                Value::List(List::new(ListKind::Any, items.iter().map(Self::thaw).collect()))
            }
            Self::Map(entries) => Value::Map(Map::new(MapKind::Any, entries_of(entries))),
        }
    }
}

/// Entries that mostly are in order.
fn entries_of(entries: &[(Str, Data)]) -> Entries {
    let thawed = entries.iter().map(|(key, value)| (key.clone(), value.thaw()));
    if entries.is_sorted_by(|left, right| left.0 < right.0) {
        return Entries::from_sorted(thawed.collect());
    }
    thawed.collect()
}

impl Value {
    /// Its frozen form. Objects and whatever is nested deeper than [`super::MAX_DEPTH`] become nil.
    pub fn freeze(&self) -> Data {
        self.freeze_at(0)
    }

    fn freeze_at(&self, depth: usize) -> Data {
        if depth > super::MAX_DEPTH {
            return Data::Nil;
        }
        match self {
            Self::Invalid | Self::Nil | Self::Object(_) => Data::Nil,
            Self::Bool(truth) => Data::Bool(*truth),
            Self::Int(number) | Self::Int64(number) | Self::Other(_, number) => Data::Int(*number),
            Self::Float(number) => Data::Float(*number),
            Self::Str(text) => Data::Str(text.clone()),
            Self::Bytes(bytes) => Data::Str(super::from_bytes(bytes).into()),
            Self::List(list) => {
                Data::List(list.items().iter().map(|item| item.freeze_at(depth + 1)).collect())
            }
            Self::Map(map) => Data::Map(
                map.entries()
                    .iter()
                    .map(|(key, value)| (key.clone(), value.freeze_at(depth + 1)))
                    .collect(),
            ),
        }
    }
}
