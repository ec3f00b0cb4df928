//! Gitops repositories: the commits that Flux applies.
//!
//! [`Repository`] is a bare repository of ours, [`Outside`] one on another git host; [`Gitops`] is
//! either. A [`Change`] becomes at most one commit, chained on the head that was read; a head that
//! moved meanwhile is read again and the change made anew on it, so nobody's commit is lost or merged
//! as text.
//!
//! What is in the commit, and whether a release was already committed, is the caller's business:
//! [`Gitops::find_deploy`] looks for the trailer of an earlier attempt.

mod change;
#[cfg(test)]
mod crash;
mod delta;
mod deploys;
mod draft;
mod durable;
mod either;
mod error;
mod folder;
mod gather;
mod message;
mod objects;
mod outside;
mod pack;
mod queue;
mod reference;
mod repository;
#[cfg(test)]
mod together;
mod tree;

pub use change::{Change, Committed, Edit};
pub use either::Gitops;
pub use error::CommitError;
pub use message::{InvalidMessage, Message};
pub use outside::Outside;
pub(crate) use reference::remove_abandoned;
pub use repository::Repository;

/// The trailer that ties a commit to the release that made it.
pub const DEPLOY_ID: &str = "Deploy-Id";
