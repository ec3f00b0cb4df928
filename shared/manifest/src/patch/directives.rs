//! The directives of a strategic merge: fields of the patch that say how, and go.

use super::error::Fault;
use super::tree::{Fields, Path, Tree};
use crate::finding::quoted;

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const SET_ELEMENT_ORDER: &str = "$setElementOrder/";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";

/// What `$patch` says of a map or a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Merge,
    Replace,
    Delete,
}

/// Takes `$patch` out of a map.
pub(super) fn take_mode(fields: &mut Fields, path: &Path) -> Result<Mode, Fault> {
    let Some(mode) = fields.remove(PATCH) else { return Ok(Mode::Merge) };
    match mode.as_text() {
        Some("merge") => Ok(Mode::Merge),
        Some("replace") => Ok(Mode::Replace),
        Some("delete") => Ok(Mode::Delete),
        Some(other) => {
            let problem =
                format!("`$patch` knows no {}; write merge, replace or delete", quoted(other));
            Err(Fault::new(path, problem))
        }
        None => {
            let problem =
                format!("`$patch` is {}; write merge, replace or delete", mode.describe());
            Err(Fault::new(path, problem))
        }
    }
}

/// Takes the elements out of a list that have nothing but `$patch`: they are about the list.
/// None if there are none.
pub(super) fn take_list_mode(items: &mut Vec<Tree>, path: &Path) -> Result<Option<Mode>, Fault> {
    let mut found = None;
    let mut kept = Vec::with_capacity(items.len());
    for mut item in std::mem::take(items) {
        match item.as_map_mut() {
            Some(fields) if fields.len() == 1 && fields.contains_key(PATCH) => {
                found = Some(take_mode(fields, path)?);
            }
            _ => kept.push(item),
        }
    }
    *items = kept;
    Ok(found)
}

/// What stands beside the fields of a map and is about them.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// The only fields that the map may keep.
    pub(super) retain: Option<Vec<String>>,
    /// Lists and the order of their elements.
    pub(super) orders: Vec<(String, Vec<Tree>)>,
    /// Lists and the values that go.
    pub(super) deletions: Vec<(String, Vec<Tree>)>,
}

impl Beside {
    /// Takes them out of a map.
    pub(super) fn take(fields: &mut Fields, path: &Path) -> Result<Self, Fault> {
        let mut beside = Self::default();
        // Almost no map has any.
        if !fields.keys().any(|key| key.starts_with('$')) {
            return Ok(beside);
        }
        for (key, value) in std::mem::take(fields) {
            if key == RETAIN_KEYS {
                beside.retain = Some(texts(list(&key, value, path)?, &key, path)?);
            } else if let Some(field) = key.strip_prefix(SET_ELEMENT_ORDER) {
                beside.orders.push((field.to_owned(), list(&key, value, path)?));
            } else if let Some(field) = key.strip_prefix(DELETE_FROM) {
                beside.deletions.push((field.to_owned(), list(&key, value, path)?));
            } else {
                fields.insert(key, value);
            }
        }
        if let Some(retain) = &beside.retain
            && let Some(other) = fields.keys().find(|key| !retain.contains(key))
        {
            let problem = format!("{} is set, but not among `$retainKeys`; add it", quoted(other));
            return Err(Fault::new(path, problem));
        }
        Ok(beside)
    }
}

fn list(key: &str, value: Tree, path: &Path) -> Result<Vec<Tree>, Fault> {
    match value {
        Tree::List(items) => Ok(items),
        other @ (Tree::Null(_) | Tree::Scalar(_) | Tree::Map(_)) => {
            let problem = format!("{} is {}; write a list", quoted(key), other.describe());
            Err(Fault::new(path, problem))
        }
    }
}

fn texts(items: Vec<Tree>, key: &str, path: &Path) -> Result<Vec<String>, Fault> {
    let texts = items.into_iter().map(|item| match item {
        Tree::Scalar(scalar) => Ok(scalar.spelling),
        other => {
            let problem = format!("{} has {} in it; write names", quoted(key), other.describe());
            Err(Fault::new(path, problem))
        }
    });
    texts.collect()
}
