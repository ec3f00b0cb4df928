//! The fields of one mapping, and the texts in them.

use crate::finding::{Finding, ManifestError, Place, Warning};
use crate::text::{Anchor, Block, Text};
use crate::yaml::{Entry, Form, Kind, Node, Scalar};

use super::suggest::did_you_mean;

/// How many unknown fields of a file are told. Who has more of them has another kind of file.
pub(super) const MAX_WARNINGS: usize = 20;

/// How strictly names are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Exact names; unknown fields are told.
    Yaml,
    /// Names in any case; unknown fields are ignored, since other programs write it.
    Json,
}

impl Dialect {
    fn same_name(self, key: &str, name: &str) -> bool {
        match self {
            Self::Yaml => key == name,
            Self::Json => key.eq_ignore_ascii_case(name),
        }
    }
}

/// What is being read.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    /// The whole file; empty for JSON.
    pub(super) text: &'a str,
    pub(super) dialect: Dialect,
}

impl<'a> File<'a> {
    /// An error at a node.
    pub(super) fn error(
        self,
        node: &Node,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> ManifestError {
        ManifestError::new(self.name, node.place, path, message)
    }

    /// Takes `node` as a mapping, or says that it is none.
    pub(super) fn fields(
        self,
        node: &'a Node,
        path: impl Into<String>,
    ) -> Result<Fields<'a>, ManifestError> {
        let path = path.into();
        let Kind::Map(entries) = &node.kind else {
            let message = format!("must be a map of fields, but is {}", node.describe());
            return Err(self.error(node, path, message));
        };
        Ok(Fields { file: self, path, place: node.place, entries })
    }

    /// Takes `node` as a list; null is an empty one. `of` says of what.
    pub(super) fn list(
        self,
        node: &'a Node,
        path: &str,
        of: &str,
    ) -> Result<&'a [std::rc::Rc<Node>], ManifestError> {
        match &node.kind {
            Kind::Null => Ok(&[]),
            Kind::List(items) => Ok(items),
            Kind::Scalar(_) | Kind::Map(_) => {
                let message = format!("must be a list of {of}, but is {}", node.describe());
                Err(self.error(node, path, message))
            }
        }
    }

    /// Takes `node` as a text in the spelling of the file; null is none.
    pub(super) fn text_of(self, path: &str, node: &Node) -> Result<Option<Text>, ManifestError> {
        match &node.kind {
            Kind::Null => Ok(None),
            Kind::Scalar(scalar) if scalar.form != Form::JsonLiteral => {
                Ok(Some(Text::new(scalar.text.as_str(), self.anchor(node, scalar))))
            }
            Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => {
                let message = format!("must be a text, but is {}", node.describe());
                Err(self.error(node, path, message))
            }
        }
    }

    /// Where a scalar stands.
    pub(super) fn anchor(self, node: &Node, scalar: &Scalar) -> Anchor {
        Anchor { place: node.place, block: block(scalar, node.place, self.text) }
    }
}

/// A mapping whose fields have names.
pub(super) struct Fields<'a> {
    pub(super) file: File<'a>,
    /// The path of the mapping itself; empty for the root.
    path: String,
    place: Option<Place>,
    entries: &'a [Entry],
}

impl<'a> Fields<'a> {
    /// The field called `name`. An exact name goes before one in another case.
    pub(super) fn find(&self, name: &str) -> Option<&'a Entry> {
        let exact = self.entries.iter().find(|entry| entry.key == name);
        exact.or_else(|| {
            self.entries.iter().find(|entry| self.file.dialect.same_name(&entry.key, name))
        })
    }

    /// The field called `name`, unless it is null.
    pub(super) fn find_set(&self, name: &str) -> Option<&'a Node> {
        let value = self.find(name).map(|entry| entry.value.as_ref());
        value.filter(|value| !matches!(value.kind, Kind::Null))
    }

    /// The text of the field called `name`; null is no text.
    pub(super) fn text(&self, name: &str) -> Result<Option<Text>, ManifestError> {
        match self.find(name) {
            Some(entry) => self.file.text_of(&self.path_of(name), &entry.value),
            None => Ok(None),
        }
    }

    /// The same; an empty text is none.
    pub(super) fn filled_text(&self, name: &str) -> Result<Option<Text>, ManifestError> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()))
    }

    /// The text of a field that must be there.
    pub(super) fn required_text(&self, name: &str) -> Result<Text, ManifestError> {
        self.filled_text(name)?.ok_or_else(|| self.missing(name))
    }

    /// The error for a field that is not there.
    pub(super) fn missing(&self, name: &str) -> ManifestError {
        let message = format!("is missing; add `{name}: …`");
        ManifestError::new(self.file.name, self.place, self.path_of(name), message)
    }

    pub(super) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Tells the fields that are not among `names`.
    pub(super) fn warn_unknown(&self, names: &[&str], warnings: &mut Vec<Warning>) {
        let of =
            if self.path.is_empty() { "a manifest".to_owned() } else { format!("`{}`", self.path) };
        for entry in self.unknown(names) {
            if warnings.len() >= MAX_WARNINGS {
                return;
            }
            let hint = did_you_mean(&entry.key, names.iter().copied());
            let message = format!("is not a field of {of} and is ignored{hint}");
            let path = self.path_of(&entry.key);
            warnings.push(Finding::new(self.file.name, entry.key_place, path, message));
        }
    }

    /// Refuses fields that are not among `names`: a condition that drops out does more than was meant.
    pub(super) fn refuse_unknown(&self, names: &[&str]) -> Result<(), ManifestError> {
        let Some(entry) = self.unknown(names).next() else { return Ok(()) };
        let hint = did_you_mean(&entry.key, names.iter().copied());
        let message = format!("is not a field of `{}`{hint}", self.path);
        let path = self.path_of(&entry.key);
        Err(ManifestError::new(self.file.name, entry.key_place, path, message))
    }

    fn unknown<'n>(&self, names: &'n [&str]) -> impl Iterator<Item = &'a Entry> + use<'a, 'n> {
        let told = self.file.dialect == Dialect::Yaml;
        let unknown = move |entry: &&Entry| told && !names.contains(&entry.key.as_str());
        self.entries.iter().filter(unknown)
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
