//! Puts Gimlet on a cluster: Flux where it is missing, the agent with exactly its rights, and what
//! Flux needs for each environment.
//!
//! [`plan`] says, without looking at anything, which objects the cluster should have, and compares what
//! is there with what would be; [`steps`] brings them there, one idempotent step after the other;
//! [`progress`] tells the person about it. Everything that is applied stands in `manifests/` or in
//! [`plan`], to be read before it is run.
//!
//! It knows nothing of the control plane but its agent port, and nothing of the agent but its objects.

mod answer;
mod control_plane;
mod git_credential;
mod kinds;
pub mod options;
pub mod plan;
pub mod progress;
mod root;
pub mod steps;
mod token;

pub use gimlet_shared::namespaces::{
    AGENT_NAMESPACE, BUILD_NAMESPACE, FLUX_NAMESPACE, is_protected_namespace,
};

pub use answer::{AppsAccess, Assignment, AssignmentError, Environment};
pub use control_plane::{ControlPlane, ControlPlaneError, fetch_root};
pub use git_credential::{GitCredentialFileError, read_git_credential};
pub use kinds::{Scope, resource_of};
pub use root::{Fingerprint, RootError, TrustedRoot};
pub use token::{EnrolmentToken, TokenError};

/// The field manager that our writes are kept under.
pub const FIELD_MANAGER: &str = "gimlet-installer";
