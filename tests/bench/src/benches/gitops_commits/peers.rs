//! The same commits by git itself, as durable as ours.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};

use super::{files, git, git_command};

/// git syncs everything before it says that it is done.
const DURABLE: [&str; 2] = ["-c", "core.fsync=all"];

/// Commits per second of git's plumbing commands, one chain for each commit.
pub(super) fn plumbing(repository: &Path, commits: u32) -> Result<f64> {
    let began = new_repository(repository)?;
    let mut parent: Option<String> = None;
    for version in 1..=commits {
        for (name, content) in files(0, version) {
            let blob = feed(repository, &["hash-object", "-w", "--stdin"], &content)?;
            let entry = format!("100644,{blob},app-0/{name}");
            run(repository, &["update-index", "--add", "--cacheinfo", &entry])?;
        }
        let tree = run(repository, &["write-tree"])?;
        let message = format!("version {version}");
        let mut arguments = vec!["commit-tree", "-m", &message, &tree];
        if let Some(parent) = &parent {
            arguments.extend(["-p", parent]);
        }
        let commit = run(repository, &arguments)?;
        let old = parent.unwrap_or_default();
        run(repository, &["update-ref", "refs/heads/main", &commit, &old])?;
        parent = Some(commit);
    }
    let time = began.elapsed();
    git(repository, &["fsck", "--strict"])?;
    Ok(f64::from(commits) / time.as_secs_f64())
}

/// Commits per second of `git fast-import` with a checkpoint, which stores and moves the branch, for every
/// `batch` commits.
pub(super) fn fast_import(repository: &Path, commits: u32, batch: u32) -> Result<f64> {
    let began = new_repository(repository)?;
    let mut child = git_command(repository)
        .args(DURABLE)
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run git")?;
    let imported = import(&mut child, commits, batch);
    let status = child.wait()?;
    imported?;
    ensure!(status.success(), "git fast-import ended with {status}");
    let time = began.elapsed();
    git(repository, &["fsck", "--strict"])?;
    Ok(f64::from(commits) / time.as_secs_f64())
}

fn import(child: &mut Child, commits: u32, batch: u32) -> Result<()> {
    let mut input = child.stdin.take().context("no standard input")?;
    let mut told = BufReader::new(child.stdout.take().context("no standard output")?).lines();
    for version in 1..=commits {
        let app = version % batch;
        write!(
            input,
            "commit refs/heads/main\ncommitter Ana <a@b.c> {version} +0000\ndata 1\nx\n"
        )?;
        for (name, content) in files(app, version) {
            write!(input, "M 644 inline app-{app}/{name}\ndata {}\n", content.len())?;
            input.write_all(&content)?;
            writeln!(input)?;
        }
        if version % batch == 0 || version == commits {
            // Answered only when everything before is stored, as our writers wait for their answer.
            write!(input, "checkpoint\n\nprogress stored\n")?;
            input.flush()?;
            told.next().context("git fast-import ended early")??;
        }
    }
    Ok(())
}

fn new_repository(path: &Path) -> Result<Instant> {
    std::fs::create_dir_all(path)?;
    git(path, &["init", "-q", "--bare", "-b", "main"])?;
    Ok(Instant::now())
}

fn run(repository: &Path, arguments: &[&str]) -> Result<String> {
    git(repository, &[&DURABLE[..], arguments].concat())
}

fn feed(repository: &Path, arguments: &[&str], input: &[u8]) -> Result<String> {
    let mut child = git_command(repository)
        .args(DURABLE)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run git")?;
    child.stdin.take().context("no standard input")?.write_all(input)?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "git {} failed", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
