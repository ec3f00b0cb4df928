//! The last lines of a container in trouble: when they are worth fetching, and how.

use std::{collections::HashMap, time::Duration};

use futures::AsyncReadExt as _;
use gimlet_shared::observed::{ContainerState, ObjectKey, PodState};
use kube::{Api, Client, api::LogParams};
use tokio::time::timeout;

use super::text::last_lines;

/// Lines asked for; a few more than are kept, as empty ones are left out.
const ASKED_LINES: i64 = 40;

/// Bytes read of them. Only the last ones are kept, but the end comes last.
const READ_BYTES: usize = 1024 * 1024;

/// How long the kubelet may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often one run of a container is asked for, if asking fails.
const ATTEMPTS: u32 = 3;

/// One run of one container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Run {
    pub(crate) pod: ObjectKey,
    pub(crate) pod_uid: String,
    pub(crate) container: String,
    pub(crate) restarts: i32,
    /// The run before the one that is there now.
    pub(crate) previous: bool,
}

/// What is known of the output of one pod's containers, by their names.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    by_container: HashMap<String, Output>,
}

#[derive(Debug)]
struct Output {
    run: Run,
    attempts: u32,
    is_asked: bool,
    lines: Vec<String>,
}

impl Outputs {
    /// Fills in the lines that are known, and gives the runs that are to be fetched now.
    pub(crate) fn add_to_pod(
        &mut self,
        key: &ObjectKey,
        uid: &str,
        pod: &mut PodState,
    ) -> Vec<Run> {
        let mut wanted = Vec::new();
        for container in &mut pod.containers {
            let Some(previous) = interesting(container) else {
                self.by_container.remove(&container.name);
                continue;
            };
            let run = Run {
                pod: key.clone(),
                pod_uid: uid.to_owned(),
                container: container.name.clone(),
                restarts: container.restarts,
                previous,
            };
            let output = self.of(&run);
            if !output.is_asked && output.attempts < ATTEMPTS {
                output.is_asked = true;
                output.attempts += 1;
                wanted.push(run);
            }
            container.last_lines.clone_from(&output.lines);
        }
        wanted
    }

    /// Notes what came of a run. Lines of a run that is over by now are still the newest there are.
    pub(crate) fn note(&mut self, run: &Run, lines: Option<Vec<String>>) {
        let Some(output) = self.by_container.get_mut(&run.container) else { return };
        match lines {
            Some(lines) => output.lines = lines,
            None if output.run == *run => output.is_asked = false,
            None => {}
        }
    }

    fn of(&mut self, run: &Run) -> &mut Output {
        let output = self.by_container.entry(run.container.clone()).or_insert_with(|| Output {
            run: run.clone(),
            attempts: 0,
            is_asked: false,
            lines: Vec::new(),
        });
        if output.run != *run {
            output.run = run.clone();
            output.attempts = 0;
            output.is_asked = false;
        }
        output
    }
}

/// Whether a container's output tells something, and whether that is of its run before this one.
pub(crate) fn interesting(container: &ContainerState) -> Option<bool> {
    let failed = container.terminated.as_ref().is_some_and(|ended| ended.exit_code != 0);
    let is_over = !container.running && container.waiting.is_none();
    match (failed, container.running) {
        _ if container.ready => None,
        (true, _) => Some(!is_over),
        (false, true) => container.probe_failure.is_some().then_some(false),
        (false, false) => None,
    }
}

/// Fetches the last lines of a run. `None` if there are none to be had.
pub(crate) async fn fetch(client: Client, run: &Run) -> Option<Vec<String>> {
    let api: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(client, &run.pod.namespace);
    let parameters = LogParams {
        container: Some(run.container.clone()),
        previous: run.previous,
        tail_lines: Some(ASKED_LINES),
        ..LogParams::default()
    };
    let read = async {
        let stream = api.log_stream(&run.pod.name, &parameters).await.ok()?;
        let mut output = Vec::new();
        let mut bounded = Box::pin(stream).take(READ_BYTES as u64);
        bounded.read_to_end(&mut output).await.ok()?;
        Some(last_lines(&output))
    };
    timeout(PATIENCE, read).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use gimlet_shared::observed::{Termination, Trouble};

    use super::*;

    fn key() -> ObjectKey {
        ObjectKey { kind: "Pod".into(), namespace: "shop".into(), name: "web-1".into() }
    }

    fn looping(restarts: i32) -> PodState {
        let waiting = Some(Trouble { reason: "CrashLoopBackOff".into(), message: String::new() });
        let terminated = Some(Termination { exit_code: 1, ..Termination::default() });
        let container = ContainerState {
            name: "web".into(),
            restarts,
            waiting,
            terminated,
            ..ContainerState::default()
        };
        PodState { containers: vec![container], ..PodState::default() }
    }

    #[test]
    fn each_run_is_fetched_once_and_its_lines_stay_until_newer_ones_come() {
        let mut outputs = Outputs::default();
        let first = outputs.add_to_pod(&key(), "p-1", &mut looping(1));
        assert!(first[0].previous);
        assert!(outputs.add_to_pod(&key(), "p-1", &mut looping(1)).is_empty());
        outputs.note(&first[0], Some(vec!["boom".into()]));

        let mut pod = looping(2);
        let second = outputs.add_to_pod(&key(), "p-1", &mut pod);
        assert_eq!(second[0].restarts, 2);
        assert_eq!(pod.containers[0].last_lines, ["boom"]);
    }

    #[test]
    fn a_failed_fetch_is_tried_three_times() {
        let mut outputs = Outputs::default();
        for _ in 0..3 {
            let runs = outputs.add_to_pod(&key(), "p-1", &mut looping(1));
            outputs.note(&runs[0], None);
        }
        assert!(outputs.add_to_pod(&key(), "p-1", &mut looping(1)).is_empty());
    }

    #[test]
    fn only_trouble_is_worth_a_look() {
        let base = looping(0).containers.remove(0);
        let running = ContainerState { running: true, waiting: None, ..base.clone() };
        assert_eq!(interesting(&running), Some(true));
        assert_eq!(interesting(&ContainerState { ready: true, ..running.clone() }), None);
        let fresh = ContainerState { terminated: None, ..running };
        assert_eq!(interesting(&fresh), None);
        let probe_failure = Some("Readiness probe failed".into());
        assert_eq!(interesting(&ContainerState { probe_failure, ..fresh }), Some(false));
        let over = ContainerState { waiting: None, ..base.clone() };
        assert_eq!(interesting(&over), Some(false));
        let completed = Some(Termination::default());
        assert_eq!(interesting(&ContainerState { terminated: completed, ..over }), None);
    }

    #[test]
    fn lines_are_dropped_once_the_container_is_well() {
        let mut outputs = Outputs::default();
        let runs = outputs.add_to_pod(&key(), "p-1", &mut looping(1));
        outputs.note(&runs[0], Some(vec!["boom".into()]));
        let mut well = looping(1);
        well.containers[0].ready = true;
        assert!(outputs.add_to_pod(&key(), "p-1", &mut well).is_empty());
        assert!(outputs.by_container.is_empty());
    }
}
