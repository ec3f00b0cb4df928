//! When to ping, and when silence means that the other side is gone. Both sides keep the same time.

use std::time::{Duration, Instant};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{DEAD_AFTER_SECONDS, PING_SECONDS};
use crate::ids::BootId;

/// What the clock asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing yet.
    Quiet,
    /// A ping is due.
    Ping,
    /// Nothing was heard for too long.
    Dead,
}

/// The two timers of an open session.
#[derive(Debug)]
pub(super) struct Keepalive {
    heard: Instant,
    next_ping: Instant,
    jitter: StdRng,
}

impl Keepalive {
    /// Starts both timers. The boot id, which is random, spreads the pings of a fleet.
    pub(super) fn new(boot: BootId, now: Instant) -> Self {
        let seed = (boot.0.as_u128() & u128::from(u64::MAX)) as u64;
        let mut jitter = StdRng::seed_from_u64(seed);
        let next_ping = now + interval(&mut jitter);
        Self { heard: now, next_ping, jitter }
    }

    /// The other side sent something.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = self.heard.max(now);
    }

    /// Looks at the timers, and starts the next ping interval if one is due.
    pub(super) fn beat(&mut self, now: Instant) -> Beat {
        if now >= self.dead_at() {
            return Beat::Dead;
        }
        if now < self.next_ping {
            return Beat::Quiet;
        }
        self.next_ping = now + interval(&mut self.jitter);
        Beat::Ping
    }

    /// When [`Keepalive::beat`] has something to say next.
    pub(super) fn next(&self) -> Instant {
        self.next_ping.min(self.dead_at())
    }

    fn dead_at(&self) -> Instant {
        self.heard + Duration::from_secs(DEAD_AFTER_SECONDS)
    }
}

/// A ping interval within ±20 % of the nominal one.
fn interval(jitter: &mut StdRng) -> Duration {
    Duration::from_secs(PING_SECONDS).mul_f64(jitter.random_range(0.8..=1.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pings_come_every_fifteen_seconds_within_a_fifth() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(BootId::new(), start);
        let mut at = start;
        for _ in 0..100 {
            let next = keepalive.next();
            let gap = next - at;
            assert!(gap >= Duration::from_secs(12) && gap <= Duration::from_secs(18), "{gap:?}");
            assert_eq!(keepalive.beat(next - Duration::from_millis(1)), Beat::Quiet);
            keepalive.heard(next);
            assert_eq!(keepalive.beat(next), Beat::Ping);
            at = next;
        }
    }

    #[test]
    fn forty_five_seconds_of_silence_are_death() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(BootId::new(), start);
        keepalive.heard(start + Duration::from_secs(10));
        assert_eq!(keepalive.beat(start + Duration::from_secs(54)), Beat::Ping);
        assert_eq!(keepalive.beat(start + Duration::from_secs(55)), Beat::Dead);
    }
}
