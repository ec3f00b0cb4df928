//! Each route with what it asks of its caller; a route that is missing here fails the tests.

use gimlet_domain::role::Role;

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing; what is in the request is the credential, or there is nothing to protect.
    Nothing,
    /// An API token or a browser session of a member with this role or a higher one.
    Role(Role),
    /// The repository's webhook secret, as a signature over the body.
    HookSignature,
    /// The repository's look token.
    LookToken,
    /// The environment's git credential, or a token as the password of HTTP basic.
    GitCredential,
    /// The single-use token of an enrolment.
    EnrolmentToken,
    /// A client certificate of our authority.
    ClientCertificate,
}

/// One route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteRule {
    /// HTTP method.
    pub method: &'static str,
    /// Template of the path.
    pub path: &'static str,
    /// What it asks for.
    pub needs: Needs,
}

const VIEWER: Needs = Needs::Role(Role::Viewer);
const DEVELOPER: Needs = Needs::Role(Role::Developer);
const ADMIN: Needs = Needs::Role(Role::Admin);

/// All routes of the people's and the agents' port, besides pages.
#[must_use]
pub fn routes() -> &'static [RouteRule] {
    const ROUTES: &[RouteRule] = &[
        rule("GET", "/api/v1/openapi.json", Needs::Nothing),
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
        rule("POST", "/hooks/github/{repository}", Needs::HookSignature),
        rule("POST", "/hooks/look/{repository}", Needs::LookToken),
        rule("GET", "/git/{organization}/{repository}/info/refs", Needs::GitCredential),
        rule("POST", "/git/{organization}/{repository}/git-upload-pack", Needs::GitCredential),
        rule("POST", "/git/{organization}/{repository}/git-receive-pack", Needs::GitCredential),
        rule("GET", "/root.pem", Needs::Nothing),
        rule("POST", "/enrolment/cluster", Needs::EnrolmentToken),
        rule("POST", "/enrolment/certificate", Needs::EnrolmentToken),
        rule("GET", "/agent/link", Needs::ClientCertificate),
    ];
    ROUTES
}

const fn rule(method: &'static str, path: &'static str, needs: Needs) -> RouteRule {
    RouteRule { method, path, needs }
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
