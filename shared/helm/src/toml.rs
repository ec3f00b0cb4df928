//! TOML, written as Go's library does.

use crate::format::{MAX_TEXT, quote};
use crate::template::deeper;
use crate::value::{MAX_DEPTH, Value};

/// A value as TOML.
///
/// # Errors
/// The library's, for what TOML cannot hold.
pub(crate) fn to_toml(value: &Value) -> Result<String, String> {
    let mut writer = Writer { out: String::new() };
    match value {
        Value::Map(_) => writer.table(&[], value)?,
        value if value.is_nil() => return Err("toml: cannot encode a nil value".to_owned()),
        // The library writes other values as they would stand behind a key.
        other => writer.element(other, 0)?,
    }
    Ok(writer.out)
}

struct Writer {
    out: String,
}

fn is_table(value: &Value) -> bool {
    matches!(value, Value::Map(_))
}

fn is_table_list(value: &Value) -> bool {
    value.as_list().is_some_and(|items| !items.is_empty() && items.iter().all(is_table))
}

impl Writer {
    fn new_line(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn indent(&mut self, key: &[String]) {
        self.out.extend(std::iter::repeat_n("  ", key.len().saturating_sub(1)));
    }

    fn table(&mut self, key: &[String], value: &Value) -> Result<(), String> {
        if key.len() == 1 {
            self.new_line();
        }
        if !key.is_empty() {
            self.indent(key);
            self.out.push_str(&format!("[{}]", key.join(".")));
            self.new_line();
        }
        self.entries(key, value)
    }

    fn entries(&mut self, key: &[String], value: &Value) -> Result<(), String> {
        if key.len() > MAX_DEPTH || self.out.len() > MAX_TEXT {
            return Err("values are too large, or contain themselves".to_owned());
        }
        let Value::Map(map) = value else { return Ok(()) };
        let nested = |value: &Value| is_table(value) || is_table_list(value);
        let entries = map.to_vec();
        for (name, value) in entries.iter().filter(|(_, value)| !nested(value)) {
            if value.is_nil() {
                continue;
            }
            let key = with(key, name);
            self.indent(&key);
            self.out.push_str(&key_text(name));
            self.out.push_str(" = ");
            self.element(value, 0)?;
            self.new_line();
        }
        for (name, value) in entries.iter().filter(|(_, value)| nested(value)) {
            let key = with(key, name);
            match value.as_list() {
                Some(items) => {
                    for item in items {
                        self.new_line();
                        self.indent(&key);
                        self.out.push_str(&format!("[[{}]]", key.join(".")));
                        self.new_line();
                        deeper(|| self.entries(&key, item))?;
                    }
                }
                None => deeper(|| self.table(&key, value))?,
            }
        }
        Ok(())
    }

    fn element(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH || self.out.len() > MAX_TEXT {
            return Err("values are too large, or contain themselves".to_owned());
        }
        match value {
            Value::Str(text) => self.out.push_str(&text_of(text)),
            Value::Bool(truth) => self.out.push_str(if *truth { "true" } else { "false" }),
            Value::Int(number) | Value::Int64(number) | Value::Other(_, number) => {
                self.out.push_str(&number.to_string());
            }
            Value::Float(number) => self.out.push_str(&float_text(*number)),
            Value::List(list) => {
                self.out.push('[');
                for (index, item) in list.items().iter().enumerate() {
                    if item.is_nil() {
                        return Err("toml: cannot encode array with nil element".to_owned());
                    }
                    self.out.push_str(if index > 0 { ", " } else { "" });
                    deeper(|| self.element(item, depth + 1))?;
                }
                self.out.push(']');
            }
            Value::Map(map) => {
                self.out.push('{');
                let entries = map.to_vec().into_iter().filter(|(_, value)| !value.is_nil());
                for (index, (name, value)) in entries.enumerate() {
                    self.out.push_str(if index > 0 { ", " } else { "" });
                    self.out.push_str(&key_text(&name));
                    self.out.push_str(" = ");
                    deeper(|| self.element(&value, depth + 1))?;
                }
                self.out.push('}');
            }
            other => {
                return Err(format!("unexpected type for encode: {}", other.type_name()));
            }
        }
        Ok(())
    }
}

fn with(key: &[String], name: &str) -> Vec<String> {
    key.iter().cloned().chain([key_text(name)]).collect()
}

fn key_text(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { text_of(name) }
}

fn text_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\x1f' | '\x7f' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let text = format!("{number}");
    if text.contains('.') { text } else { text + ".0" }
}

/// Reads a document into a map.
///
/// # Errors
/// What is wrong, and where. The words are not the library's.
pub(crate) fn from_toml(text: &str) -> Result<Value, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error
            .span()
            .map_or(1, |span| 1 + text.get(..span.start).unwrap_or_default().matches('\n').count());
        format!("toml: line {line}: {}", error.message())
    })?;
    Ok(value_of(&toml::Value::Table(table)))
}

fn value_of(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::str(text.as_str()),
        toml::Value::Integer(number) => Value::Int64(*number),
        toml::Value::Float(number) => Value::Float(*number),
        toml::Value::Boolean(truth) => Value::Bool(*truth),
        toml::Value::Datetime(time) => {
            let text = time.to_string();
            let layouts =
                ["2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02", "15:04:05"];
            let read = layouts.iter().find_map(|layout| crate::time::parse(layout, &text).ok());
            read.map_or_else(|| Value::str(quote(&text)), |time| time.to_value())
        }
        toml::Value::Array(items) => Value::list(items.iter().map(value_of).collect()),
        toml::Value::Table(entries) => Value::map(
            entries.iter().map(|(key, value)| (key.as_str().into(), value_of(value))).collect(),
        ),
    }
}
