//! Workloads to facts: how far their rollouts are, by the fields that `kubectl rollout status` reads.

use gimlet_shared::observed::{Trouble, WorkloadState};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::ObjectMeta;

use super::{
    kinds::{Condition, DaemonSet, Deployment, Job, ReplicaSet, StatefulSet, Template},
    text::clean,
};

/// The label by which Flux says which Kustomization applied an object.
pub(crate) const APPLIED_BY: &str = "kustomize.toolkit.fluxcd.io/name";

/// The annotation that counts a Deployment's templates, on it and on its `ReplicaSets`.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// The label that tells the pods of one template of a Deployment.
pub(crate) const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// The annotation that counts a `DaemonSet`'s templates; its pods carry it as a label of a shorter name.
const DAEMON_SET_TEMPLATE: &str = "deprecated.daemonset.template.generation";

/// What a `ReplicaSet` says of its Deployment's templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revision {
    pub(crate) deployment: String,
    pub(crate) number: String,
    pub(crate) hash: String,
}

/// A Deployment without its newest template, which only its `ReplicaSets` know.
pub(crate) fn deployment(object: &Deployment) -> WorkloadState {
    let status = &object.status;
    let deadline = Condition::find(&status.conditions, "Progressing", "False");
    let failure = Condition::find(&status.conditions, "ReplicaFailure", "True");
    WorkloadState {
        observed_generation: status.observed_generation,
        desired: object.spec.replicas.unwrap_or(1),
        updated: status.updated_replicas,
        ready: status.ready_replicas,
        available: status.available_replicas,
        total: status.replicas,
        stuck: failure.or(deadline).map(trouble),
        ..common(&object.metadata, &object.spec.template)
    }
}

/// The number of a Deployment's newest template.
pub(crate) fn newest_revision(object: &Deployment) -> Option<String> {
    object.metadata.annotations.as_ref()?.get(REVISION).cloned()
}

pub(crate) fn revision(object: &ReplicaSet) -> Option<Revision> {
    let owner = controller(&object.metadata).filter(|owner| owner.kind == "Deployment")?;
    let number = object.metadata.annotations.as_ref()?.get(REVISION)?.clone();
    let hash = object.metadata.labels.as_ref()?.get(POD_TEMPLATE_HASH)?.clone();
    Some(Revision { deployment: owner.name.clone(), number, hash })
}

pub(crate) fn stateful_set(object: &StatefulSet) -> WorkloadState {
    let status = &object.status;
    WorkloadState {
        observed_generation: status.observed_generation,
        desired: object.spec.replicas.unwrap_or(1),
        updated: status.updated_replicas,
        ready: status.ready_replicas,
        available: status.available_replicas,
        total: status.replicas,
        template: status.update_revision.clone(),
        ..common(&object.metadata, &object.spec.template)
    }
}

pub(crate) fn daemon_set(object: &DaemonSet) -> WorkloadState {
    let status = &object.status;
    let annotations = object.metadata.annotations.as_ref();
    WorkloadState {
        observed_generation: status.observed_generation,
        desired: status.desired_number_scheduled,
        updated: status.updated_number_scheduled,
        ready: status.number_ready,
        available: status.number_available,
        total: status.current_number_scheduled,
        template: annotations.and_then(|all| all.get(DAEMON_SET_TEMPLATE)).cloned(),
        ..common(&object.metadata, &object.spec.template)
    }
}

/// A Job's template never changes; its own uid tells its pods from those of an earlier Job of its name.
pub(crate) fn job(object: &Job) -> WorkloadState {
    let status = &object.status;
    let common = common(&object.metadata, &object.spec.template);
    WorkloadState {
        // A Job has no observed generation: it is always of this one.
        observed_generation: common.generation,
        desired: object.spec.completions.unwrap_or(1),
        updated: status.active + status.succeeded + status.failed,
        ready: status.succeeded,
        available: status.succeeded,
        total: status.active + status.succeeded + status.failed,
        failed: status.failed,
        template: object.metadata.uid.clone(),
        stuck: Condition::find(&status.conditions, "Failed", "True").map(trouble),
        ..common
    }
}

/// The owner that controls an object.
pub(crate) fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata.owner_references.as_ref()?.iter().find(|owner| owner.controller == Some(true))
}

fn common(metadata: &ObjectMeta, template: &Template) -> WorkloadState {
    let labels = metadata.labels.as_ref();
    WorkloadState {
        applied_by: labels.and_then(|labels| labels.get(APPLIED_BY)).cloned(),
        generation: metadata.generation.unwrap_or_default(),
        images: template.spec.containers.iter().map(|container| clean(&container.image)).collect(),
        ..WorkloadState::default()
    }
}

fn trouble(condition: &Condition) -> Trouble {
    Trouble { reason: clean(&condition.reason), message: clean(&condition.message) }
}

#[cfg(test)]
#[path = "workload_tests.rs"]
mod tests;
