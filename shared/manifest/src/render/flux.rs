//! A chart that Flux installs: a HelmRelease, and the source that it takes the chart from.

use gimlet_helm::value::{Entries, Value};

use super::dependencies::reference;
use super::output::{Origin, Output};
use super::patched::is_patched;
use crate::chart::{ChartSource, GitSource, GitTransport};
use crate::finding::ManifestError;
use crate::resolve::Resolved;

const FILE: &str = "helmrelease.yaml";
const SOURCES: &str = "source.toolkit.fluxcd.io/v1";
const RELEASES: &str = "helm.toolkit.fluxcd.io/v2";

/// How often Flux holds the release against the cluster; and the source against its origin. A commit of ours makes it
/// look at once.
const INTERVAL: &str = "10m";

/// Where charts lie in images of registries.
const CHART_LAYER: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// Adds the release and its source.
pub(super) fn add(
    resolved: &Resolved,
    source: &ChartSource,
    output: &mut Output<'_>,
) -> Result<(), ManifestError> {
    let fail = |message: &str| {
        Err(resolved.source.error_at(resolved.source.chart, "chart.install", message))
    };
    if is_patched(resolved) {
        return fail(
            "is `flux`, and patches are not applied to what Flux renders; use `install: render`",
        );
    }
    let (source, chart) = match source {
        ChartSource::Repository { url, name, version } => {
            helm_repository(resolved, url, name, version)
        }
        ChartSource::Oci { url, version } => oci_repository(resolved, url, version),
        ChartSource::Git(git) if git.transport == GitTransport::Http => git_chart(resolved, git),
        ChartSource::Git(_) => {
            return fail("is `flux`, which has no keys for ssh; write the chart's `https://` URL");
        }
        ChartSource::BuiltIn { .. } => {
            return fail("is `flux`, which cannot fetch a built-in chart; use `install: render`");
        }
        ChartSource::Folder { .. } => {
            return fail("is `flux`, which cannot read a folder; use `install: render`");
        }
    };
    let mut spec = vec![
        ("interval", Value::str(INTERVAL)),
        ("releaseName", Value::str(resolved.app.as_str())),
        chart,
    ];
    if !resolved.values.is_empty() {
        spec.push(("values", resolved.values.to_value()));
    }
    let release = object(RELEASES, "HelmRelease", &resolved.app, &resolved.namespace, map(spec));
    for object in [source, release] {
        output.add(&Origin::Made("chart"), FILE, &yaml(&object))?;
    }
    Ok(())
}

/// The source, and the field of the release that names it.
type Sourced = (Value, (&'static str, Value));

fn helm_repository(resolved: &Resolved, url: &str, name: &str, version: &str) -> Sourced {
    let spec = map([("interval", Value::str(INTERVAL)), ("url", Value::str(url))]);
    let mut chart = vec![("chart", Value::str(name))];
    if !version.is_empty() {
        chart.push(("version", Value::str(version)));
    }
    chart.push(("sourceRef", named(resolved, "HelmRepository")));
    (made(resolved, "HelmRepository", spec), ("chart", map([("spec", map(chart))])))
}

fn oci_repository(resolved: &Resolved, url: &str, version: &str) -> Sourced {
    // Tags of images have no `+`; Helm writes `_` for it.
    let is_exact = gimlet_helm::semver::Version::parse(version, gimlet_helm::Dialect::Helm4)
        .is_ok()
        && version.split('.').count() >= 3;
    let reference = match version {
        "" => ("semver", Value::str("*")),
        exact if is_exact => ("tag", Value::from(exact.replace('+', "_"))),
        range => ("semver", Value::str(range)),
    };
    let layer = map([("mediaType", Value::str(CHART_LAYER)), ("operation", Value::str("copy"))]);
    let spec = map([
        ("interval", Value::str(INTERVAL)),
        ("url", Value::str(url)),
        ("layerSelector", layer),
        ("ref", map([reference])),
    ]);
    (made(resolved, "OCIRepository", spec), ("chartRef", named(resolved, "OCIRepository")))
}

fn git_chart(resolved: &Resolved, git: &GitSource) -> Sourced {
    let source = git_repository(&resolved.app, &resolved.namespace, git, INTERVAL, None);
    let spec = map([
        ("chart", Value::from(format!("./{}", git.path))),
        ("reconcileStrategy", Value::str("Revision")),
        ("sourceRef", named(resolved, "GitRepository")),
    ]);
    (source, ("chart", map([("spec", spec)])))
}

/// A repository of git, as Flux's source-controller fetches it.
pub(super) fn git_repository(
    name: &str,
    namespace: &str,
    git: &GitSource,
    interval: &str,
    secret: Option<&str>,
) -> Value {
    let mut spec = vec![("interval", Value::str(interval)), ("url", Value::str(git.url.as_str()))];
    spec.extend(reference(&git.reference).map(|reference| ("ref", reference)));
    spec.extend(secret.map(|secret| ("secretRef", map([("name", Value::str(secret))]))));
    object(SOURCES, "GitRepository", name, namespace, map(spec))
}

fn made(resolved: &Resolved, kind: &str, spec: Value) -> Value {
    object(SOURCES, kind, &resolved.app, &resolved.namespace, spec)
}

fn named(resolved: &Resolved, kind: &str) -> Value {
    map([("kind", Value::str(kind)), ("name", Value::str(resolved.app.as_str()))])
}

/// An object of Kubernetes.
pub(super) fn object(
    api_version: &str,
    kind: &str,
    name: &str,
    namespace: &str,
    spec: Value,
) -> Value {
    let metadata = map([("name", Value::str(name)), ("namespace", Value::str(namespace))]);
    map([
        ("apiVersion", Value::str(api_version)),
        ("kind", Value::str(kind)),
        ("metadata", metadata),
        ("spec", spec),
    ])
}

/// A map of texts to anything.
pub(super) fn map(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::map(fields.into_iter().map(|(name, value)| (name.into(), value)).collect::<Entries>())
}

/// A document. What is written here is never a value that YAML lacks: numbers are finite, and nothing holds itself.
pub(super) fn yaml(object: &Value) -> String {
    gimlet_helm::yaml::to_yaml(object).unwrap_or_default()
}
