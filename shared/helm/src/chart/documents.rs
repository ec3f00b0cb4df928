//! What templates printed: split into documents, told apart from hooks, and sorted.

use std::sync::LazyLock;

use regex::Regex;

use super::{ChartError, head};
use crate::{
    Dialect,
    value::{Str, Value},
    yaml,
};

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The template that it comes from.
    pub source: String,
    /// Its kind, if it has one.
    pub kind: Str,
    /// Its `apiVersion`.
    pub api_version: Str,
    /// Its name.
    pub name: Str,
    /// Its annotations.
    pub annotations: Vec<(Str, Str)>,
    /// The text.
    pub text: String,
}

/// A document that Helm applies at an event, and not with the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The document.
    pub document: Document,
    /// The events: `pre-install` and so on.
    pub events: Vec<String>,
    /// Hooks of one event go by their weight.
    pub weight: i64,
}

impl Hook {
    /// Whether it belongs to `helm test`.
    pub fn is_test(&self) -> bool {
        self.events.iter().any(|event| event == "test")
    }
}

/// Where Helm finds the events of a hook.
const HOOK: &str = "helm.sh/hook";
/// Where it finds the weight.
const WEIGHT: &str = "helm.sh/hook-weight";
/// The events there are; `test-success` is an older name of `test`.
const EVENTS: [&str; 10] = [
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
    "test-success",
];

/// Kinds in the order of their installation. Helm 3 does not know the last two.
const ORDER: [&str; 38] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];
/// How many of them Helm 3 knows.
const KNOWN_TO_3: usize = 36;

static SEPARATOR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:^|[\t\n\x0c\r ]*\n)---[\t\n\x0c\r ]*").ok());

/// Splits what each template printed, in the order of their names, and sorts it.
///
/// # Errors
/// A document that is no YAML, or whose head is not as Kubernetes has it.
pub fn sort(
    printed: &[(String, String)],
    dialect: Dialect,
) -> Result<(Vec<Document>, Vec<Hook>), ChartError> {
    let (mut documents, mut hooks) = (Vec::new(), Vec::new());
    for (source, content) in printed {
        let base = source.rsplit('/').next().unwrap_or(source);
        if base.starts_with('_') || content.trim().is_empty() {
            continue;
        }
        for text in split(content, dialect) {
            let document = read(source, text, dialect).map_err(|error| {
                ChartError::render(format!("YAML parse error on {source}: {error}"))
            })?;
            let hook = document.annotations.iter().find(|(key, _)| &**key == HOOK);
            match hook.map(|(_, events)| events.to_string()) {
                None => documents.push(document),
                // One that names an event that does not exist is dropped.
                Some(events) => hooks.extend(hook_of(document, &events)),
            }
        }
    }
    documents.sort_by(|a, b| rank(&a.kind, dialect).cmp(&rank(&b.kind, dialect)));
    hooks.sort_by(|a, b| rank(&a.document.kind, dialect).cmp(&rank(&b.document.kind, dialect)));
    Ok((documents, hooks))
}

/// Known kinds in their order, then the others by their names.
fn rank(kind: &str, dialect: Dialect) -> (usize, &str) {
    let known = match dialect {
        Dialect::Helm3 => &ORDER[..KNOWN_TO_3],
        Dialect::Helm4 => &ORDER[..],
    };
    match known.iter().position(|it| *it == kind) {
        Some(place) => (place, ""),
        None => (known.len(), kind),
    }
}

fn split(content: &str, dialect: Dialect) -> Vec<String> {
    let Some(separator) = SEPARATOR.as_ref() else { return Vec::new() };
    let content = match dialect {
        Dialect::Helm3 => content.trim(),
        Dialect::Helm4 => content.trim_start(),
    };
    let parts = separator.split(content).filter(|part| !part.is_empty());
    match dialect {
        Dialect::Helm3 => parts.map(|part| part.trim().to_owned()).collect(),
        Dialect::Helm4 => parts.filter(|part| !part.trim().is_empty()).map(str::to_owned).collect(),
    }
}

fn hook_of(document: Document, events: &str) -> Option<Hook> {
    let mut found = Vec::new();
    for event in events.split(',') {
        let event = event.trim().to_lowercase();
        let known = EVENTS.iter().find(|known| **known == event)?;
        found.push(if *known == "test-success" { "test" } else { known }.to_owned());
    }
    let weight = document.annotations.iter().find(|(key, _)| &**key == WEIGHT);
    let weight = weight.and_then(|(_, weight)| weight.parse().ok()).unwrap_or(0);
    Some(Hook { document, events: found, weight })
}

/// Reads the head of a document as strictly as Helm.
fn read(source: &str, text: String, dialect: Dialect) -> Result<Document, String> {
    let value = yaml::from_yaml(&text).map_err(|error| error.to_string())?;
    let package = match dialect {
        Dialect::Helm3 => "releaseutil.SimpleHead",
        Dialect::Helm4 => "util.SimpleHead",
    };
    let mut document = Document {
        source: source.to_owned(),
        kind: "".into(),
        api_version: "".into(),
        name: "".into(),
        annotations: Vec::new(),
        text,
    };
    let Some(map) = head::root(&value, package)? else { return Ok(document) };
    let reader = head::Reader::new("SimpleHead");
    for (key, value) in map.to_vec() {
        match key.to_ascii_lowercase().as_str() {
            "apiversion" => reader.text(&key, &value, &mut document.api_version)?,
            "kind" => reader.text(&key, &value, &mut document.kind)?,
            "metadata" => metadata(&value, &mut document)?,
            _ => {}
        }
    }
    Ok(document)
}

/// How Go prints the type of the field.
const METADATA: &str = "struct field SimpleHead.metadata of type struct { Name string \"json:\\\"name\\\"\"; \
                        Annotations map[string]string \"json:\\\"annotations\\\"\" }";

fn metadata(value: &Value, document: &mut Document) -> Result<(), String> {
    let map = match value {
        Value::Map(map) => map,
        Value::Nil | Value::Invalid => return Ok(()),
        other => return Err(head::wrong(other, METADATA)),
    };
    let reader = head::Reader::new("").inside("metadata");
    for (key, value) in map.to_vec() {
        match key.to_ascii_lowercase().as_str() {
            "name" => reader.text(&key, &value, &mut document.name)?,
            "annotations" => {
                document.annotations = reader.annotations(&key, &value)?.unwrap_or_default();
            }
            _ => {}
        }
    }
    Ok(())
}
