//! Why something does not work, in words that a developer understands.

use serde::{Deserialize, Serialize};

/// One cause, with what is known of it and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// The closed word for it, stable for programs.
    pub code: CauseCode,
    /// One sentence: what is wrong, naming container and object.
    pub summary: String,
    /// The cluster's or git's own message.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The pod it shows on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// The container it shows on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The container's last lines, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_lines: Vec<String>,
    /// What to do about it.
    pub next_step: String,
}

impl Cause {
    /// A cause without pod or container.
    #[must_use]
    pub fn new(code: CauseCode, summary: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self {
            code,
            summary: summary.into(),
            detail: String::new(),
            pod: None,
            container: None,
            last_lines: Vec::new(),
            next_step: next_step.into(),
        }
    }

    /// The same, with the outside's own message.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

/// The closed list of causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseCode {
    /// The manifest cannot be read or rendered.
    ManifestInvalid,
    /// The gitops repository could not be written.
    GitopsWrite,
    /// Another repository owns this application.
    OwnedByAnother,
    /// The container's image cannot be pulled.
    ImagePull,
    /// The container ends again and again.
    CrashLoop,
    /// The container ran out of memory.
    OutOfMemory,
    /// A ConfigMap, Secret or key that the container needs is missing.
    ContainerConfig,
    /// The readiness probe fails.
    NotReady,
    /// No node takes the pod.
    Unschedulable,
    /// Kubernetes refused what was applied.
    Refused,
    /// Pods cannot be made (quota, admission).
    PodsNotCreated,
    /// A job failed.
    JobFailed,
    /// Flux could not fetch or build.
    FluxFailed,
    /// The cluster's agent is away.
    ClusterAway,
    /// Nothing was heard in time.
    NoProgress,
    /// Another kind of trouble.
    Other,
}

impl CauseCode {
    /// Every cause, for the page that explains them.
    pub const ALL: [Self; 16] = [
        Self::ManifestInvalid,
        Self::GitopsWrite,
        Self::OwnedByAnother,
        Self::ImagePull,
        Self::CrashLoop,
        Self::OutOfMemory,
        Self::ContainerConfig,
        Self::NotReady,
        Self::Unschedulable,
        Self::Refused,
        Self::PodsNotCreated,
        Self::JobFailed,
        Self::FluxFailed,
        Self::ClusterAway,
        Self::NoProgress,
        Self::Other,
    ];

    /// The stored and shown word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ManifestInvalid => "manifest_invalid",
            Self::GitopsWrite => "gitops_write",
            Self::OwnedByAnother => "owned_by_another",
            Self::ImagePull => "image_pull",
            Self::CrashLoop => "crash_loop",
            Self::OutOfMemory => "out_of_memory",
            Self::ContainerConfig => "container_config",
            Self::NotReady => "not_ready",
            Self::Unschedulable => "unschedulable",
            Self::Refused => "refused",
            Self::PodsNotCreated => "pods_not_created",
            Self::JobFailed => "job_failed",
            Self::FluxFailed => "flux_failed",
            Self::ClusterAway => "cluster_away",
            Self::NoProgress => "no_progress",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_stored_as_the_word_that_is_shown() {
        for code in CauseCode::ALL {
            let stored = serde_json::to_value(code).expect("a word");
            assert_eq!(stored, code.as_str());
        }
    }
}
