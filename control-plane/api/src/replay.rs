//! `Idempotency-Key`: a POST that is repeated with the same key is answered as before, and not carried
//! out again (draft-ietf-httpapi-idempotency-key-header).

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest as _, FromRequestParts as _, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use gimlet_app::{KeyedRequest, KeyedTurn, TenantScope};
use gimlet_shared::{crash_point, error_chain::Chain};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    extract::{IdempotencyKey, RawBody},
    gate::Identity,
    problem::{ApiError, ProblemKind},
    state::ApiState,
};

/// In answers that were given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Answers of the API have a few KiB.
const LARGEST_ANSWER: usize = 1024 * 1024;
/// Most requests take less.
const RUNNING_RETRY_S: u64 = 2;
/// What an answer says besides its body.
const KEPT_HEADERS: [HeaderName; 2] = [header::CONTENT_TYPE, header::LOCATION];

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    headers: Vec<(String, String)>,
    body: String,
}

/// Lets a member's POST with a key through once.
pub(crate) async fn replayed(
    State(state): State<ApiState>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let scope = match request.extensions().get::<Identity>() {
        Some(Identity::Known(scope)) if request.method() == Method::POST => scope.clone(),
        Some(Identity::Known(_) | Identity::Unknown(_)) | None => {
            return Ok(next.run(request).await);
        }
    };
    let (mut parts, body) = request.into_parts();
    let IdempotencyKey(key) = IdempotencyKey::from_request_parts(&mut parts, &()).await?;
    let Some(key) = key else { return Ok(next.run(Request::from_parts(parts, body)).await) };
    let RawBody(body) =
        RawBody::from_request(Request::from_parts(parts.clone(), body), &()).await?;
    let route = parts.extensions.get::<MatchedPath>().map_or("", |path| path.as_str());
    let route = format!("{} {route}", parts.method);
    let sha256 = fingerprint(&parts.uri.to_string(), &body);
    let keyed = KeyedRequest { route: &route, key: &key, request_sha256: &sha256 };
    let scope = match state.app.begin_keyed(&scope, keyed).await? {
        KeyedTurn::First(scope) => scope,
        KeyedTurn::Answered { status, answer } => return answered(status, &answer),
        KeyedTurn::Running => {
            let detail = "the first request with this Idempotency-Key is still being carried out";
            let problem = ApiError::new(ProblemKind::IdempotencyRunning, detail);
            return Err(problem.retry_after(RUNNING_RETRY_S));
        }
        KeyedTurn::OtherRequest => {
            let detail =
                "this key came with another request before; use a new key for a new request";
            let problem = ApiError::new(ProblemKind::IdempotencyMismatch, detail);
            return Err(problem.in_field("Idempotency-Key"));
        }
    };
    parts.extensions.insert(Identity::Known(scope.clone()));
    let request = Request::from_parts(parts, Body::from(body));
    // Whoever hangs up does not stop what has begun: its answer is kept for when they come back.
    let running = state.tasks.clone();
    let run = running.spawn(async move {
        let response = next.run(request).await;
        keep(&state, &scope, response).await
    });
    run.await.unwrap_or_else(|_| {
        Err(ApiError::new(ProblemKind::Internal, "the server broke while it carried this out"))
    })
}

/// Whatever tells one request from another.
fn fingerprint(uri: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update((uri.len() as u64).to_be_bytes());
    hash.update(uri);
    hash.update(body);
    hex::encode(hash.finalize())
}

/// Keeps a good answer. A request that changed nothing leaves its key free, so that it can be corrected.
async fn keep(
    state: &ApiState,
    scope: &TenantScope,
    response: Response,
) -> Result<Response, ApiError> {
    if !response.status().is_success() {
        state.app.forget_keyed(scope).await?;
        return Ok(response);
    }
    crash_point!("answer.keep.before");
    let (parts, body) = response.into_parts();
    let read = to_bytes(body, LARGEST_ANSWER).await.ok();
    let body = read.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    let body = body.ok_or_else(|| ApiError::new(ProblemKind::Internal, "the answer is no text"))?;
    let headers = KEPT_HEADERS.iter().filter_map(|name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let kept = Kept { headers: headers.collect(), body };
    let text = serde_json::to_string(&kept).unwrap_or_default();
    let status = parts.status.as_u16();
    // It is done: whoever asked is told so, also where the answer cannot be kept.
    if let Err(error) = state.app.keep_answer(scope, status, &text).await {
        tracing::warn!(error = %Chain(&error), "an answer could not be kept for its repetition");
    }
    crash_point!("answer.keep.after");
    Ok(Response::from_parts(parts, Body::from(kept.body)))
}

fn answered(status: u16, answer: &str) -> Result<Response, ApiError> {
    let unreadable = || ApiError::new(ProblemKind::Internal, "the kept answer cannot be read");
    let kept: Kept = serde_json::from_str(answer).map_err(|_| unreadable())?;
    let status = StatusCode::from_u16(status).map_err(|_| unreadable())?;
    let mut response = (status, kept.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in kept.headers {
        let name = HeaderName::try_from(name).map_err(|_| unreadable())?;
        headers.insert(name, HeaderValue::try_from(value).map_err(|_| unreadable())?);
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
