//! JSON as the same tree that YAML gives, without places.

use std::rc::Rc;

use serde_json::Value;

use crate::yaml::{Entry, Form, Kind, Node, Scalar};

/// How deep values may be nested; parsers of JSON stop at about the same depth.
const MAX_DEPTH: usize = 128;

/// Makes a tree of `value`, or nothing if it is nested too deep.
pub(super) fn to_node(value: &Value) -> Option<Node> {
    convert(value, 0)
}

fn convert(value: &Value, depth: usize) -> Option<Node> {
    if depth > MAX_DEPTH {
        return None;
    }
    let child = |value: &Value| convert(value, depth + 1).map(Rc::new);
    let kind = match value {
        Value::Null => Kind::Null,
        Value::Bool(_) | Value::Number(_) => {
            Kind::Scalar(Scalar { text: value.to_string(), form: Form::JsonLiteral })
        }
        Value::String(text) => Kind::Scalar(Scalar { text: text.clone(), form: Form::Quoted }),
        Value::Array(items) => Kind::List(items.iter().map(child).collect::<Option<_>>()?),
        Value::Object(fields) => {
            let entry = |(key, value): (&String, &Value)| {
                Some(Entry { key: key.clone(), key_place: None, value: child(value)? })
            };
            Kind::Map(fields.iter().map(entry).collect::<Option<_>>()?)
        }
    };
    Some(Node::new(None, kind))
}
