//! Go templates over a flat map of texts.
//!
//! The language of Go's `text/template` with its own functions and those of sprig that work on texts, numbers,
//! lists and maps, plus `sanitizeDNSName`. A missing variable is an error. Nothing in it reaches outside: there
//! is no environment, clock, random number or network, and their functions are unknown. Steps, output and
//! depth are limited, so that a template always ends.

mod ast;
mod execute;
mod format;
mod functions;
mod lexer;
mod literals;
mod machine;
mod parser;
mod value;

use std::collections::BTreeMap;

/// The longest template, output or text inside a template, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// How deep blocks, parentheses, templates and values may be nested. It bounds the stack.
const MAX_DEPTH: usize = 64;

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

/// The names of all functions, by subject; for the reference. Those of sprig that can also be called `must…`
/// are listed once.
pub fn functions() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    functions::by_subject()
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
    let at = |fault: Fault| fault.in_text(text);
    if text.len() > MAX_TEXT {
        return Err(at(Fault::new(
            0,
            format!("the template is larger than {} KiB", MAX_TEXT / 1024),
        )));
    }
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    let tokens = lexer::tokens(text).map_err(at)?;
    let templates = parser::parse(source_name, tokens).map_err(at)?;
    execute::run(source_name, &templates, data).map_err(at)
}

/// An error, and the byte of the template where it arose.
#[derive(Debug)]
struct Fault {
    offset: usize,
    message: String,
}

impl Fault {
    fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into() }
    }

    fn in_text(self, text: &str) -> TemplateError {
        let before = text.get(..self.offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        TemplateError {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: self.message,
        }
    }
}

#[cfg(test)]
mod tests;
