//! The payloads of GitHub's webhooks, as far as we act on them.
//!
//! They follow GitHub's "Webhook events and payloads"; unknown fields are skipped, as GitHub adds some
//! every year.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};

/// One delivery, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hook {
    /// A branch or tag was pushed, made or deleted.
    Push {
        /// The whole ref, such as `refs/heads/main`; see [`branch_name`] and [`tag_name`].
        ref_name: String,
        /// Where the ref was; all zeros when it is new.
        before: String,
        /// Where it is now; all zeros when it is deleted. For an annotated tag, the tag object.
        after: String,
        /// The ref is gone.
        deleted: bool,
        /// History was rewritten: `before` is no ancestor of `after`.
        forced: bool,
        /// `owner/name` as GitHub knows the repository.
        repository: String,
    },
    /// A tag was made. A `push` of the same tag may come beside it.
    Tag {
        /// The tag, without `refs/tags/`.
        name: String,
        /// `owner/name` as GitHub knows the repository.
        repository: String,
    },
    /// A pull request was opened, changed or closed.
    PullRequest {
        /// What happened to it.
        action: PullRequestAction,
        /// Its number in the repository.
        number: u64,
        /// Its title.
        title: String,
        /// The commit it wants to bring in.
        head_sha: String,
        /// The branch that commit is on.
        head_ref: String,
        /// `owner/name` of the repository of that branch; `None` when that fork is gone.
        head_repo: Option<String>,
        /// The branch it wants to go into.
        base_ref: String,
        /// It was closed by being merged.
        merged: bool,
        /// Its page.
        url: String,
        /// `owner/name` as GitHub knows the repository.
        repository: String,
    },
    /// GitHub tries the webhook out.
    Ping,
    /// An event that we do nothing about.
    Ignored,
}

/// What happened to a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullRequestAction {
    /// It is new.
    Opened,
    /// It was closed and is open again.
    Reopened,
    /// Its head has moved.
    Synchronize,
    /// Its title, text or base was changed.
    Edited,
    /// It was closed, merged or not.
    Closed,
    /// Something that does not change what it brings in: a label, a review request…
    #[serde(other)]
    Other,
}

/// A body that does not fit its event.
#[derive(Debug, thiserror::Error)]
#[error("the payload of `{event}` cannot be read at `{field}`: {reason}")]
pub struct PayloadError {
    /// The event, as far as we know it.
    pub event: &'static str,
    /// The path of the field, such as `pull_request.head.sha`; `.` is the whole body.
    pub field: String,
    /// What is wrong with it, with line and column.
    pub reason: String,
}

impl Hook {
    /// Reads `body` as the payload of `event`, the value of `X-GitHub-Event`.
    ///
    /// The body of an event that we do nothing about is not read. Check the signature first.
    pub fn parse(event: &str, body: &[u8]) -> Result<Self, PayloadError> {
        match event {
            "push" => read::<PushPayload>("push", body).map(Self::from),
            "create" => read::<CreatePayload>("create", body).map(Self::from),
            "pull_request" => read::<PullRequestPayload>("pull_request", body).map(Self::from),
            "ping" => Ok(Self::Ping),
            _ => Ok(Self::Ignored),
        }
    }
}

/// The branch that a whole ref names.
#[must_use]
pub fn branch_name(ref_name: &str) -> Option<&str> {
    ref_name.strip_prefix("refs/heads/").filter(|name| !name.is_empty())
}

/// The tag that a whole ref names.
#[must_use]
pub fn tag_name(ref_name: &str) -> Option<&str> {
    ref_name.strip_prefix("refs/tags/").filter(|name| !name.is_empty())
}

#[derive(Deserialize)]
struct PushPayload {
    #[serde(rename = "ref", deserialize_with = "filled")]
    ref_name: String,
    #[serde(deserialize_with = "object_id")]
    before: String,
    #[serde(deserialize_with = "object_id")]
    after: String,
    #[serde(default)]
    deleted: Option<bool>,
    #[serde(default)]
    forced: Option<bool>,
    repository: RepositoryPayload,
}

#[derive(Deserialize)]
struct CreatePayload {
    #[serde(rename = "ref")]
    ref_name: Option<String>,
    ref_type: String,
    repository: RepositoryPayload,
}

