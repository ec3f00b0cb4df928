//! The `cleanup` field.

use super::deploy::pattern;
use super::fields::File;
use crate::cleanup::{BRANCH_DELETED, Cleanup};
use crate::finding::{ManifestError, quoted};
use crate::yaml::{Kind, Node};

pub(super) const NAMES: [&str; 3] = ["app", "event", "branch"];

/// Reads the cleanup policy; one that says nothing is none.
pub(super) fn read(file: File<'_>, node: &Node) -> Result<Option<Cleanup>, ManifestError> {
    if matches!(node.kind, Kind::Null) {
        return Ok(None);
    }
    let fields = file.fields(node, "cleanup")?;
    fields.refuse_unknown(&NAMES)?;
    if let Some(event) = fields.filled_text("event")?
        && event.as_str() != BRANCH_DELETED
    {
        let message = format!("must be `{BRANCH_DELETED}`, but is {}", quoted(&event));
        let path = fields.path_of("event");
        return Err(ManifestError::new(file.name, event.anchor.place, path, message));
    }
    match (fields.filled_text("app")?, pattern(&fields, "branch")?) {
        (Some(app), Some(branch)) => Ok(Some(Cleanup { app, branch })),
        (None, None) if fields.filled_text("event")?.is_none() => Ok(None),
        (None, _) => Err(fields.missing("app")),
        (_, None) => Err(fields.missing("branch")),
    }
}
