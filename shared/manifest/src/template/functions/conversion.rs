//! From one kind of value to another.

use super::super::format;
use super::super::literals::parse_int;
use super::super::machine::Machine;
use super::{Arguments, Function, Value, function};

pub(super) const FUNCTIONS: &[Function] = &[
    function("int", 1, 1, |args| Ok(Value::Int(to_int(args.value(0))))),
    function("int64", 1, 1, |args| Ok(Value::Int(to_int(args.value(0))))),
    function("float64", 1, 1, |args| Ok(Value::Float(to_float(args.value(0))))),
    function("atoi", 1, 1, |args| Ok(Value::Int(args.text(0)?.parse().unwrap_or(0)))),
    function("toDecimal", 1, 1, |args| {
        let octal = to_text(args.machine, args.value(0))?;
        Ok(Value::Int(i64::from_str_radix(&octal, 8).unwrap_or(0)))
    }),
    function("toString", 1, 1, |args| to_text(args.machine, args.value(0)).map(Value::text)),
    function("toStrings", 1, 1, to_strings),
    function("kindOf", 1, 1, |args| Ok(Value::text(go_kind(args.value(0))))),
    function("kindIs", 2, 2, |args| Ok(Value::Bool(args.text(0)? == go_kind(args.value(1))))),
];

/// A value as an integer, in sprig's lenient way: what is no number is 0.
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        // The cast saturates; Go leaves such numbers undefined.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "dropping the fraction is what `int` does"
        )]
        Value::Float(number) => *number as i64,
        Value::Bool(truth) => i64::from(*truth),
        Value::Text(text) => parse_int(without_zero_decimals(text)).unwrap_or(0),
        Value::Nil | Value::List(_) | Value::Dict(_) | Value::Variables => 0,
    }
}

/// A value as a decimal number, in the same way.
pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        #[expect(
            clippy::cast_precision_loss,
            reason = "integers beyond 2^53 are rounded, as in Go"
        )]
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        Value::Text(text) => text.parse().unwrap_or(0.0),
        Value::Nil | Value::List(_) | Value::Dict(_) | Value::Variables => 0.0,
    }
}

/// A value as a text: what `toString` gives.
pub(super) fn to_text(machine: &mut Machine<'_>, value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) => {
            machine.spend(text.len())?;
            Ok(text.to_string())
        }
        other => format::display(machine, other),
    }
}

/// The items of a list as texts, without nil; a single value is a list of itself.
pub(super) fn texts(machine: &mut Machine<'_>, value: &Value) -> Result<Vec<String>, String> {
    let items = match value {
        Value::Nil => return Ok(Vec::new()),
        Value::List(list) => list.items(),
        other => std::slice::from_ref(other),
    };
    items
        .iter()
        .filter(|item| !matches!(item, Value::Nil))
        .map(|item| to_text(machine, item))
        .collect()
}

fn to_strings(args: Arguments<'_, '_>) -> Result<Value, String> {
    let texts = texts(args.machine, args.value(0))?;
    Value::list(texts.iter().map(Value::text).collect())
}

/// `1.00` is an integer too.
fn without_zero_decimals(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, decimals))
            if !decimals.is_empty() && decimals.bytes().all(|digit| digit == b'0') =>
        {
            whole
        }
        _ => text,
    }
}

fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float64",
        Value::Text(_) => "string",
        Value::List(_) => "slice",
        Value::Dict(_) | Value::Variables => "map",
    }
}
