//! How the agent comes to its first certificate: the key is made here, a request for its certificate goes
//! out with the single-use token, and the certificate comes back.
//!
//! The key is stored before the token is spent, so that an agent that dies in between asks again with the
//! same key, which the control plane answers again.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use gimlet_shared::{
    crash_point,
    enrol::{IssuedCertificate, RequestCertificate},
};
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;
use tracing::{info, warn};

use crate::{
    dial::{DialError, Dialer, Stream, tls},
    identity::{Identity, IdentityError, IdentityStore, NewKey},
    watch::clean,
};

/// Where certificates are asked for.
const PATH: &str = "/enrolment/certificate";

/// A certificate chain with its roots is a few kilobytes.
const MAX_ANSWER: usize = 256 * 1024;

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Nobody gave a token.
    #[error(
        "there is no enrolment token; run the install command that the control plane shows for this cluster"
    )]
    NoToken,
    /// The token does not count any more.
    #[error(
        "the control plane refused the enrolment token ({detail}); get a new install command for this cluster from it, and run that"
    )]
    TokenRefused {
        /// The control plane's sentence.
        detail: String,
    },
    /// Another answer than a certificate.
    #[error("the control plane answered the certificate request with {status}: {detail}")]
    Answer {
        /// HTTP status.
        status: StatusCode,
        /// The control plane's sentence.
        detail: String,
    },
    /// No connection.
    #[error("could not reach the control plane to ask for a certificate")]
    Dial {
        /// Why.
        source: DialError,
    },
    /// The request could not be made.
    #[error("could not make the certificate request")]
    Request {
        /// Why.
        source: http::Error,
    },
    /// The request was broken off.
    #[error("the certificate request was broken off")]
    Http {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer came in time.
    #[error("the control plane did not answer the certificate request within {} seconds", PATIENCE.as_secs())]
    TimedOut,
    /// The answer is not what it should be.
    #[error("the answer to the certificate request cannot be read")]
    Unreadable {
        /// Why.
        source: serde_json::Error,
    },
    /// The identity could not be made or kept.
    #[error("could not make or keep the agent's identity")]
    Identity {
        /// Why.
        #[from]
        source: IdentityError,
    },
}

/// The stored identity if it still holds; else a new one, for the token that was given.
///
/// A token that was not used before counts more than the stored identity: somebody ran the installer again.
///
/// # Errors
/// [`EnrolError`] if there is none to be had.
pub(crate) async fn identity(
    store: &IdentityStore,
    dialer: &Dialer,
    root_pem: &str,
    token_file: &Path,
    unix_now: i64,
) -> Result<Identity, EnrolError> {
    let stored = store.load().await?;
    let current = stored.identity.filter(|identity| identity.not_after > unix_now);
    let token = read_token(token_file).await;
    let token = token.filter(|token| stored.spent_token_sha256.as_ref() != Some(&hash(token)));
    let Some(token) = token else { return current.ok_or(EnrolError::NoToken) };
    let enrolled = enrol(store, dialer, root_pem, &token, stored.next).await;
    match (enrolled, current) {
        (Err(error), Some(current)) => {
            warn!(error = %gimlet_shared::error_chain::Chain(&error), "enrolment failed, going on with the identity there is");
            Ok(current)
        }
        (enrolled, _) => enrolled,
    }
}

async fn enrol(
    store: &IdentityStore,
    dialer: &Dialer,
    root_pem: &str,
    token: &SecretString,
    next: Option<NewKey>,
) -> Result<Identity, EnrolError> {
    let key = match next {
        Some(key) => key,
        None => {
            let key = NewKey::make()?;
            crash_point!("agent.key.before");
            store.keep_next(&key).await?;
            crash_point!("agent.key.after");
            key
        }
    };
    crash_point!("agent.enrol.before");
    let issued = ask(dialer, root_pem, token, &key).await?;
    crash_point!("agent.enrol.after");
    let identity = Identity::join(&key, issued)?;
    crash_point!("agent.identity.before");
    store.keep(&identity, Some(&hash(token))).await?;
    crash_point!("agent.identity.after");
    info!("enrolled; the certificate is stored");
    crash_point!("agent.token.before");
    if let Err(error) = store.drop_token().await {
        warn!(error = %gimlet_shared::error_chain::Chain(&error), "the spent enrolment token could not be removed");
    }
    crash_point!("agent.token.after");
    Ok(identity)
}

async fn ask(
    dialer: &Dialer,
    root_pem: &str,
    token: &SecretString,
    key: &NewKey,
) -> Result<IssuedCertificate, EnrolError> {
    let dial = |source| EnrolError::Dial { source };
    let stream = dialer.dial(tls(&[root_pem], None).map_err(dial)?).await.map_err(dial)?;
    let body = RequestCertificate { csr_pem: key.csr_pem.clone() };
    let body = serde_json::to_vec(&body).map_err(|source| EnrolError::Unreadable { source })?;
    let request = Request::post(PATH)
        .header(header::HOST, dialer.target())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", token.expose_secret()))
        .body(Full::new(Bytes::from(body)))
        .map_err(|source| EnrolError::Request { source })?;
    let (status, answer) =
        timeout(PATIENCE, exchange(stream, request)).await.map_err(|_| EnrolError::TimedOut)??;
    match status {
        StatusCode::OK | StatusCode::CREATED => {
            serde_json::from_slice(&answer).map_err(|source| EnrolError::Unreadable { source })
        }
        StatusCode::UNAUTHORIZED => Err(EnrolError::TokenRefused { detail: detail(&answer) }),
        status => Err(EnrolError::Answer { status, detail: detail(&answer) }),
    }
}

/// One request and its answer over a stream of its own.
async fn exchange(
    stream: Stream,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), EnrolError> {
    let broken = |source: hyper::Error| EnrolError::Http { source: source.into() };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|source| EnrolError::Http { source })?;
        Ok((status, body.to_bytes()))
    };
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        // The connection's own end says less than what the request makes of it.
        _ = connection => answer.await,
    }
}

/// The sentence of a problem+json answer, or the begin of whatever else came.
fn detail(answer: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Problem {
        detail: String,
    }
    let text = serde_json::from_slice::<Problem>(answer)
        .map_or_else(|_| String::from_utf8_lossy(answer).into_owned(), |problem| problem.detail);
    clean(&text).chars().take(500).collect()
}

async fn read_token(file: &Path) -> Option<SecretString> {
    let text = tokio::fs::read_to_string(file).await.ok()?;
    let token = text.trim();
    (!token.is_empty() && token.bytes().all(|it| it.is_ascii_graphic())).then(|| token.into())
}

fn hash(token: &SecretString) -> String {
    hex::encode(Sha256::digest(token.expose_secret()))
}

#[cfg(test)]
#[path = "enrol_tests.rs"]
mod tests;
