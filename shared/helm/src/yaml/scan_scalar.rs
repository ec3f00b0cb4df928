//! Scalars: plain, quoted, and blocks.

use std::borrow::Cow;

use super::scan::{Scanned, Scanner};

/// White space and line breaks between the words of a scalar.
#[derive(Default)]
struct Gap {
    spaces: String,
    first_break: &'static str,
    more_breaks: String,
    broken: bool,
}

impl Gap {
    fn is_empty(&self) -> bool {
        !self.broken && self.spaces.is_empty()
    }

    /// Appends what the gap folds to, and begins anew.
    fn fold(&mut self, out: &mut String) {
        if self.broken {
            if self.first_break == "\n" || self.first_break.is_empty() {
                if self.first_break.is_empty() || !self.more_breaks.is_empty() {
                    out.push_str(&self.more_breaks);
                } else {
                    out.push(' ');
                }
            } else {
                out.push_str(self.first_break);
                out.push_str(&self.more_breaks);
            }
        } else {
            out.push_str(&self.spaces);
        }
        *self = Self::default();
    }
}

impl<'t> Scanner<'t> {
    pub(super) fn scan_plain(&mut self) -> Scanned<Cow<'t, str>> {
        let start = self.mark;
        let indent = self.indent + 1;
        let flow = self.flow_level() > 0;
        let mut value: Cow<'t, str> = Cow::Borrowed("");
        let mut gap = Gap::default();
        loop {
            if self.mark.column == 0 && self.document_indicator().is_some() || self.byte(0) == b'#'
            {
                break;
            }
            let word_start = self.mark.pos;
            while !self.is_blankz(0) && !self.ends_plain(flow) {
                self.skip();
            }
            let word = &self.text[word_start..self.mark.pos];
            if !word.is_empty() {
                if value.is_empty() && gap.is_empty() {
                    value = Cow::Borrowed(word);
                } else {
                    let text = value.to_mut();
                    gap.fold(text);
                    text.push_str(word);
                }
            }
            if self.at_end() || !self.is_blankz(0) {
                break;
            }
            self.scan_gap(&mut gap, Some((indent, start)))?;
            let column = isize::try_from(self.mark.column).unwrap_or(isize::MAX);
            if !flow && column < indent {
                break;
            }
        }
        if gap.broken {
            self.key_allowed = true;
        }
        Ok(value)
    }

    fn ends_plain(&self, flow: bool) -> bool {
        match self.byte(0) {
            b':' => self.is_blankz(1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => flow,
            _ => false,
        }
    }

    /// Reads white space and line breaks. `plain` is where a plain scalar has to be indented to, and its start.
    fn scan_gap(
        &mut self,
        gap: &mut Gap,
        plain: Option<(isize, super::scan::Mark)>,
    ) -> Scanned<()> {
        while !self.at_end() && self.is_blankz(0) {
            if self.is_blank(0) {
                if let Some((indent, start)) = plain {
                    let column = isize::try_from(self.mark.column).unwrap_or(isize::MAX);
                    if gap.broken && column < indent && self.byte(0) == b'\t' {
                        return self
                            .error(start, "found a tab character that violates indentation");
                    }
                }
                if !gap.broken {
                    gap.spaces.push(char::from(self.byte(0)));
                }
                self.skip_ascii(1);
            } else if gap.broken {
                let line_break = self.skip_line();
                gap.more_breaks.push_str(line_break);
            } else {
                gap.spaces.clear();
                gap.first_break = self.skip_line();
                gap.broken = true;
            }
        }
        Ok(())
    }

    pub(super) fn scan_quoted(&mut self, single: bool) -> Scanned<Cow<'t, str>> {
        let start = self.mark;
        self.skip_ascii(1);
        let quote = if single { b'\'' } else { b'"' };
        // Most are one word or line without escapes.
        let simple = |byte: u8| {
            byte != quote && byte != b'\\' && byte != b'\n' && byte != b'\r' && byte < 0x80
        };
        let rest = self.rest().as_bytes();
        let plain = rest.iter().position(|byte| !simple(*byte)).unwrap_or(rest.len());
        if rest.get(plain) == Some(&quote) && (!single || rest.get(plain + 1) != Some(&b'\'')) {
            let value = &self.text[self.mark.pos..self.mark.pos + plain];
            self.skip_ascii(plain + 1);
            return Ok(Cow::Borrowed(value));
        }
        let mut value = String::new();
        let mut gap = Gap::default();
        loop {
            if self.mark.column == 0 && self.document_indicator().is_some() {
                return self.error(start, "found unexpected document indicator");
            }
            if self.at_end() {
                return self.error(start, "found unexpected end of stream");
            }
            while !self.is_blankz(0) && self.byte(0) != quote
                || single && self.rest().starts_with("''")
            {
                if single && self.byte(0) == b'\'' {
                    value.push('\'');
                    self.skip_ascii(2);
                } else if !single && self.byte(0) == b'\\' {
                    if self.mark.pos + 1 < self.text.len() && self.is_breakz(1) {
                        // An escaped line break: what comes next continues.
                        self.skip_ascii(1);
                        self.skip_line();
                        gap.broken = true;
                        break;
                    }
                    self.scan_escape(start, &mut value)?;
                } else {
                    value.extend(self.rest().chars().next());
                    self.skip();
                }
            }
            if self.byte(0) == quote && !self.at_end() && !gap.broken {
                self.skip_ascii(1);
                return Ok(Cow::Owned(value));
            }
            self.scan_gap(&mut gap, None)?;
            gap.fold(&mut value);
        }
    }

    fn scan_escape(&mut self, start: super::scan::Mark, value: &mut String) -> Scanned<()> {
        let length = match self.byte(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        if length == 0 {
            value.push(match self.byte(1) {
                b'0' => '\0',
                b'a' => '\u{7}',
                b'b' => '\u{8}',
                b't' | b'\t' => '\t',
                b'n' => '\n',
                b'v' => '\u{b}',
                b'f' => '\u{c}',
                b'r' => '\r',
                b'e' => '\u{1b}',
                b'N' => '\u{85}',
                b'_' => '\u{a0}',
                b'L' => '\u{2028}',
                b'P' => '\u{2029}',
                byte @ (b' ' | b'"' | b'\'' | b'\\' | b'/') => char::from(byte),
                _ => return self.error(start, "found unknown escape character"),
            });
            self.skip_ascii(2);
            return Ok(());
        }
        self.skip_ascii(2);
        let mut code = 0u32;
        for ahead in 0..length {
            match char::from(self.byte(ahead)).to_digit(16) {
                Some(digit) => code = code << 4 | digit,
                None => return self.error(start, "did not find expected hexdecimal number"),
            }
        }
        match char::from_u32(code) {
            Some(c) => value.push(c),
            None => return self.error(start, "found invalid Unicode character escape code"),
        }
        self.skip_ascii(length);
        Ok(())
    }

    pub(super) fn scan_block(&mut self, literal: bool) -> Scanned<Cow<'t, str>> {
        let start = self.mark;
        self.skip_ascii(1);
        let (chomping, increment) = self.scan_block_header(start)?;
        let parent = self.indent.max(0) as usize;
        let mut indent = increment.map(|increment| parent + increment);
        let mut value = String::new();
        let mut last_break = "";
        let mut breaks = String::new();
        self.scan_block_breaks(&mut indent, &mut breaks, start)?;
        let mut after_blank = false;
        while Some(self.mark.column) == indent && !self.at_end() {
            let blank = self.is_blank(0);
            if !literal && !after_blank && !blank && last_break == "\n" {
                if breaks.is_empty() {
                    value.push(' ');
                }
            } else {
                value.push_str(last_break);
            }
            value.push_str(&breaks);
            breaks.clear();
            after_blank = blank;
            let line = self.mark.pos;
            while !self.is_breakz(0) {
                self.skip();
            }
            value.push_str(&self.text[line..self.mark.pos]);
            last_break = self.skip_line();
            self.scan_block_breaks(&mut indent, &mut breaks, start)?;
        }
        if chomping != Some(b'-') {
            value.push_str(last_break);
        }
        if chomping == Some(b'+') {
            value.push_str(&breaks);
        }
        Ok(Cow::Owned(value))
    }

    /// Reads `+`, `-` and the indentation, in either order, and the rest of the line.
    fn scan_block_header(
        &mut self,
        start: super::scan::Mark,
    ) -> Scanned<(Option<u8>, Option<usize>)> {
        let (mut chomping, mut increment) = (None, None);
        for _ in 0..2 {
            match self.byte(0) {
                byte @ (b'+' | b'-') if chomping.is_none() => chomping = Some(byte),
                b'0' if increment.is_none() => {
                    return self.error(start, "found an indentation indicator equal to 0");
                }
                byte @ b'1'..=b'9' if increment.is_none() => {
                    increment = Some(usize::from(byte - b'0'));
                }
                _ => break,
            }
            self.skip_ascii(1);
        }
        while self.is_blank(0) {
            self.skip_ascii(1);
        }
        if self.byte(0) == b'#' {
            self.skip_comment();
        }
        if !self.is_breakz(0) {
            return self.error(start, "did not find expected comment or line break");
        }
        self.skip_line();
        Ok((chomping, increment))
    }

    /// Reads empty lines, and finds out the indentation if it is not known yet.
    fn scan_block_breaks(
        &mut self,
        indent: &mut Option<usize>,
        breaks: &mut String,
        start: super::scan::Mark,
    ) -> Scanned<()> {
        let mut widest = 0;
        loop {
            let inside = |column: usize| indent.is_none_or(|indent| column < indent);
            while inside(self.mark.column) && self.byte(0) == b' ' {
                self.skip_ascii(1);
            }
            widest = widest.max(self.mark.column);
            if inside(self.mark.column) && self.byte(0) == b'\t' {
                return self
                    .error(start, "found a tab character where an indentation space is expected");
            }
            if self.at_end() || !self.is_breakz(0) {
                break;
            }
            breaks.push_str(self.skip_line());
        }
        if indent.is_none() {
            let least = usize::try_from(self.indent + 1).unwrap_or(0).max(1);
            *indent = Some(widest.max(least));
        }
        Ok(())
    }
}
