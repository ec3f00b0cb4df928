//! What cluster events complain about. Two things are only said there: why a probe fails, and why a
//! pod's surroundings (volumes, sandbox, creation) are not there.

use std::collections::{BTreeMap, HashMap};

use gimlet_shared::observed::{ContainerState, PodState, Trouble, WorkloadState};

use super::{kinds::Event, text::clean};

/// Reasons that concern a pod before its containers start.
const BEFORE_START: [&str; 6] = [
    "FailedMount",
    "FailedAttachVolume",
    "FailedMapVolume",
    "FailedCreatePodSandBox",
    "FailedScheduling",
    "NetworkNotReady",
];

/// The newest complaints about each object, by the object's uid: a name can be taken again.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    by_object: HashMap<String, About>,
}

/// What is complained about one object.
#[derive(Debug)]
struct About {
    kind: String,
    /// It was seen, or complained about, since the last list of its kind began.
    is_listed: bool,
    all: BTreeMap<Subject, Complaint>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    /// A probe of this container.
    Probe(String),
    /// The start of the pod.
    Start,
    /// The making of pods.
    Creation,
}

#[derive(Clone, Debug)]
struct Complaint {
    /// The event that said it.
    event: String,
    /// Unix seconds.
    at: i64,
    trouble: Trouble,
}

impl Complaints {
    /// Notes a warning, and gives the uid of the object whose facts it may change.
    pub(crate) fn note(&mut self, event: &Event) -> Option<String> {
        let subject = subject(event)?;
        let at = said_at(event);
        let about = event.involved_object.uid.clone();
        let kind = event.involved_object.kind.clone();
        let new = || About { kind, is_listed: true, all: BTreeMap::new() };
        let known = self.by_object.entry(about.clone()).or_insert_with(new);
        known.is_listed = true;
        let all = &mut known.all;
        if all.get(&subject).is_some_and(|known| known.at > at) {
            return None;
        }
        let trouble =
            Trouble { reason: clean(&event.reason), message: clean(event.message.trim()) };
        let event = event.metadata.uid.clone().unwrap_or_default();
        all.insert(subject, Complaint { event, at, trouble });
        Some(about)
    }

    /// An event has expired; what it said is no longer said.
    pub(crate) fn withdraw(&mut self, event: &Event) {
        let about = &event.involved_object.uid;
        if let Some(known) = self.by_object.get_mut(about) {
            let uid = event.metadata.uid.as_deref().unwrap_or_default();
            known.all.retain(|_, complaint| complaint.event != uid);
            if known.all.is_empty() {
                self.by_object.remove(about);
            }
        }
    }

    /// An object is gone, or everything about it is well.
    pub(crate) fn forget(&mut self, uid: &str) {
        self.by_object.remove(uid);
    }

    /// An object is there.
    pub(crate) fn confirm(&mut self, uid: &str) {
        if let Some(known) = self.by_object.get_mut(uid) {
            known.is_listed = true;
        }
    }

    /// A list of all objects of a kind begins.
    pub(crate) fn begin_list(&mut self, kind: &str) {
        let of_kind = self.by_object.values_mut().filter(|known| known.kind == kind);
        of_kind.for_each(|known| known.is_listed = false);
    }

    /// That list is complete: what it did not name is gone.
    pub(crate) fn end_list(&mut self, kind: &str) {
        self.by_object.retain(|_, known| known.is_listed || known.kind != kind);
    }

    /// Adds to a pod what is complained about and still the case.
    pub(crate) fn add_to_pod(&self, uid: &str, pod: &mut PodState) {
        let Some(About { all, .. }) = self.by_object.get(uid) else { return };
        for container in pod.containers.iter_mut().filter(|it| it.running && !it.ready) {
            container.probe_failure = probe_failure(all, container);
        }
        let has_started = pod.containers.iter().any(|it| it.running || it.terminated.is_some());
        if pod.trouble.is_none() && pod.phase == "Pending" && !has_started {
            pod.trouble = all.get(&Subject::Start).map(|complaint| complaint.trouble.clone());
        }
    }

    /// Adds to a workload that its pods cannot be made; a Deployment says so itself.
    pub(crate) fn add_to_workload(&self, uid: &str, workload: &mut WorkloadState) {
        let Some(About { all, .. }) = self.by_object.get(uid) else { return };
        if workload.stuck.is_none() {
            workload.stuck = all.get(&Subject::Creation).map(|complaint| complaint.trouble.clone());
        }
    }
}

