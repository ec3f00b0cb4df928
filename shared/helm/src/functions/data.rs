//! YAML, JSON and TOML.

use super::{Answer, Function, function};
use crate::context::Context;
use crate::value::{Entries, JsonError, List, ListKind, Ty, Value};
use crate::yaml::{self, Html, to_json, to_json_pretty};

const ANY: &[Ty] = &[Ty::Any];
const TEXT: &[Ty] = &[Ty::Str];

pub(super) const FUNCTIONS: &[Function] = &[
    function("toYaml", ANY, |context, args| forgotten(context, to_yaml(args.value(0)))),
    function("mustToYaml", ANY, |context, args| insisted(context, to_yaml(args.value(0)))).helm4(),
    function("toYamlPretty", ANY, |context, args| {
        forgotten(context, yaml::to_yaml_pretty(args.value(0)).map(without_newline))
    }),
    function("fromYaml", TEXT, |context, args| {
        context.step(args.text(0).len() / 64)?;
        Ok(forgive(from_yaml(args.text(0), Wanted::Map)))
    }),
    function("fromYamlArray", TEXT, |context, args| {
        context.step(args.text(0).len() / 64)?;
        Ok(forgive_list(from_yaml(args.text(0), Wanted::List)))
    }),
    function("toJson", ANY, |context, args| {
        forgotten(context, to_json(args.value(0), Html::Escaped))
    }),
    function("mustToJson", ANY, |context, args| {
        insisted(context, to_json(args.value(0), Html::Escaped))
    }),
    function("toPrettyJson", ANY, |context, args| {
        forgotten(context, to_json_pretty(args.value(0)))
    }),
    function("mustToPrettyJson", ANY, |context, args| {
        insisted(context, to_json_pretty(args.value(0)))
    }),
    function("toRawJson", ANY, |context, args| {
        insisted(context, to_json(args.value(0), Html::Raw))
    }),
    function("mustToRawJson", ANY, |context, args| {
        insisted(context, to_json(args.value(0), Html::Raw))
    }),
    function("fromJson", TEXT, |context, args| {
        context.step(args.text(0).len() / 64)?;
        Ok(forgive(yaml::from_json(args.text(0)).and_then(|value| wanted(value, Wanted::Map))))
    }),
    function("fromJsonArray", TEXT, |context, args| {
        context.step(args.text(0).len() / 64)?;
        let read = yaml::from_json(args.text(0)).and_then(|value| wanted(value, Wanted::List));
        Ok(forgive_list(read))
    }),
    function("mustFromJson", TEXT, |context, args| {
        context.step(args.text(0).len() / 64)?;
        yaml::from_json(args.text(0))
    }),
    function("toToml", ANY, |_, args| {
        Ok(crate::toml::to_toml(args.value(0)).unwrap_or_else(|message| message).into())
    }),
    function("mustToToml", ANY, |_, args| Ok(crate::toml::to_toml(args.value(0))?.into())).helm4(),
    function("fromToml", TEXT, |context, args| {
        context.step(args.text(0).len() / 64)?;
        Ok(forgive(crate::toml::from_toml(args.text(0))))
    }),
];

/// What a reader insists on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Map,
    List,
}

fn without_newline(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

fn to_yaml(value: &Value) -> Result<String, JsonError> {
    yaml::to_yaml(value).map(without_newline)
}

/// What was written; nothing if it could not be.
fn forgotten(context: &mut Context, written: Result<String, JsonError>) -> Answer {
    match written {
        Err(JsonError::Size) => context.end("a value grows too large to be written"),
        written => insisted(context, Ok(written.unwrap_or_default())),
    }
}

/// What was written, or why it could not be.
fn insisted(context: &mut Context, written: Result<String, JsonError>) -> Answer {
    match written {
        Err(JsonError::Size) => context.end("a value grows too large to be written"),
        Err(error) => Err(error.to_string()),
        Ok(text) => {
            // Writing costs more than the text takes.
            context.step(text.len() / 64)?;
            Ok(text.into())
        }
    }
}

/// Go's words for a value of another type.
fn wanted(value: Value, wanted: Wanted) -> Result<Value, String> {
    let found = match &value {
        Value::Map(_) if wanted == Wanted::Map => return Ok(value),
        Value::List(_) if wanted == Wanted::List => return Ok(value),
        Value::Nil | Value::Invalid if wanted == Wanted::Map => {
            return Ok(Value::map(Entries::new()));
        }
        Value::Nil | Value::Invalid => return Ok(Value::List(List::nil(ListKind::Any))),
        Value::Map(_) => "object",
        Value::List(_) => "array",
        Value::Bool(_) => "bool",
        Value::Str(_) => "string",
        _ => "number",
    };
    let ty = match wanted {
        Wanted::Map => "map[string]interface {}",
        Wanted::List => "[]interface {}",
    };
    Err(format!("json: cannot unmarshal {found} into Go value of type {ty}"))
}

fn from_yaml(text: &str, kind: Wanted) -> Result<Value, String> {
    let value = yaml::from_yaml(text).map_err(|error| error.to_string())?;
    if value.is_nil() {
        // The library leaves the empty map or list that it was given.
        return Ok(match kind {
            Wanted::Map => Value::map(Entries::new()),
            Wanted::List => Value::list(Vec::new()),
        });
    }
    wanted(value, kind)
        .map_err(|message| format!("error unmarshaling JSON: while decoding JSON: {message}"))
}

/// A map with the error in it; nil leaves a nil map.
fn forgive(read: Result<Value, String>) -> Value {
    read.unwrap_or_else(|message| {
        Value::map(Entries::from([("Error".into(), Value::from(message))]))
    })
}

fn forgive_list(read: Result<Value, String>) -> Value {
    read.unwrap_or_else(|message| Value::list(vec![Value::from(message)]))
}
