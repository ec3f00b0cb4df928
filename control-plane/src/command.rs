//! The commands of `gimlet-server`.

use std::io::Write as _;

use clap::{Parser, Subcommand};

use crate::{
    config::{Config, Settings},
    open_app, serve, start_logs,
};

/// Gimlet's control plane.
#[derive(Debug, Parser)]
#[command(name = "gimlet-server", version, about)]
pub struct Command {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve until told to stop.
    Run,
    /// Read the configuration, say what is wrong with it, and change nothing.
    Check,
    /// Print a commented configuration file with all defaults.
    Config,
    /// Print a link that signs one person in, once, as owner of an organization; both are made where missing.
    SignInLink {
        /// Name of the organization.
        #[arg(long, default_value = "home")]
        organization: String,
        /// Login of the person.
        #[arg(long)]
        login: String,
    },
}

/// Carries out a command.
///
/// # Errors
/// What went wrong, for standard error; the exit code is then 1.
pub fn run(command: Command) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    if matches!(command.action, Action::Config) {
        return Ok(write!(out, "{}", crate::config::DEFAULTS)?);
    }
    let config = Config::load(command.settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command.action {
        Action::Config => Ok(()),
        Action::Check => Ok(writeln!(out, "the configuration is good\n{config:#?}")?),
        Action::Run => {
            start_logs(&config.log)?;
            runtime.block_on(serve(config))
        }
        Action::SignInLink { organization, login } => runtime.block_on(async {
            let (app, _) = open_app(&config).await?;
            let link = app.create_sign_in_link(&organization, &login).await?;
            Ok(writeln!(out, "{link}")?)
        }),
    }
}
