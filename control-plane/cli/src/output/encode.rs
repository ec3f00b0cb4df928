//! Data for programs.

use serde::Serialize;
use serde_json::Value;

use super::{clean::escape_hidden, format::Path};
use crate::error::CliError;

/// What changes by itself, and so tells nothing of a change.
const MOVING: [&str; 3] = ["duration_ms", "last_seen_at", "last_polled_at"];

/// Indented JSON with an end of line.
pub(crate) fn as_json(value: &impl Serialize) -> Result<String, CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| unfit(&error))?;
    Ok(escape_hidden(&text) + "\n")
}

/// JSON on one line.
pub(crate) fn as_json_line(value: &impl Serialize) -> Result<String, CliError> {
    let text = serde_json::to_string(value).map_err(|error| unfit(&error))?;
    Ok(escape_hidden(&text) + "\n")
}

/// YAML; hidden characters are escaped as in JSON, also where YAML would take that for plain text.
pub(crate) fn as_yaml(value: &impl Serialize) -> Result<String, CliError> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let text =
        serde_saphyr::to_string_with_options(value, options).map_err(|error| unfit(&error))?;
    let text = escape_hidden(&text);
    Ok(if text.ends_with('\n') { text } else { text + "\n" })
}

/// What lies at a path of the value's JSON.
pub(crate) fn at_path(path: &Path, value: &impl Serialize) -> Result<String, CliError> {
    path.of(&serde_json::to_value(value).map_err(|error| unfit(&error))?)
}

/// A value without what changes by itself.
pub(crate) fn comparable(value: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    still(&mut value);
    value
}

fn still(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !MOVING.contains(&name.as_str()));
            fields.values_mut().for_each(still);
        }
        Value::Array(values) => values.iter_mut().for_each(still),
        _ => {}
    }
}

fn unfit(error: &dyn std::fmt::Display) -> CliError {
    CliError::local(format!("cannot write the answer in this format: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_keeps_text_text_and_hides_no_control_character() {
        let value = serde_json::json!({"a": "yes", "b": "1.0", "c": "x\x1b[2J\u{202e}", "d": "l1\nl2", "e": null, "f": []});
        let text = as_yaml(&value).unwrap();
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
        let back: Value = serde_saphyr::from_str(&text).unwrap();
        for key in ["a", "b", "d", "e", "f"] {
            assert_eq!(back[key], value[key], "{text}");
        }
    }
}
