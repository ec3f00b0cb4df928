//! `cargo measure`: builds the measured programs as they are shipped, alone, so that nothing that only
//! tests switch on is in them, and measures them.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, ValueEnum as _};
use gimlet_bench::progress::Progress;
use gimlet_tests::{
    measure::{Measurement, Setting, Size},
    programs::workspace_root,
    steps::Steps,
};

/// What is built together, by profile. The agent is built as its image has it, and what it is measured
/// beside as well.
const BUILDS: [Build; 2] = [
    Build {
        profile: "release",
        packages: ["gimlet-bench", "gimlet-control-plane"],
        programs: ["gimlet-bench", "gimlet-server"],
    },
    Build {
        profile: "agent",
        packages: ["gimlet-agent", "gimlet-reflector"],
        programs: ["gimlet-agent", "gimlet-reflector"],
    },
];

struct Build {
    profile: &'static str,
    packages: [&'static str; 2],
    programs: [&'static str; 2],
}

/// Measures Gimlet beside its peers.
#[derive(Debug, Parser)]
#[command(name = "cargo measure")]
struct Measure {
    /// What to measure; everything, when nothing is named.
    names: Vec<String>,
    /// Print the names, and what each measures.
    #[arg(long)]
    list: bool,
    /// How often each is measured; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Tiny sizes: whether it runs, not how fast it is.
    #[arg(long)]
    smoke: bool,
    /// A folder with all measured programs; nothing is built then.
    #[arg(long)]
    programs: Option<PathBuf>,
}

fn main() -> Result<()> {
    let options = Measure::parse();
    ensure!(options.rounds > 0, "--rounds: at least one");
    let programs = match &options.programs {
        Some(folder) => folder.clone(),
        None => Steps::default().step("Build what is measured", built)?,
    };
    let on_a_cluster = |name: &String| Measurement::from_str(name, false).is_ok();
    let (ours, others): (Vec<String>, Vec<String>) =
        options.names.iter().cloned().partition(on_a_cluster);
    if options.list || ours.is_empty() || !others.is_empty() {
        bench(&programs, &options, &others)?;
    }
    let mut out = std::io::stdout();
    if options.list {
        for it in Measurement::ALL {
            writeln!(out, "{:20} {}", it.name(), it.about())?;
        }
        return Ok(());
    }
    let setting = Setting {
        size: if options.smoke { Size::Smoke } else { Size::Full },
        rounds: if options.smoke { 1 } else { options.rounds },
        programs,
        progress: Progress,
    };
    let is_wanted = |it: &Measurement| match options.names.as_slice() {
        [] => true,
        _ => ours.iter().any(|name| name == it.name()),
    };
    for measurement in Measurement::ALL.into_iter().filter(is_wanted) {
        let Setting { progress, .. } = setting;
        progress.say(format_args!("{}: {}", measurement.name(), measurement.about()));
        for figure in measurement.measure(&setting)? {
            writeln!(out, "{}", figure.line()?)?;
            out.flush()?;
            progress.figure(&figure);
        }
    }
    Ok(())
}

/// Builds everything, and puts it into one folder.
fn built() -> Result<PathBuf> {
    let root = workspace_root();
    let target = root.join(".target/x86_64-unknown-linux-gnu");
    let folder = target.join("measured");
    std::fs::create_dir_all(&folder)?;
    for Build { profile, packages, programs } in BUILDS {
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--quiet", "--profile", profile, "--bins"]).current_dir(&root);
        for package in packages {
            cargo.args(["--package", package]);
        }
        // Standard output is for figures.
        let status = cargo.stdout(Stdio::null()).status().context("cannot run cargo")?;
        ensure!(status.success(), "cargo could not build what is measured");
        for program in programs {
            std::fs::copy(target.join(profile).join(program), folder.join(program))
                .with_context(|| format!("cannot copy {program}"))?;
        }
    }
    Ok(folder)
}

/// Runs the measurements that need no cluster.
fn bench(programs: &Path, options: &Measure, names: &[String]) -> Result<()> {
    let mut bench = Command::new(programs.join("gimlet-bench"));
    bench.arg("--programs").arg(programs).args(["--rounds", &options.rounds.to_string()]);
    if options.list {
        bench.arg("--list");
    }
    if options.smoke {
        bench.arg("--smoke");
    }
    let status = bench.args(names).status().context("cannot run gimlet-bench")?;
    ensure!(
        status.success(),
        "gimlet-bench ended with {status}; measured on a cluster, and not by it: {}",
        Measurement::ALL.map(Measurement::name).join(", ")
    );
    Ok(())
}
