//! Puts state reports together: a snapshot from its parts, then changes.

use super::SessionEnd;
use crate::{
    link::SnapshotPart,
    observed::{ObjectKey, Observation, ObservedState},
};

/// Bytes of frames that one snapshot may have: some 40,000 pods. More would be an attack on the memory
/// that all clusters share.
const MAX_SNAPSHOT_BYTES: usize = 32 * 1024 * 1024;

/// One report as the session took it off the wire.
pub(super) struct Report {
    pub(super) seq: u64,
    pub(super) part: SnapshotPart,
    pub(super) observations: Vec<Observation>,
    pub(super) gone: Vec<ObjectKey>,
    /// Length of its frame.
    pub(super) bytes: usize,
}

/// What a report amounts to.
#[derive(Debug)]
pub(super) enum Assembled {
    /// Kept until the rest is there.
    Part,
    /// The whole picture.
    Snapshot(Vec<Observation>),
    /// Changes on it.
    Delta { observations: Vec<Observation>, gone: Vec<ObjectKey> },
}

#[derive(Debug, Default)]
pub(super) struct Assembly {
    stage: Stage,
    last_seq: Option<u64>,
}

#[derive(Debug, Default)]
enum Stage {
    /// Nothing has come.
    #[default]
    Empty,
    /// A snapshot is on its way.
    Collecting { observations: Vec<Observation>, bytes: usize },
    /// A snapshot was complete.
    Standing,
}

impl Assembly {
    pub(super) fn add(&mut self, report: Report) -> Result<Assembled, SessionEnd> {
        let Report { seq, part, observations, gone, bytes } = report;
        if self.last_seq.is_some_and(|last| last.checked_add(1) != Some(seq)) {
            return Err(SessionEnd::ReportOutOfOrder { seq });
        }
        self.last_seq = Some(seq);
        // What an agent says is cleaned again: it may not be ours.
        let known: Vec<_> = observations
            .into_iter()
            .filter(|it| it.state != ObservedState::Unknown)
            .map(Observation::harmless)
            .collect();
        match (part, std::mem::take(&mut self.stage)) {
            (SnapshotPart::Whole, _) => {
                self.stage = Stage::Standing;
                Ok(Assembled::Snapshot(known))
            }
            (SnapshotPart::First, _) => self.collect(known, bytes),
            (SnapshotPart::More, Stage::Collecting { mut observations, bytes: before }) => {
                observations.extend(known);
                self.collect(observations, before + bytes)
            }
            (SnapshotPart::Last, Stage::Collecting { mut observations, .. }) => {
                observations.extend(known);
                self.stage = Stage::Standing;
                Ok(Assembled::Snapshot(observations))
            }
            (SnapshotPart::Delta, Stage::Standing) => {
                self.stage = Stage::Standing;
                Ok(Assembled::Delta { observations: known, gone })
            }
            (SnapshotPart::More | SnapshotPart::Last, Stage::Empty | Stage::Standing)
            | (SnapshotPart::Delta, Stage::Empty | Stage::Collecting { .. }) => {
                Err(SessionEnd::ReportOutOfOrder { seq })
            }
        }
    }

    fn collect(
        &mut self,
        observations: Vec<Observation>,
        bytes: usize,
    ) -> Result<Assembled, SessionEnd> {
        if bytes > MAX_SNAPSHOT_BYTES {
            return Err(SessionEnd::SnapshotTooLarge);
        }
        self.stage = Stage::Collecting { observations, bytes };
        Ok(Assembled::Part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observed::PodState;
    use SnapshotPart::{Delta, First, Last, More, Whole};

    fn pod(name: &str) -> Observation {
        let key = ObjectKey { kind: "Pod".into(), namespace: "a".into(), name: name.into() };
        Observation { key, state: ObservedState::Pod(PodState::default()) }
    }

    fn report(seq: u64, part: SnapshotPart, name: &str) -> Report {
        Report { seq, part, observations: vec![pod(name)], gone: Vec::new(), bytes: 100 }
    }

    fn names(assembled: Result<Assembled, SessionEnd>) -> Vec<String> {
        match assembled.unwrap() {
            Assembled::Part => Vec::new(),
            Assembled::Snapshot(all) | Assembled::Delta { observations: all, .. } => {
                all.into_iter().map(|it| it.key.name).collect()
            }
        }
    }

    #[test]
    fn the_parts_of_a_snapshot_come_out_as_one_and_changes_follow() {
        let mut assembly = Assembly::default();
        assert!(names(assembly.add(report(5, First, "a"))).is_empty());
        assert!(names(assembly.add(report(6, More, "b"))).is_empty());
        assert_eq!(names(assembly.add(report(7, Last, "c"))), ["a", "b", "c"]);
        assert_eq!(names(assembly.add(report(8, Delta, "d"))), ["d"]);
        assert_eq!(names(assembly.add(report(9, Whole, "e"))), ["e"]);
    }

    #[test]
    fn a_snapshot_that_begins_again_forgets_its_earlier_parts() {
        let mut assembly = Assembly::default();
        assembly.add(report(1, First, "a")).unwrap();
        assembly.add(report(2, First, "b")).unwrap();
        assert_eq!(names(assembly.add(report(3, Last, "c"))), ["b", "c"]);
    }

    #[test]
    fn parts_out_of_place_and_gaps_are_refused() {
        for part in [More, Last, Delta] {
            assert!(Assembly::default().add(report(1, part, "a")).is_err());
        }
        let mut collecting = Assembly::default();
        collecting.add(report(1, First, "a")).unwrap();
        assert!(collecting.add(report(2, Delta, "b")).is_err());

        let mut gap = Assembly::default();
        gap.add(report(1, Whole, "a")).unwrap();
        assert!(gap.add(report(3, Delta, "b")).is_err());
        let mut end = Assembly::default();
        end.add(report(u64::MAX, Whole, "a")).unwrap();
        assert!(end.add(report(0, Delta, "b")).is_err());
    }

    #[test]
    fn an_endless_snapshot_is_refused() {
        let mut assembly = Assembly::default();
        let large = |seq, part| Report { bytes: 200_000, ..report(seq, part, "a") };
        assembly.add(large(1, First)).unwrap();
        let refused = (2..1_000).find_map(|seq| assembly.add(large(seq, More)).err());
        assert_eq!(refused, Some(SessionEnd::SnapshotTooLarge));
    }

    #[test]
    fn kinds_of_a_newer_agent_are_left_out() {
        let mut assembly = Assembly::default();
        let mut whole = report(1, Whole, "a");
        whole.observations.push(Observation { state: ObservedState::Unknown, ..pod("b") });
        assert_eq!(names(assembly.add(whole)), ["a"]);
    }
}
