//! Makes text from the cluster harmless to show: no escape sequences, no control characters, no marks
//! that turn the direction of writing.
//!
//! Agents do so before they send, and the control plane once more when it receives: an agent is not
//! trusted. What is secret in a container's output cannot be known and stays in it: a program that prints
//! a password shows it to everyone who may see the application.

use super::{
    ContainerState, FluxState, ObjectKey, Observation, ObservedState, PodState, Trouble,
    WorkloadState, cut,
};

/// Bytes that one text may keep.
pub const MAX_TEXT: usize = 4096;

/// Lines of output that are kept.
const MAX_LINES: usize = 20;

/// The text without what could act on a terminal or a page, at most 4 KiB of it.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut out = strip(text);
    cut(&mut out, MAX_TEXT);
    out
}

/// The last lines of a container's output, cleaned: at most 20 lines and 4 KiB, oldest first.
#[must_use]
pub fn last_lines(output: &[u8]) -> Vec<String> {
    lines_of(&String::from_utf8_lossy(output))
}

fn lines_of(text: &str) -> Vec<String> {
    let text = strip(text);
    let mut room = MAX_TEXT;
    let mut lines = Vec::new();
    for line in text.lines().rev().map(str::trim_end).filter(|line| !line.is_empty()) {
        if lines.len() == MAX_LINES || room == 0 {
            break;
        }
        let mut line = line.to_owned();
        cut(&mut line, room);
        room -= line.len();
        lines.push(line);
    }
    lines.reverse();
    lines
}

impl Observation {
    /// Itself, with every text cleaned as [`clean`] does and its last lines bounded.
    #[must_use]
    pub fn harmless(mut self) -> Self {
        let ObjectKey { kind, namespace, name } = &mut self.key;
        [kind, namespace, name].into_iter().for_each(tidy);
        match &mut self.state {
            ObservedState::Source(state) | ObservedState::Applier(state) => tidy_flux(state),
            ObservedState::Workload(state) => tidy_workload(state),
            ObservedState::Pod(state) => tidy_pod(state),
            // Hosts and paths are used only where they are plainly such.
            ObservedState::Ingress(_)
            | ObservedState::Route(_)
            | ObservedState::Gateway(_)
            | ObservedState::Service(_)
            | ObservedState::Unknown => {}
        }
        self
    }
}

fn tidy_flux(state: &mut FluxState) {
    tidy(&mut state.reason);
    tidy(&mut state.message);
    state.reconciling.iter_mut().for_each(tidy);
}

fn tidy_workload(state: &mut WorkloadState) {
    state.stuck.iter_mut().for_each(tidy_trouble);
    state.images.iter_mut().for_each(tidy);
}

fn tidy_pod(state: &mut PodState) {
    tidy(&mut state.phase);
    state.node.iter_mut().for_each(tidy);
    state.trouble.iter_mut().for_each(tidy_trouble);
    state.containers.iter_mut().for_each(tidy_container);
}

fn tidy_container(state: &mut ContainerState) {
    tidy(&mut state.name);
    tidy(&mut state.image);
    state.waiting.iter_mut().for_each(tidy_trouble);
    if let Some(ended) = &mut state.terminated {
        tidy(&mut ended.reason);
        tidy(&mut ended.message);
    }
    state.probe_failure.iter_mut().for_each(tidy);
    if !state.last_lines.is_empty() {
        state.last_lines = lines_of(&state.last_lines.join("\n"));
    }
}

fn tidy_trouble(trouble: &mut Trouble) {
    tidy(&mut trouble.reason);
    tidy(&mut trouble.message);
}

/// Most texts are harmless: those are not copied.
fn tidy(text: &mut String) {
    let plain =
        |char: char| char == '\n' || char == '\t' || !(char.is_control() || turns_direction(char));
    if text.len() > MAX_TEXT || !text.chars().all(plain) {
        *text = clean(text);
    }
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
    fn what_a_foreign_agent_sends_is_cleaned_and_bounded_once_more() {
        let hostile = "\u{1b}]0;owned\u{7}a\u{202e}b".to_owned();
        let container = ContainerState {
            name: hostile.clone(),
            last_lines: (0..50).map(|number| format!("{hostile}\r{number}")).collect(),
            ..ContainerState::default()
        };
        let sent = Observation {
            key: ObjectKey { kind: "Pod".into(), namespace: "shop".into(), name: hostile.clone() },
            state: ObservedState::Pod(PodState {
                node: Some(hostile),
                containers: vec![container],
                ..PodState::default()
            }),
        };
        let taken = sent.harmless();
        assert_eq!(taken.key.name, "ab");
        let ObservedState::Pod(pod) = taken.state else { panic!() };
        assert_eq!((pod.node.as_deref(), pod.containers[0].name.as_str()), (Some("ab"), "ab"));
        let lines = &pod.containers[0].last_lines;
        assert_eq!((lines.len(), lines[19].as_str()), (20, "ab49"));
    }

    #[test]
    fn one_endless_line_and_bytes_that_are_no_text_are_bounded() {
        let lines = last_lines(&[b'x'; 100_000]);
        assert_eq!((lines.len(), lines[0].len()), (1, 4096));
        assert_eq!(last_lines(b"ok \xff\xfe\n\n"), ["ok \u{fffd}\u{fffd}"]);
        assert!(last_lines(b"").is_empty());
    }
}
