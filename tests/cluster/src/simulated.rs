//! The second flavour of a cluster: a control plane on the host's loopback whose nodes and pods are
//! simulated. Nothing runs in its pods; they become ready at once.

mod nodes;
mod start;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};

use crate::down::{clear, take_down};
use crate::kubectl::{ANSWER_PATIENCE, Kubectl};
use crate::programs;
use crate::run::{Flavour, Run};
use crate::settings::Settings;

/// Which simulated cluster to bring up.
#[derive(Clone, Debug)]
pub struct SimulatedOptions {
    /// Tells clusters side by side apart, those of both flavours: lower-case letters, digits and dashes.
    pub name: String,
    /// How many nodes it has at least.
    pub nodes: u32,
}

impl Default for SimulatedOptions {
    fn default() -> Self {
        Self { name: "default".into(), nodes: 1 }
    }
}

/// A Kubernetes control plane with simulated nodes that answers. Dropping this leaves it standing.
#[derive(Debug)]
pub struct Simulated {
    settings: Settings,
    run: Run,
    kubeconfig: PathBuf,
    kubectl: Kubectl,
}

impl Simulated {
    /// Brings the cluster up, or takes the one that stands under this name, and returns once it has
    /// `options.nodes` ready nodes, each with room for 110 pods. Nodes it has beyond that stay.
    ///
    /// Blocks for about 5 s when the programs are built, as any user, and for about 10 minutes when they are
    /// not. Fails with the remedy when Go is missing, when `KUBECONFIG` is set, or when a real cluster has
    /// the name.
    pub fn up(settings: &Settings, options: &SimulatedOptions) -> Result<Self> {
        let run = Run::named(settings, &options.name)?;
        if let Some(kubeconfig) = &settings.kubeconfig {
            bail!(
                "KUBECONFIG={} is set, but nodes are simulated in clusters of our own only; unset it",
                kubeconfig.display()
            );
        }
        let programs = programs::ensure_simulated(settings)?;

        let _lock = run.lock()?;
        let cluster = Self {
            settings: settings.clone(),
            kubeconfig: run.kubeconfig(),
            kubectl: Kubectl::of_run(run.root()),
            run,
        };
        if cluster.stands()? {
            tracing::info!("cluster {} stands already", cluster.run.name());
            nodes::add(&cluster.kubectl, options.nodes)?;
            cluster.wait_for_nodes(options.nodes)?;
        } else {
            let began = Instant::now();
            clear(&cluster.run)?;
            cluster.run.conclude(began, cluster.start(&programs, options.nodes))?;
        }
        Ok(cluster)
    }

    /// The kubeconfig with all rights.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// kubectl for this cluster.
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// Waits until `count` nodes are ready, whoever made them; fails after two minutes.
    pub fn wait_for_nodes(&self, count: u32) -> Result<()> {
        nodes::wait(&self.kubectl, count)
    }

    /// Ends the cluster and removes all of it.
    pub fn down(self) -> Result<()> {
        take_down(&self.settings, &self.run)
    }

    fn stands(&self) -> Result<bool> {
        if self.run.find_standing(Flavour::Simulated)?.is_none() {
            return Ok(false);
        }
        let answers = self.kubectl.is_answered(ANSWER_PATIENCE);
        if !answers {
            tracing::info!("cluster {} does not answer; starting it anew", self.run.name());
        }
        Ok(answers)
    }
}
