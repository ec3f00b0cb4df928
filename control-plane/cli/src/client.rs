//! The API over HTTP: one method per operation that a command needs.

mod calls;
mod probe;
mod stream;

use std::{sync::Arc, time::Duration};

use gimlet_shared::{api::Problem, backoff::Backoff};
use reqwest::{Method, Response, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

pub(crate) use self::{probe::Probe, stream::Events};
use crate::{Pace, error::CliError, server_url::ServerUrl, settings::TokenSource};

/// Lists of a hundred rows have some hundred kilobytes.
const LARGEST_ANSWER: usize = 16 << 20;
/// Pushing to git on the way of an answer takes the server seconds at most.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);
/// Tries of a request that may be repeated.
const TRIES: u32 = 4;
/// A server that asks for more patience is believed up to this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(10);

/// A server, and who speaks to it.
pub(crate) struct Endpoint {
    pub(crate) server: ServerUrl,
    pub(crate) token: Option<(SecretString, TokenSource)>,
    pub(crate) pace: Pace,
}

/// A client of one server.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    endpoint: Arc<Endpoint>,
}

/// One request.
struct Call<'a> {
    method: Method,
    /// Below `/api/v1`.
    path: &'a [&'a str],
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    idempotency_key: Option<String>,
}

impl<'a> Call<'a> {
    fn new(method: Method, path: &'a [&'a str]) -> Self {
        // What a member posts is carried out once under its key. Who logs in is nobody yet.
        let is_keyed = method == Method::POST && path.first() != Some(&"auth");
        let idempotency_key = is_keyed.then(|| Uuid::now_v7().to_string());
        Self { method, path, query: Vec::new(), body: None, idempotency_key }
    }

    /// Asking twice has the effect of asking once.
    fn is_repeatable(&self) -> bool {
        self.method == Method::GET || self.idempotency_key.is_some()
    }
}

impl Client {
    pub(crate) fn new(
        endpoint: Endpoint,
        builder: reqwest::ClientBuilder,
    ) -> Result<Self, CliError> {
        let http = builder
            .build()
            .map_err(|source| CliError::Unreachable { server: endpoint.server.clone(), source })?;
        Ok(Self { http, endpoint: Arc::new(endpoint) })
    }

    pub(crate) fn server(&self) -> &ServerUrl {
        &self.endpoint.server
    }

    /// Makes a call, again where that is harmless and may help, and reads its answer.
    async fn call<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, CliError> {
        let pace = self.endpoint.pace;
        let mut backoff = Backoff::new(pace.retry_first, pace.retry_longest);
        let mut tries = 1;
        loop {
            let (error, retry_after) = match self.attempt(&call).await {
                Ok(body) => return self.decode(&body),
                Err(failed) => failed,
            };
            if tries == TRIES || !call.is_repeatable() || !error.may_pass() {
                return Err(error);
            }
            tries += 1;
            let asked_for = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
            tokio::time::sleep(backoff.next_delay().max(asked_for)).await;
        }
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<Vec<u8>, (CliError, Option<Duration>)> {
        let answered = async {
            let response = self.send(call).await.map_err(|error| (error, None))?;
            let retry_after = retry_after(&response);
            let response = self.check(response).await.map_err(|error| (error, retry_after))?;
            self.read_body(response).await.map_err(|error| (error, None))
        };
        let silent = || (CliError::Silent { server: self.server().clone() }, None);
        tokio::time::timeout(ANSWER_DEADLINE, answered).await.unwrap_or_else(|_| Err(silent()))
    }

    async fn send(&self, call: &Call<'_>) -> Result<Response, CliError> {
        let mut request =
            self.http.request(call.method.clone(), self.server().operation(call.path, &call.query));
        if let Some((token, _)) = &self.endpoint.token {
            request = request.bearer_auth(token.expose_secret());
        }
        if let Some(key) = &call.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        request.send().await.map_err(|error| self.unreachable(error))
    }

    /// Lets a success pass, and turns everything else into an error.
    async fn check(&self, response: Response) -> Result<Response, CliError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let server = self.server().clone();
        let text = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        if status.is_redirection() {
            let to = text("location").unwrap_or_default();
            return Err(CliError::Moved { server, to });
        }
        let request_id = text("x-request-id");
        let is_problem =
            text("content-type").is_some_and(|kind| kind.starts_with("application/problem+json"));
        let body = self.read_body(response).await.unwrap_or_default();
        let problem = is_problem.then(|| serde_json::from_slice::<Problem>(&body).ok()).flatten();
        let Some(mut problem) = problem else {
            return Err(CliError::Unexplained { server, status: status.as_u16(), request_id });
        };
        problem.status = status.as_u16();
        problem.request_id = problem.request_id.or(request_id);
        let advice = (status == StatusCode::UNAUTHORIZED).then(|| self.login_advice());
        Err(CliError::Refused { problem: Box::new(problem), advice })
    }

    fn login_advice(&self) -> String {
        let server = self.server();
        match self.endpoint.token.as_ref().map(|(_, source)| source) {
            Some(TokenSource::Variable) => {
                format!(
                    "GIMLET_TOKEN is not valid at {server}; give it a new one, or unset it and log in"
                )
            }
            Some(TokenSource::Flag) => format!("the token of --token is not valid at {server}"),
            Some(TokenSource::File) | None => format!("run `gimlet auth login --server {server}`"),
        }
    }

    async fn read_body(&self, mut response: Response) -> Result<Vec<u8>, CliError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(error))? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(
                    self.foreign(format!("the answer is larger than {} MiB", LARGEST_ANSWER >> 20))
                );
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn decode<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, CliError> {
        // An operation without an answer decodes from `null` into `()`.
        let body = if body.is_empty() { b"null" } else { body };
        serde_json::from_slice(body)
            .map_err(|error| self.foreign(format!("the answer cannot be read: {error}")))
    }

    fn unreachable(&self, error: reqwest::Error) -> CliError {
        CliError::Unreachable { server: self.server().clone(), source: error.without_url() }
    }

    fn foreign(&self, what: String) -> CliError {
        CliError::Foreign { server: self.server().clone(), what }
    }
}

/// `Retry-After` in seconds; our server uses no other form.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}
