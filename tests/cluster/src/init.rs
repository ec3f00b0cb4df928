//! What the programs of a run are started by: the first process of the lab, the first of the node, and the
//! first of a simulated cluster.
//!
//! All are this crate's own program, started again with a hidden command. None restarts what ends: a
//! component of a test cluster that dies is a finding, so it is written down where `up` and `status` look.

mod cgroup;
mod components;
mod lab;
mod node;
mod simulated;
mod supervisor;

pub use lab::run_lab;
pub use node::run_node;
pub use simulated::run_simulated;

pub(crate) use cgroup::remove as remove_cgroups;

use std::process::Command;

use anyhow::{Context, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Runs a short program to its end.
fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("could not start {program}"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{program} {} ended with {}: {}", arguments.join(" "), output.status, words.trim());
    }
    Ok(())
}

/// containerd and the API server hold thousands of descriptors; the hard limit cannot be raised everywhere.
fn raise_descriptor_limit() -> Result<()> {
    const ENOUGH: u64 = 65_536;
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = Some(maximum.unwrap_or(ENOUGH).min(ENOUGH));
    setrlimit(Resource::Nofile, Rlimit { current, maximum })
        .context("could not raise the descriptor limit")
}
