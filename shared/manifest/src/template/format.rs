//! Values as texts, in the manner of Go's `fmt`.

mod numbers;
mod printf;

use super::MAX_DEPTH;
use super::machine::{Growing, Machine, too_deep};
use super::value::Value;

pub(super) use numbers::display_float;
pub(super) use printf::printf;

/// A value as an action prints it.
pub(super) fn display(machine: &mut Machine<'_>, value: &Value) -> Result<String, String> {
    let mut text = Growing::default();
    write_value(machine, value, &mut text, 0)?;
    Ok(text.into_string())
}

/// Values one after the other, with spaces between those of which neither is a text.
pub(super) fn print(machine: &mut Machine<'_>, values: &[Value]) -> Result<String, String> {
    let mut text = Growing::default();
    let mut after_text = true;
    for value in values {
        let is_text = matches!(value, Value::Text(_));
        if !after_text && !is_text {
            text.push(" ")?;
        }
        write_value(machine, value, &mut text, 0)?;
        after_text = is_text;
    }
    Ok(text.into_string())
}

/// Values with spaces between them, and a newline.
pub(super) fn println(machine: &mut Machine<'_>, values: &[Value]) -> Result<String, String> {
    let mut text = Growing::default();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push(" ")?;
        }
        write_value(machine, value, &mut text, 0)?;
    }
    text.push("\n")?;
    Ok(text.into_string())
}

fn write_value(
    machine: &mut Machine<'_>,
    value: &Value,
    text: &mut Growing,
    depth: usize,
) -> Result<(), String> {
    if depth > 2 * MAX_DEPTH {
        return Err(too_deep());
    }
    match value {
        Value::Nil => text.push("<nil>"),
        Value::Bool(truth) => text.push(if *truth { "true" } else { "false" }),
        Value::Int(number) => text.push(&number.to_string()),
        Value::Float(number) => text.push(&display_float(*number)),
        Value::Text(part) => text.push(part),
        Value::List(list) => {
            text.push("[")?;
            for (index, item) in list.items().iter().enumerate() {
                if index > 0 {
                    text.push(" ")?;
                }
                write_value(machine, item, text, depth + 1)?;
            }
            text.push("]")
        }
        Value::Dict(id) => {
            let dict = machine.dict(*id).clone();
            machine.spend(dict.len())?;
            let entries = dict.iter().map(|(key, value)| (key.as_str(), value.clone()));
            write_map(machine, entries, text, depth)
        }
        Value::Variables => {
            let variables = machine.variables;
            let entries = variables.iter().map(|(key, value)| (key.as_str(), Value::text(value)));
            write_map(machine, entries, text, depth)
        }
    }
}

fn write_map<'k>(
    machine: &mut Machine<'_>,
    entries: impl Iterator<Item = (&'k str, Value)>,
    text: &mut Growing,
    depth: usize,
) -> Result<(), String> {
    text.push("map[")?;
    for (index, (key, value)) in entries.enumerate() {
        if index > 0 {
            text.push(" ")?;
        }
        text.push(key)?;
        text.push(":")?;
        write_value(machine, &value, text, depth + 1)?;
    }
    text.push("]")
}

/// A text in double quotes with Go's escapes.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            c if is_printable(c) => quoted.push(c),
            c if u32::from(c) < 0x80 => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x10000 => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether Go prints the character as it is: letters, marks, numbers, punctuation, symbols and the ASCII space.
fn is_printable(c: char) -> bool {
    let hidden = matches!(u32::from(c), 0xad | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff
        | 0xe000..=0xf8ff | 0xfff9..=0xfffb | 0xe0000..=0x10ffff);
    c == ' ' || !(c.is_control() || c.is_whitespace() || hidden)
}
