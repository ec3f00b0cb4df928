use super::*;
use crate::{
    link::encode,
    observed::{ContainerState, ObservedState, PodState},
};

fn pod(name: &str, phase: &str) -> Observation {
    let key = ObjectKey { kind: "Pod".into(), namespace: "shop".into(), name: name.into() };
    Observation {
        key,
        state: ObservedState::Pod(PodState { phase: phase.into(), ..PodState::default() }),
    }
}

fn large(name: &str, bytes: usize) -> Observation {
    let containers = (0..bytes / 2000)
        .map(|_| ContainerState { image: "i".repeat(2000), ..ContainerState::default() })
        .collect();
    let state = ObservedState::Pod(PodState { containers, ..PodState::default() });
    Observation { state, ..pod(name, "") }
}

/// Name, phase (`-` for gone) and part of everything that a report says.
fn said(reports: &[FromAgent]) -> Vec<(SnapshotPart, Vec<String>)> {
    reports
        .iter()
        .map(|frame| {
            let FromAgent::State { snapshot, observations, gone, .. } = frame else { panic!() };
            let seen = observations.iter().map(|it| match &it.state {
                ObservedState::Pod(pod) => format!("{}={}", it.key.name, pod.phase),
                _ => panic!(),
            });
            let gone = gone.iter().map(|key| format!("{}=-", key.name));
            (*snapshot, seen.chain(gone).collect())
        })
        .collect()
}

fn open(reports: &mut Reports) {
    reports.mark_synced();
    reports.open();
}

#[test]
fn nothing_is_reported_before_the_first_look_is_complete() {
    let (mut reports, now) = (Reports::default(), Instant::now());
    reports.observe(pod("a", "Pending"), now);
    reports.open();
    assert!(reports.pump(now).is_empty());
    reports.mark_synced();
    assert_eq!(said(&reports.pump(now)), [(SnapshotPart::Whole, vec!["a=Pending".into()])]);
}

#[test]
fn an_empty_cluster_is_reported_as_such() {
    let (mut reports, now) = (Reports::default(), Instant::now());
    open(&mut reports);
    assert_eq!(said(&reports.pump(now)), [(SnapshotPart::Whole, vec![])]);
    assert!(reports.pump(now).is_empty());
}

#[test]
fn changes_within_a_fifth_of_a_second_go_as_one_and_the_latest_wins() {
    let (mut reports, now) = (Reports::default(), Instant::now());
    open(&mut reports);
    reports.pump(now);
    reports.observe(pod("a", "Pending"), now);
    reports.observe(pod("b", "Pending"), now);
    reports.observe(pod("a", "Running"), now + Duration::from_millis(100));
    reports.forget(&pod("b", "").key, now + Duration::from_millis(150));
    let due = reports.due().unwrap();
    assert_eq!(due, now + COALESCE);
    assert!(reports.pump(due - Duration::from_millis(1)).is_empty());
    let expected = vec!["a=Running".to_owned(), "b=-".into()];
    assert_eq!(said(&reports.pump(due)), [(SnapshotPart::Delta, expected)]);
    assert_eq!(reports.due(), None);
}

#[test]
fn the_first_change_after_a_rest_goes_almost_at_once_and_a_burst_does_not() {
    let (mut reports, now) = (Reports::default(), Instant::now());
    open(&mut reports);
    reports.pump(now);
    let later = now + Duration::from_secs(1);
    reports.observe(pod("a", "Pending"), later);
    assert_eq!(reports.due(), Some(later + GATHER));
    reports.pump(later + GATHER);
    reports.observe(pod("a", "Running"), later + 2 * GATHER);
    assert_eq!(reports.due(), Some(later + GATHER + COALESCE));
}

#[test]
fn a_list_brings_what_it_does_not_name_to_be_gone() {
    let (mut reports, now) = (Reports::default(), Instant::now());
    reports.observe(pod("a", "Running"), now);
    reports.observe(pod("b", "Running"), now);
    open(&mut reports);
    reports.pump(now);
    reports.begin_list("Pod");
    reports.observe(pod("b", "Running"), now);
    assert_eq!(reports.due(), None);
    reports.end_list("Pod", now);
    assert_eq!(
        said(&reports.pump(now + COALESCE)),
        [(SnapshotPart::Delta, vec!["a=-".to_owned()])]
    );
}

