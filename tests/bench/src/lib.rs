//! What measurements have in common: figures as lines of JSON, a control plane to measure, and processor
//! time and memory of processes.

pub mod figure;
pub mod http;
pub mod progress;
pub mod server;
pub mod usage;
