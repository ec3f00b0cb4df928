//! The `json6902Patches` field.

use super::fields::{Fields, File};
use crate::finding::{ManifestError, Warning};
use crate::patches::{JsonPatch, PatchTarget};
use crate::text::Text;
use crate::yaml::Node;

const PATH: &str = "json6902Patches";
pub(super) const NAMES: [&str; 2] = ["patch", "target"];
pub(super) const TARGET: [&str; 4] = ["group", "version", "kind", "name"];

/// Reads the list; null is an empty one.
pub(super) fn read(
    file: File<'_>,
    node: &Node,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<JsonPatch>, ManifestError> {
    let items = file.list(node, PATH, "patches")?.iter().enumerate();
    let each = items.map(|(index, item)| {
        let fields = file.fields(item, format!("{PATH}[{index}]"))?;
        fields.warn_unknown(&NAMES, warnings);
        let patch = fields.required_text("patch")?;
        let Some(target) = fields.find_set("target") else { return Err(fields.missing("target")) };
        let target = file.fields(target, fields.path_of("target"))?;
        target.warn_unknown(&TARGET, warnings);
        Ok(JsonPatch { patch, target: read_target(&target)? })
    });
    each.collect()
}

fn read_target(fields: &Fields<'_>) -> Result<PatchTarget, ManifestError> {
    let text =
        |name: &str| -> Result<Text, ManifestError> { Ok(fields.text(name)?.unwrap_or_default()) };
    Ok(PatchTarget {
        group: text("group")?,
        version: text("version")?,
        kind: text("kind")?,
        name: text("name")?,
    })
}
