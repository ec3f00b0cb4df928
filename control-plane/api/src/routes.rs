//! Each route with what it asks of its caller; a route that is missing here fails the tests.

use gimlet_domain::role::Role;
use gimlet_routes::{Needs, RouteRule};

use crate::{agents, git, health, hooks, people};

const VIEWER: Needs = Needs::Role(Role::Viewer);
const DEVELOPER: Needs = Needs::Role(Role::Developer);
const ADMIN: Needs = Needs::Role(Role::Admin);

/// All routes of the people's and the agents' port, besides pages.
#[must_use]
pub fn routes() -> Vec<RouteRule> {
    let declared = [
        people::document_route().rules(),
        hooks::routes().rules(),
        git::routes().rules(),
        agents::routes().rules(),
    ];
    API.iter().copied().chain(declared.into_iter().flatten()).collect()
}

/// All routes of the health port.
#[must_use]
pub fn health_routes() -> Vec<RouteRule> {
    health::routes().rules()
}

/// The API, whose router and description utoipa makes: the description names the same routes, as a test
/// below shows.
const API: &[RouteRule] = &[
    rule("GET", "/api/v1/version", Needs::Nothing),
    rule("GET", "/api/v1/me", VIEWER),
    rule("POST", "/api/v1/auth/link", Needs::Nothing),
    rule("POST", "/api/v1/auth/device", Needs::Nothing),
    rule("POST", "/api/v1/auth/device/token", Needs::Nothing),
    rule("GET", "/api/v1/clusters", VIEWER),
    rule("POST", "/api/v1/clusters", ADMIN),
    rule("GET", "/api/v1/clusters/{id}", VIEWER),
    rule("POST", "/api/v1/clusters/{id}/enrolment", ADMIN),
    rule("POST", "/api/v1/clusters/{id}/disconnect", ADMIN),
    rule("GET", "/api/v1/environments", VIEWER),
    rule("GET", "/api/v1/environments/{environment}", VIEWER),
    rule("GET", "/api/v1/members", VIEWER),
    rule("GET", "/api/v1/members/{login}", VIEWER),
    rule("PATCH", "/api/v1/members/{login}", ADMIN),
    rule("DELETE", "/api/v1/members/{login}", VIEWER),
    rule("GET", "/api/v1/tokens", VIEWER),
    rule("POST", "/api/v1/tokens", VIEWER),
    rule("DELETE", "/api/v1/tokens/{id}", VIEWER),
    rule("GET", "/api/v1/activity", VIEWER),
    rule("GET", "/api/v1/changes", VIEWER),
    rule("GET", "/api/v1/repositories", VIEWER),
    rule("POST", "/api/v1/repositories", ADMIN),
    rule("GET", "/api/v1/repositories/{id}", VIEWER),
    rule("POST", "/api/v1/repositories/{id}/look", DEVELOPER),
    rule("GET", "/api/v1/artifacts", VIEWER),
    rule("GET", "/api/v1/artifacts/{id}", VIEWER),
    rule("GET", "/api/v1/releases", VIEWER),
    rule("POST", "/api/v1/releases", DEVELOPER),
    rule("GET", "/api/v1/releases/{id}", VIEWER),
    rule("GET", "/api/v1/releases/{id}/diff", VIEWER),
    rule("POST", "/api/v1/releases/{id}/rollback", DEVELOPER),
    rule("GET", "/api/v1/releases/{id}/events", VIEWER),
    rule("GET", "/api/v1/apps", VIEWER),
    rule("GET", "/api/v1/environments/{environment}/apps/{app}", VIEWER),
    rule("DELETE", "/api/v1/environments/{environment}/apps/{app}", DEVELOPER),
    rule("GET", "/api/v1/environments/{environment}/apps/{app}/compare", VIEWER),
];

const fn rule(method: &'static str, path: &'static str, needs: Needs) -> RouteRule {
    RouteRule::new(method, path, needs)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_and_the_document_name_the_same_routes_of_the_api() {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        let mut described: BTreeSet<String> =
            BTreeSet::from(["GET /api/v1/openapi.json".to_owned()]);
        for (path, operations) in document["paths"].as_object().unwrap() {
            for method in operations.as_object().unwrap().keys().filter(|key| *key != "parameters")
            {
                described.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
        let api = |rule: &&RouteRule| rule.path.starts_with("/api/");
        let listed: BTreeSet<_> = routes()
            .iter()
            .filter(api)
            .map(|rule| format!("{} {}", rule.method, rule.path))
            .collect();
        assert_eq!(listed, described);
    }

    #[test]
    fn the_document_says_which_routes_are_open() {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        for rule in routes().iter().filter(|rule| rule.path.starts_with("/api/v1/auth/")) {
            let operation = &document["paths"][rule.path][rule.method.to_lowercase()];
            assert_eq!(operation["security"], serde_json::json!([{}]), "{}", rule.path);
        }
        assert_eq!(document["security"], serde_json::json!([{"token": []}]));
    }
}
