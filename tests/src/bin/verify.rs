//! `cargo verify`: all set-up and every test. Ends with the count of all of them.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use gimlet_cluster::{Cluster, Options, Settings};
use gimlet_helm_cases::record;
use gimlet_tests::{postgres::Postgres, programs::workspace_root, steps::Steps};

/// Format, lints, unit and integration tests on both databases, what is recorded of Helm, the pages in chromium,
/// and end to end on a real cluster.
#[derive(Debug, Parser)]
struct Verify {
    /// Leave out what needs root and a cluster; the last line says so.
    #[arg(long)]
    without_cluster: bool,
    /// Keep a picture of each page, at two widths and in both schemes, in this folder.
    #[arg(long, value_name = "FOLDER")]
    screenshots: Option<PathBuf>,
}

/// How many tests ran.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    passed: u32,
    failed: u32,
}

fn main() -> Result<()> {
    let options = Verify::parse();
    let steps = Steps::default();
    let mut count = Count::default();
    steps.step("Format", || cargo(&["fmt", "--all", "--check"], &[]))?;
    steps.step("Lints", || {
        cargo(
            &["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"],
            &[],
        )
    })?;
    let postgres = steps.step("Start PostgreSQL", Postgres::start)?;
    let url = postgres.url("postgres");
    steps.step("Unit and integration tests, on SQLite and PostgreSQL", || {
        test(
            &["test", "--workspace", "--no-fail-fast"],
            &[("GIMLET_TEST_POSTGRES", &url)],
            &mut count,
        )
    })?;
    steps.step("What is recorded of Helm, asked again", || helm(&steps, &mut count))?;
    steps.step("Releases under kill -9, on SQLite and PostgreSQL", || kills(&mut count))?;
    steps.step("The pages in chromium", || browser(options.screenshots.as_deref(), &mut count))?;
    if options.without_cluster {
        steps.say("The cluster and everything on it was left out, as asked");
    } else {
        steps.step("The cluster itself", || {
            test(
                &["test", "--workspace", "--test", "lifecycle", "--", "--include-ignored"],
                &[],
                &mut count,
            )
        })?;
        steps.step("The installer on a real cluster", || installer(&mut count))?;
        steps.step("The documentation's commands on a real cluster", || {
            test(&["test", "--workspace", "--test", "docs", "--", "--ignored"], &[], &mut count)
        })?;
        steps.step("End to end on a real cluster", || end_to_end("", &[], &mut count))?;
        // What the database has to do with the way of a commit is what survives a kill.
        steps.step("End to end with PostgreSQL, killed in the middle", || {
            let url = postgres.socket_url("postgres");
            end_to_end("killed", &[("GIMLET_TEST_POSTGRES", &url)], &mut count)
        })?;
    }
    let mut out = std::io::stdout();
    writeln!(out, "verify: {} passed, {} failed", count.passed, count.failed)?;
    ensure!(count.passed > 0, "no test ran");
    Ok(())
}

/// Asks both releases of Helm again what they make of the cases of `tests/helm`, where pip can bring them.
fn helm(steps: &Steps, count: &mut Count) -> Result<()> {
    if let Err(error) = record::Helms::fetch(Settings::from_environment()?.cache()) {
        steps.say(format_args!(
            "Helm was left out, and what was recorded is taken as it is: {error:#}"
        ));
        return Ok(());
    }
    test(&["test", "--workspace", "--test", "helm", "--", "--ignored"], &[], count)
}

/// Runs `tests/kills.rs`, one after the other: each keeps the machine busy.
fn kills(count: &mut Count) -> Result<()> {
    let arguments =
        ["test", "--workspace", "--test", "kills", "--", "--ignored", "--test-threads=1"];
    test(&arguments, &[], count)
}

/// Runs the scenarios of `tests/browser`.
fn browser(screenshots: Option<&Path>, count: &mut Count) -> Result<()> {
    let folder = screenshots.map(std::path::absolute).transpose()?;
    let folder = folder.map(|folder| folder.display().to_string());
    let environment: Vec<_> =
        folder.iter().map(|folder| ("GIMLET_SCREENSHOTS", folder.as_str())).collect();
    // One browser at a time: what is waited for has a limit, and a machine may have two cores.
    let arguments =
        ["test", "--workspace", "--test", "browser", "--", "--ignored", "--test-threads=1"];
    test(&arguments, &environment, count)
}

/// Runs the scenarios whose names contain `filter`.
fn end_to_end(filter: &str, environment: &[(&str, &str)], count: &mut Count) -> Result<()> {
    let arguments =
        ["test", "--workspace", "--test", "end_to_end", "--", "--include-ignored", filter];
    test(&arguments, environment, count)
}

/// Runs the installer's tests that need a cluster on one of their own.
fn installer(count: &mut Count) -> Result<()> {
    let settings = Settings::from_environment()?.without_kubeconfig();
    let cluster = Cluster::up(&settings, &Options { name: "verify".to_owned() })?;
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let arguments =
        ["test", "--workspace", "--test", "installer", "--", "--ignored", "--test-threads=1"];
    let tested = test(&arguments, &[("KUBECONFIG", &kubeconfig)], count);
    cluster.down()?;
    tested
}

fn command(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new("cargo");
    command
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(workspace_root())
        .stdin(Stdio::null());
    command
}

fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    let status = command(arguments, environment).status().context("cannot run cargo")?;
    ensure!(status.success(), "cargo {} failed", arguments.join(" "));
    Ok(())
}

/// Runs tests, passes on what they print, and adds up their results.
fn test(arguments: &[&str], environment: &[(&str, &str)], count: &mut Count) -> Result<()> {
    let mut child = command(arguments, environment)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo")?;
    let output = child.stdout.take().context("cargo's output is not piped")?;
    let mut seen = Count::default();
    let mut out = std::io::stdout();
    for line in BufReader::new(output).lines() {
        let line = line?;
        writeln!(out, "{line}")?;
        seen.passed += number_before(&line, " passed;");
        seen.failed += number_before(&line, " failed;");
    }
    let status = child.wait()?;
    count.passed += seen.passed;
    count.failed += seen.failed;
    if !status.success() || seen.failed > 0 {
        bail!("{} tests failed in: cargo {}", seen.failed, arguments.join(" "));
    }
    ensure!(seen.passed > 0, "no test ran in: cargo {}", arguments.join(" "));
    Ok(())
}

/// The number in `test result: ok. 12 passed; 0 failed; …`.
fn number_before(line: &str, word: &str) -> u32 {
    let found = line.strip_prefix("test result:").and_then(|rest| rest.split_once(word));
    found.and_then(|(before, _)| before.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}
