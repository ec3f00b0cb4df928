//! The handle on a cluster that stands, whoever brought it up.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::down::take_down;
use crate::external;
use crate::kubectl::Kubectl;
use crate::lab::{LAB_REGISTRY, Lab};
use crate::run::Run;
use crate::settings::Settings;
use crate::up;

/// Which cluster to bring up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Tells clusters side by side apart: lower-case letters, digits and dashes.
    pub name: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { name: "default".into() }
    }
}

/// A Kubernetes with Flux that answers. Dropping this leaves it standing.
#[derive(Debug)]
pub struct Cluster {
    kubeconfig: PathBuf,
    kubectl: Kubectl,
    own: Option<Own>,
}

/// What only a cluster of ours has.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) settings: Settings,
    pub(crate) run: Run,
    pub(crate) lab: Lab,
}

impl Cluster {
    /// Brings the cluster up, or takes the one that stands under this name, and returns once the cluster's
    /// DNS and all of Flux are ready. With `KUBECONFIG` set, takes that cluster and starts nothing.
    ///
    /// Blocks for about 15 s when everything is built, and for about 20 minutes when nothing is. What it
    /// does meanwhile is logged at level `info`. Fails with the remedy when root, Go or Debian's packages
    /// are missing.
    pub fn up(settings: &Settings, options: &Options) -> Result<Self> {
        match &settings.kubeconfig {
            Some(kubeconfig) => external::take(settings, kubeconfig),
            None => up::up(settings, options),
        }
    }

    pub(crate) fn new(kubeconfig: PathBuf, kubectl: Kubectl, own: Option<Own>) -> Self {
        Self { kubeconfig, kubectl, own }
    }

    /// The kubeconfig with all rights, for programs on the host.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// kubectl for this cluster.
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// The network that the cluster hangs on; `None` for a cluster that was given by `KUBECONFIG`.
    pub fn lab(&self) -> Option<&Lab> {
        self.own.as_ref().map(|own| &own.lab)
    }

    /// Hands the image in the OCI archive `archive` straight to the node, under the name it was written
    /// with; pods with `imagePullPolicy: IfNotPresent` or `Never` find it.
    pub fn import_image(&self, archive: &Path) -> Result<()> {
        import(&self.own()?.run, archive)
    }

    /// Pushes the image in the OCI archive `archive` to the run's registry as `name`, such as `apps/demo:v1`,
    /// and returns its full name. Pods pull it under that name, or under `name` at any registry.
    pub fn push_image(&self, archive: &Path, name: &str) -> Result<String> {
        let full = format!("{LAB_REGISTRY}/{name}");
        let output = self
            .own()?
            .lab
            .command("skopeo")
            .args(["copy", "--insecure-policy", "--dest-tls-verify=false", "--quiet"])
            .arg(format!("oci-archive:{}", archive.display()))
            .arg(format!("docker://{full}"))
            .output()
            .context("could not start skopeo")?;
        if !output.status.success() {
            bail!(
                "skopeo could not push {full}: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(full)
    }

    /// Ends the cluster and removes all of it. A cluster that was given by `KUBECONFIG` is left alone.
    pub fn down(self) -> Result<()> {
        match self.own {
            Some(Own { settings, run, lab }) => {
                // The handle would keep the namespace in existence.
                drop(lab);
                take_down(&settings, &run)
            }
            None => {
                tracing::info!("leaving the cluster of {} alone", self.kubeconfig.display());
                Ok(())
            }
        }
    }

    fn own(&self) -> Result<&Own> {
        self.own
            .as_ref()
            .context("a cluster given by KUBECONFIG takes images from its own registries only")
    }
}

/// Imports an archive into the node's containerd, whose socket lies in the run's directory.
pub(crate) fn import(run: &Run, archive: &Path) -> Result<()> {
    let output = Command::new("ctr")
        .arg("--address")
        .arg(run.containerd_socket())
        .args(["--namespace", "k8s.io", "images", "import"])
        .arg(archive)
        .output()
        .context("could not start ctr")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("containerd did not take the image {}: {}", archive.display(), words.trim());
    }
    Ok(())
}
