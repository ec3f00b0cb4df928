//! The values that somebody gives: files, and the family of `--set`.

use std::path::Path;

use super::{ChartError, head, load, strvals};
use crate::{
    Dialect,
    value::{Data, Entries, Map, MapKind, Value},
    yaml,
};

/// What is given, each list in its order. Helm takes the lists in the order in which they stand here.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Value files: what to call each in errors, and what is in it.
    pub files: Vec<(String, Vec<u8>)>,
    /// `--set-json`.
    pub json: Vec<String>,
    /// `--set`.
    pub set: Vec<String>,
    /// `--set-string`.
    pub strings: Vec<String>,
    /// `--set-file`.
    pub from_files: Vec<String>,
    /// `--set-literal`.
    pub literals: Vec<String>,
}

/// Reads what `--set-file` names. The text of an error is what the operating system says.
pub type ReadFile<'r> = &'r dyn Fn(&str) -> Result<String, String>;

impl Overrides {
    /// Puts everything together.
    ///
    /// # Errors
    /// Names the flag or file, in Helm's words.
    pub fn merge(&self, dialect: Dialect, read: ReadFile<'_>) -> Result<Value, ChartError> {
        let base = Map::new(MapKind::Any, Entries::new());
        for (name, bytes) in &self.files {
            let values = values_file(bytes, dialect)
                .map_err(|error| ChartError::Values(format!("failed to parse {name}: {error}")))?;
            merge_into(&base, &values.thaw());
        }
        for text in &self.json {
            json(&base, text, dialect)?;
        }
        let lists = [
            (&self.set, strvals::Kind::Typed, "--set"),
            (&self.strings, strvals::Kind::Text, "--set-string"),
            (&self.from_files, strvals::Kind::File(read), "--set-file"),
            (&self.literals, strvals::Kind::Literal, "--set-literal"),
        ];
        for (list, kind, flag) in lists {
            for text in list {
                strvals::parse_into(text, &base, kind, dialect).map_err(|error| {
                    ChartError::Values(format!("failed parsing {flag} data: {error}"))
                })?;
            }
        }
        Ok(Value::Map(base))
    }
}

/// Reads a file from the disk for `--set-file`, in Go's words where that fails.
///
/// # Errors
/// The operating system's reason.
pub fn read_from_disk(path: &str) -> Result<String, String> {
    match std::fs::read(Path::new(path)) {
        Ok(bytes) => Ok(load::text(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(format!("open {path}: no such file or directory"))
        }
        Err(error) => Err(format!("open {path}: {error}")),
    }
}

fn json(base: &Map, text: &str, dialect: Dialect) -> Result<(), ChartError> {
    let trimmed = text.trim();
    if dialect == Dialect::Helm4 && trimmed.starts_with('{') {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(trimmed);
        let Ok(parsed) = parsed else {
            return Err(ChartError::Values(format!("failed parsing --set-json data JSON: {text}")));
        };
        merge_into(base, &Value::from(&parsed));
        return Ok(());
    }
    strvals::parse_into(text, base, strvals::Kind::Json, dialect)
        .map_err(|_| ChartError::Values(format!("failed parsing --set-json data {text}")))
}

/// The values of a file. Helm 3 reads the first document, Helm 4 puts all of them together.
pub(super) fn values_file(bytes: &[u8], dialect: Dialect) -> Result<Data, String> {
    let text = load::text(bytes);
    if dialect == Dialect::Helm3 {
        return document(&text).map(|value| value.freeze());
    }
    let merged = Map::new(MapKind::Any, Entries::new());
    for part in documents(&text) {
        let value =
            document(&part).map_err(|error| format!("cannot unmarshal yaml document: {error}"))?;
        merge_into(&merged, &value);
    }
    Ok(Value::Map(merged).freeze())
}

fn document(text: &str) -> Result<Value, String> {
    let value = yaml::from_yaml(text).map_err(|error| error.to_string())?;
    match &value {
        Value::Map(_) => Ok(value),
        Value::Nil | Value::Invalid => Ok(Value::map(Entries::new())),
        other => Err(head::wrong(other, "value of type map[string]interface {}")),
    }
}

/// A text at the lines that are `---` and nothing else. One in front of everything stays: lines are counted
/// with it.
fn documents(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current = String::new();
    for line in text.split_inclusive('\n') {
        let is_separator = line.strip_prefix("---").is_some_and(|rest| rest.trim().is_empty());
        if is_separator && !current.is_empty() {
            found.push(std::mem::take(&mut current));
            continue;
        }
        current.push_str(line);
        // Helm's reader ends every line, the last one too.
        if !line.ends_with('\n') {
            current.push('\n');
        }
    }
    found.push(current);
    found
}

/// Puts `more` into `base`: maps into maps, anything else over what was there.
fn merge_into(base: &Map, more: &Value) {
    let Some(more) = more.as_map() else { return };
    for (key, value) in more.to_vec() {
        match (base.get(&key), &value) {
            (Some(Value::Map(inner)), Value::Map(_)) => merge_into(&inner, &value),
            _ => {
                base.insert(key, value);
            }
        }
    }
}