fn probe_failure(all: &BTreeMap<Subject, Complaint>, container: &ContainerState) -> Option<String> {
    let complaint = all.get(&Subject::Probe(container.name.clone()))?;
    Some(complaint.trouble.message.clone())
}

fn subject(event: &Event) -> Option<Subject> {
    let about = &event.involved_object;
    match (about.kind.as_str(), event.reason.as_str()) {
        ("Pod", "Unhealthy") => {
            let name = about.field_path.split_once('{')?.1.strip_suffix('}')?;
            Some(Subject::Probe(name.to_owned()))
        }
        ("Pod", reason) if BEFORE_START.contains(&reason) => Some(Subject::Start),
        ("StatefulSet" | "DaemonSet" | "Job", "FailedCreate") => Some(Subject::Creation),
        _ => None,
    }
}

fn said_at(event: &Event) -> i64 {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
    let times = [series, event.last_timestamp.as_ref(), event.event_time.as_ref()];
    times.into_iter().flatten().map(|time| time.0.as_second()).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(uid: &str, kind: &str, reason: &str, message: &str, second: u8) -> Event {
        serde_json::from_value(json!({
            "metadata": {"name": "web.17", "namespace": "shop", "uid": uid},
            "involvedObject": {"kind": kind, "name": "web", "uid": "o-1",
                               "fieldPath": "spec.containers{web}"},
            "reason": reason, "message": message, "type": "Warning",
            "lastTimestamp": format!("2025-01-01T00:00:{second:02}Z"),
        }))
        .unwrap()
    }

    fn pod(running: bool, ready: bool) -> PodState {
        let phase = if running { "Running" } else { "Pending" }.into();
        let container =
            ContainerState { name: "web".into(), running, ready, ..ContainerState::default() };
        PodState { phase, containers: vec![container], ..PodState::default() }
    }

    #[test]
    fn the_newest_probe_failure_is_told_while_the_container_is_not_ready() {
        let mut complaints = Complaints::default();
        let new = event("e-2", "Pod", "Unhealthy", "Readiness probe failed: 500", 9);
        assert_eq!(complaints.note(&new).as_deref(), Some("o-1"));
        let old = event("e-1", "Pod", "Unhealthy", "Readiness probe failed: refused", 3);
        assert_eq!(complaints.note(&old), None);

        let mut state = pod(true, false);
        complaints.add_to_pod("o-1", &mut state);
        let said = state.containers[0].probe_failure.as_deref();
        assert_eq!(said, Some("Readiness probe failed: 500"));

        let mut ready = pod(true, true);
        complaints.add_to_pod("o-1", &mut ready);
        assert_eq!(ready, pod(true, true));
        let mut other = pod(true, false);
        complaints.add_to_pod("o-2", &mut other);
        assert_eq!(other, pod(true, false));
    }

    #[test]
    fn a_missing_volume_is_told_until_a_container_starts() {
        let mut complaints = Complaints::default();
        let message = "MountVolume.SetUp failed: secret \"keys\" not found";
        complaints.note(&event("e-1", "Pod", "FailedMount", message, 1));
        let mut waiting = pod(false, false);
        complaints.add_to_pod("o-1", &mut waiting);
        assert_eq!(waiting.trouble.unwrap().message, message);
        let mut started = pod(true, false);
        complaints.add_to_pod("o-1", &mut started);
        assert_eq!(started.trouble, None);
    }

    #[test]
    fn a_workload_that_cannot_make_pods_says_so() {
        let mut complaints = Complaints::default();
        complaints.note(&event("e-1", "StatefulSet", "FailedCreate", "exceeded quota", 1));
        let mut set = WorkloadState::default();
        complaints.add_to_workload("o-1", &mut set);
        assert_eq!(set.stuck.unwrap().reason, "FailedCreate");
    }

    #[test]
    fn an_expired_event_is_no_longer_told_and_others_never_were() {
        let mut complaints = Complaints::default();
        assert_eq!(complaints.note(&event("e-1", "Pod", "BackOff", "…", 1)), None);
        assert_eq!(complaints.note(&event("e-1", "Node", "Unhealthy", "…", 1)), None);
        let mount = event("e-1", "Pod", "FailedMount", "…", 1);
        complaints.note(&mount);
        complaints.withdraw(&mount);
        assert!(complaints.by_object.is_empty());
    }
}
