//! What a release changes in the files that Flux applies.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The difference between two states of an application's files in the gitops repository.
///
/// Values of Secrets are hidden, and whether they differ is told. What is too large to be shown is left
/// out, and that is told too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Diff {
    /// The commit before; absent where there was none.
    #[serde(default)]
    pub from: Option<String>,
    /// The commit after; absent where nothing was written yet.
    #[serde(default)]
    pub to: Option<String>,
    /// The files that differ, by path.
    pub files: Vec<FileDiff>,
    /// Files that differ and are left out, since there are too many.
    #[serde(default)]
    pub files_left_out: u32,
    /// Why there is nothing to show, or less than there is.
    #[serde(default)]
    pub note: Option<String>,
}

/// One file's difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileDiff {
    /// Its path in the repository.
    pub path: String,
    /// `added`, `removed` or `changed`.
    pub change: String,
    /// Lines that came.
    pub added: u32,
    /// Lines that went.
    pub removed: u32,
    /// What changed, with some lines around it.
    pub hunks: Vec<Hunk>,
    /// Why lines are left out: the file is too large, or is not shown at all.
    #[serde(default)]
    pub note: Option<String>,
}

/// Lines that stand together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hunk {
    /// Number of its first line before, from 1.
    pub old_start: u32,
    /// Number of its first line after, from 1.
    pub new_start: u32,
    /// Its lines.
    pub lines: Vec<DiffLine>,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiffLine {
    /// `same`, `added` or `removed`.
    pub change: String,
    /// Its text without the line's end, cut after 500 characters.
    pub text: String,
}

/// Which two states to compare.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CompareQuery {
    /// The release whose files stand on the old side; absent: what the gitops repository has now.
    #[serde(default)]
    pub from: Option<String>,
    /// The release whose files stand on the new side; absent: what the gitops repository has now.
    #[serde(default)]
    pub to: Option<String>,
}
