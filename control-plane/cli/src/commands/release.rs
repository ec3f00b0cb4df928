//! `gimlet release`.

use std::time::Duration;

use clap::{Args, Subcommand, value_parser};
use gimlet_shared::{
    api::{Release, ReleaseQuery},
    ids::ReleaseId,
};

use super::commits::LONGEST_LIST;
use crate::{
    args::OutputArgs,
    client::Client,
    error::CliError,
    output::{Format, Tone},
    rows::release::{deed, subject},
    shell::Shell,
    wait::{EachVersion, TimeoutArgs, WaitArgs, judge, until_closed},
    watch::watch,
};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ReleaseCommand {
    /// List releases, the newest first.
    List(List),
    /// Show a release in full.
    Show(Show),
    /// Wait until releases are healthy; ends with 3 if one does not become so, with 4 if that takes too long.
    Wait(Wait),
    /// Go back to what a release brought: a new release, for its application.
    Rollback(Rollback),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct List {
    /// Only releases to this environment.
    #[arg(long, visible_alias = "env", value_name = "NAME")]
    environment: Option<String>,
    /// Only releases of this application.
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = value_parser!(u32).range(1..=LONGEST_LIST))]
    limit: u32,
    /// Show new and changed ones as they come.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    /// The release, `rel_…`.
    id: ReleaseId,
    #[command(flatten)]
    wait: WaitArgs,
    /// Follow it to its end, whatever that is; with -o json each version is a line.
    #[arg(long, conflicts_with = "wait")]
    watch: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Wait {
    /// The releases, `rel_…`.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<ReleaseId>,
    #[command(flatten)]
    timeout: TimeoutArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Rollback {
    /// The release to go back to, `rel_…`.
    id: ReleaseId,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl ReleaseCommand {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        match self {
            Self::List(list) => list.run(shell).await,
            Self::Show(show) => show.run(shell).await,
            Self::Wait(wait) => wait.run(shell).await,
            Self::Rollback(rollback) => rollback.run(shell).await,
        }
    }
}

impl List {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let query = ReleaseQuery {
            environment: self.environment,
            app: self.app,
            ..ReleaseQuery::default()
        };
        let look = async || client.list_releases(&query, self.limit).await;
        if self.watch {
            return watch(shell, self.output.output, look).await;
        }
        let releases =
            look().await.map_err(|error| error.advise_on(404, "see `gimlet environment list`"))?;
        shell.out.list(self.output.output, &releases)
    }
}

impl Show {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let format = self.output.output;
        let release = find(&client, self.id).await?;
        if self.watch {
            let closed =
                until_closed(shell, &client, vec![release], None, EachVersion::Write(format))
                    .await?;
            // Programs have got the last version among the others.
            return match format {
                Format::Json | Format::Yaml => Ok(()),
                Format::Table | Format::Wide | Format::Name => show_all(shell, format, &closed),
            };
        }
        match self.wait.limit() {
            Some(limit) => wait_and_show(shell, &client, release, limit, format).await,
            None => shell.out.one(format, &release),
        }
    }
}

impl Wait {
    async fn run(mut self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        self.ids.sort_unstable();
        self.ids.dedup();
        let mut releases = Vec::with_capacity(self.ids.len());
        for id in self.ids {
            releases.push(find(&client, id).await?);
        }
        let limit = Some(self.timeout.timeout);
        let closed = until_closed(shell, &client, releases, limit, EachVersion::Tell).await?;
        shell.out.list(self.output.output, &closed)?;
        judge(&closed)
    }
}

impl Rollback {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let release = client
            .roll_back(self.id)
            .await
            .map_err(|error| error.advise_on(404, SEE_LIST).advise_on(409, SEE_LIST))?;
        asked_for(shell, &client, release, self.wait, self.output.output).await
    }
}

const SEE_LIST: &str = "see `gimlet release list`";

/// Shows a release that was just asked for, once it is closed where that is wanted.
pub(crate) async fn asked_for(
    shell: &mut Shell,
    client: &Client,
    release: Release,
    wait: WaitArgs,
    format: Format,
) -> Result<(), CliError> {
    if let Some(limit) = wait.limit() {
        return wait_and_show(shell, client, release, limit, format).await;
    }
    let text =
        format!("asked for the {} of {}: {}", deed(&release), subject(&release), release.url);
    shell.out.note(Tone::Plain, &text);
    shell.out.one(format, &release)
}

async fn wait_and_show(
    shell: &mut Shell,
    client: &Client,
    release: Release,
    limit: Duration,
    format: Format,
) -> Result<(), CliError> {
    let closed = until_closed(shell, client, vec![release], Some(limit), EachVersion::Tell).await?;
    show_all(shell, format, &closed)?;
    judge(&closed)
}

fn show_all(shell: &mut Shell, format: Format, releases: &[Release]) -> Result<(), CliError> {
    releases.iter().try_for_each(|release| shell.out.one(format, release))
}

async fn find(client: &Client, id: ReleaseId) -> Result<Release, CliError> {
    client.release(id).await.map_err(|error| error.advise_on(404, SEE_LIST))
}
