//! `cargo prove kills`: releases under `kill -9`, at random moments and at every crash point.
//!
//! The real server and real agents run as child processes; the clusters are [scripted](crate::scripted_cluster).
//! Developers push to real repositories, webhooks are delivered once and not again, and every program is killed
//! over and over. Afterwards an oracle compares what was pushed with the gitops repositories and with the effect
//! ledger. It does not ask the database.
//!
//! Several worlds, each with a control plane and two clusters of its own, go on side by side. In each, one thing
//! happens after the other: a push, a kill in the middle of what it set going, and the next push to a repository
//! whose last one has come through. So a release is hit several times on its way, and none is starved by
//! programs that live shorter than its way takes.
//!
//! `cargo prove storm` floods the same server with webhooks: [`prove_storm`].

mod ageing;
mod api;
mod director;
mod oracle;
mod plan;
mod proof;
mod pushes;
mod small;
mod source;
mod storm;
mod tally;
mod world;

pub use plan::{Database, KillPlan, Patience};
pub use proof::{Verdict, prove};
pub use storm::{StormPlan, prove_storm};
