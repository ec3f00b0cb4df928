//! The agent: its namespaces, the bounds and rights it works in, its own objects and its Deployment.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Desired, Inputs, Intent, PlanError, Reference, environment::git_credential};
use crate::{AGENT_NAMESPACE, AppsAccess, Environment, FLUX_NAMESPACE};

const AGENT_ADMISSION: &str = include_str!("../../manifests/admission/agent.yaml");
const ENVIRONMENT_ADMISSION: &str = include_str!("../../manifests/admission/environments.yaml");
const RIGHTS: &str = include_str!("../../manifests/agent/rights.yaml");
const STATE: &str = include_str!("../../manifests/agent/state.yaml");
const DEPLOYMENT: &str = include_str!("../../manifests/agent/deployment.yaml");

pub(super) fn namespaces() -> Result<Vec<Desired>, PlanError> {
    let text = include_str!("../../manifests/agent/namespaces.yaml");
    Desired::from_yaml(Intent::Shared, "agent/namespaces.yaml", text)
}

pub(super) fn admission() -> Result<Vec<Desired>, PlanError> {
    let mut policies = Desired::from_yaml(Intent::Ours, "admission/agent.yaml", AGENT_ADMISSION)?;
    let environments = ("admission/environments.yaml", ENVIRONMENT_ADMISSION);
    policies.extend(Desired::from_yaml(Intent::Ours, environments.0, environments.1)?);
    Ok(policies)
}

pub(super) fn rights(environments: &[Environment]) -> Result<Vec<Desired>, PlanError> {
    let mut rights = Desired::from_yaml(Intent::Ours, "agent/rights.yaml", RIGHTS)?;
    rights.extend(git_credential_role(environments)?);
    Ok(rights)
}

/// The right to rotate the git credentials of these environments, by name.
///
/// # Errors
/// None in practice: its kinds are known.
pub fn git_credential_role(environments: &[Environment]) -> Result<Vec<Desired>, PlanError> {
    const NAME: &str = "gimlet-agent-git-credentials";
    let secrets: Vec<String> = environments
        .iter()
        .flat_map(|environment| {
            // A credential of the owner's is none of the agent's business.
            let apps = matches!(environment.apps_access, AppsAccess::BuiltIn).then_some("apps");
            apps.into_iter().chain(["infra"]).map(|part| git_credential(environment, part))
        })
        .collect();
    // An empty list of names would mean every Secret there, so without environments there is no rule.
    let rules = if secrets.is_empty() {
        json!([])
    } else {
        json!([{
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": secrets,
            "verbs": ["get", "update"],
        }])
    };
    let metadata = json!({"name": NAME, "namespace": FLUX_NAMESPACE});
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": metadata,
        "rules": rules,
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME},
        "subjects": [{
            "kind": "ServiceAccount", "name": "gimlet-agent", "namespace": AGENT_NAMESPACE,
        }],
    });
    Ok(vec![Desired::new(Intent::Ours, role)?, Desired::new(Intent::Ours, binding)?])
}

pub(super) fn objects(inputs: &Inputs<'_>) -> Result<Vec<Desired>, PlanError> {
    let mut objects = Desired::from_yaml(Intent::Once, "agent/state.yaml", STATE)?;
    objects.push(Desired::new(
        Intent::Ours,
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "gimlet-agent-root", "namespace": AGENT_NAMESPACE},
            "data": {"ca.crt": inputs.root.to_pem()},
        }),
    )?);
    objects.push(enrolment(inputs)?);
    objects.extend(deployment(inputs)?);
    Ok(objects)
}

fn enrolment(inputs: &Inputs<'_>) -> Result<Desired, PlanError> {
    let mut secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "gimlet-agent-enrolment", "namespace": AGENT_NAMESPACE},
        "type": "Opaque",
    });
    match inputs.token {
        Some(token) => {
            secret["data"] = json!({"token": STANDARD.encode(token.expose())});
            Desired::new(Intent::Ours, secret)
        }
        None => Desired::new(Intent::Once, secret),
    }
}

fn deployment(inputs: &Inputs<'_>) -> Result<Vec<Desired>, PlanError> {
    let mut deployment = Desired::from_yaml(Intent::Ours, "agent/deployment.yaml", DEPLOYMENT)?;
    let server = inputs.server.as_str().trim_end_matches('/');
    for desired in &mut deployment {
        // A cluster that moves to another control plane has another root: the agent reads it at its start.
        let root = Sha256::digest(inputs.root.to_pem().as_bytes());
        let template = &mut desired.object["spec"]["template"];
        template["metadata"]["annotations"]["gimlet.io/root-sha256"] =
            Value::from(hex::encode(root));
        let container = &mut template["spec"]["containers"][0];
        container["image"] = Value::from(inputs.image);
        if let Some(variables) = container["env"].as_array_mut() {
            variables.push(json!({"name": "GIMLET_SERVER", "value": server}));
        }
    }
    Ok(deployment)
}

/// What is removed when the agent is: first the agent, then its rights, and its bounds last, so that
/// there is no moment with rights and without bounds. The owner's policy object is not among them, nor
/// is anything that bounds or serves the environments.
///
/// # Errors
/// When a manifest that is compiled in cannot be read, which a test rules out.
pub fn agent_references() -> Result<Vec<Reference>, PlanError> {
    let mut objects = Desired::from_yaml(Intent::Ours, "agent/deployment.yaml", DEPLOYMENT)?;
    objects.extend(Desired::from_yaml(Intent::Once, "agent/state.yaml", STATE)?);
    for (kind, name) in [("ConfigMap", "gimlet-agent-root"), ("Secret", "gimlet-agent-enrolment")] {
        let metadata = json!({"name": name, "namespace": AGENT_NAMESPACE});
        let object = json!({"apiVersion": "v1", "kind": kind, "metadata": metadata});
        objects.push(Desired::new(Intent::Ours, object)?);
    }
    let mut rights = rights(&[])?;
    rights.reverse();
    objects.extend(rights);
    let mut bounds = Desired::from_yaml(Intent::Ours, "admission/agent.yaml", AGENT_ADMISSION)?;
    bounds.reverse();
    objects.extend(bounds);
    Ok(objects
        .into_iter()
        .map(|desired| desired.reference)
        .filter(|reference| reference.name != "gimlet-agent-policy")
        .collect())
}
