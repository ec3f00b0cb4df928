//! The rules of the control plane: state machines and decisions, pure.
//!
//! No async, no I/O, no clock: time is passed in. What is stored, sent or shown lives elsewhere.

pub mod activity;
pub mod cause;
pub mod follow;
pub mod health;
pub mod names;
pub mod order;
pub mod reach;
pub mod release;
pub mod role;
pub mod time;
pub mod usual;
