//! Charts: read from a folder or an archive, given values, and rendered to documents.
//!
//! - [`load`] makes a [`Chart`] of files, with Helm's checks and our bounds.
//! - [`overrides`] are value files and the family of `--set`.
//! - `coalesce` and `dependencies` say which charts of a tree there are, and which values each sees.
//! - [`schema`] is `values.schema.json`.
//! - [`capabilities`] are what a cluster can do.
//! - [`documents`] are what was rendered, split, sorted, and told apart from hooks.
//! - [`render`] does all of it in Helm's order.
//!
//! A [`Chart`] is what was read: it never changes, and threads share it.

pub mod capabilities;
mod chart_value;
mod coalesce;
mod dependencies;
pub mod documents;
mod error;
mod head;
pub mod load;
pub mod metadata;
pub mod overrides;
mod paths;
pub mod render;
pub mod schema;
mod strvals;
mod tree;

use std::sync::Arc;

pub use error::ChartError;
pub use metadata::Metadata;

use crate::value::{Data, Str};

/// A chart as it was read.
#[derive(Clone, Debug)]
pub struct Chart {
    /// `Chart.yaml`.
    pub metadata: Metadata,
    /// `values.yaml`: a map, or nil where there is none.
    pub values: Data,
    /// Everything in `templates/`.
    pub templates: Vec<File>,
    /// Everything that is nothing else; `crds/` too.
    pub files: Vec<File>,
    /// `values.schema.json`.
    pub schema: Option<schema::Schema>,
    /// What lies in `charts/`.
    pub dependencies: Vec<Arc<Self>>,
}

/// A file of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path within the chart.
    pub path: Str,
    /// What is in it.
    pub data: Arc<[u8]>,
}
