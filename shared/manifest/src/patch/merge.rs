//! Strategic merges.

use super::directives::{Beside, Mode, take_mode};
use super::error::{Fault, PatchError};
use super::merge_keys::{Field, Shape, shape};
use super::merge_list;
use super::objects::{Identity, Object};
use super::tree::{Fields, Null, Path, Scalar, Tree};

/// Merges a patch into the object that it names.
pub(super) fn apply(objects: &mut Vec<Object>, patch: Object) -> Result<(), PatchError> {
    let at = find(objects, &patch)?;
    let object = &mut objects[at];
    let (name, before) = (object.name(), Head::of(&object.tree));
    let tree = std::mem::replace(&mut object.tree, Tree::Null(Null::Blank));
    let merged = object_merge(tree, patch.tree).map_err(|Fault { path, problem }| {
        PatchError::Merge { place: patch.place, object: name, path: path.to_string(), problem }
    })?;
    match merged {
        Some(fields) => {
            object.tree = Tree::Map(fields);
            before.restore(&mut object.tree);
        }
        None => drop(objects.remove(at)),
    }
    Ok(())
}

/// The place of the object that a patch names.
fn find(objects: &[Object], patch: &Object) -> Result<usize, PatchError> {
    let place = patch.place.clone();
    let wanted = patch.identity().map_err(|field| no_identity(patch, field))?;
    let matches = |object: &Object| {
        object.may_be(&wanted) && object.identity().is_ok_and(|it| it.is(&wanted))
    };
    let mut found = objects.iter().enumerate().filter(|(_, it)| matches(it)).map(|(at, _)| at);
    let Some(at) = found.next() else {
        let near = near(objects, &wanted);
        return Err(PatchError::Absent { place, object: wanted.to_string(), near });
    };
    match found.count() {
        0 => Ok(at),
        more => {
            let object = wanted.to_string();
            Err(PatchError::Ambiguous { place, object, count: more + 1 })
        }
    }
}

fn no_identity(object: &Object, field: &'static str) -> PatchError {
    PatchError::NoIdentity { place: object.place.clone(), object: object.place.to_string(), field }
}

/// Objects that a patch may have meant.
fn near(objects: &[Object], wanted: &Identity) -> String {
    let identities = objects.iter().filter_map(|object| object.identity().ok());
    let like = identities.filter(|it| it.kind == wanted.kind || it.name == wanted.name);
    let like: Vec<String> = like.take(3).map(|it| it.to_string()).collect();
    if like.is_empty() { String::new() } else { format!("; there is {}", like.join(", ")) }
}

/// Merges what is a map on both sides, or it would have no identity.
fn object_merge(object: Tree, patch: Tree) -> Result<Option<Fields>, Fault> {
    let (Tree::Map(object), Tree::Map(patch)) = (object, patch) else { return Ok(None) };
    map(None, Some(object), patch, &mut Path::default())
}

/// What a patch does not change: what an object is called, and where it is.
struct Head {
    kind: Option<Tree>,
    name: Option<Tree>,
    namespace: Option<Tree>,
}

impl Head {
    fn of(tree: &Tree) -> Self {
        let metadata = |name| tree.get("metadata").and_then(|it| it.get(name)).cloned();
        Self {
            kind: tree.get("kind").cloned(),
            name: metadata("name"),
            namespace: metadata("namespace"),
        }
    }

    fn restore(self, tree: &mut Tree) {
        let Some(fields) = tree.as_map_mut() else { return };
        set(fields, "kind", self.kind);
        let metadata = fields.entry("metadata".to_owned()).or_insert(Tree::Map(Fields::new()));
        let Some(metadata) = metadata.as_map_mut() else { return };
        set(metadata, "name", self.name);
        set(metadata, "namespace", self.namespace);
    }
}

fn set(fields: &mut Fields, name: &str, value: Option<Tree>) {
    match value {
        Some(value) => fields.insert(name.to_owned(), value),
        None => fields.remove(name),
    };
}

