//! Clusters and environments.

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode},
};
use gimlet_shared::{
    api::{Cluster, ClusterConnect, Environment, NewCluster, Page, PageQuery, Problem},
    ids::ClusterId,
};

use super::{location, next_page};
use crate::{
    auth::Authenticated,
    extract::{JsonBody, PathOf, QueryOf},
    problem::ApiError,
    state::ApiState,
};

/// The organization's clusters, by name.
#[utoipa::path(get, path = "/api/v1/clusters", tag = "clusters", params(PageQuery), responses(
    (status = OK, body = Page<Cluster>),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list_clusters(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    OriginalUri(uri): OriginalUri,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<(HeaderMap, Json<Page<Cluster>>), ApiError> {
    let page = state.app.clusters_page(&scope, query).await?;
    Ok((next_page(&uri, page.next_cursor.as_deref()), Json(page)))
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

/// Disconnects a cluster: its agent's certificates are revoked, and its open link closes within seconds. What
/// Flux applied stays, and a new enrolment connects it again.
#[utoipa::path(post, path = "/api/v1/clusters/{id}/disconnect", tag = "clusters", params(("id" = String, Path)),
    responses(
        (status = NO_CONTENT),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn disconnect_cluster(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf(id): PathOf<ClusterId>,
) -> Result<StatusCode, ApiError> {
    state.app.disconnect_cluster(&scope, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The organization's environments, by name.
#[utoipa::path(get, path = "/api/v1/environments", tag = "clusters", params(PageQuery), responses(
    (status = OK, body = Page<Environment>),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list_environments(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    OriginalUri(uri): OriginalUri,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<(HeaderMap, Json<Page<Environment>>), ApiError> {
    let page = state.app.environments_page(&scope, query).await?;
    Ok((next_page(&uri, page.next_cursor.as_deref()), Json(page)))
}

/// One environment.
#[utoipa::path(get, path = "/api/v1/environments/{environment}", tag = "clusters",
    params(("environment" = String, Path)),
    responses(
        (status = OK, body = Environment),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn environment(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf(environment): PathOf<String>,
) -> Result<Json<Environment>, ApiError> {
    Ok(Json(state.app.environment(&scope, &environment).await?))
}