#[test]
fn what_did_not_change_is_not_reported() {
    let (mut reports, now) = (Reports::default(), Instant::now());
    reports.observe(pod("a", "Running"), now);
    open(&mut reports);
    reports.pump(now);
    reports.observe(pod("a", "Running"), now);
    reports.forget(&pod("z", "").key, now);
    assert_eq!(reports.due(), None);
}

#[test]
fn a_large_snapshot_goes_in_parts_that_fit_and_waits_for_acknowledgement() {
    let (mut reports, now) = (Reports::default(), Instant::now());
    for number in 0..40 {
        reports.observe(large(&format!("pod-{number:02}"), 20_000), now);
    }
    open(&mut reports);
    let mut all = Vec::new();
    loop {
        let out = reports.pump(now);
        assert!(out.len() <= 4);
        assert!(out.iter().all(|frame| encode(frame).len() <= MAX_FRAME_BYTES));
        if out.is_empty() {
            break;
        }
        all.extend(out);
        reports.acknowledge(all.len() as u64);
    }
    let parts: Vec<_> = said(&all).iter().map(|(part, _)| *part).collect();
    assert_eq!(parts[0], SnapshotPart::First);
    assert_eq!(*parts.last().unwrap(), SnapshotPart::Last);
    assert!(parts[1..parts.len() - 1].iter().all(|part| *part == SnapshotPart::More));
    assert_eq!(said(&all).iter().map(|(_, names)| names.len()).sum::<usize>(), 40);
}

#[test]
fn an_object_too_large_for_a_frame_is_cut_to_fit() {
    let (mut reports, now) = (Reports::default(), Instant::now());
    reports.observe(large("a", 400_000), now);
    reports.observe(large("b", 400_000), now);
    open(&mut reports);
    let out = reports.pump(now);
    assert!(out.iter().all(|frame| encode(frame).len() <= MAX_FRAME_BYTES));
}

#[test]
fn changes_during_a_snapshot_follow_it_only_where_it_has_passed() {
    let (mut reports, now) = (Reports::default(), Instant::now());
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        reports.observe(large(name, 80_000), now);
    }
    open(&mut reports);
    let first = reports.pump(now);
    assert_eq!(first.len(), 4);
    reports.observe(pod("a", "Failed"), now);
    reports.forget(&pod("b", "").key, now);
    reports.observe(pod("g", "Failed"), now);
    reports.forget(&pod("f", "").key, now);
    reports.acknowledge(4);
    let rest = reports.pump(now + COALESCE);
    let rest: Vec<_> = said(&rest).into_iter().flat_map(|(_, names)| names).collect();
    assert_eq!(rest, ["e=", "g=Failed", "a=Failed", "b=-"]);
}

#[test]
fn changes_wait_while_reports_are_unacknowledged() {
    let (mut reports, mut now) = (Reports::default(), Instant::now());
    open(&mut reports);
    reports.pump(now);
    for round in 0..10 {
        reports.observe(pod("a", &format!("phase-{round}")), now);
        now += COALESCE;
        reports.pump(now);
    }
    assert_eq!(reports.last_seq, 4);
    assert_eq!(reports.due(), None);
    reports.acknowledge(4);
    assert_eq!(said(&reports.pump(now)), [(SnapshotPart::Delta, vec!["a=phase-9".into()])]);
}

#[test]
fn a_resync_brings_a_snapshot_again() {
    let (mut reports, now) = (Reports::default(), Instant::now());
    reports.observe(pod("a", "Running"), now);
    open(&mut reports);
    reports.pump(now);
    reports.observe(pod("b", "Running"), now);
    reports.resync();
    let expected = vec!["a=Running".to_owned(), "b=Running".into()];
    assert_eq!(said(&reports.pump(now)), [(SnapshotPart::Whole, expected)]);
    assert_eq!(reports.due(), None);
}

#[test]
fn many_gone_objects_are_spread_over_several_reports() {
    let (mut reports, now) = (Reports::default(), Instant::now());
    for number in 0..250 {
        reports.observe(pod(&format!("pod-{number:03}"), ""), now);
    }
    open(&mut reports);
    reports.pump(now);
    reports.acknowledge(reports.last_seq);
    for number in 0..250 {
        reports.forget(&pod(&format!("pod-{number:03}"), "").key, now);
    }
    let sizes: Vec<_> =
        said(&reports.pump(now + COALESCE)).iter().map(|(_, names)| names.len()).collect();
    assert_eq!(sizes, [100, 100, 50]);
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_opens_no_window() {
    let mut reports = Reports::default();
    reports.acknowledge(u64::MAX);
    assert_eq!(reports.acknowledged, 0);
}
