//! Annotations are texts: what kustomize makes of those that are written as something else.

use super::tree::{Fields, Scalar, Tree};

/// Gives an object annotations if it has none, as every object that a JSON patch changes has some with kustomize: one
/// can be added without adding all of them.
pub(super) fn provide(object: &mut Tree) {
    let Some(metadata) = object.as_map_mut().and_then(|it| it.get_mut("metadata")) else { return };
    let Some(metadata) = metadata.as_map_mut() else { return };
    let annotations = metadata.entry("annotations".to_owned()).or_insert(Tree::Map(Fields::new()));
    if annotations.is_null() {
        *annotations = Tree::Map(Fields::new());
    }
}

/// Makes texts of numbers and truths as JSON spells them.
pub(super) fn as_json(object: &mut Tree) {
    each(object, |scalar| scalar.plainly());
}

/// Makes texts of numbers and truths as they are spelled, and leaves out annotations that are empty.
pub(super) fn finish(object: &mut Tree) {
    each(object, |scalar| scalar.spelling.clone());
    let Some(metadata) = object.as_map_mut().and_then(|it| it.get_mut("metadata")) else { return };
    let Some(metadata) = metadata.as_map_mut() else { return };
    let is_empty = |tree: &Tree| tree.is_null() || tree.as_map().is_some_and(Fields::is_empty);
    if metadata.get("annotations").is_some_and(is_empty) {
        metadata.remove("annotations");
    }
}

fn each(object: &mut Tree, text: impl Fn(&Scalar) -> String) {
    let metadata = object.as_map_mut().and_then(|fields| fields.get_mut("metadata"));
    let annotations =
        metadata.and_then(Tree::as_map_mut).and_then(|fields| fields.get_mut("annotations"));
    for value in annotations.and_then(Tree::as_map_mut).into_iter().flat_map(Fields::values_mut) {
        if let Tree::Scalar(scalar) = value {
            *value = Tree::text(text(scalar));
        }
    }
}
