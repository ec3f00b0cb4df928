//! Why objects are not patched.

use std::fmt;

use gimlet_helm::value::JsonError;
use gimlet_helm::yaml::YamlError;

use super::tree::Path;
use crate::finding::one_line;

/// Where something is wrong. Numbers of documents count from 1, indices from 0 as in the manifest's fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatchPlace {
    /// A document of the objects.
    Document(usize),
    /// A document of `strategicMergePatches`.
    StrategicMerge(usize),
    /// An item of `json6902Patches`.
    Json(usize),
    /// One of its operations.
    Operation {
        /// The item.
        patch: usize,
        /// The operation.
        operation: usize,
    },
    /// What comes out.
    Output,
}

impl fmt::Display for PatchPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(number) => write!(f, "document {number}"),
            Self::StrategicMerge(number) => write!(f, "strategicMergePatches, document {number}"),
            Self::Json(index) => write!(f, "json6902Patches[{index}]"),
            Self::Operation { patch, operation } => {
                write!(f, "json6902Patches[{patch}].patch[{operation}]")
            }
            Self::Output => write!(f, "the patched objects"),
        }
    }
}

/// Why objects are not patched. Its `Display` is one line, which says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// A text is no YAML.
    #[error("{place}: is not valid YAML; mend the place that the reader names")]
    Yaml {
        /// The documents; its number is that of the first.
        place: PatchPlace,
        /// What the reader says.
        source: YamlError,
    },
    /// A document is no object, or a scalar of it has no meaning in Kubernetes.
    #[error("{place}: {}{problem}", prefix(path))]
    NotAnObject {
        /// The document.
        place: PatchPlace,
        /// The field, as in `metadata.name`.
        path: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The object of a strategic merge is not there.
    #[error(
        "{place}: {object} is not among the objects; check apiVersion, kind, name and namespace{near}"
    )]
    Absent {
        /// The patch.
        place: PatchPlace,
        /// What it names.
        object: String,
        /// What is there that looks like it.
        near: String,
    },
    /// The object of a strategic merge is there more than once.
    #[error("{place}: {object} is there {count} times; leave one of them")]
    Ambiguous {
        /// The patch.
        place: PatchPlace,
        /// What it names.
        object: String,
        /// How often.
        count: usize,
    },
    /// A strategic merge does not fit its object.
    #[error("{place}: {object}: {}{problem}", prefix(path))]
    Merge {
        /// The patch.
        place: PatchPlace,
        /// The object.
        object: String,
        /// The field, as in `spec.containers[name=web].image`.
        path: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A field of a target is no regular expression.
    #[error(
        "{place}.target.{field}: {pattern} is not a regular expression; escape what is meant literally"
    )]
    Pattern {
        /// The patch.
        place: PatchPlace,
        /// The field.
        field: &'static str,
        /// The text, quoted.
        pattern: String,
        /// What is wrong.
        source: Box<regex::Error>,
    },
    /// A target matches nothing.
    #[error("{place}.target: no object matches {target}; correct it, or leave the patch out")]
    NoTarget {
        /// The patch.
        place: PatchPlace,
        /// The target.
        target: String,
    },
    /// A JSON patch is no list of operations, or one of them is incomplete.
    #[error("{place}: {problem}")]
    Operation {
        /// The patch or the operation.
        place: PatchPlace,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// An operation does not fit an object.
    #[error("{place}: {object}: {} {pointer}: {problem}", name)]
    Apply {
        /// The operation.
        place: PatchPlace,
        /// The object.
        object: String,
        /// `add` and so on.
        name: &'static str,
        /// The path that it fails at, quoted.
        pointer: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A patch leaves no Kubernetes object.
    #[error("{place}: {object}: would have no `{field}` any more; leave that field")]
    NoIdentity {
        /// The patch.
        place: PatchPlace,
        /// The object before.
        object: String,
        /// What it lacks then.
        field: &'static str,
    },
    /// Something is larger than is patched.
    #[error("{place}: {what} are not patched; make them smaller")]
    TooLarge {
        /// Where.
        place: PatchPlace,
        /// What.
        what: String,
    },
    /// An object cannot be written as YAML.
    #[error("{object}: cannot be written as YAML; check its numbers and how deep it is nested")]
    Unwritable {
        /// The object.
        object: String,
        /// Why.
        source: JsonError,
    },
}

impl PatchError {
    /// Where it is wrong; nothing where an object is to blame that is no longer anyone's.
    pub fn place(&self) -> Option<&PatchPlace> {
        match self {
            Self::Yaml { place, .. }
            | Self::NotAnObject { place, .. }
            | Self::Absent { place, .. }
            | Self::Ambiguous { place, .. }
            | Self::Merge { place, .. }
            | Self::Pattern { place, .. }
            | Self::NoTarget { place, .. }
            | Self::Operation { place, .. }
            | Self::Apply { place, .. }
            | Self::NoIdentity { place, .. }
            | Self::TooLarge { place, .. } => Some(place),
            Self::Unwritable { .. } => None,
        }
    }
}

/// What is wrong at a field of an object, before it is known which object and patch.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) path: Path,
    pub(super) problem: String,
}

impl Fault {
    pub(super) fn new(path: &Path, problem: impl Into<String>) -> Self {
        Self { path: path.clone(), problem: one_line(&problem.into()) }
    }
}

fn prefix(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}
