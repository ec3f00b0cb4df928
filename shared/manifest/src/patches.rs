//! The patches of a manifest, as they are written.

use serde::Serialize;

use crate::text::{Text, is_empty};

/// One item of `json6902Patches`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JsonPatch {
    /// A list of operations (RFC 6902), as YAML or JSON.
    pub patch: Text,
    /// The objects it changes.
    pub target: PatchTarget,
}

/// Which objects a patch changes: each field is a regular expression for the whole text, and empty matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PatchTarget {
    /// The API group; empty is any, the core one too.
    #[serde(skip_serializing_if = "is_empty")]
    pub group: Text,
    /// The version.
    #[serde(skip_serializing_if = "is_empty")]
    pub version: Text,
    /// The kind.
    #[serde(skip_serializing_if = "is_empty")]
    pub kind: Text,
    /// The name.
    #[serde(skip_serializing_if = "is_empty")]
    pub name: Text,
}
