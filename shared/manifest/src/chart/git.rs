//! Folders of git repositories, as URLs name them.

use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::SourceFault;
use crate::finding::quoted;

/// A folder of a git repository, at some commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GitSource {
    /// The repository, without the query.
    pub url: String,
    /// How it is reached.
    pub transport: GitTransport,
    /// Which commit.
    pub reference: GitReference,
    /// The folder, without slashes at its ends; empty is the root. It never leads outside.
    pub path: String,
}

/// How a git repository is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GitTransport {
    /// `https://`, and `http://`.
    Http,
    /// `git@host:`, with the keys of whoever runs the command line; servers have none.
    Ssh,
}

/// Which commit of a git repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GitReference {
    /// The newest one of the default branch.
    DefaultBranch,
    /// The newest one of a branch.
    Branch(String),
    /// The one of a tag.
    Tag(String),
    /// The one with this hash.
    Commit(String),
}

/// What a query can hold.
const KEYS: [&str; 4] = ["sha", "tag", "branch", "path"];

impl GitSource {
    /// Reads `https://host/path.git?query`.
    pub(crate) fn over_http(text: &str) -> Result<Self, SourceFault> {
        Self::read(text, text.split_once("://").map_or("", |(_, rest)| rest), GitTransport::Http)
    }

    /// Reads `git@host:path.git?query`, whose part behind the `@` is `rest`.
    pub(crate) fn over_ssh(rest: &str, text: &str) -> Result<Self, SourceFault> {
        let (host, path) = rest.split_once(':').unwrap_or((rest, ""));
        let end = path.split('?').next().unwrap_or(path);
        if host.starts_with('-') || !end.ends_with(".git") {
            let message = format!("{} is not `git@host:owner/name.git`", quoted(text));
            return Err(SourceFault::new("name", message));
        }
        Self::read(text, rest, GitTransport::Ssh)
    }

    /// Reads the URL of a module; the text of an error is about that URL.
    pub(crate) fn of_module(text: &str) -> Result<Self, String> {
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(format!("{} holds white space", quoted(text)));
        }
        let read = match text.strip_prefix("git@") {
            Some(rest) => Self::over_ssh(rest, text),
            None if text.starts_with("https://") || text.starts_with("http://") => {
                Self::over_http(text)
            }
            None => Err(fault(format!(
                "{} is no git repository; write `https://host/path.git?tag=…&path=…`",
                quoted(text)
            ))),
        };
        read.map_err(|fault| fault.message)
    }

    fn read(text: &str, from_host: &str, transport: GitTransport) -> Result<Self, SourceFault> {
        let (url, query) = text.split_once('?').unwrap_or((text, ""));
        if from_host.starts_with(['/', ':', '?', '@']) || from_host.is_empty() {
            return Err(fault(format!("{} names no host", quoted(text))));
        }
        let (mut reference, mut path): (Option<(&str, GitReference)>, Option<String>) =
            (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(value)?;
            let named = match key {
                "path" => {
                    if path.replace(folder(&value)?).is_some() {
                        return Err(fault("names `path` twice"));
                    }
                    continue;
                }
                "sha" => GitReference::Commit(hash(&value)?),
                "tag" => GitReference::Tag(name(key, value)?),
                "branch" => GitReference::Branch(name(key, value)?),
                _ => {
                    let known = KEYS.map(|key| format!("`{key}`")).join(", ");
                    return Err(fault(format!("{} is none of {known}", quoted(key))));
                }
            };
            if let Some((before, _)) = reference.replace((key, named)) {
                let both = format!("names a `{before}` and a `{key}`; keep one of them");
                return Err(fault(both));
            }
        }
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            transport,
            reference: reference.map_or(GitReference::DefaultBranch, |(_, reference)| reference),
            path: path.unwrap_or_default(),
        })
    }
}

fn fault(message: impl Into<String>) -> SourceFault {
    SourceFault::new("name", message)
}

fn decoded(value: &str) -> Result<String, SourceFault> {
    let value = value.replace('+', "%20");
    let decoded = percent_decode_str(&value).decode_utf8();
    let decoded = decoded.map_err(|_| fault(format!("{} is no UTF-8", quoted(&value))))?;
    if decoded.chars().any(char::is_control) {
        return Err(fault(format!("{} holds control characters", quoted(&decoded))));
    }
    Ok(decoded.into_owned())
}

/// A folder within a repository.
fn folder(value: &str) -> Result<String, SourceFault> {
    let path = value.trim_matches('/');
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                return Err(fault(format!("path {} leads out of the repository", quoted(value))));
            }
            ".git" => return Err(fault(format!("path {} is git's own", quoted(value)))),
            _ if part.contains('\\') => {
                return Err(fault(format!("path {} holds a backslash", quoted(value))));
            }
            _ => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

fn hash(value: &str) -> Result<String, SourceFault> {
    let is_hash = (7..=64).contains(&value.len()) && value.chars().all(|c| c.is_ascii_hexdigit());
    if is_hash {
        return Ok(value.to_ascii_lowercase());
    }
    Err(fault(format!("sha {} is no hash of a commit", quoted(value))))
}

/// A branch or tag, as git lets it be called.
fn name(key: &str, value: String) -> Result<String, SourceFault> {
    let bad = value.is_empty()
        || value.starts_with(['-', '/', '.'])
        || value.ends_with(['/', '.'])
        || value.contains("..")
        || value.contains("//")
        || value.contains("@{")
        || value.contains([' ', '~', '^', ':', '?', '*', '[', '\\']);
    if bad { Err(fault(format!("{key} {} is no name in git", quoted(&value)))) } else { Ok(value) }
}
