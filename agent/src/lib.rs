//! The agent: one small program on each cluster, which dials out to the control plane, reports what
//! matters to releases, and carries out a closed list of commands.
//!
//! ```text
//! watch ── changes ──► link ── frames ──► control plane
//!                       │ ▲
//!              commands ▼ │ outcomes
//!                       act ──► cluster            lease: which replica leads
//! ```
//!
//! It decides nothing about releases, keeps nothing on disk, and holds no rights beyond what the
//! installer's manifests list. What it obeys is bounded by the owner's policy object.

pub mod act;
pub mod config;
pub mod cursor;
pub mod dial;
pub mod enrol;
pub mod health;
pub mod identity;
pub mod lease;
pub mod link;
pub mod logging;
pub mod metrics;
pub mod names;
mod policy;
pub mod run;
pub mod watch;

#[cfg(test)]
mod fake_api;
#[cfg(test)]
mod test_ca;
#[cfg(test)]
mod test_server;
