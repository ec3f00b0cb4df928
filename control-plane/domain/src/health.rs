//! How an application is, read from what its cluster reports: healthy, on its way, or broken and why.

mod pods;

use gimlet_shared::observed::{ObjectKey, PodState, WorkloadState};
use pods::pod_trouble;
use serde::{Deserialize, Serialize};

use crate::cause::{Cause, CauseCode};

/// How an application is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "health", rename_all = "snake_case")]
pub enum Health {
    /// Nothing is known: the cluster is away, or nothing was reported yet.
    Unknown,
    /// Not finished, and nothing says that it cannot finish.
    Progressing,
    /// Every workload has what it wants.
    Healthy,
    /// Something is broken.
    Degraded {
        /// What, and why.
        cause: Cause,
    },
}

impl Health {
    /// The stored and shown word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Progressing => "progressing",
            Self::Healthy => "healthy",
            Self::Degraded { .. } => "degraded",
        }
    }
}

/// The workloads of one application and their pods.
#[derive(Clone, Debug, Default)]
pub struct Workloads<'a> {
    /// Everything with a pod template, and jobs.
    pub workloads: Vec<(&'a ObjectKey, &'a WorkloadState)>,
    /// Their pods.
    pub pods: Vec<(&'a ObjectKey, &'a PodState)>,
}

/// What is wrong, and whether waiting can heal it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong.
    pub cause: Cause,
    /// Waiting will not heal it.
    pub lasting: bool,
}

impl<'a> Workloads<'a> {
    /// How all of them together are, by the rules that `kubectl rollout status` follows.
    #[must_use]
    pub fn health(&self) -> Health {
        match self.trouble() {
            Some(Trouble { cause, lasting: true }) => Health::Degraded { cause },
            _ if self.workloads.iter().all(|(key, workload)| rolled_out(key, workload)) => {
                Health::Healthy
            }
            _ => Health::Progressing,
        }
    }

    /// The worst trouble: lasting before passing, in the order of the workloads.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        let all: Vec<Trouble> =
            self.workloads.iter().filter_map(|(key, state)| self.trouble_of(key, state)).collect();
        worst(&all)
    }

    /// Every workload's trouble, the lasting ones first.
    #[must_use]
    pub fn troubles(&self) -> Vec<Trouble> {
        let mut all: Vec<Trouble> =
            self.workloads.iter().filter_map(|(key, state)| self.trouble_of(key, state)).collect();
        all.sort_by_key(|trouble| !trouble.lasting);
        all
    }

    /// The pods of the newest templates: what the newest release brought.
    #[must_use]
    pub fn newest(&self) -> Vec<(&'a ObjectKey, &'a PodState)> {
        self.workloads.iter().flat_map(|(key, state)| self.newest_pods(key, state)).collect()
    }

    fn trouble_of(&self, key: &ObjectKey, workload: &WorkloadState) -> Option<Trouble> {
        // What is said of an older generation says nothing of this one.
        if workload.observed_generation < workload.generation || rolled_out(key, workload) {
            return None;
        }
        let found: Vec<Trouble> = self
            .newest_pods(key, workload)
            .into_iter()
            .filter_map(|(key, pod)| pod_trouble(key, pod))
            .collect();
        let of_pods = worst(&found);
        let stuck =
            workload.stuck.as_ref().map(|stuck| stuck_trouble(key, &stuck.reason, &stuck.message));
        match (of_pods, stuck) {
            // The pod knows why; the workload knows that it is over.
            (Some(pod), Some(stuck)) => {
                Some(Trouble { lasting: pod.lasting || stuck.lasting, ..pod })
            }
            (pod, stuck) => pod.or(stuck),
        }
    }

    /// Pods of the workload's newest template that are to stay.
    fn newest_pods(
        &self,
        key: &ObjectKey,
        workload: &WorkloadState,
    ) -> Vec<(&'a ObjectKey, &'a PodState)> {
        self.pods
            .iter()
            .filter(|(pod_key, pod)| {
                pod_key.namespace == key.namespace
                    && pod
                        .owner
                        .as_ref()
                        .is_some_and(|owner| owner.kind == key.kind && owner.name == key.name)
                    && !pod.terminating
                    && (workload.template.is_none()
                        || pod.template.is_none()
                        || pod.template == workload.template)
            })
            .copied()
            .collect()
    }
}

/// Lasting before passing; the first of its kind.
fn worst(troubles: &[Trouble]) -> Option<Trouble> {
    troubles.iter().find(|trouble| trouble.lasting).or(troubles.first()).cloned()
}

/// All wanted pods are of the newest template and ready.
#[must_use]
pub fn rolled_out(key: &ObjectKey, workload: &WorkloadState) -> bool {
    if workload.observed_generation < workload.generation {
        return false;
    }
    match key.kind.as_str() {
        "Job" => workload.ready >= workload.desired,
        "DaemonSet" | "StatefulSet" => {
            workload.updated >= workload.desired && workload.ready >= workload.desired
        }
        _ => {
            workload.updated >= workload.desired
                && workload.total <= workload.updated
                && workload.available >= workload.desired
        }
    }
}

fn stuck_trouble(key: &ObjectKey, reason: &str, message: &str) -> Trouble {
    let (code, summary, next) = match (key.kind.as_str(), reason) {
        ("Job", _) => (
            CauseCode::JobFailed,
            format!("the job {} failed", key.name),
            "Read the job's output, correct it, and push.",
        ),
        (_, "ReplicaFailure" | "FailedCreate") => (
            CauseCode::PodsNotCreated,
            format!("Kubernetes does not let {} {} make its pods", key.kind, key.name),
            "The message names the rule: a quota, a limit range or an admission policy. Change the manifest or ask the cluster's owner.",
        ),
        _ => (
            CauseCode::NotReady,
            format!(
                "{} {} did not become ready in the time its deployment allows",
                key.kind, key.name
            ),
            "Look at the pods' output and at the readiness probe.",
        ),
    };
    // A Deployment withdraws its condition once it goes on; the others only said it in a cluster event,
    // which outlives what it tells of.
    let lasting = key.kind == "Deployment" || reason != "FailedCreate";
    Trouble { cause: Cause::new(code, summary, next).with_detail(message), lasting }
}

