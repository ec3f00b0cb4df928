//! The git binary as a child process.
//!
//! A child inherits nothing: no configuration of the machine or a user, no hooks, no credential
//! helpers, no prompts. What it may do is passed as configuration through its environment, which,
//! unlike arguments, other users of the machine cannot read. Each run has a time limit and an output
//! limit. A run that is dropped or overdue is ended with its whole process group, by `SIGTERM` first:
//! git then removes its own lock and temporary files.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdout, Command};

/// How much of a child's error output is kept, in bytes: its end, where git says why.
pub(crate) const KEPT_STDERR: usize = 4096;

/// How long a child may take to clean up after `SIGTERM` before `SIGKILL`.
const GRACE: Duration = Duration::from_secs(2);

/// The git binary and the surroundings it runs in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Git {
    program: PathBuf,
    home: PathBuf,
    search_path: OsString,
    ca_bundle: Option<PathBuf>,
    variables: Vec<(OsString, OsString)>,
}

/// Why a run of the git binary gave no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The binary is missing or cannot be executed, or its pipes broke.
    #[error("the git binary {program} could not be run")]
    Spawn {
        /// The binary.
        program: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// It ran into its time limit and was ended.
    #[error("git {command} did not finish within {} s and was ended", limit.as_secs())]
    TimedOut {
        /// The git command, such as `fetch`.
        command: String,
        /// The limit.
        limit: Duration,
    },
    /// It says that it failed.
    #[error("git {command} failed: {complaint}")]
    Failed {
        /// The git command.
        command: String,
        /// The end of what it printed.
        complaint: String,
    },
    /// It wrote more than its output limit and was ended.
    #[error("git {command} wrote more than {limit} bytes and was ended")]
    TooMuchOutput {
        /// The git command.
        command: String,
        /// The limit in bytes.
        limit: usize,
    },
}

