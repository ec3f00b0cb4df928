//! `gimlet release`.

mod list;
mod older;
mod target;

use std::time::Duration;

use clap::{Args, Subcommand};
use gimlet_shared::{
    api::{Diff, Release},
    ids::ReleaseId,
};

use super::difference;
use crate::{
    args::OutputArgs,
    client::Client,
    error::CliError,
    output::{Format, Tone},
    rows::release::{deed, subject},
    shell::Shell,
    wait::{EachVersion, TimeoutArgs, WaitArgs, judge, until_closed},
};
use target::Target;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ReleaseCommand {
    /// List releases, the newest first.
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Show a release in full.
    Show(Show),
    /// Wait until releases are healthy; ends with 3 if one does not become so, with 4 if that takes too long.
    Wait(Wait),
    /// Show what a release changed in the files that Flux applies; ends with 1 if it changed something, with 2
    /// if that cannot be told.
    Diff(Difference),
    /// Go back to what a release brought: a new release, for its application.
    Rollback(Rollback),
    /// Release an artifact, as CI plugins do; `gimlet deploy` does more.
    Make(older::Make),
    /// Show the newest release of each application of an environment.
    Status(older::Status),
    /// Follow what `release make` printed; ends with 1 if it does not become healthy.
    Track(older::Track),
    /// Delete an application, without asking; `gimlet app delete` asks.
    Delete(older::Delete),
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
pub(crate) struct Difference {
    /// The release, `rel_…`.
    id: ReleaseId,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    to: Target,
    /// Only show what would change in the files that Flux applies; ends with 1 if something would, with 2 if
    /// that cannot be told.
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
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
            Self::Diff(difference) => difference.run(shell).await,
            Self::Rollback(rollback) => rollback.run(shell).await,
            Self::Make(make) => make.run(shell).await,
            Self::Status(status) => status.run(shell).await,
            Self::Track(track) => track.run(shell).await,
            Self::Delete(delete) => delete.run(shell).await,
        }
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
                Format::Json | Format::Yaml | Format::Path(_) => Ok(()),
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

impl Difference {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client().map_err(CliError::while_comparing)?;
        let diff =
            client.release_diff(self.id).await.map_err(|error| error.advise_on(404, SEE_LIST));
        difference::show(shell, self.output.output, diff)
    }
}

impl Rollback {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        if self.dry_run {
            let client = shell.client().map_err(CliError::while_comparing)?;
            let diff = match self.to.find(&client).await {
                Ok(id) => preview(&client, id).await,
                Err(error) => Err(error),
            };
            return difference::show(shell, self.output.output, diff);
        }
        let client = shell.client()?;
        let id = self.to.find(&client).await?;
        let release = client
            .roll_back(id)
            .await
            .map_err(|error| error.advise_on(404, SEE_LIST).advise_on(409, SEE_LIST))?;
        asked_for(shell, &client, release, self.wait, self.output.output).await
    }
}

const SEE_LIST: &str = "see `gimlet release list`";

/// What going back to a release would change now.
async fn preview(client: &Client, to: ReleaseId) -> Result<Diff, CliError> {
    let release = find(client, to).await?;
    client.compare_releases(&release.environment, &release.app, None, Some(to)).await
}

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
