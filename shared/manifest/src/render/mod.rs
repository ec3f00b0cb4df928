//! From a resolved manifest to the files of the gitops repository.

mod chart;
mod dependencies;
mod documents;
mod flux;
mod objects;
mod output;
mod patched;

use std::sync::Arc;

use gimlet_helm::Dialect;
use gimlet_helm::chart::capabilities::{Capabilities, KubeVersion};

use crate::chart::{Chart, Install};
use crate::finding::{ManifestError, Warning};
use crate::manifest::Field;
use crate::parse::NOTHING;
use crate::resolve::Resolved;
use crate::template::Draw;
use crate::yaml::MAX_TEXT;
use output::{Origin, Output};

pub use objects::ObjectRef;

/// Where everything goes that has no template of a chart to be named after.
const MANIFEST: &str = "manifest.yaml";

/// The Kubernetes that charts are rendered for where no agent has told of another.
const ASSUMED_KUBERNETES: &str = "1.31.0";

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
    /// The objects in them, in the order of their installation.
    pub objects: Vec<ObjectRef>,
    /// What is allowed and probably not meant, such as secrets in clear.
    pub warnings: Vec<Warning>,
}

/// What a manifest is rendered with, besides itself.
#[derive(Clone, Copy, Debug)]
pub struct RenderInputs<'a> {
    /// The chart that the manifest names, as it was loaded.
    pub chart: Option<&'a Arc<gimlet_helm::chart::Chart>>,
    /// What the cluster can do; where nobody has told, [`assumed_capabilities`].
    pub capabilities: Option<&'a Capabilities>,
    /// What the chart's random functions and its clock give.
    pub draw: Draw,
    /// Whose behaviour charts are rendered with.
    pub dialect: Dialect,
}

impl Default for RenderInputs<'_> {
    /// What is enough for manifests without a chart.
    fn default() -> Self {
        Self { chart: None, capabilities: None, draw: Draw::default(), dialect: Dialect::Helm3 }
    }
}

/// What a cluster is taken to be able to do before its agent has told.
pub fn assumed_capabilities(dialect: Dialect) -> Capabilities {
    let assumed = Capabilities::assumed(dialect);
    match KubeVersion::parse(ASSUMED_KUBERNETES, dialect) {
        Ok(kube_version) => Capabilities { kube_version, ..assumed },
        Err(_) => assumed,
    }
}

/// Renders `resolved`: the chart's objects, then the raw ones, patched, then what the application depends on. Of a
/// chart that Flux installs there is a HelmRelease instead.
///
/// Documents that are not patched keep their text, comments included; empty ones go. Namespaces are not added: Flux
/// sets them. A chart's hooks, tests, definitions of kinds and notes are left out.
///
/// # Errors
/// No object at all, a chart that fails or refuses the values, text that is no YAML, a document that is no
/// Kubernetes object (`apiVersion`, `kind` and `metadata.name` are strings), an object that stands twice, a patch
/// without its object.
pub fn render(resolved: &Resolved, inputs: &RenderInputs<'_>) -> Result<Rendered, ManifestError> {
    match &resolved.chart {
        Some(Chart { source, install: Install::Flux }) => {
            let mut output = Output::new(resolved);
            flux::add(resolved, source, &mut output)?;
            add_raw(resolved, &mut output)?;
            dependencies::add(resolved, &mut output)?;
            Ok(output.finish())
        }
        Some(Chart { install: Install::Render, .. }) | None => {
            render_as_plain_objects(resolved, inputs)
        }
    }
}

/// The same, but of a chart that Flux installs the objects that it will make, as far as we can tell.
///
/// # Errors
/// As [`render`].
pub fn render_as_plain_objects(
    resolved: &Resolved,
    inputs: &RenderInputs<'_>,
) -> Result<Rendered, ManifestError> {
    let mut output = Output::new(resolved);
    let documents = match &resolved.chart {
        Some(_) => chart::render(resolved, inputs, &mut output.warnings)?,
        None => Vec::new(),
    };
    if patched::is_patched(resolved) {
        patched::add(resolved, &documents, &mut output)?;
    } else {
        for document in &documents {
            output.add(&Origin::Chart(document), &document.file, &document.text)?;
        }
        add_raw(resolved, &mut output)?;
    }
    if output.is_empty() && resolved.chart.is_none() {
        return Err(resolved.source.error(Field::Manifests, NOTHING));
    }
    dependencies::add(resolved, &mut output)?;
    if output.is_empty() {
        let message = "renders no object at all with these values";
        return Err(resolved.source.error_at(resolved.source.chart, "chart", message));
    }
    Ok(output.finish())
}

fn add_raw(resolved: &Resolved, output: &mut Output<'_>) -> Result<(), ManifestError> {
    output.add(&Origin::Raw, MANIFEST, raw(resolved)?)
}

/// The raw objects, unless they have grown too large.
fn raw(resolved: &Resolved) -> Result<&str, ManifestError> {
    let text = resolved.manifests.as_deref().unwrap_or_default();
    if text.len() > MAX_TEXT {
        let message = format!("is larger than {} KiB after variables", MAX_TEXT / 1024);
        return Err(resolved.source.error(Field::Manifests, message));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