#[cfg(test)]
mod tests {
    use gimlet_shared::observed::{ContainerState, PodOwner, Termination, Trouble as Word};

    use super::*;

    fn key(kind: &str, name: &str) -> ObjectKey {
        ObjectKey { kind: kind.into(), namespace: "shop".into(), name: name.into() }
    }

    fn rolling() -> WorkloadState {
        WorkloadState {
            generation: 2,
            observed_generation: 2,
            desired: 1,
            updated: 1,
            ready: 1,
            available: 1,
            total: 2,
            template: Some("new".into()),
            ..WorkloadState::default()
        }
    }

    fn pod(template: &str, container: ContainerState) -> PodState {
        PodState {
            owner: Some(PodOwner { kind: "Deployment".into(), name: "web".into() }),
            template: Some(template.into()),
            phase: "Running".into(),
            containers: vec![container],
            ..PodState::default()
        }
    }

    fn looping(restarts: i32) -> ContainerState {
        ContainerState {
            name: "web".into(),
            restarts,
            waiting: Some(Word { reason: "CrashLoopBackOff".into(), message: "back-off".into() }),
            terminated: Some(Termination {
                reason: "Error".into(),
                exit_code: 3,
                ..Termination::default()
            }),
            last_lines: vec!["no DATABASE_URL".into()],
            ..ContainerState::default()
        }
    }

    fn health(workload: &WorkloadState, pods: &[PodState]) -> Health {
        let web = key("Deployment", "web");
        let names: Vec<ObjectKey> =
            (0..pods.len()).map(|i| key("Pod", &format!("web-{i}"))).collect();
        Workloads { workloads: vec![(&web, workload)], pods: names.iter().zip(pods).collect() }
            .health()
    }

    #[test]
    fn a_finished_rollout_is_healthy_and_a_running_one_is_on_its_way() {
        assert_eq!(health(&rolling(), &[]), Health::Progressing);
        assert_eq!(health(&WorkloadState { total: 1, ..rolling() }, &[]), Health::Healthy);
        assert_eq!(
            health(&WorkloadState { total: 1, generation: 3, ..rolling() }, &[]),
            Health::Progressing
        );
    }

    #[test]
    fn a_crash_loop_of_the_newest_template_names_container_exit_code_and_last_lines() {
        let Health::Degraded { cause } = health(&rolling(), &[pod("new", looping(2))]) else {
            panic!("must be degraded");
        };
        assert_eq!((cause.code, cause.container.as_deref()), (CauseCode::CrashLoop, Some("web")));
        assert!(cause.summary.contains("exit code 3"), "{}", cause.summary);
        assert_eq!(cause.last_lines, ["no DATABASE_URL"]);
    }

    #[test]
    fn pods_of_an_older_template_do_not_spoil_a_new_one() {
        assert_eq!(health(&rolling(), &[pod("old", looping(9))]), Health::Progressing);
    }

    #[test]
    fn one_early_crash_is_not_yet_a_loop() {
        assert_eq!(health(&rolling(), &[pod("new", looping(1))]), Health::Progressing);
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_named_once_it_was_tried_twice() {
        let container = |reason: &str| ContainerState {
            name: "web".into(),
            image: "shop/web:nope".into(),
            waiting: Some(Word { reason: reason.into(), message: "not found".into() }),
            ..ContainerState::default()
        };
        assert_eq!(
            health(&rolling(), &[pod("new", container("ErrImagePull"))]),
            Health::Progressing
        );
        let Health::Degraded { cause } =
            health(&rolling(), &[pod("new", container("ImagePullBackOff"))])
        else {
            panic!("must be degraded");
        };
        assert!(cause.summary.contains("shop/web:nope"));
        assert_eq!(cause.detail, "not found");
    }

    #[test]
    fn pods_that_cannot_be_made_end_a_deployment_s_release_and_only_worry_a_stateful_set_s() {
        let stuck = Some(Word { reason: "FailedCreate".into(), message: "exceeded quota".into() });
        let state = WorkloadState { stuck, ..rolling() };
        let trouble = |kind: &str| {
            let web = key(kind, "web");
            let state = WorkloadState { ready: 0, ..state.clone() };
            Workloads { workloads: vec![(&web, &state)], pods: vec![] }
                .trouble()
                .expect("a trouble")
        };
        assert!(trouble("Deployment").lasting);
        assert!(!trouble("StatefulSet").lasting);
        assert_eq!(trouble("StatefulSet").cause.detail, "exceeded quota");
    }

    #[test]
    fn a_failing_probe_is_a_trouble_that_may_pass() {
        let container = ContainerState {
            name: "web".into(),
            running: true,
            probe_failure: Some("HTTP probe failed with statuscode: 500".into()),
            ..ContainerState::default()
        };
        let web = key("Deployment", "web");
        let name = key("Pod", "web-0");
        let pod = pod("new", container);
        let state = rolling();
        let trouble =
            Workloads { workloads: vec![(&web, &state)], pods: vec![(&name, &pod)] }.trouble();
        let trouble = trouble.expect("a trouble");
        assert_eq!((trouble.cause.code, trouble.lasting), (CauseCode::NotReady, false));
    }
}
