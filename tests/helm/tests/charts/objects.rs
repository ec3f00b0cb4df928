//! Whether objects have only fields that Kubernetes knows, of the right types.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::CronJob,
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service},
    networking::v1::Ingress,
    policy::v1::PodDisruptionBudget,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Kinds that are no part of Kubernetes itself.
const FOREIGN: [&str; 4] = ["SealedSecret", "ServiceMonitor", "PrometheusRule", "NetworkPolicy"];

/// Reads an object as its kind, and compares what is left of it: an unknown field would be gone.
pub(crate) fn check(object: &Value) -> Result<()> {
    let kind = object["kind"].as_str().context("an object has a kind")?;
    let left = match kind {
        "ConfigMap" => through::<ConfigMap>(object),
        "CronJob" => through::<CronJob>(object),
        "Deployment" => through::<Deployment>(object),
        "Ingress" => through::<Ingress>(object),
        "PersistentVolumeClaim" => through::<PersistentVolumeClaim>(object),
        "PodDisruptionBudget" => through::<PodDisruptionBudget>(object),
        "Secret" => through::<Secret>(object),
        "Service" => through::<Service>(object),
        other => {
            ensure!(FOREIGN.contains(&other), "a kind that nobody knows: {other}");
            return Ok(());
        }
    };
    let left = left.with_context(|| format!("{kind}: {object}"))?;
    ensure!(left == *object, "{kind} has fields that Kubernetes does not know:\n{object}\n{left}");
    Ok(())
}

fn through<T: Serialize + DeserializeOwned>(object: &Value) -> Result<Value> {
    let typed: T = serde_json::from_value(object.clone())?;
    Ok(serde_json::to_value(typed)?)
}
