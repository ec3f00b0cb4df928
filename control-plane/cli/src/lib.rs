//! The `gimlet` command: people's and CI's client of the API `/api/v1`.
//!
//! It owns arguments, credentials on disk, following a release, and how answers look. It owns no product
//! rule: names, policies and states are the server's to judge, and its problems are shown as they come.
//!
//! Data goes to standard output, everything else to standard error.

mod args;
mod client;
mod commands;
mod complete;
mod config_file;
mod duration;
mod error;
mod follow;
mod host;
mod output;
mod progress;
mod prompt;
mod rows;
mod server_url;
mod settings;
mod shell;
mod wait;
mod watch;

use std::ffi::OsString;

use clap::Parser as _;

pub use crate::host::{Host, Pace};
use crate::{args::Cli, error::CliError, shell::Shell};

/// The runtime could not be started.
const ERROR: u8 = 1;

/// The command line's definition, for its reference.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Carries out one command, and returns the exit code: 0 ok, 1 error, 2 usage, 3 a release did not become
/// healthy, 4 the time of `--wait` is over, 130 interrupted.
pub fn run(args: impl IntoIterator<Item = OsString>, mut host: Host) -> u8 {
    if complete::is_asked(&host) {
        return u8::from(!complete::answer(args));
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            _ = writeln!(host.stderr, "error: cannot start: {error}");
            return ERROR;
        }
    };
    let code = runtime.block_on(execute(args, host));
    // A prompt that was interrupted still waits for its line.
    runtime.shutdown_background();
    code
}

/// [`run`] on a runtime that is there already.
pub async fn execute(args: impl IntoIterator<Item = OsString>, mut host: Host) -> u8 {
    // Fails only where a provider is installed already, which is as good.
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return args::explain(&error, &mut host),
    };
    let mut shell = Shell::new(cli.global, host);
    let end = tokio::select! {
        end = commands::run(cli.command, &mut shell) => end,
        () = interrupted() => Err(CliError::Interrupted),
    };
    match end {
        Ok(()) => 0,
        Err(error) => {
            shell.report(&error);
            error.exit_code()
        }
    }
}

async fn interrupted() {
    // Where no handler can be installed, the system's own ends the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
