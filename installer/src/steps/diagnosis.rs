//! Why something is not ready, in words, and what to do about it. Pure.

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{ContainerStatus, Pod},
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use serde_json::Value;

use super::wait::Standing;

fn pending(cause: impl Into<String>, remedy: impl Into<String>) -> Standing {
    Standing::Pending { cause: cause.into(), remedy: remedy.into() }
}

/// Something that was applied, and is not there any more.
pub(super) fn gone(subject: &str) -> Standing {
    let cause = format!("{subject} is not there");
    pending(cause, "someone removed it, or the cluster is very slow: look at it with kubectl")
}

pub(super) fn of_kind(found: Option<&CustomResourceDefinition>) -> Standing {
    let conditions = found.and_then(|found| found.status.as_ref()?.conditions.as_ref());
    let condition = |wanted: &str, status: &str| {
        conditions.into_iter().flatten().find(|c| c.type_ == wanted && c.status == status)
    };
    if condition("Established", "True").is_some() {
        return Standing::Ready;
    }
    let refused = condition("NamesAccepted", "False").and_then(|c| c.message.clone());
    match refused {
        Some(message) => {
            pending(message, "another program's kinds have the same names: remove those")
        }
        None => pending("the API server does not serve it yet", "the API server may be overloaded"),
    }
}

/// Whether every replica is there, in its newest form.
pub(super) fn is_available(deployment: &Deployment) -> bool {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let Some(status) = &deployment.status else { return false };
    status.observed_generation >= deployment.metadata.generation
        && status.updated_replicas.unwrap_or(0) >= wanted
        && status.available_replicas.unwrap_or(0) >= wanted
}

/// The label selector of a Deployment's pods.
pub(super) fn pod_selector(deployment: &Deployment) -> String {
    let labels = deployment.spec.as_ref().and_then(|spec| spec.selector.match_labels.as_ref());
    let pairs: Vec<_> =
        labels.into_iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(",")
}

/// Why a Deployment is not available. `unready` is what to say when its pod runs without being ready.
pub(super) fn of_deployment(deployment: &Deployment, pods: &[Pod], unready: &str) -> Standing {
    let name = deployment.metadata.name.as_deref().unwrap_or_default();
    let namespace = deployment.metadata.namespace.as_deref().unwrap_or_default();
    let refused = deployment.status.as_ref().and_then(|status| {
        status
            .conditions
            .iter()
            .flatten()
            .find(|c| c.type_ == "ReplicaFailure" && c.status == "True")
    });
    if let Some(condition) = refused {
        let cause = condition.message.clone().unwrap_or_else(|| "its pod is refused".into());
        return pending(
            cause,
            "a quota or an admission rule of the cluster refuses the pod: allow it",
        );
    }
    let troubles = pods.iter().filter_map(|pod| trouble(pod, namespace, name));
    if let Some(standing) = troubles.into_iter().next() {
        return standing;
    }
    let runs = pods.iter().any(|pod| {
        pod.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some("Running"))
    });
    if runs {
        let logs = format!("kubectl -n {namespace} logs deployment/{name}");
        return pending("its pod runs, and is not ready", format!("{unready}: {logs}"));
    }
    pending("its pod is not running yet", format!("see kubectl -n {namespace} describe pods"))
}

fn trouble(pod: &Pod, namespace: &str, name: &str) -> Option<Standing> {
    let status = pod.status.as_ref()?;
    let unscheduled = status
        .conditions
        .iter()
        .flatten()
        .find(|c| c.type_ == "PodScheduled" && c.status == "False");
    if let Some(condition) = unscheduled {
        let cause = condition.message.clone().unwrap_or_else(|| "no node takes its pod".into());
        return Some(pending(cause, "make room on a node, or add one"));
    }
    let statuses = [&status.init_container_statuses, &status.container_statuses];
    statuses
        .into_iter()
        .flatten()
        .flatten()
        .find_map(|container| container_trouble(container, namespace, name))
}

fn container_trouble(container: &ContainerStatus, namespace: &str, name: &str) -> Option<Standing> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let message = waiting.message.clone().unwrap_or_default();
    let image = &container.image;
    Some(match waiting.reason.as_deref()? {
        "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" => pending(
            format!("the image {image} cannot be pulled: {message}"),
            "check that it exists, and that the nodes reach its registry and may read from it",
        ),
        "InvalidImageName" => pending(format!("{image} is no image"), "correct it with --image"),
        "CrashLoopBackOff" => pending(
            "its container ends again and again",
            format!("see why: kubectl -n {namespace} logs deployment/{name} --previous"),
        ),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            pending(message, format!("see kubectl -n {namespace} describe deployment/{name}"))
        }
        _ => return None,
    })
}

