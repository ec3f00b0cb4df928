//! Which values each chart of a tree sees: what was given, over the defaults, with globals from above.
//!
//! Maps are shared and changed in place as in Helm, since what one chart sees is a part of what the chart
//! above it sees.

use super::tree::{self, Node};
use crate::{
    Dialect,
    format::printf,
    value::{Map, Value},
};

/// The key of what all charts see.
const GLOBAL: &str = "global";

/// What becomes of nil.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nils {
    /// It deletes what it stands over.
    Delete,
    /// It stays, for a later pass.
    Keep,
}

/// The values of a chart with everything below it: `given` over the defaults. `given` is not changed.
pub(super) fn values(
    node: &Node,
    given: &Map,
    nils: Nils,
    dialect: Dialect,
) -> Result<Map, String> {
    let copied = tree::copy(given);
    all(node, &copied, nils, dialect)?;
    Ok(copied)
}

fn all(node: &Node, to: &Map, nils: Nils, dialect: Dialect) -> Result<(), String> {
    own(node, to, nils, dialect);
    for child in &node.children {
        let name = child.name();
        let inner = match to.get(name) {
            None => {
                let inner = tree::empty();
                to.insert(name.clone(), Value::Map(inner.clone()));
                inner
            }
            Some(Value::Map(inner)) => inner,
            Some(other) => {
                let shown = printf("%t", &[other]).unwrap_or_default();
                return Err(format!("type mismatch on {name}: {shown}"));
            }
        };
        globals(&inner, to, dialect);
        all(child, &inner, nils, dialect)?;
    }
    Ok(())
}

/// A chart's own defaults, below what is given.
fn own(node: &Node, to: &Map, nils: Nils, dialect: Dialect) {
    // The defaults stay as they are for another render of the same tree.
    let defaults = tree::copy(&node.values);
    for (key, default) in defaults.to_vec() {
        match to.get(&key) {
            Some(Value::Nil) if nils == Nils::Delete => {
                to.remove(&key);
            }
            Some(Value::Map(given)) => {
                let Value::Map(default) = default else { continue };
                let is_child = node.children.iter().any(|child| *child.name() == key);
                let nils = if is_child { Nils::Keep } else { nils };
                if nils == Nils::Delete && dialect == Dialect::Helm4 {
                    without_nils(&default);
                }
                tables(&given, &default, nils, dialect);
            }
            Some(_) => {}
            None => {
                if nils == Nils::Delete && dialect == Dialect::Helm4 {
                    match &default {
                        Value::Nil => continue,
                        Value::Map(map) => without_nils(map),
                        _ => {}
                    }
                }
                to.insert(key, default);
            }
        }
    }
}

/// Brings the globals of `from` into those of `to`; those of `from` win.
fn globals(to: &Map, from: &Map, dialect: Dialect) {
    let found = |map: &Map| match map.get(GLOBAL) {
        None => Some(tree::empty()),
        Some(Value::Map(globals)) => Some(globals),
        Some(_) => None,
    };
    let (Some(inner), Some(outer)) = (found(to), found(from)) else { return };
    for (key, value) in outer.to_vec() {
        match (&value, inner.get(&key)) {
            (Value::Map(map), None) => {
                inner.insert(key, Value::Map(shallow(map)));
            }
            (Value::Map(map), Some(Value::Map(below))) => {
                let merged = shallow(map);
                tables(&merged, &below, Nils::Keep, dialect);
                inner.insert(key, Value::Map(merged));
            }
            (Value::Map(_), Some(_)) | (_, Some(Value::Map(_))) => {}
            _ => {
                inner.insert(key, value);
            }
        }
    }
    to.insert(GLOBAL, Value::Map(inner));
}

fn shallow(map: &Map) -> Map {
    let copied = tree::empty();
    for (key, value) in map.to_vec() {
        copied.insert(key, value);
    }
    copied
}

/// Puts `from` below what is in `to`, map by map.
pub(super) fn tables(to: &Map, from: &Map, nils: Nils, dialect: Dialect) {
    for (key, value) in from.to_vec() {
        match to.get(&key) {
            // Helm 4 lets a nil stand over a nil.
            Some(Value::Nil) if nils == Nils::Delete => {
                if dialect == Dialect::Helm3 || !value.is_nil() {
                    to.remove(&key);
                }
            }
            None => {
                to.insert(key, value);
            }
            Some(Value::Map(inner)) => {
                if let Value::Map(value) = value {
                    tables(&inner, &value, nils, dialect);
                }
            }
            Some(_) => {}
        }
    }
}

/// Removes every nil, at any depth of maps.
pub(super) fn without_nils(map: &Map) {
    for (key, value) in map.to_vec() {
        match value {
            Value::Nil => {
                map.remove(&key);
            }
            Value::Map(inner) => without_nils(&inner),
            _ => {}
        }
    }
}
