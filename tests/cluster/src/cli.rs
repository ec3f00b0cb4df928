//! The commands.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use gimlet_cluster::{
    Cluster, Options, Settings, Simulated, SimulatedOptions, down, down_all, init, status,
};

/// A real Kubernetes with Flux on this machine, for tests and the demo.
///
/// With KUBECONFIG set, `up` takes that cluster instead and `down` leaves it alone.
///
/// With `--simulated`, `up` starts a control plane on loopback, as any user, whose nodes and pods are only
/// simulated: 5 seconds, for tests with many of them. `status` and `down` treat both alike.
#[derive(Debug, Parser)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring a cluster up, or find it up, and print its kubeconfig's path
    Up {
        /// Tells clusters side by side apart
        #[arg(long, default_value = "default")]
        name: String,
        /// Simulate its nodes and pods: no root, no containers, no Flux
        #[arg(long)]
        simulated: bool,
        /// How many simulated nodes it has at least
        #[arg(long, default_value_t = 1, requires = "simulated")]
        nodes: u32,
    },
    /// End a cluster and remove every trace of it
    Down {
        /// The cluster to end
        #[arg(long, default_value = "default", conflicts_with = "all")]
        name: String,
        /// End all clusters
        #[arg(long)]
        all: bool,
    },
    /// Say what stands
    Status,
    /// The first process of a run
    #[command(hide = true)]
    LabInit { root: PathBuf, name: String },
    /// The first process of a node
    #[command(hide = true)]
    NodeInit { root: PathBuf, name: String },
    /// The first process of a simulated cluster
    #[command(hide = true)]
    SimulatedInit { root: PathBuf },
}

impl Cli {
    /// Does what was asked.
    pub(crate) fn run(self) -> Result<()> {
        match self.command {
            Command::LabInit { root, name } => init::run_lab(&root, &name),
            Command::NodeInit { root, name } => init::run_node(&root, &name),
            Command::SimulatedInit { root } => init::run_simulated(&root),
            Command::Up { name, simulated: true, nodes } => {
                let options = SimulatedOptions { name, nodes };
                let cluster = Simulated::up(&Settings::from_environment()?, &options)?;
                print_line(&cluster.kubeconfig().display().to_string())
            }
            Command::Up { name, .. } => {
                let cluster = Cluster::up(&Settings::from_environment()?, &Options { name })?;
                print_line(&cluster.kubeconfig().display().to_string())
            }
            Command::Down { all: true, .. } => down_all(&Settings::from_environment()?),
            Command::Down { name, .. } => down(&Settings::from_environment()?, &name),
            Command::Status => {
                let clusters = status(&Settings::from_environment()?)?;
                if clusters.is_empty() {
                    return print_line("no cluster stands");
                }
                clusters.iter().try_for_each(|cluster| print_line(&cluster.to_string()))
            }
        }
    }
}

fn print_line(line: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{line}").context("could not write to standard output")
}
