//! The kinds that the installer handles, with their plural names and scope, so that a plan needs no
//! cluster to be made.

use kube::core::{ApiResource, GroupVersionKind};

/// Whether objects of a kind live in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// They belong to the cluster.
    Cluster,
    /// They belong to a namespace.
    Namespaced,
}

use Scope::{Cluster, Namespaced};

const KINDS: &[(&str, &str, &str, &str, Scope)] = &[
    ("", "v1", "Namespace", "namespaces", Cluster),
    ("", "v1", "ServiceAccount", "serviceaccounts", Namespaced),
    ("", "v1", "ConfigMap", "configmaps", Namespaced),
    ("", "v1", "Secret", "secrets", Namespaced),
    ("", "v1", "Service", "services", Namespaced),
    ("apps", "v1", "Deployment", "deployments", Namespaced),
    ("coordination.k8s.io", "v1", "Lease", "leases", Namespaced),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", Cluster),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", Cluster),
    ("rbac.authorization.k8s.io", "v1", "Role", "roles", Namespaced),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", Namespaced),
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", Namespaced),
    (
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        Cluster,
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingAdmissionPolicy",
        "validatingadmissionpolicies",
        Cluster,
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        Cluster,
    ),
    ("source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories", Namespaced),
    ("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations", Namespaced),
];

/// How the API server calls a kind, or `None` if the installer does not handle it.
pub fn resource_of(api_version: &str, kind: &str) -> Option<(ApiResource, Scope)> {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let (.., plural, scope) =
        KINDS.iter().find(|known| (known.0, known.1, known.2) == (group, version, kind))?;
    let kind = GroupVersionKind::gvk(group, version, kind);
    Some((ApiResource::from_gvk_with_plural(&kind, plural), *scope))
}
