//! The installer against what is outside of it: a control plane's agent port, and a cluster.
//!
//! The tests that need a cluster write to the one that `KUBECONFIG` names, so they run only when asked
//! for: `cargo test -p gimlet-installer --test installer -- --ignored`.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod accounts;
mod agent;
mod asking;
mod control_plane;
mod installing;
mod scripted;
