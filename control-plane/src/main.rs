//! `gimlet-server`: the control plane.

use std::process::ExitCode;

use clap::Parser as _;
use gimlet_control_plane::command::{Command, run};

fn main() -> ExitCode {
    let command = Command::parse();
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            // Without standard error there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "gimlet-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}
