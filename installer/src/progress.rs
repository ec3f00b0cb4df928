//! What the person sees: one line per change on standard error. On a terminal, a line that waits is
//! rewritten in place; elsewhere every line stands by itself.

use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

use crate::plan::Reference;

/// What happened to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there.
    Created,
    /// It was there, and these fields changed.
    Configured(Vec<String>),
    /// It was as it should be.
    Unchanged,
    /// It was there, and should not be.
    Removed,
    /// Someone else owns fields that we want otherwise; nothing was changed.
    Conflict(String),
}

/// Whether the outcomes are facts or forecasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tense {
    /// They happened.
    Done,
    /// They would happen.
    WouldBe,
}

/// Tells a person what is going on.
pub struct Progress {
    out: Box<dyn Write + Send>,
    terminal: bool,
    tense: Tense,
    waiting: bool,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    created: usize,
    configured: usize,
    unchanged: usize,
    removed: usize,
    conflicts: usize,
}

impl Progress {
    /// Writes to standard error.
    pub fn to_stderr(tense: Tense) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { terminal, ..Self::plain(Box::new(std::io::stderr()), tense) }
    }

    /// Writes plain lines to `out`.
    pub fn plain(out: Box<dyn Write + Send>, tense: Tense) -> Self {
        Self { out, terminal: false, tense, waiting: false, tally: Tally::default() }
    }

    /// Begins a group of objects.
    pub fn stage(&mut self, title: &str) {
        self.line(title);
        self.tally = Tally::default();
    }

    /// Says what happened to one object. Objects that did not change are only counted.
    pub fn object(&mut self, reference: &Reference, outcome: &Outcome) {
        let (done, forecast, detail) = match outcome {
            Outcome::Unchanged => {
                self.tally.unchanged += 1;
                return;
            }
            Outcome::Created => {
                self.tally.created += 1;
                ("created", "would create", String::new())
            }
            Outcome::Configured(fields) => {
                self.tally.configured += 1;
                ("configured", "would configure", format!(" ({})", shortened(fields)))
            }
            Outcome::Removed => {
                self.tally.removed += 1;
                ("removed", "would remove", String::new())
            }
            Outcome::Conflict(with) => {
                self.tally.conflicts += 1;
                ("left alone", "would leave alone", format!(": {with}"))
            }
        };
        let verb = if self.tense == Tense::Done { done } else { forecast };
        self.line(&format!("  {verb} {reference}{detail}"));
    }

    /// Ends a group with the number of each outcome.
    pub fn end_stage(&mut self) {
        let words = match self.tense {
            Tense::Done => ["created", "configured", "removed"],
            Tense::WouldBe => ["to create", "to configure", "to remove"],
        };
        let counts = [
            (self.tally.created, words[0]),
            (self.tally.configured, words[1]),
            (self.tally.removed, words[2]),
            (self.tally.conflicts, "left alone"),
            (self.tally.unchanged, "unchanged"),
        ];
        let text: Vec<_> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        if !text.is_empty() {
            self.line(&format!("  {}", text.join(", ")));
        }
    }

    /// Says one thing.
    pub fn note(&mut self, text: &str) {
        self.line(text);
    }

    /// Says that something is waited for, and how it stands.
    pub fn waiting(&mut self, subject: &str, elapsed: Duration, state: &str) {
        let text = format!("  waiting for {subject} ({} s): {state}", elapsed.as_secs());
        if self.terminal {
            let text: String = printable(&text).chars().take(118).collect();
            self.write(&format!("\r\x1b[2K{text}"));
            self.waiting = true;
        } else if elapsed.is_zero() {
            self.line(&format!("  waiting for {subject}"));
        }
    }

    fn line(&mut self, text: &str) {
        let clear = if self.waiting { "\r\x1b[2K" } else { "" };
        self.waiting = false;
        self.write(&format!("{clear}{}\n", printable(text)));
    }

    /// Losing a line of progress is no reason to stop half-way.
    fn write(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }
}

/// Names and messages come from elsewhere; what would steer the terminal is made visible instead.
fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

fn shortened(fields: &[String]) -> String {
    /// More than this helps nobody on one line.
    const SHOWN: usize = 4;
    let mut text = fields.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if fields.len() > SHOWN {
        text.push_str(&format!(" and {} more", fields.len() - SHOWN));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::resource_of;

    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn shown(tense: Tense, tell: impl FnOnce(&mut Progress)) -> String {
        let screen = Screen::default();
        tell(&mut Progress::plain(Box::new(screen.clone()), tense));
        String::from_utf8(screen.0.lock().unwrap().clone()).unwrap()
    }

    fn reference() -> Reference {
        let (resource, _) = resource_of("v1", "Secret").unwrap();
        Reference { resource, namespace: Some("infrastructure".into()), name: "a".into() }
    }

    #[test]
    fn every_change_is_a_line_and_the_rest_is_counted() {
        let text = shown(Tense::Done, |progress| {
            progress.stage("Agent");
            progress.object(&reference(), &Outcome::Created);
            progress.object(&reference(), &Outcome::Configured(vec![".data.token".into()]));
            progress.object(&reference(), &Outcome::Unchanged);
            progress.end_stage();
        });
        insta::assert_snapshot!(text, @r"
        Agent
          created Secret infrastructure/a
          configured Secret infrastructure/a (.data.token)
          1 created, 1 configured, 1 unchanged
        ");
    }

    #[test]
    fn a_dry_run_only_forecasts() {
        let text =
            shown(Tense::WouldBe, |progress| progress.object(&reference(), &Outcome::Created));
        assert_eq!(text, "  would create Secret infrastructure/a\n");
    }

    #[test]
    fn nothing_from_elsewhere_steers_the_terminal() {
        let text = shown(Tense::Done, |progress| progress.note("a\x1b[2Jb\u{202e}c\nd"));
        assert_eq!(text, "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\n");
    }
}
