//! What a large cluster holds: applications with their Kustomizations, Deployments, old and new
//! `ReplicaSets` and pods, each object as large as the API server would make it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::scripted_cluster::{FLUX_NAMESPACE, Objects};

/// Pods of one Deployment.
const REPLICAS: usize = 5;

/// Deployments of one application: what serves, and what works behind it.
const DEPLOYMENTS: [&str; 2] = ["web", "worker"];

/// `ReplicaSets` that each Deployment keeps beside its newest.
const OLD_TEMPLATES: usize = 2;

/// Applications that share a namespace.
const APPS_OF_A_NAMESPACE: usize = 4;

/// Pods of one node.
const PODS_OF_A_NODE: usize = 60;

/// One pod in so many was restarted, and one in so many is not ready.
const RESTARTED: usize = 20;
const UNREADY: usize = 200;

const PODS: &str = "v1/pods";

/// A cluster with so many pods, all of them of applications that Flux applied.
#[derive(Clone, Copy, Debug)]
pub(super) struct LargeCluster {
    pods: usize,
}

/// One Deployment of one application.
struct Place {
    number: usize,
    app: String,
    name: String,
    namespace: String,
}

impl LargeCluster {
    pub(super) fn of(pods: usize) -> Self {
        Self { pods }
    }

    pub(super) fn pods(self) -> usize {
        self.pods
    }

    /// Makes everything.
    pub(super) fn put_into(self, objects: &Objects) {
        for place in self.places() {
            if place.name.ends_with(DEPLOYMENTS[0]) {
                objects.put("kustomize.toolkit.fluxcd.io/v1/kustomizations", place.kustomization());
                objects.put("networking.k8s.io/v1/ingresses", place.ingress());
            }
            objects.put("apps/v1/deployments", place.deployment());
            for age in 0..=OLD_TEMPLATES {
                objects.put("apps/v1/replicasets", place.replica_set(age));
            }
            for pod in self.pods_of(&place) {
                objects.put(PODS, place.pod(pod, 0));
            }
        }
    }

    /// Gives every pod a new status, as a kubelet does.
    pub(super) fn change_every_pod(self, objects: &Objects) {
        for place in self.places() {
            for pod in self.pods_of(&place) {
                let name = place.pod_name(pod);
                objects.change(PODS, &place.namespace, &name, |object| {
                    let restarts =
                        object["status"]["containerStatuses"][0]["restartCount"].as_u64();
                    object["status"] = status(pod, restarts.unwrap_or_default() + 1);
                });
            }
        }
    }

    fn places(self) -> impl Iterator<Item = Place> {
        (0..self.pods.div_ceil(REPLICAS)).map(|number| {
            let app = format!("checkout-{:04}", number / DEPLOYMENTS.len());
            let name = format!("{app}-{}", DEPLOYMENTS[number % DEPLOYMENTS.len()]);
            let namespace = number / DEPLOYMENTS.len() / APPS_OF_A_NAMESPACE;
            Place { number, app, name, namespace: format!("team-{namespace:03}") }
        })
    }

    fn pods_of(self, place: &Place) -> std::ops::Range<usize> {
        let first = place.number * REPLICAS;
        first..(first + REPLICAS).min(self.pods)
    }
}

impl Place {
    fn applier(&self) -> String {
        format!("builtin-prod-apps-{}", self.app)
    }

    /// The hash of a template, newest first.
    fn hash(&self, age: usize) -> String {
        format!("{:08x}{age:x}", (self.number as u32).wrapping_mul(0x9e37_79b1))
    }

    fn pod_name(&self, pod: usize) -> String {
        format!("{}-{}-{:05x}", self.name, self.hash(0), (pod * 7919) % 0xf_ffff)
    }

    fn image(&self) -> String {
        format!("registry.example.com/acme/{}:1.{}.0", self.app, self.number % 40)
    }

    fn labels(&self) -> Value {
        json!({
            "app.kubernetes.io/name": self.app, "app.kubernetes.io/instance": self.name,
            "app.kubernetes.io/managed-by": "gimlet", "gimlet.io/team": self.namespace,
        })
    }

    fn applied_labels(&self) -> Value {
        let mut labels = self.labels();
        labels["kustomize.toolkit.fluxcd.io/name"] = self.applier().into();
        labels["kustomize.toolkit.fluxcd.io/namespace"] = FLUX_NAMESPACE.into();
        labels
    }

