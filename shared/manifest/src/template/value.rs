//! The values of templates.

use std::rc::Rc;

use super::MAX_DEPTH;

/// A value. Copies are cheap.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    List(Rc<List>),
    /// A map made by the template, which can be changed: it lives in the [`super::machine::Machine`].
    Dict(DictId),
    /// The variables that the template was given, a map of texts.
    Variables,
}

/// Which of the machine's maps it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DictId(pub(super) usize);

/// An unchangeable list. Its depth is bounded, so that walking it by recursion is safe.
#[derive(Debug)]
pub(super) struct List {
    items: Vec<Value>,
    depth: usize,
}

impl List {
    pub(super) fn items(&self) -> &[Value] {
        &self.items
    }
}

impl Value {
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Rc::from(text.as_ref()))
    }

    /// Makes a list, unless its lists are nested too deep.
    pub(super) fn list(items: Vec<Value>) -> Result<Self, String> {
        let depth =
            items.iter().map(|item| if let Self::List(list) = item { list.depth } else { 0 }).max();
        let depth = depth.unwrap_or_default() + 1;
        if depth > MAX_DEPTH {
            return Err(format!("lists are nested more than {MAX_DEPTH} levels deep"));
        }
        Ok(Self::List(Rc::new(List { items, depth })))
    }

    /// A length of the machine's own, which is never near the limit.
    pub(super) fn length(length: usize) -> Self {
        Self::Int(i64::try_from(length).unwrap_or(i64::MAX))
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a decimal number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Dict(_) => "a map",
            Self::Variables => "the map of variables",
        }
    }
}