/// Why a Flux source is not ready.
pub(super) fn of_source(source: &Value) -> Standing {
    const REMEDY: &str = "check that the cluster reaches the repository's address and, if it is on \
                          another git host, the credential of --git-credential-file; see kubectl -n flux-system describe gitrepositories";
    let number = |pointer: &str| source.pointer(pointer).and_then(Value::as_i64);
    let conditions = source.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    let seen = number("/status/observedGeneration") >= number("/metadata/generation");
    match ready {
        Some(condition) if condition["status"] == "True" && seen => Standing::Ready,
        Some(condition) if condition["status"] == "False" => {
            let message = condition["message"].as_str().unwrap_or("Flux could not fetch it");
            pending(message, REMEDY)
        }
        _ => pending(
            "Flux has not fetched it yet",
            "see whether source-controller runs: kubectl -n flux-system get pods",
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(status: Value) -> Deployment {
        serde_json::from_value(json!({
            "metadata": {"name": "gimlet-agent", "namespace": "infrastructure", "generation": 2},
            "spec": {"selector": {"matchLabels": {"a": "b", "c": "d"}}, "template": {}},
            "status": status,
        }))
        .unwrap()
    }

    fn pod(status: Value) -> Pod {
        serde_json::from_value(json!({"status": status})).unwrap()
    }

    fn cause(status: Value) -> String {
        match of_deployment(&deployment(json!({})), &[pod(status)], "it waits") {
            Standing::Pending { cause, remedy } => format!("{cause} | {remedy}"),
            Standing::Ready => "ready".into(),
        }
    }

    #[test]
    fn a_deployment_is_available_when_its_newest_form_runs() {
        let status = |generation: i64, updated: i32| json!({"observedGeneration": generation, "updatedReplicas": updated, "availableReplicas": 1});
        assert!(is_available(&deployment(status(2, 1))));
        assert!(!is_available(&deployment(status(1, 1))));
        assert!(!is_available(&deployment(status(2, 0))));
        assert!(!is_available(&deployment(json!({}))));
        assert_eq!(pod_selector(&deployment(json!({}))), "a=b,c=d");
    }

    #[test]
    fn each_trouble_of_a_pod_has_a_cause_and_a_remedy() {
        let waiting = |reason: &str| {
            json!({"containerStatuses": [{
                "name": "agent", "image": "x/agent:1", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"waiting": {"reason": reason, "message": "no such host"}},
            }]})
        };
        let unscheduled = json!({"conditions": [
            {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"},
        ]});
        assert!(
            cause(waiting("ImagePullBackOff")).contains("x/agent:1 cannot be pulled: no such host")
        );
        assert!(
            cause(waiting("CrashLoopBackOff")).contains("logs deployment/gimlet-agent --previous")
        );
        assert!(cause(waiting("CreateContainerConfigError")).starts_with("no such host"));
        assert!(cause(waiting("ContainerCreating")).starts_with("its pod is not running yet"));
        assert!(cause(unscheduled).starts_with("0/1 nodes are available"));
        assert!(cause(json!({"phase": "Running"})).contains("it waits: kubectl"));
    }

    #[test]
    fn a_pod_that_is_refused_is_told_apart_from_one_that_is_late() {
        let status = json!({"conditions": [
            {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"},
        ]});
        let standing = of_deployment(&deployment(status), &[], "");
        assert!(matches!(standing, Standing::Pending { cause, .. } if cause == "exceeded quota"));
    }

    #[test]
    fn a_source_is_ready_only_in_its_newest_form() {
        let source = |observed: i64, status: &str| {
            json!({
                "metadata": {"generation": 2},
                "status": {"observedGeneration": observed, "conditions": [
                    {"type": "Ready", "status": status, "message": "authentication required"},
                ]},
            })
        };
        assert_eq!(of_source(&source(2, "True")), Standing::Ready);
        assert_ne!(of_source(&source(1, "True")), Standing::Ready);
        let refused = of_source(&source(2, "False"));
        assert!(
            matches!(refused, Standing::Pending { cause, .. } if cause == "authentication required")
        );
        assert_ne!(of_source(&json!({})), Standing::Ready);
    }
}
