//! What makes a document a Kubernetes object.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use serde::Serialize;

use crate::finding::quoted;
use crate::yaml::{Kind, Node, is_string_in_kubernetes};

/// The most objects of one application; Flux applies and follows each of them.
const MAX_OBJECTS: usize = 1000;

/// A Kubernetes object, as it is named in a manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// Group and version, as in `apps/v1`.
    pub api_version: String,
    /// The kind, as in `Deployment`.
    pub kind: String,
    /// The namespace that it names itself; most leave it to the application's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl ObjectRef {
    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// What is wrong with a document.
#[derive(Debug)]
pub(super) struct Fault {
    /// The line of the document, from 1.
    pub(super) line: usize,
    /// The field, as in `metadata.name`; empty for the whole document.
    pub(super) path: String,
    pub(super) message: String,
}

/// The objects seen so far.
#[derive(Default)]
pub(super) struct Objects {
    pub(super) refs: Vec<ObjectRef>,
    pub(super) warnings: Vec<String>,
    /// The document of each object, by what Kubernetes tells objects apart by: the version is no part of it.
    seen: HashMap<(String, ObjectRef), Rc<str>>,
}

impl Objects {
    /// Takes the object or the list of objects of a document.
    pub(super) fn add(&mut self, root: &Node, document: &Rc<str>) -> Result<(), Fault> {
        match list_items(root) {
            Some(items) => {
                text(root, root, "apiVersion", "apiVersion")?;
                for (index, item) in items.iter().enumerate() {
                    self.add_object(item, document, &format!("items[{index}]."))?;
                }
                Ok(())
            }
            None => self.add_object(root, document, ""),
        }
    }

    fn add_object(&mut self, node: &Node, document: &Rc<str>, path: &str) -> Result<(), Fault> {
        let object = object_ref(node, path)?;
        if self.refs.len() == MAX_OBJECTS {
            return Err(fault(
                node,
                path,
                format!("is one of more than {MAX_OBJECTS} objects; split the application"),
            ));
        }
        let identity =
            (object.group().to_owned(), ObjectRef { api_version: String::new(), ..object.clone() });
        if let Some(first) = self.seen.insert(identity, Rc::clone(document)) {
            return Err(fault(
                node,
                path,
                format!("{object} stands in {first} already; remove one of them"),
            ));
        }
        if is_clear_secret(&object, node) {
            let warning = format!(
                "{document}: {object} goes to git in clear; seal it, or make it in the cluster",
            );
            self.warnings.push(warning);
        }
        self.refs.push(object);
        Ok(())
    }
}

/// The items, if `node` is a list of objects.
fn list_items(node: &Node) -> Option<&[Rc<Node>]> {
    let Kind::Scalar(kind) = &node.get("kind")?.kind else { return None };
    match &node.get("items")?.kind {
        Kind::List(items) if kind.text.ends_with("List") => Some(items),
        Kind::List(_) | Kind::Null | Kind::Scalar(_) | Kind::Map(_) => None,
    }
}

fn object_ref(node: &Node, path: &str) -> Result<ObjectRef, Fault> {
    if !matches!(node.kind, Kind::Map(_)) {
        let message = format!(
            "is {}, not a Kubernetes object; write `apiVersion`, `kind` and `metadata.name`",
            node.describe()
        );
        return Err(fault(node, path, message));
    }
    let api_version = text(node, node, "apiVersion", &format!("{path}apiVersion"))?;
    let kind = text(node, node, "kind", &format!("{path}kind"))?;
    let metadata = node.get("metadata").filter(|metadata| matches!(metadata.kind, Kind::Map(_)));
    let metadata_path = format!("{path}metadata");
    let Some(metadata) = metadata else {
        return Err(fault(node, &metadata_path, "is missing; every object has a `metadata.name`"));
    };
    let name = text(node, metadata, "name", &format!("{metadata_path}.name"))?;
    let namespace = match metadata.get("namespace").map(|namespace| &namespace.kind) {
        None | Some(Kind::Null) => None,
        Some(_) => Some(text(node, metadata, "namespace", &format!("{metadata_path}.namespace"))?),
    };
    Ok(ObjectRef { api_version, kind, namespace, name })
}

/// The string at `key` of `map`; `object` is where the blame goes when it is missing.
fn text(object: &Node, map: &Node, key: &str, path: &str) -> Result<String, Fault> {
    let Some(value) = map.get(key).filter(|value| !matches!(value.kind, Kind::Null)) else {
        return Err(fault(object, path, "is missing; every Kubernetes object needs it"));
    };
    match &value.kind {
        Kind::Scalar(scalar) if scalar.text.is_empty() => Err(fault(value, path, "is empty")),
        Kind::Scalar(scalar) if is_string_in_kubernetes(scalar) => Ok(scalar.text.clone()),
        Kind::Scalar(scalar) => {
            let message = format!("{} is no string in YAML; quote it", quoted(&scalar.text));
            Err(fault(value, path, message))
        }
        Kind::Null | Kind::List(_) | Kind::Map(_) => {
            Err(fault(value, path, format!("must be a string, but is {}", value.describe())))
        }
    }
}

/// Whether a Secret's values can be read in git. Files that sops encrypted carry its own field.
fn is_clear_secret(object: &ObjectRef, node: &Node) -> bool {
    let filled = |key| {
        node.get(key)
            .is_some_and(|map| matches!(&map.kind, Kind::Map(entries) if !entries.is_empty()))
    };
    object.group().is_empty()
        && object.kind == "Secret"
        && node.get("sops").is_none()
        && (filled("data") || filled("stringData"))
}

fn fault(node: &Node, path: &str, message: impl Into<String>) -> Fault {
    let line = node.place.map_or(1, |place| place.line);
    Fault { line, path: path.trim_end_matches('.').to_owned(), message: message.into() }
}
