//! The commands. Each says what it takes, asks the server, and shows the answer.

pub(crate) mod activity;
pub(crate) mod app;
pub(crate) mod artifact;
pub(crate) mod auth;
pub(crate) mod cluster;
pub(crate) mod commits;
pub(crate) mod completion;
pub(crate) mod deploy;
mod difference;
pub(crate) mod doctor;
pub(crate) mod environment;
pub(crate) mod manifest;
pub(crate) mod member;
mod named;
pub(crate) mod release;
pub(crate) mod repo;
pub(crate) mod token;
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
        Command::Artifact(command) => command.run(shell).await,
        Command::Doctor(command) => command.run(shell).await,
        Command::Deploy(command) => command.run(shell).await,
        Command::Release(command) => command.run(shell).await,
        Command::App(command) => command.run(shell).await,
        Command::Activity(command) => command.run(shell).await,
        Command::Manifest(command) => command.run(shell).await,
        Command::Member(command) => command.run(shell).await,
        Command::Token(command) => command.run(shell).await,
        Command::Completion(command) => command.run(shell),
        Command::Version(command) => command.run(shell).await,
    }
}
