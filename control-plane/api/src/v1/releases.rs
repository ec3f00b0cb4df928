//! Releases.

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode},
};
use gimlet_shared::{
    api::{Diff, NewRelease, Page, Problem, Release, ReleaseQuery},
    ids::ReleaseId,
};

use super::{location, next_page};
use crate::{
    auth::Authenticated,
    extract::{IdempotencyKey, JsonBody, PathOf, QueryOf},
    problem::ApiError,
    state::ApiState,
};

/// The organization's releases, newest first.
#[utoipa::path(get, path = "/api/v1/releases", tag = "releases", params(ReleaseQuery), responses(
    (status = OK, body = Page<Release>, headers(("link" = String, description = "the next page, `rel=\"next\"`"))),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list_releases(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    OriginalUri(uri): OriginalUri,
    QueryOf(query): QueryOf<ReleaseQuery>,
) -> Result<(HeaderMap, Json<Page<Release>>), ApiError> {
    let page = state.app.list_releases(&scope, query).await?;
    Ok((next_page(&uri, page.next_cursor.as_deref()), Json(page)))
}

/// Asks for a release by hand: one for each application that the request names.
#[utoipa::path(post, path = "/api/v1/releases", tag = "releases", request_body = NewRelease,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "1 to 255 visible ASCII characters; the same key and request are answered with the same releases")),
    responses(
        (status = CREATED, body = [Release]),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn deploy(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(request): JsonBody<NewRelease>,
) -> Result<(StatusCode, Json<Vec<Release>>), ApiError> {
    Ok((StatusCode::CREATED, Json(state.app.deploy(&scope, request, key).await?)))
}

/// One release.
#[utoipa::path(get, path = "/api/v1/releases/{id}", tag = "releases", params(("id" = String, Path)), responses(
    (status = OK, body = Release),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn release(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf(id): PathOf<ReleaseId>,
) -> Result<Json<Release>, ApiError> {
    Ok(Json(state.app.release(&scope, id).await?))
}

/// What this release changed in the files of its application: its commit in the gitops repository against
/// the commit before. Values of Secrets are hidden.
#[utoipa::path(get, path = "/api/v1/releases/{id}/diff", tag = "releases", params(("id" = String, Path)), responses(
    (status = OK, body = Diff),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn release_diff(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf(id): PathOf<ReleaseId>,
) -> Result<Json<Diff>, ApiError> {
    Ok(Json(state.app.release_diff(&scope, id).await?))
}

/// Goes back to this release: a new release that brings what this one brought.
#[utoipa::path(post, path = "/api/v1/releases/{id}/rollback", tag = "releases", params(("id" = String, Path)),
    responses(
        (status = CREATED, body = Release),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn roll_back(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf(id): PathOf<ReleaseId>,
) -> Result<(StatusCode, HeaderMap, Json<Release>), ApiError> {
    let release = state.app.roll_back(&scope, id).await?;
    Ok((StatusCode::CREATED, location(&format!("/api/v1/releases/{}", release.id)), Json(release)))
}
