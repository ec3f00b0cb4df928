//! Port 9000 besides the pages.

use axum::{
    Router,
    extract::{DefaultBodyLimit, OriginalUri, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{from_fn, from_fn_with_state, map_response},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use gimlet_app::App;
use gimlet_git::smart_http::SmartHttp;
use gimlet_routes::{Needs, Routes};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    body_budget::BodyBudget,
    etag::versioned,
    gate::{failures_counted, identified},
    git, hooks,
    limits::{RateLimits, RequestLimits},
    openapi,
    problem::{ApiError, ProblemKind},
    replay::replayed,
    state::{ApiState, Shared},
    v1,
};

/// The largest request of the API has a few KiB.
const LARGEST_BODY_BYTES: usize = 1024 * 1024;

/// What the people's port needs besides the use cases.
pub struct PeopleConfig {
    /// Serves the built-in repositories.
    pub git: SmartHttp,
    /// Ends the streams that would keep the server from stopping.
    pub shutdown: CancellationToken,
    /// How many requests are let through.
    pub limits: RequestLimits,
}

/// The API, the webhooks and the git server. Pages are merged beside it; unknown addresses below `/api`,
/// `/hooks` and `/git` are answered here.
pub fn people_router(app: App, config: PeopleConfig) -> Router {
    let state = ApiState::from(Shared {
        app,
        shutdown: config.shutdown,
        git: config.git,
        hook_bodies: BodyBudget::for_hooks(),
        limits: RateLimits::new(config.limits),
        tasks: TaskTracker::new(),
        // A document of plain text and lists is always JSON.
        openapi: Bytes::from(serde_json::to_vec(&openapi::openapi()).unwrap_or_default()),
    });
    Router::from(v1::router())
        .merge(document_route().router())
        .layer(from_fn(versioned))
        .layer(from_fn_with_state(state.clone(), replayed))
        .layer(from_fn_with_state(state.clone(), identified))
        .layer(DefaultBodyLimit::max(LARGEST_BODY_BYTES))
        .merge(
            hooks::router()
                .merge(git::routes().router())
                .layer(from_fn_with_state(state.clone(), failures_counted)),
        )
        .method_not_allowed_fallback(wrong_method)
        .nest("/api", Router::new().fallback(unknown_route))
        .nest("/hooks", Router::new().fallback(unknown_route))
        .nest("/git", Router::new().fallback(unknown_route))
        .layer(map_response(unstored))
        .with_state(state)
}

/// The description of the API, which the description itself leaves out.
pub(crate) fn document_route() -> Routes<ApiState> {
    Routes::default().get("/api/v1/openapi.json", Needs::Nothing, openapi_json)
}

async fn openapi_json(State(state): State<ApiState>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], state.openapi.clone())
}

/// There is no such address; says where the real ones are listed.
pub(crate) async fn unknown_route(OriginalUri(uri): OriginalUri) -> ApiError {
    let shown: String = uri.path().chars().take(200).collect();
    let remedy = if shown.ends_with('/') {
        "leave the slash at its end away"
    } else {
        "see /api/v1/openapi.json"
    };
    ApiError::new(ProblemKind::NotFound, format!("there is no `{shown}`; {remedy}"))
}

/// `Allow` is added by the router, which knows the methods; OPTIONS asks for just that.
pub(crate) async fn wrong_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let detail = "this address takes the methods in `Allow` only";
    ApiError::new(ProblemKind::MethodNotAllowed, detail).into_response()
}

/// Answers to programs may carry secrets, and none of them is a page.
pub(crate) async fn unstored(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    response
}
