//! From nodes to values, by way of JSON: keys become texts, and all numbers `float64`.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::node::{CORE, Content, Document, parse};
use super::resolve::{Meaning, resolve};
use crate::format::{float, quote};
use crate::value::{Entries, Value, from_bytes};

/// A text that is no YAML, or YAML that cannot become a value; in the words of Go's library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error converting YAML to JSON: {text}")]
pub struct YamlError {
    text: String,
}

impl YamlError {
    pub(super) fn new(problem: impl AsRef<str>) -> Self {
        Self { text: format!("yaml: {}", problem.as_ref()) }
    }

    fn json(problem: impl Into<String>) -> Self {
        Self { text: problem.into() }
    }

    /// The library counts lines from 1 for these,
    pub(super) fn at_scan(line: usize, context: usize, problem: impl Into<String>) -> Self {
        let line = if line > 0 { line + 1 } else { context };
        Self::on_line(line, &problem.into())
    }

    /// and from 0 for those.
    pub(super) fn at_parse(line: usize, context: usize, problem: &str) -> Self {
        Self::on_line(if line > 0 { line } else { context }, problem)
    }

    fn on_line(line: usize, problem: &str) -> Self {
        if line == 0 { Self::new(problem) } else { Self::new(format!("line {line}: {problem}")) }
    }

    /// Without the words of the wrapper around the library.
    pub fn library_text(&self) -> &str {
        &self.text
    }
}

/// Reads the first document of a text. An empty one is nil. Of equal keys the last counts.
///
/// # Errors
/// The library's.
pub fn from_yaml(text: &str) -> Result<Value, YamlError> {
    read(text, false)
}

/// The same, but equal keys are an error.
///
/// # Errors
/// The library's.
pub fn from_yaml_strict(text: &str) -> Result<Value, YamlError> {
    read(text, true)
}

fn read(text: &str, strict: bool) -> Result<Value, YamlError> {
    check_characters(text)?;
    let document = parse(text)?;
    let Some(root) = document.root else { return Ok(Value::Nil) };
    let mut decoder = Decoder {
        document: &document,
        strict,
        duplicates: Vec::new(),
        open: HashSet::new(),
        decoded: 0,
        aliased: 0,
        alias_depth: 0,
    };
    let value = decoder.decode(root)?;
    if !decoder.duplicates.is_empty() {
        let lines = decoder.duplicates.join("\n  ");
        return Err(YamlError::new(format!("unmarshal errors:\n  {lines}")));
    }
    value.check_numbers()?;
    Ok(value.into_value())
}

pub(super) fn check_characters(text: &str) -> Result<(), YamlError> {
    let plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t' | b'\r');
    if text.bytes().all(plain) {
        return Ok(());
    }
    for c in text.chars() {
        match c {
            // Carries a byte that is no UTF-8.
            '\u{10ff80}'..='\u{10ffff}' => {
                return Err(YamlError::new("invalid leading UTF-8 octet"));
            }
            '\t'
            | '\n'
            | '\r'
            | ' '..='~'
            | '\u{85}'
            | '\u{a0}'..='\u{d7ff}'
            | '\u{e000}'..='\u{fffd}'
            | '\u{10000}'.. => {}
            _ => return Err(YamlError::new("control characters are not allowed")),
        }
    }
    Ok(())
}

struct Decoder<'d> {
    document: &'d Document<'d>,
    strict: bool,
    duplicates: Vec<String>,
    /// The aliases that are being followed.
    open: HashSet<usize>,
    decoded: u64,
    aliased: u64,
    alias_depth: usize,
}

/// A value before JSON.
enum Raw {
    Value(Value),
    Int(i64),
    Uint(u64),
    List(Vec<Self>),
    Map(Vec<(Key, Self)>),
}

