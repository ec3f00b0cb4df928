//! How a cluster joins: what the installer and the agent ask of the control plane's agent port.
//!
//! Both carry `Authorization: Bearer <enrolment token>`. The installer's question spends nothing;
//! the agent's certificate request spends the token.

use serde::{Deserialize, Serialize};

/// `POST /enrolment/cluster`: the installer describes the cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeCluster {
    /// The API server's version, such as `v1.34.4`.
    pub kubernetes_version: String,
    /// SHA-256, in hexadecimal, of the git password made on the cluster for Flux.
    pub git_password_sha256: String,
}

/// The answer to [`DescribeCluster`]: what to install.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterPlan {
    /// Which cluster the token belongs to.
    pub cluster: EnrolledCluster,
    /// The image of the agent, with tag or digest.
    pub agent_image: String,
    /// The environments to set up on it.
    pub environments: Vec<PlannedEnvironment>,
}

/// The cluster that a token enrols.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrolledCluster {
    /// Its id, `clu_…`.
    pub id: String,
    /// Its name in the organization.
    pub name: String,
}

/// One environment as Flux has to see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedEnvironment {
    /// Its name, a DNS label of at most 40 characters.
    pub name: String,
    /// The one namespace it is bound to; `None` is the whole cluster.
    pub namespace: Option<String>,
    /// The user name of Flux's git credential.
    pub git_user: String,
    /// What the cluster's owner installs on it.
    pub infra: GitLocation,
    /// What releases write.
    pub apps: GitLocation,
    /// Whose credential Flux reads `apps` with; absent: [`GitReader::BuiltIn`].
    #[serde(default)]
    pub apps_reader: GitReader,
}

/// Whose credential Flux reads a repository with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GitReader {
    /// The one that the installer makes, for the control plane's own git server.
    #[default]
    BuiltIn,
    /// One that the cluster's owner gives the installer, or none for a public repository. The control
    /// plane's own is not handed over: it may write.
    Owner,
}

/// A branch of a repository.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitLocation {
    /// URL for `git clone`.
    pub url: String,
    /// Branch that Flux follows.
    pub branch: String,
}

/// `POST /enrolment/certificate`: the agent spends the token. The key never leaves the cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestCertificate {
    /// PKCS#10 request in PEM; its subject is ignored, only its public key counts.
    pub csr_pem: String,
}

/// The answer to [`RequestCertificate`], and to a renewal over the link.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuedCertificate {
    /// Leaf first, then its issuers, in PEM. The leaf's SPIFFE URI names organization and cluster.
    pub chain_pem: String,
    /// Every root to trust from now on, in PEM.
    pub roots_pem: String,
}
