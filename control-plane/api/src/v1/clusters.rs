//! Clusters and environments.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use gimlet_shared::{
    api::{Cluster, ClusterConnect, Environment, NewCluster, Problem},
    ids::ClusterId,
};

use super::location;
use crate::{
    auth::Authenticated,
    extract::{JsonBody, PathOf},
    problem::ApiError,
    state::ApiState,
};

/// The organization's clusters.
#[utoipa::path(get, path = "/api/v1/clusters", tag = "clusters", responses(
    (status = OK, body = [Cluster]),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list_clusters(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
) -> Result<Json<Vec<Cluster>>, ApiError> {
    Ok(Json(state.app.list_clusters(&scope).await?))
}

/// Adds a cluster with its first environment, and answers with the command that connects it.
#[utoipa::path(post, path = "/api/v1/clusters", tag = "clusters", request_body = NewCluster, responses(
    (status = CREATED, body = ClusterConnect),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn connect_cluster(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    JsonBody(request): JsonBody<NewCluster>,
) -> Result<(StatusCode, HeaderMap, Json<ClusterConnect>), ApiError> {
    let connect = state.app.connect_cluster(&scope, request).await?;
    let location = location(&format!("/api/v1/clusters/{}", connect.cluster.id));
    Ok((StatusCode::CREATED, location, Json(connect)))
}

/// One cluster.
#[utoipa::path(get, path = "/api/v1/clusters/{id}", tag = "clusters", params(("id" = String, Path)), responses(
    (status = OK, body = Cluster),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn cluster(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf(id): PathOf<ClusterId>,
) -> Result<Json<Cluster>, ApiError> {
    Ok(Json(state.app.cluster(&scope, id).await?))
}

/// A new command with a new single-use token; the old one does not work any more.
#[utoipa::path(post, path = "/api/v1/clusters/{id}/enrolment", tag = "clusters", params(("id" = String, Path)),
    responses(
        (status = CREATED, body = ClusterConnect),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn renew_enrolment(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf(id): PathOf<ClusterId>,
) -> Result<(StatusCode, Json<ClusterConnect>), ApiError> {
    Ok((StatusCode::CREATED, Json(state.app.renew_enrolment(&scope, id).await?)))
}

/// The organization's environments.
#[utoipa::path(get, path = "/api/v1/environments", tag = "clusters", responses(
    (status = OK, body = [Environment]),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list_environments(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
) -> Result<Json<Vec<Environment>>, ApiError> {
    Ok(Json(state.app.list_environments(&scope).await?))
}
