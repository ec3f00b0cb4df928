//! What a manifest says, and where it says it.

use serde::Serialize;

use crate::finding::{Finding, ManifestError, Place, Warning};
use crate::policy::{Decision, DeployPolicy, GitEvent, would_release};

/// The deploy settings of one application in one environment, before variables.
///
/// `app`, `env`, `namespace` and `manifests` may hold Go templates; [`crate::resolve`] replaces them.
/// Serializes to the JSON form that [`crate::parse_manifest_json`] reads.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// The application's name.
    pub app: String,
    /// The environment it is deployed to.
    pub env: String,
    /// The Kubernetes namespace it lives in.
    pub namespace: String,
    /// When to deploy by itself; without it, only by hand. Never templated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deploy: Option<DeployPolicy>,
    /// Kubernetes objects as YAML documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifests: Option<String>,
    #[serde(skip)]
    pub(crate) source: Source,
}

impl Manifest {
    /// The file's name as it was given to the parser.
    pub fn file(&self) -> &str {
        &self.source.file
    }

    /// Decides whether `event` releases this application by itself; without a policy it never does.
    pub fn would_release(&self, event: &GitEvent<'_>) -> Decision {
        match &self.deploy {
            Some(policy) => would_release(policy, event),
            None => would_release(&DeployPolicy::default(), event),
        }
    }
}

/// The fields that outlive parsing, because later steps can find fault with them.
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
}

/// Where a field's value starts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Anchor {
    pub(crate) place: Option<Place>,
    /// Set for a literal block, whose lines stand in the file as they are.
    pub(crate) block: Option<Block>,
}

/// Where the lines of a literal block stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// The line of the file, from 1, that is the value's first one.
    pub(crate) first_line: usize,
    /// By how much its lines are indented.
    pub(crate) indent: usize,
}

impl Anchor {
    /// The place in the file of a line and column (from 1) of the value, where that is known.
    fn inside(self, line: usize, column: usize) -> Option<Place> {
        let place = self.place?;
        Some(match self.block {
            Some(Block { first_line, indent }) => {
                Place { line: first_line + line - 1, column: column + indent }
            }
            None => place,
        })
    }
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

    fn anchor(&self, field: Field) -> Anchor {
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
        ManifestError::new(&self.file, self.place(field), field.name(), message)
    }

    /// An error about one line and column (from 1) of a field's text as it stands in the file.
    pub(crate) fn error_inside(
        &self,
        field: Field,
        (line, column): (usize, usize),
        message: impl Into<String>,
    ) -> ManifestError {
        let place = self.anchor(field).inside(line, column);
        ManifestError::new(&self.file, place, field.name(), message)
    }

    pub(crate) fn warning(&self, field: Field, message: impl Into<String>) -> Warning {
        Finding::new(&self.file, self.place(field), field.name(), message)
    }
}