/// Merges what a patch says of a field into what is there. None is nothing any more.
pub(super) fn value(
    field: Option<Field>,
    there: Option<Tree>,
    patch: Tree,
    path: &mut Path,
) -> Result<Option<Tree>, Fault> {
    match (there, patch) {
        (_, Tree::Null(_)) => Ok(None),
        (None, patch @ Tree::Scalar(_)) => Ok(Some(patch)),
        // A null has no quotes.
        (Some(Tree::Null(_)), Tree::Scalar(patch)) => {
            Ok(Some(Tree::Scalar(Scalar { quoted: false, ..patch })))
        }
        (Some(Tree::Scalar(there)), Tree::Scalar(patch)) => {
            Ok(Some(Tree::Scalar(patch.in_place_of(&there))))
        }
        (None | Some(Tree::Null(_)), Tree::List(items)) => {
            merge_list::list(field, None, items, path)
        }
        (Some(Tree::List(there)), Tree::List(items)) => {
            merge_list::list(field, Some(there), items, path)
        }
        (None | Some(Tree::Null(_)), Tree::Map(fields)) => {
            Ok(map(shape_of(field), None, fields, path)?.map(Tree::Map))
        }
        (Some(Tree::Map(there)), Tree::Map(fields)) => {
            Ok(map(shape_of(field), Some(there), fields, path)?.map(Tree::Map))
        }
        (Some(there), patch) => {
            let (is, wants) = (there.describe(), patch.describe());
            let problem = format!(
                "is {is}, and the patch has {wants}; patch it with {is}, or delete it with null first"
            );
            Err(Fault::new(path, problem))
        }
    }
}

fn shape_of(field: Option<Field>) -> Option<&'static Shape> {
    if let Some(Field::Map(shape)) = field { Some(shape) } else { None }
}

/// Merges the fields of a patch into those that are there.
pub(super) fn map(
    shape: Option<&'static Shape>,
    there: Option<Fields>,
    mut patch: Fields,
    path: &mut Path,
) -> Result<Option<Fields>, Fault> {
    let mut there = match take_mode(&mut patch, path)? {
        Mode::Merge => there.unwrap_or_default(),
        Mode::Replace => Fields::new(),
        Mode::Delete => return Ok(None),
    };
    let beside = Beside::take(&mut patch, path)?;
    let shape = shape.or_else(|| own_shape(&there)).or_else(|| own_shape(&patch));
    let field = |name: &str| shape.and_then(|shape| shape.field(name));
    if let Some(retain) = &beside.retain {
        there.retain(|name, _| retain.contains(name));
    }
    for (name, gone) in &beside.deletions {
        path.within(name, |path| merge_list::delete(field(name), there.get_mut(name), gone, path))?;
    }
    let mut merged = Fields::new();
    for (name, old) in there {
        let field = field(&name);
        let new = match patch.remove(&name) {
            None => tidy(field, old),
            Some(patch) => path.within(&name, |path| value(field, Some(old), patch, path))?,
        };
        merged.extend(new.map(|new| (name, new)));
    }
    for (name, patch) in patch {
        let new = path.within(&name, |path| value(field(&name), None, patch, path))?;
        merged.extend(new.map(|new| (name, new)));
    }
    for (name, order) in &beside.orders {
        path.within(name, |path| merge_list::sort(field(name), merged.get_mut(name), order, path))?;
    }
    Ok(Some(merged))
}

/// The shape of a map that says itself what it is: an object, or one within another.
fn own_shape(fields: &Fields) -> Option<&'static Shape> {
    let text = |name| fields.get(name).and_then(Tree::as_text);
    shape(text("apiVersion")?, text("kind")?)
}

/// What becomes of what a patch does not touch in an object that it changes: blank nulls go, and of elements of a
/// merged list that are the same, all but the last.
pub(super) fn tidy(field: Option<Field>, tree: Tree) -> Option<Tree> {
    match tree {
        Tree::Null(Null::Blank) => None,
        Tree::Null(Null::Spelled) | Tree::Scalar(_) => Some(tree),
        Tree::List(items) => Some(Tree::List(merge_list::tidy(field, items))),
        Tree::Map(fields) => Some(Tree::Map(tidy_map(shape_of(field), fields))),
    }
}

/// The same for a map.
pub(super) fn tidy_map(shape: Option<&'static Shape>, fields: Fields) -> Fields {
    let shape = shape.or_else(|| own_shape(&fields));
    let tidied = fields.into_iter().filter_map(|(name, value)| {
        let field = shape.and_then(|shape| shape.field(&name));
        tidy(field, value).map(|value| (name, value))
    });
    tidied.collect()
}
