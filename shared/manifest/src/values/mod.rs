//! Values: what a chart or a module is given, as a tree that remembers where everything stood.
//!
//! Scalars mean what they mean to `helm -f`: all numbers are decimal numbers, and `yes` is a truth.

mod fill;
mod value;

use crate::finding::Place;
use crate::text::{Anchor, Text};

/// The values of a manifest; nothing at all is an empty map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(pub(crate) Vec<Entry>);

/// One entry of a map. Keys are unique.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Text,
    pub(crate) value: Tree,
}

/// A value, and where it starts.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) place: Option<Place>,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(f64),
    Text(Text),
    List(Vec<Tree>),
    /// In the order of the file.
    Map(Vec<Entry>),
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Values {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text at a path of names; numbers and truths are no texts.
    pub fn text(&self, path: &[&str]) -> Option<&Text> {
        match &self.find(path)?.kind {
            Kind::Text(text) => Some(text),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The value at a path of names.
    pub(crate) fn find(&self, path: &[&str]) -> Option<&Tree> {
        let (last, before) = path.split_last()?;
        let mut entries = &self.0;
        for name in before {
            entries = match &entry(entries, name)?.value.kind {
                Kind::Map(inner) => inner,
                _ => return None,
            };
        }
        entry(entries, last).map(|entry| &entry.value)
    }

    /// The text at a path of names, to change.
    pub(crate) fn text_mut(&mut self, path: &[&str]) -> Option<&mut Text> {
        let (last, before) = path.split_last()?;
        let mut entries = &mut self.0;
        for name in before {
            entries = match &mut entry_mut(entries, name)?.value.kind {
                Kind::Map(inner) => inner,
                _ => return None,
            };
        }
        match &mut entry_mut(entries, last)?.value.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Sets a field of the outermost map.
    pub(crate) fn set(&mut self, name: &str, text: &str) {
        let kind = Kind::Text(Text::new(text, Anchor::default()));
        match entry_mut(&mut self.0, name) {
            Some(entry) => entry.value.kind = kind,
            None => {
                let key = Text::new(name, Anchor::default());
                self.0.push(Entry { key, value: Tree { place: None, kind } });
            }
        }
    }

    /// Where the value that a JSON pointer names stands, or what is nearest around it.
    pub(crate) fn place_at(&self, pointer: &str) -> Option<Place> {
        let mut place = self.0.first().and_then(|entry| entry.key.anchor.place);
        let mut steps = pointer.split('/').skip(1);
        let Some(entry) = steps.next().and_then(|name| entry(&self.0, &unescaped(name))) else {
            return place;
        };
        let mut current = &entry.value;
        loop {
            place = current.place.or(place);
            let Some(step) = steps.next() else { return place };
            let next = match &current.kind {
                Kind::Map(entries) => {
                    self::entry(entries, &unescaped(step)).map(|entry| &entry.value)
                }
                Kind::List(items) => step.parse::<usize>().ok().and_then(|at| items.get(at)),
                _ => None,
            };
            let Some(next) = next else { return place };
            current = next;
        }
    }
}

fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

fn entry<'e>(entries: &'e [Entry], name: &str) -> Option<&'e Entry> {
    entries.iter().find(|entry| entry.key.as_str() == name)
}

fn entry_mut<'e>(entries: &'e mut [Entry], name: &str) -> Option<&'e mut Entry> {
    entries.iter_mut().find(|entry| entry.key.as_str() == name)
}
