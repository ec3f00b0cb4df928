//! The OpenAPI document against the running server: each operation with good and bad input, each answer
//! against what is declared. What is not declared fails.

use std::collections::HashMap;

use gimlet_shared::ids::{ArtifactId, ClusterId, ReleaseId, RepositoryId, TokenId};
use jsonschema::Validator;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::harness::{Owner, TestServer, client};

/// What HTTP itself brings, and what every answer of the port has; the document need not name them.
const COMMON_HEADERS: [&str; 10] = [
    "content-type",
    "content-length",
    "transfer-encoding",
    "date",
    "cache-control",
    "x-content-type-options",
    "x-accel-buffering",
    "allow",
    "www-authenticate",
    "vary",
];

struct Contract {
    document: Value,
    validators: HashMap<String, Validator>,
}

struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    described: &'a Value,
}

/// Objects have no fields but the declared ones.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.contains_key("properties") && !map.contains_key("additionalProperties") {
                map.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            map.values_mut().for_each(close);
        }
        Value::Array(all) => all.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl Contract {
    fn new(document: Value) -> Self {
        Self { document, validators: HashMap::new() }
    }

    fn operations(document: &Value) -> Vec<Operation<'_>> {
        let paths = document["paths"].as_object().unwrap();
        paths
            .iter()
            .flat_map(|(path, all)| {
                let all = all.as_object().unwrap().iter();
                all.map(move |(method, described)| Operation { method, path, described })
            })
            .collect()
    }

    fn validator(&mut self, schema: &Value) -> &Validator {
        let components = &self.document["components"];
        self.validators.entry(schema.to_string()).or_insert_with(|| {
            let mut whole = schema.clone();
            whole["components"] = components.clone();
            close(&mut whole);
            jsonschema::validator_for(&whole).unwrap()
        })
    }

    async fn check(&mut self, operation: &Operation<'_>, what: &str, answer: Response) {
        let status = answer.status().as_u16();
        let name = format!("{} {} ({what}) answered {status}", operation.method, operation.path);
        let all = &operation.described["responses"];
        let exact = all.get(status.to_string());
        let range = all.get(format!("{}XX", status / 100));
        let declared = exact.or(range).unwrap_or_else(|| panic!("{name}: not declared")).clone();
        let headers = answer.headers().clone();
        for header in headers.keys().map(reqwest::header::HeaderName::as_str) {
            let known =
                COMMON_HEADERS.contains(&header) || declared["headers"].get(header).is_some();
            assert!(known, "{name}: the header {header} is not declared");
        }
        assert!(headers.contains_key("x-request-id"), "{name}");
        let kind = headers.get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        if kind.as_deref() == Some("text/event-stream") {
            assert!(declared["content"].get("text/event-stream").is_some(), "{name}");
            return;
        }
        let body = answer.bytes().await.unwrap();
        match declared.get("content") {
            None => assert!(body.is_empty(), "{name}: has a body"),
            Some(content) => {
                let kind = kind.unwrap_or_else(|| panic!("{name}: has no content type"));
                let schema = &content[kind.as_str()]["schema"];
                assert!(schema.is_object(), "{name}: {kind} is not declared");
                let value: Value = serde_json::from_slice(&body).unwrap();
                let wrong: Vec<String> = self
                    .validator(schema)
                    .iter_errors(&value)
                    .map(|error| format!("{error} at {}", error.instance_path()))
                    .collect();
                assert!(wrong.is_empty(), "{name}: {wrong:?} in {value}");
            }
        }
    }
}

/// A body that the operation takes, where it takes one.
fn good_body(method: &str, path: &str, made: &Made) -> Option<Value> {
    Some(match (method, path) {
        ("post", "/api/v1/auth/link") => json!({"code": made.code, "name": "walk"}),
        ("post", "/api/v1/auth/device/token") => json!({"device_code": "gdc_x", "name": "walk"}),
        ("post", "/api/v1/clusters") => json!({"name": "walked"}),
        ("post", "/api/v1/repositories") => json!({"url": "https://git.example/acme/walked.git"}),
        ("post", "/api/v1/releases") => json!({"environment": "prod", "sha": "abcdef0"}),
        ("post", "/api/v1/tokens") => json!({"name": "walked", "expires_in_days": 3}),
        ("patch", "/api/v1/members/{login}") => json!({"role": "admin"}),
        _ => return None,
    })
}

