//! The agent's picture of the cluster, and how it goes up: a snapshot in parts, then changes.

use std::time::{Duration, Instant};

use super::known::{Enough, Known, Name, Tell};
use crate::{
    link::{FromAgent, MAX_FRAME_BYTES, SnapshotPart},
    observed::{ObjectKey, Observation},
};

/// Changes are collected this long after the report before, so that a burst of one object's changes is one
/// report.
const COALESCE: Duration = Duration::from_millis(200);

/// The first change after a rest goes sooner: long enough for what changes in the same moment.
const GATHER: Duration = Duration::from_millis(10);

/// Bytes of observations after which a report is full. Small enough that a slow line carries one
/// within the write timeout, and that all that are on their way weigh little in the agent.
const REPORT_BYTES: usize = 32 * 1024;

/// An observation above this is shortened, so that every report fits into a frame.
const OBSERVATION_BYTES: usize = MAX_FRAME_BYTES / 3;

/// Keys of gone objects in one report; a key is at most some 600 bytes.
const REPORT_GONE: usize = 100;

/// Reports on their way without being acknowledged. Meanwhile later changes replace earlier ones.
const IN_FLIGHT: u64 = 4;

#[derive(Debug, Default)]
pub(super) struct Reports {
    known: Known,
    /// The first look at the cluster is complete; before, a snapshot would call objects gone.
    synced: bool,
    flush_at: Option<Instant>,
    /// When the last report was made.
    reported_at: Option<Instant>,
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
    UpTo(Name),
    /// The snapshot was sent; changes follow.
    Snapshot,
}

impl Reports {
    /// Notes an object's newest state.
    pub(super) fn observe(&mut self, observation: Observation, now: Instant) {
        let observation = observation.fitted(OBSERVATION_BYTES);
        let tell = |name: &Name| self.progress.tell(name);
        if self.known.keep(observation, tell) {
            self.plan(now);
        }
    }

    /// Notes that an object is gone.
    pub(super) fn forget(&mut self, key: &ObjectKey, now: Instant) {
        self.forget_name(Name::of(key), now);
    }

    /// A list of all objects of a kind begins: each is observed again, or gone.
    pub(super) fn begin_list(&mut self, kind: &str) {
        self.known.begin_list(kind);
    }

    /// That list is complete.
    pub(super) fn end_list(&mut self, kind: &str, now: Instant) {
        for name in self.known.unlisted(kind) {
            self.forget_name(name, now);
        }
    }

    fn forget_name(&mut self, name: Name, now: Instant) {
        let tell = |name: &Name| self.progress.tell(name);
        if self.known.forget(name, tell) {
            self.plan(now);
        }
    }

    pub(super) fn mark_synced(&mut self) {
        self.synced = true;
    }

    /// A session was welcomed, or the server wants the whole picture again.
    pub(super) fn open(&mut self) {
        self.progress = Progress::Nothing;
        self.known.clear_news();
        self.flush_at = None;
        self.acknowledged = self.last_seq;
    }

    pub(super) fn close(&mut self) {
        self.progress = Progress::Closed;
        self.known.clear_news();
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
            self.reported_at = Some(now);
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
            Progress::UpTo(name) => Some(name),
            Progress::Closed | Progress::Nothing | Progress::Snapshot => None,
        };
        let mut rest = self.known.after(from);
        let mut batch = Batch::default();
        let mut last = None;
        while !batch.is_full()
            && let Some((name, observation)) = rest.next()
        {
            batch.add(observation);
            last = Some(name.clone());
        }
        let is_last = rest.next().is_none();
        drop(rest);
        let is_first = self.progress == Progress::Nothing;
        let part = match (is_first, is_last) {
            (true, true) => SnapshotPart::Whole,
            (true, false) => SnapshotPart::First,
            (false, false) => SnapshotPart::More,
            (false, true) => SnapshotPart::Last,
        };
        self.progress = match last {
            Some(name) if !is_last => Progress::UpTo(name),
            Some(_) | None => Progress::Snapshot,
        };
        self.report(part, batch)
    }

    fn next_changes(&mut self) -> FromAgent {
        let mut batch = Batch { gone: self.known.take_gone(REPORT_GONE), ..Batch::default() };
        if !batch.is_full() {
            self.known.take_changed(|observation| {
                batch.add(observation);
                if batch.is_full() { Enough::Yes } else { Enough::No }
            });
        }
        if !self.known.has_news() {
            self.flush_at = None;
        }
        self.report(SnapshotPart::Delta, batch)
    }

    fn report(&mut self, snapshot: SnapshotPart, batch: Batch) -> FromAgent {
        self.last_seq += 1;
        let Batch { observations, gone, .. } = batch;
        FromAgent::State { seq: self.last_seq, snapshot, observations, gone }
    }

    /// Has a change that is to be told go up soon.
    fn plan(&mut self, now: Instant) {
        let rested = self.reported_at.map(|at| at + COALESCE);
        let soon = now + GATHER;
        self.flush_at.get_or_insert(rested.map_or(soon, |rested| rested.max(soon)));
    }

    fn has_room(&self) -> bool {
        self.last_seq - self.acknowledged < IN_FLIGHT
    }
}

impl Progress {
    /// A change is told as such, unless the snapshot has yet to come to its object.
    fn tell(&self, name: &Name) -> Tell {
        let was_sent = match self {
            Self::Closed | Self::Nothing => false,
            Self::UpTo(last) => name <= last,
            Self::Snapshot => true,
        };
        if was_sent { Tell::Change } else { Tell::Nothing }
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
    fn add(&mut self, observation: Observation) {
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
