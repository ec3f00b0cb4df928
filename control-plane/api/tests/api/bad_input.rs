//! Bad input over every surface: each a clear problem, and nothing changed.

use gimlet_shared::{api::RepositoryAdded, ids::ReleaseId, ids::RepositoryId};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::{Owner, TestServer, client, enrolment_token, problem};

/// A request, and the problem that it meets: status, stable word, and a part of its detail or field.
struct Case(RequestBuilder, u16, &'static str, &'static str);

/// Sends each case and compares.
async fn check(client: &Client, cases: Vec<Case>) {
    for Case(request, status, word, says) in cases {
        let request = request.build().unwrap();
        let name = format!("{} {}", request.method(), request.url());
        let body = request
            .body()
            .and_then(|body| body.as_bytes())
            .map(|body| &body[..body.len().min(120)]);
        let name = format!("{name} {}", String::from_utf8_lossy(body.unwrap_or_default()));
        let problem = problem(client.execute(request).await.unwrap()).await;
        let word_told = problem.kind.rsplit('#').next();
        assert_eq!((problem.status, word_told), (status, Some(word)), "{name}: {problem:?}");
        let told = format!("{} {}", problem.field.as_deref().unwrap_or_default(), problem.detail);
        assert!(told.contains(says), "{name}: `{told}` does not say `{says}`");
    }
}

/// Everything that a request could have changed.
async fn state(owner: &Owner) -> Vec<Value> {
    let mut state = Vec::new();
    for list in ["clusters", "environments", "repositories", "artifacts", "releases", "apps"] {
        state.push(owner.get(&format!("/api/v1/{list}")).await);
    }
    state
}

fn raw(owner: &Owner, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    owner.request(Method::POST, path).header("content-type", "application/json").body(body)
}

fn bodies(owner: &Owner) -> Vec<Case> {
    let clusters = |body: &str| raw(owner, "/api/v1/clusters", body.to_owned());
    let typed = |kind: &str| {
        owner.request(Method::POST, "/api/v1/clusters").header("content-type", kind).body("{}")
    };
    let repositories =
        |body: Value| owner.request(Method::POST, "/api/v1/repositories").json(&body);
    let long = "n".repeat(41);
    vec![
        Case(
            owner.request(Method::POST, "/api/v1/clusters"),
            415,
            "unsupported-media-type",
            "application/json",
        ),
        Case(typed("text/plain"), 415, "unsupported-media-type", "Content-Type"),
        Case(
            clusters("{\"name\":\"a\"}").header("content-encoding", "gzip"),
            415,
            "unsupported-media-type",
            "Content-Encoding",
        ),
        Case(
            typed("application/x-www-form-urlencoded"),
            415,
            "unsupported-media-type",
            "Content-Type",
        ),
        Case(clusters(""), 400, "malformed-request", "line 1 column 0"),
        Case(clusters("{\"name\":"), 400, "malformed-request", "line 1 column 8"),
        Case(clusters("{\"name\":\"a\"} x"), 400, "malformed-request", "trailing"),
        Case(clusters("\u{0}"), 400, "malformed-request", "line 1 column 1"),
        Case(
            raw(owner, "/api/v1/clusters", vec![b'{', 0xff, b'}']),
            400,
            "malformed-request",
            "line 1",
        ),
        Case(clusters("[]"), 422, "invalid-field", "object"),
        Case(clusters("{}"), 422, "invalid-field", "name"),
        Case(clusters("{\"name\":7}"), 422, "invalid-field", "name"),
        Case(clusters("{\"name\":\"a\",\"colour\":1}"), 422, "invalid-field", "colour"),
        Case(clusters("{\"name\":\"a\",\"name\":\"b\"}"), 422, "invalid-field", "name"),
        Case(clusters("{\"name\":\"\"}"), 422, "invalid-field", "name"),
        Case(clusters("{\"name\":\"Prod_1\"}"), 422, "invalid-field", "name"),
        Case(clusters("{\"name\":\"../prod\"}"), 422, "invalid-field", "name"),
        Case(clusters(&json!({"name": long}).to_string()), 422, "invalid-field", "name"),
        Case(clusters("{\"name\":\"taken\"}"), 422, "invalid-field", "name"),
        Case(clusters("{\"name\":\"a\",\"namespace\":\"a b\"}"), 422, "invalid-field", "namespace"),
        Case(clusters(&"[".repeat(100_000)), 422, "invalid-field", "object"),
        Case(
            clusters(&format!("{{\"name\":\"{}\"}}", "n".repeat(1 << 20))),
            413,
            "too-large",
            "larger",
        ),
        Case(repositories(json!({"url": "acme/shop"})), 422, "invalid-field", "url"),
        Case(repositories(json!({"url": "ftp://git.example/a/b"})), 422, "invalid-field", "url"),
        Case(
            repositories(json!({"url": "https://u:p@git.example/a/b"})),
            422,
            "invalid-field",
            "url",
        ),
        Case(
            repositories(json!({"url": "https://git.example/a/b", "name": "../b"})),
            422,
            "invalid-field",
            "name",
        ),
    ]
}

