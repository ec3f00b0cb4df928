//! Why there is no result, in the words of Helm.

use super::parser::Flaw;
use crate::Dialect;

/// A place in a file of templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The file's name, as it was given to the parser.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in code points, from 1.
    pub column: usize,
    /// The name of the template that was running, the file's own or that of a `define`.
    pub template: String,
}

/// What an error comes from, where that is more than words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cause {
    /// A name that is not among the variables.
    MissingName(String),
    /// A function that does not exist in the language.
    UnknownFunction(String),
    /// A block without its `end`.
    Unclosed,
    /// A budget that is spent.
    Spent,
    /// What `fail` or `required` says.
    Refused,
    /// Anything else.
    #[default]
    Other,
}

/// The line and the column, both from 1, of a byte.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// A template that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct ParseError {
    text: String,
    /// Where to look.
    pub spot: Spot,
    /// What is wrong there, without the place.
    pub message: String,
    /// What it comes from.
    pub cause: Cause,
}

impl ParseError {
    /// Of Go's message Helm keeps the place and what comes after the last colon.
    pub(super) fn new(file: &str, source: &str, flaw: Flaw) -> Self {
        let parts: Vec<&str> = flaw.text.split(": ").collect();
        let text = match (parts.get(1), parts.last()) {
            (Some(place), Some(last)) => format!("parse error at ({place}): {last}"),
            _ => format!("parse error in ({file}): {}", flaw.text),
        };
        let (line, column) = line_and_column(source, flaw.offset);
        let spot = Spot { file: file.to_owned(), line, column, template: file.to_owned() };
        Self { text, spot, message: flaw.message, cause: flaw.cause }
    }
}

/// A render that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct RenderError {
    text: String,
    /// The way to the error: the file that was rendered first, then what it included, down to the place itself. Empty
    /// where there is no place.
    pub trace: Vec<Spot>,
    /// What is wrong at the end of the trace.
    pub message: String,
    /// What it comes from.
    pub cause: Cause,
}

impl RenderError {
    /// A spent budget.
    pub(super) fn spent(file: &str, why: &str) -> Self {
        let text = format!("{file}: {why}");
        Self { text, trace: Vec::new(), message: why.to_owned(), cause: Cause::Spent }
    }

    /// An error about a whole file, or about no file at all.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { message: text.clone(), text, trace: Vec::new(), cause: Cause::Other }
    }
}

impl From<Box<ParseError>> for RenderError {
    fn from(error: Box<ParseError>) -> Self {
        let ParseError { text, spot, message, cause } = *error;
        Self { text, trace: vec![spot], message, cause }
    }
}

/// An error on its way up.
#[derive(Debug)]
pub(super) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    text: String,
    /// What is wrong, without the place and what caused it.
    message: String,
    /// Errors of Go's executor have a place in a template.
    spot: Option<Spot>,
    kind: Cause,
    cause: Option<Fault>,
}

impl Fault {
    /// A function's own refusal.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        let message = text.clone();
        Self(Box::new(Inner { text, message, spot: None, kind: Cause::Other, cause: None }))
    }

    /// An error with its place in front.
    pub(super) fn placed(text: String, spot: Spot, message: &str, cause: Option<Self>) -> Self {
        let message = message.to_owned();
        Self(Box::new(Inner { text, message, spot: Some(spot), kind: Cause::Other, cause }))
    }

    /// The same with what it comes from.
    pub(super) fn because(mut self, kind: Cause) -> Self {
        self.0.kind = kind;
        self
    }

    /// The same with words in front of it.
    pub(super) fn wrap(self, words: &str) -> Self {
        let text = format!("{words}: {}", self.0.text);
        Self(Box::new(Inner {
            text,
            message: words.to_owned(),
            spot: None,
            kind: Cause::Other,
            cause: Some(self),
        }))
    }

    pub(super) fn text(&self) -> &str {
        &self.0.text
    }

    /// As Helm prints it.
    pub(super) fn into_error(self, file: &str, dialect: Dialect) -> RenderError {
        let text = self.helm_text(file, dialect);
        let mut trace: Vec<Spot> = Vec::new();
        let mut end = &self;
        loop {
            // What calls a function and what refuses in it are often the same place.
            trace.extend(end.0.spot.clone().filter(|spot| trace.last() != Some(spot)));
            match &end.0.cause {
                Some(cause) => end = cause,
                None => break,
            }
        }
        let (message, cause) = match warning(&end.0.message) {
            Some(words) => (words.to_owned(), Cause::Refused),
            None => (end.0.message.clone(), end.0.kind.clone()),
        };
        RenderError { text, trace, message, cause }
    }

    fn helm_text(&self, file: &str, dialect: Dialect) -> String {
        let text = &self.0.text;
        if self.0.spot.is_none() {
            return text.clone();
        }
        let parts: Vec<&str> = text.splitn(3, ": ").collect();
        let &[_, place, message] = parts.as_slice() else {
            return format!("execution error in ({file}): {text}");
        };
        if let Some(warning) = warning(message) {
            return format!("execution error at ({place}): {warning}");
        }
        match dialect {
            Dialect::Helm3 => text.clone(),
            Dialect::Helm4 => trace(self).unwrap_or_else(|| text.clone()),
        }
    }
}

/// What `fail` and `required` have to say, between their marks.
fn warning(message: &str) -> Option<&str> {
    let start = message.find(WARNING_START)? + WARNING_START.len();
    let end = message.rfind(WARNING_END).filter(|end| *end >= start)?;
    Some(&message[start..end])
}

const WARNING_START: &str = "HELM_ERR_START";
const WARNING_END: &str = "HELM_ERR_END";

/// Marks a text as what the user is to see alone.
pub(crate) fn mark_warning(text: &str) -> String {
    format!("{WARNING_START}{text}{WARNING_END}")
}

/// Helm 4 lists the places, one after the other, if it understands all of them.
fn trace(fault: &Fault) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut current = Some(fault);
    while let Some(fault) = current {
        let step = step(&fault.0.text)?;
        if lines.last() != Some(&step) {
            lines.push(step);
        }
        current = fault.0.cause.as_ref();
    }
    Some(lines.concat().trim().to_owned())
}

/// One place with its message, on lines of their own.
fn step(text: &str) -> Option<String> {
    let rest = text.strip_prefix("template: ")?;
    let cut = |message: &str| message.split(" template:").next().unwrap_or_default().to_owned();
    if rest.starts_with("no template ") {
        return Some(format!("{text}\n"));
    }
    if let Some((place, after)) = rest.split_once(": executing ") {
        let (name, after) = after.strip_prefix('"')?.split_once('"')?;
        let (context, message) = after.strip_prefix(" at <")?.split_once(">: ")?;
        let message = cut(message);
        let message = if message.is_empty() { message } else { format!("{message}\n") };
        return Some(format!("{place}\n  executing \"{name}\" at <{context}>:\n    {message}"));
    }
    let (place, message) = rest.rsplit_once(": ")?;
    Some(format!("{place}\n  {}\n", cut(message)))
}
