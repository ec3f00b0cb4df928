//! Versions of what is read (RFC 9110, 13): `ETag` on every answer to a GET, `If-None-Match` to be told
//! that nothing changed, `If-Match` to change only what was seen.

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, Request},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::problem::{ApiError, ProblemKind};

/// A page of a hundred releases with their causes stays far below.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Adds the version to good JSON answers, and leaves the body out where the caller has it.
pub(crate) async fn versioned(request: Request, next: Next) -> Response {
    let known = match *request.method() {
        Method::GET | Method::HEAD => request.headers().get(header::IF_NONE_MATCH).cloned(),
        _ => return next.run(request).await,
    };
    let response = next.run(request).await;
    let is_json =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if response.status() != StatusCode::OK || !is_json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST_ANSWER).await else {
        return ApiError::new(ProblemKind::Internal, "the answer is too large").into_response();
    };
    let tag = tag(&bytes);
    if let Ok(value) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, value);
    }
    if known.is_some_and(|known| names(&known, &tag)) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// The header `If-Match`, where it came along.
pub(crate) struct IfMatch(Option<HeaderValue>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Ok(Self(parts.headers.get(header::IF_MATCH).cloned()))
    }
}

impl IfMatch {
    /// What the caller has seen, for the change, which is to meet just that. `current` reads what a GET of the
    /// same address answers, with the proof of it. Without the header, and for `*`, any version will do.
    pub(crate) async fn seen<T: Serialize, S, E: Into<ApiError>>(
        &self,
        current: impl Future<Output = Result<(T, S), E>>,
    ) -> Result<Option<S>, ApiError> {
        let Some(wanted) = &self.0 else { return Ok(None) };
        let (current, seen) = current.await.map_err(Into::into)?;
        let bytes = serde_json::to_vec(&current).unwrap_or_default();
        if wanted == "*" {
            return Ok(None);
        }
        if names(wanted, &tag(&bytes)) {
            return Ok(Some(seen));
        }
        let detail = "it is not the version of `If-Match` any more; read it again and decide anew";
        Err(ApiError::new(ProblemKind::PreconditionFailed, detail).in_field("If-Match"))
    }
}

/// 128 bits of the content's hash: equal versions are equal content.
fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", hex::encode(&Sha256::digest(bytes)[..16]))
}

/// `*`, or a list that has the tag; a weak mark does not matter for what is compared by content.
fn names(header: &HeaderValue, tag: &str) -> bool {
    let text = header.to_str().unwrap_or_default().trim();
    text == "*" || text.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_a_list_and_a_star_is_any() {
        let tag = tag(b"{}");
        for good in ["*", &tag, &format!("\"a\", {tag}"), &format!("W/{tag}")] {
            assert!(names(&HeaderValue::from_str(good).unwrap(), &tag), "{good}");
        }
        for bad in ["", "\"a\"", "**", tag.trim_matches('"')] {
            assert!(!names(&HeaderValue::from_str(bad).unwrap(), &tag), "{bad}");
        }
    }
}
