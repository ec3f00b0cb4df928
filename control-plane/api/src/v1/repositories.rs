//! Source repositories.

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode},
};
use gimlet_shared::{
    api::{NewRepository, Page, PageQuery, Problem, Repository, RepositoryAdded},
    ids::RepositoryId,
};

use super::{location, next_page};
use crate::{
    auth::Authenticated,
    extract::{JsonBody, PathOf, QueryOf},
    problem::ApiError,
    state::ApiState,
};

/// The organization's source repositories, by name.
#[utoipa::path(get, path = "/api/v1/repositories", tag = "repositories", params(PageQuery), responses(
    (status = OK, body = Page<Repository>),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list_repositories(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    OriginalUri(uri): OriginalUri,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<(HeaderMap, Json<Page<Repository>>), ApiError> {
    let page = state.app.repositories_page(&scope, query).await?;
    Ok((next_page(&uri, page.next_cursor.as_deref()), Json(page)))
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
) -> Result<(StatusCode, HeaderMap, Json<RepositoryAdded>), ApiError> {
    let added = state.app.add_repository(&scope, request).await?;
    let location = location(&format!("/api/v1/repositories/{}", added.repository.id));
    Ok((StatusCode::CREATED, location, Json(added)))
}

/// One source repository.
#[utoipa::path(get, path = "/api/v1/repositories/{id}", tag = "repositories", params(("id" = String, Path)),
    responses(
        (status = OK, body = Repository),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn repository(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf(id): PathOf<RepositoryId>,
) -> Result<Json<Repository>, ApiError> {
    Ok(Json(state.app.repository(&scope, id).await?))
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
