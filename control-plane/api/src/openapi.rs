//! The OpenAPI document, made from the handlers themselves. What all operations have in common is said
//! here once: headers, versions, and what a repeated request gets.

use serde_json::{Map, Value, json};
use utoipa::{
    OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
};

use crate::v1;

const EVENT_STREAM: &str = "text/event-stream";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Gimlet",
        description = "Deploys to Kubernetes clusters of your own. Errors are problems as RFC 9457 has them, times are RFC 3339 \
                   in UTC, ids are opaque. Readers must ignore fields they do not know.",
        version = "1"
    ),
    components(schemas(gimlet_shared::api::ChangesReset))
)]
struct Document;

/// The document as the handlers describe themselves.
fn described() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.merge(v1::router().into_openapi());
    let token = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("gim_…").build();
    document
        .components
        .get_or_insert_default()
        .add_security_scheme("token", SecurityScheme::Http(token));
    document.security = Some(vec![SecurityRequirement::new("token", [] as [&str; 0])]);
    document.info.version = v1::API_VERSION.to_owned();
    document
}

/// The document that `/api/v1/openapi.json` answers with.
#[must_use]
pub fn openapi() -> Value {
    // A document of plain text and lists is always JSON.
    let mut document = serde_json::to_value(described()).unwrap_or_default();
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for operations in paths.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        for (method, operation) in operations {
            if let Some(operation) = operation.as_object_mut() {
                complete(method, operation);
            }
        }
    }
    document
}

fn complete(method: &str, operation: &mut Map<String, Value>) {
    let is_open = operation.get("security").is_some();
    let is_stream = good_answer(operation).is_some_and(|answer| {
        answer.get("content").is_some_and(|content| content.get(EVENT_STREAM).is_some())
    });
    match method {
        "get" if !is_stream => {
            parameter(
                operation,
                "If-None-Match",
                "an `ETag` that is known: 304 where it still holds",
            );
            let unchanged = json!({"description": "it is still the version of `If-None-Match`"});
            answer(operation, "304", unchanged);
        }
        "post" if !is_open => {
            parameter(
                operation,
                "Idempotency-Key",
                "1 to 255 visible ASCII characters; within a day, the same key and request get the same answer, \
                 with `Idempotency-Replayed: true`",
            );
        }
        "patch" | "delete" => {
            parameter(
                operation,
                "If-Match",
                "the `ETag` that was read: 412 where it does not hold any more",
            );
        }
        _ => {}
    }
    let problem = json!({
        "description": "something that the server needs does not work",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    answer(operation, "5XX", problem);
    let answers = operation.get_mut("responses").and_then(Value::as_object_mut);
    for (status, answer) in answers.into_iter().flatten() {
        let Some(answer) = answer.as_object_mut() else { continue };
        let headers = answer.entry("headers").or_insert_with(|| json!({}));
        let Some(headers) = headers.as_object_mut() else { continue };
        for (name, says) in common_headers(method, status, is_stream, is_open) {
            headers.insert(name.to_owned(), header(says));
        }
    }
}

fn common_headers(
    method: &str,
    status: &str,
    is_stream: bool,
    is_open: bool,
) -> Vec<(&'static str, &'static str)> {
    let mut headers = vec![
        (
            "x-request-id",
            "the id of this request, in the server's logs; `X-Request-Id` of the request, where it has one",
        ),
        ("server-timing", "how long the server took (`app;dur=`), in milliseconds"),
        ("ratelimit-policy", "how many requests (`q`) are let through in how many seconds (`w`)"),
        (
            "ratelimit",
            "how many requests are left (`r`), and in how many seconds none is used (`t`)",
        ),
    ];
    if matches!(status, "4XX" | "5XX") {
        headers.push(("retry-after", "when to try again, in seconds, where that helps"));
    }
    match method {
        "get" if matches!(status, "200" | "304") && !is_stream => {
            headers.push(("etag", "the version of this content"));
            headers.push(("link", "the next page of a list, `rel=\"next\"`"));
        }
        "post" if status.starts_with('2') && !is_open => {
            headers.push(("idempotency-replayed", "`true` where the answer was given before"));
            headers.push(("location", "where what was made is read"));
        }
        "delete" if status == "202" => headers.push(("location", "where what was made is read")),
        _ => {}
    }
    headers
}

fn header(says: &str) -> Value {
    json!({"description": says, "schema": {"type": "string"}})
}

fn parameter(operation: &mut Map<String, Value>, name: &str, says: &str) {
    let all = operation.entry("parameters").or_insert_with(|| json!([]));
    let Some(all) = all.as_array_mut() else { return };
    if all
        .iter()
        .any(|known| known["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    {
        return;
    }
    all.push(json!({
        "name": name, "in": "header", "required": false, "description": says, "schema": {"type": "string"},
    }));
}

fn answer(operation: &mut Map<String, Value>, status: &str, answer: Value) {
    if let Some(all) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        all.insert(status.to_owned(), answer);
    }
}

fn good_answer(operation: &Map<String, Value>) -> Option<&Value> {
    operation.get("responses")?.get("200")
}
