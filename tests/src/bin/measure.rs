//! `cargo measure`: builds the measured programs in the release profile, alone, so that nothing that only
//! tests switch on is in them, and measures them.

use std::{
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use gimlet_tests::{programs::workspace_root, steps::Steps};

/// What is built; all in one go, so that they share what they are made of.
const PACKAGES: [&str; 2] = ["gimlet-bench", "gimlet-control-plane"];

fn main() -> Result<()> {
    let root = workspace_root();
    Steps::default().step("Build in the release profile", || {
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--quiet", "--release", "--bins"]).current_dir(&root);
        for package in PACKAGES {
            cargo.args(["--package", package]);
        }
        // Standard output is for figures.
        let status = cargo.stdout(Stdio::null()).status().context("cannot run cargo")?;
        ensure!(status.success(), "cargo could not build what is measured");
        Ok(())
    })?;
    let programs = root.join(".target/x86_64-unknown-linux-gnu/release");
    let mut bench = Command::new(programs.join("gimlet-bench"));
    bench.arg("--programs").arg(&programs).args(std::env::args_os().skip(1));
    Err(bench.exec()).context("cannot run gimlet-bench")
}
