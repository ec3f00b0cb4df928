//! The commands. Each says what it takes, asks the server, and shows the answer.

pub(crate) mod app;
pub(crate) mod auth;
pub(crate) mod cluster;
pub(crate) mod commits;
pub(crate) mod completion;
pub(crate) mod deploy;
pub(crate) mod environment;
pub(crate) mod release;
pub(crate) mod repo;
pub(crate) mod version;

use crate::{args::Command, error::CliError, shell::Shell};

/// Carries out a command.
pub(crate) async fn run(command: Command, shell: &mut Shell) -> Result<(), CliError> {
    match command {
        Command::Auth(command) => command.run(shell).await,
        Command::Cluster(command) => command.run(shell).await,
        Command::Environment(command) => command.run(shell).await,
        Command::Repo(command) => command.run(shell).await,
        Command::Commits(command) => command.run(shell).await,
        Command::Deploy(command) => command.run(shell).await,
        Command::Release(command) => command.run(shell).await,
        Command::App(command) => command.run(shell).await,
        Command::Completion(command) => command.run(shell),
        Command::Version(command) => command.run(shell).await,
    }
}
