//! `gimlet environment`.

use clap::Subcommand;

use crate::{args::OutputArgs, client::Client, error::CliError, shell::Shell};

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum EnvironmentCommand {
    /// List the environments.
    List(OutputArgs),
}

impl EnvironmentCommand {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        match self {
            Self::List(args) => {
                let environments = shell.client()?.list_environments().await?;
                shell.out.list(args.output, &environments)
            }
        }
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
