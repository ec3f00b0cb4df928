//! One value by one verb.

use super::MAX_TEXT;
use super::numbers::{fixed, general, scientific};
use super::quoting::{push_escaped, push_quoted};
use crate::value::{MAX_DEPTH, Object, Value, to_bytes};

/// Writes values into a text, by the flags that are set.
#[derive(Default)]
pub(crate) struct Printer {
    out: String,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`: names of fields.
    pub(super) plus_v: bool,
    /// `%#v`: as Go's source has it.
    pub(super) sharp_v: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    /// Within the complaint about a verb, methods are not asked.
    erroring: bool,
}

type Printed = Result<(), String>;

impl Printer {
    pub(crate) fn new(out: String) -> Self {
        Self { out, ..Self::default() }
    }

    pub(crate) fn into_string(self) -> String {
        self.out
    }

    pub(super) fn clear_flags(&mut self) {
        let erroring = self.erroring;
        *self = Self { out: std::mem::take(&mut self.out), erroring, ..Self::default() };
    }

    pub(super) fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    pub(super) fn check_length(&self) -> Printed {
        if self.out.len() > MAX_TEXT {
            return Err(format!("the text grows larger than {} MiB", MAX_TEXT >> 20));
        }
        Ok(())
    }

    /// Prints a value as an argument of `printf` or an action.
    pub(crate) fn print(&mut self, value: &Value, verb: char) -> Printed {
        if value.is_nil() {
            match verb {
                'T' | 'v' => self.pad("<nil>"),
                _ => self.bad_verb(value, verb)?,
            }
            return Ok(());
        }
        if verb == 'T' {
            self.pad_cut(value.type_name());
            return Ok(());
        }
        self.print_at(value, verb, 0)
    }

    fn print_at(&mut self, value: &Value, verb: char, depth: usize) -> Printed {
        if depth > MAX_DEPTH {
            return Err(format!(
                "values are nested more than {MAX_DEPTH} levels deep, or contain themselves"
            ));
        }
        self.check_length()?;
        match value {
            Value::Invalid | Value::Nil => {
                self.push(if self.sharp_v { "interface {}(nil)" } else { "<nil>" });
                Ok(())
            }
            Value::Bool(truth) if matches!(verb, 't' | 'v') => {
                self.pad(if *truth { "true" } else { "false" });
                Ok(())
            }
            Value::Int(number) | Value::Int64(number) => self.integer(value, *number, verb, true),
            Value::Other(kind, number) => match super::super::time::int_text(*kind, *number) {
                Some(text) if matches!(verb, 'v' | 's' | 'q' | 'x' | 'X') && !self.erroring => {
                    self.string(value, &text, verb)
                }
                _ => self.integer(value, *number, verb, !kind.is_unsigned()),
            },
            Value::Float(number) => self.float(value, *number, verb),
            Value::Str(text) => self.string(value, text, verb),
            Value::Bytes(bytes) => self.bytes(bytes, verb, depth),
            Value::List(list) => {
                let items = list.items().iter();
                self.open_list(value);
                for (index, item) in items.enumerate() {
                    self.separate(index);
                    self.print_at(item, verb, depth + 1)?;
                }
                self.push(if self.sharp_v { "}" } else { "]" });
                Ok(())
            }
            Value::Map(map) => {
                self.push(if self.sharp_v { map.kind().type_name() } else { "map" });
                self.push(if self.sharp_v { "{" } else { "[" });
                for (index, (key, item)) in map.entries().iter().enumerate() {
                    self.separate(index);
                    self.string(&Value::Str(key.clone()), key, verb)?;
                    self.push(":");
                    self.print_at(item, verb, depth + 1)?;
                }
                self.push(if self.sharp_v { "}" } else { "]" });
                Ok(())
            }
            Value::Object(object) => self.object(object, verb, depth),
            Value::Bool(_) => self.bad_verb(value, verb),
        }
    }

