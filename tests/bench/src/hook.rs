//! A repository's webhook, and pushes as GitHub sends them.

use std::path::Path;

use anyhow::{Context as _, Result};
use hmac::{Hmac, Mac as _};
use serde_json::json;
use sha2::Sha256;

use crate::{http::post, server::Server};

/// Where no commit is.
pub(crate) const NOWHERE: &str = "0000000000000000000000000000000000000000";

/// A repository's webhook.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    path: String,
    secret: String,
}

impl Hook {
    /// Adds the repository in the folder `source` under `name`.
    ///
    /// # Errors
    /// When the server refuses it.
    pub(crate) async fn add(
        server: &Server,
        token: &str,
        name: &str,
        source: &Path,
    ) -> Result<Self> {
        let body = json!({ "url": format!("file://{}", source.display()), "name": name });
        let added = server.call("/api/v1/repositories", Some(token), &body).await?;
        let url = added["webhook_url"].as_str().context("no webhook")?;
        let path = url.split_once("/hooks/").context("no path")?.1;
        let secret = added["webhook_secret"].as_str().context("no secret")?.to_owned();
        Ok(Self { path: format!("/hooks/{path}"), secret })
    }

    /// The header's value for a body.
    ///
    /// # Errors
    /// Never, as far as is known: HMAC takes any secret.
    pub(crate) fn signature(&self, body: &[u8]) -> Result<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes())?;
        mac.update(body);
        Ok(format!("sha256={}", hex::encode(mac.finalize().into_bytes())))
    }

    /// A whole request.
    pub(crate) fn request(
        &self,
        delivery: &str,
        signature: &str,
        body: &[u8],
        more: &[(&str, &str)],
    ) -> Vec<u8> {
        let own = [
            ("x-github-event", "push"),
            ("x-github-delivery", delivery),
            ("x-hub-signature-256", signature),
        ];
        post(&self.path, &[&own[..], more].concat(), body)
    }
}

/// A push of this size that moved branch `main` of the repository `name`.
pub(crate) fn push(name: &str, before: &str, after: &str, bytes: usize) -> Vec<u8> {
    let text = |padding: &str| {
        let commit = json!({
            "id": after, "message": padding,
            "author": { "name": "Ana", "email": "ana@example.com" },
            "added": ["a"], "removed": [], "modified": ["b"],
        });
        json!({
            "ref": "refs/heads/main", "before": before, "after": after,
            "created": false, "deleted": false, "forced": false,
            "repository": { "full_name": name, "default_branch": "main" },
            "commits": [commit], "head_commit": commit,
        })
        .to_string()
    };
    // The message stands twice in it.
    let padding = bytes.saturating_sub(text("").len()) / 2;
    text(&"x".repeat(padding)).into_bytes()
}
