//! What is on the cluster already, as far as it decides the plan.

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Secret},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use rand::{TryRngCore, rngs::OsRng};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use secrecy::SecretString;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use super::Cluster;
use crate::{
    AGENT_NAMESPACE, Environment, FLUX_NAMESPACE,
    plan::{FLUX_DEPLOYMENTS, Flux, GIT_CREDENTIAL_LABEL, OWNERS, REQUIRED_KINDS, git_credential},
    progress::Progress,
};

/// ValidatingAdmissionPolicy is stable since this minor version, and the agent's bounds need it.
const OLDEST_MINOR: u32 = 30;

/// What was found.
pub(super) struct Existing {
    pub(super) kubernetes_version: String,
    pub(super) flux: Flux,
    pub(super) git_password: SecretString,
    pub(super) identity: Identity,
}

/// Whether the agent has a certificate that still works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// It has; a token would be of no use to it.
    Valid,
    /// It has none, or one that ran out while it was away.
    Missing,
}

impl Existing {
    pub(super) async fn read(cluster: &Cluster, progress: &mut Progress) -> anyhow::Result<Self> {
        let kubernetes_version = cluster.version().await?;
        progress.note(&format!("Kubernetes {kubernetes_version}"));
        if minor_version(&kubernetes_version).is_some_and(|minor| minor < OLDEST_MINOR) {
            bail!(
                "Kubernetes {kubernetes_version} is too old: the bounds of the agent's rights need \
                 ValidatingAdmissionPolicy, which is stable since 1.{OLDEST_MINOR}; upgrade the cluster first"
            );
        }
        Ok(Self {
            flux: flux(cluster, progress).await?,
            git_password: git_password(cluster).await?,
            identity: identity(cluster).await?,
            kubernetes_version,
        })
    }
}

fn minor_version(version: &str) -> Option<u32> {
    let mut parts = version.trim_start_matches('v').split('.');
    match (parts.next()?, parts.next()?) {
        ("1", minor) => minor.trim_end_matches('+').parse().ok(),
        _ => None,
    }
}

async fn flux(cluster: &Cluster, progress: &mut Progress) -> anyhow::Result<Flux> {
    let mut found = Vec::new();
    for name in FLUX_DEPLOYMENTS {
        let deployment: Option<Deployment> =
            cluster.find_as(("apps/v1", "Deployment"), Some(FLUX_NAMESPACE), name).await?;
        found.extend(deployment.map(|deployment| (name, deployment)));
    }
    if found.len() < FLUX_DEPLOYMENTS.len() {
        return Ok(Flux::Missing);
    }
    let versions: Vec<_> = found
        .iter()
        .map(|(name, deployment)| format!("{name} {}", image_tag(deployment)))
        .collect();
    progress.note(&format!("Flux is there and stays as it is: {}", versions.join(", ")));
    require_kinds(cluster).await?;
    warn_of_missing_bounds(&found, progress);
    Ok(Flux::Present)
}

async fn require_kinds(cluster: &Cluster) -> anyhow::Result<()> {
    for (name, version) in REQUIRED_KINDS {
        let kind = ("apiextensions.k8s.io/v1", "CustomResourceDefinition");
        let found: Option<CustomResourceDefinition> = cluster.find_as(kind, None, name).await?;
        let serves = found.is_some_and(|found| {
            found.spec.versions.iter().any(|served| served.name == version && served.served)
        });
        if !serves {
            bail!(
                "the Flux on this cluster does not serve {version} of {name}; upgrade it to 2.3 or \
                 newer (`flux install`), then run this again"
            );
        }
    }
    Ok(())
}

/// Without these flags a repository could reach what belongs to another environment.
fn warn_of_missing_bounds(found: &[(&str, Deployment)], progress: &mut Progress) {
    let wanted = [
        ("kustomize-controller", "--no-cross-namespace-refs=true"),
        ("kustomize-controller", "--no-remote-bases=true"),
        ("helm-controller", "--no-cross-namespace-refs=true"),
    ];
    for (name, flag) in wanted {
        let Some((_, deployment)) = found.iter().find(|(found, _)| *found == name) else {
            continue;
        };
        let arguments =
            containers(deployment).flat_map(|container| container.args.iter().flatten());
        let bare = flag.trim_end_matches("=true");
        if !arguments.into_iter().any(|argument| argument == flag || argument == bare) {
            progress.note(&format!(
                "  warning: {name} runs without {flag}, so a gitops repository can reach further than \
                 its environment; add the flag where you configure Flux"
            ));
        }
    }
}