    fn open_list(&mut self, value: &Value) {
        if self.sharp_v {
            self.push(value.type_name());
        }
        self.push(if self.sharp_v { "{" } else { "[" });
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.push(if self.sharp_v { ", " } else { " " });
        }
    }

    fn object(&mut self, object: &Object, verb: char, depth: usize) -> Printed {
        let text = object.text().filter(|_| !self.erroring && !self.sharp_v);
        if let (Some(text), 'v' | 's' | 'x' | 'X' | 'q') = (text, verb) {
            let text = text.clone();
            return self.string(&Value::Str(text.clone()), &text, verb);
        }
        // Go prints the address of a pointer within another value. There is none to print.
        if object.is_pointer() && depth > 0 {
            self.push("0xc000000000");
            return Ok(());
        }
        if object.is_pointer() {
            self.push("&");
        }
        if self.sharp_v {
            self.push(object.type_name().trim_start_matches('*'));
        }
        self.push("{");
        for (index, (name, value)) in object.fields().iter().enumerate() {
            self.separate(index);
            if self.plus_v || self.sharp_v {
                self.push(name);
                self.push(":");
            }
            self.print_at(value, verb, depth + 1)?;
        }
        self.push("}");
        Ok(())
    }

    /// Go's complaint about a verb that does not fit.
    fn bad_verb(&mut self, value: &Value, verb: char) -> Printed {
        self.erroring = true;
        self.push("%!");
        self.out.push(verb);
        self.push("(");
        if value.is_nil() {
            self.push("<nil>");
        } else {
            self.push(value.type_name());
            self.push("=");
            self.print(value, 'v')?;
        }
        self.push(")");
        self.erroring = false;
        Ok(())
    }

    fn string(&mut self, value: &Value, text: &str, verb: char) -> Printed {
        match verb {
            'v' if self.sharp_v => self.quoted(text),
            'v' | 's' => self.pad_cut(text),
            'x' | 'X' => self.hex(&to_bytes(text), verb == 'X'),
            'q' => self.quoted(text),
            _ => self.bad_verb(value, verb)?,
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8], verb: char, depth: usize) -> Printed {
        let text = || crate::value::from_bytes(bytes);
        match verb {
            's' => self.pad_cut(&text()),
            'q' => self.quoted(&text()),
            'x' | 'X' => self.hex(bytes, verb == 'X'),
            _ => {
                let verb = if verb == 'v' { 'd' } else { verb };
                self.push("[");
                for (index, byte) in bytes.iter().enumerate() {
                    self.separate(index);
                    let kind = crate::value::IntKind::Uint8;
                    self.print_at(&Value::Other(kind, i64::from(*byte)), verb, depth + 1)?;
                }
                self.push("]");
            }
        }
        Ok(())
    }

    fn cut<'t>(&self, text: &'t str) -> &'t str {
        match self.precision {
            Some(count) => text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end]),
            None => text,
        }
    }

    fn pad_cut(&mut self, text: &str) {
        let cut = self.cut(text);
        self.pad(cut);
    }

    fn quoted(&mut self, text: &str) {
        let cut = self.cut(text);
        let raw = |c: char| c == '\t' || !c.is_control() && c != '`' && c != '\u{feff}';
        if self.sharp && cut.chars().all(raw) {
            return self.pad(&format!("`{cut}`"));
        }
        let mut quoted = String::new();
        push_quoted(&mut quoted, cut, self.plus);
        self.pad(&quoted);
    }

    /// Bytes in base 16: with a space flag apart, with a sharp flag after `0x`.
    fn hex(&mut self, bytes: &[u8], upper: bool) {
        let bytes = &bytes[..self.precision.unwrap_or(bytes.len()).min(bytes.len())];
        let mut text = String::with_capacity(bytes.len() * 2);
        let prefix = if upper { "0X" } else { "0x" };
        for (index, byte) in bytes.iter().enumerate() {
            if self.space && index > 0 {
                text.push(' ');
            }
            if self.sharp && (self.space || index == 0) {
                text.push_str(prefix);
            }
            text.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        self.pad(&text);
    }

    fn integer(&mut self, value: &Value, number: i64, verb: char, signed: bool) -> Printed {
        let radix = match verb {
            'v' | 'd' => 10,
            'b' => 2,
            'o' | 'O' => 8,
            'x' | 'X' => 16,
            'c' => {
                let c = code_character(number);
                self.pad(c.encode_utf8(&mut [0; 4]));
                return Ok(());
            }
            'q' => {
                let mut text = "'".to_owned();
                push_escaped(&mut text, code_character(number), '\'', self.plus);
                text.push('\'');
                self.pad(&text);
                return Ok(());
            }
            'U' => {
                self.code_point(number);
                return Ok(());
            }
            _ => return self.bad_verb(value, verb),
        };
        if verb == 'v' && self.sharp_v && !signed {
            self.push(&format!("0x{number:x}"));
            return Ok(());
        }
        let negative = signed && number < 0;
        // An unsigned number is held with its bits.
        let magnitude = if negative { number.unsigned_abs() } else { number as u64 };
        self.digits(magnitude, negative, radix, verb);
        Ok(())
    }

    fn digits(&mut self, magnitude: u64, negative: bool, radix: u32, verb: char) {
        let digits = match (radix, verb) {
            (2, _) => format!("{magnitude:b}"),
            (8, _) => format!("{magnitude:o}"),
            (16, 'X') => format!("{magnitude:X}"),
            (16, _) => format!("{magnitude:x}"),
            _ => magnitude.to_string(),
        };
        let zero = std::mem::take(&mut self.zero);
        if self.precision == Some(0) && magnitude == 0 {
            self.pad("");
            self.zero = zero;
            return;
        }
        let least = match (self.precision, self.width) {
            (Some(precision), _) => precision,
            (None, Some(width)) if zero && !self.minus => {
                width.saturating_sub(usize::from(negative || self.plus || self.space))
            }
            _ => 0,
        };
        let zeros = "0".repeat(least.saturating_sub(digits.len()));
        let prefix = match radix {
            2 if self.sharp => "0b",
            8 if verb == 'O' => "0o",
            8 if self.sharp && !zeros.starts_with('0') && !digits.starts_with('0') => "0",
            16 if self.sharp && verb == 'X' => "0X",
            16 if self.sharp => "0x",
            _ => "",
        };
        let sign = match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        self.pad(&format!("{sign}{prefix}{zeros}{digits}"));
        self.zero = zero;
    }

    fn code_point(&mut self, number: i64) {
        let width = self.precision.unwrap_or(4).max(4);
        let mut text = format!("U+{number:0width$X}");
        if let (true, Some(c)) = (self.sharp, u32::try_from(number).ok().and_then(char::from_u32))
            && super::is_printable(c)
        {
            text.push_str(&format!(" '{c}'"));
        }
        let zero = std::mem::take(&mut self.zero);
        self.pad(&text);
        self.zero = zero;
    }

    fn float(&mut self, value: &Value, number: f64, verb: char) -> Printed {
        let text = match verb {
            'v' | 'g' | 'G' => general(number, self.precision),
            'e' | 'E' => scientific(number, Some(self.precision.unwrap_or(6))),
            'f' | 'F' => fixed(number, Some(self.precision.unwrap_or(6))),
            'x' | 'X' => hex_float(number),
            'b' => binary_float(number),
            _ => return self.bad_verb(value, verb),
        };
        let text = if verb.is_ascii_uppercase() { text.to_ascii_uppercase() } else { text };
        let (sign, digits) = match text.strip_prefix(['-', '+']) {
            Some(digits) => (&text[..1], digits),
            None => ("", text.as_str()),
        };
        let digits = if self.sharp && number.is_finite() && verb != 'b' {
            let significant = match verb {
                'v' | 'g' | 'G' | 'x' => self.precision.unwrap_or(6),
                _ => 0,
            };
            with_point(digits, significant)
        } else {
            digits.to_owned()
        };
        let infinite = number.is_infinite() && sign == "+";
        let sign = match sign {
            "-" => "-",
            _ if self.plus => "+",
            _ if self.space => " ",
            _ if infinite => "+",
            _ => "",
        };
        self.signed(sign, &digits, number.is_finite());
        Ok(())
    }

    /// Pads a decimal number; zeros come after its sign.
    fn signed(&mut self, sign: &str, digits: &str, finite: bool) {
        let length = sign.len() + digits.len();
        let missing = self.width.unwrap_or(0).saturating_sub(length);
        if self.zero && !self.minus && finite {
            self.push(sign);
            self.push(&"0".repeat(missing));
            self.push(digits);
            return;
        }
        let zero = std::mem::take(&mut self.zero);
        self.pad(&format!("{sign}{digits}"));
        self.zero = zero;
    }

    fn pad(&mut self, text: &str) {
        let missing = match self.width {
            Some(width) => width.saturating_sub(text.chars().count()),
            None => 0,
        };
        if missing == 0 {
            self.push(text);
        } else if self.minus {
            self.push(text);
            self.push(&" ".repeat(missing));
        } else {
            let padding = if self.zero { "0" } else { " " };
            self.push(&padding.repeat(missing));
            self.push(text);
        }
    }
}

