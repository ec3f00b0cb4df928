//! The `deploy` field.

use super::fields::{Fields, File};
use crate::finding::{Finding, ManifestError, Warning, quoted};
use crate::glob::{GlobError, Pattern};
use crate::policy::{DeployPolicy, EventKind};
use crate::yaml::{Kind, Node};

const PATH: &str = "deploy";
const PATTERNS: &str = "commitMessagePatterns";
pub(super) const NAMES: [&str; 4] = ["branch", "tag", "event", PATTERNS];

/// Reads the policy; one without conditions is none. Conditions that exclude each other are warned about.
pub(super) fn read(
    file: File<'_>,
    node: &Node,
    warnings: &mut Vec<Warning>,
) -> Result<Option<DeployPolicy>, ManifestError> {
    if matches!(node.kind, Kind::Null) {
        return Ok(None);
    }
    let fields = file.fields(node, PATH)?;
    fields.refuse_unknown(&NAMES)?;
    let policy = DeployPolicy {
        event: event(&fields)?,
        branch: pattern(&fields, "branch")?,
        tag: pattern(&fields, "tag")?,
        commit_message_patterns: message_patterns(&fields)?,
    };
    warnings.extend(
        policy.contradiction().map(|message| Finding::new(file.name, node.place, PATH, message)),
    );
    Ok((!policy.is_empty()).then_some(policy))
}

fn event(fields: &Fields<'_>) -> Result<Option<EventKind>, ManifestError> {
    let Some(word) = fields.filled_text("event")? else { return Ok(None) };
    EventKind::from_word(&word).map(Some).ok_or_else(|| {
        let message = format!("must be `push`, `tag` or `pr`, but is {}", quoted(&word));
        let path = fields.path_of("event");
        ManifestError::new(fields.file.name, word.anchor.place, path, message)
    })
}

/// The glob of a field.
pub(super) fn pattern(fields: &Fields<'_>, name: &str) -> Result<Option<Pattern>, ManifestError> {
    let Some(glob) = fields.filled_text(name)? else { return Ok(None) };
    Pattern::parse(&glob).map(Some).map_err(|error| {
        let message = glob_message(&glob, &error);
        let path = fields.path_of(name);
        ManifestError::new(fields.file.name, glob.anchor.place, path, message)
    })
}

fn message_patterns(fields: &Fields<'_>) -> Result<Vec<Pattern>, ManifestError> {
    let Some(entry) = fields.find(PATTERNS) else { return Ok(Vec::new()) };
    let path = fields.path_of(PATTERNS);
    let items = fields.file.list(&entry.value, &path, "texts")?;
    items
        .iter()
        .enumerate()
        .map(|(index, item)| message_pattern(fields.file, &format!("{path}[{index}]"), item))
        .collect()
}

fn message_pattern(file: File<'_>, path: &str, item: &Node) -> Result<Pattern, ManifestError> {
    let Some(glob) = file.text_of(path, item)? else {
        return Err(file.error(item, path, "is empty; write a pattern or remove the item"));
    };
    Pattern::parse_for_messages(&glob)
        .map_err(|error| file.error(item, path, glob_message(&glob, &error)))
}

fn glob_message(glob: &str, error: &GlobError) -> String {
    format!("{} is not a valid pattern: {error}", quoted(glob))
}
