//! A text of a manifest, and where it stands.

use std::fmt;
use std::ops::Deref;

use serde::{Serialize, Serializer};

use crate::finding::Place;

/// A text that remembers its place in the file. Two are equal when their texts are.
#[derive(Clone, Debug, Default)]
pub struct Text {
    text: String,
    pub(crate) anchor: Anchor,
}

/// Where a text starts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Anchor {
    pub(crate) place: Option<Place>,
    /// Set for a literal block, whose lines stand in the file as they are.
    pub(crate) block: Option<Block>,
}

/// Where the lines of a literal block stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// The line of the file, from 1, that is the text's first one.
    pub(crate) first_line: usize,
    /// By how much its lines are indented.
    pub(crate) indent: usize,
}

impl Anchor {
    /// The place in the file of a line and column (from 1) of the text, where that is known.
    pub(crate) fn inside(self, line: usize, column: usize) -> Option<Place> {
        let place = self.place?;
        Some(match self.block {
            Some(Block { first_line, indent }) => {
                Place { line: first_line + line - 1, column: column + indent }
            }
            None => place,
        })
    }
}

impl Text {
    pub(crate) fn new(text: impl Into<String>, anchor: Anchor) -> Self {
        Self { text: text.into(), anchor }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Another text at the same place.
    pub(crate) fn with(&self, text: impl Into<String>) -> Self {
        Self::new(text, self.anchor)
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Text {}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Whether there is nothing to write, for serde.
pub(crate) fn is_empty(text: &Text) -> bool {
    text.is_empty()
}
