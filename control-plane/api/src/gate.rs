//! What every request of the API passes before its handler: who asks is found out once, and counted.

use axum::{
    extract::{MatchedPath, Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use gimlet_app::TenantScope;

use crate::{auth::find_scope, limits::Counted, problem::ApiError, state::ApiState};

/// Who asks, found out before the handler runs.
#[derive(Clone, Debug)]
pub(crate) enum Identity {
    Known(TenantScope),
    /// What to answer where the route asks for a member.
    Unknown(ApiError),
}

/// For the API: members are counted by their credential, everyone else by their address.
pub(crate) async fn identified(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Response {
    let is_open =
        request.extensions().get::<MatchedPath>().is_none_or(|path| is_open(path.as_str()));
    let identity = if is_open {
        None
    } else {
        Some(find_scope(request.headers(), request.method(), &state).await)
    };
    let who = match &identity {
        Some(Ok(scope)) => Counted::of(scope),
        Some(Err(_)) | None => state.limits.address(request.headers(), request.extensions()),
    };
    let allowance = match state.limits.count(&who) {
        Ok(allowance) => allowance,
        Err(refusal) => return refusal.into_response(),
    };
    match identity {
        Some(Ok(scope)) => request.extensions_mut().insert(Identity::Known(scope)),
        Some(Err(problem)) => request.extensions_mut().insert(Identity::Unknown(problem)),
        None => None,
    };
    let mut response = next.run(request).await;
    if let Some(allowance) = allowance {
        response.headers_mut().extend(allowance.headers());
    }
    response
}

/// For routes whose requests carry their own proof, such as a signature: only failures are counted, so
/// that what is proven has no limit, and guessing has.
pub(crate) async fn failures_counted(
    State(state): State<ApiState>,
    request: Request,
    next: Next,
) -> Response {
    let address = state.limits.address(request.headers(), request.extensions());
    let response = next.run(request).await;
    let failed = matches!(
        response.status(),
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::BAD_REQUEST
    );
    match failed.then(|| state.limits.count(&address)) {
        Some(Err(refusal)) => refusal.into_response(),
        Some(Ok(_)) | None => response,
    }
}

/// Nobody has to be known for these.
fn is_open(path: &str) -> bool {
    path.starts_with("/api/v1/auth/") || matches!(path, "/api/v1/openapi.json" | "/api/v1/version")
}
