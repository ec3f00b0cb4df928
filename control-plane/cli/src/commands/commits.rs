//! `gimlet commits`.

use clap::{Args, value_parser};
use gimlet_shared::api::ArtifactQuery;

use crate::{args::OutputArgs, error::CliError, shell::Shell, watch::watch};

/// Rows of a list that somebody reads, or walks through by program.
pub(crate) const LONGEST_LIST: i64 = 10_000;

/// What can be released, with what was decided about it; the newest first.
#[derive(Clone, Debug, Args)]
pub(crate) struct Commits {
    /// Only commits of this repository.
    #[arg(long, visible_alias = "repo", value_name = "OWNER/NAME")]
    repository: Option<String>,
    /// Only commits of this branch.
    #[arg(long)]
    branch: Option<String>,
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = value_parser!(u32).range(1..=LONGEST_LIST))]
    limit: u32,
    /// Show new and changed ones as they come.
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    output: OutputArgs,
}

impl Commits {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let query = ArtifactQuery {
            repository: self.repository,
            branch: self.branch,
            ..ArtifactQuery::default()
        };
        let look = async || client.list_artifacts(&query, self.limit).await;
        if self.watch {
            return watch(shell, self.output.output, look).await;
        }
        let artifacts =
            look().await.map_err(|error| error.advise_on(404, "see `gimlet repo list`"))?;
        shell.out.list(self.output.output, &artifacts)
    }
}
