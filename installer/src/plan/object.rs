//! One object of the plan, and how it is called.

use std::fmt;

use kube::core::ApiResource;
use serde_json::{Map, Value};

use crate::{FIELD_MANAGER, Scope, resource_of};

/// How the installer treats an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// It is ours: our fields win over other writers'.
    Ours,
    /// Others may own parts of it: a conflict is reported, and nothing is forced.
    Shared,
    /// It is made when it is missing, and never written again.
    Once,
    /// It must not be there.
    Absent,
}

/// The name of an object: kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// How the API server calls its kind.
    pub resource: ApiResource,
    /// Its namespace; `None` for objects of the cluster.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.resource.kind)?;
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

/// An object as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Its name.
    pub reference: Reference,
    /// How to treat it.
    pub intent: Intent,
    /// The fields that we want.
    pub object: Value,
}

/// Why a manifest is no object of a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Not YAML.
    #[error("manifest {file} is not YAML")]
    Yaml {
        /// Its path below `manifests`.
        file: &'static str,
        /// Where it breaks.
        source: Box<serde_saphyr::Error>,
    },
    /// A kind that the installer has no entry for.
    #[error("the installer does not know the kind {kind} of {api_version}")]
    UnknownKind {
        /// Its group and version.
        api_version: String,
        /// Its kind.
        kind: String,
    },
    /// No name, or a namespace where none belongs, or none where one does.
    #[error("a {kind} lacks its name, or its namespace does not fit its kind")]
    Unnamed {
        /// Its kind.
        kind: String,
    },
}

impl Desired {
    /// Takes an object that carries `apiVersion`, `kind` and its name.
    ///
    /// # Errors
    /// When its kind is not known, or its name is not complete.
    pub fn new(intent: Intent, mut object: Value) -> Result<Self, PlanError> {
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let api_version = text("/apiVersion").unwrap_or_default();
        let kind = text("/kind").unwrap_or_default();
        let (name, namespace) = (text("/metadata/name"), text("/metadata/namespace"));
        let Some((resource, scope)) = resource_of(&api_version, &kind) else {
            return Err(PlanError::UnknownKind { api_version, kind });
        };
        let Some(name) = name.filter(|_| namespace.is_some() == (scope == Scope::Namespaced))
        else {
            return Err(PlanError::Unnamed { kind });
        };
        if matches!(intent, Intent::Ours | Intent::Once) {
            label(&mut object, "app.kubernetes.io/managed-by", FIELD_MANAGER);
        }
        Ok(Self { reference: Reference { resource, namespace, name }, intent, object })
    }

    /// Reads the objects of a manifest that is compiled in.
    pub(super) fn from_yaml(
        intent: Intent,
        file: &'static str,
        text: &str,
    ) -> Result<Vec<Self>, PlanError> {
        let objects: Vec<Value> = serde_saphyr::from_multiple(text)
            .map_err(|source| PlanError::Yaml { file, source: Box::new(source) })?;
        objects.into_iter().map(|object| Self::new(intent, object)).collect()
    }
}

/// Sets a label of an object.
pub(super) fn label(object: &mut Value, key: &str, value: &str) {
    let labels = &mut object["metadata"]["labels"];
    if !labels.is_object() {
        *labels = Value::Object(Map::new());
    }
    labels[key] = Value::from(value);
}
