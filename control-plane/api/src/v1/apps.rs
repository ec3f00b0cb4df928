//! Applications.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use gimlet_shared::api::{App, Problem, Release};

use super::location;
use crate::{auth::Authenticated, extract::PathOf, problem::ApiError, state::ApiState};

/// The organization's applications.
#[utoipa::path(get, path = "/api/v1/apps", tag = "apps", responses(
    (status = OK, body = [App]),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list_apps(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
) -> Result<Json<Vec<App>>, ApiError> {
    Ok(Json(state.app.list_apps(&scope).await?))
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
) -> Result<(StatusCode, HeaderMap, Json<Release>), ApiError> {
    let release = state.app.delete_app(&scope, &environment, &app).await?;
    Ok((StatusCode::ACCEPTED, location(&format!("/api/v1/releases/{}", release.id)), Json(release)))
}
