//! From text to [`Manifest`]: YAML files of a repository, JSON that CI pushes.

mod deploy;
mod fields;
mod folder;
mod json;
mod refused;
mod suggest;

use crate::finding::{Finding, ManifestError, Place, Warning};
use crate::manifest::{Field, Manifest, Source};
use crate::names::{app_name_fault, environment_fault, label_fault};
use crate::yaml::{self, Entry, Kind, Node};
use fields::{Dialect, Fields, Text};

pub use folder::{FolderOutcome, clashes, parse_folder};

/// The fields of a manifest that this version deploys.
const SUPPORTED: [&str; 5] = ["app", "env", "namespace", "deploy", "manifests"];

/// The fields of a manifest that are read, by their paths; for the reference.
pub fn known_fields() -> impl Iterator<Item = String> {
    let below = deploy::NAMES.into_iter().map(|name| format!("deploy.{name}"));
    SUPPORTED.into_iter().map(str::to_owned).chain(below)
}

/// The fields that the format has and this version refuses, each with the reason that people are told.
pub fn refused_fields() -> impl Iterator<Item = (&'static str, &'static str)> {
    refused::reasons()
}

/// How many unknown fields of a file are told. Who has more of them has another kind of file.
const MAX_WARNINGS: usize = 20;

/// A manifest, and what is odd about it.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The manifest.
    pub manifest: Manifest,
    /// What it probably does not mean, such as unknown fields.
    pub warnings: Vec<Warning>,
}

/// Parses a manifest file. `file_name` is only for messages.
///
/// # Errors
/// The first fault of the text: no valid YAML, too large, a duplicate, refused, missing or malformed
/// field, a malformed glob, a second document. It names line, column and field.
pub fn parse_manifest(file_name: &str, text: &str) -> Result<Parsed, ManifestError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let documents = yaml::parse_documents(text).map_err(|error| {
        ManifestError::new(file_name, Some(error.place), error.path, error.message)
    })?;
    let mut documents = documents.iter().filter(|document| !matches!(document.kind, Kind::Null));
    let Some(root) = documents.next() else {
        let start = Some(Place { line: 1, column: 1 });
        return Err(ManifestError::new(
            file_name,
            start,
            "",
            "is empty; write `app`, `env`, `namespace` and `manifests`",
        ));
    };
    if let Some(second) = documents.next() {
        return Err(ManifestError::new(
            file_name,
            second.place,
            "",
            "holds a second document; write one manifest per file",
        ));
    }
    Reader { file: file_name, text, dialect: Dialect::Yaml, warnings: Vec::new() }.read(root)
}

/// Reads a manifest that came as JSON: names in any case, unknown fields ignored, nulls accepted.
/// `name` stands for the file in messages.
///
/// # Errors
/// As [`parse_manifest`], without line and column.
pub fn parse_manifest_json(name: &str, value: &serde_json::Value) -> Result<Parsed, ManifestError> {
    let root = json::to_node(value)
        .ok_or_else(|| ManifestError::new(name, None, "", "is nested too deep"))?;
    Reader { file: name, text: "", dialect: Dialect::Json, warnings: Vec::new() }.read(&root)
}

struct Reader<'a> {
    file: &'a str,
    /// The whole file; empty for JSON.
    text: &'a str,
    dialect: Dialect,
    warnings: Vec<Warning>,
}

impl Reader<'_> {
    fn read(mut self, root: &Node) -> Result<Parsed, ManifestError> {
        let fields = Fields::of(self.file, root, "", self.dialect)?;
        self.check_names(&fields)?;
        let mut source = Source::new(self.file);
        let app = self.required(&fields, Field::App, &mut source)?;
        let env = self.required(&fields, Field::Env, &mut source)?;
        let namespace = self.required(&fields, Field::Namespace, &mut source)?;
        let deploy = match fields.find("deploy") {
            Some(entry) => deploy::read(self.file, &entry.value, self.dialect, &mut self.warnings)?,
            None => None,
        };
        let manifests = self
            .text(&fields, Field::Manifests, &mut source)?
            .filter(|text| !text.trim().is_empty());
        if manifests.is_none() {
            let message = "no chart and no manifests; put plain Kubernetes YAML in `manifests`";
            return Err(ManifestError::new(self.file, root.place, "", message));
        }
        let manifest = Manifest { app, env, namespace, deploy, manifests, source };
        Ok(Parsed { manifest, warnings: self.warnings })
    }

    /// Refuses the fields that this version does not deploy, and tells the unknown ones.
    fn check_names(&mut self, fields: &Fields<'_>) -> Result<(), ManifestError> {
        for Entry { key, key_place, value } in fields.entries() {
            let room = self.warnings.len() < MAX_WARNINGS;
            if let Some(field) = refused::find(key, self.dialect) {
                if let Some(message) = field.refusal(value) {
                    return Err(ManifestError::new(self.file, *key_place, field.name, message));
                }
            } else if room && self.dialect == Dialect::Yaml && !SUPPORTED.contains(&key.as_str()) {
                let known = SUPPORTED.into_iter().chain(refused::names());
                let message = format!(
                    "is not a field of a manifest and is ignored{}",
                    suggest::did_you_mean(key, known)
                );
                self.warnings.push(Finding::new(self.file, *key_place, key, message));
            }
        }
        Ok(())
    }

    /// A text that must be there. Texts without template are checked at once; the others after variables.
    fn required(
        &self,
        fields: &Fields<'_>,
        field: Field,
        source: &mut Source,
    ) -> Result<String, ManifestError> {
        let Some(text) = self.text(fields, field, source)? else {
            let message = format!("is missing; add `{}: …`", field.name());
            return Err(ManifestError::new(self.file, fields.place(), field.name(), message));
        };
        if !text.contains("{{")
            && let Some(fault) = name_fault(field, &text)
        {
            return Err(source.error(field, fault));
        }
        Ok(text)
    }

    fn text(
        &self,
        fields: &Fields<'_>,
        field: Field,
        source: &mut Source,
    ) -> Result<Option<String>, ManifestError> {
        let Some(Text { text, anchor }) = fields.text(field.name(), self.text)? else {
            return Ok(None);
        };
        source.set(field, anchor);
        Ok(Some(text))
    }
}

/// Says what is wrong with the value of a naming field, after variables.
pub(crate) fn name_fault(field: Field, text: &str) -> Option<String> {
    match field {
        Field::App => app_name_fault(text),
        Field::Env => environment_fault(text),
        Field::Namespace => label_fault(text),
        Field::Manifests => None,
    }
}

#[cfg(test)]
mod tests;
