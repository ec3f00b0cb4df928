//! Objects as trees.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use gimlet_helm::value::{Entries, Value};
use gimlet_helm::yaml::{self, Meaning as Word};

use crate::finding::{cut, one_line};

/// The longest path that a message shows, in characters.
const MAX_PATH: usize = 160;

/// The fields of a map.
pub(super) type Fields = BTreeMap<String, Tree>;

/// A value of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Null(Null),
    Scalar(Scalar),
    List(Vec<Tree>),
    Map(Fields),
}

/// How a null is written. Strategic merges take away the blank ones of the objects that they change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Null {
    Blank,
    /// As `null` or `~`.
    Spelled,
}

/// A scalar. Elements of lists are told apart by the spelling, and not by the meaning.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scalar {
    pub(super) spelling: String,
    pub(super) meaning: Meaning,
    /// Whether it is written in quotes or as a block.
    pub(super) quoted: bool,
}

/// What a scalar means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meaning {
    Bool(bool),
    Int(i64),
    /// An integer beyond `i64`.
    Uint(u64),
    Float(f64),
    /// A date, with or without a time; what is written is complete.
    Moment,
    /// The spelling.
    Text,
}

impl Tree {
    /// A text in quotes.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Scalar(Scalar { spelling: text.into(), meaning: Meaning::Text, quoted: true })
    }

    /// The text, if it is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Scalar(Scalar { spelling, meaning: Meaning::Text, .. }) => Some(spelling),
            Self::Null(_) | Self::Scalar(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    pub(super) fn as_map(&self) -> Option<&Fields> {
        if let Self::Map(fields) = self { Some(fields) } else { None }
    }

    pub(super) fn as_map_mut(&mut self) -> Option<&mut Fields> {
        if let Self::Map(fields) = self { Some(fields) } else { None }
    }

    /// The value of a field.
    pub(super) fn get(&self, field: &str) -> Option<&Self> {
        self.as_map()?.get(field)
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null(_))
    }

    /// What it is, for messages.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Null(_) => "null",
            Self::Scalar(Scalar { meaning: Meaning::Text | Meaning::Moment, .. }) => "a text",
            Self::Scalar(Scalar { meaning: Meaning::Bool(_), .. }) => "true or false",
            Self::Scalar(_) => "a number",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// How many values it is made of.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Null(_) | Self::Scalar(_) => 1,
            Self::List(items) => items.iter().fold(1, |sum, item| sum + item.count()),
            Self::Map(fields) => fields.values().fold(1, |sum, field| sum + field.count()),
        }
    }

    /// How deep it is nested; a scalar is 0.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Null(_) | Self::Scalar(_) => 0,
            Self::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Map(fields) => 1 + fields.values().map(Self::depth).max().unwrap_or(0),
        }
    }

    /// The value that is written.
    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Null(_) => Value::Nil,
            Self::Scalar(scalar) => scalar.into_value(),
            Self::List(items) => Value::list(items.into_iter().map(Self::into_value).collect()),
            Self::Map(fields) => Value::map(
                fields
                    .into_iter()
                    .map(|(key, value)| (key.into(), value.into_value()))
                    .collect::<Entries>(),
            ),
        }
    }

    /// Whether both mean the same: numbers by their value, and texts by their letters.
    pub(super) fn means(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null(_), Self::Null(_)) => true,
            (Self::Scalar(one), Self::Scalar(two)) => one.means(two),
            (Self::List(one), Self::List(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.means(two))
            }
            (Self::Map(one), Self::Map(two)) => {
                one.len() == two.len()
                    && one.iter().zip(two).all(|(one, two)| one.0 == two.0 && one.1.means(two.1))
            }
            (Self::Null(_) | Self::Scalar(_) | Self::List(_) | Self::Map(_), _) => false,
        }
    }
}

impl Scalar {
    /// What this becomes in place of another: it is written as that one was, so that within quotes, also numbers
    /// are texts.
    pub(super) fn in_place_of(self, old: &Self) -> Self {
        let meaning = if old.quoted { Meaning::Text } else { self.meaning };
        Self { meaning, quoted: old.quoted, ..self }
    }

    /// The text, if it is one or a moment.
    fn complete(&self) -> Cow<'_, str> {
        match self.meaning {
            Meaning::Moment => Word::complete_timestamp(&self.spelling)
                .map_or(Cow::Borrowed(&*self.spelling), Cow::Owned),
            _ => Cow::Borrowed(&self.spelling),
        }
    }

    fn into_value(self) -> Value {
        match self.meaning {
            Meaning::Bool(truth) => Value::Bool(truth),
            Meaning::Int(number) => Value::Int64(number),
            // Held with its bits.
            Meaning::Uint(number) => {
                Value::Other(gimlet_helm::value::IntKind::Uint64, number as i64)
            }
            Meaning::Float(number) => Value::Float(number),
            Meaning::Moment => Value::str(self.complete()),
            Meaning::Text => Value::str(self.spelling),
        }
    }

    /// The text of what it means: that of `0x1F` is `31`.
    pub(super) fn plainly(&self) -> String {
        match self.meaning {
            Meaning::Text | Meaning::Moment => self.complete().into_owned(),
            _ => yaml::to_yaml(&self.clone().into_value())
                .map_or_else(|_| self.spelling.clone(), |text| text.trim_end().to_owned()),
        }
    }

    fn means(&self, other: &Self) -> bool {
        match (self.meaning, other.meaning) {
            (Meaning::Text | Meaning::Moment, Meaning::Text | Meaning::Moment) => {
                self.complete() == other.complete()
            }
            (Meaning::Bool(one), Meaning::Bool(two)) => one == two,
            (Meaning::Int(one), Meaning::Int(two)) => one == two,
            (Meaning::Uint(one), Meaning::Uint(two)) => one == two,
            (one, two) => match (one.as_float(), two.as_float()) {
                (Some(one), Some(two)) => one == two,
                _ => false,
            },
        }
    }
}

impl Meaning {
    fn as_float(self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(number as f64),
            Self::Uint(number) => Some(number as f64),
            Self::Float(number) => Some(number),
            Self::Bool(_) | Self::Moment | Self::Text => None,
        }
    }
}

/// The way to a field, for messages: `spec.containers[name=web].ports[0]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path(Vec<String>);

impl Path {
    pub(super) fn push(&mut self, step: impl Into<String>) {
        self.0.push(step.into());
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    /// Runs `run` within a field.
    pub(super) fn within<T>(
        &mut self,
        step: impl Into<String>,
        run: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.push(step);
        let result = run(self);
        self.pop();
        result
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = String::new();
        for step in &self.0 {
            if !path.is_empty() && !step.starts_with('[') {
                path.push('.');
            }
            path.push_str(step);
        }
        f.write_str(&one_line(&cut(path, MAX_PATH)))
    }
}
