//! What an agent has seen on its cluster: small structs, one per object that matters to a release.
//!
//! They carry facts only. What the facts mean is decided in the control plane's `domain`.

use std::fmt;

use serde::{Deserialize, Serialize};

mod fit;
mod reach;
pub mod text;

pub use fit::cut;
pub use reach::{
    GatewayRef, GatewayState, IngressRule, IngressState, Listener, RouteState, ServicePort,
    ServiceState,
};

/// Names one watched object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// `Deployment`, `StatefulSet`, `DaemonSet`, `Job`, `Pod`, `GitRepository`, `Kustomization`, `HelmRelease`,
    /// `Ingress`, `HTTPRoute`, `Gateway`, `Service`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// One object's state. The newest one of a key replaces the one before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Which object.
    pub key: ObjectKey,
    /// What is known of it.
    pub state: ObservedState,
}

/// The facts by kind of object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum ObservedState {
    /// A Flux `GitRepository`.
    Source(FluxState),
    /// A Flux `Kustomization` or `HelmRelease`.
    Applier(FluxState),
    /// A workload with a pod template, or a `Job`.
    Workload(WorkloadState),
    /// A pod of a watched workload.
    Pod(PodState),
    /// An `Ingress`.
    Ingress(IngressState),
    /// An `HTTPRoute`.
    Route(RouteState),
    /// A `Gateway`.
    Gateway(GatewayState),
    /// A `Service` with a load balancer.
    Service(ServiceState),
    /// A kind that this version does not know, from a newer agent.
    #[serde(other)]
    Unknown,
}

/// A Flux object's conditions and revisions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FluxState {
    /// The `Ready` condition.
    pub ready: Ready,
    /// The reason word of `Ready`.
    pub reason: String,
    /// The message of `Ready`, at most 4 KiB.
    pub message: String,
    /// The message of `Reconciling`, when that condition is true.
    pub reconciling: Option<String>,
    /// `status.artifact.revision` of a source, `status.lastAppliedRevision` of an applier.
    pub applied_revision: Option<String>,
    /// `status.lastAttemptedRevision` of an applier.
    pub attempted_revision: Option<String>,
    /// `metadata.generation`.
    pub generation: i64,
    /// `status.observedGeneration`.
    pub observed_generation: i64,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `status.lastHandledReconcileAt`.
    pub handled_request: Option<String>,
}

/// A condition's three values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ready {
    /// `True`.
    True,
    /// `False`.
    False,
    /// `Unknown`, or absent.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A workload's rollout, by the fields that `kubectl rollout status` reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadState {
    /// Name of the Kustomization that applied it (label `kustomize.toolkit.fluxcd.io/name`).
    pub applied_by: Option<String>,
    /// `metadata.generation`.
    pub generation: i64,
    /// `status.observedGeneration`.
    pub observed_generation: i64,
    /// Wanted pods; for a `Job` its completions.
    pub desired: i32,
    /// Pods of the newest template.
    pub updated: i32,
    /// Ready pods; for a `Job` its succeeded ones.
    pub ready: i32,
    /// Available pods.
    pub available: i32,
    /// All pods, old ones included.
    pub total: i32,
    /// Pods that failed for good (`Job`).
    pub failed: i32,
    /// Names the newest template, so that pods of it can be told from older ones.
    pub template: Option<String>,
    /// A condition that says it cannot go on (`ProgressDeadlineExceeded`, `ReplicaFailure`, `Failed`), with its message.
    pub stuck: Option<Trouble>,
    /// Images of the containers, in order.
    pub images: Vec<String>,
}

/// A reason word and its sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Trouble {
    /// Kubernetes' own word.
    pub reason: String,
    /// Its message, at most 4 KiB.
    pub message: String,
}

/// A pod, by what can be wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodState {
    /// The workload that owns it: `Deployment`, `StatefulSet`, `DaemonSet`, `Job` and its name.
    pub owner: Option<PodOwner>,
    /// Which template of that workload it was made from; compare with [`WorkloadState::template`].
    pub template: Option<String>,
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    pub phase: String,
    /// The `Ready` condition is true.
    pub ready: bool,
    /// Deletion has begun.
    pub terminating: bool,
    /// Seconds since 1970 of its creation.
    pub created_at: i64,
    /// The node it runs on, once it has one.
    pub node: Option<String>,
    /// Why it cannot be scheduled, or why it failed as a whole.
    pub trouble: Option<Trouble>,
    /// Init containers first, then containers.
    pub containers: Vec<ContainerState>,
}

/// The controller of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodOwner {
    /// Kind of the workload.
    pub kind: String,
    /// Name of the workload.
    pub name: String,
}

/// One container of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerState {
    /// Its name.
    pub name: String,
    /// Its image as the manifest names it.
    pub image: String,
    /// It runs before the others.
    pub init: bool,
    /// The readiness probe passes.
    pub ready: bool,
    /// It runs now.
    pub running: bool,
    /// How often it was started again.
    pub restarts: i32,
    /// Why it waits (`ImagePullBackOff`, `CrashLoopBackOff`, `CreateContainerConfigError`…).
    pub waiting: Option<Trouble>,
    /// How it ended last: reason, exit code and message.
    pub terminated: Option<Termination>,
    /// Last message of a failing probe, from a cluster event.
    pub probe_failure: Option<String>,
    /// Its last lines of output, oldest first; at most 20 lines and 4 KiB; only for a container in trouble.
    pub last_lines: Vec<String>,
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Termination {
    /// `Error`, `OOMKilled`, `Completed`, `ContainerCannotRun`…
    pub reason: String,
    /// Exit code of the process.
    pub exit_code: i32,
    /// Message left by the container or runtime, at most 4 KiB.
    pub message: String,
}
