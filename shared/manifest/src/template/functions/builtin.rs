//! The functions that Go's templates have themselves.

use std::cmp::Ordering;
use std::fmt::Write;

use super::super::format;
use super::{ANY, Arguments, Function, Value, function, wrong};

pub(super) const FUNCTIONS: &[Function] = &[
    function("and", 1, ANY, last_argument),
    function("or", 1, ANY, last_argument),
    function("not", 1, 1, |args| Ok(Value::Bool(!args.machine.is_true(args.value(0))))),
    function("eq", 2, ANY, eq),
    function("ne", 2, 2, |args| Ok(Value::Bool(!equal(args.value(0), args.value(1))?))),
    function("lt", 2, 2, |args| ordered(&args, |order| order == Ordering::Less)),
    function("le", 2, 2, |args| ordered(&args, |order| order != Ordering::Greater)),
    function("gt", 2, 2, |args| ordered(&args, |order| order == Ordering::Greater)),
    function("ge", 2, 2, |args| ordered(&args, |order| order != Ordering::Less)),
    function("len", 1, 1, len),
    function("index", 1, ANY, index),
    function("slice", 1, 4, slice),
    function("print", 0, ANY, |args| format::print(args.machine, args.values).map(Value::text)),
    function("println", 0, ANY, |args| format::println(args.machine, args.values).map(Value::text)),
    function("printf", 1, ANY, |args| {
        format::printf(args.machine, args.text(0)?, &args.values[1..]).map(Value::text)
    }),
    function("html", 0, ANY, |args| {
        format::print(args.machine, args.values).map(|text| Value::text(html(&text)))
    }),
    function("js", 0, ANY, |args| {
        format::print(args.machine, args.values).map(|text| Value::text(js(&text)))
    }),
    function("urlquery", 0, ANY, |args| {
        format::print(args.machine, args.values).map(|text| Value::text(urlquery(&text)))
    }),
];

/// `and` and `or` end early when an argument settles them; otherwise the last one is their result.
fn last_argument(args: Arguments<'_, '_>) -> Result<Value, String> {
    Ok(args.values.last().cloned().unwrap_or(Value::Nil))
}

/// Whether the first argument equals one of the others.
fn eq(args: Arguments<'_, '_>) -> Result<Value, String> {
    for other in &args.values[1..] {
        if equal(args.value(0), other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn equal(left: &Value, right: &Value) -> Result<bool, String> {
    match (left, right) {
        (Value::Nil, Value::Nil) => Ok(true),
        (Value::Nil, _) | (_, Value::Nil) => Ok(false),
        (Value::Bool(left), Value::Bool(right)) => Ok(left == right),
        (Value::Int(left), Value::Int(right)) => Ok(left == right),
        (Value::Float(left), Value::Float(right)) => Ok(left == right),
        (Value::Text(left), Value::Text(right)) => Ok(left == right),
        _ => Err(incomparable(left, right)),
    }
}

fn ordered(args: &Arguments<'_, '_>, holds: fn(Ordering) -> bool) -> Result<Value, String> {
    let (left, right) = (args.value(0), args.value(1));
    let order = match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        _ => return Err(incomparable(left, right)),
    };
    Ok(Value::Bool(order.is_some_and(holds)))
}

fn incomparable(left: &Value, right: &Value) -> String {
    format!("cannot compare {} with {}", left.kind(), right.kind())
}

fn len(args: Arguments<'_, '_>) -> Result<Value, String> {
    match args.value(0) {
        value @ (Value::Text(_) | Value::List(_) | Value::Dict(_) | Value::Variables) => {
            Ok(Value::length(args.machine.length(value)))
        }
        other => Err(wrong(0, "a text, list or map", other)),
    }
}

/// Follows keys and indexes. A variable that is not set is empty; in other maps it is nil.
fn index(args: Arguments<'_, '_>) -> Result<Value, String> {
    let mut value = args.value(0).clone();
    for (position, key) in args.values.iter().enumerate().skip(1) {
        value = match (&value, key) {
            (Value::Variables, Value::Text(name)) => {
                Value::text(args.machine.variables.get(name.as_ref()).map_or("", String::as_str))
            }
            (Value::Dict(id), Value::Text(name)) => {
                args.machine.dict(*id).get(name.as_ref()).cloned().unwrap_or(Value::Nil)
            }
            (Value::List(list), Value::Int(index)) => {
                let item = usize::try_from(*index).ok().and_then(|index| list.items().get(index));
                item.cloned().ok_or_else(|| format!("the list has no item {index}"))?
            }
            (Value::Text(text), Value::Int(index)) => {
                let byte =
                    usize::try_from(*index).ok().and_then(|index| text.as_bytes().get(index));
                byte.map(|byte| Value::Int(i64::from(*byte)))
                    .ok_or_else(|| format!("the text has no byte {index}"))?
            }
            (Value::Variables | Value::Dict(_), key) => return Err(wrong(position, "a text", key)),
            (Value::List(_) | Value::Text(_), key) => {
                return Err(wrong(position, "an integer", key));
            }
            (value, _) => return Err(format!("{} has no items", value.kind())),
        };
    }
    Ok(value)
}

fn slice(args: Arguments<'_, '_>) -> Result<Value, String> {
    let value = args.value(0);
    let length = match value {
        Value::Text(_) | Value::List(_) => args.machine.length(value),
        other => return Err(wrong(0, "a text or list", other)),
    };
    let start = if args.len() > 1 { args.count(1)? } else { 0 };
    let end = if args.len() > 2 { args.count(2)? } else { length };
    if args.len() > 3 {
        return Err("a capacity has no meaning here; leave the last argument out".to_owned());
    }
    let outside = || format!("{start} to {end} is outside of the length {length}");
    match value {
        Value::Text(text) => text.get(start..end).map(Value::text).ok_or_else(outside),
        Value::List(list) => {
            Value::list(list.items().get(start..end).ok_or_else(outside)?.to_vec())
        }
        other => Err(wrong(0, "a text or list", other)),
    }
}

fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\0' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

fn js(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '\'' | '"' => escaped.extend(['\\', c]),
            // Writing to a String cannot fail.
            '<' | '>' | '&' | '=' | '\0'..' ' => drop(write!(escaped, "\\u{:04X}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

fn urlquery(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte))
            }
            b' ' => escaped.push('+'),
            byte => drop(write!(escaped, "%{byte:02X}")),
        }
    }
    escaped
}
