//! Rendering of Helm charts, equal to the `helm` command byte for byte, in-process.
//!
//! It owns charts and what they are given, the values that they compute with, the template language, its functions,
//! and YAML as Helm reads and writes it. It deliberately reaches nothing outside but the chart that it is told to
//! read: no environment, network or cluster, and no randomness but what a seed gives. Everything is bounded, so that
//! a hostile chart ends in an error.

pub mod chart;
mod context;
mod files;
mod format;
pub mod functions;
mod keys;
pub mod semver;
pub mod template;
mod time;
mod toml;
pub mod value;
pub mod yaml;

/// Whose behaviour is asked for, where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Helm 3, as of 3.17.
    Helm3,
    /// Helm 4, as of 4.2.
    Helm4,
}

pub use context::{Limits, Settings};
pub use files::files;
