//! Go's own functions that print, index and measure, and those that run templates.

use super::{Answer, Args, Does, Function, function, special};
use crate::format;
use crate::template::NO_VALUE;
use crate::value::{IntKind, MapKind, Ty, Value, from_bytes, to_bytes};

pub(super) const TEMPLATES: &[Function] = &[
    special("include", &[Ty::Str, Ty::Any], Does::Include),
    special("tpl", &[Ty::Str, Ty::Any], Does::Tpl),
    special("call", &[Ty::Reflect], Does::Call).rest(Ty::Reflect),
    // There is no cluster to look into.
    function("lookup", &[Ty::Str, Ty::Str, Ty::Str, Ty::Str], |_, _| {
        Ok(Value::map(Default::default()))
    }),
];

pub(super) const FUNCTIONS: &[Function] =
    &[
        function("print", &[], |_, args| Ok(format::print(args.0)?.into())).rest(Ty::Any),
        function("println", &[], |_, args| Ok(format::println(args.0)?.into())).rest(Ty::Any),
        function("printf", &[Ty::Str], |_, args| {
            Ok(format::printf(args.text(0), args.from(1))?.into())
        })
        .rest(Ty::Any),
        function("len", &[Ty::Reflect], |_, args| length(args.value(0))),
        function("index", &[Ty::Reflect], |_, args| index(args)).rest(Ty::Reflect),
        function("html", &[], |_, args| Ok(html(&joined(args)?).into())).rest(Ty::Any),
        function("js", &[], |_, args| Ok(js(&joined(args)?).into())).rest(Ty::Any),
        function("urlquery", &[], |_, args| Ok(query_escape(&joined(args)?).into())).rest(Ty::Any),
    ];

fn length(value: &Value) -> Answer {
    Ok(Value::length(match value {
        Value::Str(text) => to_bytes(text).len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.items().len(),
        Value::Map(map) => map.len(),
        Value::Nil => return Err("len of nil pointer".to_owned()),
        Value::Invalid => {
            // Go asks an invalid value for its type, and stumbles.
            return Err("reflect: call of reflect.Value.Type on zero Value".to_owned());
        }
        other => return Err(format!("len of type {}", pointed(other))),
    }))
}

/// The type behind a pointer.
fn pointed(value: &Value) -> &'static str {
    value.type_name().trim_start_matches('*')
}

fn index(args: Args<'_>) -> Answer {
    let mut item = args.value(0).clone();
    if item.is_nil() {
        return Err("index of untyped nil".to_owned());
    }
    for key in args.from(1) {
        item = match &item {
            Value::Invalid | Value::Nil => return Err("index of nil pointer".to_owned()),
            Value::List(list) => {
                let at = position(key, list.items().len())?;
                list.items().get(at).cloned().ok_or_else(|| out_of_range("slice"))?
            }
            Value::Bytes(bytes) => byte_at(bytes, key)?,
            Value::Str(text) => byte_at(&to_bytes(text), key)?,
            Value::Map(map) => {
                let name = match key {
                    Value::Str(name) => name,
                    Value::Invalid | Value::Nil => {
                        return Err("value is nil; should be of type string".to_owned());
                    }
                    other => {
                        let ty = other.type_name();
                        return Err(format!("value has type {ty}; should be string"));
                    }
                };
                map.get(name).unwrap_or_else(|| match map.kind() {
                    MapKind::Strings => Value::str(""),
                    _ => Value::Nil,
                })
            }
            other => return Err(format!("can't index item of type {}", pointed(other))),
        };
    }
    Ok(item)
}

fn byte_at(bytes: &[u8], key: &Value) -> Answer {
    let at = position(key, bytes.len())?;
    let byte = bytes.get(at).ok_or_else(|| out_of_range("string"))?;
    Ok(Value::Other(IntKind::Uint8, i64::from(*byte)))
}

fn out_of_range(what: &str) -> String {
    format!("reflect: {what} index out of range")
}

/// An index up to `length` itself, Go's own looseness.
fn position(key: &Value, length: usize) -> Result<usize, String> {
    match key {
        Value::Int(number) | Value::Int64(number) | Value::Other(_, number) => {
            usize::try_from(*number)
                .ok()
                .filter(|at| *at <= length)
                .ok_or_else(|| format!("index out of range: {number}"))
        }
        Value::Invalid | Value::Nil => Err("cannot index slice/array with nil".to_owned()),
        other => Err(format!("cannot index slice/array with type {}", other.type_name())),
    }
}

/// Arguments as one text, as an action prints them.
fn joined(args: Args<'_>) -> Result<String, String> {
    let mut values = args.0.to_vec();
    values.iter_mut().filter(|value| value.is_nil()).for_each(|value| *value = NO_VALUE.into());
    format::print(&values)
}

fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => escaped.push('\u{fffd}'),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn js(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\'' => escaped.push_str("\\'"),
            '"' => escaped.push_str("\\\""),
            '<' | '>' | '&' | '=' | '\0'..='\x1f' => {
                escaped.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c if c.is_ascii() || format::is_printable(c) => escaped.push(c),
            c => escaped.push_str(&format!("\\u{:04X}", u32::from(c))),
        }
    }
    escaped
}

/// A text as part of a query: everything but letters, digits and `-_.~` escaped, spaces as `+`.
pub(super) fn query_escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in to_bytes(text).iter() {
        match byte {
            b' ' => escaped.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(*byte));
            }
            byte => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// A part of a text by bytes, which may cut through a character.
pub(super) fn byte_slice(text: &str, start: usize, end: usize) -> Value {
    if let Some(part) = text.get(start..end).filter(|_| !text.as_bytes().contains(&0xf4)) {
        return Value::str(part);
    }
    let bytes = to_bytes(text);
    Value::str(from_bytes(bytes.get(start..end).unwrap_or_default()))
}
