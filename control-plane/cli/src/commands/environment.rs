//! `gimlet environment`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{cluster, named::pick};
use crate::{args::OutputArgs, client::Client, error::CliError, shell::Shell, watch::watch};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum EnvironmentCommand {
    /// List the environments.
    #[command(visible_alias = "ls")]
    List(List),
    /// Show an environment in full.
    Show(Show),
    /// Print the command that connects a cluster, as existing scripts ask for it; `gimlet cluster connect` does
    /// more.
    Connect(Connect),
    /// Wait until an environment's agent is connected, without end, as existing scripts do.
    Check(Check),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Connect {
    /// What to call the environment and its cluster.
    #[arg(long = "env", visible_alias = "environment", value_name = "NAME")]
    name: String,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Check {
    /// The environment.
    #[arg(long = "env", visible_alias = "environment", value_name = "ENVIRONMENT")]
    name: String,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct List {
    /// Show new and changed ones as they come.
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    /// The environment, by name or id.
    #[arg(value_name = "ENVIRONMENT")]
    name: String,
    #[command(flatten)]
    output: OutputArgs,
}

impl EnvironmentCommand {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        match self {
            Self::List(list) => list.run(shell).await,
            Self::Show(show) => show.run(shell).await,
            Self::Connect(Connect { name, output }) => {
                cluster::Connect::named(name, output).run(shell).await
            }
            Self::Check(check) => check.run(shell).await,
        }
    }
}

impl Check {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let environment = pick(client.list_environments().await?, &self.name)?;
        let cluster = pick(client.list_clusters().await?, &environment.cluster)?;
        shell.if_interrupted = Some("the agent may still connect".to_owned());
        cluster::until_connected(shell, &client, &cluster, Duration::MAX).await
    }
}

impl List {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        if self.watch {
            let look = async || client.list_environments().await;
            return watch(shell, self.output.output, look).await;
        }
        let environments = client.list_environments().await?;
        shell.out.list(self.output.output, &environments)
    }
}

impl Show {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let name = pick(client.list_environments().await?, &self.name)?.name;
        let environment = client.environment(&name).await?;
        shell.out.one(self.output.output, &environment)
    }
}

/// The environment that is meant: the one that is named, or the only one that there is.
pub(crate) async fn named_or_only(
    client: &Client,
    name: Option<String>,
) -> Result<String, CliError> {
    if let Some(name) = name {
        return Ok(name);
    }
    let mut names: Vec<String> =
        client.list_environments().await?.into_iter().map(|found| found.name).collect();
    if names.len() > 1 {
        return Err(CliError::usage(
            "there are several environments, and --environment names none",
        )
        .advise(format!("give one of: {}", names.join(", "))));
    }
    names.pop().ok_or_else(|| {
        CliError::local("there is no environment yet")
            .advise("connect a cluster with `gimlet cluster connect NAME`")
    })
}
