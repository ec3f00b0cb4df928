//! `gimlet-install`: see the library.

use std::process::ExitCode;

use clap::Parser;
use gimlet_installer::{
    options::{Command, Install, Options, Target, Uninstall},
    progress::{Progress, Tense},
    steps::{Cluster, install, uninstall},
};

/// The command line was not right; clap ends with the same code.
const USAGE: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    // The first call decides for the whole program, and this is it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let done = match (options.command, options.install) {
        (Some(Command::Uninstall(uninstall)), _) => run_uninstall(uninstall, &options.target).await,
        (None, Some(install)) => run_install(install, &options.target).await,
        (None, None) => return ExitCode::from(USAGE),
    };
    done.unwrap_or_else(|error| {
        Progress::to_stderr(Tense::Done).note(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

async fn run_install(options: Install, target: &Target) -> anyhow::Result<ExitCode> {
    let tense = if options.dry_run { Tense::WouldBe } else { Tense::Done };
    install(&options, target, &mut Progress::to_stderr(tense)).await.map(|()| ExitCode::SUCCESS)
}

async fn run_uninstall(options: Uninstall, target: &Target) -> anyhow::Result<ExitCode> {
    let cluster = Cluster::connect(target).await?;
    let tense = if options.yes { Tense::Done } else { Tense::WouldBe };
    let mut progress = Progress::to_stderr(tense);
    uninstall(&cluster, tense, &mut progress).await?;
    if options.yes {
        return Ok(ExitCode::SUCCESS);
    }
    progress.note("Nothing was removed: say --yes to do it");
    Ok(ExitCode::from(USAGE))
}
