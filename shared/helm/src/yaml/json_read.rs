//! Reads JSON as Go's `encoding/json` does.

use crate::template::deeper;
use crate::value::{Entries, Value};

/// How deep JSON may be nested. Go stops at 10 000.
const MAX_LEVELS: usize = 500;

/// Reads one JSON value; all numbers are `float64`.
///
/// # Errors
/// The text of Go's error.
pub fn from_json(text: &str) -> Result<Value, String> {
    let mut reader = Reader { text, pos: 0, depth: 0 };
    reader.space();
    let value = reader.value()?;
    reader.space();
    match reader.peek() {
        None => Ok(value),
        Some(c) => Err(invalid(c, "after top-level value")),
    }
}

fn invalid(c: char, context: &str) -> String {
    let shown = match c {
        '\'' => "'\\''".to_owned(),
        '"' => "'\"'".to_owned(),
        c => {
            let quoted = crate::format::quote(c.encode_utf8(&mut [0; 4]));
            format!("'{}'", quoted.trim_matches('"'))
        }
    };
    format!("invalid character {shown} {context}")
}

const END: &str = "unexpected end of JSON input";

struct Reader<'t> {
    text: &'t str,
    pos: usize,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &'t str {
        &self.text[self.pos..]
    }

    fn next(&mut self) -> Result<char, String> {
        let c = self.peek().ok_or(END)?;
        self.pos += c.len_utf8();
        Ok(c)
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.pos += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.peek().ok_or(END)? {
            '{' | '[' if self.depth >= MAX_LEVELS => Err("exceeded max depth".to_owned()),
            '{' => self.nested(Self::object),
            '[' => self.nested(Self::array),
            '"' => {
                self.pos += 1;
                Ok(self.string()?.into())
            }
            't' => self.word("true", Value::Bool(true)),
            'f' => self.word("false", Value::Bool(false)),
            'n' => self.word("null", Value::Nil),
            '-' | '0'..='9' => self.number(),
            c => Err(invalid(c, "looking for beginning of value")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, String>) -> Result<Value, String> {
        self.depth += 1;
        self.pos += 1;
        let value = deeper(|| read(self));
        self.depth -= 1;
        value
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, String> {
        self.next()?;
        for expected in word.chars().skip(1) {
            let c = self.next()?;
            if c != expected {
                return Err(invalid(c, &format!("in literal {word} (expecting '{expected}')")));
            }
        }
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, String> {
        let mut entries = Entries::new();
        self.space();
        if self.rest().starts_with('}') {
            self.pos += 1;
            return Ok(Value::map(entries));
        }
        loop {
            self.space();
            match self.next()? {
                '"' => {}
                c => return Err(invalid(c, "looking for beginning of object key string")),
            }
            let key = self.string()?;
            self.space();
            match self.next()? {
                ':' => {}
                c => return Err(invalid(c, "after object key")),
            }
            self.space();
            let value = self.value()?;
            entries.insert(key.into(), value);
            self.space();
            match self.next()? {
                ',' => {}
                '}' => return Ok(Value::map(entries)),
                c => return Err(invalid(c, "after object key:value pair")),
            }
        }
    }

    fn array(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        self.space();
        if self.rest().starts_with(']') {
            self.pos += 1;
            return Ok(Value::list(items));
        }
        loop {
            self.space();
            items.push(self.value()?);
            self.space();
            match self.next()? {
                ',' => {}
                ']' => return Ok(Value::list(items)),
                c => return Err(invalid(c, "after array element")),
            }
        }
    }

    /// After its opening quote.
    fn string(&mut self) -> Result<String, String> {
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.find(|c: char| c == '"' || c == '\\' || c < ' ').unwrap_or(rest.len());
            text.push_str(&rest[..plain]);
            self.pos += plain;
            match self.next()? {
                '"' => return Ok(text),
                '\\' => self.escape(&mut text)?,
                c => return Err(invalid(c, "in string literal")),
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Result<(), String> {
        text.push(match self.next()? {
            c @ ('"' | '\\' | '/') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let code = self.code()?;
                return self.surrogate(code, text);
            }
            c => return Err(invalid(c, "in string escape code")),
        });
        Ok(())
    }

    fn code(&mut self) -> Result<u32, String> {
        let mut code = 0;
        for _ in 0..4 {
            let c = self.next()?;
            let digit =
                c.to_digit(16).ok_or_else(|| invalid(c, "in \\u hexadecimal character escape"))?;
            code = code << 4 | digit;
        }
        Ok(code)
    }

    /// Halves of a pair that stand alone become the replacement character.
    fn surrogate(&mut self, code: u32, text: &mut String) -> Result<(), String> {
        if !(0xd800..0xdc00).contains(&code) || !self.rest().starts_with("\\u") {
            text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            return Ok(());
        }
        let held = self.pos;
        self.pos += 2;
        let low = self.code()?;
        if (0xdc00..0xe000).contains(&low) {
            let whole = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            text.push(char::from_u32(whole).unwrap_or(char::REPLACEMENT_CHARACTER));
        } else {
            text.push(char::REPLACEMENT_CHARACTER);
            self.pos = held;
        }
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.pos += count;
        count
    }

    fn number(&mut self) -> Result<Value, String> {
        let start = self.pos;
        if self.rest().starts_with('-') {
            self.pos += 1;
        }
        if self.rest().starts_with('0') {
            self.pos += 1;
        } else if self.digits() == 0 {
            let c = self.next()?;
            return Err(invalid(c, "in numeric literal"));
        }
        if self.rest().starts_with('.') {
            self.pos += 1;
            if self.digits() == 0 {
                let c = self.next()?;
                return Err(invalid(c, "after decimal point in numeric literal"));
            }
        }
        if self.rest().starts_with(['e', 'E']) {
            self.pos += 1;
            if self.rest().starts_with(['+', '-']) {
                self.pos += 1;
            }
            if self.digits() == 0 {
                let c = self.next()?;
                return Err(invalid(c, "in exponent of numeric literal"));
            }
        }
        let text = &self.text[start..self.pos];
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => Err(format!("json: cannot unmarshal number {text} into Go value of type float64")),
        }
    }
}