/// A key before JSON: of different types, equal texts are different keys.
#[derive(PartialEq)]
enum Key {
    Str(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// One that JSON cannot have, as its type and Go's text.
    Other(&'static str, String),
}

impl Raw {
    fn check_numbers(&self) -> Result<(), YamlError> {
        match self {
            Self::Value(Value::Float(number)) if !number.is_finite() => {
                Err(YamlError::json(format!("json: unsupported value: {}", float(*number))))
            }
            Self::List(items) => items.iter().try_for_each(Self::check_numbers),
            Self::Map(entries) => entries.iter().try_for_each(|(key, value)| {
                if let Key::Other(ty, text) = key {
                    let value = match value {
                        // Only within others does Go name the type of a nil.
                        Self::Value(value) if value.is_nil() => "<nil>".to_owned(),
                        value => value.go_text(),
                    };
                    return Err(YamlError::json(format!(
                        "unsupported map key of type: {ty}, key: {text}, value: {value}"
                    )));
                }
                value.check_numbers()
            }),
            _ => Ok(()),
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Int(number) => Value::Float(number as f64),
            Self::Uint(number) => Value::Float(number as f64),
            Self::List(items) => Value::list(items.into_iter().map(Self::into_value).collect()),
            Self::Map(entries) => {
                let mut map = Entries::new();
                for (key, value) in entries {
                    map.insert(key.into_text().into(), value.into_value());
                }
                Value::map(map)
            }
        }
    }

    /// As `%#v` prints it.
    fn go_text(&self) -> String {
        match self {
            Self::Value(Value::Str(text)) => quote(text),
            Self::Value(value) if value.is_nil() => "interface {}(nil)".to_owned(),
            Self::Value(value) => {
                crate::format::to_text(value).map(|text| text.to_string()).unwrap_or_default()
            }
            Self::Int(number) => number.to_string(),
            Self::Uint(number) => format!("0x{number:x}"),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::go_text).collect();
                format!("[]interface {{}}{{{}}}", items.join(", "))
            }
            Self::Map(entries) => {
                let entry =
                    |(key, value): &(Key, Self)| format!("{}:{}", key.go_text(), value.go_text());
                let mut entries: Vec<String> = entries.iter().map(entry).collect();
                entries.sort();
                format!("map[interface {{}}]interface {{}}{{{}}}", entries.join(", "))
            }
        }
    }
}

impl Key {
    fn into_text(self) -> String {
        match self {
            Self::Str(text) | Self::Other(_, text) => text,
            Self::Int(number) => number.to_string(),
            // The library prints it as a number of 32 bits.
            Self::Float(number) => float_key(number),
            Self::Bool(truth) => truth.to_string(),
        }
    }

    fn go_text(&self) -> String {
        match self {
            Self::Str(text) => quote(text),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => float(*number),
            Self::Bool(truth) => truth.to_string(),
            Self::Other(_, text) => text.clone(),
        }
    }
}

fn float_key(number: f64) -> String {
    match number {
        number if number.is_nan() => ".nan".to_owned(),
        f64::INFINITY => ".inf".to_owned(),
        f64::NEG_INFINITY => "-.inf".to_owned(),
        number => {
            // The shortest digits of the nearest number of 32 bits.
            let short = (number as f32).to_string().parse().unwrap_or(number);
            float(short)
        }
    }
}

