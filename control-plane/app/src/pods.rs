//! Pods as people see them.

use gimlet_domain::health::Workloads;
use gimlet_shared::{
    api,
    observed::{ContainerState, ObjectKey, PodState},
};

use crate::Timestamp;

/// Pods of one application that are told; more are counted.
const MOST_PODS: usize = 300;

/// The pods of an application, those of the newest version first, and how many are left out.
pub(crate) fn pods(found: &Workloads<'_>) -> (Vec<api::Pod>, u32) {
    let newest: std::collections::HashSet<&ObjectKey> =
        found.newest().into_iter().map(|(key, _)| key).collect();
    let mut pods: Vec<api::Pod> =
        found.pods.iter().map(|(key, pod)| view(key, pod, newest.contains(key))).collect();
    // What is in trouble is looked for first.
    pods.sort_by(|a, b| (!a.newest, a.ready, &a.name).cmp(&(!b.newest, b.ready, &b.name)));
    let left_out = pods.len().saturating_sub(MOST_PODS);
    pods.truncate(MOST_PODS);
    (pods, u32::try_from(left_out).unwrap_or(u32::MAX))
}

fn view(key: &ObjectKey, pod: &PodState, newest: bool) -> api::Pod {
    let main = pod.containers.iter().filter(|container| !container.init);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let restarts: i64 = pod.containers.iter().map(|it| i64::from(it.restarts)).sum();
    api::Pod {
        name: key.name.clone(),
        status: status(pod),
        ready: pod.ready,
        ready_containers: count(main.clone().filter(|container| container.ready).count()),
        containers: count(main.count()),
        restarts: u32::try_from(restarts).unwrap_or_default(),
        node: pod.node.clone(),
        created_at: Timestamp::from_seconds(pod.created_at).rfc3339(),
        newest,
    }
}

/// The word that `kubectl get pods` shows.
fn status(pod: &PodState) -> String {
    if pod.terminating {
        return "Terminating".to_owned();
    }
    if let Some(trouble) = pod.trouble.as_ref().filter(|_| pod.phase == "Failed") {
        return trouble.reason.clone();
    }
    let (init, main): (Vec<_>, Vec<_>) = pod.containers.iter().partition(|it| it.init);
    if let Some(word) = init.into_iter().find_map(complaint) {
        return format!("Init:{word}");
    }
    main.into_iter().find_map(complaint).unwrap_or_else(|| pod.phase.clone())
}

/// What a container waits for, or how it failed; nothing of one that runs or is done.
fn complaint(container: &ContainerState) -> Option<String> {
    if let Some(waiting) = &container.waiting {
        // It waits like this before every start.
        let usual = matches!(waiting.reason.as_str(), "PodInitializing");
        return (!usual).then(|| waiting.reason.clone());
    }
    let ended = container.terminated.as_ref().filter(|_| !container.running && !container.ready)?;
    match (ended.exit_code, ended.reason.as_str()) {
        (0, _) => None,
        (_, "") => Some("Error".to_owned()),
        (_, reason) => Some(reason.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use gimlet_shared::observed::{PodOwner, Termination, Trouble, WorkloadState};

    use super::*;

    fn key(kind: &str, name: &str) -> ObjectKey {
        ObjectKey { kind: kind.into(), namespace: "shop".into(), name: name.into() }
    }

    fn pod(template: &str, phase: &str, containers: Vec<ContainerState>) -> PodState {
        PodState {
            owner: Some(PodOwner { kind: "Deployment".into(), name: "web".into() }),
            template: Some(template.into()),
            phase: phase.into(),
            containers,
            ..PodState::default()
        }
    }

    fn waiting(reason: &str, init: bool) -> ContainerState {
        let waiting = Some(Trouble { reason: reason.into(), message: String::new() });
        ContainerState { waiting, init, restarts: 4, ..ContainerState::default() }
    }

    #[test]
    fn a_pod_s_word_is_that_of_kubectl() {
        assert_eq!(status(&pod("a", "Running", vec![])), "Running");
        assert_eq!(
            status(&pod("a", "Running", vec![waiting("CrashLoopBackOff", false)])),
            "CrashLoopBackOff"
        );
        assert_eq!(
            status(&pod("a", "Pending", vec![waiting("ImagePullBackOff", true)])),
            "Init:ImagePullBackOff"
        );
        assert_eq!(
            status(&pod("a", "Pending", vec![waiting("PodInitializing", false)])),
            "Pending"
        );
        let ended = ContainerState {
            terminated: Some(Termination { exit_code: 1, ..Termination::default() }),
            ..ContainerState::default()
        };
        assert_eq!(status(&pod("a", "Running", vec![ended])), "Error");
        let going = PodState { terminating: true, ..pod("a", "Running", vec![]) };
        assert_eq!(status(&going), "Terminating");
    }

    #[test]
    fn pods_of_the_newest_version_come_first_and_a_flood_is_counted() {
        let web = key("Deployment", "web");
        let workload = WorkloadState { template: Some("new".into()), ..WorkloadState::default() };
        let names: Vec<_> =
            (0..400).map(|number| key("Pod", &format!("web-{number:03}"))).collect();
        let states: Vec<_> = (0..400)
            .map(|number| pod(if number == 7 { "new" } else { "old" }, "Running", vec![]))
            .collect();
        let found = Workloads {
            workloads: vec![(&web, &workload)],
            pods: names.iter().zip(&states).collect(),
        };
        let (pods, left_out) = pods(&found);
        assert_eq!((pods.len(), left_out), (300, 100));
        assert_eq!((pods[0].name.as_str(), pods[0].newest), ("web-007", true));
        assert!(!pods[1].newest);
    }
}
