//! Members and tokens, repeated requests, versions and limits.

use gimlet_api::RequestLimits;
use gimlet_app::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{TestServer, client, problem};

/// The token of a member of this role.
async fn member(server: &TestServer, login: &str, role: Role) -> String {
    let link = server.app.create_sign_in_link_as("acme", login, role).await.unwrap();
    let (_, code) = link.rsplit_once('/').unwrap();
    let request = client().post(format!("{}/api/v1/auth/link", server.url));
    let answer = request.json(&json!({"code": code, "name": "test"})).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn roles_hold_and_a_removed_member_is_nobody_at_once() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let viewer = member(&server, "vera", Role::Viewer).await;
    let ask = async |method: Method, path: &str, body: Value| {
        let request = client().request(method, format!("{}{path}", server.url));
        request.bearer_auth(&viewer).json(&body).send().await.unwrap()
    };
    let clusters = "/api/v1/clusters";
    assert_eq!(ask(Method::GET, clusters, json!({})).await.status(), 200);
    assert_eq!(ask(Method::POST, clusters, json!({"name": "prod"})).await.status(), 403);
    let up = ask(Method::PATCH, "/api/v1/members/vera", json!({"role": "owner"})).await;
    assert_eq!(problem(up).await.status, 403);
    assert_eq!(ask(Method::DELETE, "/api/v1/members/ana", json!({})).await.status(), 403);
    assert_eq!(ask(Method::GET, "/api/v1/tokens?all=true", json!({})).await.status(), 403);

    let last = owner.request(Method::DELETE, "/api/v1/members/ana").send().await.unwrap();
    assert_eq!(problem(last).await.status, 409);
    let role = owner.request(Method::PATCH, "/api/v1/members/vera");
    let role = role.json(&json!({"role": "developer"})).send().await.unwrap();
    assert_eq!(role.json::<Value>().await.unwrap()["role"], "developer");
    let gone = owner.request(Method::DELETE, "/api/v1/members/vera").send().await.unwrap();
    assert_eq!(gone.status(), 204);
    assert_eq!(ask(Method::GET, clusters, json!({})).await.status(), 401);
}

#[tokio::test]
async fn a_token_is_shown_once_listed_and_revoked() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let made = owner.post("/api/v1/tokens", json!({"name": "ci", "expires_in_days": 1})).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    let (secret, id) = (made["secret"].as_str().unwrap(), made["token"]["id"].as_str().unwrap());
    let listed = owner.get("/api/v1/tokens").await;
    assert!(!listed.to_string().contains(secret), "{listed}");
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    let me = || client().get(format!("{}/api/v1/me", server.url)).bearer_auth(secret).send();
    assert_eq!(me().await.unwrap().status(), 200);
    let path = format!("/api/v1/tokens/{id}");
    let revoke = || owner.request(Method::DELETE, &path).send();
    assert_eq!(revoke().await.unwrap().status(), 204);
    assert_eq!(revoke().await.unwrap().status(), 404);
    assert_eq!(me().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_repeated_request_is_answered_and_not_carried_out_again() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let make = async |name: &str| {
        let request = owner.request(Method::POST, "/api/v1/tokens").header("idempotency-key", "k1");
        request.json(&json!({"name": name})).send().await.unwrap()
    };
    let first = make("ci").await;
    assert!(!first.headers().contains_key("idempotency-replayed"));
    let first: Value = first.json().await.unwrap();
    let again = make("ci").await;
    assert_eq!(
        (again.status().as_u16(), &again.headers()["idempotency-replayed"]),
        (201, &"true".parse().unwrap())
    );
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    let other = problem(make("other").await).await;
    assert_eq!((other.status, other.kind.as_str()), (422, "/docs/problems#idempotency-key-reused"));
    assert_eq!(owner.get("/api/v1/tokens").await["items"].as_array().unwrap().len(), 2);
    // What changed nothing leaves its key free.
    let bad = |name: &str| {
        let request = owner.request(Method::POST, "/api/v1/tokens").header("idempotency-key", "k2");
        request.json(&json!({"name": name})).send()
    };
    assert_eq!(bad("").await.unwrap().status(), 422);
    assert_eq!(bad("fixed").await.unwrap().status(), 201);
}

