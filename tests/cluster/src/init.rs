//! What runs inside the namespaces of a run: the first process of the lab and the first of the node.
//!
//! Both are this crate's own program, started again with a hidden command. Neither restarts what ends: a
//! component of a test cluster that dies is a finding, so it is written down where `up` and `status` look.

mod cgroup;
mod lab;
mod node;
mod supervisor;

pub use lab::run_lab;
pub use node::run_node;

pub(crate) use cgroup::remove as remove_cgroups;

use std::process::Command;

use anyhow::{Context, Result, bail};

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
