//! The measurements behind `cargo measure`: each beside a peer that does the same work in the same run, with
//! one JSON object a line on standard output, and progress on standard error.
//!
//! Wall time on a busy machine says little, so what can be counted is counted, and processor time is told
//! beside it. `cargo measure` builds this and the server in the release profile; a short form with tiny sizes
//! runs as a test, on whatever was built.

mod agent;
mod benches;
mod collector;
mod hook;

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};
use clap::Parser;
use gimlet_bench::{figure, http, progress, server, usage};

use crate::{benches::Bench, progress::Progress};

/// Measures Gimlet beside its peers.
#[derive(Debug, Parser)]
#[command(name = "cargo measure")]
struct Measure {
    /// What to measure; everything, when nothing is named.
    names: Vec<Bench>,
    /// Print the names, and what each measures.
    #[arg(long)]
    list: bool,
    /// How often each is measured; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Tiny sizes: whether it runs, not how fast it is.
    #[arg(long)]
    smoke: bool,
    /// Be the peer of `live-streams`: a process of its own, as the server is.
    #[arg(long, hide = true)]
    fan_out_peer: bool,
    /// The folder of the measured programs.
    #[arg(long, default_value = ".target/x86_64-unknown-linux-gnu/release")]
    programs: PathBuf,
}

/// How large everything is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// As the goals ask.
    Full,
    /// As a test can afford.
    Smoke,
}

/// What every benchmark is given.
#[derive(Clone, Debug)]
struct Setting {
    size: Size,
    rounds: u32,
    programs: PathBuf,
    progress: Progress,
}

fn main() -> ExitCode {
    match run(&Measure::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without standard error there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "measure: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Measure) -> Result<()> {
    let mut out = std::io::stdout();
    if options.list {
        for bench in Bench::ALL {
            writeln!(out, "{:20} {}", bench.name(), bench.about())?;
        }
        return Ok(());
    }
    if options.fan_out_peer {
        return benches::run_fan_out_peer();
    }
    if options.rounds == 0 {
        bail!("--rounds: at least one");
    }
    let setting = Setting {
        size: if options.smoke { Size::Smoke } else { Size::Full },
        rounds: if options.smoke { 1 } else { options.rounds },
        programs: options.programs.clone(),
        progress: Progress,
    };
    let named = if options.names.is_empty() { &Bench::ALL[..] } else { &options.names };
    for bench in named {
        setting.progress.say(format_args!("{}: {}", bench.name(), bench.about()));
        for figure in bench.measure(&setting)? {
            writeln!(out, "{}", figure.line()?)?;
            out.flush()?;
            setting.progress.figure(&figure);
        }
    }
    Ok(())
}
