//! JSON, in and out.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value as Json};

use super::super::MAX_DEPTH;
use super::super::machine::{Machine, too_deep};
use super::{Function, Value, function};

pub(super) const FUNCTIONS: &[Function] = &[
    function("fromJson", 1, 1, |args| {
        let json: Json = serde_json::from_str(args.text(0)?)
            .map_err(|error| format!("the text is not JSON: {error}"))?;
        from_json(args.machine, json)
    }),
    function("toJson", 1, 1, |args| {
        let json = to_json(args.machine, args.value(0), 0)?;
        Ok(Value::text(escape_html(&json.to_string())))
    }),
    function("toRawJson", 1, 1, |args| {
        Ok(Value::text(to_json(args.machine, args.value(0), 0)?.to_string()))
    }),
    function("toPrettyJson", 1, 1, |args| {
        let json = to_json(args.machine, args.value(0), 0)?;
        let pretty = serde_json::to_string_pretty(&json).map_err(|error| error.to_string())?;
        Ok(Value::text(escape_html(&pretty)))
    }),
];

/// All numbers of JSON are decimal ones, as in Go.
fn from_json(machine: &mut Machine<'_>, json: Json) -> Result<Value, String> {
    machine.spend(0)?;
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => Value::Float(number.as_f64().ok_or("a number is too large")?),
        Json::String(text) => Value::text(text),
        Json::Array(items) => {
            let items =
                items.into_iter().map(|item| from_json(machine, item)).collect::<Result<_, _>>()?;
            Value::list(items)?
        }
        Json::Object(fields) => {
            let mut dict = BTreeMap::new();
            for (key, value) in fields {
                dict.insert(key, from_json(machine, value)?);
            }
            machine.new_dict(dict)
        }
    })
}

fn to_json(machine: &mut Machine<'_>, value: &Value, depth: usize) -> Result<Json, String> {
    machine.spend(machine.size(value))?;
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    Ok(match value {
        Value::Nil => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int(number) => Json::Number((*number).into()),
        Value::Float(number) => Json::Number(json_number(*number)?),
        Value::Text(text) => Json::String(text.to_string()),
        Value::List(list) => {
            let items = list.items().iter().map(|item| to_json(machine, item, depth + 1));
            Json::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Dict(id) => {
            let mut fields = Map::new();
            for (key, value) in machine.dict(*id).clone() {
                fields.insert(key, to_json(machine, &value, depth + 1)?);
            }
            Json::Object(fields)
        }
        Value::Variables => {
            let fields = machine
                .variables
                .iter()
                .map(|(key, value)| (key.clone(), Json::String(value.clone())));
            Json::Object(fields.collect())
        }
    })
}

/// Whole numbers are written without a fraction.
fn json_number(number: f64) -> Result<Number, String> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "the number is whole and within 2^53")]
    if number.fract() == 0.0 && number.abs() < EXACT {
        return Ok((number as i64).into());
    }
    Number::from_f64(number)
        .ok_or_else(|| "a number is not finite, which JSON cannot say".to_owned())
}

/// Go writes these characters as escapes, so that JSON can stand in a page.
fn escape_html(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
