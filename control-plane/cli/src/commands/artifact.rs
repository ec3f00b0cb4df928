//! `gimlet artifact`: what can be released, under the name that existing scripts call it by.

use clap::{Args, Subcommand};
use gimlet_shared::ids::ArtifactId;

use super::commits::Commits;
use crate::{args::OutputArgs, error::CliError, shell::Shell};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ArtifactCommand {
    /// List artifacts, the newest first; the same as `gimlet commits`.
    #[command(visible_alias = "ls")]
    List(Commits),
    /// Show an artifact in full, with every decision about it.
    Show(Show),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    /// The artifact, `art_…`.
    id: ArtifactId,
    #[command(flatten)]
    output: OutputArgs,
}

impl ArtifactCommand {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        match self {
            Self::List(list) => list.run(shell).await,
            Self::Show(show) => {
                let found = shell.client()?.artifact(show.id).await;
                let found =
                    found.map_err(|error| error.advise_on(404, "see `gimlet artifact list`"))?;
                shell.out.one(show.output.output, &found)
            }
        }
    }
}
