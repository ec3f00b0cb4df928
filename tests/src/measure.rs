//! The measurements of `cargo measure` that stand on a cluster, scripted or real. The others are in
//! `gimlet-bench`, which knows nothing that only tests have.

mod agent_memory;
mod large_cluster;
mod push_to_ready;

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use gimlet_bench::{figure::Figure, progress::Progress};

/// What can be measured on a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Measurement {
    /// The agent's memory beside 10,000 pods.
    AgentMemory,
    /// The time from a push to ready pods.
    PushToReady,
}

/// How large everything is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// As the goals ask.
    Full,
    /// As a test can afford.
    Smoke,
}

/// What every measurement is given.
#[derive(Clone, Debug)]
pub struct Setting {
    /// How large everything is.
    pub size: Size,
    /// How often each is measured; the median counts.
    pub rounds: u32,
    /// The folder of the measured programs.
    pub programs: PathBuf,
    /// Who hears how far it is.
    pub progress: Progress,
}

impl Measurement {
    /// Everything, in the order in which it is measured.
    pub const ALL: [Self; 2] = [Self::AgentMemory, Self::PushToReady];

    /// Its name on the command line and in the figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AgentMemory => "agent-memory",
            Self::PushToReady => "push-to-ready",
        }
    }

    /// What it measures, in one line.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::AgentMemory => {
                "the agent's memory beside 10,000 pods, listed, lost, listed again and changed"
            }
            Self::PushToReady => {
                "from git push to ready pods on a real cluster, step by step, beside Flux alone"
            }
        }
    }

    /// Measures it.
    ///
    /// # Errors
    /// When it cannot be set up, or what was done turns out wrong: a figure of wrong work is none.
    pub fn measure(self, setting: &Setting) -> Result<Vec<Figure>> {
        match self {
            Self::AgentMemory => agent_memory::measure(setting),
            Self::PushToReady => push_to_ready::measure(setting),
        }
    }
}
