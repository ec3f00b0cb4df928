//! What every address says of the methods that it takes, and of addresses that are nearly right.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{Method, Response};

use crate::harness::{TestServer, problem};

/// The methods that each path of the API takes, by the table of routes.
fn methods() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut methods: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for rule in gimlet_api::routes().iter().filter(|rule| rule.path.starts_with("/api/")) {
        let of_path = methods.entry(rule.path).or_default();
        of_path.insert(rule.method);
        if rule.method == "GET" {
            of_path.insert("HEAD");
        }
    }
    methods
}

fn allowed(answer: &Response) -> BTreeSet<String> {
    let allow = answer.headers().get("allow").expect("an Allow header").to_str().unwrap();
    allow.split(',').map(|method| method.trim().to_owned()).collect()
}

#[tokio::test]
async fn every_address_names_the_methods_that_it_takes() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    for (path, expected) in methods() {
        let expected: BTreeSet<String> = expected.into_iter().map(str::to_owned).collect();
        for method in ["BREW", "PUT", "TRACE"] {
            let answer = owner.request(method.parse().unwrap(), path).send().await.unwrap();
            assert_eq!(allowed(&answer), expected, "{method} {path}");
            let problem = problem(answer).await;
            assert_eq!(problem.kind, "/docs/problems#method-not-allowed", "{method} {path}");
        }
        let asked = owner.request(Method::OPTIONS, path).send().await.unwrap();
        assert_eq!((asked.status().as_u16(), allowed(&asked)), (204, expected), "{path}");
    }
}

#[tokio::test]
async fn the_head_of_an_answer_comes_without_its_body() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    for path in ["/api/v1/me", "/api/v1/apps", "/api/v1/openapi.json", "/api/v1/version"] {
        let whole = owner.request(Method::GET, path).send().await.unwrap();
        let head = owner.request(Method::HEAD, path).send().await.unwrap();
        assert_eq!(head.status(), 200, "{path}");
        for header in ["etag", "content-type", "content-length"] {
            assert_eq!(head.headers().get(header), whole.headers().get(header), "{path} {header}");
        }
        assert!(head.bytes().await.unwrap().is_empty(), "{path}");
    }
    let absent = owner.request(Method::HEAD, "/api/v1/nothing").send().await.unwrap();
    assert_eq!(absent.status(), 404);
}

#[tokio::test]
async fn an_address_with_a_slash_too_many_is_told_so() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    for path in ["/api/v1/apps/", "/api/v1/", "/hooks/github/", "/git/acme/"] {
        let answer = owner.request(Method::GET, path).send().await.unwrap();
        let problem = problem(answer).await;
        assert_eq!(problem.kind, "/docs/problems#not-found", "{path}");
        assert!(problem.detail.contains("leave the slash at its end away"), "{}", problem.detail);
    }
}
