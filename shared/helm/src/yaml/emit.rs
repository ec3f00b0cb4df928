//! Writes YAML as Go's second library does, which `toYaml` uses.

use std::borrow::Cow;

use super::escape::push_double_quoted;
use super::json::Html;
use super::order;
use super::resolve::needs_quotes;
use super::scan::Scanner;
use crate::format::{MAX_TEXT, float, push_int};
use crate::template::deeper;
use crate::value::{JsonError, MAX_DEPTH, Map, Object, Value};

/// Beyond this column, a line is broken at the next space.
const WIDTH: usize = 80;

/// How far the next level is indented.
const INDENT: usize = 2;

/// A longer key is written after a `?`.
const MAX_SIMPLE_KEY: usize = 128;

/// A value as a YAML document, with a newline at its end.
///
/// # Errors
/// A number or depth that YAML has no room for.
pub fn to_yaml(value: &Value) -> Result<String, JsonError> {
    write(value, false)
}

/// The same with lists indented below their keys, as `toYamlPretty` has them.
///
/// # Errors
/// As for [`to_yaml`].
pub fn to_yaml_pretty(value: &Value) -> Result<String, JsonError> {
    write(value, true)
}

fn write(value: &Value, indents_lists: bool) -> Result<String, JsonError> {
    let mut emitter = Emitter {
        out: String::with_capacity(256),
        column: 0,
        indent: None,
        whitespace: true,
        indention: true,
        indents_lists,
        depth: 0,
    };
    emitter.node(value, Place::Root)?;
    emitter.write_indent();
    Ok(emitter.out)
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Item,
    Value,
}

struct Emitter {
    out: String,
    /// In characters.
    column: usize,
    /// None outside of everything.
    indent: Option<usize>,
    /// Whether the last character was white space that separates.
    whitespace: bool,
    /// Whether the line has nothing but indentation, and indicators that count as such.
    indention: bool,
    indents_lists: bool,
    depth: usize,
}

impl Emitter {
    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn put_str(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += if text.is_ascii() { text.len() } else { text.chars().count() };
    }

    fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || self.column == indent && !self.whitespace {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn indicator(&mut self, text: &str, needs_space: bool, is_space: bool, is_indention: bool) {
        if needs_space && !self.whitespace {
            self.put(' ');
        }
        self.put_str(text);
        self.whitespace = is_space;
        self.indention = self.indention && is_indention;
    }

    /// Runs `run` one level deeper.
    fn indented<T>(
        &mut self,
        indentless: bool,
        first: usize,
        run: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let outer = self.indent;
        self.indent = Some(match outer {
            None => first,
            Some(indent) if indentless => indent,
            Some(indent) => indent + INDENT,
        });
        let result = run(self);
        self.indent = outer;
        result
    }

    fn node(&mut self, value: &Value, place: Place) -> Result<(), JsonError> {
        if self.depth > MAX_DEPTH {
            return Err(JsonError::Depth);
        }
        if self.out.len() > MAX_TEXT {
            return Err(JsonError::Size);
        }
        match value {
            Value::Invalid | Value::Nil => self.plain("null"),
            Value::Bool(truth) => self.plain(if *truth { "true" } else { "false" }),
            Value::Int(number) | Value::Int64(number) => self.int(*number),
            Value::Other(kind, number) if kind.is_unsigned() => {
                self.plain(&(*number as u64).to_string());
            }
            Value::Other(_, number) => self.int(*number),
            Value::Float(number) => self.float(*number)?,
            Value::Str(text) => self.scalar(text)?,
            Value::Bytes(bytes) => self.scalar(&super::json::base64(bytes))?,
            Value::List(list) if list.is_nil() => self.plain("null"),
            Value::List(list) if list.items().is_empty() => {
                self.indicator("[]", true, false, false)
            }
            Value::List(list) => deeper(|| self.list(list.items(), place))?,
            Value::Map(map) => deeper(|| self.map(map))?,
            Value::Object(object) => deeper(|| self.object(object))?,
        }
        Ok(())
    }

    fn int(&mut self, number: i64) {
        let mut text = String::new();
        push_int(&mut text, number);
        self.plain(&text);
    }

    /// A number goes through JSON, which writes whole ones without an exponent, and back. It writes as few digits as
    /// tell it from others, and zeros for the rest: what fits 64 bits may not fit any more.
    fn float(&mut self, number: f64) -> Result<(), JsonError> {
        if !number.is_finite() {
            return Err(JsonError::Number { number: float(number) });
        }
        if number.fract() == 0.0 {
            // Minus zero is a whole number without its sign.
            let digits = (number + 0.0).to_string();
            if digits.parse::<i64>().is_ok() || digits.parse::<u64>().is_ok() {
                self.plain(&digits);
                return Ok(());
            }
        }
        self.plain(&float(number));
        Ok(())
    }

    fn plain(&mut self, text: &str) {
        if !self.whitespace {
            self.put(' ');
        }
        self.put_str(text);
        self.whitespace = false;
        self.indention = false;
    }

    fn list(&mut self, items: &[Value], place: Place) -> Result<(), JsonError> {
        let indentless = place == Place::Value && !self.indention && !self.indents_lists;
        self.depth += 1;
        let result = self.indented(indentless, 0, |emitter| {
            items.iter().try_for_each(|item| {
                emitter.write_indent();
                emitter.indicator("-", true, false, true);
                emitter.node(item, Place::Item)
            })
        });
        self.depth -= 1;
        result
    }

    fn map(&mut self, map: &Map) -> Result<(), JsonError> {
        let entries = map.entries();
        if entries.is_empty() {
            self.indicator("{}", true, false, false);
            return Ok(());
        }
        let mut sorted: Vec<(&str, &Value)> =
            entries.iter().map(|(key, value)| (key.as_ref(), value)).collect();
        // They are in the order of their bytes, which the natural order mostly keeps.
        sorted.sort_by(|left, right| order::compare(left.0, right.0));
        self.entries(&sorted)
    }

    fn object(&mut self, object: &Object) -> Result<(), JsonError> {
        if let Some(text) = super::json::object_text(object) {
            return self.scalar(&text);
        }
        let fields = super::json::object_fields(object);
        if fields.is_empty() {
            self.indicator("{}", true, false, false);
            return Ok(());
        }
        let mut sorted: Vec<(&str, &Value)> =
            fields.iter().map(|(key, value)| (key.as_ref(), value)).collect();
        sorted.sort_by(|left, right| order::compare(left.0, right.0));
        self.entries(&sorted)
    }

    fn entries(&mut self, entries: &[(&str, &Value)]) -> Result<(), JsonError> {
        self.depth += 1;
        let result = self.indented(false, 0, |emitter| {
            entries.iter().try_for_each(|(key, value)| {
                emitter.write_indent();
                emitter.key(key)?;
                emitter.node(value, Place::Value)
            })
        });
        self.depth -= 1;
        result
    }

    fn key(&mut self, key: &str) -> Result<(), JsonError> {
        let text = through_json(key)?;
        let analysis = Analysis::of(&text);
        if analysis.multiline || text.len() > MAX_SIMPLE_KEY {
            self.indicator("?", true, false, true);
            self.styled(&text, &analysis, false);
            self.write_indent();
            self.indicator(":", true, false, true);
        } else {
            self.styled(&text, &analysis, true);
            self.indicator(":", false, false, false);
        }
        Ok(())
    }

    fn scalar(&mut self, text: &str) -> Result<(), JsonError> {
        // What needs no look: a short word that is no other thing.
        let word =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/' | b'.');
        if text.len() < 40
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.bytes().all(word)
            && !needs_quotes(text)
        {
            self.plain(text);
            return Ok(());
        }
        let text = through_json(text)?;
        self.styled(&text, &Analysis::of(&text), false);
        Ok(())
    }

    /// Writes a text in the style that fits it and its place.
    fn styled(&mut self, text: &str, analysis: &Analysis, is_key: bool) {
        let style = analysis.style(text, is_key);
        self.indented(false, INDENT, |emitter| match style {
            Style::Plain => emitter.write_plain(text, !is_key),
            Style::Single => emitter.write_single(text, !is_key),
            Style::Double => emitter.write_double(text, !is_key),
            Style::Literal => emitter.write_literal(text),
        });
    }

    /// Appends characters and breaks the line at single spaces beyond the width.
    fn write_folded(
        &mut self,
        text: &str,
        allow_breaks: bool,
        inner_only: bool,
        doubled: Option<char>,
    ) {
        if !allow_breaks || self.column + text.len() <= WIDTH {
            match doubled {
                Some(quote) => self.put_str(&text.replace(quote, &format!("{quote}{quote}"))),
                None => self.put_str(text),
            }
            return;
        }
        let mut after_space = false;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            let inside = !inner_only || at > 0 && next.is_some();
            if c == ' ' && !after_space && self.column > WIDTH && next != Some(' ') && inside {
                self.write_indent();
            } else {
                if doubled == Some(c) {
                    self.put(c);
                }
                self.put(c);
            }
            after_space = c == ' ';
            if c != ' ' {
                self.indention = false;
            }
        }
    }

    fn write_plain(&mut self, text: &str, allow_breaks: bool) {
        if !self.whitespace {
            self.put(' ');
        }
        self.write_folded(text, allow_breaks, false, None);
        self.whitespace = false;
        self.indention = false;
    }

