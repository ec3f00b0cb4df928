//! Values as others take them: the chart's templates, and JSON.

use gimlet_helm::value::{Entries, Value};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};

use super::{Entry, Kind, Tree, Values};

/// Up to here every whole number is exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Values {
    /// As a chart's templates see them.
    pub(crate) fn to_value(&self) -> Value {
        map(&self.0)
    }

    /// The values of the outermost map, in the order of their names.
    pub(crate) fn sorted(&self) -> Vec<(&str, Value)> {
        let mut all: Vec<_> =
            self.0.iter().map(|entry| (entry.key.as_str(), value(&entry.value))).collect();
        all.sort_by(|a, b| a.0.cmp(b.0));
        all
    }
}

fn map(entries: &[Entry]) -> Value {
    let each = entries.iter().map(|entry| (entry.key.as_str().into(), value(&entry.value)));
    Value::map(each.collect::<Entries>())
}

fn value(tree: &Tree) -> Value {
    match &tree.kind {
        Kind::Null => Value::Nil,
        Kind::Bool(truth) => Value::Bool(*truth),
        Kind::Number(number) => Value::Float(*number),
        Kind::Text(text) => Value::str(text.as_str()),
        Kind::List(items) => Value::list(items.iter().map(value).collect()),
        Kind::Map(entries) => map(entries),
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_map(&self.0, serializer)
    }
}

fn serialize_map<S: Serializer>(entries: &[Entry], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(entries.len()))?;
    for entry in entries {
        map.serialize_entry(&entry.key, &entry.value)?;
    }
    map.end()
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.kind {
            Kind::Null => serializer.serialize_unit(),
            Kind::Bool(truth) => serializer.serialize_bool(*truth),
            Kind::Number(number) if number.fract() == 0.0 && number.abs() <= EXACT => {
                // The bound makes the conversion exact.
                serializer.serialize_i64(*number as i64)
            }
            Kind::Number(number) => serializer.serialize_f64(*number),
            Kind::Text(text) => text.serialize(serializer),
            Kind::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Kind::Map(entries) => serialize_map(entries, serializer),
        }
    }
}
