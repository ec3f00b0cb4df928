//! Conversions between values, as Go's `cast` library makes them.

use crate::context::Context;
use crate::format::to_text;
use crate::template::literals::{parse_float, parse_int};
use crate::value::{IntKind, Str, Value};

/// A value as an integer; what is none counts as 0.
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number,
        // Of the named types the library knows the months and weekdays only.
        Value::Other(IntKind::Duration, _) => 0,
        Value::Other(_, number) => *number,
        Value::Float(number) => float_to_int(*number),
        Value::Bool(truth) => i64::from(*truth),
        Value::Str(text) => parse_int(without_zero_decimals(text)).unwrap_or(0),
        _ => 0,
    }
}

/// A decimal number's whole part. What does not fit becomes the smallest integer, as on x86.
pub(super) fn float_to_int(number: f64) -> i64 {
    // 2 to the 63rd; below it the conversion is exact.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    if (-BOUND..BOUND).contains(&number) { number as i64 } else { i64::MIN }
}

/// Takes off a dot with nothing but zeros after it.
fn without_zero_decimals(text: &str) -> &str {
    match text.rsplit_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|c| c == b'0') => whole,
        _ => text,
    }
}

/// A value as a decimal number; what is none counts as 0.
pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number as f64,
        Value::Other(IntKind::Duration, _) => 0.0,
        Value::Other(IntKind::Uint64, number) => (*number as u64) as f64,
        Value::Other(_, number) => *number as f64,
        Value::Float(number) => *number,
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        Value::Str(text) => text_to_float(text),
        _ => 0.0,
    }
}

fn text_to_float(text: &str) -> f64 {
    let (sign, word) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    match word.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => sign * f64::INFINITY,
        "nan" => f64::NAN,
        _ => parse_float(text).unwrap_or(0.0),
    }
}

/// A value as a list of texts, nils left out; no list is a list of one.
pub(super) fn to_texts(context: &mut Context, value: &Value) -> Result<Vec<Str>, String> {
    let items = match value {
        Value::List(list) => list.items(),
        Value::Bytes(bytes) => {
            return Ok(bytes.iter().map(|byte| byte.to_string().into()).collect());
        }
        Value::Invalid | Value::Nil => return Ok(Vec::new()),
        other => std::slice::from_ref(other),
    };
    context.charge_items(items.len())?;
    items.iter().filter(|item| !item.is_nil()).map(to_text).collect()
}