    fn write_single(&mut self, text: &str, allow_breaks: bool) {
        self.indicator("'", true, false, false);
        self.write_folded(text, allow_breaks, true, Some('\''));
        self.indicator("'", false, false, false);
    }

    fn write_double(&mut self, text: &str, allow_breaks: bool) {
        self.indicator("\"", true, false, false);
        let mut after_space = false;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            if c != ' ' {
                let before = self.out.len();
                push_double_quoted(&mut self.out, c);
                self.column += self.out[before..].chars().count();
            } else if allow_breaks
                && !after_space
                && self.column > WIDTH
                && at > 0
                && next.is_some()
            {
                self.write_indent();
                if next == Some(' ') {
                    self.put('\\');
                }
            } else {
                self.put(c);
            }
            after_space = c == ' ';
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn write_literal(&mut self, text: &str) {
        self.indicator("|", true, false, false);
        if text.starts_with([' ', '\n']) {
            self.put_str("2");
        }
        let mut ends = text.chars().rev();
        match (ends.next(), ends.next()) {
            (Some('\n'), None | Some('\n')) => self.put_str("+"),
            (Some('\n'), _) => {}
            _ => self.put_str("-"),
        }
        self.put_break();
        self.indention = true;
        self.whitespace = true;
        let (lines, last) =
            text.rsplit_once('\n').map_or(("", text), |(lines, last)| (lines, last));
        if text.contains('\n') {
            for line in lines.split('\n') {
                self.literal_line(line);
                self.put_break();
                self.indention = true;
            }
        }
        self.literal_line(last);
    }

    fn literal_line(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        self.write_indent();
        self.put_str(line);
        self.indention = false;
    }
}

/// What is left of a text after it went through JSON, which the library reads as YAML: bytes that are no UTF-8 are
/// replaced, some line breaks fold, and some characters are refused.
fn through_json(text: &str) -> Result<Cow<'_, str>, JsonError> {
    if text.bytes().all(|byte| byte < 0x7f) {
        return Ok(text.into());
    }
    let special = |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{10ff80}'..);
    if !text.contains(special) {
        return Ok(text.into());
    }
    let json = super::json::to_json(&Value::str(text), Html::Escaped)?;
    let refused =
        |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}') && c != '\u{85}';
    if json.contains(refused) {
        return Err(JsonError::Character);
    }
    let mut scanner = Scanner::new(&json);
    let read = scanner.scan_quoted(false).map_err(|_| JsonError::Character)?;
    Ok(read.into_owned().into())
}

/// The styles of scalars.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// What a text allows.
struct Analysis {
    multiline: bool,
    plain: bool,
    single: bool,
    block: bool,
}

impl Analysis {
    fn of(text: &str) -> Self {
        let mut found = Self { multiline: false, plain: true, single: true, block: true };
        if text.is_empty() {
            found.block = false;
            return found;
        }
        if text.starts_with("---") || text.starts_with("...") {
            found.plain = false;
        }
        let (mut after_space, mut after_break, mut after_blank) = (false, false, true);
        let (mut break_space, mut space_break, mut special) = (false, false, false);
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let before_blank = chars.peek().is_none_or(|(_, next)| matches!(next, ' ' | '\t'));
            let indicates = match c {
                '#' => at == 0 || after_blank,
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
                | '@' | '`' => at == 0,
                '?' | '-' => at == 0 && before_blank,
                ':' => before_blank,
                _ => false,
            };
            found.plain &= !indicates;
            special |= !is_printable(c);
            let (space, line_break) = (c == ' ', is_break(c));
            found.multiline |= line_break;
            let edge = at == 0 || chars.peek().is_none();
            found.plain &= !(edge && (space || line_break));
            found.block &= !(space && chars.peek().is_none());
            break_space |= space && after_break;
            space_break |= line_break && after_space;
            (after_space, after_break) = (space, line_break);
            after_blank = space || line_break || c == '\t';
        }
        found.plain &= !(break_space || space_break || special || found.multiline);
        found.single &= !(break_space || space_break || special);
        found.block &= !(space_break || special);
        found
    }

    fn style(&self, text: &str, is_key: bool) -> Style {
        let mut style = if text.contains('\n') {
            Style::Literal
        } else if needs_quotes(text) {
            Style::Double
        } else {
            Style::Plain
        };
        if is_key && self.multiline {
            style = Style::Double;
        }
        if style == Style::Plain && (!self.plain || text.is_empty() && is_key) {
            style = Style::Single;
        }
        if style == Style::Single && !self.single {
            style = Style::Double;
        }
        if style == Style::Literal && (!self.block || is_key) {
            style = Style::Double;
        }
        style
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What the library writes as it is: nothing beyond the basic plane.
pub(super) fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{fffd}') && c != '\u{feff}'
}
