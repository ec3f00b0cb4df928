//! What a plain scalar means, by the rules of YAML 1.1 that Go's library follows.

use std::sync::LazyLock;

use regex::Regex;

use crate::template::literals::{parse_float, parse_int};
use crate::time;
use crate::value::Value;

/// The meaning of a scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meaning {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer that only fits without a sign.
    Uint(u64),
    Float(f64),
    /// A moment; as a value it stays a text.
    Timestamp,
    Str,
}

static FLOAT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$").ok());

static BASE_60: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$").ok());

/// Resolves a plain scalar.
pub(super) fn resolve(text: &str) -> Meaning {
    match text.bytes().next() {
        None => Meaning::Null,
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => {
            word(text)
        }
        Some(b'.') => match text {
            ".nan" | ".NaN" | ".NAN" => Meaning::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" => Meaning::Float(f64::INFINITY),
            text => parse_float(text).map_or(Meaning::Str, Meaning::Float),
        },
        Some(b'+' | b'-') => match &text[1..] {
            ".inf" | ".Inf" | ".INF" if text.starts_with('-') => Meaning::Float(f64::NEG_INFINITY),
            ".inf" | ".Inf" | ".INF" => Meaning::Float(f64::INFINITY),
            _ => number(text),
        },
        Some(b'0'..=b'9') => number(text),
        Some(_) => Meaning::Str,
    }
}

/// The value of a plain scalar, as if it stood alone in a document: all numbers are `float64`.
pub fn plain_scalar(text: &str) -> Value {
    match resolve(text) {
        Meaning::Null => Value::Nil,
        Meaning::Bool(truth) => Value::Bool(truth),
        Meaning::Int(number) => Value::Float(number as f64),
        Meaning::Uint(number) => Value::Float(number as f64),
        Meaning::Float(number) => Value::Float(number),
        Meaning::Timestamp | Meaning::Str => Value::str(text),
    }
}

fn word(text: &str) -> Meaning {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Meaning::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Meaning::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Meaning::Null,
        _ => Meaning::Str,
    }
}

fn number(text: &str) -> Meaning {
    if is_timestamp(text) {
        return Meaning::Timestamp;
    }
    let held;
    let plain = if text.contains('_') {
        held = text.replace('_', "");
        held.as_str()
    } else {
        text
    };
    // Decimal digits without a leading zero are the common case.
    if !plain.starts_with('0')
        && plain.len() < 18
        && plain.bytes().all(|c| c.is_ascii_digit())
        && let Ok(int) = plain.parse()
    {
        return Meaning::Int(int);
    }
    if let Some(int) = parse_int(plain) {
        return Meaning::Int(int);
    }
    if let Ok(uint) = plain.parse::<u64>()
        && !plain.starts_with(['+', '0'])
    {
        return Meaning::Uint(uint);
    }
    if let Some(hex) = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X"))
        && let Ok(uint) = u64::from_str_radix(hex, 16)
    {
        return Meaning::Uint(uint);
    }
    if FLOAT.as_ref().is_some_and(|float| float.is_match(plain))
        && let Some(float) = parse_float(plain)
    {
        return Meaning::Float(float);
    }
    Meaning::Str
}

/// Whether a text is a date, or a date with a time, in one of the forms of the library.
fn is_timestamp(text: &str) -> bool {
    const LAYOUTS: [&str; 4] = [
        "2006-1-2T15:4:5.999999999Z07:00",
        "2006-1-2t15:4:5.999999999Z07:00",
        "2006-1-2 15:4:5.999999999",
        "2006-1-2",
    ];
    let bytes = text.as_bytes();
    bytes.get(4) == Some(&b'-')
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && LAYOUTS.iter().any(|layout| time::parse(layout, text).is_ok())
}

/// Whether a text is to be written in quotes because it would be read as something else without them.
pub(super) fn needs_quotes(text: &str) -> bool {
    let base_60 = || {
        text.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '-')
            && text.contains(':')
            && BASE_60.as_ref().is_some_and(|base| base.is_match(text))
    };
    resolve(text) != Meaning::Str || base_60()
}
