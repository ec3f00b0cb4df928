//! Values after variables.

use super::{Entry, Kind, Tree, Values};
use crate::template::{Scope, TemplateError};
use crate::text::{Anchor, Text};

/// Why values cannot be filled in, and where.
#[derive(Debug)]
pub(crate) struct FillFault {
    /// The field within the values, as in `ingress.hosts[0]`.
    pub(crate) path: String,
    pub(crate) anchor: Anchor,
    pub(crate) error: TemplateError,
}

impl FillFault {
    fn below(mut self, step: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{step}{dot}{}", self.path);
        self
    }
}

impl Values {
    /// Fills in every text, those of the keys too. A text stays a text.
    pub(crate) fn fill(&self, scope: &mut Scope) -> Result<Self, FillFault> {
        entries(&self.0, scope).map(Self)
    }
}

fn entries(all: &[Entry], scope: &mut Scope) -> Result<Vec<Entry>, FillFault> {
    let mut filled: Vec<Entry> = Vec::with_capacity(all.len());
    let is_templated = all.iter().any(|entry| entry.key.contains("{{"));
    for entry in all {
        let key = text(&entry.key, scope)?;
        // Keys of the file are unique already.
        if is_templated && filled.iter().any(|before| before.key == key) {
            let message = "is set twice after variables".to_owned();
            let error = TemplateError { line: 1, column: 1, message };
            let path = key.as_str().to_owned();
            return Err(FillFault { path, anchor: key.anchor, error });
        }
        let value = tree(&entry.value, scope).map_err(|fault| fault.below(&entry.key))?;
        filled.push(Entry { key, value });
    }
    Ok(filled)
}

fn tree(it: &Tree, scope: &mut Scope) -> Result<Tree, FillFault> {
    let kind = match &it.kind {
        Kind::Text(it) => Kind::Text(text(it, scope)?),
        Kind::Map(all) => Kind::Map(entries(all, scope)?),
        Kind::List(items) => {
            let filled = items.iter().enumerate().map(|(index, item)| {
                tree(item, scope).map_err(|fault| fault.below(&format!("[{index}]")))
            });
            Kind::List(filled.collect::<Result<_, _>>()?)
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => it.kind.clone(),
    };
    Ok(Tree { place: it.place, kind })
}

fn text(it: &Text, scope: &mut Scope) -> Result<Text, FillFault> {
    match scope.fill("values", it) {
        Ok(filled) => Ok(it.with(filled)),
        Err(error) => Err(FillFault { path: String::new(), anchor: it.anchor, error }),
    }
}
