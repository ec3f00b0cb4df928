//! Values as texts, in the manner of Go's `fmt` and `strconv`.

mod numbers;
mod printer;
mod printf;
mod quoting;

use crate::value::{Str, Value};

pub(crate) use numbers::{float, json_float, push_int};
pub(crate) use printer::Printer;
pub(crate) use printf::printf;
pub(crate) use quoting::{is_printable, quote};

/// The longest text that is ever made, in bytes.
pub(crate) const MAX_TEXT: usize = 16 << 20;

/// Appends a value as an action prints it.
///
/// # Errors
/// A value that is nested too deep, or a text that grows too long.
pub(crate) fn push_value(out: &mut String, value: &Value) -> Result<(), String> {
    match value {
        Value::Str(text) => out.push_str(text),
        Value::Int(number) | Value::Int64(number) => push_int(out, *number),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Float(number) => out.push_str(&float(*number)),
        other => {
            let mut printer = Printer::new(std::mem::take(out));
            let result = printer.print(other, 'v');
            *out = printer.into_string();
            result?;
        }
    }
    Ok(())
}

/// A value as sprig's `strval` and `%v` have it.
pub(crate) fn to_text(value: &Value) -> Result<Str, String> {
    match value {
        Value::Str(text) => Ok(text.clone()),
        Value::Bytes(bytes) => Ok(crate::value::from_bytes(bytes).into()),
        other => {
            let mut out = String::new();
            push_value(&mut out, other)?;
            Ok(out.into())
        }
    }
}

/// Values one after the other, with spaces between those of which neither is a text.
pub(crate) fn print(values: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut after_text = true;
    for value in values {
        let is_text = matches!(value, Value::Str(_));
        if !after_text && !is_text {
            out.push(' ');
        }
        push_value(&mut out, value)?;
        after_text = is_text;
    }
    Ok(out)
}

/// Values with spaces between them, and a newline.
pub(crate) fn println(values: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        push_value(&mut out, value)?;
    }
    out.push('\n');
    Ok(out)
}

#[cfg(test)]
mod tests;
