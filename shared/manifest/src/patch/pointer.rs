//! JSON pointers (RFC 6901), as paths of a JSON patch.

use super::tree::Tree;
use crate::finding::quoted;

/// A pointer to a place within an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    text: String,
    /// All but the last.
    parents: Vec<String>,
    last: String,
}

impl Pointer {
    /// Reads a pointer.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err(
                "is empty, which is the whole object; name a field, as in `/spec`".to_owned()
            );
        }
        let Some(tokens) = text.strip_prefix('/') else {
            return Err(format!(
                "{} does not begin with `/`; write `/spec/replicas`, for instance",
                quoted(text)
            ));
        };
        let tokens = tokens.split('/');
        let mut parents: Vec<String> =
            tokens.map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
        let last = parents.pop().unwrap_or_default();
        Ok(Self { text: text.to_owned(), parents, last })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn last(&self) -> &str {
        &self.last
    }

    /// How deep the place is; a field of the object is 1.
    pub(super) fn depth(&self) -> usize {
        self.parents.len() + 1
    }

    /// Whether `other` is a place within this one.
    pub(super) fn holds(&self, other: &Self) -> bool {
        let own = self.parents.len();
        other.parents.len() > own
            && other.parents[..own] == self.parents[..]
            && other.parents[own] == self.last
    }

    /// What the place is in.
    pub(super) fn parent<'t>(&self, root: &'t mut Tree) -> Result<&'t mut Tree, String> {
        let mut tree = root;
        for token in &self.parents {
            tree = child(tree, token)?;
        }
        match tree {
            Tree::List(_) | Tree::Map(_) => Ok(tree),
            Tree::Null(_) | Tree::Scalar(_) => Err(no_parent(tree, &self.last)),
        }
    }
}

fn no_parent(tree: &Tree, token: &str) -> String {
    format!("{} cannot be in {}; check the path before it", quoted(token), tree.describe())
}

/// A field or an item.
fn child<'t>(tree: &'t mut Tree, token: &str) -> Result<&'t mut Tree, String> {
    match tree {
        Tree::Map(fields) => fields.get_mut(token).ok_or_else(|| {
            format!("there is no {}; add it first, or correct the path", quoted(token))
        }),
        Tree::List(items) => {
            let at = index(token, items.len())?;
            Ok(&mut items[at])
        }
        Tree::Null(_) | Tree::Scalar(_) => Err(no_parent(tree, token)),
    }
}

/// The place of an item that is there; negative ones count from the end.
pub(super) fn index(token: &str, length: usize) -> Result<usize, String> {
    let at = number(token)?;
    let at = if at < 0 { i64::try_from(length).unwrap_or(i64::MAX) + at } else { at };
    usize::try_from(at).ok().filter(|at| *at < length).ok_or_else(|| beyond(token, length))
}

/// The place where an item is added: `-` is behind the last.
pub(super) fn new_index(token: &str, length: usize) -> Result<usize, String> {
    if token == "-" {
        return Ok(length);
    }
    // Negative ones count from behind the last.
    index(token, length + 1).map_err(|_| match number(token) {
        Ok(_) => beyond(token, length),
        Err(problem) => problem,
    })
}

fn number(token: &str) -> Result<i64, String> {
    token.parse().map_err(|_| format!("{} is no index of a list; write a number", quoted(token)))
}

fn beyond(token: &str, length: usize) -> String {
    format!("index {} is beyond the list, which has {length} items", quoted(token))
}
