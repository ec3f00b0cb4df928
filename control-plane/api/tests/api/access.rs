//! Every route with no, a wrong and a foreign credential.

use gimlet_api::{Needs, RouteRule, routes};
use gimlet_shared::ids::{ArtifactId, ClusterId, ReleaseId, RepositoryId};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::harness::{TestServer, client, problem};

/// The template with ids of the right kind that belong to nobody.
fn filled(rule: &RouteRule) -> String {
    let id = match rule.path {
        path if path.contains("/clusters/") => ClusterId::new().to_string(),
        path if path.contains("/repositories/") => RepositoryId::new().to_string(),
        path if path.contains("/artifacts/") => ArtifactId::new().to_string(),
        _ => ReleaseId::new().to_string(),
    };
    rule.path
        .replace("{id}", &id)
        .replace("{organization}", "acme")
        .replace("/{repository}/", "/gitops-prod-apps.git/")
        .replace("{repository}", &RepositoryId::new().to_string())
        .replace("{environment}", "prod")
        .replace("{app}", "shop")
        .replace("{login}", "nobody")
}

fn request(server: &TestServer, rule: &RouteRule) -> RequestBuilder {
    let method: Method = rule.method.parse().unwrap();
    client().request(method, format!("{}{}", server.url, filled(rule)))
}

fn protected() -> impl Iterator<Item = RouteRule> {
    routes().into_iter().filter(|rule| matches!(rule.needs, Needs::Role(_)))
}

#[tokio::test]
async fn a_route_that_needs_a_role_answers_nobody_without_a_credential() {
    let server = TestServer::start().await;
    for rule in protected() {
        for (name, value) in [
            ("accept", "*/*"),
            ("authorization", "Bearer gim_unknown"),
            ("authorization", "Basic YTpi"),
            ("authorization", "Bearer "),
            ("cookie", "gimlet_session=unknown"),
        ] {
            let same_origin = request(&server, &rule).header("sec-fetch-site", "same-origin");
            let answer = same_origin.header(name, value).send().await.unwrap();
            let challenge = answer.headers().get("www-authenticate").cloned();
            let problem = problem(answer).await;
            let route = format!("{} {} with {name}: {value}", rule.method, rule.path);
            assert_eq!(problem.status, 401, "{route}");
            assert_eq!(challenge.unwrap(), r#"Bearer realm="gimlet""#, "{route}");
        }
        let in_query = request(&server, &rule).query(&[("token", "gim_x")]).send().await.unwrap();
        assert_eq!(in_query.status(), 401, "{}", rule.path);
    }
}

#[tokio::test]
async fn what_is_not_ours_looks_absent() {
    let server = TestServer::start().await;
    let (owner, stranger) = (server.new_owner("acme").await, server.new_owner("rival").await);
    let cluster = owner.given_cluster("prod").await.cluster;
    let added = owner.post("/api/v1/repositories", json!({"url": "https://git.example/acme/shop"}));
    let repository: gimlet_shared::api::RepositoryAdded = added.await.json().await.unwrap();
    let repository = repository.repository.id;
    for (method, path) in [
        (Method::GET, format!("/api/v1/clusters/{}", cluster.id)),
        (Method::POST, format!("/api/v1/clusters/{}/enrolment", cluster.id)),
        (Method::GET, "/api/v1/environments/prod".to_owned()),
        (Method::GET, format!("/api/v1/repositories/{repository}")),
        (Method::POST, format!("/api/v1/repositories/{repository}/look")),
        (Method::GET, "/api/v1/environments/prod/apps/shop".to_owned()),
        (Method::DELETE, "/api/v1/environments/prod/apps/shop".to_owned()),
    ] {
        let answer = stranger.request(method, &path).send().await.unwrap();
        assert_eq!(problem(answer).await.status, 404, "{path}");
    }
    for list in ["clusters", "environments", "repositories", "apps", "releases", "artifacts"] {
        assert_eq!(stranger.get(&format!("/api/v1/{list}")).await, json!({"items": []}), "{list}");
    }
    let own = owner.request(Method::POST, &format!("/api/v1/repositories/{repository}/look"));
    assert_eq!(own.send().await.unwrap().status(), 202);
}

#[tokio::test]
async fn an_id_that_belongs_to_nobody_is_not_found() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    for rule in protected().filter(|rule| rule.path.contains('{')) {
        let request = owner.request(rule.method.parse().unwrap(), &filled(&rule));
        let request = match rule.method {
            "PATCH" => request.json(&json!({"role": "viewer"})),
            _ => request,
        };
        let answer = request.send().await.unwrap();
        assert_eq!(problem(answer).await.status, 404, "{} {}", rule.method, rule.path);
    }
}

#[tokio::test]
async fn a_session_changes_things_from_our_own_pages_only() {
    let server = TestServer::start().await;
    let cookie = format!("other=1; gimlet_session={}", server.new_session("acme").await);
    let ask = async |method: Method, headers: &[(&str, &str)]| {
        let mut request = client()
            .request(method, format!("{}/api/v1/clusters", server.url))
            .header("cookie", &cookie)
            .json(&json!({"name": "prod"}));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask(Method::GET, &[]).await, 200);
    assert_eq!(ask(Method::POST, &[]).await, 403);
    assert_eq!(ask(Method::POST, &[("origin", "https://evil.example")]).await, 403);
    assert_eq!(ask(Method::POST, &[("sec-fetch-site", "cross-site")]).await, 403);
    assert_eq!(ask(Method::POST, &[("sec-fetch-site", "same-site")]).await, 403);
    assert_eq!(ask(Method::POST, &[("origin", &server.url)]).await, 201);
    // A token says by itself that the request is meant.
    let owner = server.new_owner("acme").await;
    let cross =
        owner.request(Method::POST, "/api/v1/clusters").header("sec-fetch-site", "cross-site");
    assert_eq!(cross.json(&json!({"name": "test"})).send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn the_hooks_and_the_git_server_answer_nobody_without_their_own_credential() {
    let server = TestServer::start().await;
    for rule in routes() {
        let expected = match rule.needs {
            Needs::LookToken | Needs::GitCredential => 401,
            // Without its headers it is not even a delivery.
            Needs::HookSignature => 400,
            Needs::Nothing
            | Needs::Role(_)
            | Needs::Session(_)
            | Needs::EnrolmentToken
            | Needs::ClientCertificate => {
                continue;
            }
        };
        let answer = request(&server, &rule).send().await.unwrap();
        assert_eq!(problem(answer).await.status, expected, "{} {}", rule.method, rule.path);
    }
    let agents = server.agent_client();
    for rule in routes() {
        if matches!(rule.needs, Needs::EnrolmentToken | Needs::ClientCertificate) {
            let method: Method = rule.method.parse().unwrap();
            let answer = agents.request(method, server.agent_url(rule.path)).send().await.unwrap();
            assert_eq!(problem(answer).await.status, 401, "{} {}", rule.method, rule.path);
        }
    }
}
