//! From texts to trees.

use std::collections::btree_map::Entry;

use gimlet_helm::yaml::{Meaning as Word, Written, WrittenContent, read_written};

use super::error::{PatchError, PatchPlace};
use super::limits::Budget;
use super::tree::{Fields, Meaning, Null, Path, Scalar, Tree};
use crate::finding::quoted;

/// Whose words the scalars are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// Objects: only `true` and `false` are truths, and dates are moments, which are completed.
    Object,
    /// Operations of a JSON patch: YAML 1.1, where `yes` is true, and dates are texts.
    Operations,
}

/// Reads all documents of a text, with their numbers from 1; those with nothing in them are left out.
pub(super) fn documents(
    text: &str,
    words: Words,
    place: fn(usize) -> PatchPlace,
    budget: &mut Budget,
) -> Result<Vec<(PatchPlace, Tree)>, PatchError> {
    let written = read_written(text, budget.left())
        .map_err(|source| PatchError::Yaml { place: place(1), source })?;
    let mut trees = Vec::new();
    for node in written {
        let place = place(trees.len() + 1);
        let (line, tree) = (node.line, tree(node, words));
        let tree = tree.map_err(|fault| PatchError::NotAnObject {
            place: place.clone(),
            path: fault.path.to_string(),
            problem: format!("{} (line {})", fault.problem, fault.line.max(line)),
        })?;
        budget.take(tree.count(), &place)?;
        if !tree.is_null() {
            trees.push((place, tree));
        }
    }
    Ok(trees)
}

/// What is wrong with a node.
struct BadNode {
    line: usize,
    path: Path,
    problem: String,
}

fn tree(node: Written, words: Words) -> Result<Tree, BadNode> {
    Reader { words, path: Path::default() }.node(node)
}

struct Reader {
    words: Words,
    path: Path,
}

impl Reader {
    fn bad<T>(&self, line: usize, problem: impl Into<String>) -> Result<T, BadNode> {
        Err(BadNode { line, path: self.path.clone(), problem: problem.into() })
    }

    fn node(&mut self, node: Written) -> Result<Tree, BadNode> {
        let line = node.line;
        match node.content {
            WrittenContent::Scalar { text, tag, plain } => self.scalar(line, text, &tag, plain),
            WrittenContent::List(items) => {
                let items = items.into_iter().enumerate();
                let items = items.map(|(index, item)| self.step(format!("[{index}]"), item));
                items.collect::<Result<_, _>>().map(Tree::List)
            }
            WrittenContent::Map(entries) => self.map(entries).map(Tree::Map),
        }
    }

    fn step(&mut self, step: String, node: Written) -> Result<Tree, BadNode> {
        self.path.push(step);
        let tree = self.node(node)?;
        self.path.pop();
        Ok(tree)
    }

    fn map(&mut self, entries: Vec<(Written, Written)>) -> Result<Fields, BadNode> {
        let mut fields = Fields::new();
        let mut merged = Vec::new();
        for (key, value) in entries {
            let line = key.line;
            let (key, is_merge) = match key.content {
                WrittenContent::Scalar { text, plain, .. } => {
                    let is_merge = plain && text == "<<";
                    (text, is_merge)
                }
                WrittenContent::List(_) | WrittenContent::Map(_) => {
                    return self.bad(line, "a list or map cannot be a key; write a text");
                }
            };
            let value = self.step(key.clone(), value)?;
            if is_merge {
                merged.extend(self.sources(line, value)?);
                continue;
            }
            match fields.entry(key) {
                Entry::Vacant(field) => drop(field.insert(value)),
                Entry::Occupied(field) => {
                    let key = quoted(field.key());
                    return self.bad(line, format!("{key} is set twice; leave one"));
                }
            }
        }
        // Fields of the map itself and of earlier sources win.
        for (key, value) in merged.into_iter().flatten() {
            fields.entry(key).or_insert(value);
        }
        Ok(fields)
    }

    fn sources(&self, line: usize, value: Tree) -> Result<Vec<Fields>, BadNode> {
        let sources = if let Tree::List(items) = value { items } else { vec![value] };
        let maps = sources.into_iter().map(|source| match source {
            Tree::Map(fields) => Ok(fields),
            Tree::Null(_) | Tree::Scalar(_) | Tree::List(_) => {
                self.bad(line, "`<<` takes a map or a list of maps")
            }
        });
        maps.collect()
    }

    fn scalar(&self, line: usize, text: String, tag: &str, plain: bool) -> Result<Tree, BadNode> {
        let open = plain || matches!(tag, "!!int" | "!!float" | "!!bool" | "!!null");
        match tag {
            "" | "!" | "!!str" | "!!int" | "!!float" | "!!bool" | "!!null" | "!!timestamp" => {}
            _ => {
                let tag = quoted(tag);
                return self.bad(line, format!("Kubernetes knows no tag {tag}; quote the text"));
            }
        }
        if !open {
            return Ok(Tree::text(text));
        }
        let meaning = match Word::of(&text) {
            Word::Null if text.is_empty() => return Ok(Tree::Null(Null::Blank)),
            Word::Null => return Ok(Tree::Null(Null::Spelled)),
            Word::Bool(truth) if self.is_truth(&text) => Meaning::Bool(truth),
            Word::Int(number) => Meaning::Int(number),
            Word::Uint(number) => Meaning::Uint(number),
            Word::Float(number) if number.is_finite() => Meaning::Float(number),
            Word::Float(_) => {
                let text = quoted(&text);
                return self.bad(line, format!("Kubernetes knows no number {text}; quote it"));
            }
            Word::Timestamp if self.words == Words::Object => Meaning::Moment,
            Word::Bool(_) | Word::Timestamp | Word::Str => Meaning::Text,
        };
        Ok(Tree::Scalar(Scalar { spelling: text, meaning, quoted: false }))
    }

    fn is_truth(&self, text: &str) -> bool {
        self.words == Words::Operations
            || text.eq_ignore_ascii_case("true")
            || text.eq_ignore_ascii_case("false")
    }
}

/// A tree of a JSON document.
pub(super) fn from_json(value: serde_json::Value) -> Tree {
    use serde_json::Value;

    let scalar =
        |spelling: String, meaning| Tree::Scalar(Scalar { spelling, meaning, quoted: false });
    match value {
        Value::Null => Tree::Null(Null::Spelled),
        Value::Bool(truth) => scalar(truth.to_string(), Meaning::Bool(truth)),
        Value::Number(number) => {
            let whole = number.as_i64().map(Meaning::Int).or(number.as_u64().map(Meaning::Uint));
            // Without its feature for any precision, the library holds nothing else.
            let float = || Meaning::Float(number.as_f64().unwrap_or_default());
            scalar(number.to_string(), whole.unwrap_or_else(float))
        }
        Value::String(text) => Tree::text(text),
        Value::Array(items) => Tree::List(items.into_iter().map(from_json).collect()),
        Value::Object(fields) => {
            Tree::Map(fields.into_iter().map(|(key, value)| (key, from_json(value))).collect())
        }
    }
}
