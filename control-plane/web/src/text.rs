//! Text from outside, made harmless: commits, logs and names come from people and programs that we do
//! not trust.

use std::{
    borrow::Cow,
    fmt::{self, Write},
    iter::Peekable,
    str::Chars,
};

use askama::filters::{Escaper, Html};

/// The escaper of every template: first [`disarm`], then HTML.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disarmed;

impl Escaper for Disarmed {
    fn write_escaped_str<W: Write>(&self, dest: W, string: &str) -> fmt::Result {
        Html.write_escaped_str(dest, &disarm(string))
    }
}

/// Shown where a character was that could deceive.
const SHOWN_INSTEAD: char = '\u{fffd}';

/// Takes terminal sequences out of `text`, and shows what could hide or reorder it as `�`. Line breaks
/// and tabs stay.
pub(crate) fn disarm(text: &str) -> Cow<'_, str> {
    if !text.chars().any(deceives) {
        return Cow::Borrowed(text);
    }
    let mut harmless = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' => skip_escape_sequence(&mut chars),
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => harmless.push('\n'),
            _ if deceives(char) => harmless.push(SHOWN_INSTEAD),
            _ => harmless.push(char),
        }
    }
    Cow::Owned(harmless)
}

/// Controls, direction marks and invisible characters. The joiners stay: emoji and several scripts
/// need them.
fn deceives(char: char) -> bool {
    match char {
        '\n' | '\t' | '\u{200c}' | '\u{200d}' => false,
        '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => true,
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => true,
        '\u{e0000}'..='\u{e007f}' => true,
        _ => char.is_control(),
    }
}

/// Skips what follows an escape character, by ECMA-48.
fn skip_escape_sequence(chars: &mut Peekable<Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_control_sequence(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_control_string(chars);
        }
        Some(' '..='/') => {
            while chars.next_if(|char| matches!(char, ' '..='/')).is_some() {}
            chars.next_if(|char| matches!(char, '0'..='~'));
        }
        Some('0'..='~') => {
            chars.next();
        }
        _ => {}
    }
}

/// Skips parameters and the final character of a sequence such as a colour.
fn skip_control_sequence(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|char| matches!(char, ' '..='?')).is_some() {}
    chars.next_if(|char| matches!(char, '@'..='~'));
}

/// Skips a title, a hyperlink's address and the like. One without an end hides no more than its line.
fn skip_control_string(chars: &mut Peekable<Chars<'_>>) {
    while let Some(char) = chars.next_if(|char| *char != '\n') {
        match char {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

/// The first line of `text`, cut after `most` characters.
pub(crate) fn first_line(text: &str, most: usize) -> String {
    shortened(text.trim_start().lines().next().unwrap_or_default(), most)
}

/// `text`, cut after `most` characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut html = String::new();
        Disarmed.write_escaped_str(&mut html, text).unwrap();
        html
    }

    #[test]
    fn plain_text_of_any_script_stays_as_it_is() {
        for text in ["Fix tax\n\tfor café", "修复", "שלום", "👩‍👩‍👧", ""] {
            assert!(matches!(disarm(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn colours_titles_and_links_of_a_terminal_vanish() {
        assert_eq!(disarm("\u{1b}[1;31mred\u{1b}[0m"), "red");
        assert_eq!(disarm("\u{9b}31mred"), "red");
        assert_eq!(disarm("\u{1b}]0;title\u{7}text"), "text");
        assert_eq!(disarm("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\"), "link");
        assert_eq!(disarm("\u{1b}(Bascii\u{1b}c"), "ascii");
    }

    #[test]
    fn a_sequence_without_an_end_hides_no_other_line() {
        assert_eq!(disarm("\u{1b}]0;never ended\nnext line"), "\nnext line");
        assert_eq!(disarm("\u{1b}[12\nnext line"), "\nnext line");
        assert_eq!(disarm("end\u{1b}"), "end");
    }

    #[test]
    fn characters_that_reorder_or_hide_are_shown() {
        assert_eq!(disarm("user\u{202e}cod.exe"), "user\u{fffd}cod.exe");
        assert_eq!(disarm("a\u{200b}b\u{2066}c\u{feff}d\u{e0041}e"), "a�b�c�d�e");
        assert_eq!(disarm("a\u{0}b\u{8}c\u{85}"), "a�b�c�");
    }

    #[test]
    fn carriage_returns_cannot_overwrite_a_line() {
        assert_eq!(disarm("a\r\nb\rc"), "a\nb\nc");
    }

    #[test]
    fn markup_is_escaped_after_disarming() {
        assert_eq!(written("<\u{1b}[0mscript>&\"'"), "&#60;script&#62;&#38;&#34;&#39;");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(first_line("  Fix tax\nbody", 50), "Fix tax");
        assert_eq!(shortened("äöüäöü", 3), "äöü…");
        assert_eq!(shortened("abc", 3), "abc");
    }
}