impl Decoder<'_> {
    fn decode(&mut self, index: usize) -> Result<Raw, YamlError> {
        self.decoded += 1;
        self.aliased += u64::from(self.alias_depth > 0);
        self.check_aliases()?;
        let node = &self.document.nodes[index];
        match &node.content {
            Content::Alias(target, name) => {
                if !self.open.insert(*target) {
                    return Err(YamlError::new(format!("anchor '{name}' value contains itself")));
                }
                self.alias_depth += 1;
                let value = self.decode(*target);
                self.alias_depth -= 1;
                self.open.remove(target);
                value
            }
            Content::Scalar { text, tag, plain } => scalar(text, tag, *plain),
            Content::Sequence(items) => Ok(Raw::List(
                items.iter().map(|item| self.decode(*item)).collect::<Result<_, _>>()?,
            )),
            Content::Mapping(entries) => {
                let mut map = Vec::with_capacity(entries.len());
                self.mapping(entries, &mut map)?;
                Ok(Raw::Map(map))
            }
        }
    }

    /// The library's guard against documents that grow by aliases.
    fn check_aliases(&self) -> Result<(), YamlError> {
        const LOW: f64 = 400_000.0;
        const HIGH: f64 = 4_000_000.0;
        if self.aliased <= 100 || self.decoded <= 1000 {
            return Ok(());
        }
        let decoded = self.decoded as f64;
        let allowed = 0.99 - 0.89 * ((decoded.clamp(LOW, HIGH) - LOW) / (HIGH - LOW));
        if self.aliased as f64 / decoded > allowed {
            return Err(YamlError::new("document contains excessive aliasing"));
        }
        Ok(())
    }

    fn mapping(
        &mut self,
        entries: &[(usize, usize)],
        map: &mut Vec<(Key, Raw)>,
    ) -> Result<(), YamlError> {
        // Many keys are looked up by their texts instead of one after the other.
        let mut known: HashSet<String> = HashSet::new();
        for (key, value) in entries {
            if self.is_merge(*key) {
                self.merge(*value, map)?;
                known.extend(map.iter().filter_map(|(key, _)| match key {
                    Key::Str(text) => Some(text.clone()),
                    _ => None,
                }));
                continue;
            }
            let line = self.document.nodes[*value].line + 1;
            let key = key_of(self.decode(*key)?)?;
            let value = self.decode(*value)?;
            let fresh = matches!(&key, Key::Str(text) if known.insert(text.clone()));
            if fresh {
                map.push((key, value));
                continue;
            }
            match map.iter_mut().find(|(other, _)| *other == key) {
                Some(_) if self.strict => self
                    .duplicates
                    .push(format!("line {line}: key {} already set in map", key.go_text())),
                Some((_, old)) => *old = value,
                None => map.push((key, value)),
            }
        }
        Ok(())
    }

    fn is_merge(&self, key: usize) -> bool {
        match &self.document.nodes[key].content {
            Content::Scalar { text, tag, plain } => {
                text == "<<" && (*plain || tag.strip_prefix(CORE) == Some("merge"))
            }
            _ => false,
        }
    }

    /// Puts the entries of `<<` into the map; what stood before is overwritten.
    fn merge(&mut self, value: usize, map: &mut Vec<(Key, Raw)>) -> Result<(), YamlError> {
        let wrong = || YamlError::new("map merge requires map or sequence of maps as the value");
        let document = self.document;
        let is_map = |index: usize| match &document.nodes[index].content {
            Content::Mapping(_) => true,
            Content::Alias(target, _) => {
                matches!(document.nodes[*target].content, Content::Mapping(_))
            }
            _ => false,
        };
        let sources = match &document.nodes[value].content {
            Content::Sequence(items) => items.iter().rev().copied().collect(),
            _ => vec![value],
        };
        for source in sources {
            if !is_map(source) {
                return Err(wrong());
            }
            let Raw::Map(entries) = self.decode(source)? else { return Err(wrong()) };
            for (key, value) in entries {
                match map.iter_mut().find(|(other, _)| *other == key) {
                    Some((_, old)) => *old = value,
                    None => map.push((key, value)),
                }
            }
        }
        Ok(())
    }
}

fn key_of(raw: Raw) -> Result<Key, YamlError> {
    Ok(match raw {
        Raw::Value(Value::Str(text)) => Key::Str(text.to_string()),
        Raw::Value(Value::Bool(truth)) => Key::Bool(truth),
        Raw::Value(Value::Float(number)) => Key::Float(number),
        Raw::Value(_) => Key::Other("%!s(<nil>)", "<nil>".to_owned()),
        Raw::Int(number) => Key::Int(number),
        Raw::Uint(number) => Key::Other("uint64", format!("0x{number:x}")),
        raw @ (Raw::List(_) | Raw::Map(_)) => {
            return Err(YamlError::new(format!("invalid map key: {}", raw.go_text())));
        }
    })
}

fn scalar(text: &str, tag: &str, plain: bool) -> Result<Raw, YamlError> {
    let string = || Ok(Raw::Value(Value::str(text)));
    if tag.is_empty() && !plain {
        return string();
    }
    let short = match tag.strip_prefix(CORE) {
        Some("binary") => {
            let bytes = STANDARD
                .decode(text.replace(['\n', '\r'], ""))
                .map_err(|_| YamlError::new("!!binary value contains invalid base64 data"))?;
            return Ok(Raw::Value(Value::str(from_bytes(&bytes))));
        }
        Some("str") => return string(),
        Some(short @ ("bool" | "int" | "float" | "null" | "timestamp")) => short,
        None if tag.is_empty() => "",
        _ => return string(),
    };
    let meaning = resolve(text);
    let (found, raw) = match meaning {
        Meaning::Null => ("null", Raw::Value(Value::Nil)),
        Meaning::Bool(truth) => ("bool", Raw::Value(Value::Bool(truth))),
        Meaning::Int(number) if short == "float" => {
            ("float", Raw::Value(Value::Float(number as f64)))
        }
        Meaning::Int(number) => ("int", Raw::Int(number)),
        Meaning::Uint(number) => ("int", Raw::Uint(number)),
        Meaning::Float(number) => ("float", Raw::Value(Value::Float(number))),
        Meaning::Timestamp => ("timestamp", Raw::Value(Value::str(text))),
        Meaning::Str => ("str", Raw::Value(Value::str(text))),
    };
    if short.is_empty() || short == found {
        return Ok(raw);
    }
    Err(YamlError::new(format!("cannot decode !!{found} `{text}` as a !!{short}")))
}
