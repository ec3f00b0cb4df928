//! The `chart` field.

use super::fields::File;
use crate::chart::{ChartFields, ChartSource, Install};
use crate::finding::{Finding, ManifestError, Warning, quoted};
use crate::yaml::{Kind, Node};

pub(super) const NAMES: [&str; 4] = ["repository", "name", "version", "install"];
const PATH: &str = "chart";

/// Reads the chart; one without a name is none: forms and other programs write such.
pub(super) fn read(
    file: File<'_>,
    node: &Node,
    warnings: &mut Vec<Warning>,
) -> Result<Option<ChartFields>, ManifestError> {
    if matches!(node.kind, Kind::Null) {
        return Ok(None);
    }
    let fields = file.fields(node, PATH)?;
    fields.warn_unknown(&NAMES, warnings);
    let Some(name) = fields.filled_text("name")? else { return Ok(None) };
    let install = match fields.filled_text("install")? {
        None => Install::default(),
        Some(word) => Install::from_word(&word).ok_or_else(|| {
            let message = format!("must be `render` or `flux`, but is {}", quoted(&word));
            ManifestError::new(file.name, word.anchor.place, fields.path_of("install"), message)
        })?,
    };
    let chart = ChartFields {
        repository: fields.text("repository")?.unwrap_or_default(),
        name,
        version: fields.text("version")?.unwrap_or_default(),
        install,
    };
    if !chart.is_plain() {
        return Ok(Some(chart));
    }
    let source = chart.source().map_err(|fault| {
        let place = chart.text(&fault).anchor.place.or(node.place);
        ManifestError::new(file.name, place, fields.path_of(fault.field), fault.message)
    })?;
    if matches!(source, ChartSource::Git(_)) && !chart.version.is_empty() {
        let message = "is ignored for a chart in git; write `?tag=…` behind its URL";
        let place = chart.version.anchor.place;
        warnings.push(Finding::new(file.name, place, fields.path_of("version"), message));
    }
    Ok(Some(chart))
}
