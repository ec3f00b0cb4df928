//! Why there is no result, in the words of Helm.

use crate::Dialect;

/// A template that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(String);

impl ParseError {
    /// Of Go's message Helm keeps the place and what comes after the last colon.
    pub(super) fn new(file: &str, message: &str) -> Self {
        let parts: Vec<&str> = message.split(": ").collect();
        Self(match (parts.get(1), parts.last()) {
            (Some(place), Some(last)) => format!("parse error at ({place}): {last}"),
            _ => format!("parse error in ({file}): {message}"),
        })
    }
}

/// A render that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RenderError(pub(super) String);

/// An error on its way up.
#[derive(Debug)]
pub(super) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    text: String,
    /// Whether it has a place in a template, as errors of Go's executor have.
    placed: bool,
    cause: Option<Fault>,
}

impl Fault {
    /// A function's own refusal.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self(Box::new(Inner { text: text.into(), placed: false, cause: None }))
    }

    /// An error with its place in front.
    pub(super) fn placed(text: String, cause: Option<Self>) -> Self {
        Self(Box::new(Inner { text, placed: true, cause }))
    }

    /// The same with words in front of it.
    pub(super) fn wrap(self, words: &str) -> Self {
        let text = format!("{words}: {}", self.0.text);
        Self(Box::new(Inner { text, placed: false, cause: Some(self) }))
    }

    pub(super) fn text(&self) -> &str {
        &self.0.text
    }

    /// As Helm prints it.
    pub(super) fn into_error(self, file: &str, dialect: Dialect) -> RenderError {
        if !self.0.placed {
            return RenderError(self.0.text);
        }
        let text = &self.0.text;
        let parts: Vec<&str> = text.splitn(3, ": ").collect();
        let &[_, place, message] = parts.as_slice() else {
            return RenderError(format!("execution error in ({file}): {text}"));
        };
        if let Some(warning) = warning(message) {
            return RenderError(format!("execution error at ({place}): {warning}"));
        }
        match dialect {
            Dialect::Helm3 => RenderError(self.0.text),
            Dialect::Helm4 => RenderError(trace(&self).unwrap_or(self.0.text)),
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
