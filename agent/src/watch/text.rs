//! Makes text from the cluster harmless to show: no escape sequences, no control characters, no marks
//! that turn the direction of writing.

/// Bytes that one text may keep.
pub(crate) const MAX_TEXT: usize = 4096;

/// Lines of output that are kept.
const MAX_LINES: usize = 20;

/// The text without what could act on a terminal or a page, at most 4 KiB of it.
pub(crate) fn clean(text: &str) -> String {
    let mut out = strip(text);
    gimlet_shared::observed::cut(&mut out, MAX_TEXT);
    out
}

/// The last lines of a container's output, cleaned: at most 20 lines and 4 KiB, oldest first.
pub(crate) fn last_lines(output: &[u8]) -> Vec<String> {
    let text = strip(&String::from_utf8_lossy(output));
    let mut room = MAX_TEXT;
    let mut lines = Vec::new();
    for line in text.lines().rev().map(str::trim_end).filter(|line| !line.is_empty()) {
        if lines.len() == MAX_LINES || room == 0 {
            break;
        }
        let mut line = line.to_owned();
        gimlet_shared::observed::cut(&mut line, room);
        room -= line.len();
        lines.push(line);
    }
    lines.reverse();
    lines
}

fn strip(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(2 * MAX_TEXT));
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => skip_escape(&mut characters),
            '\u{9b}' => skip_control_sequence(&mut characters),
            '\u{9d}' | '\u{90}' | '\u{98}' | '\u{9e}' | '\u{9f}' => skip_string(&mut characters),
            '\n' | '\t' => out.push(character),
            _ if character.is_control() || turns_direction(character) => {}
            _ => out.push(character),
        }
    }
    out
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// What follows ESC (ECMA-48): a control sequence, a string, or one character.
fn skip_escape(characters: &mut Characters<'_>) {
    match characters.peek() {
        Some('[') => {
            characters.next();
            skip_control_sequence(characters);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            characters.next();
            skip_string(characters);
        }
        // Intermediate characters and a final one, as in the choice of a character set.
        Some(' '..='/') => {
            while characters.next_if(|it| matches!(it, ' '..='/')).is_some() {}
            characters.next_if(|it| matches!(it, '0'..='~'));
        }
        Some('0'..='~') => _ = characters.next(),
        Some(_) | None => {}
    }
}

/// Parameters, intermediates and one final character.
fn skip_control_sequence(characters: &mut Characters<'_>) {
    while characters.next_if(|it| matches!(it, ' '..='?')).is_some() {}
    characters.next_if(|it| matches!(it, '@'..='~'));
}

/// A string ends with BEL or with the string terminator; a line's end ends it too, so that an open one
/// does not swallow the rest.
fn skip_string(characters: &mut Characters<'_>) {
    while let Some(character) = characters.next_if(|it| *it != '\n') {
        match character {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                characters.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

fn turns_direction(character: char) -> bool {
    matches!(
        character,
        '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{2028}' | '\u{2029}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_titles_links_and_charsets_leave_only_their_text() {
        assert_eq!(clean("\u{1b}[1;31mred\u{1b}[0m"), "red");
        assert_eq!(clean("\u{1b}]0;title\u{7}text"), "text");
        assert_eq!(clean("\u{1b}]8;;http://evil\u{1b}\\link\u{1b}]8;;\u{1b}\\"), "link");
        assert_eq!(clean("\u{1b}(Bplain\u{9b}2Jend\u{1b}c"), "plainend");
        assert_eq!(clean("\u{1b}[31"), "");
        assert_eq!(clean("\u{1b}]open\nnext"), "\nnext");
    }

    #[test]
    fn control_and_direction_characters_go_and_lines_stay() {
        assert_eq!(clean("a\u{0}b\u{8}c\r\n\td\u{202e}e\u{2066}f\u{85}"), "abc\n\tdef");
        assert_eq!(clean("größe 東京"), "größe 東京");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(clean(&"ß".repeat(5000)).len(), 4096);
    }

    #[test]
    fn the_newest_lines_are_kept_oldest_first() {
        let output: String = (0..30).map(|number| format!("line {number}\n")).collect();
        let lines = last_lines(output.as_bytes());
        assert_eq!(lines.len(), 20);
        assert_eq!((lines[0].as_str(), lines[19].as_str()), ("line 10", "line 29"));
    }

    #[test]
    fn one_endless_line_and_bytes_that_are_no_text_are_bounded() {
        let lines = last_lines(&[b'x'; 100_000]);
        assert_eq!((lines.len(), lines[0].len()), (1, 4096));
        assert_eq!(last_lines(b"ok \xff\xfe\n\n"), ["ok \u{fffd}\u{fffd}"]);
        assert!(last_lines(b"").is_empty());
    }
}
