//! An environment as Flux sees it: its git credential, its sources, and the accounts that bound what
//! its repositories can bring.
//!
//! Flux takes on three accounts for an environment, all outside of what the repositories can change:
//!
//! - `gimlet-sync-<env>` writes the Kustomizations of its applications, and their namespaces;
//! - `gimlet-apply-<env>` applies what those hold, with the rights of the built-in role `admin`, in the
//!   whole cluster or in the environment's one namespace;
//! - `gimlet-infra-<env>` applies the infra repository with all of the owner's rights: who may write to
//!   that repository owns the cluster.

use base64::{Engine, engine::general_purpose::STANDARD};
use gimlet_shared::enrol::GitLocation;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Desired, Inputs, Intent, PlanError, object::label};
use crate::{AppsAccess, Environment, FLUX_NAMESPACE};

/// The label, with value `git`, of the Secrets that hold Flux's git credential for the control plane's own
/// git server; one of the owner's for another host has the value [`OWNERS`].
pub const GIT_CREDENTIAL_LABEL: &str = "gimlet.io/credential";

/// Marks a credential of the owner's: it is no password of ours, and the agent may not touch it.
pub const OWNERS: &str = "owner";

const RBAC: &str = "rbac.authorization.k8s.io";
const RBAC_V1: &str = "rbac.authorization.k8s.io/v1";

/// The name of the Secret with the credential for one of the environment's repositories.
///
/// It says `builtin` for repositories on other hosts too, as [`flux_name`] does.
pub(crate) fn git_credential(environment: &Environment, part: &str) -> String {
    format!("deploy-key-builtin-gitops-{}-{part}", environment.name)
}

pub(super) fn objects(
    environment: &Environment,
    inputs: &Inputs<'_>,
) -> Result<Vec<Desired>, PlanError> {
    let accounts = ["sync", "apply", "infra"]
        .map(|role| Desired::new(Intent::Ours, service_account(&account(role, environment))));
    let mut objects = accounts.into_iter().collect::<Result<Vec<_>, _>>()?;
    objects.extend(sync_rights(environment)?);
    objects.extend(apply_rights(environment)?);
    let infra = account("infra", environment);
    objects.push(Desired::new(Intent::Ours, cluster_binding(&infra, "cluster-admin", &infra))?);
    for (part, location) in [("infra", &environment.infra), ("apps", &environment.apps)] {
        let access = if part == "apps" { &environment.apps_access } else { &AppsAccess::BuiltIn };
        objects.extend(credential(environment, part, location, access, inputs)?);
        let has_secret = !matches!(access, AppsAccess::Public);
        let source = source(environment, part, location, has_secret);
        for object in [source, kustomization(environment, part)] {
            objects.push(Desired::new(Intent::Ours, object)?);
        }
    }
    Ok(objects)
}

fn account(role: &str, environment: &Environment) -> String {
    format!("gimlet-{role}-{}", environment.name)
}

fn sync_rights(environment: &Environment) -> Result<Vec<Desired>, PlanError> {
    let name = account("sync", environment);
    // An environment that is bound to one namespace may only keep that one as it is.
    let namespaces = match &environment.namespace {
        None => json!([{
            "apiGroups": [""], "resources": ["namespaces"],
            "verbs": ["get", "list", "watch", "create", "patch"],
        }]),
        Some(namespace) => json!([{
            "apiGroups": [""], "resources": ["namespaces"], "resourceNames": [namespace],
            "verbs": ["get", "patch"],
        }]),
    };
    let kustomizations = json!([{
        "apiGroups": ["kustomize.toolkit.fluxcd.io"], "resources": ["kustomizations"],
        "verbs": ["get", "list", "watch", "create", "patch", "update", "delete"],
    }]);
    let in_flux = json!({"name": name, "namespace": FLUX_NAMESPACE});
    [
        json!({"apiVersion": RBAC_V1, "kind": "Role", "metadata": in_flux, "rules": kustomizations}),
        namespaced_binding(FLUX_NAMESPACE, &name, "Role", &name),
        json!({
            "apiVersion": RBAC_V1, "kind": "ClusterRole", "metadata": {"name": name},
            "rules": namespaces,
        }),
        cluster_binding(&name, &name, &name),
    ]
    .into_iter()
    .map(|object| Desired::new(Intent::Ours, object))
    .collect()
}