fn releases(owner: &Owner) -> Vec<Case> {
    let post = |body: Value| owner.request(Method::POST, "/api/v1/releases").json(&body);
    let get = |path: &str| owner.request(Method::GET, path);
    let with_key = |key: &str| post(json!({"environment": "taken"})).header("idempotency-key", key);
    let unknown = format!("/api/v1/releases/{}/rollback", ReleaseId::new());
    vec![
        Case(
            post(json!({"environment": "absent", "sha": "0123456789"})),
            404,
            "not-found",
            "environment",
        ),
        Case(post(json!({"environment": "taken"})), 422, "invalid-field", "artifact"),
        Case(post(json!({"environment": "taken", "sha": "012"})), 422, "invalid-field", "sha"),
        Case(
            post(json!({"environment": "taken", "artifact": "rel_1"})),
            422,
            "invalid-field",
            "artifact",
        ),
        Case(
            post(json!({"environment": "taken", "sha": "%' OR 1=1"})),
            422,
            "invalid-field",
            "sha",
        ),
        Case(with_key("two words"), 422, "invalid-field", "Idempotency-Key"),
        Case(with_key(&"k".repeat(256)), 422, "invalid-field", "Idempotency-Key"),
        Case(owner.request(Method::POST, &unknown), 404, "not-found", "release"),
        Case(get("/api/v1/releases/rel_1"), 404, "not-found", "rel_1"),
        Case(get("/api/v1/releases/rel_1/events"), 404, "not-found", "rel_1"),
        Case(
            get("/api/v1/clusters/rel_00000000000000000000000000000000"),
            404,
            "not-found",
            "clu_",
        ),
        Case(get("/api/v1/releases?limit=0"), 422, "invalid-field", "limit"),
        Case(get("/api/v1/releases?limit=101"), 422, "invalid-field", "limit"),
        Case(get("/api/v1/releases?limit=many"), 422, "invalid-field", "limit"),
        Case(get("/api/v1/releases?cursor=%27"), 400, "bad-cursor", "cursor"),
        Case(get("/api/v1/artifacts?colour=1"), 422, "invalid-field", "colour"),
        Case(get("/api/v1/environments/%ff/apps/x"), 404, "not-found", ""),
        Case(get("/api/v1/environments/..%2f../apps/x"), 404, "not-found", "application"),
        Case(get("/api/v1/nothing"), 404, "not-found", "/api/v1/nothing"),
        Case(get("/api"), 404, "not-found", "/api"),
        Case(owner.request(Method::PATCH, "/api/v1/clusters"), 405, "method-not-allowed", "Allow"),
        Case(
            owner.request("BREW".parse().unwrap(), "/api/v1/me"),
            405,
            "method-not-allowed",
            "Allow",
        ),
    ]
}

fn sign_in(server: &TestServer) -> Vec<Case> {
    let post = |path: &str, body: Value| {
        client().post(format!("{}/api/v1/auth/{path}", server.url)).json(&body)
    };
    let me = |value: &str| {
        client().get(format!("{}/api/v1/me", server.url)).header("authorization", value)
    };
    vec![
        Case(
            post("link", json!({"code": "gsl_unknown", "name": "x"})),
            401,
            "unauthenticated",
            "link",
        ),
        Case(post("link", json!({"code": "x", "name": ""})), 422, "invalid-field", "name"),
        Case(
            post("device/token", json!({"device_code": "x", "name": "x"})),
            400,
            "login-expired",
            "login",
        ),
        Case(
            post("device/token", json!({"device_code": "x", "name": "a\nb"})),
            422,
            "invalid-field",
            "name",
        ),
        Case(me("Bearer"), 401, "unauthenticated", "Bearer"),
        Case(me("Token gim_x"), 401, "unauthenticated", "Bearer"),
        Case(me("Bearer gim_x' OR '1'='1"), 401, "unauthenticated", "unknown"),
    ]
}