#[tokio::test]
async fn a_version_saves_reading_and_guards_changing() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    member(&server, "ben", Role::Viewer).await;
    let path = "/api/v1/members/ben";
    let read = owner.request(Method::GET, path).send().await.unwrap();
    let tag = read.headers()["etag"].to_str().unwrap().to_owned();
    let same = owner.request(Method::GET, path).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(same.status(), 304);
    assert!(same.bytes().await.unwrap().is_empty());
    let set = |role: &str| {
        let request = owner.request(Method::PATCH, path).header("if-match", &tag);
        request.json(&json!({"role": role})).send()
    };
    assert_eq!(set("developer").await.unwrap().status(), 200);
    let stale = problem(set("admin").await.unwrap()).await;
    assert_eq!((stale.status, stale.field.as_deref()), (412, Some("If-Match")));
}

#[tokio::test]
async fn of_two_changes_to_one_version_at_the_same_moment_one_is_made() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    member(&server, "ben", Role::Viewer).await;
    let path = "/api/v1/members/ben";
    for (one, other) in [("developer", "admin"), ("viewer", "owner"), ("developer", "admin")] {
        let read = owner.request(Method::GET, path).send().await.unwrap();
        let tag = read.headers()["etag"].to_str().unwrap().to_owned();
        let set = async |role: &str| {
            let request = owner.request(Method::PATCH, path).header("if-match", &tag);
            request.json(&json!({"role": role})).send().await.unwrap()
        };
        let (first, second) = tokio::join!(set(one), set(other));
        let (won, lost) = if first.status() == 200 { (first, second) } else { (second, first) };
        let role = won.json::<Value>().await.unwrap()["role"].clone();
        let lost = problem(lost).await;
        assert_eq!((lost.status, lost.field.as_deref()), (412, Some("If-Match")));
        assert_eq!(owner.get(path).await["role"], role);
    }
}

#[tokio::test]
async fn a_credential_and_a_guessing_address_run_out_and_others_do_not() {
    let limits = RequestLimits { per_credential: 5, per_address: 20, proxies: 1 };
    let server = TestServer::start_limited(limits).await;
    let (owner, other) = (server.new_owner("acme").await, server.new_owner("rival").await);
    let me = |owner: &crate::harness::Owner| owner.request(Method::GET, "/api/v1/me").send();
    for left in (0..5).rev() {
        let answer = me(&owner).await.unwrap();
        assert_eq!(answer.status(), 200);
        let shown = answer.headers()["ratelimit"].to_str().unwrap().to_owned();
        assert!(shown.starts_with(&format!("\"credential\";r={left};t=")), "{shown}");
    }
    let refused = me(&owner).await.unwrap();
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(problem(refused).await.status, 429);
    assert_eq!(me(&other).await.unwrap().status(), 200);

    let guess = async |from: &str| {
        let request = client().get(format!("{}/api/v1/me", server.url));
        let request = request.bearer_auth("gim_guess").header("x-forwarded-for", from);
        request.send().await.unwrap().status().as_u16()
    };
    for _ in 0..20 {
        assert_eq!(guess("192.0.2.1").await, 401);
    }
    assert_eq!(guess("192.0.2.1").await, 429);
    assert_eq!(guess("192.0.2.2").await, 401);
}

#[tokio::test]
async fn lists_go_through_all_rows_once_by_their_links() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    for name in ["c", "a", "e", "b", "d"] {
        owner.given_cluster(name).await;
    }
    for list in ["clusters", "environments"] {
        let mut next = Some(format!("/api/v1/{list}?limit=2"));
        let mut names = Vec::new();
        while let Some(path) = next {
            let answer = owner.request(Method::GET, &path).send().await.unwrap();
            let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
            next = link.map(|link| link[1..link.find('>').unwrap()].to_owned());
            let page: Value = answer.json().await.unwrap();
            assert_eq!(page.get("next_cursor").is_some(), next.is_some());
            let rows = page["items"].as_array().unwrap();
            names.extend(rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()));
        }
        assert_eq!(names, ["a", "b", "c", "d", "e"], "{list}");
    }
    for bad in ["members", "tokens", "activity", "clusters", "apps", "repositories"] {
        let answer = owner.request(Method::GET, &format!("/api/v1/{bad}?cursor=%25")).send().await;
        let problem = problem(answer.unwrap()).await;
        assert_eq!(
            (problem.status, problem.kind.as_str()),
            (400, "/docs/problems#bad-cursor"),
            "{bad}"
        );
    }
}
