//! The control plane's program: configuration, logs, and the wiring of all its parts.
//!
//! No rule of the product is here: a request or a reconciler's round begins here and is carried out
//! elsewhere.

pub mod command;
pub mod config;
mod logs;
mod serve;

pub use logs::start_logs;
pub use serve::{open_app, serve};
