//! What a manifest says, and where it says it.

use serde::Serialize;

use crate::chart::ChartFields;
use crate::cleanup::Cleanup;
use crate::dependency::Dependency;
use crate::finding::{Finding, ManifestError, Place, Warning};
use crate::patches::JsonPatch;
use crate::policy::{Decision, DeployPolicy, GitEvent, would_release};
use crate::template::TemplateError;
use crate::text::{Anchor, Text};
use crate::values::Values;

/// The deploy settings of one application in one environment, before variables.
///
/// Its texts may hold Go templates, but for those of `deploy` and `cleanup`; [`crate::resolve`] replaces them.
/// Serializes to the JSON form that [`crate::parse_manifest_json`] reads.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The application's name.
    pub app: String,
    /// The environment it is deployed to.
    pub env: String,
    /// The Kubernetes namespace it lives in.
    pub namespace: String,
    /// Whether each branch gets an application of its own; see [`crate::prepare_preview`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub preview: bool,
    /// When to deploy by itself; without it, only by hand. Never templated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deploy: Option<DeployPolicy>,
    /// What is deleted with a branch. Templated only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleanup: Option<Cleanup>,
    /// The chart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart: Option<ChartFields>,
    /// What the chart is given.
    #[serde(skip_serializing_if = "Values::is_empty")]
    pub values: Values,
    /// Objects to be merged into those of the same name, as YAML documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategic_merge_patches: Option<Text>,
    /// Operations on objects.
    #[serde(rename = "json6902Patches", skip_serializing_if = "Vec::is_empty")]
    pub json_patches: Vec<JsonPatch>,
    /// Kubernetes objects as YAML documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifests: Option<String>,
    /// What it needs besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// The branch that this is the preview of.
    #[serde(skip)]
    pub(crate) previewed: Option<String>,
    #[serde(skip)]
    pub(crate) source: Source,
}

impl Manifest {
    /// The file's name as it was given to the parser.
    pub fn file(&self) -> &str {
        &self.source.file
    }

    /// An error about a field that whoever reads this manifest does not take.
    pub fn refuse(&self, path: &str, message: &str) -> ManifestError {
        let place = if path.starts_with("chart") { self.source.chart } else { None };
        self.source.error_at(place, path, message)
    }

    /// Decides whether `event` releases this application by itself; without a policy it never does.
    pub fn would_release(&self, event: &GitEvent<'_>) -> Decision {
        match &self.deploy {
            Some(policy) => would_release(policy, event),
            None => would_release(&DeployPolicy::default(), event),
        }
    }
}

/// The plain texts that outlive parsing, because later steps can find fault with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    App,
    Env,
    Namespace,
    Manifests,
}

impl Field {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Env => "env",
            Self::Namespace => "namespace",
            Self::Manifests => "manifests",
        }
    }
}

/// Where a manifest came from, for errors that are found after parsing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    pub(crate) file: String,
    app: Anchor,
    env: Anchor,
    namespace: Anchor,
    manifests: Anchor,
    /// Where `chart` starts.
    pub(crate) chart: Option<Place>,
}

impl Source {
    pub(crate) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    pub(crate) fn set(&mut self, field: Field, anchor: Anchor) {
        match field {
            Field::App => self.app = anchor,
            Field::Env => self.env = anchor,
            Field::Namespace => self.namespace = anchor,
            Field::Manifests => self.manifests = anchor,
        }
    }

    pub(crate) fn anchor(&self, field: Field) -> Anchor {
        match field {
            Field::App => self.app,
            Field::Env => self.env,
            Field::Namespace => self.namespace,
            Field::Manifests => self.manifests,
        }
    }

    pub(crate) fn place(&self, field: Field) -> Option<Place> {
        self.anchor(field).place
    }

    /// An error about a whole field.
    pub(crate) fn error(&self, field: Field, message: impl Into<String>) -> ManifestError {
        self.error_at(self.place(field), field.name(), message)
    }

    /// An error at a place.
    pub(crate) fn error_at(
        &self,
        place: Option<Place>,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> ManifestError {
        ManifestError::new(&self.file, place, path, message)
    }

    /// An error in a text that stands at `anchor`.
    pub(crate) fn template_error(
        &self,
        anchor: Anchor,
        path: impl Into<String>,
        error: TemplateError,
    ) -> ManifestError {
        self.error_at(anchor.inside(error.line, error.column), path, error.message)
    }

    pub(crate) fn warning(&self, field: Field, message: impl Into<String>) -> Warning {
        self.warning_at(self.place(field), field.name(), message)
    }

    pub(crate) fn warning_at(
        &self,
        place: Option<Place>,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Warning {
        Finding::new(&self.file, place, path, message)
    }
}
