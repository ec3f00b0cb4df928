//! From a resolved manifest to the files of the gitops repository.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use serde::Serialize;

use crate::finding::{ManifestError, Warning, quoted};
use crate::manifest::Field;
use crate::resolve::Resolved;
use crate::yaml::{self, Kind, MAX_TEXT, Node, is_string_in_kubernetes};

/// The most objects that one application may have. Flux applies them in one go.
const MAX_OBJECTS: usize = 1000;

/// A file of the application's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedFile {
    /// The path below the application's folder.
    pub path: String,
    /// The whole text; it ends in a newline.
    pub content: String,
}

/// A Kubernetes object, as it is named in a manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// Group and version, as in `apps/v1`.
    pub api_version: String,
    /// The kind, as in `Deployment`.
    pub kind: String,
    /// The namespace it names itself; most leave it to the application's.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

/// What a manifest renders to. The same input gives the same bytes.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The files, sorted by path.
    pub files: Vec<RenderedFile>,
    /// The objects in them, in their order.
    pub objects: Vec<ObjectRef>,
    /// What is allowed and probably not meant, such as secrets in clear.
    pub warnings: Vec<Warning>,
}

/// Renders the raw objects of `resolved` to one `manifest.yaml`.
///
/// Documents keep their text, comments included; empty ones go. Namespaces are not added: Flux sets them.
///
/// # Errors
/// No object at all, text that is no YAML, a document that is no Kubernetes object (`apiVersion`, `kind` and
/// `metadata.name` are strings), an object that stands twice. The error names document and line.
pub fn render(resolved: &Resolved) -> Result<Rendered, ManifestError> {
    let source = &resolved.source;
    let text = resolved.manifests.as_deref().unwrap_or_default();
    let fail = |message: String| source.error(Field::Manifests, message);
    if text.len() > MAX_TEXT {
        return Err(fail(format!("is larger than {} KiB after variables", MAX_TEXT / 1024)));
    }
    let mut objects = Objects::default();
    let mut content = String::new();
    let mut documents = 0;
    for chunk in chunks(text) {
        let number = documents + 1;
        let parsed = yaml::parse_documents(chunk.body)
            .map_err(|error| fail(at(number, chunk.line + error.place.line, &error.path, &error.message)))?;
        let Some(root) = parsed.first().filter(|root| !matches!(root.kind, Kind::Null)) else { continue };
        documents = number;
        let line = |node: &Node| chunk.line + node.place.map_or(1, |place| place.line);
        objects
            .add(root, Document { number })
            .map_err(|fault| fail(at(number, line(fault.node), &fault.path, &fault.message)))?;
        chunk.write(&mut content);
    }
    if documents == 0 {
        return Err(fail("no chart and no manifests; put plain Kubernetes YAML in `manifests`".to_owned()));
    }
    let warnings = objects.warnings.iter().map(|message| source.warning(Field::Manifests, message)).collect();
    let files = vec![RenderedFile { path: "manifest.yaml".to_owned(), content }];
    Ok(Rendered { files, objects: objects.refs, warnings })
}
