//! Questions to one repository of a registry, and who asks.

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LINK};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::challenge::Challenge;
use super::reference::Reference;
use crate::access::{Access, sensitive};
use crate::digest::Digest;
use crate::error::FetchError;
use crate::source::shown;
use crate::web::{Ask, Authorization, Reply};
use crate::work::{self, Workshop};

/// The largest page of tags that is taken, in bytes, and how many pages.
const LARGEST_PAGE: u64 = 4 << 20;
const PAGES: usize = 100;
/// The largest answer with a token that is taken, in bytes.
const LARGEST_TOKEN: u64 = 256 << 10;

/// One repository of a registry.
pub(super) struct Registry<'a> {
    shop: &'a Workshop,
    /// `…/v2/path/name/`.
    base: Url,
    repository: String,
    /// What is known of who we are: nothing at first.
    authorization: Mutex<Option<Authorization>>,
    /// What we could say of it.
    credentials: Option<Authorization>,
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

/// The specification knows two names for it.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl<'a> Registry<'a> {
    pub(super) fn new(
        shop: &'a Workshop,
        access: &'a Access,
        reference: &Reference,
        place: &str,
    ) -> Result<Self, FetchError> {
        let fault = |_| FetchError::source_fault(place, "its host cannot be read");
        let at = |scheme: &str| {
            let (host, path) = (reference.api_host(), &reference.repository);
            Url::parse(&format!("{scheme}://{host}/v2/{path}/")).map_err(fault)
        };
        let encrypted = at("https")?;
        let base = if shop.policy.is_plain(&encrypted) { at("http")? } else { encrypted };
        let credentials = work::authorization(access, &base, place)?;
        let repository = reference.repository.clone();
        Ok(Self { shop, base, repository, authorization: Mutex::default(), credentials })
    }

    pub(super) async fn manifest(
        &self,
        tag: &str,
        accept: &'static str,
        limit: u64,
    ) -> Result<Vec<u8>, FetchError> {
        let url = self.at(&format!("manifests/{tag}"))?;
        let ask = Ask { accept: Some(accept), ..self.question(url.clone(), limit) };
        Ok(self.get(ask).await?.success(&url)?.body)
    }

    pub(super) async fn blob(&self, digest: Digest, limit: u64) -> Result<Vec<u8>, FetchError> {
        let url = self.at(&format!("blobs/{digest}"))?;
        Ok(self.get(self.question(url.clone(), limit)).await?.success(&url)?.body)
    }

    /// All tags, page by page.
    pub(super) async fn tags(&self) -> Result<Vec<String>, FetchError> {
        let mut tags = Vec::new();
        let mut next = Some(self.at("tags/list")?);
        for _ in 0..PAGES {
            let Some(url) = next else { return Ok(tags) };
            let reply = self.get(self.question(url.clone(), LARGEST_PAGE)).await?.success(&url)?;
            let page: Tags = serde_json::from_slice(&reply.body).map_err(|error| {
                FetchError::malformed(shown(&url), format!("its tags cannot be read: {error}"))
            })?;
            tags.extend(page.tags.unwrap_or_default());
            next = following(&url, &reply.headers);
        }
        Err(FetchError::malformed(shown(&self.base), format!("more than {PAGES} pages of tags")))
    }

    fn at(&self, path: &str) -> Result<Url, FetchError> {
        work::join(&self.base, path, self.base.as_str())
    }

    fn question(&self, url: Url, limit: u64) -> Ask {
        Ask { url, accept: None, authorization: None, etag: None, limit }
    }

    /// Asks, and says who asks where the registry wants to know.
    async fn get(&self, mut ask: Ask) -> Result<Reply, FetchError> {
        ask.authorization = self.authorization.lock().await.clone();
        let reply = self.shop.web.get(&ask).await?;
        if reply.status != StatusCode::UNAUTHORIZED {
            return Ok(reply);
        }
        let Some(challenge) = Challenge::read(&reply.headers) else { return Ok(reply) };
        let Some(answer) = self.answer(challenge).await? else { return Ok(reply) };
        *self.authorization.lock().await = Some(answer.clone());
        ask.authorization = Some(answer);
        self.shop.web.get(&ask).await
    }

    async fn answer(&self, challenge: Challenge) -> Result<Option<Authorization>, FetchError> {
        let Challenge::Bearer { realm, service } = challenge else {
            return Ok(self.credentials.clone());
        };
        let is_token = self.credentials.as_ref().is_some_and(is_bearer);
        if is_token {
            return Ok(self.credentials.clone());
        }
        self.token(&realm, service.as_deref()).await.map(Some)
    }

    /// Has the place that the registry trusts say who we are.
    async fn token(&self, realm: &str, service: Option<&str>) -> Result<Authorization, FetchError> {
        let fault = |text: &str| FetchError::malformed(shown(&self.base), text);
        let mut url =
            Url::parse(realm).map_err(|_| fault("a token is to be had where no address is"))?;
        if self.base.scheme() == "https" && url.scheme() != "https" {
            return Err(fault("a token is to be had without https"));
        }
        if let Some(service) = service {
            url.query_pairs_mut().append_pair("service", service);
        }
        let scope = format!("repository:{}:pull", self.repository);
        url.query_pairs_mut().append_pair("scope", &scope);
        let mut ask = self.question(url.clone(), LARGEST_TOKEN);
        // They are for this registry, which says that this is where to show them.
        ask.authorization = self.credentials.as_ref().map(|credentials| Authorization {
            header: credentials.header.clone(),
            origin: url.origin(),
        });
        let reply = self.shop.web.get(&ask).await?.success(&url)?;
        let token: Token = serde_json::from_slice(&reply.body)
            .map_err(|_| fault("the answer to the question for a token cannot be read"))?;
        let token = token.token.or(token.access_token);
        let token = token.ok_or_else(|| fault("no token came where one was promised"))?;
        let header = sensitive(&format!("Bearer {token}"));
        let header = header.ok_or_else(|| fault("a token came that no header can carry"))?;
        Ok(Authorization { header, origin: self.base.origin() })
    }
}

fn is_bearer(authorization: &Authorization) -> bool {
    authorization.header.as_bytes().starts_with(b"Bearer ")
}

/// The next page, after RFC 8288; only the registry itself may have it.
fn following(page: &Url, headers: &HeaderMap) -> Option<Url> {
    let link = headers.get(LINK)?.to_str().ok()?;
    let (target, parameters) = link.split_once('>')?;
    let is_next = parameters.contains("rel=\"next\"") || parameters.contains("rel=next");
    let url = page.join(target.trim().strip_prefix('<')?).ok()?;
    (is_next && url.origin() == page.origin()).then_some(url)
}
