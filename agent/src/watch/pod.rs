//! Pods to facts: whose they are, and what each container does.

use gimlet_shared::observed::{ContainerState, PodOwner, PodState, Termination, Trouble};
use kube::api::ObjectMeta;

use super::{
    kinds::{Condition, ContainerSpec, ContainerStates, ContainerStatus, Pod, Terminated},
    text::clean,
    workload::{APPLIED_BY, POD_TEMPLATE_HASH, controller},
};

/// The label by which a `DaemonSet` tells its pods' template.
pub(crate) const DAEMON_SET_TEMPLATE: &str = "pod-template-generation";

/// The label by which a `StatefulSet` tells its pods' template.
pub(crate) const STATEFUL_SET_TEMPLATE: &str = "controller-revision-hash";

/// The facts of a pod, if it matters to a release: it belongs to a workload, or Flux applied it.
pub(crate) fn pod(object: &Pod) -> Option<PodState> {
    let metadata = &object.metadata;
    let owned = owner(metadata);
    if owned.is_none() && label(metadata, APPLIED_BY).is_none() {
        return None;
    }
    let (owner, template) = owned.unzip();
    let status = &object.status;
    let created = metadata.creation_timestamp.as_ref();
    Some(PodState {
        owner,
        template: template.flatten(),
        phase: clean(&status.phase),
        ready: Condition::find(&status.conditions, "Ready", "True").is_some(),
        terminating: metadata.deletion_timestamp.is_some(),
        created_at: created.map(|time| time.0.as_second()).unwrap_or_default(),
        node: object.spec.node_name.as_deref().filter(|name| !name.is_empty()).map(clean),
        trouble: trouble(object),
        containers: containers(object),
    })
}

/// The workload and which of its templates the pod was made from.
fn owner(metadata: &ObjectMeta) -> Option<(PodOwner, Option<String>)> {
    let owner = controller(metadata)?;
    let (kind, name, template) = match owner.kind.as_str() {
        // A Deployment names its ReplicaSets after itself and the hash of their template.
        "ReplicaSet" => {
            let hash = label(metadata, POD_TEMPLATE_HASH)?;
            let deployment = owner.name.strip_suffix(hash)?.strip_suffix('-')?;
            ("Deployment", deployment, Some(hash.to_owned()))
        }
        "StatefulSet" => {
            let template = label(metadata, STATEFUL_SET_TEMPLATE).map(str::to_owned);
            ("StatefulSet", owner.name.as_str(), template)
        }
        "DaemonSet" => {
            let template = label(metadata, DAEMON_SET_TEMPLATE).map(str::to_owned);
            ("DaemonSet", owner.name.as_str(), template)
        }
        "Job" => ("Job", owner.name.as_str(), Some(owner.uid.clone())),
        _ => return None,
    };
    Some((PodOwner { kind: kind.into(), name: name.into() }, template))
}

fn label<'a>(metadata: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    metadata.labels.as_ref()?.get(name).map(String::as_str)
}

/// Why the pod as a whole failed, or finds no node.
fn trouble(object: &Pod) -> Option<Trouble> {
    let status = &object.status;
    if !status.reason.is_empty() {
        return Some(Trouble { reason: clean(&status.reason), message: clean(&status.message) });
    }
    let unscheduled = Condition::find(&status.conditions, "PodScheduled", "False")
        .filter(|condition| condition.reason == "Unschedulable")?;
    Some(Trouble { reason: "Unschedulable".into(), message: clean(&unscheduled.message) })
}

fn containers(object: &Pod) -> Vec<ContainerState> {
    let (spec, status) = (&object.spec, &object.status);
    let init = spec.init_containers.iter().map(|container| ContainerState {
        init: true,
        ..container_state(container, &status.init_container_statuses)
    });
    let main = spec
        .containers
        .iter()
        .map(|container| container_state(container, &status.container_statuses));
    init.chain(main).collect()
}

fn container_state(spec: &ContainerSpec, statuses: &[ContainerStatus]) -> ContainerState {
    let named = ContainerState {
        name: clean(&spec.name),
        image: clean(&spec.image),
        ..ContainerState::default()
    };
    let Some(status) = statuses.iter().find(|status| status.name == spec.name) else {
        return named;
    };
    let ContainerStates { waiting, running, terminated } = &status.state;
    ContainerState {
        ready: status.ready,
        running: running.is_some(),
        restarts: status.restart_count,
        waiting: waiting.as_ref().filter(|waiting| !waiting.reason.is_empty()).map(|waiting| {
            Trouble { reason: clean(&waiting.reason), message: clean(&waiting.message) }
        }),
        terminated: terminated.as_ref().or(status.last_state.terminated.as_ref()).map(termination),
        ..named
    }
}

fn termination(terminated: &Terminated) -> Termination {
    Termination {
        reason: clean(&terminated.reason),
        exit_code: terminated.exit_code,
        message: clean(&terminated.message),
    }
}

#[cfg(test)]
#[path = "pod_tests.rs"]
mod tests;
