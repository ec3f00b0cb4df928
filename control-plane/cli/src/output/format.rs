//! The words of `-o`.

use std::ffi::OsStr;

use clap::{
    Arg, Command, Error,
    builder::{PossibleValue, TypedValueParser},
    error::{ContextKind, ContextValue, ErrorKind},
};
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::error::CliError;

/// How data is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// The same with more columns, and nothing cut short.
    Wide,
    /// The API's shapes; times are absolute.
    Json,
    /// The same as YAML.
    Yaml,
    /// One name or id per line.
    Name,
    /// What lies at a path of the JSON, one value per line.
    Path(&'static Path),
}

/// A path into JSON. One command line has one, which lives as long as the process.
#[derive(Debug)]
pub(crate) struct Path {
    text: String,
    path: JsonPath,
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Path {}

const WORDS: [(&str, Format, &str); 5] = [
    ("table", Format::Table, "for people"),
    ("wide", Format::Wide, "the same with more columns, and nothing cut short"),
    ("json", Format::Json, "the shapes of the API; times are absolute"),
    ("yaml", Format::Yaml, "the same as YAML"),
    ("name", Format::Name, "one name or id per line"),
];
/// What a path begins with.
const PATH: &str = "jsonpath=";

impl Path {
    /// Reads a path of RFC 9535, `$[*].id`, or as kubectl has it, `{[*].id}` or `{.id}`.
    fn parse(text: &str) -> Result<Self, String> {
        let inner = text.trim();
        let inner =
            inner.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(inner);
        if inner.is_empty() {
            return Err("it is empty; write it like {[*].id}".to_owned());
        }
        let full = if inner.starts_with('$') { inner.to_owned() } else { format!("${inner}") };
        match JsonPath::parse(&full) {
            Ok(path) => Ok(Self { text: full, path }),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The values at the path: texts as they are, everything else as JSON on one line.
    pub(crate) fn of(&self, value: &Value) -> Result<String, CliError> {
        let mut lines = String::new();
        for found in self.path.query(value) {
            match found {
                Value::String(text) => lines.push_str(text),
                other => lines.push_str(&other.to_string()),
            }
            lines.push('\n');
        }
        Ok(super::clean_text(&lines))
    }
}

/// Reads what stands behind `-o`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FormatParser;

impl TypedValueParser for FormatParser {
    type Value = Format;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Format, Error> {
        let text = value.to_string_lossy();
        if let Some((_, format, _)) = WORDS.iter().find(|(word, _, _)| *word == text) {
            return Ok(*format);
        }
        if let Some(path) = text.strip_prefix(PATH) {
            let path = Path::parse(path).map_err(|why| {
                let problem = format!("`{path}` is no path into JSON: {why}\n");
                Error::raw(ErrorKind::ValueValidation, problem).with_cmd(cmd)
            })?;
            return Ok(Format::Path(Box::leak(Box::new(path))));
        }
        let mut error = Error::new(ErrorKind::InvalidValue).with_cmd(cmd);
        if let Some(arg) = arg {
            error.insert(ContextKind::InvalidArg, ContextValue::String(arg.to_string()));
        }
        error.insert(ContextKind::InvalidValue, ContextValue::String(text.into_owned()));
        let mut words: Vec<String> = WORDS.iter().map(|(word, _, _)| (*word).to_owned()).collect();
        words.push("jsonpath=…".to_owned());
        error.insert(ContextKind::ValidValue, ContextValue::Strings(words));
        Err(error)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let path =
            PossibleValue::new(PATH).help("what lies at a path of the JSON, one value per line");
        let words = WORDS.into_iter().map(|(word, _, help)| PossibleValue::new(word).help(help));
        Some(Box::new(words.chain([path])))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_is_read_in_both_spellings() {
        let rows =
            json!([{"id": "a", "n": 1, "l": [1, "x"]}, {"id": "b\u{1b}", "n": null, "l": []}]);
        for path in ["$[*].id", "[*].id", "{[*].id}", "{$[*]['id']}"] {
            assert_eq!(Path::parse(path).unwrap().of(&rows).unwrap(), "a\nb\\u{1b}\n", "{path}");
        }
        let read = |path: &str| Path::parse(path).unwrap().of(&rows).unwrap();
        assert_eq!(read("{[0].l}"), "[1,\"x\"]\n");
        assert_eq!(read("{[*].none}"), "");
        assert_eq!(read("$[?@.n == 1].id"), "a\n");
        assert!(Path::parse("{[}").is_err());
    }
}