impl Git {
    /// Uses `git` from the standard directories, with `home` as its home directory: an empty
    /// directory of our own.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self {
            program: "git".into(),
            home: home.into(),
            search_path: "/usr/local/bin:/usr/bin:/bin".into(),
            ca_bundle: None,
            variables: Vec::new(),
        }
    }

    /// Uses another binary.
    #[must_use]
    pub fn with_program(self, program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), ..self }
    }

    /// Trusts the certificate authorities of a PEM file instead of the system's.
    #[must_use]
    pub fn with_ca_bundle(self, file: impl Into<PathBuf>) -> Self {
        Self { ca_bundle: Some(file.into()), ..self }
    }

    /// Gives it one variable of its environment besides, such as the place of a person's ssh agent.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// A command without arguments, in the cleaned environment plus `settings`.
    pub fn command(&self, settings: &Settings) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("PATH", &self.search_path)
            .env("HOME", &self.home)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .current_dir("/")
            // A group of its own, so that git's helpers end with it.
            .process_group(0);
        let ca_bundle = self.ca_bundle.iter().map(|file| ("http.sslCAInfo", file.as_os_str()));
        let own = settings.0.iter().map(|(key, value)| (*key, OsStr::new(value.expose_secret())));
        let all =
            BASE.iter().map(|(key, value)| (*key, OsStr::new(value))).chain(ca_bundle).chain(own);
        let mut count = 0;
        for (key, value) in all {
            command.env(format!("GIT_CONFIG_KEY_{count}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command
    }

    /// Runs git to its end and returns what it wrote.
    ///
    /// # Errors
    /// When it cannot be run, or goes beyond a limit. A run that ends with a failure is none.
    pub async fn run(&self, run: Run<'_>) -> Result<Finished, RunError> {
        let mut command = self.command(&run.settings);
        if let Some(git_dir) = run.git_dir {
            command.arg("--git-dir").arg(git_dir);
        }
        command.arg(run.command).args(&run.arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let broken = |source| RunError::Spawn { program: self.program.clone(), source };

        let mut group = Group(command.spawn().map_err(broken)?);
        let attempt = tokio::time::timeout(run.time_limit, group.finish(run.output_limit)).await;
        match attempt {
            Ok(Ok(Some(finished))) => Ok(finished),
            Ok(Err(source)) => Err(broken(source)),
            Ok(Ok(None)) => {
                group.end().await;
                Err(RunError::TooMuchOutput {
                    command: run.command.into(),
                    limit: run.output_limit,
                })
            }
            Err(_) => {
                group.end().await;
                Err(RunError::TimedOut { command: run.command.into(), limit: run.time_limit })
            }
        }
    }
}

/// Configuration that every child gets.
const BASE: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.askPass", ""),
    ("credential.helper", ""),
    ("protocol.allow", "never"),
    ("protocol.ext.allow", "never"),
    ("http.followRedirects", "false"),
    // A connection that gives less than 1 KB/s for half a minute is dead.
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "30"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    // Background maintenance would outlive the call that started it.
    ("gc.auto", "0"),
    ("gc.autoDetach", "false"),
    ("maintenance.auto", "false"),
    ("receive.autogc", "false"),
    // What git reports as stored must be on the disk.
    ("core.fsync", "all"),
    ("core.fsyncMethod", "fsync"),
];

/// Configuration for one run; values may be credentials.
#[derive(Clone, Debug, Default)]
pub struct Settings(Vec<(&'static str, SecretString)>);

impl Settings {
    /// Sets one key, as `git config` names it.
    pub fn set(&mut self, key: &'static str, value: impl Into<String>) {
        self.0.push((key, SecretString::from(value.into())));
    }
}

/// One run of the git binary.
#[derive(Debug)]
pub struct Run<'a> {
    /// The repository it is about.
    pub git_dir: Option<&'a Path>,
    /// Such as `fetch`.
    pub command: &'static str,
    /// Options first, then `--`, then operands that were validated.
    pub arguments: Vec<OsString>,
    /// What it may do.
    pub settings: Settings,
    /// After this it is ended.
    pub time_limit: Duration,
    /// The most that it may print, in bytes.
    pub output_limit: usize,
}

/// What a finished child left.
#[derive(Debug)]
pub struct Finished {
    /// What its exit status says.
    pub success: bool,
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// The end of what it complained of.
    pub stderr: String,
}

/// A child with its process group; ended on drop.
#[derive(Debug)]
pub struct Group(pub Child);

impl Group {
    /// Reads the output to its end and waits; `None` when it exceeds `limit`.
    async fn finish(&mut self, limit: usize) -> std::io::Result<Option<Finished>> {
        let (stdout, stderr) = (self.0.stdout.take(), self.0.stderr.take());
        let (whole, complaints) = (read_whole(stdout, limit), read_tail(stderr));
        tokio::pin!(whole, complaints);
        // The error output is drained beside it; too much output ends the wait for both at once.
        let (stdout, stderr) = tokio::select! {
            stdout = &mut whole => {
                let Some(stdout) = stdout? else { return Ok(None) };
                (stdout, complaints.await)
            }
            stderr = &mut complaints => {
                let Some(stdout) = whole.await? else { return Ok(None) };
                (stdout, stderr)
            }
        };
        let status = self.0.wait().await?;
        Ok(Some(Finished { success: status.success(), stdout, stderr }))
    }

    /// Ends the group: politely, then for good.
    pub async fn end(&mut self) {
        self.signal(Signal::TERM);
        if tokio::time::timeout(GRACE, self.0.wait()).await.is_err() {
            self.signal(Signal::KILL);
            // Only a process stuck in the kernel survives this; the runtime reaps it later.
            let _ = tokio::time::timeout(GRACE, self.0.wait()).await;
        }
    }

    /// Waits for a group that has said all it had to say; ends it if it lingers.
    pub async fn let_end(&mut self) {
        if tokio::time::timeout(GRACE, self.0.wait()).await.is_err() {
            self.end().await;
        }
    }

    fn signal(&self, signal: Signal) {
        // A child that was waited for has no id any more, so no other process can be hit.
        let group = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            // It may have ended by itself in this moment.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::TERM);
    }
}

/// Reads a pipe to its end; `None` when it holds more than `limit` bytes.
async fn read_whole(pipe: Option<ChildStdout>, limit: usize) -> std::io::Result<Option<Vec<u8>>> {
    let mut output = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(limit as u64 + 1).read_to_end(&mut output).await?;
    }
    Ok((output.len() <= limit).then_some(output))
}

/// Drains a pipe and keeps its end as printable text.
pub async fn read_tail(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut pipe) = pipe else { return String::new() };
    let (mut kept, mut chunk) = (Vec::new(), [0; 4096]);
    // A pipe that breaks has said all that it will.
    while let Ok(read @ 1..) = pipe.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..read]);
        kept.drain(..kept.len().saturating_sub(KEPT_STDERR));
    }
    printable(&kept)
}