#[derive(Deserialize)]
struct PullRequestPayload {
    action: PullRequestAction,
    number: u64,
    pull_request: PullRequestBody,
    repository: RepositoryPayload,
}

#[derive(Deserialize)]
struct PullRequestBody {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    merged: Option<bool>,
    #[serde(default)]
    html_url: Option<String>,
    head: HeadPayload,
    base: BasePayload,
}

#[derive(Deserialize)]
struct HeadPayload {
    #[serde(rename = "ref", deserialize_with = "filled")]
    ref_name: String,
    #[serde(deserialize_with = "object_id")]
    sha: String,
    #[serde(default)]
    repo: Option<RepositoryPayload>,
}

#[derive(Deserialize)]
struct BasePayload {
    #[serde(rename = "ref", deserialize_with = "filled")]
    ref_name: String,
}

#[derive(Deserialize)]
struct RepositoryPayload {
    #[serde(deserialize_with = "filled")]
    full_name: String,
}

impl From<PushPayload> for Hook {
    fn from(push: PushPayload) -> Self {
        Self::Push {
            // The zeros say the same, and cannot be forgotten by a GitHub-compatible host.
            deleted: push.deleted.unwrap_or(false) || is_zero(&push.after),
            forced: push.forced.unwrap_or(false),
            ref_name: push.ref_name,
            before: push.before,
            after: push.after,
            repository: push.repository.full_name,
        }
    }
}

impl From<CreatePayload> for Hook {
    fn from(create: CreatePayload) -> Self {
        match (create.ref_type.as_str(), create.ref_name) {
            ("tag", Some(name)) if !name.is_empty() => {
                Self::Tag { name, repository: create.repository.full_name }
            }
            // A new branch also comes as a push, which says more.
            _ => Self::Ignored,
        }
    }
}

impl From<PullRequestPayload> for Hook {
    fn from(payload: PullRequestPayload) -> Self {
        let PullRequestBody { title, merged, html_url, head, base } = payload.pull_request;
        let repository = payload.repository.full_name;
        Self::PullRequest {
            action: payload.action,
            number: payload.number,
            title: title.unwrap_or_default(),
            head_sha: head.sha,
            head_ref: head.ref_name,
            head_repo: head.repo.map(|repo| repo.full_name),
            base_ref: base.ref_name,
            merged: merged.unwrap_or(false),
            url: web_page(html_url).unwrap_or_else(|| {
                format!("https://github.com/{repository}/pull/{}", payload.number)
            }),
            repository,
        }
    }
}

/// Most bodies are good, and following the path through them costs as much as reading them: it is followed
/// only in those that are not.
fn read<T: DeserializeOwned>(event: &'static str, body: &[u8]) -> Result<T, PayloadError> {
    serde_json::from_slice(body).or_else(|_| read_by_path(event, body))
}

fn read_by_path<T: DeserializeOwned>(event: &'static str, body: &[u8]) -> Result<T, PayloadError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut json)
        .map_err(|error| (place(error.path()), error.into_inner()))
        .and_then(|payload| json.end().map(|()| payload).map_err(|error| (".".to_owned(), error)))
        .map_err(|(field, error)| PayloadError { event, field, reason: error.to_string() })
}

/// The path as text; where the JSON itself breaks, the part that is known.
fn place(path: &serde_path_to_error::Path) -> String {
    match path.to_string().trim_end_matches('?').trim_end_matches('.') {
        "" => ".".to_owned(),
        known => known.to_owned(),
    }
}

fn filled<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    let text = String::deserialize(value)?;
    if text.is_empty() { Err(D::Error::custom("it is empty")) } else { Ok(text) }
}

fn object_id<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    let text = String::deserialize(value)?;
    // SHA-1 today, SHA-256 in repositories that chose it.
    let whole = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if whole {
        Ok(text)
    } else {
        Err(D::Error::custom("it must be a commit id of 40 or 64 hexadecimal digits"))
    }
}

/// Only what a browser may be sent to.
fn web_page(url: Option<String>) -> Option<String> {
    url.filter(|url| url.starts_with("https://") || url.starts_with("http://"))
}

fn is_zero(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
#[path = "hook_tests.rs"]
mod tests;
