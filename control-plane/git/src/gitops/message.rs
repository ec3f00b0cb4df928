//! Commit messages whose trailers nothing in the body can forge.

use std::fmt::Write;

/// A commit message: subject, body, trailers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    subject: String,
    body: String,
    trailers: Vec<(String, String)>,
}

/// Text that cannot be part of a commit message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMessage {
    /// Empty, more than one line, or control characters.
    #[error("a commit subject is one line of text")]
    Subject,
    /// Control characters other than line ends and tabs.
    #[error("a commit body has no control characters")]
    Body,
    /// A key that is not letters, digits and dashes.
    #[error("a trailer's key is made of letters, digits and '-'")]
    TrailerKey,
    /// An empty value, more than one line, or control characters.
    #[error("a trailer's value is one line of text")]
    TrailerValue,
}

impl Message {
    /// A message of one line.
    ///
    /// # Errors
    /// When `subject` is not one line of text.
    pub fn new(subject: impl Into<String>) -> Result<Self, InvalidMessage> {
        let subject = subject.into();
        if !is_line(&subject) {
            return Err(InvalidMessage::Subject);
        }
        Ok(Self { subject, body: String::new(), trailers: Vec::new() })
    }

    /// The message of a repository's first commit.
    pub(super) fn bootstrapping() -> Self {
        Self {
            subject: "[Gimlet] Bootstrapping".to_owned(),
            body: String::new(),
            trailers: Vec::new(),
        }
    }

    /// Sets the body, any number of lines.
    ///
    /// # Errors
    /// When it has control characters.
    pub fn with_body(mut self, body: impl AsRef<str>) -> Result<Self, InvalidMessage> {
        let body = body.as_ref().trim();
        if body.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return Err(InvalidMessage::Body);
        }
        body.clone_into(&mut self.body);
        Ok(self)
    }

    /// Adds a trailer.
    ///
    /// # Errors
    /// When key or value are not of the trailer format.
    pub fn with_trailer(
        mut self,
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, InvalidMessage> {
        let (key, value) = (key.into(), value.into());
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(InvalidMessage::TrailerKey);
        }
        if !is_line(&value) {
            return Err(InvalidMessage::TrailerValue);
        }
        self.trailers.push((key, value));
        Ok(self)
    }

    /// The value of the last trailer of this name.
    pub(super) fn trailer(&self, key: &str) -> Option<&str> {
        let mut of_key =
            self.trailers.iter().rev().filter(|(name, _)| name.eq_ignore_ascii_case(key));
        of_key.next().map(|(_, value)| value.trim())
    }

    /// The text as git stores it.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.subject.trim());
        if !self.body.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n{}\n", self.body);
        }
        if !self.trailers.is_empty() {
            text.push('\n');
        }
        for (key, value) in &self.trailers {
            let _ = writeln!(text, "{key}: {}", value.trim());
        }
        text
    }
}

fn is_line(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_stand_in_paragraphs_of_their_own() {
        let message = Message::new("[Gimlet] staging/app automated deploy")
            .and_then(|m| m.with_body("This reverts commit abc.\n"))
            .and_then(|m| m.with_trailer("Deploy-Id", "rel_1"))
            .unwrap();
        let expected = "[Gimlet] staging/app automated deploy\n\nThis reverts commit abc.\n\nDeploy-Id: rel_1\n";
        assert_eq!(message.text(), expected);
    }

    #[test]
    fn parts_that_would_break_the_format_are_refused() {
        let message = || Message::new("s").unwrap();
        assert_eq!(Message::new("").unwrap_err(), InvalidMessage::Subject);
        assert_eq!(Message::new("a\n\nDeploy-Id: x").unwrap_err(), InvalidMessage::Subject);
        assert_eq!(message().with_body("a\0b").unwrap_err(), InvalidMessage::Body);
        assert_eq!(
            message().with_trailer("Deploy Id", "x").unwrap_err(),
            InvalidMessage::TrailerKey
        );
        assert_eq!(
            message().with_trailer("Deploy-Id", "x\ny").unwrap_err(),
            InvalidMessage::TrailerValue
        );
    }
}
