//! The `deploy` field.

use super::fields::{Dialect, Fields, text_of};
use super::suggest::did_you_mean;
use crate::finding::{Finding, ManifestError, Warning, quoted};
use crate::glob::{GlobError, Pattern};
use crate::policy::{DeployPolicy, EventKind};
use crate::yaml::{Kind, Node};

const PATH: &str = "deploy";
const PATTERNS: &str = "commitMessagePatterns";
pub(super) const NAMES: [&str; 4] = ["branch", "tag", "event", PATTERNS];

/// Reads the policy; one without conditions is none. Conditions that exclude each other are warned about.
pub(super) fn read(
    file: &str,
    node: &Node,
    dialect: Dialect,
    warnings: &mut Vec<Warning>,
) -> Result<Option<DeployPolicy>, ManifestError> {
    if matches!(node.kind, Kind::Null) {
        return Ok(None);
    }
    let fields = Fields::of(file, node, PATH, dialect)?;
    if dialect == Dialect::Yaml {
        check_names(file, &fields)?;
    }
    let policy = DeployPolicy {
        event: event(file, &fields)?,
        branch: pattern(file, &fields, "branch")?,
        tag: pattern(file, &fields, "tag")?,
        commit_message_patterns: message_patterns(file, &fields)?,
    };
    warnings.extend(
        policy.contradiction().map(|message| Finding::new(file, node.place, PATH, message)),
    );
    Ok((!policy.is_empty()).then_some(policy))
}

/// An unknown condition would otherwise drop out, and deploy more than was meant.
fn check_names(file: &str, fields: &Fields<'_>) -> Result<(), ManifestError> {
    match fields.entries().iter().find(|entry| !NAMES.contains(&entry.key.as_str())) {
        None => Ok(()),
        Some(entry) => {
            let hint = did_you_mean(&entry.key, NAMES.into_iter());
            let message = format!("is not a field of `deploy`{hint}");
            Err(ManifestError::new(file, entry.key_place, fields.path_of(&entry.key), message))
        }
    }
}

fn event(file: &str, fields: &Fields<'_>) -> Result<Option<EventKind>, ManifestError> {
    let Some(word) = fields.text("event", "")?.filter(|word| !word.text.is_empty()) else {
        return Ok(None);
    };
    EventKind::from_word(&word.text).map(Some).ok_or_else(|| {
        let message = format!("must be `push`, `tag` or `pr`, but is {}", quoted(&word.text));
        ManifestError::new(file, word.anchor.place, fields.path_of("event"), message)
    })
}

fn pattern(file: &str, fields: &Fields<'_>, name: &str) -> Result<Option<Pattern>, ManifestError> {
    let Some(glob) = fields.text(name, "")?.filter(|glob| !glob.text.is_empty()) else {
        return Ok(None);
    };
    let parsed = Pattern::parse(&glob.text);
    parsed.map(Some).map_err(|error| {
        ManifestError::new(
            file,
            glob.anchor.place,
            fields.path_of(name),
            glob_message(&glob.text, &error),
        )
    })
}

fn message_patterns(file: &str, fields: &Fields<'_>) -> Result<Vec<Pattern>, ManifestError> {
    let Some(entry) = fields.find(PATTERNS) else { return Ok(Vec::new()) };
    let path = fields.path_of(PATTERNS);
    let items = match &entry.value.kind {
        Kind::Null => return Ok(Vec::new()),
        Kind::List(items) => items,
        Kind::Scalar(_) | Kind::Map(_) => {
            let message = format!("must be a list of texts, but is {}", entry.value.describe());
            return Err(ManifestError::new(file, entry.value.place, path, message));
        }
    };
    items
        .iter()
        .enumerate()
        .map(|(index, item)| message_pattern(file, &format!("{path}[{index}]"), item))
        .collect()
}

fn message_pattern(file: &str, path: &str, item: &Node) -> Result<Pattern, ManifestError> {
    let Some(glob) = text_of(file, path, item, "")? else {
        return Err(ManifestError::new(
            file,
            item.place,
            path,
            "is empty; write a pattern or remove the item",
        ));
    };
    Pattern::parse_for_messages(&glob.text).map_err(|error| {
        ManifestError::new(file, item.place, path, glob_message(&glob.text, &error))
    })
}

fn glob_message(glob: &str, error: &GlobError) -> String {
    format!("{} is not a valid pattern: {error}", quoted(glob))
}
