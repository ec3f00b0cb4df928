//! YAML as a tree that remembers where everything stood.
//!
//! Scalars keep their spelling: what a field means by `on` or `0.10` is the field's business. The
//! tree is refused when it holds duplicate keys, unknown tags, or more than the budgets allow.

mod build;
mod scalar;

use std::rc::Rc;

use crate::finding::Place;

pub(crate) use build::parse_documents;
pub(crate) use scalar::is_string_in_kubernetes;

/// The longest text that is parsed, in bytes.
pub(crate) const MAX_TEXT: usize = 1 << 20;

/// A node of a document.
#[derive(Debug)]
pub(crate) struct Node {
    /// Where the node starts; `None` in trees that were not made from text.
    pub(crate) place: Option<Place>,
    pub(crate) kind: Kind,
    /// How many nodes this is once all aliases are expanded.
    weight: usize,
}

/// What a node is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Nothing: an empty value, `~` or `null`.
    Null,
    Scalar(Scalar),
    List(Vec<Rc<Node>>),
    /// In the order of the text. Keys are unique.
    Map(Vec<Entry>),
}

/// A text and how it was written.
#[derive(Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) form: Form,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Without quotes: its type is open.
    Plain,
    /// In quotes, folded, or tagged `!!str`.
    Quoted,
    /// As a literal block (`|`), whose place is that of its first line that is not blank.
    Literal,
    /// A number or boolean of a JSON document, which is no text.
    JsonLiteral,
}

/// One entry of a mapping.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_place: Option<Place>,
    pub(crate) value: Rc<Node>,
}

/// Why a text is no acceptable YAML.
#[derive(Debug)]
pub(crate) struct YamlError {
    pub(crate) place: Place,
    /// The field inside which it happened, as in `deploy.branch`.
    pub(crate) path: String,
    pub(crate) message: String,
}

impl Node {
    pub(crate) fn new(place: Option<Place>, kind: Kind) -> Self {
        let weight = match &kind {
            Kind::Null | Kind::Scalar(_) => 1,
            Kind::List(items) => total(items.iter()),
            Kind::Map(entries) => total(entries.iter().map(|entry| &entry.value)),
        };
        Self { place, kind, weight }
    }

    /// What the node is, for messages.
    pub(crate) fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Scalar(Scalar { form: Form::JsonLiteral, .. }) => "a number or boolean",
            Kind::Scalar(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// The value of `key`, if this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Map(entries) => {
                entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_ref())
            }
            Kind::Null | Kind::Scalar(_) | Kind::List(_) => None,
        }
    }
}

fn total<'a>(children: impl Iterator<Item = &'a Rc<Node>>) -> usize {
    children.fold(1, |sum: usize, child| sum.saturating_add(child.weight))
}
