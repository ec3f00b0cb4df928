//! Lists by their place in a kind, and the cases that are made of each.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::PatchCase;

/// A list of a kind. Written as `apps/v1 Deployment spec.template.spec.containers[name].ports containerPort,protocol`:
/// a step with brackets is an element of a list, with its key; the last word is what the list's elements are told
/// apart by, `-` where they are texts.
#[derive(Clone, Debug)]
pub struct Key {
    line: String,
    api_version: String,
    kind: String,
    path: Vec<String>,
    keys: Vec<String>,
}

/// Reads keys, one a line; blank lines and lines that begin with `#` say nothing.
pub(super) fn read(text: &str) -> Result<Vec<Key>> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(Key::parse).collect()
}

impl Key {
    fn parse(line: &str) -> Result<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [api_version, kind, path, keys] = words[..] else {
            return Err(anyhow::anyhow!("{line:?} has {} words, not four", words.len()));
        };
        let keys: Vec<String> = keys.split(',').map(str::to_owned).collect();
        keys.first().context("a list has a key")?;
        Ok(Self {
            line: line.to_owned(),
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            path: path.split('.').map(str::to_owned).collect(),
            keys,
        })
    }

    /// Merging, deleting and replacing in a list that is merged.
    #[must_use]
    pub fn merged(&self) -> Vec<PatchCase> {
        let there = || json!([self.element("a", "old"), self.element("b", "old")]);
        let texts = self.keys == ["-"];
        let mut cases = vec![
            self.case(
                "merged",
                there(),
                json!([self.element("c", "new"), self.element("b", "new")]),
            ),
            self.case("emptied", there(), Value::Null),
        ];
        if !texts {
            cases.push(self.case("delete", there(), json!([self.directed("b", "delete")])));
            let replaced = json!([{"$patch": "replace"}, self.element("c", "new")]);
            cases.push(self.case("replaced", there(), replaced));
        }
        cases
    }

    /// What replaces a list that is not merged.
    #[must_use]
    pub fn replaced(&self) -> PatchCase {
        let there = json!([self.element("a", "old"), self.element("b", "old")]);
        self.case("as a whole", there, json!([self.element("b", "new")]))
    }

    fn case(&self, name: &str, there: Value, patch: Value) -> PatchCase {
        PatchCase {
            name: format!("{}: {name}", self.line),
            documents: self.object(there),
            merge: Some(self.object(patch)),
            ..PatchCase::default()
        }
    }

    fn element(&self, name: &str, note: &str) -> Value {
        if self.keys == ["-"] {
            return json!(name);
        }
        let mut element: Map<_, _> =
            self.keys.iter().map(|key| (key.clone(), json!(name))).collect();
        // One that is there stays, and one that is there in both is overwritten.
        element.insert(format!("only-{note}"), json!(1));
        element.insert("both".to_owned(), json!(note));
        Value::Object(element)
    }

    fn directed(&self, name: &str, directive: &str) -> Value {
        let mut element: Map<_, _> =
            self.keys.iter().map(|key| (key.clone(), json!(name))).collect();
        element.insert("$patch".to_owned(), json!(directive));
        Value::Object(element)
    }

    /// An object that holds a list; JSON is YAML.
    fn object(&self, list: Value) -> String {
        let mut value = list;
        for step in self.path.iter().rev() {
            value = match step.strip_suffix(']').and_then(|step| step.split_once('[')) {
                None => json!({ step.as_str(): value }),
                Some((field, key)) => {
                    let Value::Object(mut element) = value else { return String::new() };
                    element.insert(key.to_owned(), json!("x"));
                    json!({ field: [element] })
                }
            };
        }
        let mut object = json!({"apiVersion": self.api_version, "kind": self.kind});
        merge(&mut object, value);
        merge(&mut object, json!({"metadata": {"name": "it"}}));
        format!("{object}\n")
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
