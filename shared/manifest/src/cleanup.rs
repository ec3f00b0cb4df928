//! What goes away with a deleted branch.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use crate::finding::ManifestError;
use crate::glob::Pattern;
use crate::manifest::Manifest;
use crate::names::app_name_fault;
use crate::preview::{Preparation, prepare_preview};
use crate::template::Scope;
use crate::text::Text;

/// The only event that a cleanup can wait for.
pub(crate) const BRANCH_DELETED: &str = "branchDeleted";

/// An application that is deleted when a branch is.
#[derive(Clone, Debug, PartialEq)]
pub struct Cleanup {
    /// Its name; a template that knows `BRANCH`.
    pub app: Text,
    /// The branches it is about.
    pub branch: Pattern,
}

impl Serialize for Cleanup {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("app", &self.app)?;
        map.serialize_entry("event", BRANCH_DELETED)?;
        map.serialize_entry("branch", &self.branch)?;
        map.end()
    }
}

/// The application that `manifest` wants deleted now that `branch` is gone; of a manifest that makes previews, the
/// branch's preview. `manifest` is that of the branch's last commit.
///
/// Whether the application belongs to this repository and branch is not known here: ask before deleting.
///
/// # Errors
/// A name that cannot be filled in, or is no name of an application. `BRANCH` is its only variable.
pub fn app_to_clean_up(
    manifest: &Manifest,
    branch: &str,
    default_branch: &str,
) -> Result<Option<String>, ManifestError> {
    let prepared;
    let manifest = match prepare_preview(manifest, branch, None, default_branch) {
        Preparation::Ordinary => manifest,
        Preparation::NotPreviewed => return Ok(None),
        Preparation::Preview(preview) => {
            prepared = preview;
            &prepared
        }
    };
    let Some(Cleanup { app, branch: pattern }) = &manifest.cleanup else { return Ok(None) };
    if branch.is_empty() || !pattern.matches(branch) {
        return Ok(None);
    }
    let variables = BTreeMap::from([("BRANCH".to_owned(), branch.to_owned())]);
    let path = "cleanup.app";
    let filled = Scope::new(&variables, None)
        .fill(path, app)
        .map_err(|error| manifest.source.template_error(app.anchor, path, error))?;
    let name = manifest.shortened(filled);
    match app_name_fault(&name) {
        Some(fault) => Err(manifest.source.error_at(app.anchor.place, path, fault)),
        None => Ok(Some(name)),
    }
}

#[cfg(test)]
mod tests;