    fn kustomization(&self) -> Value {
        let revision = "main@sha1:8f0a3c1d2e4b5a697887766554433221100ffeed";
        let condition = |kind: &str, reason: &str, message: String| {
            json!({"type": kind, "status": "True", "reason": reason, "message": message,
                   "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z"})
        };
        let inventory: Vec<_> = DEPLOYMENTS
            .iter()
            .map(|it| json!({"id": format!("{}_{}-{it}_apps_Deployment", self.namespace, self.app), "v": "v1"}))
            .collect();
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"namespace": FLUX_NAMESPACE, "name": self.applier(),
                         "managedFields": [managed_fields("kustomize-controller", 4)]},
            "spec": {"interval": "24h", "path": format!("./{}", self.app), "prune": true, "wait": true,
                     "timeout": "5m", "retryInterval": "30s", "targetNamespace": self.namespace,
                     "serviceAccountName": "gimlet-apps",
                     "sourceRef": {"kind": "GitRepository", "name": "builtin-prod-apps"}},
            "status": {
                "observedGeneration": 1, "lastAppliedRevision": revision, "lastAttemptedRevision": revision,
                "lastHandledReconcileAt": "cmd_01234567-89ab-7def-8123-456789abcdef",
                "inventory": {"entries": inventory},
                "conditions": [
                    condition("Ready", "ReconciliationSucceeded", format!("Applied revision: {revision}")),
                    condition("Healthy", "Succeeded", "Health check passed in 2.1s".to_owned()),
                ],
            },
        })
    }

    fn ingress(&self) -> Value {
        let host = format!("{}.example.com", self.app);
        json!({
            "metadata": {"namespace": self.namespace, "name": self.app, "labels": self.applied_labels(),
                         "managedFields": [managed_fields("kustomize-controller", 3)]},
            "spec": {"tls": [{"hosts": [host], "secretName": format!("{}-tls", self.app)}],
                     "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix",
                         "backend": {"service": {"name": self.app, "port": {"number": 80}}}}]}}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}},
        })
    }

    fn deployment(&self) -> Value {
        json!({
            "metadata": {"namespace": self.namespace, "name": self.name, "labels": self.applied_labels(),
                "annotations": {"deployment.kubernetes.io/revision": (OLD_TEMPLATES + 1).to_string()},
                "managedFields": [managed_fields("kustomize-controller", 10)]},
            "spec": {"replicas": REPLICAS, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
                     "selector": {"matchLabels": {"app.kubernetes.io/instance": self.name}},
                     "template": {"metadata": {"labels": self.labels()}, "spec": self.pod_spec()}},
            "status": {
                "observedGeneration": 1, "replicas": REPLICAS, "updatedReplicas": REPLICAS,
                "readyReplicas": REPLICAS, "availableReplicas": REPLICAS,
                "conditions": [condition("Available", true), condition("Progressing", true)],
            },
        })
    }

    fn replica_set(&self, age: usize) -> Value {
        let (hash, replicas) = (self.hash(age), if age == 0 { REPLICAS } else { 0 });
        let mut labels = self.labels();
        labels["pod-template-hash"] = hash.clone().into();
        json!({
            "metadata": {"namespace": self.namespace, "name": format!("{}-{hash}", self.name), "labels": labels,
                "annotations": {"deployment.kubernetes.io/revision": (OLD_TEMPLATES + 1 - age).to_string(),
                                "deployment.kubernetes.io/desired-replicas": "5"},
                "ownerReferences": [owner("Deployment", &self.name)],
                "managedFields": [managed_fields("kube-controller-manager", 10)]},
            "spec": {"replicas": replicas, "template": {"metadata": {"labels": labels}, "spec": self.pod_spec()}},
            "status": {"replicas": replicas, "readyReplicas": replicas, "observedGeneration": 1},
        })
    }

    fn pod(&self, number: usize, restarts: u64) -> Value {
        let hash = self.hash(0);
        let mut labels = self.labels();
        labels["pod-template-hash"] = hash.clone().into();
        let mut spec = self.pod_spec();
        spec["nodeName"] = format!("node-{:03}.example.internal", number / PODS_OF_A_NODE).into();
        let restarts = restarts + u64::from(number.is_multiple_of(RESTARTED));
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"namespace": self.namespace, "name": self.pod_name(number),
                "generateName": format!("{}-{hash}-", self.name), "labels": labels,
                "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "9090"},
                "ownerReferences": [owner("ReplicaSet", &format!("{}-{hash}", self.name))],
                "managedFields": [managed_fields("kube-controller-manager", 16), managed_fields("kubelet", 12)]},
            "spec": spec,
            "status": status(number, restarts),
        })
    }

    fn pod_spec(&self) -> Value {
        let container = |name: &str, image: String| {
            let env: Vec<_> = (0..12)
                .map(|it| json!({"name": format!("SETTING_{it:02}"), "value": format!("https://service-{it}.example.internal/{}", self.app)}))
                .collect();
            json!({
                "name": name, "image": image, "imagePullPolicy": "IfNotPresent", "env": env,
                "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
                "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
                "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080, "scheme": "HTTP"},
                                   "periodSeconds": 10, "timeoutSeconds": 1, "failureThreshold": 3},
                "livenessProbe": {"httpGet": {"path": "/livez", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10},
                "volumeMounts": [{"name": "config", "mountPath": "/etc/app", "readOnly": true},
                                 {"name": "kube-api-access", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true}],
                "securityContext": {"runAsNonRoot": true, "allowPrivilegeEscalation": false,
                                    "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true},
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            })
        };
        json!({
            "containers": [container("app", self.image()),
                           container("proxy", "registry.example.com/mesh/proxy:2.4.1".to_owned())],
            "volumes": [{"name": "config", "configMap": {"name": self.name, "defaultMode": 420}},
                        {"name": "kube-api-access", "projected": {"defaultMode": 420, "sources": [
                            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}]}}],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
                            {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
            "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
            "serviceAccountName": self.name, "terminationGracePeriodSeconds": 30, "enableServiceLinks": true,
        })
    }
}