fn hooks(server: &TestServer, added: &RepositoryAdded) -> Vec<Case> {
    let signed = |body: &str| {
        let signature = gimlet_github::sign(&added.webhook_secret, body.as_bytes()).unwrap();
        hook(&added.webhook_url, body).header("x-hub-signature-256", signature)
    };
    let stranger = format!("{}/hooks/github/{}", server.url, RepositoryId::new());
    let no_repository = format!("{}/hooks/github/shop", server.url);
    let unsigned = || hook(&added.webhook_url, "{}");
    let form = client()
        .post(&added.webhook_url)
        .header("x-github-event", "push")
        .header("x-github-delivery", "1");
    let push = |field: &str, value: Value| {
        let mut push =
            json!({"ref": "refs/heads/main", "before": "1".repeat(40), "after": "2".repeat(40)});
        push["repository"] = json!({"full_name": "acme/shop"});
        push[field] = value;
        signed(&push.to_string())
    };
    vec![
        Case(hook(&stranger, "{}"), 404, "not-found", "repository"),
        Case(hook(&no_repository, "{}"), 404, "not-found", "rep_"),
        Case(
            client().post(&added.webhook_url).json(&json!({})),
            400,
            "malformed-request",
            "x-github-event",
        ),
        Case(unsigned(), 401, "unauthenticated", "signature"),
        Case(
            unsigned().header("x-hub-signature-256", "sha256=00"),
            401,
            "unauthenticated",
            "signature",
        ),
        Case(
            unsigned().header("x-hub-signature-256", format!("sha256={}", "0".repeat(64))),
            401,
            "unauthenticated",
            "signature",
        ),
        Case(form.form(&[("payload", "{}")]), 415, "unsupported-media-type", "application/json"),
        Case(signed("no json"), 422, "invalid-field", "push"),
        Case(push("after", Value::Null), 422, "invalid-field", "after"),
        Case(push("before", json!("../../etc/passwd")), 422, "invalid-field", "before"),
        Case(push("repository", Value::Null), 422, "invalid-field", "repository"),
        // GitHub sends up to 25 MiB: the payload itself has to be what is wrong with 3.
        Case(signed(&" ".repeat(3 << 20)), 422, "invalid-field", "push"),
        Case(hook(&added.webhook_url, "").body(vec![b' '; 26 << 20]), 413, "too-large", "25 MiB"),
        Case(client().get(&added.webhook_url), 405, "method-not-allowed", "Allow"),
        Case(client().post(&added.look_url), 401, "unauthenticated", "Bearer"),
        Case(client().post(&added.look_url).bearer_auth("look_x"), 404, "not-found", "repository"),
        Case(client().get(format!("{}/hooks/other", server.url)), 404, "not-found", "/hooks/other"),
    ]
}

fn hook(url: &str, body: &str) -> RequestBuilder {
    client()
        .post(url)
        .header("content-type", "application/json")
        .header("x-github-event", "push")
        .header("x-github-delivery", "0193-1")
        .body(body.to_owned())
}

