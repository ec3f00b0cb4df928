//! From a resolved manifest to the files of the gitops repository.

mod documents;
mod objects;

use crate::finding::{ManifestError, Warning};
use crate::manifest::Field;
use crate::resolve::Resolved;
use crate::yaml::{self, Kind, MAX_TEXT, Node};
use objects::{Fault, Objects};

pub use objects::ObjectRef;

/// A file of the application's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedFile {
    /// The path below the application's folder.
    pub path: String,
    /// The whole text; it ends in a newline.
    pub content: String,
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
    let fail = |message: String| resolved.source.error(Field::Manifests, message);
    let text = resolved.manifests.as_deref().unwrap_or_default();
    if text.len() > MAX_TEXT {
        return Err(fail(format!("is larger than {} KiB after variables", MAX_TEXT / 1024)));
    }
    let mut objects = Objects::default();
    let mut content = String::new();
    let mut number = 0;
    for document in documents::split(text) {
        let line = |line: usize| document.line + line - 1;
        let nodes = yaml::parse_documents(document.text).map_err(|error| {
            fail(at(number + 1, line(error.place.line), &error.path, &error.message))
        })?;
        let mut nodes = nodes.iter().filter(|node| !matches!(node.kind, Kind::Null));
        let Some(root) = nodes.next() else { continue };
        number += 1;
        let start = |node: &Node| line(node.place.map_or(1, |place| place.line));
        if let Some(second) = nodes.next() {
            return Err(fail(at(
                number,
                start(second),
                "",
                "holds two documents; put `---` on a line of its own",
            )));
        }
        objects.add(root, number).map_err(|Fault { line: at_line, path, message }| {
            fail(at(number, line(at_line), &path, &message))
        })?;
        document.write(&mut content);
    }
    if number == 0 {
        return Err(fail(
            "no chart and no manifests; put plain Kubernetes YAML in `manifests`".to_owned(),
        ));
    }
    let warn = |message: &String| resolved.source.warning(Field::Manifests, message);
    Ok(Rendered {
        files: vec![RenderedFile { path: "manifest.yaml".to_owned(), content }],
        warnings: objects.warnings.iter().map(warn).collect(),
        objects: objects.refs,
    })
}

fn at(document: usize, line: usize, path: &str, message: &str) -> String {
    let separator = if path.is_empty() { "" } else { ": " };
    format!("document {document}, line {line}: {path}{separator}{message}")
}

#[cfg(test)]
mod tests;
