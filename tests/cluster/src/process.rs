//! Which processes belong to a run, and their end.
//!
//! Every process that a run starts carries the run's id in its environment, and so do its children; that
//! finds them even when the driver was killed before it could note a process id, and never hits a stranger
//! that got a used id again.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

/// The environment variable that says which run a process belongs to.
pub(crate) const MARK: &str = "GIMLET_CLUSTER_RUN";

/// SIGKILL of a namespace's first process ends all of it within half a second; ten are far beyond that.
const END_DEADLINE: Duration = Duration::from_secs(10);

/// A process for sure: its id and when it began, in clock ticks since the machine did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessId {
    pub(crate) pid: i32,
    started: u64,
}

impl ProcessId {
    /// The process that has `pid` now.
    pub(crate) fn find(pid: i32) -> Option<Self> {
        Some(Self { pid, started: started(pid)? })
    }

    /// Whether this very process still runs.
    pub(crate) fn is_alive(self) -> bool {
        started(self.pid) == Some(self.started)
    }
}

/// Kills every process of the run `id`, and returns when none is left.
pub(crate) fn end_run(id: &str) -> Result<()> {
    let deadline = Instant::now() + END_DEADLINE;
    loop {
        let marked = find_marked(id)?;
        if marked.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("processes {marked:?} of run {id} did not end; end them by hand and try again");
        }
        kill(&marked);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Kills the processes `pids`; one that has ended by itself is as good.
pub(crate) fn kill(pids: &[i32]) {
    for pid in pids.iter().filter_map(|pid| Pid::from_raw(*pid)) {
        if let Err(error) = kill_process(pid, Signal::KILL)
            && error != rustix::io::Errno::SRCH
        {
            tracing::warn!(pid = pid.as_raw_pid(), %error, "could not kill a process of the run");
        }
    }
}

/// The processes of the run `id`, this one excepted.
pub(crate) fn find_marked(id: &str) -> Result<Vec<i32>> {
    let mark = format!("{MARK}={id}");
    let own = rustix::process::getpid().as_raw_pid();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").context("could not list processes")? {
        let Ok(entry) = entry else { continue };
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // A process that ended since it was listed, or that belongs to someone else, has no environment to read.
        let Ok(environment) = fs::read(entry.path().join("environ")) else { continue };
        if pid != own
            && environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        {
            found.push(pid);
        }
    }
    Ok(found)
}

/// Field 22 of `/proc/PID/stat`; the second field, a name in parentheses, may itself hold blanks.
fn started(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_process_id_is_not_the_process_that_had_it() {
        let own = ProcessId::find(rustix::process::getpid().as_raw_pid()).unwrap();
        assert!(own.is_alive());
        assert!(!ProcessId { started: own.started + 1, ..own }.is_alive());
    }

    #[test]
    fn ending_a_run_ends_its_processes_and_no_other() {
        let sleep = |id: &str| {
            std::process::Command::new("sleep").arg("600").env(MARK, id).spawn().unwrap()
        };
        let (mut ours, mut other) = (sleep("test-ours"), sleep("test-other"));

        // Collected meanwhile, as a run's own first process would.
        let waiter = std::thread::spawn(move || ours.wait().unwrap());
        while find_marked("test-ours").unwrap().is_empty() {
            std::thread::yield_now();
        }
        end_run("test-ours").unwrap();

        assert!(!waiter.join().unwrap().success());
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
