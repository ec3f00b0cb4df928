//! The fields of one mapping, and the texts in them.

use crate::finding::{ManifestError, Place};
use crate::manifest::{Anchor, Block};
use crate::yaml::{Entry, Form, Kind, Node, Scalar};

/// How strictly names are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Exact names; unknown fields are told.
    Yaml,
    /// Names in any case; unknown fields are ignored, since other programs write it.
    Json,
}

impl Dialect {
    pub(super) fn same_name(self, key: &str, name: &str) -> bool {
        match self {
            Self::Yaml => key == name,
            Self::Json => key.eq_ignore_ascii_case(name),
        }
    }
}

/// A mapping whose fields have names.
pub(super) struct Fields<'a> {
    file: &'a str,
    /// The path of the mapping itself; empty for the root.
    path: &'a str,
    place: Option<Place>,
    entries: &'a [Entry],
    dialect: Dialect,
}

/// A text, and where it stands.
pub(super) struct Text {
    pub(super) text: String,
    pub(super) anchor: Anchor,
}

impl<'a> Fields<'a> {
    /// Takes `node` as a mapping, or says that it is none.
    pub(super) fn of(
        file: &'a str,
        node: &'a Node,
        path: &'a str,
        dialect: Dialect,
    ) -> Result<Self, ManifestError> {
        let Kind::Map(entries) = &node.kind else {
            let message = format!("must be a map of fields, but is {}", node.describe());
            return Err(ManifestError::new(file, node.place, path, message));
        };
        Ok(Self { file, path, place: node.place, entries, dialect })
    }

    pub(super) fn entries(&self) -> &'a [Entry] {
        self.entries
    }

    pub(super) fn place(&self) -> Option<Place> {
        self.place
    }

    /// The field called `name`. An exact name goes before one in another case.
    pub(super) fn find(&self, name: &str) -> Option<&'a Entry> {
        let exact = self.entries.iter().find(|entry| entry.key == name);
        exact.or_else(|| self.entries.iter().find(|entry| self.dialect.same_name(&entry.key, name)))
    }

    /// The text of the field called `name`; null is no text. `file_text` is the whole file.
    pub(super) fn text(&self, name: &str, file_text: &str) -> Result<Option<Text>, ManifestError> {
        match self.find(name) {
            Some(entry) => text_of(self.file, &self.path_of(name), &entry.value, file_text),
            None => Ok(None),
        }
    }

    pub(super) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

/// Takes `node` as a text in the spelling of the file; null is none.
pub(super) fn text_of(
    file: &str,
    path: &str,
    node: &Node,
    file_text: &str,
) -> Result<Option<Text>, ManifestError> {
    match &node.kind {
        Kind::Null => Ok(None),
        Kind::Scalar(scalar) if scalar.form != Form::JsonLiteral => Ok(Some(Text {
            text: scalar.text.clone(),
            anchor: Anchor { place: node.place, block: block(scalar, node.place, file_text) },
        })),
        Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => {
            let message = format!("must be a text, but is {}", node.describe());
            Err(ManifestError::new(file, node.place, path, message))
        }
    }
}

/// Where the lines of a literal block stand. `place` is the start of its first line that is not blank.
fn block(scalar: &Scalar, place: Option<Place>, file_text: &str) -> Option<Block> {
    let place = place.filter(|_| scalar.form == Form::Literal)?;
    let leading = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let (blank, line) =
        scalar.text.lines().enumerate().find(|(_, line)| !line.trim().is_empty())?;
    let in_file = file_text.lines().nth(place.line - 1)?;
    Some(Block {
        first_line: place.line.checked_sub(blank)?,
        indent: leading(in_file).checked_sub(leading(line))?,
    })
}
