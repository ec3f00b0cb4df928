//! What a person sees while it is measured: standard error.

use std::{fmt::Display, io::Write as _};

use crate::figure::{Figure, Goal};

/// Tells how far it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress;

impl Progress {
    /// Says one line.
    pub fn say(self, line: impl Display) {
        // Without standard error there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    /// Says a figure in words.
    pub fn figure(self, figure: &Figure) {
        let goal = match (figure.goal, figure.met) {
            (Some(Goal::Max(bound)), Some(met)) => format!(", goal ≤ {bound}: {}", word(met)),
            (Some(Goal::Min(bound)), Some(met)) => format!(", goal ≥ {bound}: {}", word(met)),
            (_, _) => String::new(),
        };
        let peer = figure.peer.as_ref().map_or_else(String::new, |peer| {
            format!("; {} {:.3}, {:.2} times", peer.name, peer.value, figure.ratio.unwrap_or(0.0))
        });
        self.say(format_args!("  {} {:.3} {}{goal}{peer}", figure.name, figure.value, figure.unit));
    }
}

fn word(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}
