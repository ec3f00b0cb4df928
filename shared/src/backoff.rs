//! Delays between attempts: exponential, with full jitter.

use std::time::Duration;

use rand::Rng as _;

/// Delays that double from a first to a longest one, each drawn evenly from zero to that bound.
///
/// Full jitter spreads a fleet that lost its server at the same moment.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    attempt: u32,
}

impl Backoff {
    /// Starts at `first` and never waits longer than `longest`.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, attempt: 0 }
    }

    /// The next delay after a failure.
    pub fn next_delay(&mut self) -> Duration {
        let bound = self.bound();
        self.attempt = self.attempt.saturating_add(1);
        bound.mul_f64(rand::rng().random::<f64>())
    }

    /// Forgets earlier failures, and gives the first delay.
    pub fn restart(&mut self) -> Duration {
        self.attempt = 0;
        self.next_delay()
    }

    /// What the next delay cannot exceed.
    #[must_use]
    pub fn bound(&self) -> Duration {
        let factor = 2_u32.saturating_pow(self.attempt.min(31));
        self.first.checked_mul(factor).map_or(self.longest, |bound| bound.min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_longest_and_restarts() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60));
        let bounds: Vec<_> = (0..9)
            .map(|_| {
                let bound = backoff.bound();
                assert!(backoff.next_delay() <= bound);
                bound.as_millis()
            })
            .collect();
        assert_eq!(bounds, [500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]);
        backoff.restart();
        assert_eq!(backoff.bound(), Duration::from_secs(1));
    }
}
