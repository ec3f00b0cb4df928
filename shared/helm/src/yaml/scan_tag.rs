//! Anchors, tags and directives.

use super::scan::{Kind, Mark, Scanned, Scanner};

impl<'t> Scanner<'t> {
    fn is_alpha(&self) -> bool {
        let byte = self.byte(0);
        byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
    }

    fn skip_alpha(&mut self) -> &'t str {
        let start = self.mark.pos;
        while self.is_alpha() {
            self.skip_ascii(1);
        }
        &self.text[start..self.mark.pos]
    }

    pub(super) fn scan_anchor(&mut self, alias: bool) -> Scanned<Kind<'t>> {
        let start = self.mark;
        self.skip_ascii(1);
        let name = self.skip_alpha();
        let ends = self.is_blankz(0)
            || matches!(self.byte(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            return self.error(start, "did not find expected alphabetic or numeric character");
        }
        Ok(if alias { Kind::Alias(name) } else { Kind::Anchor(name) })
    }

    pub(super) fn scan_tag(&mut self) -> Scanned<Kind<'t>> {
        let start = self.mark;
        let (handle, suffix) = if self.byte(1) == b'<' {
            self.skip_ascii(2);
            let suffix = self.scan_uri("", start)?;
            if self.byte(0) != b'>' {
                return self.error(start, "did not find the expected '>'");
            }
            self.skip_ascii(1);
            (String::new(), suffix)
        } else {
            let handle = self.scan_handle(false, start)?;
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.scan_uri("", start)?;
                (handle, suffix)
            } else {
                let suffix = self.scan_uri(&handle, start)?;
                if suffix.is_empty() {
                    (String::new(), "!".to_owned())
                } else {
                    ("!".to_owned(), suffix)
                }
            }
        };
        if !self.is_blankz(0) {
            return self.error(start, "did not find expected whitespace or line break");
        }
        Ok(Kind::Tag { handle, suffix })
    }

    fn scan_handle(&mut self, directive: bool, start: Mark) -> Scanned<String> {
        if self.byte(0) != b'!' {
            return self.error(start, "did not find expected '!'");
        }
        self.skip_ascii(1);
        let mut handle = format!("!{}", self.skip_alpha());
        if self.byte(0) == b'!' {
            self.skip_ascii(1);
            handle.push('!');
        } else if directive && handle != "!" {
            return self.error(start, "did not find expected '!'");
        }
        Ok(handle)
    }

    fn scan_uri(&mut self, head: &str, start: Mark) -> Scanned<String> {
        let mut bytes = head.get(1..).unwrap_or_default().as_bytes().to_vec();
        let mut any = !head.is_empty();
        while self.is_alpha() || b";/?:@&=+$,.!~*'()[]%".contains(&self.byte(0)) {
            if self.byte(0) == b'%' {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let Some((high, low)) = digit(self.byte(1)).zip(digit(self.byte(2))) else {
                    return self.error(start, "did not find URI escaped octet");
                };
                bytes.push(u8::try_from(high << 4 | low).unwrap_or_default());
                self.skip_ascii(3);
            } else {
                bytes.push(self.byte(0));
                self.skip_ascii(1);
            }
            any = true;
        }
        if !any {
            return self.error(start, "did not find expected tag URI");
        }
        match String::from_utf8(bytes) {
            Ok(uri) => Ok(uri),
            Err(_) => self.error(start, "found an incorrect leading UTF-8 octet"),
        }
    }

    pub(super) fn scan_directive(&mut self) -> Scanned<Kind<'t>> {
        let start = self.mark;
        self.skip_ascii(1);
        let name = self.skip_alpha();
        if name.is_empty() {
            return self.error(start, "could not find expected directive name");
        }
        if !self.is_blankz(0) {
            return self.error(start, "found unexpected non-alphabetical character");
        }
        let kind = match name {
            "YAML" => {
                self.skip_blanks();
                let major = self.scan_number(start)?;
                if self.byte(0) != b'.' {
                    return self.error(start, "did not find expected digit or '.' character");
                }
                self.skip_ascii(1);
                Kind::Version(major, self.scan_number(start)?)
            }
            "TAG" => {
                self.skip_blanks();
                let handle = self.scan_handle(true, start)?;
                if !self.is_blank(0) {
                    return self.error(start, "did not find expected whitespace");
                }
                self.skip_blanks();
                let prefix = self.scan_uri("", start)?;
                if !self.is_blankz(0) {
                    return self.error(start, "did not find expected whitespace or line break");
                }
                Kind::TagDirective { handle, prefix }
            }
            _ => return self.error(start, "found unknown directive name"),
        };
        self.skip_blanks();
        if self.byte(0) == b'#' {
            self.skip_comment();
        }
        if !self.is_breakz(0) {
            return self.error(start, "did not find expected comment or line break");
        }
        self.skip_line();
        Ok(kind)
    }

    fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.skip_ascii(1);
        }
    }

    fn scan_number(&mut self, start: Mark) -> Scanned<i32> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if digits > 2 {
            return self.error(start, "found extremely long version number");
        }
        let number = self.rest()[..digits].parse();
        self.skip_ascii(digits);
        match number {
            Ok(number) => Ok(number),
            Err(_) => self.error(start, "did not find expected version number"),
        }
    }
}
