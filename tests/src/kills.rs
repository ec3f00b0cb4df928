//! `cargo prove kills`: releases under `kill -9`, at random moments and at every crash point.
//!
//! The real server and real agents run as child processes; the clusters are [scripted](crate::scripted_cluster).
//! Developers push to real repositories, webhooks are delivered once and not again, and every program is killed
//! over and over. Afterwards an oracle compares what was pushed with the gitops repositories and with the effect
//! ledger. It does not ask the database.
//!
//! `cargo prove storm` floods the same server with webhooks: [`prove_storm`].

mod api;
mod git_host;
mod killer;
mod oracle;
mod proof;
mod pusher;
mod small;
mod source;
mod storm;
mod world;

pub use proof::{Database, KillPlan, Verdict, prove};
pub use storm::{StormPlan, prove_storm};