fn apply_rights(environment: &Environment) -> Result<Vec<Desired>, PlanError> {
    let name = account("apply", environment);
    let everywhere = cluster_binding(&name, "admin", &name);
    let Some(namespace) = &environment.namespace else {
        return Ok(vec![Desired::new(Intent::Ours, everywhere)?]);
    };
    let made = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {
            "name": namespace,
            "annotations": {"kustomize.toolkit.fluxcd.io/prune": "disabled"},
        },
    });
    Ok(vec![
        // It may have been an environment of the whole cluster before.
        Desired::new(Intent::Absent, everywhere)?,
        Desired::new(Intent::Shared, made)?,
        Desired::new(Intent::Ours, namespaced_binding(namespace, &name, "ClusterRole", "admin"))?,
    ])
}

/// Flux alone takes these accounts on, by impersonation; no pod ever gets their token.
fn service_account(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": FLUX_NAMESPACE},
        "automountServiceAccountToken": false,
    })
}

fn cluster_binding(name: &str, role: &str, account: &str) -> Value {
    json!({
        "apiVersion": RBAC_V1, "kind": "ClusterRoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": FLUX_NAMESPACE}],
    })
}

fn namespaced_binding(namespace: &str, account: &str, kind: &str, role: &str) -> Value {
    json!({
        "apiVersion": RBAC_V1, "kind": "RoleBinding",
        "metadata": {"name": account, "namespace": namespace},
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": FLUX_NAMESPACE}],
    })
}

fn credential(
    environment: &Environment,
    part: &str,
    location: &GitLocation,
    access: &AppsAccess,
    inputs: &Inputs<'_>,
) -> Result<Option<Desired>, PlanError> {
    let secret = |username: &str, password: &SecretString| {
        json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": git_credential(environment, part), "namespace": FLUX_NAMESPACE},
            "type": "Opaque",
            "data": {
                "username": STANDARD.encode(username),
                "password": STANDARD.encode(password.expose_secret()),
            },
        })
    };
    let mut made = match access {
        AppsAccess::Public | AppsAccess::Kept => return Ok(None),
        AppsAccess::BuiltIn => secret(&environment.git_user, inputs.git_password),
        AppsAccess::Given(given) => secret(&given.username, &given.password),
    };
    let is_owners = matches!(access, AppsAccess::Given(_));
    // Beside the public roots, Flux trusts the control plane's own, for its own git server alone.
    if !is_owners && location.url.starts_with("https:") {
        made["data"]["ca.crt"] = Value::from(STANDARD.encode(inputs.root.to_pem()));
    }
    label(&mut made, GIT_CREDENTIAL_LABEL, if is_owners { OWNERS } else { "git" });
    Desired::new(Intent::Ours, made).map(Some)
}

/// The name of an environment's source and Kustomization. It says `builtin` wherever the repository lies:
/// existing tools look for an environment's objects by this name, and an environment keeps its name when
/// its repository moves.
fn flux_name(environment: &Environment, part: &str) -> String {
    format!("builtin-{}-{part}", environment.name)
}

fn source(
    environment: &Environment,
    part: &str,
    location: &GitLocation,
    has_secret: bool,
) -> Value {
    let mut spec = json!({
        // The agent pokes Flux after each commit; this is for when it cannot.
        "interval": "1m",
        "timeout": "60s",
        "url": location.url,
        "ref": {"branch": location.branch},
        "ignore": ".gimlet\n",
    });
    if has_secret {
        spec["secretRef"] = json!({"name": git_credential(environment, part)});
    }
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": flux_name(environment, part), "namespace": FLUX_NAMESPACE},
        "spec": spec,
    })
}

fn kustomization(environment: &Environment, part: &str) -> Value {
    let mut spec = json!({
        "interval": "10m",
        "retryInterval": "30s",
        "prune": true,
        "sourceRef": {"kind": "GitRepository", "name": flux_name(environment, part)},
    });
    if part == "apps" {
        spec["path"] = json!("./flux");
        spec["serviceAccountName"] = json!(account("sync", environment));
    } else {
        spec["path"] = json!("./");
        spec["serviceAccountName"] = json!(account("infra", environment));
        spec["timeout"] = json!("5m");
    }
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": flux_name(environment, part), "namespace": FLUX_NAMESPACE},
        "spec": spec,
    })
}
