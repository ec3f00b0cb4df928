//! The namespaces that belong to the cluster and the platform, and to no environment.

/// Where the agent lives.
pub const AGENT_NAMESPACE: &str = "infrastructure";
/// Where Flux and its objects live.
pub const FLUX_NAMESPACE: &str = "flux-system";
/// Where the agent builds images.
pub const BUILD_NAMESPACE: &str = "gimlet-builds";

/// Whether `namespace` belongs to the cluster itself, so that no environment may use it. The admission
/// policies that the installer brings say the same.
#[must_use]
pub fn is_protected_namespace(namespace: &str) -> bool {
    [AGENT_NAMESPACE, FLUX_NAMESPACE, BUILD_NAMESPACE].contains(&namespace)
        || namespace.starts_with("kube-")
}
