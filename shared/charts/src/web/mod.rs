//! Files of other hosts over HTTP: bounded, checked against the policy at every redirect, and without credentials
//! for anyone but the host that they belong to.

mod resolver;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use gimlet_remote::HostError;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, LOCATION,
};
use reqwest::{Client, ClientBuilder, Response, StatusCode, redirect};
use tokio::sync::Semaphore;
use url::{Host, Origin, Url};

use crate::error::FetchError;
use crate::policy::{Hosts, Policy};
use crate::source::shown;

/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// How long a host may take to answer a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a host may pause within an answer.
const PAUSE: Duration = Duration::from_secs(30);

/// How long one answer may take, with all its bytes.
const WHOLE: Duration = Duration::from_secs(120);

/// How many files are asked for at a time; each may hold an index or an archive in memory.
const CONCURRENT: usize = 16;

/// Asks other hosts.
#[derive(Debug)]
pub(crate) struct Web {
    client: Client,
    policy: Arc<Policy>,
    retries: Vec<Duration>,
    turns: Semaphore,
}

/// One file that is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) url: Url,
    pub(crate) accept: Option<&'static str>,
    pub(crate) authorization: Option<Authorization>,
    /// What is there already.
    pub(crate) etag: Option<String>,
    /// The most that is taken, in bytes.
    pub(crate) limit: u64,
}

/// Credentials, and the only place that they are for.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    pub(crate) header: HeaderValue,
    pub(crate) origin: Origin,
}

/// An answer; its body is there for a success only.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn etag(&self) -> Option<String> {
        self.headers.get(ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned)
    }

    /// The body of a success; every other status is an error about `place`.
    pub(crate) fn success(self, place: &Url) -> Result<Self, FetchError> {
        if self.status.is_success() {
            return Ok(self);
        }
        let (place, detail) = (shown(place), format!("status {}", self.status));
        Err(match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                FetchError::Denied { place, detail }
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => FetchError::NotFound { place },
            status if may_pass(status) => FetchError::Unreachable { place, detail },
            status => FetchError::malformed(place, format!("status {status}")),
        })
    }
}

fn may_pass(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

impl Web {
    /// Uses what `builder` brings of certificates and proxies. Where hosts are checked there is no proxy: it
    /// would resolve their names by itself.
    pub(crate) fn new(
        builder: ClientBuilder,
        policy: Arc<Policy>,
        retries: Vec<Duration>,
    ) -> Result<Self, reqwest::Error> {
        let builder = builder
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .read_timeout(PAUSE)
            .timeout(WHOLE);
        let builder = match &policy.hosts {
            Hosts::Any => builder,
            Hosts::Public { .. } => {
                builder.no_proxy().dns_resolver(resolver::Checked::new(policy.hosts.clone()))
            }
        };
        Ok(Self { client: builder.build()?, policy, retries, turns: Semaphore::new(CONCURRENT) })
    }

    /// Asks, and again after a pause where nobody answers.
    pub(crate) async fn get(&self, ask: &Ask) -> Result<Reply, FetchError> {
        let mut pauses = self.retries.iter();
        loop {
            let reply = self.get_once(ask).await;
            let failed = match &reply {
                Ok(reply) => may_pass(reply.status),
                Err(error) => error.is_temporary(),
            };
            match pauses.next() {
                Some(pause) if failed => tokio::time::sleep(*pause).await,
                _ => return reply,
            }
        }
    }

    async fn get_once(&self, ask: &Ask) -> Result<Reply, FetchError> {
        let cut_off = |_| FetchError::CutOff { place: shown(&ask.url) };
        let _turn = self.turns.acquire().await.map_err(cut_off)?;
        let mut url = ask.url.clone();
        // Whoever is led elsewhere gets no credentials any more, even where the way leads back.
        let mut authorization = ask.authorization.as_ref();
        for _ in 0..=REDIRECTS {
            authorization = authorization.filter(|it| it.origin == url.origin());
            let response = self.send(ask, &url, authorization).await?;
            match self.redirected(&url, &response)? {
                Some(next) => url = next,
                None => return read(response, &url, ask.limit).await,
            }
        }
        Err(FetchError::malformed(shown(&ask.url), format!("more than {REDIRECTS} redirects")))
    }

    async fn send(
        &self,
        ask: &Ask,
        url: &Url,
        authorization: Option<&Authorization>,
    ) -> Result<Response, FetchError> {
        self.check(url, authorization)?;
        let mut request = self.client.get(url.clone());
        if let Some(accept) = ask.accept {
            request = request.header(ACCEPT, accept);
        }
        if let Some(etag) = &ask.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization.header.clone());
        }
        request.send().await.map_err(|error| failure(url, error))
    }

    /// What is known before anything is dialled.
    fn check(&self, url: &Url, authorization: Option<&Authorization>) -> Result<(), FetchError> {
        let place = shown(url);
        if !matches!(url.scheme(), "http" | "https") {
            let fault = format!("the scheme {:?} is not supported; use https", url.scheme());
            return Err(FetchError::source_fault(place, fault));
        }
        let is_bare = url.scheme() == "http" && !self.policy.is_plain(url);
        if authorization.is_some() && is_bare {
            let fault = "credentials are sent over https only; change the address";
            return Err(FetchError::not_allowed(place, fault));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) => None,
            None => return Err(FetchError::source_fault(place, "the address has no host")),
        };
        match literal {
            Some(address) if !self.policy.hosts.allows(url.host_str().unwrap_or(""), address) => {
                let host = url.host_str().unwrap_or_default().to_owned();
                Err(refused(place, &HostError::NotPublic { host, address }))
            }
            _ => Ok(()),
        }
    }

    fn redirected(&self, from: &Url, response: &Response) -> Result<Option<Url>, FetchError> {
        let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
        let Some(location) = response.headers().get(LOCATION).filter(|_| is_redirect) else {
            return Ok(None);
        };
        let fault = |text: &str| FetchError::malformed(shown(from), text);
        let location = location.to_str().map_err(|_| fault("a redirect to no address"))?;
        let to = from.join(location).map_err(|_| fault("a redirect to no address"))?;
        if from.scheme() == "https" && to.scheme() != "https" {
            return Err(fault("a redirect away from https"));
        }
        Ok(Some(to))
    }
}

/// Reads an answer to its end, unless it is too long.
async fn read(mut response: Response, url: &Url, limit: u64) -> Result<Reply, FetchError> {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    if !status.is_success() {
        return Ok(Reply { status, headers, body });
    }
    let too_large = || FetchError::TooLarge { place: shown(url), limit };
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(url, error))? {
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, headers, body })
}

/// What a library says of a request, without the address, which may hold a signature.
fn failure(url: &Url, error: reqwest::Error) -> FetchError {
    let place = shown(url);
    let error = error.without_url();
    if let Some(host) = host_error(&error)
        && !matches!(host, HostError::Unresolved { .. })
    {
        return refused(place, host);
    }
    let mut detail = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        detail = format!("{detail}: {error}");
        cause = error.source();
    }
    FetchError::Unreachable { place, detail }
}

fn host_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a HostError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

fn refused(place: String, error: &HostError) -> FetchError {
    FetchError::not_allowed(place, error.to_string())
}
