//! Completion by the tab key: the words of the command line, and names that the server knows.

use std::{
    ffi::{OsStr, OsString},
    time::Duration,
};

use clap::{Arg, Command, CommandFactory as _};
use clap_complete::{
    ArgValueCompleter, CompleteEnv, CompletionCandidate,
    env::{EnvCompleter, Shells},
};
use gimlet_shared::api::ReleaseQuery;

use crate::{
    args::{Cli, Global},
    client::Client,
    error::CliError,
    host::Host,
    settings::Settings,
};

/// The variable by which a shell asks for completion.
const VARIABLE: &str = "GIMLET_COMPLETE";
/// A person waits with a finger on the tab key.
const PATIENCE: Duration = Duration::from_secs(2);
/// Releases that are worth choosing from.
const RECENT: u32 = 30;

/// What stands in an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Environment,
    App,
    EnvironmentAndApp,
    Cluster,
    Repository,
    Release,
}

/// A shell asks what may come next.
pub(crate) fn is_asked(host: &Host) -> bool {
    host.var(VARIABLE).is_some()
}

/// Answers a shell on standard output.
pub(crate) fn answer(args: impl IntoIterator<Item = OsString>) -> bool {
    let folder = std::env::current_dir().ok();
    CompleteEnv::with_factory(command)
        .var(VARIABLE)
        .try_complete(args, folder.as_deref())
        .unwrap_or(false)
}

/// What a shell reads at its start, so that it asks us.
pub(crate) fn registration(shell: &str) -> std::io::Result<Vec<u8>> {
    let shells = Shells::builtins();
    let shell: &dyn EnvCompleter =
        shells.completer(shell).ok_or_else(|| std::io::Error::other("no such shell"))?;
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "gimlet", "gimlet", "gimlet", &mut script)?;
    Ok(script)
}

/// The command line, whose arguments know what stands in them.
fn command() -> Command {
    taught(Cli::command())
}

fn taught(command: Command) -> Command {
    let name = command.get_name().to_owned();
    let command = command.mut_args(|arg| match named(&name, &arg) {
        Some(what) => arg.add(ArgValueCompleter::new(move |typed: &OsStr| candidates(what, typed))),
        None => arg,
    });
    command.mut_subcommands(taught)
}

/// What stands in an argument, by its name and its command's.
fn named(command: &str, arg: &Arg) -> Option<Named> {
    let shown =
        arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    match (arg.get_id().as_str(), shown, command) {
        ("environment", _, _) | (_, "ENVIRONMENT", _) => Some(Named::Environment),
        (_, "ENV/APP", _) => Some(Named::EnvironmentAndApp),
        ("app", _, _) => Some(Named::App),
        ("repository", _, _) | (_, "REPOSITORY", _) => Some(Named::Repository),
        ("cluster", _, _) | (_, "CLUSTER", _) => Some(Named::Cluster),
        ("id" | "ids", _, "show" | "wait" | "track" | "rollback" | "diff")
        | ("from" | "to", "ID", _) => Some(Named::Release),
        _ => None,
    }
}

/// Names that begin with what was typed. A server that does not answer has none.
fn candidates(what: Named, typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    let found = runtime.block_on(async { tokio::time::timeout(PATIENCE, names(what)).await });
    let mut found: Vec<_> = found.ok().and_then(Result::ok).unwrap_or_default();
    found.retain(|(name, _)| name.starts_with(typed.as_ref()));
    found.sort();
    found.dedup();
    let candidate = |(name, help): (String, String)| {
        let help = (!help.is_empty()).then(|| help.into());
        CompletionCandidate::new(name).help(help)
    };
    found.into_iter().map(candidate).collect()
}

/// Names with a word about each.
async fn names(what: Named) -> Result<Vec<(String, String)>, CliError> {
    // Fails only where a provider is installed already, which is as good.
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let host = Host::of_this_process();
    let client = Settings::new(Global::default(), &host).client(host.pace)?;
    of(what, &client).await
}

async fn of(what: Named, client: &Client) -> Result<Vec<(String, String)>, CliError> {
    Ok(match what {
        Named::Environment => {
            let all = client.list_environments().await?;
            all.into_iter().map(|found| (found.name, found.cluster)).collect()
        }
        Named::App => {
            let all = client.list_apps().await?;
            all.into_iter().map(|found| (found.name, String::new())).collect()
        }
        Named::EnvironmentAndApp => {
            let all = client.list_apps().await?;
            all.into_iter()
                .map(|found| (format!("{}/{}", found.environment, found.name), found.health))
                .collect()
        }
        Named::Cluster => {
            let all = client.list_clusters().await?;
            all.into_iter().map(|found| (found.name, found.state)).collect()
        }
        Named::Repository => {
            let all = client.list_repositories().await?;
            all.into_iter().map(|found| (found.name, String::new())).collect()
        }
        Named::Release => {
            let all = client.list_releases(&ReleaseQuery::default(), RECENT).await?;
            let about = |found: &gimlet_shared::api::Release| {
                let message = found.message.as_deref().unwrap_or_default();
                crate::output::clean_line(&format!("{} {} {message}", found.app, found.state))
            };
            all.iter().map(|found| (found.id.clone(), about(found))).collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is completed in the argument `id` of the command at `path`.
    fn completed(path: &[&str], id: &str) -> Option<Named> {
        let mut command = &Cli::command();
        let whole = command.clone();
        command = &whole;
        for name in path {
            command = command.find_subcommand(name).expect(name);
        }
        let arg = command.get_arguments().find(|arg| arg.get_id() == id).expect(id);
        named(command.get_name(), arg)
    }

    #[test]
    fn arguments_complete_to_what_stands_in_them() {
        assert_eq!(completed(&["release", "list"], "environment"), Some(Named::Environment));
        assert_eq!(completed(&["release", "list"], "app"), Some(Named::App));
        assert_eq!(completed(&["app", "show"], "app"), Some(Named::EnvironmentAndApp));
        assert_eq!(completed(&["release", "show"], "id"), Some(Named::Release));
        assert_eq!(completed(&["repo", "look"], "name"), Some(Named::Repository));
        assert_eq!(completed(&["repo", "show"], "name"), Some(Named::Repository));
        assert_eq!(completed(&["repo", "add"], "name"), None);
        assert_eq!(completed(&["cluster", "show"], "name"), Some(Named::Cluster));
        assert_eq!(completed(&["cluster", "disconnect"], "name"), Some(Named::Cluster));
        assert_eq!(completed(&["cluster", "connect"], "name"), None);
        assert_eq!(completed(&["environment", "show"], "name"), Some(Named::Environment));
        assert_eq!(completed(&["release", "list"], "limit"), None);
    }
}
