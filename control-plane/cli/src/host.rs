//! What a command finds around it, handed in so that tests can stand in for it.

use std::{
    collections::HashMap,
    io::{self, IsTerminal as _},
    time::Duration,
};

use time::OffsetDateTime;

/// Where Linux keeps the machine's name.
const HOSTNAME_FILE: &str = "/proc/sys/kernel/hostname";

/// The process's surroundings.
pub struct Host {
    /// Environment variables.
    pub vars: HashMap<String, String>,
    /// Standard input.
    pub stdin: Box<dyn io::Read + Send>,
    /// A person can answer.
    pub stdin_is_terminal: bool,
    /// Standard output.
    pub stdout: Box<dyn io::Write + Send>,
    /// A person reads the data.
    pub stdout_is_terminal: bool,
    /// Standard error.
    pub stderr: Box<dyn io::Write + Send>,
    /// A person watches the progress.
    pub stderr_is_terminal: bool,
    /// Name of this machine, for the name of its token.
    pub machine: String,
    /// The clock.
    pub now: fn() -> OffsetDateTime,
    /// How often things are asked.
    pub pace: Pace,
}

/// How often things are asked, and how long silence may last.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// First delay after a failure.
    pub retry_first: Duration,
    /// Longest delay after failures.
    pub retry_longest: Duration,
    /// Between two questions after the same thing.
    pub poll: Duration,
    /// A stream that says nothing for so long is dead.
    pub silence: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            // A server that restarts is away for a second or two.
            retry_first: Duration::from_millis(250),
            retry_longest: Duration::from_secs(15),
            poll: Duration::from_secs(2),
            // The server says something every 15 s.
            silence: Duration::from_secs(45),
        }
    }
}

impl Host {
    /// The surroundings of this process. Variables that are no UTF-8 are left out.
    #[must_use]
    pub fn of_this_process() -> Self {
        let vars = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect::<HashMap<_, _>>();
        let machine = std::fs::read_to_string(HOSTNAME_FILE)
            .ok()
            .or_else(|| vars.get("HOSTNAME").cloned())
            .unwrap_or_default();
        Self {
            stdin: Box::new(io::stdin()),
            stdin_is_terminal: io::stdin().is_terminal(),
            stdout: Box::new(io::stdout()),
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr: Box::new(io::stderr()),
            stderr_is_terminal: io::stderr().is_terminal(),
            machine: machine.trim().to_owned(),
            now: OffsetDateTime::now_utc,
            pace: Pace::default(),
            vars,
        }
    }

    /// A variable that is set and not empty.
    pub(crate) fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}
