//! Variables in texts: Go templates over a flat map of texts.
//!
//! The language is that of [`gimlet_helm::template`], with Go's own functions, sprig's, and `sanitizeDNSName`. A
//! missing variable is an error. Nothing reaches outside: there is no environment and no network, and what the clock
//! tells and chance draws is given by [`Draw`]. Steps, output and memory are limited, so that a template always ends.

use std::collections::{BTreeMap, BTreeSet};

use gimlet_helm::functions::{self, Function};
use gimlet_helm::template::{Cause, Language, ParseError, Render, RenderError, Spot, Templates};
use gimlet_helm::value::{Entries, Map, MapKind, Value, to_bytes};
use gimlet_helm::{Dialect, Limits, Settings};

use crate::names::sanitize_dns_name;

/// The longest template, and the longest output, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// The longest message, in characters.
const MAX_MESSAGE: usize = 400;

/// What one text may cost. Real manifests take some hundred steps.
const LIMITS: Limits = Limits { steps: 200_000, bytes: 64 << 20, output: MAX_TEXT };

/// What is there besides Go's functions and sprig's.
static MORE: [Function; 1] = [Function::of_words("sanitizeDNSName", sanitize_dns_name)];

/// What functions such as `now` and `randAlphaNum` give. The same draw gives the same texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Draw {
    /// What everything random comes from. Who knows it knows the passwords that templates make.
    pub seed: [u8; 32],
    /// The time, in microseconds since 1970.
    pub now: i64,
}

/// Why a template has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct TemplateError {
    /// The line of the template, from 1.
    pub line: usize,
    /// The column in code points, from 1.
    pub column: usize,
    /// What is wrong, and what to do where that is known.
    pub message: String,
}

/// The names of all functions, by subject; for the reference.
pub fn functions() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    functions::general_by_subject()
}

/// Renders `text` with `data` as its dot. `source_name` is what `template` calls this text by; it matters only
/// to templates that call themselves.
///
/// # Errors
/// A malformed template, a missing variable, an unknown function, a function's own refusal, or a spent budget.
pub fn render(
    source_name: &str,
    text: &str,
    data: &BTreeMap<String, String>,
) -> Result<String, TemplateError> {
    Scope::new(data, Some(Draw::default())).fill(source_name, text)
}

/// The variables of several texts.
pub(crate) struct Scope {
    data: Value,
    draw: Option<Draw>,
    /// The functions met so far that give something else on each render.
    pub(crate) volatile: BTreeSet<&'static str>,
}

impl Scope {
    /// Without a draw, functions that need one are errors.
    pub(crate) fn new(data: &BTreeMap<String, String>, draw: Option<Draw>) -> Self {
        let entries: Entries = data
            .iter()
            .map(|(name, value)| (name.as_str().into(), Value::str(value.as_str())))
            .collect();
        let data = Value::Map(Map::new(MapKind::Strings, entries));
        Self { data, draw, volatile: BTreeSet::new() }
    }

    /// Fills in one text.
    pub(crate) fn fill(&mut self, name: &str, text: &str) -> Result<String, TemplateError> {
        if !text.contains("{{") {
            return Ok(text.to_owned());
        }
        if text.len() > MAX_TEXT {
            return Err(TemplateError::at_start(format!(
                "the template is larger than {} KiB",
                MAX_TEXT / 1024
            )));
        }
        let language = Language::Variables { more: &MORE };
        let templates = Templates::parse_in(language, Dialect::Helm4, [(name, text)])?;
        self.volatile.extend(templates.volatile());
        let draw = match (self.draw, templates.volatile().first()) {
            (None, Some(function)) => {
                return Err(TemplateError::at_start(format!(
                    "function `{function}` gives something else on each render, and is not available here"
                )));
            }
            (draw, _) => draw.unwrap_or_default(),
        };
        let settings =
            Settings { dialect: Dialect::Helm4, seed: draw.seed, now: draw.now, limits: LIMITS };
        let rendered = Render::new(&templates, &settings).file(name, &self.data)?;
        let rendered = match String::from_utf8(to_bytes(&rendered).into_owned()) {
            Ok(text) => text,
            Err(_) => {
                let message =
                    "the text is no UTF-8; a function cut a character in two, or decoded bytes";
                return Err(TemplateError::at_start(message.to_owned()));
            }
        };
        if rendered.len() > MAX_TEXT {
            let size = MAX_TEXT / 1024;
            return Err(TemplateError::at_start(format!("the text grows larger than {size} KiB")));
        }
        Ok(rendered)
    }
}

impl TemplateError {
    fn at_start(message: String) -> Self {
        Self { line: 1, column: 1, message }
    }

    fn at(spot: Option<&Spot>, cause: &Cause, message: &str) -> Self {
        let (line, column) = spot.map_or((1, 1), |spot| (spot.line, spot.column));
        Self { line, column, message: in_words(cause, message) }
    }
}

impl From<Box<ParseError>> for TemplateError {
    fn from(error: Box<ParseError>) -> Self {
        Self::at(Some(&error.spot), &error.cause, &error.message)
    }
}

impl From<RenderError> for TemplateError {
    fn from(error: RenderError) -> Self {
        Self::at(error.trace.last(), &error.cause, &error.message)
    }
}

/// What is wrong, with a remedy where there is one.
fn in_words(cause: &Cause, message: &str) -> String {
    match cause {
        Cause::MissingName(name) => format!(
            "variable `{name}` is not set; if it may be absent, write `{{{{ index . \"{name}\" | default \"…\" }}}}`"
        ),
        Cause::UnknownFunction(name) => format!("function `{name}` is not defined"),
        Cause::Unclosed => "the block that starts here has no `{{ end }}`".to_owned(),
        // Some of Go's messages hold a whole value.
        Cause::Spent | Cause::Refused | Cause::Other => message.chars().take(MAX_MESSAGE).collect(),
    }
}

#[cfg(test)]
mod tests;
