//! The command line as a whole: what all commands share, and how misuse is told.

use std::{io::Write as _, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    commands::{
        activity, app, artifact, auth, cluster, commits, completion, deploy, doctor, environment,
        manifest, member, release, repo, token, version,
    },
    host::Host,
    output::{Format, FormatParser, wants_color},
};

/// What stands under every command's help.
const AFTER_HELP: &str = "\
Environment:
  GIMLET_SERVER           URL of the server; --server goes before it
  GIMLET_TOKEN            API token; --token goes before it
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY
                          how the server is reached
  NO_COLOR, CLICOLOR_FORCE
                          never or always color; --color goes before them

Exit codes:
  0    done
  1    it did not work
  2    the command line is wrong
  3    a release did not become healthy: degraded, timed out, failed or superseded
  4    the time of --wait was over first
  130  interrupted";

/// Deploys to Kubernetes clusters of your own.
#[derive(Debug, Parser)]
#[command(name = "gimlet", version, about, after_help = AFTER_HELP, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What all commands take.
#[derive(Debug, Default, Args)]
pub(crate) struct Global {
    /// URL of the server.
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    pub(crate) server: Option<String>,
    /// API token. Other users of this machine see command lines: rather log in, or set GIMLET_TOKEN.
    #[arg(long, global = true, value_name = "TOKEN", help_heading = "Global options")]
    pub(crate) token: Option<String>,
    /// PEM file with certificate authorities to trust besides the system's.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(crate) ca_file: Option<PathBuf>,
    /// When to color.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Global options"
    )]
    pub(crate) color: Color,
}

/// When to color.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// How data is shown.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct OutputArgs {
    /// How data is shown: table, wide, json, yaml, name or jsonpath=PATH; json has the shapes of the API.
    #[arg(short, long, value_name = "FORMAT", default_value = "table", value_parser = FormatParser, hide_possible_values = true)]
    pub(crate) output: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Log in, log out, and see who you are.
    #[command(subcommand)]
    Auth(auth::AuthCommand),
    /// Connect clusters and list them.
    #[command(subcommand)]
    Cluster(cluster::ClusterCommand),
    /// Deploy targets.
    #[command(subcommand, visible_alias = "env")]
    Environment(environment::EnvironmentCommand),
    /// Source repositories.
    #[command(subcommand)]
    Repo(repo::RepoCommand),
    /// What can be released, with what was decided about it.
    Commits(commits::Commits),
    /// What can be released, by the name that CI plugins use.
    #[command(subcommand)]
    Artifact(artifact::ArtifactCommand),
    /// Release a commit by hand.
    Deploy(deploy::Deploy),
    /// Releases: list, look, wait, roll back.
    #[command(subcommand)]
    Release(release::ReleaseCommand),
    /// Manifests: check them, and see what they stand for, before they are pushed.
    #[command(subcommand)]
    Manifest(manifest::ManifestCommand),
    /// Applications: list, look, delete.
    #[command(subcommand)]
    App(app::AppCommand),
    /// Look at everything between you and a healthy release; ends with 1 if something is wrong.
    Doctor(doctor::Doctor),
    /// What changed, and who did it.
    Activity(activity::Activity),
    /// Members of the organization: list, change roles, remove.
    #[command(subcommand)]
    Member(member::MemberCommand),
    /// API tokens: list, make, revoke.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Print a completion script for a shell.
    Completion(completion::Completion),
    /// Print the versions of this command and of the server.
    Version(version::Version),
}

/// Prints help, version, or what is wrong with the command line, and returns the exit code.
pub(crate) fn explain(error: &clap::Error, host: &mut Host) -> u8 {
    let is_terminal =
        if error.use_stderr() { host.stderr_is_terminal } else { host.stdout_is_terminal };
    let text = error.render();
    let text = if wants_color(Color::Auto, host, is_terminal) {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    // Nobody can be told that this could not be told.
    if error.use_stderr() {
        _ = host.stderr.write_all(text.as_bytes());
        return crate::error::USAGE;
    }
    _ = host.stdout.write_all(text.as_bytes());
    0
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
