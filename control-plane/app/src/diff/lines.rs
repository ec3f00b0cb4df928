//! Two texts as the lines that came and went, with a few lines around them, and no more than is read.

use std::time::{Duration, Instant};

use gimlet_shared::api::{DiffLine, FileDiff, Hunk};
use similar::{ChangeTag, TextDiff};

/// Unchanged lines around a change, as git shows them.
const AROUND: usize = 3;

/// Lines of one file, and of all files together, that are shown.
const LINES_OF_A_FILE: usize = 400;
const LINES: usize = 2_000;

/// Characters of one line that are shown.
const LONGEST_LINE: usize = 500;

/// After this the comparison gives what it has, which is right and only larger than it had to be.
const PATIENCE: Duration = Duration::from_millis(200);

/// How many lines may still be shown.
#[derive(Debug)]
pub(super) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(LINES)
    }
}

/// Fills in what differs.
pub(super) fn compare(file: FileDiff, before: &str, after: &str, room: &mut Room) -> FileDiff {
    let mut file = file;
    let diff = TextDiff::configure().deadline(Instant::now() + PATIENCE).diff_lines(before, after);
    let mut left = LINES_OF_A_FILE.min(room.0);
    let mut is_cut = false;
    for group in diff.grouped_ops(AROUND) {
        let mut hunk = Hunk {
            old_start: group.first().map_or(1, |op| number(op.old_range().start)),
            new_start: group.first().map_or(1, |op| number(op.new_range().start)),
            lines: Vec::new(),
        };
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let word = match change.tag() {
                ChangeTag::Equal => "same",
                ChangeTag::Delete => {
                    file.removed += 1;
                    "removed"
                }
                ChangeTag::Insert => {
                    file.added += 1;
                    "added"
                }
            };
            if left == 0 {
                is_cut = true;
                continue;
            }
            left -= 1;
            room.0 -= 1;
            let text = shortened(change.value());
            hunk.lines.push(DiffLine { change: word.to_owned(), text });
        }
        if !hunk.lines.is_empty() {
            file.hunks.push(hunk);
        }
    }
    if is_cut {
        file.note = Some("Cut here: the rest is in the gitops repository.".to_owned());
    }
    file
}

/// From 1, as people count.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1)
}

fn shortened(line: &str) -> String {
    let line = line.trim_end_matches(['\n', '\r']);
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(before: &str, after: &str) -> FileDiff {
        compare(FileDiff::default(), before, after, &mut Room::default())
    }

    fn told(file: &FileDiff) -> Vec<String> {
        let lines = file.hunks.iter().flat_map(|hunk| &hunk.lines);
        lines.map(|line| format!("{} {}", line.change, line.text)).collect()
    }

    #[test]
    fn a_change_is_told_with_the_lines_around_it() {
        let before = (1..=20).map(|line| format!("{line}\n")).collect::<String>();
        let file = compared(&before, &before.replace("10\n", "ten\n"));
        assert_eq!((file.added, file.removed, file.hunks.len()), (1, 1, 1));
        assert_eq!((file.hunks[0].old_start, file.hunks[0].new_start), (7, 7));
        let lines = ["same 7", "same 8", "same 9", "removed 10", "added ten", "same 11", "same 12"];
        assert_eq!(told(&file)[..7], lines);
    }

    #[test]
    fn a_file_that_came_or_went_is_told_whole() {
        assert_eq!(told(&compared("", "a\nb")), ["added a", "added b"]);
        assert_eq!(told(&compared("a\nb\n", "")), ["removed a", "removed b"]);
    }

    #[test]
    fn a_large_difference_is_cut_with_a_note_and_still_counted() {
        let after = (0..5_000).map(|line| format!("{line}\n")).collect::<String>();
        let mut room = Room::default();
        let file = compare(FileDiff::default(), "", &after, &mut room);
        assert_eq!((told(&file).len(), file.added), (LINES_OF_A_FILE, 5_000));
        assert!(file.note.is_some());
        for _ in 0..5 {
            compare(FileDiff::default(), "", &after, &mut room);
        }
        let none_left = compare(FileDiff::default(), "", "a\n", &mut room);
        assert!(none_left.hunks.is_empty() && none_left.note.is_some());
    }

    #[test]
    fn an_endless_line_is_cut() {
        let file = compared("", &"ß".repeat(10_000));
        assert_eq!(told(&file)[0].chars().count(), "added ".len() + LONGEST_LINE + 1);
    }
}
