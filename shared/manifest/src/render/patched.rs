//! Objects with the manifest's patches.

use super::chart::ChartDocument;
use super::output::Output;
use crate::finding::{ManifestError, Place};
use crate::resolve::Resolved;

/// Whether there are patches.
pub(super) fn is_patched(resolved: &Resolved) -> bool {
    resolved.strategic_merge_patches.is_some() || !resolved.json_patches.is_empty()
}

/// Where the patches stand.
pub(super) fn place(resolved: &Resolved) -> Option<Place> {
    match (&resolved.strategic_merge_patches, resolved.json_patches.first()) {
        (Some(text), _) => text.anchor.place,
        (None, Some(first)) => first.patch.anchor.place,
        (None, None) => None,
    }
}

/// The field that the patches stand in.
pub(super) fn path(resolved: &Resolved) -> &'static str {
    match &resolved.strategic_merge_patches {
        Some(_) => "strategicMergePatches",
        None => "json6902Patches",
    }
}

/// Adds the chart's and the raw objects after the patches, all in one file.
pub(super) fn add(
    resolved: &Resolved,
    _documents: &[ChartDocument],
    _output: &mut Output<'_>,
) -> Result<(), ManifestError> {
    let message =
        "patches are not applied by this version; write the patched objects in `manifests`";
    Err(resolved.source.error_at(place(resolved), path(resolved), message))
}
