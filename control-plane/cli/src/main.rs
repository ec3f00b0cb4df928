//! The `gimlet` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(gimlet_cli::run(std::env::args_os(), gimlet_cli::Host::of_this_process()))
}