/// A code as a character, or the replacement for what is none.
fn code_character(code: i64) -> char {
    u32::try_from(code).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// A sharp flag keeps the point, and zeros up to a number of digits.
fn with_point(digits: &str, significant: usize) -> String {
    let hex = digits.starts_with("0x") || digits.starts_with("0X");
    let tail = digits.find(|c| matches!(c, 'p' | 'P') || !hex && matches!(c, 'e' | 'E'));
    let (body, tail) = tail.map_or((digits, ""), |at| digits.split_at(at));
    let counted = body.trim_start_matches(['0', '.']).bytes().filter(|c| *c != b'.').count();
    let counted = if body == "0" { 1 } else { counted };
    let point = if body.contains('.') { "" } else { "." };
    format!("{body}{point}{}{tail}", "0".repeat(significant.saturating_sub(counted)))
}

/// `%b` of a decimal number: its whole mantissa and its power of two.
fn binary_float(number: f64) -> String {
    if !number.is_finite() {
        return general(number, None);
    }
    let bits = number.abs().to_bits();
    let (fraction, exponent) = (bits & ((1 << 52) - 1), (bits >> 52) as i32);
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    let power = exponent.max(1) - 1075;
    let sign = if number.is_sign_negative() { "-" } else { "" };
    format!("{sign}{mantissa}p{power:+}")
}

/// `%x` of a decimal number: its mantissa in base 16 and its power of two.
fn hex_float(number: f64) -> String {
    if !number.is_finite() || number == 0.0 {
        return if number == 0.0 { "0x0p+00".to_owned() } else { general(number, None) };
    }
    let bits = number.abs().to_bits();
    let (mut mantissa, mut exponent) = (bits & ((1 << 52) - 1), (bits >> 52) as i32 - 1023);
    if exponent == -1023 {
        let shift = mantissa.leading_zeros() - 11;
        mantissa = (mantissa << shift) & ((1 << 52) - 1);
        exponent = -1022 - shift as i32;
    }
    let digits = format!("{mantissa:013x}");
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    let sign = if number < 0.0 { "-" } else { "" };
    let power = if exponent < 0 { '-' } else { '+' };
    format!("{sign}0x1{point}{digits}p{power}{:02}", exponent.unsigned_abs())
}
