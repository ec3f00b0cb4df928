//! The files as they grow, and the objects in them.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::chart::ChartDocument;
use super::documents;
use super::objects::{Fault, Objects};
use super::{Rendered, RenderedFile};
use crate::finding::{ManifestError, Warning};
use crate::manifest::Field;
use crate::resolve::Resolved;
use crate::yaml::{self, Kind, Node};

/// Where documents come from.
pub(super) enum Origin<'a> {
    /// `manifests`.
    Raw,
    /// A template of the chart.
    Chart(&'a ChartDocument),
    /// What we made ourselves, for a field of the manifest.
    Made(&'static str),
}

impl Origin<'_> {
    /// What a document is called, by its number.
    fn label(&self, number: usize) -> Rc<str> {
        match self {
            Self::Raw => format!("document {number}").into(),
            Self::Chart(document) => document.source.as_str().into(),
            Self::Made(field) => format!("`{field}`").into(),
        }
    }

    fn error(&self, resolved: &Resolved, message: String) -> ManifestError {
        let source = &resolved.source;
        match self {
            Self::Raw => source.error(Field::Manifests, message),
            Self::Chart(_) => source.error_at(source.chart, "chart", message),
            Self::Made(field) => source.error_at(None, *field, message),
        }
    }
}

/// What is rendered so far.
pub(super) struct Output<'r> {
    resolved: &'r Resolved,
    files: BTreeMap<String, String>,
    objects: Objects,
    pub(super) warnings: Vec<Warning>,
}

impl<'r> Output<'r> {
    pub(super) fn new(resolved: &'r Resolved) -> Self {
        Self {
            resolved,
            files: BTreeMap::new(),
            objects: Objects::default(),
            warnings: resolved.warnings.clone(),
        }
    }

    /// Whether there is no object yet.
    pub(super) fn is_empty(&self) -> bool {
        self.objects.refs.is_empty()
    }

    /// Adds documents to a file.
    pub(super) fn add(
        &mut self,
        origin: &Origin<'_>,
        file: &str,
        text: &str,
    ) -> Result<(), ManifestError> {
        let fail = |message: String| origin.error(self.resolved, message);
        let mut number = 0;
        for document in documents::split(text) {
            let line = |line: usize| document.line + line - 1;
            let nodes = yaml::parse_documents(document.text).map_err(|error| {
                let label = origin.label(number + 1);
                fail(at(&label, line(error.place.line), &error.path, &error.message))
            })?;
            let mut nodes = nodes.iter().filter(|node| !matches!(node.kind, Kind::Null));
            let Some(root) = nodes.next() else { continue };
            number += 1;
            let label = origin.label(number);
            let start = |node: &Node| line(node.place.map_or(1, |place| place.line));
            if let Some(second) = nodes.next() {
                let message = "holds two documents; put `---` on a line of its own";
                return Err(fail(at(&label, start(second), "", message)));
            }
            self.objects.add(root, &label).map_err(|Fault { line: at_line, path, message }| {
                fail(at(&label, line(at_line), &path, &message))
            })?;
            if !self.files.contains_key(file) {
                self.files.insert(file.to_owned(), String::new());
            }
            if let Some(content) = self.files.get_mut(file) {
                document.write(content);
            }
        }
        let warnings = std::mem::take(&mut self.objects.warnings);
        let source = &self.resolved.source;
        self.warnings.extend(warnings.iter().map(|message| match origin {
            Origin::Chart(_) => source.warning_at(source.chart, "chart", message),
            Origin::Raw | Origin::Made(_) => source.warning(Field::Manifests, message),
        }));
        Ok(())
    }

    pub(super) fn finish(self) -> Rendered {
        let files = self.files.into_iter().map(|(path, content)| RenderedFile { path, content });
        Rendered { files: files.collect(), objects: self.objects.refs, warnings: self.warnings }
    }
}

fn at(document: &str, line: usize, path: &str, message: &str) -> String {
    let separator = if path.is_empty() { "" } else { ": " };
    format!("{document}, line {line}: {path}{separator}{message}")
}
