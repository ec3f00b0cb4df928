//! What answers here.

use axum::Json;
use gimlet_shared::api::{Problem, Version};

/// Grows with a change that readers would notice.
pub(crate) const API_VERSION: &str = "1";

/// The versions of the server and of this API. It asks for no credential: clients look at it first.
#[utoipa::path(get, path = "/api/v1/version", tag = "version", security(()), responses(
    (status = OK, body = Version),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn version() -> Json<Version> {
    Json(Version { server: env!("CARGO_PKG_VERSION").to_owned(), api: API_VERSION.to_owned() })
}
