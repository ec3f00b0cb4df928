//! The control plane's program: configuration, logs, and the wiring of all its parts.
//!
//! No rule of the product is here: a request or a reconciler's round begins here and is carried out
//! elsewhere.

pub mod backup;
pub mod check;
pub mod command;
pub mod config;
mod docs;
pub mod drain;
mod lock;
mod logs;
pub mod metrics_docs;
mod process;
mod serve;
pub mod telemetry;

pub use docs::{docs_site, sources};
pub use lock::DataLock;
pub use logs::Logs;
pub use serve::{open_app, serve};