fn owner(kind: &str, name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": true,
           "uid": "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", "blockOwnerDeletion": true})
}

fn condition(kind: &str, is_true: bool) -> Value {
    let status = if is_true { "True" } else { "False" };
    json!({"type": kind, "status": status, "lastProbeTime": null,
           "lastTransitionTime": "2026-01-01T00:00:10Z"})
}

fn status(pod: usize, restarts: u64) -> Value {
    let is_ready = !pod.is_multiple_of(UNREADY) || pod == 0;
    let last = if restarts > 0 {
        json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": "2026-01-01T00:00:05Z",
                              "finishedAt": "2026-01-01T00:00:08Z"}})
    } else {
        json!({})
    };
    let container = |name: &str, restarts: u64, last: Value| {
        json!({"name": name, "ready": is_ready, "started": true, "restartCount": restarts, "lastState": last,
               "state": {"running": {"startedAt": "2026-01-01T00:00:09Z"}},
               "image": format!("registry.example.com/acme/{name}:1.0.0"),
               "imageID": "registry.example.com/acme/app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
               "containerID": "containerd://2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"})
    };
    json!({
        "phase": "Running", "qosClass": "Burstable", "startTime": "2026-01-01T00:00:01Z",
        "hostIP": "10.1.2.3", "podIP": "10.244.3.7", "podIPs": [{"ip": "10.244.3.7"}],
        "conditions": [condition("PodReadyToStartContainers", true), condition("Initialized", true),
                       condition("Ready", is_ready), condition("ContainersReady", is_ready),
                       condition("PodScheduled", true)],
        "containerStatuses": [container("app", restarts, last), container("proxy", 0, json!({}))],
    })
}

/// Who wrote which field: often a third of an object.
fn managed_fields(manager: &str, fields: usize) -> Value {
    let leaf = json!({".": {}, "f:name": {}, "f:value": {}, "f:image": {}, "f:resources": {}});
    let fields: BTreeMap<String, Value> =
        (0..fields).map(|it| (format!("k:{{\"name\":\"field-{it:02}\"}}"), leaf.clone())).collect();
    json!({"manager": manager, "operation": "Update", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
           "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:containers": fields}}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_has_the_pods_it_says_and_each_is_as_large_as_real_ones() {
        let objects = Objects::default();
        LargeCluster::of(52).put_into(&objects);
        let pods = objects.list(PODS);
        assert_eq!(pods.len(), 52);
        let size = pods.iter().map(|pod| pod.to_string().len()).sum::<usize>() / pods.len();
        assert!((6_000..12_000).contains(&size), "{size} bytes a pod");
        assert_eq!(objects.list("apps/v1/deployments").len(), 11);
        assert_eq!(objects.list("apps/v1/replicasets").len(), 33);
        assert_eq!(objects.list("kustomize.toolkit.fluxcd.io/v1/kustomizations").len(), 6);
    }

    #[test]
    fn every_pod_can_be_changed() {
        let objects = Objects::default();
        let cluster = LargeCluster::of(7);
        cluster.put_into(&objects);
        let version = *objects.versions().borrow();
        cluster.change_every_pod(&objects);
        assert_eq!(*objects.versions().borrow(), version + 7);
    }
}
