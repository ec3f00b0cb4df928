//! Pods of an application, and what their containers said.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A pod, as its cluster reports it now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// `Running`, `CrashLoopBackOff`, `Terminating`…: the word that `kubectl get pods` shows.
    pub status: String,
    /// It is ready.
    pub ready: bool,
    /// Ready containers.
    pub ready_containers: u32,
    /// Its containers, besides those that run before them.
    pub containers: u32,
    /// How often its containers were started again.
    pub restarts: u32,
    /// The node it runs on.
    #[serde(default)]
    pub node: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// It belongs to the newest version, not to one that is being replaced.
    pub newest: bool,
}

/// The last lines of a container that failed under a release. They are kept with the release, and stay
/// readable after the pod is gone.
///
/// Escape sequences are taken out. What is secret in them cannot be known and is not hidden: a program
/// that prints a password shows it to everyone who may see the application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContainerLog {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// How often it had been started again.
    pub restarts: u32,
    /// At most 20 lines and 4 KiB, oldest first.
    pub lines: Vec<String>,
    /// When they were seen.
    pub seen_at: String,
}
