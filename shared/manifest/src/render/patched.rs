//! Objects with the manifest's patches.

use std::error::Error as _;

use super::chart::ChartDocument;
use super::output::{Origin, Output};
use super::{MANIFEST, raw};
use crate::finding::{ManifestError, Place};
use crate::manifest::Field;
use crate::patch::{self, Json6902Patch, PatchError, PatchPlace, Patches, Target};
use crate::patches::{JsonPatch, PatchTarget};
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
    documents: &[ChartDocument],
    output: &mut Output<'_>,
) -> Result<(), ManifestError> {
    let mut all = String::new();
    for text in documents.iter().map(|document| document.text.as_str()).chain([raw(resolved)?]) {
        all.push_str("---\n");
        all.push_str(text);
        all.push('\n');
    }
    let json6902: Vec<Json6902Patch> = resolved.json_patches.iter().map(json_patch).collect();
    let strategic_merge = resolved.strategic_merge_patches.as_deref();
    let patched = patch::patch(&all, &Patches { strategic_merge, json6902: &json6902 })
        .map_err(|error| refusal(resolved, &error))?;
    output.add(&Origin::Patched, MANIFEST, &patched)
}

fn json_patch(written: &JsonPatch) -> Json6902Patch {
    let field = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let PatchTarget { group, version, kind, name } = &written.target;
    Json6902Patch {
        patch: written.patch.as_str().to_owned(),
        target: Target {
            group: field(group),
            version: field(version),
            kind: field(kind),
            name: field(name),
        },
    }
}

/// Why objects are not patched, at the field that can be changed.
fn refusal(resolved: &Resolved, error: &PatchError) -> ManifestError {
    let source = &resolved.source;
    let mut message = error.to_string();
    if let Some(reason) = error.source() {
        message.push_str(&format!(" ({reason})"));
    }
    let json_patch = |index: usize| {
        let place = resolved.json_patches.get(index).and_then(|patch| patch.patch.anchor.place);
        (place, format!("json6902Patches[{index}]"))
    };
    let (place, path) = match error.place() {
        Some(PatchPlace::StrategicMerge(_)) => {
            let text = resolved.strategic_merge_patches.as_ref();
            (text.and_then(|text| text.anchor.place), "strategicMergePatches".to_owned())
        }
        Some(PatchPlace::Json(index) | PatchPlace::Operation { patch: index, .. }) => {
            json_patch(*index)
        }
        Some(PatchPlace::Document(_)) if resolved.chart.is_none() => {
            (source.place(Field::Manifests), "manifests".to_owned())
        }
        Some(PatchPlace::Document(_) | PatchPlace::Output) | None => {
            (place(resolved), path(resolved).to_owned())
        }
    };
    // The field stands in front already.
    let message = message.strip_prefix(path.as_str()).unwrap_or(&message);
    source.error_at(place, path, message.trim_start_matches([',', ':', '.', ' ']))
}
