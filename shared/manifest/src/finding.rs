//! What is said about a manifest, and where: errors and warnings share one shape.

use std::fmt;

use serde::Serialize;

/// Texts from a manifest are cut to this many characters when a message quotes them, so that one
/// line stays one line.
const MAX_QUOTED_CHARS: usize = 80;

/// Paths are cut to this many characters; those of real fields are far shorter.
const MAX_PATH_CHARS: usize = 200;

/// A place in a file. Both numbers start at 1; a column counts code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

/// One thing to say about a manifest. Its `Display` is one line:
/// `.gimlet/x.yaml:3:9: deploy.branch: …`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    message: String,
}

/// Something a manifest may do, but probably does not mean to.
pub type Warning = Finding;

impl Finding {
    pub(crate) fn new(
        file: &str,
        place: Option<Place>,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            place,
            path: one_line(&cut(path.into(), MAX_PATH_CHARS)),
            message: one_line(&message.into()),
        }
    }

    /// The file's name as it was given to the parser.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line from 1, or `None` where the text is unknown (a manifest pushed as JSON).
    pub fn line(&self) -> Option<usize> {
        self.place.map(|place| place.line)
    }

    /// The column from 1, or `None` where the text is unknown (a manifest pushed as JSON).
    pub fn column(&self) -> Option<usize> {
        self.place.map(|place| place.column)
    }

    /// The field, as in `deploy.commitMessagePatterns[1]`; empty when it is about the whole file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong and what to do, without file, place and path. Always one line.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(Place { line, column }) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Why a manifest is not accepted. Derefs to its [`Finding`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(transparent)]
#[error("{0}")]
pub struct ManifestError(Box<Finding>);

impl ManifestError {
    pub(crate) fn new(
        file: &str,
        place: Option<Place>,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self(Box::new(Finding::new(file, place, path, message)))
    }
}

impl std::ops::Deref for ManifestError {
    type Target = Finding;

    fn deref(&self) -> &Finding {
        &self.0
    }
}

/// Quotes `text` for a message: between backquotes, control characters escaped, cut when long.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", one_line(&cut(text.to_owned(), MAX_QUOTED_CHARS)))
}

/// Cuts a text that is longer than `chars` characters, and shows that it did.
pub(crate) fn cut(mut text: String, chars: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(chars) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Escapes control characters, so that a message never breaks a log line or a terminal.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_with_file_place_and_path() {
        let place = Some(Place { line: 3, column: 9 });
        let error = ManifestError::new(".gimlet/x.yaml", place, "deploy.branch", "is wrong\nhere");
        assert_eq!(error.to_string(), ".gimlet/x.yaml:3:9: deploy.branch: is wrong\\nhere");
        assert_eq!(
            (error.file(), error.line(), error.column()),
            (".gimlet/x.yaml", Some(3), Some(9))
        );
        assert_eq!((error.path(), error.message()), ("deploy.branch", "is wrong\\nhere"));
    }

    #[test]
    fn an_error_without_place_leaves_it_out() {
        let error = ManifestError::new("push", None, "app", "is missing");
        assert_eq!(error.to_string(), "push: app: is missing");
    }

    #[test]
    fn long_quotations_are_cut() {
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), MAX_QUOTED_CHARS + 3);
        assert_eq!(quoted(&"é".repeat(MAX_QUOTED_CHARS)).chars().count(), MAX_QUOTED_CHARS + 2);
        let error = ManifestError::new("x", None, "[0]".repeat(500), "is deep");
        assert_eq!(error.path().chars().count(), MAX_PATH_CHARS + 1);
    }
}
