//! The shapes of the API: their fields as tables, their names as links, and an example of each.

use serde_json::{Map, Value, json};

use super::sentence;
use crate::markdown::anchor;

/// Shapes refer to each other; an example does not need more than this.
const DEEPEST_EXAMPLE: usize = 4;

/// A section for each shape.
pub(crate) fn all(document: &Value) -> String {
    let mut body = String::from(
        "Readers must ignore fields that they do not know: new ones may come at any time. A field that is not marked \
         as required may be absent or `null`.\n\n",
    );
    let shapes = document["components"]["schemas"].as_object().into_iter().flatten();
    for (name, shape) in shapes {
        body.push_str(&format!("## {} {{#{}}}\n\n", name.replace('_', " of "), anchor(name)));
        if let Some(text) = shape["description"].as_str() {
            body.push_str(&format!("{}\n\n", sentence(text)));
        }
        fields(&mut body, shape);
    }
    body
}

fn fields(body: &mut String, shape: &Value) {
    let Some(fields) = shape["properties"].as_object() else {
        body.push_str(&format!("It is {}.\n\n", kind(shape)));
        return;
    };
    let required = shape["required"].as_array().cloned().unwrap_or_default();
    body.push_str("| field | type | meaning |\n| --- | --- | --- |\n");
    for (name, field) in fields {
        let mark = if required.contains(&json!(name)) { " (required)" } else { "" };
        body.push_str(&format!(
            "| `{name}`{mark} | {} | {} |\n",
            kind(field),
            sentence(field["description"].as_str().unwrap_or_default())
        ));
    }
    body.push('\n');
}

/// The name behind a reference.
pub(crate) fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// A shape as a link, or what it is otherwise.
pub(crate) fn name_of(schema: &Value) -> String {
    if let Some(name) = referred(schema) {
        return format!("[{}](/docs/api/shapes#{})", name.replace('_', " of "), anchor(name));
    }
    if schema["type"] == "array" {
        return format!("a list of {}", name_of(&schema["items"]));
    }
    schema["type"].as_str().map_or_else(|| "text".to_owned(), word)
}

/// The type of a value, in a word.
pub(crate) fn kind(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<_> =
            words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
        return words.join(", ");
    }
    if referred(schema).is_some() || schema["type"] == "array" {
        return name_of(schema);
    }
    // An optional value is one of a type, or null.
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(some) = schema[choice].as_array() {
            let found = some.iter().find(|one| one["type"] != "null");
            return found.map_or_else(|| "null".to_owned(), kind);
        }
    }
    match &schema["type"] {
        Value::String(name) => word(name),
        Value::Array(names) => {
            let name = names.iter().filter_map(Value::as_str).find(|name| *name != "null");
            name.map_or_else(|| "null".to_owned(), word)
        }
        _ => "anything".to_owned(),
    }
}

fn word(name: &str) -> String {
    match name {
        "string" => "text",
        "integer" | "number" => "number",
        "boolean" => "true or false",
        "object" => "map",
        "array" => "list",
        other => other,
    }
    .to_owned()
}

/// A value of a shape: its required fields, or all of them where none is.
pub(crate) fn example(schema: &Value, document: &Value) -> Value {
    example_at(schema, document, 0)
}

fn example_at(schema: &Value, document: &Value, depth: usize) -> Value {
    if let Some(name) = referred(schema) {
        return example_at(&document["components"]["schemas"][name], document, depth);
    }
    if let Some(given) = schema.get("example").or_else(|| schema["examples"].get(0)) {
        return given.clone();
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    let Some(fields) = schema["properties"].as_object() else {
        return scalar(schema, document, depth);
    };
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let mut value = Map::new();
    for (name, field) in fields {
        let wanted = required.is_empty() || required.contains(&json!(name));
        if wanted && depth < DEEPEST_EXAMPLE {
            value.insert(name.clone(), named(name, field, document, depth));
        }
    }
    Value::Object(value)
}

/// What stands in the examples for a field of this name.
fn named(name: &str, field: &Value, document: &Value, depth: usize) -> Value {
    let text = match name {
        "name" | "environment" | "env" => "production",
        "app" => "web",
        "url" => "https://git.example.com/acme/shop.git",
        "repository" => "acme/shop",
        "namespace" => "shop",
        "sha" => "8f31c2a",
        "login" => "ana",
        "role" => "developer",
        _ => return example_at(field, document, depth + 1),
    };
    match kind(field).as_str() {
        "text" => json!(text),
        _ => example_at(field, document, depth + 1),
    }
}

fn scalar(schema: &Value, document: &Value, depth: usize) -> Value {
    match kind(schema).as_str() {
        "text" => json!("…"),
        "number" => json!(schema["minimum"].as_i64().unwrap_or(1)),
        "true or false" => json!(true),
        _ if schema["type"] == "array" && depth < DEEPEST_EXAMPLE => {
            json!([example_at(&schema["items"], document, depth + 1)])
        }
        _ if schema["type"] == "array" => json!([]),
        _ => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_has_a_table_of_fields_and_an_example() {
        let document = json!({"components": {"schemas": {
            "New": {"type": "object", "description": "Adds one.", "required": ["name", "kind"], "properties": {
                "name": {"type": "string", "description": "A label"},
                "kind": {"$ref": "#/components/schemas/Kind"},
                "limit": {"type": ["integer", "null"]},
                "more": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Kind"}]}
            }},
            "Kind": {"type": "string", "enum": ["a", "b"]}
        }}});
        let body = all(&document);
        for line in [
            "## New {#new}",
            "| `name` (required) | text | A label. |",
            "| `kind` (required) | [Kind](/docs/api/shapes#kind) |",
            "| `limit` | number |",
            "| `more` | [Kind](/docs/api/shapes#kind) |",
            "It is `a`, `b`.",
        ] {
            assert!(body.contains(line), "{line}: {body}");
        }
        let reference = json!({"$ref": "#/components/schemas/New"});
        assert_eq!(example(&reference, &document), json!({"name": "production", "kind": "a"}));
    }
}
