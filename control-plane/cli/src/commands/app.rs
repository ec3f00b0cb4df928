//! `gimlet app`.

use std::str::FromStr;

use clap::{Args, Subcommand};
use gimlet_shared::ids::ReleaseId;

use super::{difference, release::asked_for};
use crate::{
    args::OutputArgs, error::CliError, output::Tone, prompt, shell::Shell, wait::WaitArgs,
    watch::watch,
};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum AppCommand {
    /// List applications with their health.
    #[command(visible_alias = "ls")]
    List(List),
    /// Show an application in full.
    Show(Show),
    /// Compare the files of two releases; ends with 1 if they differ, with 2 if that cannot be told.
    Compare(Compare),
    /// Delete an application from git and from the cluster; its history stays.
    Delete(Delete),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct List {
    /// Only applications of this environment.
    #[arg(long, visible_alias = "env", value_name = "NAME")]
    environment: Option<String>,
    /// Show new and changed ones as they come.
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    /// The application, `environment/app`.
    #[arg(value_name = "ENV/APP")]
    app: AppName,
    /// Show it again whenever it changes.
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Compare {
    /// The application, `environment/app`.
    #[arg(value_name = "ENV/APP")]
    app: AppName,
    /// The release on the old side, `rel_…`; absent: what the gitops repository has now.
    #[arg(long, value_name = "ID", required_unless_present = "to")]
    from: Option<ReleaseId>,
    /// The release on the new side, `rel_…`; absent: what the gitops repository has now.
    #[arg(long, value_name = "ID")]
    to: Option<ReleaseId>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Delete {
    /// The application, `environment/app`.
    #[arg(value_name = "ENV/APP")]
    app: AppName,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// An application by its environment's name and its own.
#[derive(Clone, Debug, PartialEq, Eq)]
struct AppName {
    environment: String,
    app: String,
}

impl FromStr for AppName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Names on the server are DNS labels; this only keeps other things out of the address.
        let is_name = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        match text.split_once('/') {
            Some((environment, app)) if is_name(environment) && is_name(app) => {
                Ok(Self { environment: environment.to_owned(), app: app.to_owned() })
            }
            _ => Err(
                "must be an environment and an application, such as production/web; see `gimlet app list`",
            ),
        }
    }
}

impl AppCommand {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        match self {
            Self::List(list) => list.run(shell).await,
            Self::Show(show) => show.run(shell).await,
            Self::Compare(compare) => compare.run(shell).await,
            Self::Delete(delete) => delete.run(shell).await,
        }
    }
}

impl List {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let look = async || {
            let mut apps = client.list_apps().await?;
            apps.retain(|app| {
                self.environment.as_ref().is_none_or(|wanted| *wanted == app.environment)
            });
            Ok(apps)
        };
        if self.watch {
            return watch(shell, self.output.output, look).await;
        }
        let apps = look().await?;
        shell.out.list(self.output.output, &apps)
    }
}

impl Show {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let AppName { environment, app } = &self.app;
        let look = async || {
            client.app(environment, app).await.map_err(|error| error.advise_on(404, SEE_LIST))
        };
        if self.watch {
            return watch(shell, self.output.output, async || Ok(vec![look().await?])).await;
        }
        let found = look().await?;
        shell.out.one(self.output.output, &found)
    }
}

impl Compare {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client().map_err(CliError::while_comparing)?;
        let AppName { environment, app } = &self.app;
        let diff = client.compare_releases(environment, app, self.from, self.to).await;
        let diff = diff.map_err(|error| error.advise_on(404, SEE_LIST));
        difference::show(shell, self.output.output, diff)
    }
}

impl Delete {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let AppName { environment, app } = &self.app;
        if !self.yes {
            confirm(shell, &format!("{environment}/{app}")).await?;
        }
        let deleted = client
            .delete_app(environment, app)
            .await
            .map_err(|error| error.advise_on(404, SEE_LIST))?;
        asked_for(shell, &client, deleted, self.wait, self.output.output).await
    }
}

const SEE_LIST: &str = "see `gimlet app list`";

/// Has a person type the name; where no person is, nothing is done.
async fn confirm(shell: &mut Shell, name: &str) -> Result<(), CliError> {
    let input = shell.stdin.take().filter(|_| shell.can_ask);
    let Some(input) = input else {
        return Err(CliError::usage(format!(
            "deleting {name} needs a person's consent, and nobody can be asked here"
        ))
        .advise("add --yes"));
    };
    shell.out.note(Tone::Busy, &format!("This deletes {name} from git and from the cluster."));
    shell.out.ask("Type its name to go on:");
    let unreadable = |error| CliError::local(format!("cannot read the answer: {error}"));
    if prompt::read_line(input).await.map_err(unreadable)?.trim() == name {
        return Ok(());
    }
    Err(CliError::local(format!("that is not `{name}`; nothing was deleted")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_has_an_environment_and_a_name() {
        let expected = AppName { environment: "prod-eu".into(), app: "web".into() };
        assert_eq!("prod-eu/web".parse(), Ok(expected));
        for bad in [
            "",
            "web",
            "prod/",
            "/web",
            "a/b/c",
            "../web",
            "prod/..",
            "prod/we b",
            "prod/wéb",
            "prod/%2e%2e",
        ] {
            assert!(bad.parse::<AppName>().is_err(), "{bad}");
        }
    }
}
