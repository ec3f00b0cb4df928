//! Text from elsewhere, made harmless: commits, pods and logs hold whatever their authors wanted.

/// One line: what moves the cursor, hides or turns text around is shown as its code.
pub(crate) fn clean_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => line.push(' '),
            c => push_clean(&mut line, c),
        }
    }
    line
}

/// Several lines; their ends stay.
pub(crate) fn clean_text(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' {
            lines.push(c);
        } else {
            push_clean(&mut lines, c);
        }
    }
    lines
}

/// Writes hidden characters as `\u` escapes. Within a string of JSON that changes nothing.
pub(crate) fn escape_hidden(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !is_hidden(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            escaped.push_str(&format!("\\u{unit:04x}"));
        }
    }
    escaped
}

fn push_clean(text: &mut String, c: char) {
    if is_hidden(c) {
        text.extend(c.escape_unicode());
    } else {
        text.push(c);
    }
}

/// Control characters, line separators, and what has no width or changes the direction of its neighbours.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        let hostile = "a\x1b[2J\x07\r\u{9b}31m\u{202e}b\u{e0041}\tc\nd";
        assert_eq!(
            clean_line(hostile),
            "a\\u{1b}[2J\\u{7}\\u{d}\\u{9b}31m\\u{202e}b\\u{e0041} c d"
        );
        assert!(clean_text("a\nb\x1b").starts_with("a\nb\\u{1b}"));
    }

    #[test]
    fn escapes_of_json_read_back() {
        let hostile = "a\u{9b}\u{202e}\u{e0041}ü";
        let json = escape_hidden(&serde_json::to_string(hostile).unwrap());
        assert!(json.chars().all(|c| !is_hidden(c)), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }
}
