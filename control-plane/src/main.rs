//! `gimlet-server`: the control plane.

use std::process::ExitCode;

use clap::Parser as _;
use gimlet_control_plane::command::{Command, run};

fn main() -> ExitCode {
    run(Command::parse())
}
