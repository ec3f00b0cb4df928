//! Everything the control plane does with git.
//!
//! - [`gitops`]: commits into gitops repositories, our own and those on outside hosts.
//! - [`mirror`]: local copies of source repositories, and what is read from them.
//! - [`smart_http`]: git's smart HTTP protocol for one bare repository at a time.
//! - [`remote`]: addresses, credentials and the rule about which hosts may be dialled.
//!
//! Objects are read and written with gix; the git binary fetches, pushes and serves, as a child
//! process with an environment of its own ([`Git`]).
//!
//! This crate knows nothing of organizations, databases or HTTP frameworks, holds no rule about who
//! may do what, and writes no log line: it returns typed errors, free of credentials.

mod backup;
mod changes;
mod commit_info;
pub mod gitops;
mod history;
mod id;
pub mod mirror;
mod names;
mod path;
mod read;
pub mod remote;
mod skeleton;
pub mod smart_http;
#[cfg(test)]
mod testing;

pub use backup::{UnbundleError, unbundle};
pub use changes::{ChangeLimits, ChangedFile, Changes, Side};
pub use commit_info::{CommitInfo, Person};
pub use gimlet_remote::{Git, RunError};
pub use id::{CommitId, InvalidCommitId};
pub use names::{BranchName, InvalidName, RefKind, RefName};
pub use path::{InvalidPath, PathFault, RepoPath};
pub use read::ReadError;
