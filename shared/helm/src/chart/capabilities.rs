//! What a cluster can do, as charts ask for it.

use crate::{
    Dialect,
    format::quote,
    semver::Version,
    value::{List, ListKind, Method, Object, Value},
};

/// A version of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// As it is shown, with a `v`.
    version: String,
    /// What it is compared by; in Helm 3 the same.
    compared: String,
    major: String,
    minor: String,
}

impl KubeVersion {
    /// Reads one, with or without `v`.
    ///
    /// # Errors
    /// Helm's.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, String> {
        match dialect {
            Dialect::Helm3 => {
                let read = Version::parse(text, dialect).map_err(|error| refusal(text, &error))?;
                let version = format!("v{}", read);
                let [major, minor, _] = read.numbers.map(|number| number.to_string());
                Ok(Self { compared: version.clone(), version, major, minor })
            }
            Dialect::Helm4 => Self::generic(text).ok_or_else(|| {
                refusal(text, &format!("could not parse {} as version", quote(text)))
            }),
        }
    }

    /// As the libraries of Kubernetes read it: numbers in front, and whatever follows them.
    fn generic(text: &str) -> Option<Self> {
        let text = text.trim().strip_prefix('v').unwrap_or(text.trim());
        let end = text.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(text.len());
        let numbers = text[..end].trim_end_matches('.');
        let parts: Vec<&str> = numbers.split('.').collect();
        if parts.len() < 2 || parts.iter().any(|part| part.parse::<u32>().is_err()) {
            return None;
        }
        let (major, minor) = (parts[0].to_owned(), parts[1].to_owned());
        Some(Self { version: format!("v{text}"), compared: format!("v{numbers}"), major, minor })
    }

    /// What ranges are compared with, and what is printed.
    pub fn compared(&self) -> &str {
        &self.compared
    }
}

fn refusal(text: &str, why: &str) -> String {
    format!("invalid kube version '{text}': {why}")
}

/// What a cluster can do.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// Its version.
    pub kube_version: KubeVersion,
    /// `apps/v1`, `apps/v1/Deployment` and so on.
    pub api_versions: Vec<String>,
}

impl Capabilities {
    /// What Helm takes for granted when it asks no cluster.
    pub fn assumed(dialect: Dialect) -> Self {
        let (version, minor, versions) = match dialect {
            Dialect::Helm3 => ("v1.32.0", "32", HELM_3),
            Dialect::Helm4 => ("v1.36.0", "36", HELM_4),
        };
        Self {
            kube_version: KubeVersion {
                version: version.to_owned(),
                compared: version.to_owned(),
                major: "1".to_owned(),
                minor: minor.to_owned(),
            },
            api_versions: versions.iter().map(|version| (*version).to_owned()).collect(),
        }
    }

    /// The value of `.Capabilities`.
    pub(super) fn value(&self, dialect: Dialect) -> Value {
        let [types, version, set] = match dialect {
            Dialect::Helm3 => {
                ["*chartutil.Capabilities", "chartutil.KubeVersion", "chartutil.VersionSet"]
            }
            Dialect::Helm4 => ["*common.Capabilities", "common.KubeVersion", "common.VersionSet"],
        };
        let text = |text: &str| Value::str(text);
        let kube = &self.kube_version;
        let mut fields = vec![("Version", text(&kube.version))];
        if dialect == Dialect::Helm4 {
            fields.push((COMPARED, text(&kube.compared)));
        }
        fields.extend([("Major", text(&kube.major)), ("Minor", text(&kube.minor))]);
        let kube =
            Object::with_addressed_text(version, fields, KUBE_VERSION, kube.compared.as_str());
        let versions = self.api_versions.iter().map(|version| text(version)).collect();
        let fields = vec![
            ("KubeVersion", Value::Object(kube)),
            ("APIVersions", Value::List(List::new(ListKind::Named(set), versions))),
            ("HelmVersion", helm_version(dialect)),
        ];
        Value::Object(Object::new(types, fields, &[]))
    }
}

fn helm_version(dialect: Dialect) -> Value {
    let [version, commit, go] = match dialect {
        Dialect::Helm3 => ["v3.17.3", "e4da49785aa6e6ee2b86efd5dd9e43400318262b", "go1.23.7"],
        Dialect::Helm4 => ["v4.2.3", "43e8b7feece8beb0fcba47059ec9b522fd929a64", "go1.26.5"],
    };
    let mut fields = vec![
        ("Version", Value::str(version)),
        ("GitCommit", Value::str(commit)),
        ("GitTreeState", Value::str("clean")),
        ("GoVersion", Value::str(go)),
    ];
    if dialect == Dialect::Helm4 {
        fields.push(("KubeClientVersion", Value::str("v1.36")));
    }
    Value::Object(Object::new("version.BuildInfo", fields, &[]))
}

/// A field that templates cannot name.
const COMPARED: &str = "normalizedVersion";

/// What can be asked of a version.
const KUBE_VERSION: &[Method] = &[
    Method {
        name: "GitVersion",
        params: &[],
        run: |version, _| match version {
            Value::Object(object) => Ok(object.field("Version").cloned().unwrap_or_default()),
            _ => Ok(Value::Nil),
        },
    },
    Method {
        name: "String",
        params: &[],
        run: |version, _| match version {
            Value::Object(object) => {
                let found = object.field(COMPARED).or_else(|| object.field("Version"));
                Ok(found.cloned().unwrap_or_default())
            }
            _ => Ok(Value::Nil),
        },
    },
];

/// The groups and versions that Helm 3.17 knows.
const HELM_3: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "autoscaling/v2beta1",
    "autoscaling/v2beta2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1alpha1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha1",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1alpha1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// The groups and versions that Helm 4.2 knows.
const HELM_4: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha2",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];
