//! From text to [`Manifest`]: YAML files of a repository, JSON that CI pushes.

mod chart;
mod cleanup;
mod dependencies;
mod deploy;
mod fields;
mod folder;
mod json;
mod patches;
mod suggest;
mod values;

use crate::finding::{Finding, ManifestError, Place, Warning, quoted};
use crate::manifest::{Field, Manifest, Source};
use crate::names::{app_name_fault, environment_fault, label_fault};
use crate::values::Values;
use crate::yaml::{self, Form, Kind, Node, Scalar};
use fields::{Dialect, Fields, File};

pub use folder::{FolderOutcome, clashes, parse_folder};

/// The fields of a manifest.
const NAMES: [&str; 12] = [
    "app",
    "env",
    "namespace",
    "preview",
    "deploy",
    "cleanup",
    "chart",
    "values",
    "strategicMergePatches",
    "json6902Patches",
    "manifests",
    "dependencies",
];

/// The fields of a manifest by their paths; for the reference.
pub fn known_fields() -> impl Iterator<Item = String> {
    let below = |field: &'static str, names: &'static [&'static str]| {
        names.iter().map(move |name| format!("{field}.{name}"))
    };
    NAMES
        .into_iter()
        .map(str::to_owned)
        .chain(below("deploy", &deploy::NAMES))
        .chain(below("cleanup", &cleanup::NAMES))
        .chain(below("chart", &chart::NAMES))
        .chain(below("json6902Patches[]", &patches::NAMES))
        .chain(below("json6902Patches[].target", &patches::TARGET))
        .chain(below("dependencies[]", &dependencies::NAMES))
        .chain(below("dependencies[].spec", &dependencies::SPEC))
        .chain(below("dependencies[].spec.module", &dependencies::MODULE))
}

/// What is said where there is nothing to deploy.
pub(crate) const NOTHING: &str = "no chart and no manifests; name a chart in `chart`, or put plain Kubernetes YAML in `manifests`";

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
/// The first fault of the text: no valid YAML, too large, a duplicate, missing or malformed field, a malformed
/// glob, a second document. It names line, column and field.
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
            "is empty; write `app`, `env`, `namespace`, and `chart` or `manifests`",
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
    read(File { name: file_name, text, dialect: Dialect::Yaml }, root)
}

/// Reads a manifest that came as JSON: names in any case, unknown fields ignored, nulls accepted.
/// `name` stands for the file in messages.
///
/// # Errors
/// As [`parse_manifest`], without line and column.
pub fn parse_manifest_json(name: &str, value: &serde_json::Value) -> Result<Parsed, ManifestError> {
    let root = json::to_node(value)
        .ok_or_else(|| ManifestError::new(name, None, "", "is nested too deep"))?;
    read(File { name, text: "", dialect: Dialect::Json }, &root)
}

fn read(file: File<'_>, root: &Node) -> Result<Parsed, ManifestError> {
    let fields = file.fields(root, "")?;
    let mut warnings = Vec::new();
    fields.warn_unknown(&NAMES, &mut warnings);
    let mut source = Source::new(file.name);
    let app = required(&fields, Field::App, &mut source)?;
    let env = required(&fields, Field::Env, &mut source)?;
    let namespace = required(&fields, Field::Namespace, &mut source)?;
    let preview = truth(&fields, "preview")?;
    let deploy = match fields.find_set("deploy") {
        Some(node) => deploy::read(file, node, &mut warnings)?,
        None => None,
    };
    let cleanup = match fields.find_set("cleanup") {
        Some(node) => cleanup::read(file, node)?,
        None => None,
    };
    let chart = match fields.find_set("chart") {
        Some(node) => {
            source.chart = node.place;
            chart::read(file, node, &mut warnings)?
        }
        None => None,
    };
    let values = match fields.find_set("values") {
        Some(node) => values::read(file, node, "values", &mut warnings)?,
        None => Values::default(),
    };
    let strategic_merge_patches =
        fields.text("strategicMergePatches")?.filter(|text| !text.trim().is_empty());
    let json_patches = match fields.find_set("json6902Patches") {
        Some(node) => patches::read(file, node, &mut warnings)?,
        None => Vec::new(),
    };
    let manifests =
        text(&fields, Field::Manifests, &mut source)?.filter(|text| !text.trim().is_empty());
    let dependencies = match fields.find_set("dependencies") {
        Some(node) => dependencies::read(file, node, &mut warnings)?,
        None => Vec::new(),
    };
    if manifests.is_none() && chart.is_none() {
        return Err(file.error(root, "", NOTHING));
    }
    if let (true, None, Some(entry)) = (!values.is_empty(), &chart, fields.find("values")) {
        let message = "are for a chart, and there is none; they are ignored";
        warnings.push(Finding::new(file.name, entry.key_place, "values", message));
    }
    let manifest = Manifest {
        app,
        env,
        namespace,
        preview,
        deploy,
        cleanup,
        chart,
        values,
        strategic_merge_patches,
        json_patches,
        manifests,
        dependencies,
        previewed: None,
        source,
    };
    Ok(Parsed { manifest, warnings })
}

/// A text that must be there. Texts without template are checked at once; the others after variables.
fn required(
    fields: &Fields<'_>,
    field: Field,
    source: &mut Source,
) -> Result<String, ManifestError> {
    let Some(text) = text(fields, field, source)? else { return Err(fields.missing(field.name())) };
    if !text.contains("{{")
        && let Some(fault) = name_fault(field, &text)
    {
        return Err(source.error(field, fault));
    }
    Ok(text)
}

fn text(
    fields: &Fields<'_>,
    field: Field,
    source: &mut Source,
) -> Result<Option<String>, ManifestError> {
    let Some(text) = fields.text(field.name())? else { return Ok(None) };
    source.set(field, text.anchor);
    Ok(Some(text.as_str().to_owned()))
}

/// A truth, in the words of YAML; null is none.
fn truth(fields: &Fields<'_>, name: &str) -> Result<bool, ManifestError> {
    let Some(node) = fields.find_set(name) else { return Ok(false) };
    let word = match &node.kind {
        Kind::Scalar(Scalar { form: Form::Plain | Form::JsonLiteral | Form::Quoted, text }) => {
            text.to_ascii_lowercase()
        }
        _ => String::new(),
    };
    match word.as_str() {
        "true" | "yes" | "on" => Ok(true),
        "false" | "no" | "off" => Ok(false),
        // A form that was left empty.
        "" if matches!(node.kind, Kind::Scalar(_)) => Ok(false),
        _ => {
            let given = match &node.kind {
                Kind::Scalar(scalar) => quoted(&scalar.text),
                _ => node.describe().to_owned(),
            };
            let message = format!("must be `true` or `false`, but is {given}");
            Err(fields.file.error(node, fields.path_of(name), message))
        }
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