/// What is there to be asked for.
struct Made {
    cluster: String,
    repository: String,
    token: String,
    code: String,
}

impl Made {
    async fn of(server: &TestServer, owner: &Owner) -> Self {
        let cluster = owner.given_cluster("prod").await.cluster.id;
        let body = json!({"url": "https://git.example/acme/shop.git"});
        let added: Value = owner.post("/api/v1/repositories", body).await.json().await.unwrap();
        let made: Value =
            owner.post("/api/v1/tokens", json!({"name": "ci"})).await.json().await.unwrap();
        let link = server.app.create_sign_in_link("acme", "ben").await.unwrap();
        Self {
            cluster,
            repository: added["repository"]["id"].as_str().unwrap().to_owned(),
            token: made["token"]["id"].as_str().unwrap().to_owned(),
            code: link.rsplit_once('/').unwrap().1.to_owned(),
        }
    }

    fn path(&self, template: &str) -> String {
        let id = match template {
            path if path.contains("/clusters/") => self.cluster.clone(),
            path if path.contains("/repositories/") => self.repository.clone(),
            path if path.contains("/tokens/") => self.token.clone(),
            path if path.contains("/artifacts/") => ArtifactId::new().to_string(),
            _ => ReleaseId::new().to_string(),
        };
        filled(template, &id, "ben", "prod")
    }
}

fn filled(template: &str, id: &str, login: &str, environment: &str) -> String {
    template
        .replace("{id}", id)
        .replace("{login}", login)
        .replace("{environment}", environment)
        .replace("{app}", "web")
}

fn nobodys(template: &str) -> String {
    let id = match template {
        path if path.contains("/clusters/") => ClusterId::new().to_string(),
        path if path.contains("/repositories/") => RepositoryId::new().to_string(),
        path if path.contains("/tokens/") => TokenId::new().to_string(),
        path if path.contains("/artifacts/") => ArtifactId::new().to_string(),
        _ => ReleaseId::new().to_string(),
    };
    filled(template, &id, "nobody", "nowhere")
}

#[tokio::test]
async fn every_operation_answers_as_the_document_says() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let made = Made::of(&server, &owner).await;
    let document = owner.get("/api/v1/openapi.json").await;
    let mut contract = Contract::new(document.clone());
    let operations = Contract::operations(&document);
    assert!(operations.len() > 30, "{}", operations.len());
    for operation in &operations {
        let Operation { method, path, .. } = operation;
        let verb: Method = method.to_uppercase().parse().unwrap();
        let body = good_body(method, path, &made);
        let with = |request: RequestBuilder, body: &Option<Value>| match body {
            Some(body) => request.json(body),
            None => request,
        };
        let ask = |path: String| owner.request(verb.clone(), &path);
        let stranger = client().request(verb.clone(), format!("{}{}", server.url, made.path(path)));
        let cases = [
            ("nobody", with(stranger, &body)),
            ("a bad limit", with(ask(format!("{}?limit=0", made.path(path))), &body)),
            ("an unknown parameter", with(ask(format!("{}?nope=1", made.path(path))), &body)),
            ("a bad cursor", with(ask(format!("{}?cursor=%25", made.path(path))), &body)),
            ("nobody's id", with(ask(nobodys(path)), &body)),
            ("a bad body", ask(made.path(path)).json(&json!({"nope": 1}))),
            ("a list", ask(made.path(path)).json(&json!([]))),
            ("a bad key", with(ask(made.path(path)), &body).header("idempotency-key", "two words")),
            ("a stale version", with(ask(made.path(path)), &body).header("if-match", "\"old\"")),
            ("a known version", with(ask(made.path(path)), &body).header("if-none-match", "*")),
            ("good", with(ask(made.path(path)), &body)),
        ];
        for (what, request) in cases {
            // Only the good one may take away what the others ask for.
            if *method == "delete"
                && !matches!(what, "nobody" | "nobody's id" | "a stale version" | "good")
            {
                continue;
            }
            let answer = request.send().await.unwrap();
            assert!(
                answer.status().as_u16() < 500,
                "{method} {path} ({what}): {}",
                answer.status()
            );
            contract.check(operation, what, answer).await;
        }
    }
}
