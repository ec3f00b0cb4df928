//! The small language of `--set` and its family: `a.b[0].c=value,d={x,y}`.

use super::overrides::ReadFile;
use crate::{
    Dialect,
    format::quote,
    value::{Entries, Map, Str, Value},
};

/// The highest index of a list.
const MAX_INDEX: usize = 65_536;
/// How many dots a name may have.
const MAX_LEVEL: usize = 30;
/// How many brackets in a row: a list of lists for each.
const MAX_LISTS: usize = 30;

/// What stands behind the equals sign.
#[derive(Clone, Copy)]
pub(super) enum Kind<'r> {
    /// A truth, nil, a whole number, or a text.
    Typed,
    /// A text.
    Text,
    /// The name of a file, whose text it becomes.
    File(ReadFile<'r>),
    /// JSON.
    Json,
    /// A text to the end, whatever it holds.
    Literal,
}

/// Why a text is not read further.
enum Stop {
    /// It has ended, which may be right.
    End,
    /// It ended within an index, which Helm 3 takes for an error and Helm 4 for an end.
    EndOfIndex,
    /// It is wrong.
    Wrong(String),
}

type Reads<T> = Result<T, Stop>;

/// Reads a text and puts its values into `map`.
pub(super) fn parse_into(
    text: &str,
    map: &Map,
    kind: Kind<'_>,
    dialect: Dialect,
) -> Result<(), String> {
    let mut parser = Parser { text, at: 0, kind };
    loop {
        match parser.key(map, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::EndOfIndex) if dialect == Dialect::Helm4 => return Ok(()),
            Err(Stop::EndOfIndex) => return Err("error parsing index: EOF".to_owned()),
            Err(Stop::Wrong(text)) => return Err(text),
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    kind: Kind<'t>,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.rest().chars().next()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    /// Letters up to one of `stops`, which is taken too; a backslash makes the next one ordinary.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut taken = String::new();
        loop {
            match self.next() {
                None => return (taken, None),
                Some(letter) if stops.contains(&letter) => return (taken, Some(letter)),
                Some('\\') if !matches!(self.kind, Kind::Literal) => match self.next() {
                    Some(letter) => taken.push(letter),
                    None => return (taken, None),
                },
                Some(letter) => taken.push(letter),
            }
        }
    }

    fn key(&mut self, map: &Map, level: usize) -> Reads<()> {
        let literal = matches!(self.kind, Kind::Literal);
        let stops: &[char] = if literal { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, stop) = self.until(stops);
        match stop {
            None if key.is_empty() => Err(Stop::End),
            None => wrong(format!("key {} has no value", quote(&key))),
            Some('[') => self.indexed(map, key, level),
            Some('=') => self.assigned(map, &key),
            Some(',') => {
                set(map, &key, Value::str(""));
                wrong(format!("key {} has no value (cannot end with ,)", quote(&key)))
            }
            Some(_) => self.nested(map, &key, level + 1),
        }
    }

    fn nested(&mut self, map: &Map, key: &str, level: usize) -> Reads<()> {
        if level > MAX_LEVEL {
            return wrong(format!(
                "value name nested level is greater than maximum supported nested level of {MAX_LEVEL}"
            ));
        }
        let inner = match map.get(key) {
            None => Map::new(crate::value::MapKind::Any, Entries::new()),
            Some(Value::Map(inner)) => inner,
            Some(other) => return conversion(&other, "map[string]interface {}"),
        };
        let result = self.key(&inner, level);
        if result.is_ok() && inner.is_empty() {
            return wrong(format!("key map {} has no value", quote(key)));
        }
        if !inner.is_empty() {
            set(map, key, Value::Map(inner));
        }
        result
    }

    fn assigned(&mut self, map: &Map, key: &str) -> Reads<()> {
        let (value, ended) = self.value()?;
        set(map, key, value);
        if ended { Err(Stop::End) } else { Ok(()) }
    }

    fn indexed(&mut self, map: &Map, key: String, level: usize) -> Reads<()> {
        let index = self.index()?;
        let list = match map.get(&key) {
            None => Vec::new(),
            Some(Value::List(list)) => list.items().to_vec(),
            Some(other) => return conversion(&other, "[]interface {}"),
        };
        let mut list = list;
        let result = self.item(&mut list, index, level, 0);
        set(map, &key, Value::list(list));
        result
    }

    fn index(&mut self) -> Reads<usize> {
        let (digits, stop) = self.until(&[']']);
        if stop.is_none() {
            return Err(Stop::EndOfIndex);
        }
        match digits.parse::<i64>() {
            Ok(index) if index < 0 => wrong(format!("negative {index} index not allowed")),
            Ok(index) => Ok(usize::try_from(index).unwrap_or(usize::MAX)),
            Err(_) => wrong(format!(
                "error parsing index: strconv.Atoi: parsing {}: invalid syntax",
                quote(&digits)
            )),
        }
    }

    fn item(
        &mut self,
        list: &mut Vec<Value>,
        index: usize,
        level: usize,
        lists: usize,
    ) -> Reads<()> {
        let (between, stop) = self.until(&['[', '.', '=']);
        if !between.is_empty() {
            return wrong(format!("unexpected data at end of array index: {}", letters(&between)));
        }
        match stop {
            None => Err(Stop::End),
            Some('=') => {
                let (value, _) = self.value()?;
                put(list, index, value)
            }
            Some('[') => {
                if lists >= MAX_LISTS {
                    return wrong(format!("more than {MAX_LISTS} lists within each other"));
                }
                let next = self.index()?;
                let mut inner = match list.get(index) {
                    None | Some(Value::Nil) => Vec::new(),
                    Some(Value::List(inner)) => inner.items().to_vec(),
                    Some(other) => return conversion(other, "[]interface {}"),
                };
                self.item(&mut inner, next, level, lists + 1)?;
                put(list, index, Value::list(inner))
            }
            Some(_) => {
                let inner = match list.get(index) {
                    Some(Value::Map(inner)) => inner.clone(),
                    _ => Map::new(crate::value::MapKind::Any, Entries::new()),
                };
                let result = self.key(&inner, level);
                if let Some(place) = list.get_mut(index) {
                    *place = Value::Map(inner.clone());
                }
                result?;
                put(list, index, Value::Map(inner))
            }
        }
    }

    /// A value, and whether the text ended where it should have begun.
    fn value(&mut self) -> Reads<(Value, bool)> {
        match self.kind {
            Kind::Literal => {
                let rest = self.rest();
                self.at = self.text.len();
                Ok((Value::str(rest), false))
            }
            Kind::Json => self.json().map(|value| (value, false)),
            Kind::Typed | Kind::Text | Kind::File(_) => match self.rest().chars().next() {
                None => Ok((Value::str(""), true)),
                Some('{') => self.list().map(|value| (value, false)),
                Some(_) => {
                    let (text, _) = self.until(&[',']);
                    Ok((self.scalar(&text)?, false))
                }
            },
        }
    }

    fn list(&mut self) -> Reads<Value> {
        self.next();
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            match stop {
                None => return wrong("list must terminate with '}'".to_owned()),
                Some('}') => {
                    if self.rest().starts_with(',') {
                        self.next();
                    }
                    items.push(self.scalar(&text)?);
                    return Ok(Value::list(items));
                }
                Some(_) => items.push(self.scalar(&text)?),
            }
        }
    }

    fn scalar(&self, text: &str) -> Reads<Value> {
        match self.kind {
            Kind::File(read) => read(text).map(Value::from).map_err(Stop::Wrong),
            Kind::Typed => Ok(typed(text)),
            Kind::Text | Kind::Json | Kind::Literal => Ok(Value::str(text)),
        }
    }

    fn json(&mut self) -> Reads<Value> {
        if self.is_empty_value() {
            return Ok(Value::Nil);
        }
        // Whatever may follow: Go reads as far as the value goes.
        let rest = self.rest();
        let mut values = serde_json::Deserializer::from_str(&rest[..scalar_length(rest)])
            .into_iter::<serde_json::Value>();
        let Some(Ok(value)) = values.next() else { return wrong("no JSON".to_owned()) };
        self.at += values.byte_offset();
        self.is_empty_value();
        Ok(Value::from(&value))
    }

    /// Skips white space and one comma, and says whether there was nothing else.
    fn is_empty_value(&mut self) -> bool {
        loop {
            match self.rest().chars().next() {
                None => return true,
                Some(',') => {
                    self.next();
                    return true;
                }
                Some(letter) if letter.is_whitespace() => {
                    self.next();
                }
                Some(_) => return false,
            }
        }
    }
}

