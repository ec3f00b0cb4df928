//! `gimlet repo`.

use clap::{Args, Subcommand};
use gimlet_shared::api::NewRepository;

use crate::{
    args::OutputArgs,
    error::CliError,
    output::{Format, Tone},
    shell::Shell,
};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum RepoCommand {
    /// Add a source repository, and print its hooks with their secrets: the only time that they are shown.
    Add(Add),
    /// List the source repositories.
    List(OutputArgs),
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

#[derive(Clone, Debug, Args)]
pub(crate) struct Look {
    /// `owner/name`, or the id.
    name: String,
}

impl RepoCommand {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        match self {
            Self::Add(add) => add.run(shell).await,
            Self::List(args) => {
                let repositories = shell.client()?.list_repositories().await?;
                shell.out.list(args.output, &repositories)
            }
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

impl Look {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let repositories = client.list_repositories().await?;
        let found = repositories
            .iter()
            .find(|repository| repository.name == self.name || repository.id == self.name);
        let Some(repository) = found else {
            return Err(CliError::local(format!("there is no repository `{}`", self.name))
                .advise("see `gimlet repo list`, or add it with `gimlet repo add URL`"));
        };
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
