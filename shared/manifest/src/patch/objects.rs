//! The objects of a text, and what they are told apart by.

use std::collections::VecDeque;
use std::fmt;

use super::error::{PatchError, PatchPlace};
use super::limits::{self, Budget};
use super::merge_keys::is_cluster_wide;
use super::read::{self, Words};
use super::tree::{Meaning, Null, Tree};

/// An object.
#[derive(Clone, Debug)]
pub(super) struct Object {
    /// The document that it comes from.
    pub(super) place: PatchPlace,
    pub(super) tree: Tree,
    /// Its name before any patch; a target may name it so.
    pub(super) first_name: String,
}

/// What objects are told apart by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
    /// None for the default one.
    pub(super) namespace: Option<String>,
}

impl Identity {
    /// The API group; empty for the core group.
    pub(super) fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    pub(super) fn version(&self) -> &str {
        self.api_version.split_once('/').map_or(&self.api_version, |(_, version)| version)
    }

    /// Whether both are the same object: none and `default` are one namespace, and kinds without namespaces have
    /// none.
    pub(super) fn is(&self, other: &Self) -> bool {
        let namespace = |it: &Self| match it.namespace.as_deref() {
            _ if is_cluster_wide(&it.api_version, &it.kind) => None,
            None => Some("default".to_owned()),
            Some(namespace) => Some(namespace.to_owned()),
        };
        (&self.api_version, &self.kind, &self.name)
            == (&other.api_version, &other.kind, &other.name)
            && namespace(self) == namespace(other)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { api_version, kind, name, namespace } = self;
        let namespace = namespace.as_ref().map(|it| format!("{it}/")).unwrap_or_default();
        write!(
            f,
            "{}",
            crate::finding::one_line(&format!("{kind} {namespace}{name} ({api_version})"))
        )
    }
}

impl Object {
    /// What it is told apart by, or the field that it lacks.
    pub(super) fn identity(&self) -> Result<Identity, &'static str> {
        let metadata = self.tree.get("metadata");
        let text = |tree: Option<&Tree>| match tree {
            Some(Tree::Scalar(scalar)) if !scalar.spelling.is_empty() => {
                Some(scalar.spelling.clone())
            }
            _ => None,
        };
        Ok(Identity {
            api_version: text(self.tree.get("apiVersion")).ok_or("apiVersion")?,
            kind: text(self.tree.get("kind")).ok_or("kind")?,
            name: text(metadata.and_then(|it| it.get("name"))).ok_or("metadata.name")?,
            namespace: text(metadata.and_then(|it| it.get("namespace"))),
        })
    }

    /// Whether it may have an identity: its name says so.
    pub(super) fn may_be(&self, identity: &Identity) -> bool {
        let name = self.tree.get("metadata").and_then(|metadata| metadata.get("name"));
        matches!(name, Some(Tree::Scalar(name)) if name.spelling == identity.name)
    }

    /// How messages name it.
    pub(super) fn name(&self) -> String {
        self.identity().map_or_else(|_| self.place.to_string(), |identity| identity.to_string())
    }
}

/// What objects are read for.
pub(super) struct Source {
    place: fn(usize) -> PatchPlace,
    most_bytes: usize,
    most_objects: usize,
}

/// To be patched.
pub(super) const DOCUMENTS: Source = Source {
    place: PatchPlace::Document,
    most_bytes: limits::MAX_DOCUMENTS,
    most_objects: limits::MAX_OBJECTS,
};

/// As strategic merges.
pub(super) const MERGES: Source = Source {
    place: PatchPlace::StrategicMerge,
    most_bytes: limits::MAX_PATCH,
    most_objects: limits::MAX_MERGES,
};

/// Reads the objects of a text. Those of lists stand alone, behind the others.
pub(super) fn read(
    text: &str,
    source: &Source,
    budget: &mut Budget,
) -> Result<Vec<Object>, PatchError> {
    let place = source.place;
    limits::check_text(text.len(), source.most_bytes, &place(1))?;
    let documents = read::documents(text, Words::Object, place, budget)?;
    // A list alone is unwrapped as it is written.
    let as_written = matches!(&documents[..], [(_, only)] if kind(only) == "List");
    let mut waiting: VecDeque<_> = documents.into();
    let mut objects = Vec::new();
    while let Some((place, tree)) = waiting.pop_front() {
        match list_items(tree, &place)? {
            Ok(mut items) => {
                if !as_written {
                    items.iter_mut().for_each(as_json);
                }
                waiting.extend(items.into_iter().map(|item| (place.clone(), item)));
            }
            Err(_) if objects.len() == source.most_objects => {
                let what = format!("more than {} objects", source.most_objects);
                return Err(PatchError::TooLarge { place, what });
            }
            Err(tree) => objects.push(object(place, tree)?),
        }
    }
    Ok(objects)
}

fn kind(tree: &Tree) -> &str {
    tree.get("kind").and_then(Tree::as_text).unwrap_or_default()
}

/// The items of a list of objects, or the tree again if it is none.
fn list_items(tree: Tree, place: &PatchPlace) -> Result<Result<Vec<Tree>, Tree>, PatchError> {
    let is_list = kind(&tree).ends_with("List");
    let Tree::Map(mut fields) = tree else { return Ok(Err(tree)) };
    if !is_list || !fields.contains_key("items") {
        return Ok(Err(Tree::Map(fields)));
    }
    match fields.remove("items") {
        Some(Tree::List(items)) => Ok(Ok(items)),
        None | Some(Tree::Null(_)) => Ok(Ok(Vec::new())),
        Some(other @ (Tree::Scalar(_) | Tree::Map(_))) => Err(PatchError::NotAnObject {
            place: place.clone(),
            path: "items".to_owned(),
            problem: format!("must be a list of objects, but is {}", other.describe()),
        }),
    }
}

/// Kustomize reads the items of lists from JSON, where no null is blank, and all texts are in quotes.
fn as_json(tree: &mut Tree) {
    match tree {
        Tree::Null(null) => *null = Null::Spelled,
        Tree::Scalar(scalar) => scalar.quoted = scalar.meaning == Meaning::Text,
        Tree::List(items) => items.iter_mut().for_each(as_json),
        Tree::Map(fields) => fields.values_mut().for_each(as_json),
    }
}

fn object(place: PatchPlace, tree: Tree) -> Result<Object, PatchError> {
    let fail = |place: &PatchPlace, path: &str, problem: String| {
        Err(PatchError::NotAnObject { place: place.clone(), path: path.to_owned(), problem })
    };
    if tree.as_map().is_none() {
        let problem = format!(
            "is {}, not a Kubernetes object; write `apiVersion`, `kind` and `metadata.name`",
            tree.describe()
        );
        return fail(&place, "", problem);
    }
    if tree.depth() > limits::MAX_DEPTH {
        let problem = format!("is nested more than {} levels deep", limits::MAX_DEPTH);
        return fail(&place, "", problem);
    }
    let mut object = Object { place, tree, first_name: String::new() };
    match object.identity() {
        Ok(identity) => object.first_name = identity.name,
        Err(path) => {
            let problem = "is missing; every Kubernetes object is named by it".to_owned();
            return fail(&object.place, path, problem);
        }
    }
    Ok(object)
}
