//! JSON patches (RFC 6902) applied to objects.

use super::Json6902Patch;
use super::annotations;
use super::error::{PatchError, PatchPlace};
use super::limits::{self, Budget};
use super::objects::Object;
use super::operations::{self, Operation};
use super::pointer::{self, Pointer};
use super::target::Selector;
use super::tree::Tree;
use crate::finding::quoted;

/// A JSON patch that was read.
pub(super) struct JsonPatch<'p> {
    index: usize,
    written: &'p Json6902Patch,
    selector: Selector,
    operations: Vec<Operation>,
}

impl<'p> JsonPatch<'p> {
    /// Reads item number `index` of `json6902Patches`.
    pub(super) fn read(
        index: usize,
        written: &'p Json6902Patch,
        budget: &mut Budget,
    ) -> Result<Self, PatchError> {
        let selector = Selector::new(&written.target, &PatchPlace::Json(index))?;
        let operations = operations::read(index, &written.patch, budget)?;
        Ok(Self { index, written, selector, operations })
    }

    /// Changes every object that it means.
    pub(super) fn apply(
        &self,
        objects: &mut [Object],
        budget: &mut Budget,
    ) -> Result<(), PatchError> {
        let mut any = false;
        for object in objects.iter_mut().filter(|object| self.selector.matches(object)) {
            any = true;
            self.change(object, budget)?;
        }
        if any {
            return Ok(());
        }
        let target = self.written.target.to_string();
        Err(PatchError::NoTarget { place: PatchPlace::Json(self.index), target })
    }

    fn change(&self, object: &mut Object, budget: &mut Budget) -> Result<(), PatchError> {
        let name = object.name();
        annotations::provide(&mut object.tree);
        for (number, operation) in self.operations.iter().enumerate() {
            let place = PatchPlace::Operation { patch: self.index, operation: number };
            budget.take(operation.cost(&mut object.tree), &place)?;
            operation.apply(&mut object.tree).map_err(|problem| PatchError::Apply {
                place,
                object: name.clone(),
                name: operation.name(),
                pointer: quoted(operation.path().text()),
                problem,
            })?;
        }
        annotations::as_json(&mut object.tree);
        let place = PatchPlace::Json(self.index);
        match object.identity() {
            Ok(_) => Ok(()),
            Err(field) => Err(PatchError::NoIdentity { place, object: name, field }),
        }
    }
}

impl Operation {
    fn name(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Remove { .. } => "remove",
            Self::Replace { .. } => "replace",
            Self::Move { .. } => "move",
            Self::Copy { .. } => "copy",
            Self::Test { .. } => "test",
        }
    }

    fn path(&self) -> &Pointer {
        match self {
            Self::Add { path, .. }
            | Self::Remove { path }
            | Self::Replace { path, .. }
            | Self::Move { path, .. }
            | Self::Copy { path, .. }
            | Self::Test { path, .. } => path,
        }
    }

    /// How many values it walks over.
    fn cost(&self, root: &mut Tree) -> usize {
        match self {
            Self::Add { value, .. } | Self::Replace { value, .. } | Self::Test { value, .. } => {
                value.count()
            }
            Self::Copy { from, .. } | Self::Move { from, .. } => {
                get(root, from).map_or(1, |tree| tree.count())
            }
            Self::Remove { .. } => 1,
        }
    }

    fn apply(&self, root: &mut Tree) -> Result<(), String> {
        match self {
            Self::Add { path, value } => add(root, path, value.clone()),
            Self::Remove { path } => remove(root, path).map(drop),
            Self::Replace { path, value } => replace(root, path, value.clone()),
            Self::Test { path, value } => test(root, path, value),
            Self::Copy { from, path } => {
                let value = get(root, from).map_err(|problem| at_from(from, &problem))?.clone();
                add(root, path, value)
            }
            Self::Move { from, path } if from.holds(path) => Err(format!(
                "{} cannot be moved into itself; move it elsewhere",
                quoted(from.text())
            )),
            Self::Move { from, path } => {
                let value = remove(root, from).map_err(|problem| at_from(from, &problem))?;
                add(root, path, value)
            }
        }
    }
}

fn at_from(from: &Pointer, problem: &str) -> String {
    format!("from {}: {problem}", quoted(from.text()))
}

fn missing(pointer: &Pointer) -> String {
    format!("there is no {}; add it with `add`, or correct the path", quoted(pointer.last()))
}

fn get<'t>(root: &'t mut Tree, pointer: &Pointer) -> Result<&'t mut Tree, String> {
    match pointer.parent(root)? {
        Tree::List(items) => {
            let at = pointer::index(pointer.last(), items.len())?;
            Ok(&mut items[at])
        }
        Tree::Map(fields) => fields.get_mut(pointer.last()).ok_or_else(|| missing(pointer)),
        // A parent is one of both.
        Tree::Null(_) | Tree::Scalar(_) => Err(missing(pointer)),
    }
}

fn check_depth(pointer: &Pointer, value: &Tree) -> Result<(), String> {
    if pointer.depth() + value.depth() <= limits::MAX_DEPTH {
        return Ok(());
    }
    Err(format!("would be nested more than {} levels deep; make it flatter", limits::MAX_DEPTH))
}

fn add(root: &mut Tree, pointer: &Pointer, value: Tree) -> Result<(), String> {
    check_depth(pointer, &value)?;
    match pointer.parent(root)? {
        Tree::List(items) => {
            let at = pointer::new_index(pointer.last(), items.len())?;
            items.insert(at, value);
        }
        Tree::Map(fields) => drop(fields.insert(pointer.last().to_owned(), value)),
        Tree::Null(_) | Tree::Scalar(_) => return Err(missing(pointer)),
    }
    Ok(())
}

fn remove(root: &mut Tree, pointer: &Pointer) -> Result<Tree, String> {
    match pointer.parent(root)? {
        Tree::List(items) => {
            let at = pointer::index(pointer.last(), items.len())?;
            Ok(items.remove(at))
        }
        Tree::Map(fields) => fields.remove(pointer.last()).ok_or_else(|| missing(pointer)),
        Tree::Null(_) | Tree::Scalar(_) => Err(missing(pointer)),
    }
}

/// Replaces what is there; a field may be missing, as kustomize has it.
fn replace(root: &mut Tree, pointer: &Pointer, value: Tree) -> Result<(), String> {
    check_depth(pointer, &value)?;
    match pointer.parent(root)? {
        Tree::List(items) => {
            let at = pointer::index(pointer.last(), items.len())?;
            items[at] = value;
        }
        Tree::Map(fields) => drop(fields.insert(pointer.last().to_owned(), value)),
        Tree::Null(_) | Tree::Scalar(_) => return Err(missing(pointer)),
    }
    Ok(())
}

/// Compares. A field that is missing is null.
fn test(root: &mut Tree, pointer: &Pointer, value: &Tree) -> Result<(), String> {
    let found = match pointer.parent(root)? {
        Tree::Map(fields) => fields.get(pointer.last()),
        _ => Some(&*get(root, pointer)?),
    };
    match found {
        None if value.is_null() => Ok(()),
        None => Err(missing(pointer)),
        Some(found) if found.means(value) => Ok(()),
        Some(found) => Err(format!("{} is not {}; the object differs", shown(found), shown(value))),
    }
}

/// A value for a message.
fn shown(tree: &Tree) -> String {
    match tree {
        Tree::Scalar(scalar) => quoted(&scalar.spelling),
        Tree::Null(_) | Tree::List(_) | Tree::Map(_) => tree.describe().to_owned(),
    }
}
