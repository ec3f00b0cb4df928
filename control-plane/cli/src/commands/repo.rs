//! `gimlet repo`.

use clap::{Args, Subcommand};
use gimlet_shared::api::NewRepository;

use super::named::pick;
use crate::{
    args::OutputArgs,
    error::CliError,
    output::{Format, Tone},
    shell::Shell,
    watch::watch,
};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum RepoCommand {
    /// Add a source repository, and print its hooks with their secrets: the only time that they are shown.
    Add(Add),
    /// List the source repositories.
    #[command(visible_alias = "ls")]
    List(List),
    /// Show a source repository in full.
    Show(Show),
    /// Have a repository read now, instead of at its next turn.
    Look(Look),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Add {
    /// URL for `git clone`, without credentials.
    url: String,
    /// What to call it; absent: the last two parts of the URL's path.
    #[arg(long, value_name = "OWNER/NAME")]
    name: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
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
    /// `owner/name`, or the id.
    #[arg(value_name = "REPOSITORY")]
    name: String,
    /// Show it again whenever it changes.
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Look {
    /// `owner/name`, or the id.
    #[arg(value_name = "REPOSITORY")]
    name: String,
}

impl RepoCommand {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        match self {
            Self::Add(add) => add.run(shell).await,
            Self::List(list) => list.run(shell).await,
            Self::Show(show) => show.run(shell).await,
            Self::Look(look) => look.run(shell).await,
        }
    }
}

impl Add {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let request = NewRepository { url: self.url, name: self.name };
        let added = shell.client()?.add_repository(&request).await?;
        shell.out.one(self.output.output, &added)?;
        if matches!(self.output.output, Format::Table | Format::Wide) {
            let name = &added.repository.name;
            shell.out.note(Tone::Plain, &format!(
                "{name} is read every now and then. To have pushes seen at once, add the webhook on GitHub (JSON; \
                 pushes, branch or tag creation, pull requests), or POST to the look URL with its token as bearer.\n\
                 Keep the secrets: they are not shown again."
            ));
        }
        Ok(())
    }
}

impl List {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        if self.watch {
            let look = async || client.list_repositories().await;
            return watch(shell, self.output.output, look).await;
        }
        let repositories = client.list_repositories().await?;
        shell.out.list(self.output.output, &repositories)
    }
}

impl Show {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let id = pick(client.list_repositories().await?, &self.name)?.id;
        if self.watch {
            let look = async || Ok(vec![client.repository(&id).await?]);
            return watch(shell, self.output.output, look).await;
        }
        let repository = client.repository(&id).await?;
        shell.out.one(self.output.output, &repository)
    }
}

impl Look {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let repository = pick(client.list_repositories().await?, &self.name)
            .map_err(|error| error.advise_also("add it with `gimlet repo add URL`"))?;
        client.look_now(&repository.id).await?;
        shell.out.note(
            Tone::Plain,
            &format!(
                "{} is being read; `gimlet commits --repository {}` shows what came",
                repository.name, repository.name
            ),
        );
        Ok(())
    }
}
