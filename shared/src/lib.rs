//! What more than one part of Gimlet speaks: ids, the agent link's frames, enrolment, API types,
//! the error chain and backoff.
//!
//! Pure data and small pure functions. It owns no I/O, no async and no product rule: rules live in the
//! control plane's `domain`, the transport in the agent and in the control plane's `api`.

pub mod api;
pub mod backoff;
pub mod crash_point;
pub mod enrol;
pub mod error_chain;
pub mod git_credential;
pub mod ids;
pub mod link;
pub mod namespaces;
pub mod observed;
