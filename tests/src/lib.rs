//! What the demo and the end-to-end tests stand on: the product's own programs, started as a user starts
//! them, on a real Kubernetes with Flux.
//!
//! - [`programs`]: builds them, and makes the agent's image.
//! - [`server`]: a control plane as a child process that can be killed and started again.
//! - [`stack`]: cluster, control plane, enrolled agent and signed-in command line together.
//! - [`sample`]: a source repository with an application of its own.
//! - [`fuzz`]: what outsiders can send, under a fuzzer.
//! - [`git_host`]: another git host, with a repository behind a login.
//! - [`http`]: one request, for what has no client of its own.
//! - [`postgres`]: a PostgreSQL server for tests.
//! - [`steps`]: progress on standard error.
//! - [`child`]: a program that is killed and started again, at its crash points too.
//! - [`scripted_cluster`]: enough of a cluster for a real agent, by script.
//! - [`measure`]: the measurements of `cargo measure` that stand on a cluster.
//! - [`kills`]: the proof behind `cargo prove kills`.

pub mod child;
pub mod fuzz;
pub mod git_host;
pub mod http;
pub mod kills;
pub mod measure;
pub mod postgres;
pub mod programs;
pub mod sample;
pub mod scripted_cluster;
pub mod server;
pub mod stack;
pub mod steps;