fn git(server: &TestServer, owner: &Owner) -> Vec<Case> {
    let url = |path: &str| format!("{}/git/acme/{path}", server.url);
    let get = |path: &str| client().get(url(path)).basic_auth("ana", Some(&owner.token));
    let apps = "gitops-taken-apps.git";
    let refs = format!("{apps}/info/refs?service=git-upload-pack");
    let upload = || {
        client().post(url(&format!("{apps}/git-upload-pack"))).basic_auth("ana", Some(&owner.token))
    };
    vec![
        Case(client().get(url(&refs)), 401, "unauthenticated", "password"),
        Case(
            client().get(url(&refs)).basic_auth("ana", Some("gim_x")),
            401,
            "unauthenticated",
            "token",
        ),
        Case(
            client().get(url(&refs)).basic_auth("flux", Some("x")),
            401,
            "unauthenticated",
            "token",
        ),
        Case(
            client().get(url(&refs)).bearer_auth(&owner.token),
            401,
            "unauthenticated",
            "password",
        ),
        Case(get(&format!("{apps}/info/refs")), 400, "malformed-request", "service"),
        Case(
            get(&format!("{apps}/info/refs?service=git-upload-archive")),
            400,
            "malformed-request",
            "service",
        ),
        Case(
            get("gitops-taken-apps/info/refs?service=git-upload-pack"),
            404,
            "not-found",
            "repository",
        ),
        Case(
            get("gitops-absent-apps.git/info/refs?service=git-upload-pack"),
            404,
            "not-found",
            "repository",
        ),
        Case(
            get("..%2f..%2fca.git/info/refs?service=git-upload-pack"),
            404,
            "not-found",
            "repository",
        ),
        Case(get(&format!("{apps}/objects/info/packs")), 404, "not-found", "packs"),
        Case(get(&format!("{apps}/git-upload-pack")), 405, "method-not-allowed", "Allow"),
        Case(upload().body("0000"), 415, "unsupported-media-type", "content type"),
        Case(
            upload()
                .header("content-type", "application/x-git-upload-pack-request")
                .header("content-encoding", "br"),
            415,
            "unsupported-media-type",
            "gzip",
        ),
        Case(
            upload().header("git-protocol", "version=2;rm -rf").body(""),
            415,
            "unsupported-media-type",
            "",
        ),
    ]
}

#[tokio::test]
async fn bad_input_meets_a_clear_problem_and_changes_nothing() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    owner.given_cluster("taken").await;
    let body = json!({"url": "https://git.example/acme/shop.git"});
    let added: RepositoryAdded =
        owner.post("/api/v1/repositories", body).await.json().await.unwrap();
    let before = state(&owner).await;
    check(&client(), bodies(&owner)).await;
    check(&client(), releases(&owner)).await;
    check(&client(), sign_in(&server)).await;
    check(&client(), hooks(&server, &added)).await;
    check(&client(), git(&server, &owner)).await;
    assert_eq!(state(&owner).await, before);
}

#[tokio::test]
async fn bad_input_to_the_agents_port_spends_no_token() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let token = enrolment_token(&owner.given_cluster("prod").await);
    let agents = server.agent_client();
    let post = |path: &str, token: &str, body: Value| {
        agents.post(server.agent_url(path)).bearer_auth(token).json(&body)
    };
    let describe = |hash: &str| json!({"kubernetesVersion": "v1.34.4", "gitPasswordSha256": hash});
    let hash = "0".repeat(64);
    let csr = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n";
    let cases = vec![
        Case(
            post("/enrolment/cluster", "get_unknown", describe(&hash)),
            401,
            "unauthenticated",
            "token",
        ),
        Case(
            post("/enrolment/cluster", &token, describe("short")),
            422,
            "invalid-field",
            "gitPasswordSha256",
        ),
        Case(
            post("/enrolment/cluster", &token, json!({})),
            422,
            "invalid-field",
            "kubernetesVersion",
        ),
        Case(
            post("/enrolment/certificate", &token, json!({"csrPem": "junk"})),
            422,
            "invalid-field",
            "csrPem",
        ),
        Case(
            post("/enrolment/certificate", &token, json!({"csrPem": csr})),
            422,
            "invalid-field",
            "csrPem",
        ),
        Case(
            post("/enrolment/certificate", &token, json!({"csrPem": 7})),
            422,
            "invalid-field",
            "csrPem",
        ),
        Case(
            post("/enrolment/certificate", &token, json!({"csrPem": "x".repeat(70_000)})),
            413,
            "too-large",
            "larger",
        ),
        Case(
            agents.get(server.agent_url("/enrolment/cluster")),
            405,
            "method-not-allowed",
            "Allow",
        ),
        Case(agents.get(server.agent_url("/agent")), 404, "not-found", "/agent"),
        Case(agents.get(server.agent_url("/api/v1/me")), 404, "not-found", "/api/v1/me"),
    ];
    check(&agents, cases).await;
    let unspent = post("/enrolment/cluster", &token, describe(&hash)).send().await.unwrap();
    assert_eq!(unspent.status(), 200);
}