fn containers(
    deployment: &Deployment,
) -> impl Iterator<Item = &k8s_openapi::api::core::v1::Container> {
    let pod = deployment.spec.iter().filter_map(|spec| spec.template.spec.as_ref());
    pod.flat_map(|pod| &pod.containers)
}

fn image_tag(deployment: &Deployment) -> String {
    let image = containers(deployment).find_map(|container| container.image.as_deref());
    let name = image.and_then(|image| image.rsplit('/').next());
    name.and_then(|name| name.split_once(':')).map_or("unknown", |(_, tag)| tag).to_owned()
}

/// The password that Flux has, so that a second run changes nothing, or a new one.
async fn git_password(cluster: &Cluster) -> anyhow::Result<SecretString> {
    let selector = format!("{GIT_CREDENTIAL_LABEL}=git");
    let secrets: Vec<Secret> = cluster.list(FLUX_NAMESPACE, &selector).await?;
    let kept = secrets
        .iter()
        .filter_map(|secret| secret.data.as_ref()?.get("password"))
        .find_map(|password| String::from_utf8(password.0.clone()).ok())
        .filter(|password| !password.is_empty());
    match kept {
        Some(password) => Ok(password.into()),
        None => new_password(),
    }
}

/// Whether an earlier run brought a credential of the owner's for this environment's apps repository.
pub(super) async fn has_owners_credential(
    cluster: &Cluster,
    environment: &Environment,
) -> anyhow::Result<bool> {
    let name = git_credential(environment, "apps");
    let secret: Option<Secret> =
        cluster.find_as(("v1", "Secret"), Some(FLUX_NAMESPACE), &name).await?;
    let labels = secret.and_then(|secret| secret.metadata.labels).unwrap_or_default();
    Ok(labels.get(GIT_CREDENTIAL_LABEL).is_some_and(|value| value == OWNERS))
}

fn new_password() -> anyhow::Result<SecretString> {
    // 32 bytes: nobody guesses it, and hashing it once is enough.
    let mut bytes = [0; 32];
    OsRng
        .try_fill_bytes(&mut bytes)
        .context("could not get random bytes for Flux's git password")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes).into())
}

async fn identity(cluster: &Cluster) -> anyhow::Result<Identity> {
    let secret: Option<Secret> =
        cluster.find_as(("v1", "Secret"), Some(AGENT_NAMESPACE), "gimlet-agent-identity").await?;
    let data = secret.and_then(|secret| secret.data).unwrap_or_default();
    let valid = data.get("tls.crt").is_some_and(|chain| is_current(&chain.0));
    Ok(if valid { Identity::Valid } else { Identity::Missing })
}

/// Whether the first certificate of a PEM chain has not run out.
fn is_current(chain: &[u8]) -> bool {
    let Some(Ok(leaf)) = CertificateDer::pem_slice_iter(chain).next() else { return false };
    X509Certificate::from_der(&leaf).is_ok_and(|(_, leaf)| leaf.validity().is_valid())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;

    #[test]
    fn minor_versions_of_hosted_clusters_are_read() {
        for (text, minor) in [
            ("v1.34.4", Some(34)),
            ("v1.29+", Some(29)),
            ("v1.30.2-gke.1587003", Some(30)),
            ("v2.0.0", None),
            ("", None),
        ] {
            assert_eq!(minor_version(text), minor, "{text}");
        }
    }

    #[test]
    fn passwords_are_long_and_never_the_same() {
        let made: HashSet<_> =
            (0..20).map(|_| new_password().unwrap().expose_secret().to_owned()).collect();
        assert_eq!(made.len(), 20);
        assert!(made.iter().all(|password| password.len() == 43));
    }

    #[test]
    fn the_version_of_a_controller_is_its_images_tag() {
        let deployment: Deployment = serde_json::from_value(json!({
            "spec": {"selector": {}, "template": {"spec": {"containers": [
                {"name": "manager", "image": "registry:5000/fluxcd/source-controller:v1.7.3"},
            ]}}},
        }))
        .unwrap();
        assert_eq!(image_tag(&deployment), "v1.7.3");
    }

    #[test]
    fn a_certificate_that_ran_out_is_no_identity() {
        let mut parameters = rcgen::CertificateParams::new(vec!["agent".into()]).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let pem =
            |parameters: &rcgen::CertificateParams| parameters.self_signed(&key).unwrap().pem();
        assert!(is_current(pem(&parameters).as_bytes()));
        parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
        assert!(!is_current(pem(&parameters).as_bytes()));
        assert!(!is_current(b""));
    }
}
