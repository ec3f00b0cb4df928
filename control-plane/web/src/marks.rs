//! How states look: an icon, a word and a tone, never a colour alone.

/// What a state means for who looks at it; the name of a CSS class as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Broken.
    Bad,
    /// Needs a look.
    Warn,
    /// On its way.
    Busy,
    /// Nothing to say.
    Calm,
}

impl Tone {
    /// Its CSS class.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Warn => "warn",
            Self::Busy => "busy",
            Self::Calm => "calm",
        }
    }
}

/// How one state looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) icon: &'static str,
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
}

const fn mark(icon: &'static str, word: &'static str, tone: Tone) -> Mark {
    Mark { icon, word, tone }
}

/// Shown for a word that a newer part of the system uses and this one does not know.
const UNKNOWN: Mark = mark("waiting", "Unknown", Tone::Calm);

const RELEASE: [(&str, Mark); 8] = [
    ("queued", mark("waiting", "Queued", Tone::Calm)),
    ("committed", mark("busy", "In git", Tone::Busy)),
    ("observed", mark("busy", "Rolling out", Tone::Busy)),
    ("healthy", mark("check", "Healthy", Tone::Good)),
    ("degraded", mark("cross", "Degraded", Tone::Bad)),
    ("timed_out", mark("clock", "Timed out", Tone::Bad)),
    ("failed", mark("cross", "Failed", Tone::Bad)),
    ("superseded", mark("skipped", "Superseded", Tone::Calm)),
];

const HEALTH: [(&str, Mark); 4] = [
    ("healthy", mark("check", "Healthy", Tone::Good)),
    ("progressing", mark("busy", "Progressing", Tone::Busy)),
    ("degraded", mark("cross", "Degraded", Tone::Bad)),
    ("unknown", UNKNOWN),
];

const CLUSTER: [(&str, Mark); 3] = [
    ("waiting", mark("waiting", "Waiting", Tone::Busy)),
    ("connected", mark("check", "Connected", Tone::Good)),
    ("away", mark("away", "Away", Tone::Warn)),
];

const STEP: [(&str, Mark); 5] = [
    ("waiting", mark("waiting", "Waiting", Tone::Calm)),
    ("running", mark("busy", "Running", Tone::Busy)),
    ("done", mark("check", "Done", Tone::Good)),
    ("failed", mark("cross", "Failed", Tone::Bad)),
    ("skipped", mark("skipped", "Skipped", Tone::Calm)),
];

/// A release's state.
pub(crate) fn release(state: &str) -> Mark {
    find(&RELEASE, state)
}

/// An application's health.
pub(crate) fn health(state: &str) -> Mark {
    find(&HEALTH, state)
}

/// A cluster's connection.
pub(crate) fn cluster(state: &str) -> Mark {
    find(&CLUSTER, state)
}

/// A step of a release.
pub(crate) fn step(state: &str) -> Mark {
    find(&STEP, state)
}

fn find(marks: &[(&str, Mark)], state: &str) -> Mark {
    marks.iter().find(|(word, _)| *word == state).map_or(UNKNOWN, |(_, mark)| *mark)
}

#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = Mark> {
    [&RELEASE[..], &HEALTH, &CLUSTER, &STEP].into_iter().flatten().map(|(_, mark)| *mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_not_known_yet_is_shown_as_unknown() {
        assert_eq!(release("levitating"), UNKNOWN);
        assert_eq!(release("timed_out").word, "Timed out");
    }
}
