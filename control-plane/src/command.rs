//! The commands of `gimlet-server`.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand, ValueEnum};
use gimlet_app::Role;
use serde::Serialize;

use crate::{
    backup::{self, Existing},
    check,
    config::{Config, ConfigError, Settings, explain},
    logs::Logs,
    metrics_docs, open_app, serve,
};

/// Gimlet's control plane.
#[derive(Debug, Parser)]
#[command(name = "gimlet-server", version, about)]
#[command(after_help = "Exit codes: 0 done; 1 it failed, or `check` found something that fails; \
    2 the command line or the configuration is wrong.")]
pub struct Command {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve until told to stop by SIGTERM or SIGINT; a second one ends it at once.
    Run,
    /// Look at everything that `run` would need, and change nothing.
    Check {
        /// How to print what was found.
        #[arg(short, long, value_enum, default_value = "text")]
        output: Output,
    },
    /// Print a commented configuration file with all defaults, or explain a setting.
    Config {
        /// Say what a setting means, takes, and is now, and where that comes from; `all` for all of them.
        #[arg(long, value_name = "KEY")]
        explain: Option<String>,
        /// How to print the explanation.
        #[arg(short, long, value_enum, default_value = "text")]
        output: Output,
    },
    /// Write database, git repositories, certificate authority and secrets' key to one file, while a server runs.
    Backup {
        /// The new file, or a folder for it.
        #[arg(long, value_name = "FILE|FOLDER")]
        to: PathBuf,
        /// How to print what was written.
        #[arg(short, long, value_enum, default_value = "text")]
        output: Output,
    },
    /// Restore a backup into an empty data directory and database; no server may run on them.
    Restore {
        /// The backup.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// Replace what is there: files are moved to a folder beside them, tables are dropped.
        #[arg(long)]
        replace: bool,
        /// Only check that the backup is whole.
        #[arg(long, conflicts_with = "replace")]
        verify: bool,
        /// How to print what was restored.
        #[arg(short, long, value_enum, default_value = "text")]
        output: Output,
    },
    /// List every metric of `/metrics` with its labels and what it counts.
    Metrics {
        /// How to print the list; text is a table in Markdown.
        #[arg(short, long, value_enum, default_value = "text")]
        output: Output,
    },
    /// Print a link that signs one person in, once, as member of an organization; both are made where missing.
    SignInLink {
        /// Name of the organization.
        #[arg(long, default_value = "home")]
        organization: String,
        /// Login of the person.
        #[arg(long)]
        login: String,
        /// The person's role where they are no member yet: owner, admin, developer or viewer. Who is a
        /// member keeps the role that they have.
        #[arg(long, default_value = "owner")]
        role: Role,
    },
}

/// How a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// A blocking call that is still under way when everything else has ended: a commit or copy that the next
/// start finds again.
const LAST_CALLS: Duration = Duration::from_secs(1);

/// Carries out a command. What it has to say is on standard output, what is wrong on standard error.
#[must_use]
pub fn run(command: Command) -> ExitCode {
    match carry_out(command) {
        Ok(code) => code,
        Err(error) => {
            // Without standard error there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "gimlet-server: {error:#}");
            if error.is::<ConfigError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

fn carry_out(command: Command) -> anyhow::Result<ExitCode> {
    let Command { action, settings } = command;
    match action {
        Action::Config { explain: None, .. } => print(crate::config::DEFAULTS)?,
        Action::Config { explain: Some(key), output } => {
            let all = explain(settings, &key)?;
            let text: Vec<String> = all.iter().map(ToString::to_string).collect();
            show(output, &all, || text.join("\n"))?;
        }
        Action::Metrics { output } => {
            let all = metrics_docs::all()?;
            show(output, &all, || metrics_docs::markdown(&all))?;
        }
        Action::Check { output } => {
            let config = Config::load(settings)?;
            let report = blocked(check::check(&config))?;
            show(output, &report, || report.to_string())?;
            return Ok(if report.good { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Action::Backup { to, output } => {
            let config = Config::load(settings)?;
            let made = blocked(backup::back_up(&config, &to))??;
            show(output, &made, || {
                format!(
                    "{}: {} bytes, {}, {} repositories\n",
                    made.file.display(),
                    made.bytes,
                    made.database,
                    made.repositories
                )
            })?;
        }
        Action::Restore { from, verify: true, output, replace: _ } => verify(&from, output)?,
        Action::Restore { from, replace, verify: false, output } => {
            let existing = if replace { Existing::Replace } else { Existing::Refuse };
            restore(settings, &from, existing, output)?;
        }
        Action::Run => {
            let config = Config::load(settings.clone())?;
            let logs = Logs::start(&config.log, config.log_format)?;
            blocked(serve(config, settings, logs))??;
        }
        Action::SignInLink { organization, login, role } => {
            let config = Config::load(settings)?;
            let link = blocked(async {
                let (app, _) = open_app(&config).await?;
                anyhow::Ok(app.create_sign_in_link_as(&organization, &login, role).await?)
            })??;
            print(&format!("{link}\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(from: &Path, output: Output) -> anyhow::Result<()> {
    let found = backup::verify(from)?;
    show(output, &found, || {
        format!(
            "{} is whole: made {} by version {} of {}, {} repositories\n",
            found.file.display(),
            found.created_at,
            found.server,
            found.database,
            found.repositories
        )
    })
}

fn restore(
    settings: Settings,
    from: &Path,
    existing: Existing,
    output: Output,
) -> anyhow::Result<()> {
    let config = Config::load(settings)?;
    let restored = blocked(backup::restore(&config, from, existing))??;
    show(output, &restored, || restored.to_string())
}

/// Runs `work` to its end; blocking calls that outlive it are left behind.
fn blocked<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(LAST_CALLS);
    Ok(done)
}

fn show(
    output: Output,
    value: &impl Serialize,
    text: impl FnOnce() -> String,
) -> anyhow::Result<()> {
    match output {
        Output::Text => print(&text()),
        Output::Json => print(&(serde_json::to_string_pretty(value)? + "\n")),
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(write!(std::io::stdout(), "{text}")?)
}
