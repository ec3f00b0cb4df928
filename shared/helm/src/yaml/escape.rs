//! Characters within double quotes.

use std::fmt::Write as _;

use super::emit::is_printable;

/// Appends a character as it stands in YAML's double quotes.
pub(super) fn push_double_quoted(out: &mut String, c: char) {
    let code = u32::from(c);
    // Writing to a string does not fail.
    let _ = match c {
        '\0' => out.write_str("\\0"),
        '\u{7}' => out.write_str("\\a"),
        '\u{8}' => out.write_str("\\b"),
        '\t' => out.write_str("\\t"),
        '\n' => out.write_str("\\n"),
        '\u{b}' => out.write_str("\\v"),
        '\u{c}' => out.write_str("\\f"),
        '\r' => out.write_str("\\r"),
        '\u{1b}' => out.write_str("\\e"),
        '"' => out.write_str("\\\""),
        '\\' => out.write_str("\\\\"),
        '\u{85}' => out.write_str("\\N"),
        '\u{2028}' => out.write_str("\\L"),
        '\u{2029}' => out.write_str("\\P"),
        c if is_printable(c) => out.write_char(c),
        _ if code <= 0xff => write!(out, "\\x{code:02X}"),
        _ if code <= 0xffff => write!(out, "\\u{code:04X}"),
        _ => write!(out, "\\U{code:08X}"),
    };
}
