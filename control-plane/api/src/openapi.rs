//! The OpenAPI document, made from the handlers themselves.

use utoipa::{
    OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
};

use crate::v1;

#[derive(OpenApi)]
#[openapi(info(
    title = "Gimlet",
    description = "Deploys to Kubernetes clusters of your own. Errors are problems as RFC 9457 has them, times are RFC 3339 in \
                   UTC, ids are opaque. Readers must ignore fields they do not know.",
    version = "1"
))]
struct Document;

/// The document that `/api/v1/openapi.json` answers with.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.merge(v1::router().into_openapi());
    let token = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("gim_…").build();
    document
        .components
        .get_or_insert_default()
        .add_security_scheme("token", SecurityScheme::Http(token));
    document.security = Some(vec![SecurityRequirement::new("token", [] as [&str; 0])]);
    document
}
