//! Writes JSON as Go's `encoding/json` does.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::format::{MAX_TEXT, float, json_float, push_int};
use crate::template::deeper;
use crate::time::Time;
use crate::value::{JsonError, MAX_DEPTH, Object, Value};

/// Whether `<`, `>` and `&` are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Html {
    /// As Go does unless told otherwise.
    Escaped,
    /// As `toRawJson` has it.
    Raw,
}

/// A value as JSON on one line.
///
/// # Errors
/// A number or depth that JSON has no room for.
pub fn to_json(value: &Value, html: Html) -> Result<String, JsonError> {
    let mut writer = Writer { out: String::new(), html, pretty: false };
    writer.value(value, 0)?;
    Ok(writer.out)
}

/// A value as JSON, indented by two spaces.
///
/// # Errors
/// As for [`to_json`].
pub fn to_json_pretty(value: &Value) -> Result<String, JsonError> {
    let mut writer = Writer { out: String::new(), html: Html::Escaped, pretty: true };
    writer.value(value, 0)?;
    Ok(writer.out)
}

struct Writer {
    out: String,
    html: Html,
    pretty: bool,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), JsonError> {
        if depth > MAX_DEPTH {
            return Err(JsonError::Depth);
        }
        if self.out.len() > MAX_TEXT {
            return Err(JsonError::Size);
        }
        match value {
            Value::Invalid | Value::Nil => self.out.push_str("null"),
            Value::Bool(truth) => self.out.push_str(if *truth { "true" } else { "false" }),
            Value::Other(kind, number) if kind.is_unsigned() => {
                self.out.push_str(&(*number as u64).to_string());
            }
            Value::Int(number) | Value::Int64(number) | Value::Other(_, number) => {
                push_int(&mut self.out, *number);
            }
            Value::Float(number) if number.is_finite() => self.out.push_str(&json_float(*number)),
            Value::Float(number) => return Err(JsonError::Number { number: float(*number) }),
            Value::Str(text) => push_string(&mut self.out, text, self.html),
            Value::Bytes(bytes) => push_string(&mut self.out, &base64(bytes), self.html),
            Value::List(list) if list.is_nil() => self.out.push_str("null"),
            Value::List(list) => {
                let items = list.items().iter();
                self.sequence('[', ']', depth, items, |writer, item| {
                    deeper(|| writer.value(item, depth + 1))
                })?;
            }
            Value::Map(map) => {
                self.sequence('{', '}', depth, map.entries().iter(), |writer, (key, value)| {
                    writer.entry(key, value, depth)
                })?;
            }
            Value::Object(object) => match object_text(object) {
                Some(text) => push_string(&mut self.out, &text, self.html),
                None => {
                    let fields = object_fields(object);
                    self.sequence('{', '}', depth, fields.iter(), |writer, (key, value)| {
                        writer.entry(key, value, depth)
                    })?;
                }
            },
        }
        Ok(())
    }

    fn entry(&mut self, key: &str, value: &Value, depth: usize) -> Result<(), JsonError> {
        push_string(&mut self.out, key, self.html);
        self.out.push_str(if self.pretty { ": " } else { ":" });
        deeper(|| self.value(value, depth + 1))
    }

    fn sequence<T>(
        &mut self,
        open: char,
        close: char,
        depth: usize,
        items: impl Iterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.out.push(open);
        let mut any = false;
        for item in items {
            if std::mem::replace(&mut any, true) {
                self.out.push(',');
            }
            self.new_line(depth + 1);
            write(self, item)?;
        }
        if any {
            self.new_line(depth);
        }
        self.out.push(close);
        Ok(())
    }

    fn new_line(&mut self, depth: usize) {
        if self.pretty {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", depth));
        }
    }
}

fn push_string(out: &mut String, text: &str, html: Html) {
    out.push('"');
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let escaped: Cow<'static, str> = match c {
            '"' => "\\\"".into(),
            '\\' => "\\\\".into(),
            '\n' => "\\n".into(),
            '\r' => "\\r".into(),
            '\t' => "\\t".into(),
            '\u{8}' => "\\b".into(),
            '\u{c}' => "\\f".into(),
            '<' | '>' | '&' if html == Html::Raw => continue,
            '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let mut code = String::with_capacity(6);
                // Writing to a string does not fail.
                let _ = write!(code, "\\u{:04x}", u32::from(c));
                code.into()
            }
            // Carries a byte that is no UTF-8.
            '\u{10ff80}'..='\u{10ffff}' => "\\ufffd".into(),
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        out.push_str(&escaped);
        plain = at + c.len_utf8();
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

/// Bytes as JSON has them.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// What a structure that is a text becomes.
pub(super) fn object_text(object: &Object) -> Option<String> {
    match object.type_name() {
        "time.Time" => {
            let time = Time::of(&Value::Object(object.clone()))?;
            Some(time.format("2006-01-02T15:04:05.999999999Z07:00"))
        }
        "*semver.Version" => object.text().map(|text| text.to_string()),
        _ => None,
    }
}

/// The fields of a structure by their names in JSON. Those of a chart's metadata have names of their own and are
/// left out when empty.
pub(super) fn object_fields(object: &Object) -> Vec<(Cow<'static, str>, Value)> {
    let tagged = object.type_name().contains("chart.");
    let is_version = object.type_name() == "version.BuildInfo";
    let mut fields = Vec::with_capacity(object.fields().len());
    for (name, value) in object.fields() {
        if !name.starts_with(char::is_uppercase) {
            continue;
        }
        if is_version {
            fields.push((snake_case(name).into(), value.clone()));
        } else if !tagged || *name == "IsRoot" {
            fields.push((Cow::Borrowed(*name), value.clone()));
        } else if value.is_true() {
            fields.push((tag(name), value.clone()));
        }
    }
    fields
}

fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for (place, letter) in name.char_indices() {
        if letter.is_uppercase() && place > 0 {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

fn tag(name: &'static str) -> Cow<'static, str> {
    match name {
        "APIVersion" => "apiVersion".into(),
        "ImportValues" => "import-values".into(),
        "URL" => "url".into(),
        name => {
            let mut chars = name.chars();
            let first = chars.next().map(|c| c.to_ascii_lowercase());
            first.into_iter().chain(chars).collect::<String>().into()
        }
    }
}
