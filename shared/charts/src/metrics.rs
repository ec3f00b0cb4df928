//! What was fetched, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::source::SourceKind;

/// How a fetch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The chart came from its source.
    Fetched,
    /// It was there already.
    Cached,
    /// It was there already, and nobody could say whether it is still the right one: its source is away.
    WithoutSource,
    /// There is no chart.
    Failed,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Fetched, Self::Cached, Self::WithoutSource, Self::Failed];

    /// One word for it, as in a metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fetched => "fetched",
            Self::Cached => "cached",
            Self::WithoutSource => "without_source",
            Self::Failed => "failed",
        }
    }
}

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Counters([[AtomicU64; Outcome::ALL.len()]; SourceKind::ALL.len()]);

impl Counters {
    /// How many fetches from such sources ended so.
    pub fn count(&self, kind: SourceKind, outcome: Outcome) -> u64 {
        self.0[kind as usize][outcome as usize].load(Ordering::Relaxed)
    }

    /// All counts, in one order.
    pub fn all(&self) -> impl Iterator<Item = (SourceKind, Outcome, u64)> + '_ {
        SourceKind::ALL.into_iter().flat_map(move |kind| {
            Outcome::ALL.into_iter().map(move |outcome| (kind, outcome, self.count(kind, outcome)))
        })
    }

    pub(crate) fn add(&self, kind: SourceKind, outcome: Outcome) {
        self.0[kind as usize][outcome as usize].fetch_add(1, Ordering::Relaxed);
    }
}
