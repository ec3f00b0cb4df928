//! A cluster of someone else's, given by `KUBECONFIG`.

use std::path::Path;

use anyhow::{Context, Result};

use crate::cluster::Cluster;
use crate::kubectl::Kubectl;
use crate::programs;
use crate::settings::Settings;
use crate::up::{FLUX_CONTROLLERS, FLUX_DEFINITIONS, wait_for_deployments};

/// Takes the cluster that `kubeconfig` names: checks that it answers, and installs Flux if it has none.
pub(crate) fn take(settings: &Settings, kubeconfig: &Path) -> Result<Cluster> {
    let program = match settings.find_program("kubectl") {
        Some(program) => program,
        None => programs::ensure(settings)?.path("kubectl")?.to_owned(),
    };
    let kubectl = Kubectl::new(program, kubeconfig.to_owned(), settings.cache.join("kubectl"));
    let shown = kubeconfig.display();
    let version = kubectl
        .run(&["get", "--raw", "/version", "--request-timeout=20s"])
        .with_context(|| format!("the cluster of KUBECONFIG={shown} does not answer; unset it for a cluster of our own"))?;
    let version: serde_json::Value = serde_json::from_str(&version)
        .with_context(|| format!("what answers at {shown} is no Kubernetes"))?;
    let version = version["gitVersion"].as_str().unwrap_or("of unknown version");
    tracing::info!(
        "using the cluster of KUBECONFIG={shown}, Kubernetes {version}; nothing is started"
    );

    let flux = kubectl.run(&[
        "--namespace=flux-system",
        "get",
        "deployment/kustomize-controller",
        "--ignore-not-found",
    ])?;
    if flux.is_empty() {
        tracing::info!("it has no Flux in namespace flux-system: installing it");
        kubectl.apply(FLUX_DEFINITIONS)?;
        kubectl.apply(FLUX_CONTROLLERS)?;
    }
    wait_for_deployments(&kubectl, "flux-system")?;
    Ok(Cluster::new(kubeconfig.to_owned(), kubectl, None))
}
