//! Texts in quotes, as Go writes them.

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

/// Go's letters, marks, numbers, punctuation and symbols.
static PRINTABLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S}]$").ok());

/// Whether Go prints the character as it is: letters, marks, numbers, punctuation, symbols and the ASCII space.
pub(crate) fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    let mut buffer = [0; 4];
    PRINTABLE.as_ref().is_some_and(|printable| printable.is_match(c.encode_utf8(&mut buffer)))
}

/// A text in double quotes with Go's escapes.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    push_quoted(&mut quoted, text, false);
    quoted
}

/// Appends a text in double quotes. With `ascii`, all other characters are escaped.
pub(super) fn push_quoted(out: &mut String, text: &str, ascii: bool) {
    out.push('"');
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.push_str(text);
    } else {
        text.chars().for_each(|c| push_escaped(out, c, '"', ascii));
    }
    out.push('"');
}

/// Appends a character as it stands between `quote`s.
pub(super) fn push_escaped(out: &mut String, c: char, quote: char, ascii: bool) {
    let code = u32::from(c);
    match c {
        c if c == quote || c == '\\' => out.extend(['\\', c]),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        c if (!ascii || c.is_ascii()) && is_printable(c) => out.push(c),
        // Carries a byte that is no UTF-8.
        '\u{10ff80}'..='\u{10ffff}' => push_code(out, 'x', 2, code & 0xff),
        _ if code < 0x80 => push_code(out, 'x', 2, code),
        _ if code < 0x10000 => push_code(out, 'u', 4, code),
        _ => push_code(out, 'U', 8, code),
    }
}

fn push_code(out: &mut String, letter: char, width: usize, code: u32) {
    // Writing to a string does not fail.
    let _ = write!(out, "\\{letter}{code:0width$x}");
}
