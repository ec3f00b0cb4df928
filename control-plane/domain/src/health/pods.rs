//! What is wrong with one pod, in words: its containers by what kubelet says of them, or the whole of it.

use gimlet_shared::observed::{ContainerState, ObjectKey, PodState};

use super::{Trouble, worst};
use crate::cause::{Cause, CauseCode};

/// Kubelet starts a container again at once, then after ten seconds. Two restarts tell a container that
/// cannot run from one that stumbled once at its start.
const RESTARTS_OF_A_LOOP: i32 = 2;

/// What is wrong with a pod that is not ready, by its containers or as a whole.
pub(super) fn pod_trouble(key: &ObjectKey, pod: &PodState) -> Option<Trouble> {
    if pod.ready || pod.phase == "Succeeded" {
        return None;
    }
    let of_containers: Vec<Trouble> =
        pod.containers.iter().filter_map(|container| container_trouble(key, container)).collect();
    worst(&of_containers).or_else(|| {
        pod.trouble
            .as_ref()
            .map(|trouble| whole_pod_trouble(key, &trouble.reason, &trouble.message))
    })
}

fn whole_pod_trouble(key: &ObjectKey, reason: &str, message: &str) -> Trouble {
    let mut cause = if reason == "Unschedulable" || reason == "FailedScheduling" {
        Cause::new(
            CauseCode::Unschedulable,
            "no node of the cluster takes the pod",
            "Ask for less CPU or memory, or give the cluster another node; the message names what each node lacks.",
        )
    } else {
        Cause::new(
            CauseCode::Other,
            format!("the pod cannot start: {reason}"),
            "The message says what it waits for.",
        )
    };
    cause.pod = Some(key.name.clone());
    Trouble { cause: cause.with_detail(message), lasting: false }
}

fn container_trouble(pod: &ObjectKey, container: &ContainerState) -> Option<Trouble> {
    let (mut cause, lasting) = waiting_cause(container)
        .or_else(|| ended_cause(container))
        .or_else(|| probe_cause(container))?;
    cause.pod = Some(pod.name.clone());
    cause.container = Some(container.name.clone());
    cause.last_lines.clone_from(&container.last_lines);
    Some(Trouble { cause, lasting })
}

fn waiting_cause(container: &ContainerState) -> Option<(Cause, bool)> {
    let waiting = container.waiting.as_ref()?;
    let name = &container.name;
    let detail = |cause: Cause| cause.with_detail(waiting.message.clone());
    match waiting.reason.as_str() {
        "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName" | "ErrImagePull" => Some((
            detail(Cause::new(
                CauseCode::ImagePull,
                format!("the image `{}` of container `{name}` cannot be pulled", container.image),
                "Check the image's name and tag, that it was pushed, and that the cluster may read that registry.",
            )),
            // The first refusal may be a passing one; back-off means that it was tried again.
            waiting.reason != "ErrImagePull",
        )),
        "CrashLoopBackOff" => {
            Some((crash_cause(container), container.restarts >= RESTARTS_OF_A_LOOP))
        }
        "CreateContainerConfigError" => Some((
            detail(Cause::new(
                CauseCode::ContainerConfig,
                format!("container `{name}` needs a ConfigMap, Secret or key that is not there"),
                "The message names what is missing: create it, or correct its name in the manifest.",
            )),
            true,
        )),
        "CreateContainerError" | "RunContainerError" => Some((
            detail(Cause::new(
                CauseCode::Other,
                format!("container `{name}` cannot be started"),
                "Check its command, working directory and mounts.",
            )),
            true,
        )),
        _ => None,
    }
}

fn crash_cause(container: &ContainerState) -> Cause {
    let name = &container.name;
    let ended = container.terminated.clone().unwrap_or_default();
    if ended.reason == "OOMKilled" {
        return Cause::new(
            CauseCode::OutOfMemory,
            format!(
                "container `{name}` used more memory than its limit and was ended ({} restarts)",
                container.restarts
            ),
            "Raise the container's memory limit, or make it use less.",
        );
    }
    Cause::new(
        CauseCode::CrashLoop,
        format!("container `{name}` ends with exit code {} soon after each start ({} restarts)", ended.exit_code, container.restarts),
        "Its last lines usually name the reason: a missing setting, a wrong command, a service it cannot reach.",
    )
    .with_detail(ended.message)
}

fn ended_cause(container: &ContainerState) -> Option<(Cause, bool)> {
    let ended = container.terminated.as_ref()?;
    (!container.running && ended.exit_code != 0).then(|| (crash_cause(container), false))
}

fn probe_cause(container: &ContainerState) -> Option<(Cause, bool)> {
    if !container.running || container.ready {
        return None;
    }
    let failure = container.probe_failure.clone()?;
    Some((
        Cause::new(
            CauseCode::NotReady,
            format!("container `{}` runs, but its probe fails", container.name),
            "Check the probe's path and port, and that the program listens on all addresses of the pod.",
        )
        .with_detail(failure),
        false,
    ))
}
