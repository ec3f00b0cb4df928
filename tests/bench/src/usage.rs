//! Processor time and memory of processes, which neighbours on the machine disturb less than wall time.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};

/// The kernel counts processor time of others in these (`USER_HZ`, 100 on every Linux).
const TICK: Duration = Duration::from_millis(10);

/// Processor time that this process has used, all threads.
pub fn own_cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// Processor time that another process has used by itself, without its children, to 10 ms.
///
/// # Errors
/// When it is gone.
pub fn cpu_of(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))
        .with_context(|| format!("process {process} is gone"))?;
    // The name in parentheses may hold spaces; fields 14 and 15 are what is looked for.
    let fields = stat.rsplit_once(')').context("a process without a name")?.1.split_whitespace();
    let ticks: u32 = fields.skip(11).take(2).map(|field| field.parse().unwrap_or(0)).sum();
    Ok(TICK * ticks)
}

/// Memory of a process that lies in the machine's own, in bytes: its program's pages among it.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Now.
    pub now: u64,
    /// The most there ever was.
    pub peak: u64,
    /// What of it is no page of a file.
    pub anonymous: u64,
}

/// The memory of another process.
///
/// # Errors
/// When it is gone.
pub fn memory_of(process: u32) -> Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))
        .with_context(|| format!("process {process} is gone"))?;
    let kilobytes = |name: &str| -> Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let line = line.with_context(|| format!("the kernel does not tell {name}"))?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    };
    Ok(Memory {
        now: kilobytes("VmRSS")?,
        peak: kilobytes("VmHWM")?,
        anonymous: kilobytes("RssAnon")?,
    })
}
