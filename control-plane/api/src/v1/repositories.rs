//! Source repositories.

use axum::{Json, extract::State, http::StatusCode};
use gimlet_shared::{
    api::{NewRepository, Problem, Repository, RepositoryAdded},
    ids::RepositoryId,
};

use crate::{
    auth::Authenticated,
    extract::{JsonBody, PathOf},
    problem::ApiError,
    state::ApiState,
};

/// The organization's source repositories.
#[utoipa::path(get, path = "/api/v1/repositories", tag = "repositories", responses(
    (status = OK, body = [Repository]),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list_repositories(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
) -> Result<Json<Vec<Repository>>, ApiError> {
    Ok(Json(state.app.list_repositories(&scope).await?))
}

/// Adds a source repository, and answers with its hooks and their secrets.
#[utoipa::path(post, path = "/api/v1/repositories", tag = "repositories", request_body = NewRepository, responses(
    (status = CREATED, body = RepositoryAdded),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn add_repository(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    JsonBody(request): JsonBody<NewRepository>,
) -> Result<(StatusCode, Json<RepositoryAdded>), ApiError> {
    Ok((StatusCode::CREATED, Json(state.app.add_repository(&scope, request).await?)))
}

/// Has the repository read now, instead of at its next turn.
#[utoipa::path(post, path = "/api/v1/repositories/{id}/look", tag = "repositories", params(("id" = String, Path)),
    responses(
        (status = ACCEPTED),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn look_now(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf(id): PathOf<RepositoryId>,
) -> Result<StatusCode, ApiError> {
    state.app.look_now(&scope, id).await?;
    Ok(StatusCode::ACCEPTED)
}
