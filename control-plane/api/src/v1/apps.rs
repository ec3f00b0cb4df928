//! Applications.

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode},
};
use gimlet_shared::api::{App, CompareQuery, Diff, Page, PageQuery, Problem, Release};

use super::{location, next_page};
use crate::{
    auth::Authenticated,
    etag::IfMatch,
    extract::{PathOf, QueryOf},
    problem::ApiError,
    state::ApiState,
};

/// The organization's applications, by name and environment.
#[utoipa::path(get, path = "/api/v1/apps", tag = "apps", params(PageQuery), responses(
    (status = OK, body = Page<App>),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list_apps(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    OriginalUri(uri): OriginalUri,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<(HeaderMap, Json<Page<App>>), ApiError> {
    let page = state.app.apps_page(&scope, query).await?;
    Ok((next_page(&uri, page.next_cursor.as_deref()), Json(page)))
}

/// One application in one environment.
#[utoipa::path(get, path = "/api/v1/environments/{environment}/apps/{app}", tag = "apps",
    params(("environment" = String, Path), ("app" = String, Path)),
    responses(
        (status = OK, body = App),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn app(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf((environment, app)): PathOf<(String, String)>,
) -> Result<Json<App>, ApiError> {
    Ok(Json(state.app.app(&scope, &environment, &app).await?))
}

/// What differs between two releases of an application, or between one and what the gitops repository has
/// now: without `from`, what going back to `to` would change. Values of Secrets are hidden.
#[utoipa::path(get, path = "/api/v1/environments/{environment}/apps/{app}/compare", tag = "apps",
    params(("environment" = String, Path), ("app" = String, Path), CompareQuery),
    responses(
        (status = OK, body = Diff),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn compare_releases(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf((environment, app)): PathOf<(String, String)>,
    QueryOf(query): QueryOf<CompareQuery>,
) -> Result<Json<Diff>, ApiError> {
    Ok(Json(state.app.compare_releases(&scope, &environment, &app, &query).await?))
}

/// Deletes an application: a release that takes it away. Its history stays.
#[utoipa::path(delete, path = "/api/v1/environments/{environment}/apps/{app}", tag = "apps",
    params(("environment" = String, Path), ("app" = String, Path)),
    responses(
        (status = ACCEPTED, body = Release),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn delete_app(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf((environment, app)): PathOf<(String, String)>,
    if_match: IfMatch,
) -> Result<(StatusCode, HeaderMap, Json<Release>), ApiError> {
    let seen = if_match.seen(state.app.see_app(&scope, &environment, &app)).await?;
    let release = state.app.delete_app(&scope, &environment, &app, seen).await?;
    Ok((StatusCode::ACCEPTED, location(&format!("/api/v1/releases/{}", release.id)), Json(release)))
}