/// How long the number or word is that a text begins with; the whole text where it begins with neither.
fn scalar_length(text: &str) -> usize {
    for word in ["null", "true", "false"] {
        if text.starts_with(word) {
            return word.len();
        }
    }
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let sign = usize::from(text.starts_with('-'));
    let mut length = match digits(&text[sign..]) {
        0 => return text.len(),
        _ if text[sign..].starts_with('0') => sign + 1,
        count => sign + count,
    };
    if let Some(rest) = text[length..].strip_prefix('.') {
        length += 1 + digits(rest);
    }
    if let Some(rest) = text[length..].strip_prefix(['e', 'E']) {
        let sign = usize::from(rest.starts_with(['+', '-']));
        length += 1 + sign + digits(&rest[sign..]);
    }
    length
}

fn typed(text: &str) -> Value {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Value::Bool(true),
        _ if text.eq_ignore_ascii_case("false") => Value::Bool(false),
        _ if text.eq_ignore_ascii_case("null") => Value::Nil,
        "0" => Value::Int64(0),
        _ if text.starts_with('0') => Value::str(text),
        _ => text.parse().map_or_else(|_| Value::str(text), Value::Int64),
    }
}

/// Go's list of letters, each in quotes.
fn letters(text: &str) -> String {
    let quoted = text.chars().map(|letter| match letter {
        '\'' => r"'\''".to_owned(),
        '"' => "'\"'".to_owned(),
        other => {
            let text = quote(other.encode_utf8(&mut [0; 4]));
            format!("'{}'", text.trim_matches('"'))
        }
    });
    format!("[{}]", quoted.collect::<Vec<_>>().join(" "))
}

fn set(map: &Map, key: &str, value: Value) {
    if !key.is_empty() {
        map.insert(Str::from(key), value);
    }
}

fn put(list: &mut Vec<Value>, index: usize, value: Value) -> Reads<()> {
    if index > MAX_INDEX {
        return wrong(format!(
            "index of {index} is greater than maximum supported index of {MAX_INDEX}"
        ));
    }
    if list.len() <= index {
        list.resize(index + 1, Value::Nil);
    }
    list[index] = value;
    Ok(())
}

fn wrong<T>(text: String) -> Reads<T> {
    Err(Stop::Wrong(text))
}

/// Go's words when a value is not of the type that a path needs.
fn conversion<T>(value: &Value, wanted: &str) -> Reads<T> {
    let is = match value {
        Value::Nil | Value::Invalid => "nil",
        other => other.type_name(),
    };
    wrong(format!(
        "unable to parse key: interface conversion: interface {{}} is {is}, not {wanted}"
    ))
}
