//! Flux's own manifests.

use super::{Desired, Intent, PlanError};

/// The Deployments of Flux that Gimlet works with.
pub const FLUX_DEPLOYMENTS: [&str; 4] =
    ["source-controller", "kustomize-controller", "helm-controller", "notification-controller"];

/// The kinds, with the version that Gimlet speaks, that an existing Flux has to serve: since Flux 2.3.
pub const REQUIRED_KINDS: [(&str, &str); 3] = [
    ("gitrepositories.source.toolkit.fluxcd.io", "v1"),
    ("kustomizations.kustomize.toolkit.fluxcd.io", "v1"),
    ("helmreleases.helm.toolkit.fluxcd.io", "v2"),
];

pub(super) fn kinds() -> Result<Vec<Desired>, PlanError> {
    let text = include_str!("../../manifests/flux/crds.yaml");
    Desired::from_yaml(Intent::Shared, "flux/crds.yaml", text)
}

pub(super) fn controllers() -> Result<Vec<Desired>, PlanError> {
    let text = include_str!("../../manifests/flux/controllers.yaml");
    Desired::from_yaml(Intent::Shared, "flux/controllers.yaml", text)
}
