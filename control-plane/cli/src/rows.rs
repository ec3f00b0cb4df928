//! How each thing of the API looks in a table and in full.

mod activity;
pub(crate) mod app;
mod artifact;
mod cause;
mod cluster;
mod environment;
mod people;
mod pod;
pub(crate) mod release;
mod repository;

use crate::output::{Cell, Tone};

/// As many digits of a commit as people compare.
const SHORT_SHA: usize = 7;

/// The first digits of a commit.
pub(crate) fn short_sha(sha: &str) -> &str {
    sha.get(..SHORT_SHA).unwrap_or(sha)
}

/// A state as icon and word, so that nobody needs the color.
pub(crate) fn state(word: &str) -> Cell {
    let (icon, tone) = match word {
        "healthy" | "connected" | "gone" => ("✓", Tone::Good),
        "degraded" | "timed_out" | "failed" => ("✗", Tone::Bad),
        "superseded" | "unknown" => ("–", Tone::Faint),
        "away" => ("!", Tone::Busy),
        _ => ("●", Tone::Busy),
    };
    Cell::new(tone, format!("{icon} {}", word.replace('_', " ")))
}
