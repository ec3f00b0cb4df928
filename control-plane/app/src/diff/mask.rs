//! Hides the values of Secrets in YAML, and says only whether they differ.
//!
//! A document is shown as it is written unless it may hold a secret; then it is written anew, without
//! the values and without comments. One that cannot be read is not shown at all.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Stands for a value, and for a second, different value of the same key.
const HIDDEN: &str = "‹hidden›";
const HIDDEN_OTHER: &str = "‹hidden, changed›";

/// What a Secret may have besides its values.
const OPEN_FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "type", "immutable"];

/// An annotation in which tools keep the whole object.
const WHOLE_OBJECT: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Whether a file is of a kind in which secrets can be found.
pub(super) fn is_shown(path: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end))
}

/// Both sides of a file with the values of Secrets hidden.
pub(super) fn hide_secrets(before: &str, after: &str) -> (String, String) {
    let mut seen = Seen::default();
    (seen.hide(before), seen.hide(after))
}

/// The first value of each place where a secret stands, to tell whether another one differs.
#[derive(Default)]
struct Seen(HashMap<String, String>);

impl Seen {
    fn hide(&mut self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        for (number, document) in documents(text).into_iter().enumerate() {
            let Ok(parsed) = serde_saphyr::from_multiple::<Value>(document) else {
                self.push_unreadable(&mut shown, number, document);
                continue;
            };
            if parsed.iter().any(may_hold_secrets) {
                self.push_hidden(&mut shown, document, parsed);
            } else {
                shown.push_str(document);
            }
        }
        shown
    }

    fn push_unreadable(&mut self, shown: &mut String, number: usize, document: &str) {
        let word = self.word(format!("document {number}"), document.to_owned());
        shown.push_str(&format!(
            "# {word}: cannot be read as YAML, so secrets in it could not be hidden alone\n"
        ));
    }

    fn push_hidden(&mut self, shown: &mut String, document: &str, parsed: Vec<Value>) {
        if document.starts_with("---") {
            shown.push_str("---\n");
        }
        for mut value in parsed {
            let place = identity(&value);
            self.hide_in(&place, &mut value);
            // What was read can be written; were it otherwise, nothing of it would be shown.
            shown.push_str(&serde_saphyr::to_string(&value).unwrap_or_default());
        }
    }

    fn hide_in(&mut self, place: &str, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                let is_secret = is_secret(fields);
                for (key, value) in fields {
                    let place = format!("{place}/{key}");
                    let generator = key == "secretGenerator" || key == WHOLE_OBJECT;
                    if generator || (is_secret && !OPEN_FIELDS.contains(&key.as_str())) {
                        self.hide_all(&place, value);
                    } else {
                        self.hide_in(&place, value);
                    }
                }
            }
            Value::Array(items) => {
                for (number, item) in items.iter_mut().enumerate() {
                    let place = format!("{place}/{number}{}", identity(item));
                    self.hide_in(&place, item);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn hide_all(&mut self, place: &str, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.hide_all(&format!("{place}/{key}"), value);
                }
            }
            Value::Array(items) => {
                for (number, item) in items.iter_mut().enumerate() {
                    self.hide_all(&format!("{place}/{number}"), item);
                }
            }
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                let word = self.word(place.to_owned(), value.to_string());
                *value = Value::String(word.to_owned());
            }
        }
    }

    fn word(&mut self, place: String, value: String) -> &'static str {
        let first = self.0.entry(place).or_insert_with(|| value.clone());
        if *first == value { HIDDEN } else { HIDDEN_OTHER }
    }
}

/// The documents of a text, each with the `---` before it. Nothing but a marker begins a line so: text
/// of a scalar is indented.
fn documents(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let marks = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']));
        if marks && at > start {
            documents.push(&text[start..at]);
            start = at;
        }
        at += line.len();
    }
    if at > start {
        documents.push(&text[start..at]);
    }
    documents
}

fn may_hold_secrets(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            is_secret(fields)
                || fields.iter().any(|(key, value)| {
                    key == "secretGenerator" || key == WHOLE_OBJECT || may_hold_secrets(value)
                })
        }
        Value::Array(items) => items.iter().any(may_hold_secrets),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Of any version: hiding too much does no harm.
fn is_secret(fields: &Map<String, Value>) -> bool {
    fields.get("kind").and_then(Value::as_str) == Some("Secret")
}

fn identity(value: &Value) -> String {
    let metadata = |field: &str| value["metadata"][field].as_str().unwrap_or_default();
    let kind = value["kind"].as_str().unwrap_or_default();
    format!("{kind}:{}:{}", metadata("namespace"), metadata("name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> String {
        hide_secrets("", text).1
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is_written() {
        let text =
            "# a comment\nkind: ConfigMap\ndata: {a: |\n  b}\n---\nkind: Deployment\nspec: {}\n";
        let text = text.replace("{a: |\n  b}", "\n  a: |\n    --- no marker\n    b");
        assert_eq!(hidden(&text), text);
    }

    #[test]
    fn no_way_of_writing_a_secret_shows_its_values() {
        for text in [
            "kind: Secret\nstringData:\n  a: canary\n",
            "kind: Secret\ndata: {a: canary, b: [canary]}\n",
            "{\"kind\": \"Secret\", \"data\": {\"a\": \"canary\"}}\n",
            "\"kind\": 'Secret'\n\"data\":\n  a: |\n    canary\n    canary\n",
            "kind: Secret\nx: &v {a: canary}\ndata: *v\n",
            "kind: Secret # canary\nstringData: {a: b} # canary\n",
            "kind: List\nitems:\n- kind: Secret\n  data: {a: canary}\n",
            "kind: Secret\nmetadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: canary\n",
            "kind: Kustomization\nsecretGenerator:\n- literals: [a=canary]\n",
            "kind: ConfigMap\n---\nkind: Secret\ndata: {a: canary}\n---\nkind: ConfigMap\n",
            "kind: Secret\ndata: {a: canary\n",
            "kind: Secret\nkind: Secret\ndata: {a: canary}\n",
            "--- {kind: Secret, data: {a: canary}}\n",
            "kind: Secret\r\ndata:\r\n  a: canary\r\n",
        ] {
            let shown = hidden(text);
            assert!(!shown.contains("canary"), "{text} is shown as {shown}");
        }
    }

    #[test]
    fn a_value_that_changed_is_told_from_one_that_did_not() {
        let secret = |a: &str| format!("kind: Secret\ndata:\n  a: {a}\n  b: same\n");
        let (before, after) = hide_secrets(&secret("one"), &secret("two"));
        assert_ne!(before, after);
        assert_eq!(after.matches("changed").count(), 1, "{after}");
        let (before, after) = hide_secrets(&secret("one"), &secret("one"));
        assert_eq!(before, after);
        // Equal values of two keys do not tell of each other.
        assert_eq!(hidden("kind: Secret\ndata: {a: x, b: y}\n").matches(HIDDEN).count(), 2);
    }

    #[test]
    fn only_files_in_which_secrets_are_found_are_shown() {
        assert!(is_shown("web/deployment.yaml") && is_shown("a.yml") && is_shown("a.json"));
        assert!(!is_shown("web/.env") && !is_shown("web/tls.key") && !is_shown("README"));
    }
}
