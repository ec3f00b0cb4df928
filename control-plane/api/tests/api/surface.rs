//! What all answers have in common, and the plain ways through the API.

use gimlet_shared::api::{DeviceStarted, RepositoryAdded, TokenCreated};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{TestServer, client, problem};

#[tokio::test]
async fn a_token_knows_its_owner() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let me = owner.get("/api/v1/me").await;
    assert_eq!(me, json!({"login": "ana", "organization": "acme", "role": "owner"}));
}

#[tokio::test]
async fn a_device_login_waits_for_its_approval_and_gives_one_token() {
    let server = TestServer::start().await;
    let ask = async |path: &str, body: Value| {
        client().post(format!("{}{path}", server.url)).json(&body).send().await.unwrap()
    };
    let started: DeviceStarted = ask("/api/v1/auth/device", json!({})).await.json().await.unwrap();
    let poll = json!({"device_code": started.device_code, "name": "laptop"});
    let pending = problem(ask("/api/v1/auth/device/token", poll.clone()).await).await;
    assert_eq!((pending.status, pending.kind.as_str()), (400, "/docs/problems#login-pending"));

    let owner = server.new_owner("acme").await;
    let scope = server.app.scope_of_token(&owner.token).await.unwrap().unwrap();
    server.app.approve_device_login(&scope, &started.user_code).await.unwrap();
    let created = ask("/api/v1/auth/device/token", poll.clone()).await;
    let created: TokenCreated = created.json().await.unwrap();
    assert_eq!(created.me.organization, "acme");
    let again = problem(ask("/api/v1/auth/device/token", poll).await).await;
    assert_eq!(again.kind, "/docs/problems#login-expired");
}

#[tokio::test]
async fn what_is_made_says_where_it_is_and_is_listed() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let answer = owner.post("/api/v1/clusters", json!({"name": "prod", "namespace": "shop"})).await;
    assert_eq!(answer.status(), 201);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(owner.get(&location).await["name"], "prod");
    let environments = owner.get("/api/v1/environments").await;
    assert_eq!(environments["items"][0]["namespace"], "shop");

    let body = json!({"url": "https://git.example/acme/shop.git"});
    let answer = owner.post("/api/v1/repositories", body).await;
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let added: RepositoryAdded = answer.json().await.unwrap();
    assert_eq!(added.repository.name, "acme/shop");
    assert_eq!(owner.get(&location).await, serde_json::to_value(&added.repository).unwrap());
    assert_eq!(
        owner.get("/api/v1/repositories").await["items"][0]["id"],
        added.repository.id.as_str()
    );
    let look = client().post(&added.look_url).bearer_auth(&added.look_token).send().await.unwrap();
    assert_eq!(look.status(), 202);
}

#[tokio::test]
async fn a_signed_webhook_is_stored_once() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let body = json!({"url": "https://git.example/acme/shop.git"});
    let added: RepositoryAdded =
        owner.post("/api/v1/repositories", body).await.json().await.unwrap();
    let push = json!({
        "ref": "refs/heads/main",
        "before": "1".repeat(40),
        "after": "2".repeat(40),
        "repository": {"full_name": "acme/shop"},
    })
    .to_string();
    let deliver = async |event: &str, body: &str| {
        let signature = gimlet_github::sign(&added.webhook_secret, body.as_bytes()).unwrap();
        let request = client()
            .post(&added.webhook_url)
            .header("content-type", "application/json")
            .header("x-github-event", event)
            .header("x-github-delivery", "0193-1")
            .header("x-hub-signature-256", signature);
        let answer = request.body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap()["result"].clone())
    };
    assert_eq!(deliver("push", &push).await, (202, json!("stored")));
    assert_eq!(deliver("push", &push).await, (200, json!("replay")));
    assert_eq!(deliver("watch", "{}").await, (200, json!("ignored")));
}

#[tokio::test]
async fn answers_are_not_stored_and_carry_a_request_id() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    for path in ["/api/v1/me", "/api/v1/openapi.json", "/api/v1/nothing", "/hooks/x", "/git/x"] {
        let answer =
            owner.request(Method::GET, path).header("x-request-id", "ci-7").send().await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-store", "{path}");
        assert_eq!(answer.headers()["x-request-id"], "ci-7", "{path}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
    }
}

#[tokio::test]
async fn the_health_port_says_that_it_lives_is_ready_and_what_it_counts() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    owner.get("/api/v1/me").await;
    owner.request(Method::GET, "/api/v1/nothing/gim_secret").send().await.unwrap();
    let text = async |path: &str| {
        let answer = client().get(format!("{}{path}", server.health_url)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    };
    assert_eq!(text("/livez").await, "ok\n");
    assert_eq!(text("/readyz").await, "ok\n");
    let metrics = text("/metrics").await;
    let me = r#"gimlet_http_requests_total{method="GET",route="/api/v1/me",status="2xx"} 1"#;
    assert!(metrics.contains(me), "{metrics}");
    let nowhere = r#"gimlet_http_requests_total{method="GET",route="none",status="4xx"} 1"#;
    assert!(metrics.contains(nowhere), "{metrics}");
    assert!(!metrics.contains("gim_secret"));
}

#[tokio::test]
async fn the_description_of_the_api_names_what_each_request_carries() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let described = owner.get("/api/v1/openapi.json").await;
    for (path, schema) in [
        ("auth/link", "ExchangeLink"),
        ("auth/device/token", "DevicePoll"),
        ("clusters", "NewCluster"),
        ("releases", "NewRelease"),
        ("repositories", "NewRepository"),
    ] {
        let body = &described["paths"][format!("/api/v1/{path}")]["post"]["requestBody"];
        let named = &body["content"]["application/json"]["schema"]["$ref"];
        assert_eq!(named, &json!(format!("#/components/schemas/{schema}")), "{path}: {body}");
    }
    let fields = &described["components"]["schemas"]["NewGitopsRepository"]["properties"];
    assert_eq!(fields["password"]["writeOnly"], true, "{fields}");
}
