//! The operations of a JSON patch (RFC 6902), as they are written.

use super::error::{PatchError, PatchPlace};
use super::limits::{self, Budget};
use super::pointer::Pointer;
use super::read::{self, Words};
use super::tree::{Fields, Null, Tree};
use crate::finding::quoted;

/// An operation.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Add { path: Pointer, value: Tree },
    Remove { path: Pointer },
    Replace { path: Pointer, value: Tree },
    Move { from: Pointer, path: Pointer },
    Copy { from: Pointer, path: Pointer },
    Test { path: Pointer, value: Tree },
}

/// The names of all.
const NAMES: &str = "add, remove, replace, move, copy or test";

/// Reads the operations of patch number `patch`, in JSON or YAML.
pub(super) fn read(
    patch: usize,
    text: &str,
    budget: &mut Budget,
) -> Result<Vec<Operation>, PatchError> {
    let place = PatchPlace::Json(patch);
    limits::check_text(text.len(), limits::MAX_PATCH, &place)?;
    let fail = |problem: String| Err(PatchError::Operation { place: place.clone(), problem });
    let items = match document(patch, text, budget)? {
        Some(Tree::List(items)) => items,
        Some(other) => {
            return fail(format!("is {}; write a list of operations", other.describe()));
        }
        None => return fail("is empty; write a list of operations, or leave it out".to_owned()),
    };
    if items.len() > limits::MAX_OPERATIONS {
        let what = format!("patches of more than {} operations", limits::MAX_OPERATIONS);
        return Err(PatchError::TooLarge { place, what });
    }
    let items = items.into_iter().enumerate();
    let operations = items.map(|(number, item)| {
        operation(item).map_err(|problem| PatchError::Operation {
            place: PatchPlace::Operation { patch, operation: number },
            problem,
        })
    });
    operations.collect()
}

fn document(patch: usize, text: &str, budget: &mut Budget) -> Result<Option<Tree>, PatchError> {
    // As JSON numbers and texts are more exact; but a list in square brackets may be YAML, too.
    if text.trim_start().starts_with('[')
        && let Ok(value) = serde_json::from_str(text)
    {
        let tree = read::from_json(value);
        budget.take(tree.count(), &PatchPlace::Json(patch))?;
        return Ok(Some(tree));
    }
    let at = PatchPlace::Json(patch);
    let mut documents = read::documents(text, Words::Operations, |_| PatchPlace::Output, budget)
        .map_err(|error| at_patch(error, at.clone()))?
        .into_iter();
    match (documents.next(), documents.next()) {
        (_, Some(_)) => {
            let problem = "holds several documents; write one list of operations".to_owned();
            Err(PatchError::Operation { place: at, problem })
        }
        (first, None) => Ok(first.map(|(_, tree)| tree)),
    }
}

/// The error as one of the patch, which has no numbered documents.
fn at_patch(error: PatchError, place: PatchPlace) -> PatchError {
    match error {
        PatchError::Yaml { source, .. } => PatchError::Yaml { place, source },
        PatchError::NotAnObject { path, problem, .. } => {
            PatchError::NotAnObject { place, path, problem }
        }
        PatchError::TooLarge { what, .. } => PatchError::TooLarge { place, what },
        other => other,
    }
}

fn operation(item: Tree) -> Result<Operation, String> {
    let Tree::Map(mut fields) = item else {
        return Err(format!("is {}; write a map with `op` and `path`", item.describe()));
    };
    let name = text(&mut fields, "op", NAMES)?;
    let path = |fields: &mut Fields| pointer(fields, "path");
    match name.as_str() {
        "add" => Ok(Operation::Add { path: path(&mut fields)?, value: value(&mut fields) }),
        "remove" => Ok(Operation::Remove { path: path(&mut fields)? }),
        "replace" => Ok(Operation::Replace { path: path(&mut fields)?, value: value(&mut fields) }),
        "test" => Ok(Operation::Test { path: path(&mut fields)?, value: value(&mut fields) }),
        "move" => {
            Ok(Operation::Move { from: pointer(&mut fields, "from")?, path: path(&mut fields)? })
        }
        "copy" => {
            Ok(Operation::Copy { from: pointer(&mut fields, "from")?, path: path(&mut fields)? })
        }
        other => Err(format!("there is no operation {}; write {NAMES}", quoted(other))),
    }
}

fn text(fields: &mut Fields, name: &str, remedy: &str) -> Result<String, String> {
    match fields.remove(name) {
        Some(Tree::Scalar(scalar)) => Ok(scalar.spelling),
        Some(other) => Err(format!("{} is {}; write {remedy}", quoted(name), other.describe())),
        None => Err(format!("has no {}; write {remedy}", quoted(name))),
    }
}

fn pointer(fields: &mut Fields, name: &str) -> Result<Pointer, String> {
    let text = text(fields, name, "a path, as in `/spec/replicas`")?;
    Pointer::parse(&text).map_err(|problem| format!("{} {problem}", quoted(name)))
}

/// A missing value is null, as kustomize has it.
fn value(fields: &mut Fields) -> Tree {
    fields.remove("value").unwrap_or(Tree::Null(Null::Spelled))
}
