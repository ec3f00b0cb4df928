//! The API `/api/v1`, in the shapes of `gimlet_shared::api`.

mod activity;
mod apps;
mod artifacts;
mod auth;
mod clusters;
mod events;
mod people;
mod releases;
mod repositories;
mod version;

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use url::form_urlencoded;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use version::API_VERSION;

use crate::state::ApiState;

/// The handlers with their description.
pub(crate) fn router() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(version::version))
        .routes(routes!(auth::me))
        .routes(routes!(auth::exchange_link))
        .routes(routes!(auth::start_device_login))
        .routes(routes!(auth::poll_device_login))
        .routes(routes!(clusters::list_clusters, clusters::connect_cluster))
        .routes(routes!(clusters::cluster))
        .routes(routes!(clusters::renew_enrolment))
        .routes(routes!(clusters::disconnect_cluster))
        .routes(routes!(clusters::list_environments))
        .routes(routes!(clusters::environment))
        .routes(routes!(repositories::list_repositories, repositories::add_repository))
        .routes(routes!(repositories::repository))
        .routes(routes!(repositories::look_now))
        .routes(routes!(people::list_members))
        .routes(routes!(people::member, people::set_member_role, people::remove_member))
        .routes(routes!(people::list_tokens, people::create_token))
        .routes(routes!(people::revoke_token))
        .routes(routes!(activity::list_activity))
        .routes(routes!(activity::changes))
        .routes(routes!(artifacts::list_artifacts))
        .routes(routes!(artifacts::artifact))
        .routes(routes!(releases::list_releases, releases::deploy))
        .routes(routes!(releases::release))
        .routes(routes!(releases::release_diff))
        .routes(routes!(releases::roll_back))
        .routes(routes!(events::release_events))
        .routes(routes!(apps::list_apps))
        .routes(routes!(apps::app, apps::delete_app))
        .routes(routes!(apps::compare_releases))
}

/// `Link` to the next page (RFC 8288): the same query with the next cursor.
fn next_page(uri: &Uri, cursor: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(cursor) = cursor else { return headers };
    let kept = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .filter(|(name, _)| name != "cursor");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .append_pair("cursor", cursor)
        .finish();
    if let Ok(link) = HeaderValue::from_str(&format!("<{}?{query}>; rel=\"next\"", uri.path())) {
        headers.insert(header::LINK, link);
    }
    headers
}

/// `Location` of what was made; ids are always fit for a header.
fn location(path: &str) -> HeaderMap {
    HeaderValue::from_str(path)
        .map(|path| HeaderMap::from_iter([(header::LOCATION, path)]))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_keeps_the_query_and_replaces_the_cursor() {
        let uri = "/api/v1/releases?environment=a%20b&cursor=old&limit=2".parse().unwrap();
        let headers = next_page(&uri, Some("rel_1&x"));
        let expected = r#"</api/v1/releases?environment=a+b&limit=2&cursor=rel_1%26x>; rel="next""#;
        assert_eq!(headers[header::LINK], expected);
        assert!(next_page(&uri, None).is_empty());
    }
}
