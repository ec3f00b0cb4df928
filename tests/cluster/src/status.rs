//! What stands.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;

use crate::process;
use crate::run::{Flavour, Run};
use crate::settings::Settings;

/// One cluster as it is now.
#[derive(Clone, Debug)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// What it is made of.
    pub flavour: Flavour,
    /// How it is.
    pub state: State,
    /// Its kubeconfig, once it has come up.
    pub kubeconfig: PathBuf,
    /// How many processes of the host belong to it, its containers not counted.
    pub processes: usize,
}

/// How a cluster is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It came up and nothing of it has ended since.
    Ready,
    /// It is coming up, or whoever brought it up was stopped on the way.
    Starting,
    /// Parts of it have ended; each is named. `up` starts it anew, `down` removes it.
    Broken(String),
}

/// All clusters of this user.
pub fn status(settings: &Settings) -> Result<Vec<Status>> {
    Run::list(settings)?.iter().map(status_of).collect()
}

fn status_of(run: &Run) -> Result<Status> {
    let record = run.record();
    let exits = run.exits();
    let state = match &record {
        Some(record) if record.outermost.is_some_and(|process| !process.is_alive()) => {
            State::Broken("its first process has ended".into())
        }
        _ if !exits.is_empty() => State::Broken(exits.trim().replace('\n', "; ")),
        Some(record) if record.ready => State::Ready,
        Some(_) | None => State::Starting,
    };
    let flavour = record.as_ref().map(|record| record.flavour).unwrap_or_default();
    let processes =
        record.map_or(Ok(0), |record| process::find_marked(&record.id).map(|pids| pids.len()))?;
    Ok(Status { name: run.name().into(), flavour, state, kubeconfig: run.kubeconfig(), processes })
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.flavour {
            Flavour::Real => write!(out, "{}: ", self.name)?,
            Flavour::Simulated => write!(out, "{} (simulated): ", self.name)?,
        }
        match &self.state {
            State::Ready => write!(
                out,
                "ready, {} processes, KUBECONFIG={}",
                self.processes,
                self.kubeconfig.display()
            ),
            State::Starting => write!(out, "starting, {} processes", self.processes),
            State::Broken(why) => write!(out, "broken: {why}"),
        }
    }
}
