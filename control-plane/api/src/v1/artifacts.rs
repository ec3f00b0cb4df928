//! Artifacts: what can be released.

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::HeaderMap,
};
use gimlet_shared::{
    api::{Artifact, ArtifactQuery, Page, Problem},
    ids::ArtifactId,
};

use super::next_page;
use crate::{
    auth::Authenticated,
    extract::{PathOf, QueryOf},
    problem::ApiError,
    state::ApiState,
};

/// The organization's artifacts, newest first.
#[utoipa::path(get, path = "/api/v1/artifacts", tag = "artifacts", params(ArtifactQuery), responses(
    (status = OK, body = Page<Artifact>, headers(("link" = String, description = "the next page, `rel=\"next\"`"))),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list_artifacts(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    OriginalUri(uri): OriginalUri,
    QueryOf(query): QueryOf<ArtifactQuery>,
) -> Result<(HeaderMap, Json<Page<Artifact>>), ApiError> {
    let page = state.app.list_artifacts(&scope, query).await?;
    Ok((next_page(&uri, page.next_cursor.as_deref()), Json(page)))
}

/// One artifact.
#[utoipa::path(get, path = "/api/v1/artifacts/{id}", tag = "artifacts", params(("id" = String, Path)), responses(
    (status = OK, body = Artifact),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn artifact(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf(id): PathOf<ArtifactId>,
) -> Result<Json<Artifact>, ApiError> {
    Ok(Json(state.app.artifact(&scope, id).await?))
}