/// Text without control characters other than line ends: a remote may send anything.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line_ends = text.replace('\r', "\n");
    line_ends
        .chars()
        .filter(|c| *c == '\n' || !c.is_control())
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A program that stands in for git.
    fn program(directory: &Path, script: &str) -> Git {
        let path = directory.join("git");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Git::new(directory).with_program(path)
    }

    fn run(time_limit: Duration, output_limit: usize) -> Run<'static> {
        let settings = Settings::default();
        Run {
            git_dir: None,
            command: "fetch",
            arguments: Vec::new(),
            settings,
            time_limit,
            output_limit,
        }
    }

    #[tokio::test]
    async fn an_overdue_run_is_ended_with_its_helpers() {
        let home = tempfile::tempdir().unwrap();
        let fifo = home.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        // The helper holds the pipe's other end for as long as it lives.
        let mut held = tokio::net::unix::pipe::OpenOptions::new().open_receiver(&fifo).unwrap();
        let git = program(home.path(), &format!("sleep 1000 > {} & wait", fifo.display()));

        let error = git.run(run(Duration::from_secs(1), 10)).await.unwrap_err();
        assert_eq!(error.to_string(), "git fetch did not finish within 1 s and was ended");
        let mut nothing = Vec::new();
        let gone =
            tokio::time::timeout(Duration::from_secs(20), held.read_to_end(&mut nothing)).await;
        gone.expect("the helper lives on").unwrap();
    }

    #[tokio::test]
    async fn endless_output_is_cut_off() {
        let home = tempfile::tempdir().unwrap();
        let git = program(home.path(), "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaa; done");
        let error = git.run(run(Duration::from_secs(20), 1000)).await.unwrap_err();
        assert!(matches!(error, RunError::TooMuchOutput { limit: 1000, .. }), "{error}");
    }

    #[tokio::test]
    async fn only_the_end_of_the_error_output_is_kept_and_it_is_printable() {
        let home = tempfile::tempdir().unwrap();
        let git = program(
            home.path(),
            r#"i=0; while [ $i -lt 500 ]; do echo "line $i of noise" >&2; i=$((i+1)); done; printf 'fatal: \033[31mred\a\n' >&2; exit 3"#,
        );
        let finished = git.run(run(Duration::from_secs(20), 1000)).await.unwrap();
        assert!(!finished.success);
        assert!(
            finished.stderr.len() <= KEPT_STDERR && finished.stderr.ends_with("fatal: [31mred")
        );
    }

    #[tokio::test]
    async fn a_child_inherits_no_environment() {
        let home = tempfile::tempdir().unwrap();
        let git = program(home.path(), "env");
        let finished = git.run(run(Duration::from_secs(20), 100_000)).await.unwrap();
        let output = String::from_utf8(finished.stdout).unwrap();
        let known = ["PATH", "HOME", "LC_ALL", "PWD", "OLDPWD", "SHLVL", "_"];
        for line in output.lines() {
            let name = line.split('=').next().unwrap_or_default();
            assert!(known.contains(&name) || name.starts_with("GIT_"), "{line}");
        }
        assert!(output.contains("GIT_CONFIG_GLOBAL=/dev/null"));
    }
}
