//! From manifest and variables to a manifest without templates.

use crate::finding::ManifestError;
use crate::manifest::{Field, Manifest, Source};
use crate::parse::name_fault;
use crate::template;
use crate::variables::Variables;

/// A manifest after variables. Its names are checked: `app` and `namespace` are DNS labels.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The application's name.
    pub app: String,
    /// The environment's name.
    pub env: String,
    /// The namespace.
    pub namespace: String,
    /// Kubernetes objects as YAML documents.
    pub manifests: Option<String>,
    pub(crate) source: Source,
}

/// Resolves every text of `manifest` except its deploy policy. A text stays a text: values are inserted as
/// they are.
///
/// # Errors
/// A malformed template, a missing variable, an unknown function, a spent budget, or a name that is no DNS
/// label afterwards. The error names the place in the file.
pub fn resolve(manifest: &Manifest, variables: &Variables) -> Result<Resolved, ManifestError> {
    let source = &manifest.source;
    Ok(Resolved {
        app: resolve_name(source, Field::App, &manifest.app, variables)?,
        env: resolve_name(source, Field::Env, &manifest.env, variables)?,
        namespace: resolve_name(source, Field::Namespace, &manifest.namespace, variables)?,
        manifests: match &manifest.manifests {
            Some(text) => Some(resolve_text(source, Field::Manifests, text, variables)?),
            None => None,
        },
        source: source.clone(),
    })
}

fn resolve_name(source: &Source, field: Field, text: &str, variables: &Variables) -> Result<String, ManifestError> {
    let name = resolve_text(source, field, text, variables)?;
    match name_fault(field, &name) {
        Some(fault) => Err(source.error(field, fault)),
        None => Ok(name),
    }
}

fn resolve_text(source: &Source, field: Field, text: &str, variables: &Variables) -> Result<String, ManifestError> {
    template::render(field.name(), text, variables.as_map())
        .map_err(|error| source.error_inside(field, (error.line, error.column), error.message))
}
