//! What GitHub tells us: its webhooks, checked and read.
//!
//! - [`verify_signature`] proves that a body comes from someone who holds the webhook's secret.
//! - [`Hook::parse`] reads the few payloads that we act on into small types; every other one is
//!   [`Hook::Ignored`].
//! - [`GitHubHooks`] puts both behind the use cases' port.
//!
//! This crate opens no connection, knows no repository of ours and decides nothing: it takes bytes and
//! returns types. What a hook causes is `gimlet-app`'s.

mod hook;
mod reader;
mod signature;

pub use hook::{Hook, PayloadError, PullRequestAction, branch_name, tag_name};
pub use reader::GitHubHooks;
pub use signature::{SignatureError, sign, verify_signature};
