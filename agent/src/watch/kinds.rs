//! The watched kinds, with only the fields that are read. Everything else of an object is dropped while
//! it is decoded.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{OwnerReference, Time};
use kube::api::ObjectMeta;
use serde::{Deserialize, Deserializer};

use super::{
    pod::{DAEMON_SET_TEMPLATE, STATEFUL_SET_TEMPLATE},
    workload::{APPLIED_BY, POD_TEMPLATE_HASH},
};

/// Annotations that are read; others, such as the applied configuration, can be as large as the object.
const READ_ANNOTATIONS: [&str; 2] =
    ["deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"];

/// Labels that are read.
const READ_LABELS: [&str; 4] =
    [APPLIED_BY, POD_TEMPLATE_HASH, DAEMON_SET_TEMPLATE, STATEFUL_SET_TEMPLATE];

macro_rules! watched {
    ($($(#[$doc:meta])* $name:ident ($group:literal, $version:literal, $plural:literal)
        { $($(#[$attribute:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name {
            #[serde(deserialize_with = "small_metadata")]
            pub(crate) metadata: ObjectMeta,
            $($(#[$attribute])* #[serde(default, deserialize_with = "or_default")] pub(crate) $field: $type,)*
        }

        impl kube::Resource for $name {
            type DynamicType = ();
            type Scope = kube::core::NamespaceResourceScope;

            fn kind((): &()) -> std::borrow::Cow<'_, str> { stringify!($name).into() }
            fn group((): &()) -> std::borrow::Cow<'_, str> { $group.into() }
            fn version((): &()) -> std::borrow::Cow<'_, str> { $version.into() }
            fn plural((): &()) -> std::borrow::Cow<'_, str> { $plural.into() }
            fn meta(&self) -> &ObjectMeta { &self.metadata }
            fn meta_mut(&mut self) -> &mut ObjectMeta { &mut self.metadata }
        }
    )*};
}

watched! {
    Deployment("apps", "v1", "deployments") { spec: WorkloadSpec, status: WorkloadStatus }
    StatefulSet("apps", "v1", "statefulsets") { spec: WorkloadSpec, status: WorkloadStatus }
    DaemonSet("apps", "v1", "daemonsets") { spec: WorkloadSpec, status: DaemonSetStatus }
    /// Read only to know which template of a Deployment is its newest.
    ReplicaSet("apps", "v1", "replicasets") {}
    Job("batch", "v1", "jobs") { spec: JobSpec, status: JobStatus }
    Pod("", "v1", "pods") { spec: PodSpec, status: PodStatus }
    GitRepository("source.toolkit.fluxcd.io", "v1", "gitrepositories") { spec: FluxSpec, status: FluxStatus }
    Kustomization("kustomize.toolkit.fluxcd.io", "v1", "kustomizations") { spec: FluxSpec, status: FluxStatus }
    HelmRelease("helm.toolkit.fluxcd.io", "v2", "helmreleases") { spec: FluxSpec, status: FluxStatus }
    Ingress("networking.k8s.io", "v1", "ingresses") { spec: IngressSpec, status: Balanced }
    Service("", "v1", "services") { spec: ServiceSpec, status: Balanced }
    Gateway("gateway.networking.k8s.io", "v1", "gateways") { spec: GatewaySpec, status: GatewayStatus }
    HTTPRoute("gateway.networking.k8s.io", "v1", "httproutes") { spec: RouteSpec }
    Event("", "v1", "events") {
        involved_object: Involved,
        reason: String,
        message: String,
        last_timestamp: Option<Time>,
        event_time: Option<Time>,
        series: Option<EventSeries>,
    }
}

/// Declares structs whose absent and `null` fields are empty.
macro_rules! parts {
    ($($name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name {
            $($(#[$attribute])* #[serde(default, deserialize_with = "or_default")] pub(crate) $field: $type,)*
        }
    )*};
}

parts! {
    WorkloadSpec { replicas: Option<i32>, template: Template }
    WorkloadStatus {
        observed_generation: i64,
        replicas: i32,
        updated_replicas: i32,
        ready_replicas: i32,
        available_replicas: i32,
        update_revision: Option<String>,
        conditions: Vec<Condition>,
    }
    DaemonSetStatus {
        observed_generation: i64,
        desired_number_scheduled: i32,
        current_number_scheduled: i32,
        updated_number_scheduled: i32,
        number_ready: i32,
        number_available: i32,
    }
    JobSpec { completions: Option<i32>, template: Template }
    JobStatus { active: i32, succeeded: i32, failed: i32, conditions: Vec<Condition> }
    Template { spec: PodSpec }
    PodSpec {
        init_containers: Vec<ContainerSpec>,
        containers: Vec<ContainerSpec>,
        node_name: Option<String>,
    }
    ContainerSpec { name: String, image: String }
    PodStatus {
        phase: String,
        reason: String,
        message: String,
        conditions: Vec<Condition>,
        init_container_statuses: Vec<ContainerStatus>,
        container_statuses: Vec<ContainerStatus>,
    }
    ContainerStatus {
        name: String,
        ready: bool,
        restart_count: i32,
        state: ContainerStates,
        last_state: ContainerStates,
    }
    ContainerStates {
        waiting: Option<Waiting>,
        running: Option<Running>,
        terminated: Option<Terminated>,
    }
    Waiting { reason: String, message: String }
    Running {}
    Terminated { exit_code: i32, reason: String, message: String }
    Condition { #[serde(rename = "type")] kind: String, status: String, reason: String, message: String }
    FluxSpec { suspend: bool }
    FluxStatus {
        observed_generation: i64,
        conditions: Vec<Condition>,
        artifact: Option<Artifact>,
        last_applied_revision: Option<String>,
        last_attempted_revision: Option<String>,
        last_handled_reconcile_at: Option<String>,
        history: Vec<HelmSnapshot>,
    }
    Artifact { revision: Option<String> }
    HelmSnapshot { status: String, chart_version: Option<String> }
    IngressSpec { rules: Vec<IngressHost>, tls: Vec<IngressTls> }
    IngressHost { host: String, http: IngressHttp }
    IngressHttp { paths: Vec<IngressPath> }
    IngressPath { path: String }
    IngressTls { hosts: Vec<String> }
    Balanced { load_balancer: LoadBalancer }
    LoadBalancer { ingress: Vec<Address> }
    Address { hostname: String, ip: String, value: String }
    ServiceSpec { #[serde(rename = "type")] kind: String, ports: Vec<Port> }
    Port { name: String, port: i32 }
    GatewaySpec { listeners: Vec<GatewayListener> }
    GatewayListener { name: String, hostname: String, protocol: String, port: i32 }
    GatewayStatus { addresses: Vec<Address> }
    RouteSpec { hostnames: Vec<String>, parent_refs: Vec<ParentRef>, rules: Vec<RouteRule> }
    ParentRef { kind: Option<String>, namespace: Option<String>, name: String, section_name: Option<String> }
    RouteRule { matches: Vec<RouteMatch> }
    RouteMatch { path: Option<PathMatch> }
    PathMatch { #[serde(rename = "type")] kind: Option<String>, value: Option<String> }
    Involved { kind: String, uid: String, field_path: String }
    EventSeries { last_observed_time: Option<Time> }
}

impl Condition {
    /// The condition of this type, if it has this status.
    pub(crate) fn find<'a>(all: &'a [Self], kind: &str, status: &str) -> Option<&'a Self> {
        all.iter().find(|condition| condition.kind == kind && condition.status == status)
    }
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Kubernetes' own metadata type, filled without managed fields, and with the labels and annotations that are read.
fn small_metadata<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Small {
        name: Option<String>,
        namespace: Option<String>,
        uid: Option<String>,
        resource_version: Option<String>,
        generation: Option<i64>,
        labels: Option<BTreeMap<String, String>>,
        annotations: Option<BTreeMap<String, String>>,
        creation_timestamp: Option<Time>,
        deletion_timestamp: Option<Time>,
        owner_references: Option<Vec<OwnerReference>>,
    }
    let mut small = Small::deserialize(deserializer)?;
    if let Some(annotations) = &mut small.annotations {
        annotations.retain(|key, _| READ_ANNOTATIONS.contains(&key.as_str()));
    }
    if let Some(labels) = &mut small.labels {
        labels.retain(|key, _| READ_LABELS.contains(&key.as_str()));
    }
    Ok(ObjectMeta {
        name: small.name,
        namespace: small.namespace,
        uid: small.uid,
        resource_version: small.resource_version,
        generation: small.generation,
        labels: small.labels,
        annotations: small.annotations,
        creation_timestamp: small.creation_timestamp,
        deletion_timestamp: small.deletion_timestamp,
        owner_references: small.owner_references,
        ..ObjectMeta::default()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_read_is_not_kept() {
        let deployment: Deployment = serde_json::from_value(json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": "web",
                "namespace": "shop",
                "annotations": {
                    "deployment.kubernetes.io/revision": "3",
                    "kubectl.kubernetes.io/last-applied-configuration": "{…}"
                },
                "managedFields": [{"manager": "kustomize-controller"}]
            },
            "spec": {"replicas": 2, "strategy": {"type": "Recreate"}},
        }))
        .unwrap();
        assert_eq!(deployment.metadata.managed_fields, None);
        assert_eq!(deployment.metadata.annotations.unwrap().len(), 1);
        assert_eq!(deployment.spec.replicas, Some(2));
    }

    #[test]
    fn absent_and_null_fields_are_empty() {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"name": "web"},
            "status": {"conditions": null, "containerStatuses": [{"name": "web", "state": null}]},
        }))
        .unwrap();
        assert!(pod.spec.containers.is_empty());
        assert!(pod.status.conditions.is_empty());
        assert!(pod.status.container_statuses[0].state.waiting.is_none());
    }
}
