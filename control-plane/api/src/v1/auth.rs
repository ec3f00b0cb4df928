//! Who the caller is, and how a program comes by a token.

use axum::{Json, extract::State};
use gimlet_shared::api::{DevicePoll, DeviceStarted, ExchangeLink, Me, Problem, TokenCreated};

use crate::{auth::Authenticated, extract::JsonBody, problem::ApiError, state::ApiState};

/// Who the credential belongs to.
#[utoipa::path(get, path = "/api/v1/me", tag = "auth", responses(
    (status = OK, body = Me),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn me(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
) -> Result<Json<Me>, ApiError> {
    Ok(Json(state.app.me(&scope).await?))
}

/// Exchanges the code of a one-time sign-in link for an API token.
#[utoipa::path(post, path = "/api/v1/auth/link", tag = "auth", security(()), request_body = ExchangeLink, responses(
    (status = OK, body = TokenCreated),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn exchange_link(
    State(state): State<ApiState>,
    JsonBody(request): JsonBody<ExchangeLink>,
) -> Result<Json<TokenCreated>, ApiError> {
    Ok(Json(state.app.exchange_link(request).await?))
}

/// Begins a device login (RFC 8628).
#[utoipa::path(post, path = "/api/v1/auth/device", tag = "auth", security(()), responses(
    (status = OK, body = DeviceStarted),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn start_device_login(
    State(state): State<ApiState>,
) -> Result<Json<DeviceStarted>, ApiError> {
    Ok(Json(state.app.start_device_login().await?))
}

/// Asks for the token of a device login; `login-pending` until a person approved it.
#[utoipa::path(post, path = "/api/v1/auth/device/token", tag = "auth", security(()), request_body = DevicePoll, responses(
    (status = OK, body = TokenCreated),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn poll_device_login(
    State(state): State<ApiState>,
    JsonBody(request): JsonBody<DevicePoll>,
) -> Result<Json<TokenCreated>, ApiError> {
    Ok(Json(state.app.poll_device_login(request).await?))
}
