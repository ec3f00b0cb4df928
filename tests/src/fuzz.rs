//! `cargo prove fuzz`: the targets of `tests/fuzz` under LLVM's libFuzzer, each for a while.
//!
//! It needs rustup with a nightly compiler. `cargo-fuzz`, what it builds and the growing corpora lie in
//! the cache folder; the tree keeps only the small corpus that every test run replays.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use gimlet_cluster::Settings;

use crate::{programs::workspace_root, steps::Steps};

/// The version of cargo-fuzz that is installed when it is missing.
const CARGO_FUZZ: &str = "0.13.2";

/// Seconds that one input may take, and MiB that it may need: an attacker gets no more either.
const INPUT_LIMITS: [&str; 2] = ["-timeout=5", "-rss_limit_mb=1024"];

/// Longest input, in bytes: the manifest's own limit is near, and longer ones only repeat.
const LONGEST_INPUT: &str = "-max_len=65536";

/// The targets, by the names that `tests/fuzz` gives them.
pub const TARGETS: [&str; 4] = ["webhook", "frame", "manifest", "git_path"];

/// What to fuzz.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Minutes for each target.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Only this target; may be given more than once.
    #[arg(long = "target", value_parser = TARGETS)]
    targets: Vec<String>,
    /// The first random number, for the same run again.
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

/// Runs the targets one after the other, and prints one JSON object for each.
///
/// # Errors
/// When something that is needed is missing, or a target found an input that breaks a promise. The error
/// names the input and the command that shows it again.
pub fn run(options: &Options) -> Result<()> {
    ensure!(options.minutes > 0.0, "--minutes must be above 0");
    let steps = Steps::default();
    let folder = Settings::from_environment()?.cache().join("fuzz");
    let tool = steps.step("cargo-fuzz and a nightly compiler", || tool(&folder))?;
    let programs = steps.step("Build the targets", || build(&tool, &folder))?;
    let mut findings = 0;
    for target in TARGETS {
        if !options.targets.is_empty() && !options.targets.iter().any(|wanted| wanted == target) {
            continue;
        }
        let title = format!("{target}, for {} minutes", options.minutes);
        let ran = steps.step(&title, || fuzz(options, target, &programs, &folder))?;
        findings += usize::from(ran.finding.is_some());
        report(target, options, &ran)?;
    }
    ensure!(findings == 0, "{findings} targets have a finding; each is shown above");
    Ok(())
}

/// How the run of one target went.
struct Ran {
    inputs: u64,
    kept: usize,
    finding: Option<PathBuf>,
}

fn tool(folder: &Path) -> Result<PathBuf> {
    let nightly = Command::new("cargo")
        .args(["+nightly", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ensure!(
        nightly.is_ok_and(|status| status.success()),
        "a nightly compiler is missing; run: rustup toolchain install nightly"
    );
    let root = folder.join(format!("tool-{CARGO_FUZZ}"));
    let program = root.join("bin/cargo-fuzz");
    if !program.exists() {
        let status = Command::new("cargo")
            .args(["install", "--quiet", "--locked", "cargo-fuzz", "--version", CARGO_FUZZ])
            .arg("--root")
            .arg(&root)
            .status()
            .context("cannot run cargo")?;
        ensure!(status.success(), "cargo could not install cargo-fuzz {CARGO_FUZZ}");
    }
    Ok(program)
}

/// Builds all targets without a sanitizer: the workspace forbids `unsafe`, so that what counts is panics,
/// hangs and memory.
fn build(tool: &Path, folder: &Path) -> Result<PathBuf> {
    let target = "x86_64-unknown-linux-gnu";
    let status = Command::new(tool)
        .args(["fuzz", "build", "--fuzz-dir", ".", "--sanitizer", "none", "--target", target])
        .arg("--target-dir")
        .arg(folder.join("target"))
        // Coverage counters make other artifacts than those of the product; they stay apart.
        .env("CARGO_BUILD_BUILD_DIR", folder.join("build"))
        .env("RUSTUP_TOOLCHAIN", "nightly")
        .current_dir(workspace_root().join("tests/fuzz/libfuzzer"))
        .status()
        .context("cannot run cargo-fuzz")?;
    ensure!(status.success(), "the targets could not be built");
    Ok(folder.join("target").join(target).join("release"))
}

fn fuzz(options: &Options, target: &str, programs: &Path, folder: &Path) -> Result<Ran> {
    let grown = folder.join("corpus").join(target);
    let findings = folder.join("findings").join(target);
    std::fs::create_dir_all(&grown).context("cannot make the corpus folder")?;
    std::fs::create_dir_all(&findings).context("cannot make the folder for findings")?;
    let mut child = Command::new(programs.join(target))
        .arg(format!("-max_total_time={:.0}", (options.minutes * 60.0).max(1.0)))
        .arg(format!("-seed={}", options.seed))
        .arg(format!("-artifact_prefix={}/", findings.display()))
        .args(INPUT_LIMITS)
        .args([LONGEST_INPUT, "-print_final_stats=1"])
        .arg(&grown)
        .arg(workspace_root().join("tests/fuzz/corpus").join(target))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run the target {target}"))?;
    let mut told = Vec::new();
    let mut finding = None;
    let mut inputs = 0;
    for line in BufReader::new(child.stderr.take().context("nothing is piped")?).lines() {
        let line = line.unwrap_or_default();
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            finding = Some(PathBuf::from(path.trim()));
        }
        if let Some(number) = line.strip_prefix("stat::number_of_executed_units:") {
            inputs = number.trim().parse().unwrap_or(0);
        }
        told.push(line);
        // A crash tells its cause in the last lines; the pulse before them is of no use later.
        let surplus = told.len().saturating_sub(60);
        told.drain(..surplus);
    }
    let status = child.wait()?;
    if !status.success() {
        writeln!(std::io::stderr(), "{}", told.join("\n"))?;
        if finding.is_none() {
            bail!("the target {target} ended with {status} and names no input");
        }
    }
    let kept = std::fs::read_dir(&grown).map(Iterator::count).unwrap_or_default();
    Ok(Ran { inputs, kept, finding })
}

fn report(target: &str, options: &Options, ran: &Ran) -> Result<()> {
    let line = serde_json::json!({
        "name": format!("fuzz.{target}"),
        "value": ran.inputs,
        "unit": "inputs",
        "minutes": options.minutes,
        "corpus": ran.kept,
        "finding": ran.finding,
    });
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}
