//! How long each step of a release usually takes.

use std::time::Duration;

use crate::time::Timestamp;

/// When a healthy release reached each of its steps. A moment that nobody saw is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// It was asked for.
    pub requested: Timestamp,
    /// It was in git.
    pub committed: Option<Timestamp>,
    /// Flux had fetched it.
    pub fetched: Option<Timestamp>,
    /// Flux had applied it.
    pub applied: Option<Timestamp>,
    /// It was healthy.
    pub finished: Option<Timestamp>,
}

/// The usual duration of each step, in their order; `None` where nothing was seen yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsualDurations {
    /// Written to git.
    pub written: Option<Duration>,
    /// Fetched by Flux.
    pub fetched: Option<Duration>,
    /// Applied to the cluster.
    pub applied: Option<Duration>,
    /// Healthy.
    pub healthy: Option<Duration>,
}

impl UsualDurations {
    /// The medians over earlier healthy releases: one slow day does not move them.
    #[must_use]
    pub fn of(releases: &[Moments]) -> Self {
        let median_of = |step: fn(&Moments) -> Option<Duration>| {
            median(releases.iter().filter_map(step).collect())
        };
        Self {
            written: median_of(|it| span(Some(it.requested), it.committed)),
            fetched: median_of(|it| span(it.committed, it.fetched)),
            applied: median_of(|it| span(it.fetched, it.applied)),
            healthy: median_of(|it| span(it.applied, it.finished)),
        }
    }
}

fn span(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<Duration> {
    Some(to?.since(from?))
}

/// The middle one; of an even number the lower of the two.
fn median(mut all: Vec<Duration>) -> Option<Duration> {
    all.sort_unstable();
    all.get(all.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    fn healthy(times: [i64; 4]) -> Moments {
        let [committed, fetched, applied, finished] = times.map(|second| Some(at(second)));
        Moments { requested: at(0), committed, fetched, applied, finished }
    }

    #[test]
    fn one_slow_release_does_not_move_what_is_usual() {
        let usual = UsualDurations::of(&[
            healthy([1, 3, 6, 26]),
            healthy([1, 3, 7, 29]),
            healthy([60, 600, 6_000, 60_000]),
        ]);
        assert_eq!(usual.written, Some(Duration::from_secs(1)));
        assert_eq!(usual.fetched, Some(Duration::from_secs(2)));
        assert_eq!(usual.applied, Some(Duration::from_secs(4)));
        assert_eq!(usual.healthy, Some(Duration::from_secs(22)));
    }

    #[test]
    fn a_moment_that_nobody_saw_counts_for_nothing() {
        let unseen = Moments { fetched: None, ..healthy([1, 0, 6, 9]) };
        let usual = UsualDurations::of(&[unseen]);
        assert_eq!((usual.fetched, usual.applied), (None, None));
        assert_eq!(usual.healthy, Some(Duration::from_secs(3)));
        assert_eq!(UsualDurations::of(&[]), UsualDurations::default());
    }
}
