//! Webhooks of git hosts, and "look now".

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRequest, Request, State},
    http::{HeaderMap, StatusCode},
};
use gimlet_app::{Received, ports::HookHeaders};
use gimlet_routes::{Needs, Routes};
use gimlet_shared::ids::RepositoryId;

use crate::{
    body_budget::LARGEST_HOOK_BYTES,
    extract::{BearerToken, PathOf, RawBody, require_json},
    problem::{ApiError, ProblemKind},
    state::ApiState,
};

/// GitHub's delivery ids are UUIDs; hosts that speak like it use no longer ones.
const LONGEST_DELIVERY_ID: usize = 128;

pub(crate) fn router() -> Router<ApiState> {
    routes().router().layer(DefaultBodyLimit::max(LARGEST_HOOK_BYTES))
}

pub(crate) fn routes() -> Routes<ApiState> {
    Routes::default().post("/hooks/github/{repository}", Needs::HookSignature, receive_hook).post(
        "/hooks/look/{repository}",
        Needs::LookToken,
        look_by_token,
    )
}

/// Takes one delivery of GitHub. It is acknowledged only once it is stored.
async fn receive_hook(
    State(state): State<ApiState>,
    PathOf(id): PathOf<RepositoryId>,
    request: Request,
) -> Result<(StatusCode, Json<serde_json::Value>), ApiError> {
    let headers = request.headers().clone();
    let hook = HookHeaders {
        event: required(&headers, "x-github-event")?,
        delivery: required(&headers, "x-github-delivery")?,
        signature: text(&headers, "x-hub-signature-256").unwrap_or_default(),
    };
    require_json(&headers)?;
    let _reserved = state.hook_bodies.reserve(&headers)?;
    let RawBody(body) = RawBody::from_request(request, &()).await?;
    let received = state.app.receive_hook(id, hook, &body).await?;
    let (status, result) = match received {
        Received::Stored => (StatusCode::ACCEPTED, "stored"),
        Received::Replay => (StatusCode::OK, "replay"),
        Received::Ignored => (StatusCode::OK, "ignored"),
    };
    Ok((status, Json(serde_json::json!({ "result": result }))))
}

/// Has the repository read now, for whoever holds its look token.
async fn look_by_token(
    State(state): State<ApiState>,
    PathOf(id): PathOf<RepositoryId>,
    BearerToken(token): BearerToken,
) -> Result<StatusCode, ApiError> {
    state.app.look_by_token(id, &token).await?;
    Ok(StatusCode::ACCEPTED)
}

fn required<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, ApiError> {
    text(headers, name).filter(|value| (1..=LONGEST_DELIVERY_ID).contains(&value.len())).ok_or_else(|| {
        let detail = format!("`{name}` is missing or longer than {LONGEST_DELIVERY_ID} characters; is this GitHub?");
        ApiError::new(ProblemKind::Malformed, detail).in_field(name)
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
