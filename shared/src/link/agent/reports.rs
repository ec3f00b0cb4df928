//! The agent's picture of the cluster, and how it goes up: a snapshot in parts, then changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    time::{Duration, Instant},
};

use crate::{
    link::{FromAgent, MAX_FRAME_BYTES, SnapshotPart},
    observed::{ObjectKey, Observation, ObservedState},
};

/// Changes are collected this long, so that a burst of one object's changes is one report.
const COALESCE: Duration = Duration::from_millis(200);

/// Bytes of observations after which a report is full. Small enough that a slow line carries one
/// within the write timeout.
const REPORT_BYTES: usize = 64 * 1024;

/// An observation above this is shortened, so that every report fits into a frame.
const OBSERVATION_BYTES: usize = MAX_FRAME_BYTES / 3;

/// Keys of gone objects in one report; a key is at most some 600 bytes.
const REPORT_GONE: usize = 100;

/// Reports on their way without being acknowledged. Meanwhile later changes replace earlier ones.
const IN_FLIGHT: u64 = 4;

#[derive(Debug, Default)]
pub(super) struct Reports {
    known: BTreeMap<ObjectKey, ObservedState>,
    /// The first look at the cluster is complete; before, a snapshot would call objects gone.
    synced: bool,
    /// Changed since it was reported in this session; not in `known` means gone.
    changed: BTreeSet<ObjectKey>,
    flush_at: Option<Instant>,
    progress: Progress,
    last_seq: u64,
    acknowledged: u64,
}

/// How far this session's picture is.
#[derive(Debug, Default, PartialEq, Eq)]
enum Progress {
    /// No session.
    #[default]
    Closed,
    /// Nothing was sent.
    Nothing,
    /// The snapshot was sent up to this key.
    UpTo(ObjectKey),
    /// The snapshot was sent; changes follow.
    Snapshot,
}

impl Reports {
    /// Notes an object's newest state.
    pub(super) fn observe(&mut self, observation: Observation, now: Instant) {
        let observation = observation.fitted(OBSERVATION_BYTES);
        let Observation { key, state } = observation;
        if self.known.get(&key) == Some(&state) {
            return;
        }
        self.touch(&key, now);
        self.known.insert(key, state);
    }

    /// Notes that an object is gone.
    pub(super) fn forget(&mut self, key: &ObjectKey, now: Instant) {
        if self.known.remove(key).is_some() {
            self.touch(key, now);
        }
    }

    pub(super) fn mark_synced(&mut self) {
        self.synced = true;
    }

    /// A session was welcomed, or the server wants the whole picture again.
    pub(super) fn open(&mut self) {
        self.progress = Progress::Nothing;
        self.changed.clear();
        self.flush_at = None;
        self.acknowledged = self.last_seq;
    }

    pub(super) fn close(&mut self) {
        self.progress = Progress::Closed;
        self.changed.clear();
        self.flush_at = None;
    }

    /// The server has everything up to `seq`.
    pub(super) fn acknowledge(&mut self, seq: u64) {
        self.acknowledged = self.acknowledged.max(seq.min(self.last_seq));
    }

    /// The server wants a snapshot. What is on its way goes on counting against the window.
    pub(super) fn resync(&mut self) {
        let acknowledged = self.acknowledged;
        self.open();
        self.acknowledged = acknowledged;
    }

    /// When changes are due, if any are.
    pub(super) fn due(&self) -> Option<Instant> {
        self.flush_at.filter(|_| self.progress == Progress::Snapshot && self.has_room())
    }

    /// The reports that may go now.
    pub(super) fn pump(&mut self, now: Instant) -> Vec<FromAgent> {
        let mut out = Vec::new();
        while self.has_room()
            && let Some(report) = self.next_report(now)
        {
            out.push(report);
        }
        out
    }

    fn next_report(&mut self, now: Instant) -> Option<FromAgent> {
        match &self.progress {
            Progress::Closed => None,
            Progress::Nothing | Progress::UpTo(_) => self.synced.then(|| self.next_part()),
            Progress::Snapshot => {
                let due = self.flush_at.is_some_and(|at| now >= at);
                due.then(|| self.next_changes())
            }
        }
    }

    fn next_part(&mut self) -> FromAgent {
        let from = match &self.progress {
            Progress::UpTo(key) => Bound::Excluded(key),
            Progress::Closed | Progress::Nothing | Progress::Snapshot => Bound::Unbounded,
        };
        let mut rest = self.known.range((from, Bound::Unbounded));
        let mut batch = Batch::default();
        while !batch.is_full()
            && let Some((key, state)) = rest.next()
        {
            batch.add(key, state);
        }
        let is_last = rest.next().is_none();
        let is_first = self.progress == Progress::Nothing;
        let part = match (is_first, is_last) {
            (true, true) => SnapshotPart::Whole,
            (true, false) => SnapshotPart::First,
            (false, false) => SnapshotPart::More,
            (false, true) => SnapshotPart::Last,
        };
        self.progress = match batch.observations.last() {
            Some(observation) if !is_last => Progress::UpTo(observation.key.clone()),
            Some(_) | None => Progress::Snapshot,
        };
        self.report(part, batch)
    }

    fn next_changes(&mut self) -> FromAgent {
        let mut batch = Batch::default();
        while !batch.is_full()
            && let Some(key) = self.changed.pop_first()
        {
            match self.known.get(&key) {
                Some(state) => batch.add(&key, state),
                None => batch.gone.push(key),
            }
        }
        if self.changed.is_empty() {
            self.flush_at = None;
        }
        self.report(SnapshotPart::Delta, batch)
    }

    fn report(&mut self, snapshot: SnapshotPart, batch: Batch) -> FromAgent {
        self.last_seq += 1;
        let Batch { observations, gone, .. } = batch;
        FromAgent::State { seq: self.last_seq, snapshot, observations, gone }
    }

    /// Marks a key as changed, unless the snapshot has yet to come to it.
    fn touch(&mut self, key: &ObjectKey, now: Instant) {
        let was_sent = match &self.progress {
            Progress::Closed | Progress::Nothing => false,
            Progress::UpTo(last) => key <= last,
            Progress::Snapshot => true,
        };
        if was_sent {
            self.changed.insert(key.clone());
            self.flush_at.get_or_insert(now + COALESCE);
        }
    }

    fn has_room(&self) -> bool {
        self.last_seq - self.acknowledged < IN_FLIGHT
    }
}

/// What goes into one report.
#[derive(Default)]
struct Batch {
    observations: Vec<Observation>,
    gone: Vec<ObjectKey>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, key: &ObjectKey, state: &ObservedState) {
        let observation = Observation { key: key.clone(), state: state.clone() };
        self.bytes += observation.encoded_len();
        self.observations.push(observation);
    }

    fn is_full(&self) -> bool {
        self.bytes >= REPORT_BYTES || self.gone.len() >= REPORT_GONE
    }
}

#[cfg(test)]
#[path = "reports_tests.rs"]
mod tests;
