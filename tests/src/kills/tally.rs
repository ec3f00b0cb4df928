//! What a run has done so far, counted by all of its worlds together.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    plan::{KillPlan, points},
    world::lock,
};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Tally {
    until: Instant,
    per_point: u64,
    planned_points: usize,
    planned_random: u64,
    pub(super) random: AtomicU64,
    pub(super) points: Mutex<BTreeMap<&'static str, u64>>,
    /// Releases that were asked for.
    pub(super) releases: AtomicU64,
    /// Applications that were seen to run what was pushed last.
    pub(super) applied: AtomicU64,
    /// From each last push to its being applied everywhere.
    pub(super) waits: Mutex<Vec<Duration>>,
    /// Pushes that took long, in sentences.
    pub(super) slow: Mutex<Vec<String>>,
    /// Agents that were started anew because they had lost their server too often to come back at once.
    pub(super) freshened: AtomicU64,
    has_failed: AtomicBool,
}

impl Tally {
    pub(super) fn new(plan: &KillPlan) -> Self {
        Self {
            until: Instant::now() + plan.limit,
            per_point: plan.per_point,
            planned_points: points(plan).count(),
            planned_random: plan.random_kills,
            random: AtomicU64::new(0),
            points: Mutex::default(),
            releases: AtomicU64::new(0),
            applied: AtomicU64::new(0),
            waits: Mutex::default(),
            slow: Mutex::default(),
            freshened: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
        }
    }

    pub(super) fn add(counter: &AtomicU64, more: usize) {
        counter.fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, point: &'static str) {
        *lock(&self.points).entry(point).or_default() += 1;
    }

    pub(super) fn at_points(&self) -> u64 {
        lock(&self.points).values().sum()
    }

    /// One world cannot go on: the others end early, with what they have seen.
    pub(super) fn fail(&self) {
        self.has_failed.store(true, Ordering::Relaxed);
    }

    /// Nothing new is to be begun.
    pub(super) fn is_over(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed) || Instant::now() > self.until
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = lock(&self.points).values().filter(|count| **count >= self.per_point).count();
        write!(
            f,
            "{} of {} random kills, {} at crash points, {done} of {} points done, {} releases asked for, {} \
             applications brought up to date",
            Self::get(&self.random),
            self.planned_random,
            self.at_points(),
            self.planned_points,
            Self::get(&self.releases),
            Self::get(&self.applied),
        )
    }
}
