//! What outsiders can send, as functions of bytes: webhooks, frames of the agent link, manifests, and
//! the names and paths that git carries.
//!
//! Each function gives its input to the product's own code and panics when something that must always
//! hold does not: that is how a fuzzer learns of it. `cargo prove fuzz` runs them under libFuzzer
//! (`libfuzzer/`, a workspace of its own because it needs a nightly compiler); the tests of this crate run
//! them on the kept inputs of `corpus/` and on mutations of these.

mod frame;
mod git_path;
mod manifest;
mod webhook;

pub use frame::frame;
pub use git_path::git_path;
pub use manifest::manifest;
pub use webhook::webhook;

/// A target: its name, which is also the folder of its corpus, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 4] =
    [("webhook", webhook), ("frame", frame), ("manifest", manifest), ("git_path", git_path)];
