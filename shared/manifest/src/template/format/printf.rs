//! `printf`.

use super::numbers::{display_float, fixed, general, scientific};
use super::{display, quote};
use crate::template::machine::{Growing, Machine};
use crate::template::value::Value;

/// The widest field and the highest precision. Go allows a million; no manifest needs that.
const MAX_WIDTH: usize = 1000;

/// Formats `values` as `format` says. A verb that does not fit its value is an error: Go would write its
/// complaint into the text.
pub(in super::super) fn printf(
    machine: &mut Machine<'_>,
    format: &str,
    values: &[Value],
) -> Result<String, String> {
    let mut text = Growing::default();
    let mut values = values.iter();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        text.push(before)?;
        let mut chars = after.chars();
        let verb = Verb::read(&mut chars, &mut values)?;
        rest = chars.as_str();
        if verb.letter == '%' {
            text.push("%")?;
            continue;
        }
        let value =
            values.next().ok_or_else(|| format!("a value for `%{}` is missing", verb.letter))?;
        text.push(&verb.format(machine, value)?)?;
    }
    text.push(rest)?;
    match values.next() {
        Some(extra) => Err(format!("the format has no verb for {}", extra.kind())),
        None => Ok(text.into_string()),
    }
}

/// `%` with its flags.
#[derive(Debug, Default)]
struct Verb {
    letter: char,
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

impl Verb {
    fn read<'v>(
        chars: &mut std::str::Chars<'_>,
        values: &mut impl Iterator<Item = &'v Value>,
    ) -> Result<Self, String> {
        let mut verb = Self::default();
        let mut next = chars.next();
        while let Some(c) = next {
            match c {
                '-' => verb.minus = true,
                '+' => verb.plus = true,
                '#' => verb.sharp = true,
                ' ' => verb.space = true,
                '0' => verb.zero = true,
                _ => break,
            }
            next = chars.next();
        }
        if let Some(width) = number(&mut next, chars, values)? {
            verb.width = width;
        }
        if next == Some('.') {
            next = chars.next();
            verb.precision = Some(number(&mut next, chars, values)?.unwrap_or_default());
        }
        verb.letter = next.ok_or("the format ends after `%`; write `%%` for the character")?;
        Ok(verb)
    }

    fn format(&self, machine: &mut Machine<'_>, value: &Value) -> Result<String, String> {
        let (text, numeric) = match (self.letter, value) {
            ('v', Value::Int(number)) => (self.sign(number.to_string()), true),
            ('v', Value::Float(number)) => (self.sign(self.float('g', *number)), true),
            ('s' | 'v', Value::Text(text)) => (self.cut(text), false),
            ('v', value) => (display(machine, value)?, false),
            ('s', Value::List(_) | Value::Dict(_) | Value::Variables) => {
                (display(machine, value)?, false)
            }
            ('d', Value::Int(number)) => (self.sign(number.to_string()), true),
            ('x' | 'X' | 'o' | 'b', Value::Int(number)) => (self.sign(self.radix(*number)), true),
            ('x', Value::Text(text)) => (hex(text, false), false),
            ('X', Value::Text(text)) => (hex(text, true), false),
            ('c', Value::Int(code)) => (character(*code)?.to_string(), false),
            ('U', Value::Int(code)) => (format!("U+{code:04X}"), false),
            ('q', Value::Int(code)) => (format!("'{}'", character(*code)?.escape_debug()), false),
            ('q', Value::Text(text)) if self.sharp && !text.contains(['`', '\n']) => {
                (format!("`{text}`"), false)
            }
            ('q', Value::Text(text)) => (quote(&self.cut(text)), false),
            ('t', Value::Bool(truth)) => (truth.to_string(), false),
            ('e' | 'E' | 'f' | 'F' | 'g' | 'G', Value::Float(number)) => {
                (self.sign(self.float(self.letter, *number)), true)
            }
            (letter, value) => return Err(format!("`%{letter}` does not fit {}", value.kind())),
        };
        Ok(self.pad(text, numeric))
    }

    fn float(&self, letter: char, number: f64) -> String {
        let text = match (letter.to_ascii_lowercase(), self.precision) {
            ('e', precision) => scientific(number, precision.unwrap_or(6)),
            ('f', precision) => fixed(number, precision.unwrap_or(6)),
            (_, Some(precision)) => general(number, precision),
            (_, None) => display_float(number),
        };
        if letter.is_ascii_uppercase() { text.to_ascii_uppercase() } else { text }
    }

    fn radix(&self, number: i64) -> String {
        let (sign, digits) = (if number < 0 { "-" } else { "" }, number.unsigned_abs());
        let (prefix, digits) = match self.letter {
            'x' => ("0x", format!("{digits:x}")),
            'X' => ("0X", format!("{digits:X}")),
            'o' => ("0", format!("{digits:o}")),
            _ => ("0b", format!("{digits:b}")),
        };
        format!("{sign}{}{digits}", if self.sharp { prefix } else { "" })
    }

    fn sign(&self, number: String) -> String {
        if number.starts_with(['-', '+']) {
            number
        } else if self.plus {
            format!("+{number}")
        } else if self.space {
            format!(" {number}")
        } else {
            number
        }
    }

    fn cut(&self, text: &str) -> String {
        match self.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text.to_owned(),
        }
    }

    fn pad(&self, text: String, numeric: bool) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        if missing == 0 {
            return text;
        }
        if self.minus {
            return text + &" ".repeat(missing);
        }
        if !self.zero {
            return " ".repeat(missing) + &text;
        }
        let sign = usize::from(numeric && text.starts_with(['-', '+', ' ']));
        format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..])
    }
}

/// Reads a number, or `*` for the next value.
fn number<'v>(
    next: &mut Option<char>,
    chars: &mut std::str::Chars<'_>,
    values: &mut impl Iterator<Item = &'v Value>,
) -> Result<Option<usize>, String> {
    let too_wide = || format!("widths and precisions are at most {MAX_WIDTH}");
    if *next == Some('*') {
        *next = chars.next();
        return match values.next() {
            Some(Value::Int(width)) => usize::try_from(*width)
                .ok()
                .filter(|width| *width <= MAX_WIDTH)
                .map(Some)
                .ok_or_else(too_wide),
            _ => Err("`*` takes an integer".to_owned()),
        };
    }
    let mut number = None;
    while let Some(digit) = next.and_then(|c| c.to_digit(10)) {
        let grown = number.unwrap_or(0) * 10 + digit as usize;
        if grown > MAX_WIDTH {
            return Err(too_wide());
        }
        number = Some(grown);
        *next = chars.next();
    }
    Ok(number)
}

fn character(code: i64) -> Result<char, String> {
    u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .ok_or_else(|| format!("{code} is not a character"))
}

fn hex(text: &str, upper: bool) -> String {
    text.bytes()
        .map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") })
        .collect()
}
