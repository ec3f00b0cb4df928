//! Patches of Kubernetes objects, what `kubectl kustomize` makes of each in both releases, and where ours is
//! deliberately otherwise.

mod ask;
mod keys;
pub mod recorded;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::cases::read_files;

pub use ask::{Question, ask};
pub use keys::Key;

/// One file of cases.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchTheme {
    /// The file's name without its ending.
    #[serde(skip)]
    pub name: String,
    /// Lists that are merged, one a line: see [`Key`].
    #[serde(default)]
    merged: String,
    /// Lists that are replaced, likewise.
    #[serde(default)]
    replaced: String,
    /// Whole cases.
    #[serde(default, rename = "case")]
    cases: Vec<PatchCase>,
}

/// Objects and patches.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PatchCase {
    /// What the case shows, as a sentence.
    pub name: String,
    /// The objects.
    pub documents: String,
    /// Strategic merges.
    pub merge: Option<String>,
    /// JSON patches.
    pub json: Vec<JsonCase>,
    /// What our error says, where both refuse; each is a part of it.
    pub says: Vec<String>,
    /// What ours is, where it is deliberately not what kustomize makes.
    pub otherwise: Option<Otherwise>,
}

/// A JSON patch.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct JsonCase {
    /// The operations.
    pub patch: String,
    /// `group`, `version`, `kind` and `name`.
    pub target: BTreeMap<String, String>,
}

/// A deliberate difference.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Otherwise {
    /// The reason.
    pub why: String,
    /// Our objects.
    pub output: Option<String>,
    /// Parts of our error.
    #[serde(default)]
    pub says: Vec<String>,
}

impl PatchTheme {
    /// Every case of the file.
    ///
    /// # Errors
    /// Names the line that is no key.
    pub fn cases(&self) -> Result<Vec<PatchCase>> {
        let merged = keys::read(&self.merged)?;
        let replaced = keys::read(&self.replaced)?;
        let mut all: Vec<_> = merged.iter().flat_map(Key::merged).collect();
        all.extend(replaced.iter().map(Key::replaced));
        all.extend(self.cases.iter().cloned());
        let mut seen = BTreeSet::new();
        for case in &all {
            ensure!(!case.name.is_empty(), "{}: a case without a name", self.name);
            let new = seen.insert(case.name.clone());
            ensure!(new, "{}: two cases are called {:?}", self.name, case.name);
        }
        Ok(all)
    }
}

/// The folder of the cases.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("patches")
}

/// Reads every file of cases, in the order of their names.
///
/// # Errors
/// Names the file that is no such TOML.
pub fn read() -> Result<Vec<PatchTheme>> {
    let themes: Vec<(String, PatchTheme)> = read_files(&folder())?;
    Ok(themes.into_iter().map(|(name, theme)| PatchTheme { name, ..theme }).collect())
}
