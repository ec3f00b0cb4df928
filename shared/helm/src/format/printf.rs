//! `printf`.

use super::Printer;
use crate::value::Value;

/// The widest field and the highest precision, Go's own limit.
const MAX_WIDTH: usize = 1_000_000;

/// Formats `values` as `format` says. What does not fit is complained about in the text, as Go does.
///
/// # Errors
/// A text that grows too long, or a value that is nested too deep.
pub(crate) fn printf(format: &str, values: &[Value]) -> Result<String, String> {
    let mut state = Formatter {
        rest: format,
        values,
        next: 0,
        good_index: true,
        reordered: false,
        printer: Printer::new(String::with_capacity(format.len() + 16)),
    };
    while let Some((before, after)) = state.rest.split_once('%') {
        state.printer.push(before);
        state.rest = after;
        if !state.verb()? {
            break;
        }
    }
    let rest = std::mem::take(&mut state.rest);
    state.printer.push(rest);
    state.extra()?;
    Ok(state.printer.into_string())
}

struct Formatter<'a> {
    rest: &'a str,
    values: &'a [Value],
    next: usize,
    /// Whether the last explicit index was sound.
    good_index: bool,
    reordered: bool,
    printer: Printer,
}

impl Formatter<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn skip(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Handles what follows a `%`, and says whether the format goes on.
    fn verb(&mut self) -> Result<bool, String> {
        self.good_index = true;
        self.printer.clear_flags();
        self.flags();
        let mut after_index = self.index();
        after_index = self.width(after_index);
        if self.rest.len() > 1 && self.skip('.') {
            after_index = self.precision(after_index);
        }
        if !after_index {
            self.index();
        }
        let Some(verb) = self.peek() else {
            self.printer.push("%!(NOVERB)");
            return Ok(false);
        };
        self.rest = &self.rest[verb.len_utf8()..];
        if verb == '%' {
            self.printer.push("%");
        } else if !self.good_index {
            self.printer.push(&format!("%!{verb}(BADINDEX)"));
        } else if let Some(value) = self.values.get(self.next) {
            if verb == 'v' {
                self.printer.sharp_v = std::mem::take(&mut self.printer.sharp);
                self.printer.plus_v = std::mem::take(&mut self.printer.plus);
            }
            self.next += 1;
            self.printer.print(value, verb)?;
        } else {
            self.printer.push(&format!("%!{verb}(MISSING)"));
        }
        self.printer.check_length()?;
        Ok(true)
    }

    fn flags(&mut self) {
        while let Some(c) = self.peek() {
            match c {
                '-' => self.printer.minus = true,
                '+' => self.printer.plus = true,
                '#' => self.printer.sharp = true,
                ' ' => self.printer.space = true,
                '0' => self.printer.zero = true,
                _ => return,
            }
            self.rest = &self.rest[1..];
        }
    }

    /// Reads `[n]` if it stands here, and says so.
    fn index(&mut self) -> bool {
        if !self.rest.starts_with('[') {
            return false;
        }
        self.reordered = true;
        let Some(end) = self.rest.find(']') else {
            self.good_index = false;
            self.rest = &self.rest[1..];
            return false;
        };
        let number = self.rest[1..end].parse::<usize>().ok();
        self.rest = &self.rest[end + 1..];
        match number.and_then(|number| number.checked_sub(1)) {
            Some(index) if index < self.values.len() => {
                self.next = index;
                true
            }
            other => {
                self.good_index = false;
                other.is_some()
            }
        }
    }

    fn width(&mut self, after_index: bool) -> bool {
        if self.skip('*') {
            match self.star() {
                Some(width) => {
                    self.printer.width = usize::try_from(width.unsigned_abs()).ok();
                    if width < 0 {
                        self.printer.minus = true;
                        self.printer.zero = false;
                    }
                }
                None => self.printer.push("%!(BADWIDTH)"),
            }
            return false;
        }
        self.printer.width = self.number();
        if after_index && self.printer.width.is_some() {
            self.good_index = false;
        }
        after_index
    }

    fn precision(&mut self, after_index: bool) -> bool {
        if after_index {
            self.good_index = false;
        }
        let after_index = self.index();
        if self.skip('*') {
            match self.star() {
                Some(precision) if precision >= 0 => {
                    self.printer.precision = usize::try_from(precision).ok();
                }
                _ => self.printer.push("%!(BADPREC)"),
            }
            return false;
        }
        self.printer.precision = Some(self.number().unwrap_or(0));
        after_index
    }

    /// The value for a `*`.
    fn star(&mut self) -> Option<i64> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        match value {
            Value::Int(number) | Value::Int64(number) | Value::Other(_, number)
                if number.unsigned_abs() <= MAX_WIDTH as u64 =>
            {
                Some(*number)
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<usize> {
        let digits =
            self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        number.parse().ok().filter(|number| *number <= MAX_WIDTH)
    }

    /// Go's complaint about values without a verb.
    fn extra(&mut self) -> Result<(), String> {
        if self.reordered || self.next >= self.values.len() {
            return Ok(());
        }
        self.printer.clear_flags();
        self.printer.push("%!(EXTRA ");
        for (index, value) in self.values[self.next..].iter().enumerate() {
            if index > 0 {
                self.printer.push(", ");
            }
            if value.is_nil() {
                self.printer.push("<nil>");
            } else {
                self.printer.push(value.type_name());
                self.printer.push("=");
                self.printer.print(value, 'v')?;
            }
        }
        self.printer.push(")");
        Ok(())
    }
}
