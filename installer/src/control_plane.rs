//! The control plane's agent port, as far as the installer needs it: its root, and what to install.

use std::time::Duration;

use gimlet_shared::enrol::{ClusterPlan, DescribeCluster};
use reqwest::{Client, Response, StatusCode, redirect::Policy};
use url::Url;

use crate::{EnrolmentToken, Fingerprint, RootError, TrustedRoot};

/// A root is some kilobytes; an answer grows with the number of environments.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// A person waits for this; every step behind it is short.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// The control plane, trusted by one root alone.
#[derive(Debug)]
pub struct ControlPlane {
    http: Client,
    server: Url,
}

/// Why the control plane did not answer as hoped. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ControlPlaneError {
    /// The HTTP client could not be made.
    #[error("could not prepare the connection to the control plane")]
    Prepare(#[source] reqwest::Error),
    /// No connection, or no trust.
    #[error(
        "could not reach the control plane at {server}; check that its agent port is open from here, \
         that HTTPS_PROXY and NO_PROXY are right, and that the root is the one of the fleet page"
    )]
    Unreachable {
        /// Its address.
        server: String,
        /// What the client said.
        source: reqwest::Error,
    },
    /// The token is not, or no longer, good.
    #[error(
        "the control plane does not accept the enrolment token: it is unknown, already used, or older \
         than 15 minutes; make a new one on the fleet page"
    )]
    TokenRefused,
    /// Any other status.
    #[error("the control plane at {server} answered {path} with {status}: {message}")]
    Status {
        /// Its address.
        server: String,
        /// What was asked.
        path: &'static str,
        /// What came.
        status: StatusCode,
        /// The beginning of the answer's text.
        message: String,
    },
    /// An answer that is too long, or not of the expected form.
    #[error(
        "the control plane at {server} answered {path} with something that is not understood ({reason}); \
             this installer may be older or newer than it"
    )]
    Malformed {
        /// Its address.
        server: String,
        /// What was asked.
        path: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The root that came is not the expected one.
    #[error(transparent)]
    Root(#[from] RootError),
}

impl ControlPlane {
    /// Will talk to `server`, and trust nothing but `root` for it.
    ///
    /// # Errors
    /// When the root cannot be used as a trust anchor.
    pub fn new(server: Url, root: &TrustedRoot) -> Result<Self, ControlPlaneError> {
        let roots = root
            .certificates()
            .iter()
            .map(|certificate| reqwest::Certificate::from_der(certificate))
            .collect::<Result<Vec<_>, _>>()
            .map_err(ControlPlaneError::Prepare)?;
        let http = client().tls_certs_only(roots).build().map_err(ControlPlaneError::Prepare)?;
        Ok(Self { http, server })
    }

    /// Asks what to install on the cluster that `token` belongs to. The token stays good.
    ///
    /// # Errors
    /// [`ControlPlaneError::TokenRefused`] when the token is not good any more, and whatever the
    /// network brings.
    pub async fn describe(
        &self,
        token: &EnrolmentToken,
        cluster: &DescribeCluster,
    ) -> Result<ClusterPlan, ControlPlaneError> {
        const PATH: &str = "/enrolment/cluster";
        let request =
            self.http.post(at(&self.server, PATH)).bearer_auth(token.expose()).json(cluster);
        let response = request.send().await.map_err(|error| unreachable_at(&self.server, error))?;
        if response.status() == StatusCode::UNAUTHORIZED {
            return Err(ControlPlaneError::TokenRefused);
        }
        let body = successful_body(&self.server, PATH, response).await?;
        serde_json::from_slice(&body).map_err(|error| ControlPlaneError::Malformed {
            server: self.server.to_string(),
            path: PATH,
            reason: error.to_string(),
        })
    }
}

/// Fetches the root of the control plane at `server`, and keeps the certificate that has this
/// fingerprint. The connection itself is not verified: the fingerprint is what is trusted.
///
/// # Errors
/// When it cannot be fetched, or has another fingerprint.
pub async fn fetch_root(
    server: &Url,
    fingerprint: Fingerprint,
) -> Result<TrustedRoot, ControlPlaneError> {
    const PATH: &str = "/root.pem";
    let http = client()
        .tls_danger_accept_invalid_certs(true)
        .build()
        .map_err(ControlPlaneError::Prepare)?;
    let response =
        http.get(at(server, PATH)).send().await.map_err(|error| unreachable_at(server, error))?;
    let body = successful_body(server, PATH, response).await?;
    Ok(TrustedRoot::from_pem(&body)?.only(fingerprint)?)
}

fn client() -> reqwest::ClientBuilder {
    // A redirect would carry the token elsewhere; the agent port has none.
    Client::builder()
        .redirect(Policy::none())
        .https_only(true)
        .connect_timeout(Duration::from_secs(10))
        .timeout(REQUEST_TIMEOUT)
        .user_agent(concat!("gimlet-install/", env!("CARGO_PKG_VERSION")))
}

fn at(server: &Url, path: &str) -> Url {
    let mut url = server.clone();
    url.set_path(path);
    url
}

fn unreachable_at(server: &Url, error: reqwest::Error) -> ControlPlaneError {
    ControlPlaneError::Unreachable { server: server.to_string(), source: error.without_url() }
}

async fn successful_body(
    server: &Url,
    path: &'static str,
    mut response: Response,
) -> Result<Vec<u8>, ControlPlaneError> {
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable_at(server, error))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER_BYTES {
            let reason = format!("longer than {MAX_ANSWER_BYTES} bytes");
            return Err(ControlPlaneError::Malformed { server: server.to_string(), path, reason });
        }
    }
    if status.is_success() {
        return Ok(body);
    }
    let message = String::from_utf8_lossy(&body).chars().take(300).collect();
    Err(ControlPlaneError::Status { server: server.to_string(), path, status, message })
}
