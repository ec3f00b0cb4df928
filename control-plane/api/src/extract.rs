//! Requests into types. Whatever does not fit is a [`Problem`](gimlet_shared::api::Problem) that names the
//! field, the place and the remedy.

use std::time::Duration;

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::problem::{ApiError, ProblemKind};

/// A body must be here after this long; it is a megabyte at most, and 25 for a webhook.
const BODY_DEADLINE: Duration = Duration::from_secs(20);
/// `Idempotency-Key` is kept with the request; a `UUID` has 36 characters.
const LONGEST_IDEMPOTENCY_KEY: usize = 255;

/// A JSON body.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        require_json(request.headers())?;
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        read_json(&bytes).map(Self)
    }
}

/// A body as it came, up to the route's limit.
pub(crate) struct RawBody(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let Ok(read) =
            tokio::time::timeout(BODY_DEADLINE, Bytes::from_request(request, state)).await
        else {
            let detail = format!("the body did not arrive within {} s", BODY_DEADLINE.as_secs());
            return Err(ApiError::new(ProblemKind::Timeout, detail));
        };
        read.map(Self).map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
                ProblemKind::TooLarge,
                "the body is larger than this address takes; send less",
            ),
            _ => ApiError::new(ProblemKind::Malformed, rejection.body_text()),
        })
    }
}

/// The parts of the path. What is no id of the wanted kind is not there.
pub(crate) struct PathOf<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(rejection) => {
                let text = rejection.body_text();
                let text = text.strip_prefix("Invalid URL: ").unwrap_or(&text);
                Err(ApiError::new(ProblemKind::NotFound, text))
            }
        }
    }
}

/// The query.
pub(crate) struct QueryOf<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(wrong_query(&rejection.body_text())),
        }
    }
}

/// What is wrong with a query, as a problem of the parameter: `limit: cannot parse …`, or
/// "unknown field `x`".
fn wrong_query(text: &str) -> ApiError {
    let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    let at_field = text.split_once(": ").filter(|(name, _)| !name.contains(' '));
    let (field, detail) = match at_field {
        Some((name, detail)) => (Some(name.to_owned()), detail),
        None => (None, text),
    };
    let field = field.or_else(|| named_field(detail)).unwrap_or_else(|| "query".to_owned());
    ApiError::new(ProblemKind::InvalidField, detail).in_field(field)
}

/// The header `Idempotency-Key`, where it came along.
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let visible = value.as_bytes().iter().all(u8::is_ascii_graphic);
        match value.to_str() {
            Ok(key) if visible && (1..=LONGEST_IDEMPOTENCY_KEY).contains(&key.len()) => {
                Ok(Self(Some(key.to_owned())))
            }
            _ => {
                let detail = format!(
                    "must be 1 to {LONGEST_IDEMPOTENCY_KEY} visible ASCII characters, such as a UUID"
                );
                Err(ApiError::new(ProblemKind::InvalidField, detail).in_field("Idempotency-Key"))
            }
        }
    }
}

/// The token of `Authorization: Bearer …`.
pub(crate) struct BearerToken(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for BearerToken {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        find_bearer(&parts.headers)?
            .map(Self)
            .ok_or_else(|| ApiError::unauthenticated("send `Authorization: Bearer <token>`"))
    }
}

/// The bearer token, `None` without the header; a header of another form is no credential.
pub(crate) fn find_bearer(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty());
    match token {
        Some(token) => Ok(Some(token.to_owned())),
        None => Err(ApiError::unauthenticated("`Authorization` must be `Bearer <token>`")),
    }
}

/// Lets only JSON bodies pass. A browser cannot send that type to another site without asking first.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let coded = headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    if coded {
        let detail = "send the body as it is, without `Content-Encoding`";
        let problem = ApiError::new(ProblemKind::UnsupportedMediaType, detail);
        return Err(problem.in_field("Content-Encoding"));
    }
    if essence == "application/json" {
        return Ok(());
    }
    let detail = "send JSON with `Content-Type: application/json`";
    Err(ApiError::new(ProblemKind::UnsupportedMediaType, detail).in_field("Content-Type"))
}

fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // Serde would take a list for the fields in their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        let detail = "the body must be a JSON object, not a list, at line 1 column 1";
        return Err(ApiError::new(ProblemKind::InvalidField, detail));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        if !cause.is_data() {
            return no_json(&cause);
        }
        let field = named_field(&cause.to_string()).unwrap_or(path);
        let whole = matches!(field.as_str(), "." | "?");
        let problem = ApiError::new(ProblemKind::InvalidField, without_value(&cause.to_string()));
        if whole { problem } else { problem.in_field(field) }
    })?;
    json.end().map_err(|error| no_json(&error))?;
    Ok(value)
}

/// What serde says, without the text that it did not want: that may be a secret in the wrong place.
fn without_value(message: &str) -> String {
    match (message.split_once("string \""), message.rsplit_once("\", expected")) {
        (Some((before, _)), Some((_, after))) => format!("{before}string, expected{after}"),
        _ => message.to_owned(),
    }
}

fn no_json(error: &serde_json::Error) -> ApiError {
    ApiError::new(ProblemKind::Malformed, format!("the body is not valid JSON: {error}"))
}

/// The name in serde's "unknown field `x`", "missing field `x`" or "duplicate field `x`"; the path does not
/// reach it.
fn named_field(text: &str) -> Option<String> {
    let rest = ["unknown", "missing", "duplicate"]
        .iter()
        .find_map(|fault| text.strip_prefix(fault)?.strip_prefix(" field `"))?;
    rest.split_once('`').map(|(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, response::IntoResponse};
    use gimlet_shared::{
        api::{NewCluster, Problem, ReleaseQuery},
        ids::ReleaseId,
    };

    use super::*;

    fn problem(error: ApiError) -> Problem {
        error.into_response().extensions().get::<Problem>().cloned().unwrap()
    }

    async fn body_problem(content_type: &str, body: &str) -> Problem {
        let request = Request::builder()
            .header("content-type", content_type)
            .body(Body::from(body.to_owned()))
            .unwrap();
        let Err(error) = JsonBody::<NewCluster>::from_request(request, &()).await else {
            panic!("{body} was taken");
        };
        problem(error)
    }

    fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[tokio::test]
    async fn a_wrong_body_names_its_field_and_place() {
        let cases = [
            (r#"{"name": 7}"#, 422, Some("name")),
            (r#"{"nmae": "a"}"#, 422, Some("nmae")),
            (r"{}", 422, Some("name")),
            (r#"{"name": "a", "environment": {}}"#, 422, Some("environment")),
            (r"[1]", 422, None),
            (r#""a""#, 422, None),
            (r#"{"name": "a""#, 400, None),
            (r#"{"name": "a"} {}"#, 400, None),
            ("", 400, None),
            ("\u{feff}{}", 400, None),
        ];
        for (body, status, field) in cases {
            let problem = body_problem("application/json; charset=utf-8", body).await;
            assert_eq!(
                (problem.status, problem.field.as_deref()),
                (status, field),
                "{body}: {problem:?}"
            );
            assert!(problem.detail.contains("line 1 column"), "{}", problem.detail);
        }
    }

    #[tokio::test]
    async fn a_body_of_another_type_is_not_read() {
        for content_type in
            ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"]
        {
            assert_eq!(
                body_problem(content_type, r#"{"name":"a"}"#).await.status,
                415,
                "{content_type}"
            );
        }
    }

    #[tokio::test]
    async fn a_text_in_the_wrong_place_is_not_repeated() {
        for body in [
            r#"{"name": "a", "gitops_repository": "canary\", expected"}"#,
            r#"{"name": ["canary"]}"#,
            r#""canary""#,
            r#"{"name": "canary"#,
        ] {
            let problem = body_problem("application/json", body).await;
            assert!(!problem.detail.contains("canary"), "{}", problem.detail);
            assert!(problem.detail.contains("line 1 column"), "{}", problem.detail);
        }
    }

    #[tokio::test]
    async fn deep_json_is_an_error_and_no_overflow() {
        assert_eq!(body_problem("application/json", &"[".repeat(500_000)).await.status, 422);
        let deep = format!(r#"{{"name": {}"#, "[".repeat(500_000));
        assert_eq!(body_problem("application/json", &deep).await.status, 422);
    }

    #[tokio::test]
    async fn an_unknown_query_parameter_is_named() {
        for (query, named) in [
            ("token=gim_x", "token"),
            ("limit=many", "limit"),
            ("limit=-1", "limit"),
            ("limit=", "limit"),
            ("limit=1&limit=2", "limit"),
        ] {
            let mut parts = parts(&format!("/?{query}"), &[]);
            let Err(error) = QueryOf::<ReleaseQuery>::from_request_parts(&mut parts, &()).await
            else {
                panic!("{query} was taken");
            };
            let problem = problem(error);
            assert_eq!(
                (problem.status, problem.field.as_deref()),
                (422, Some(named)),
                "{problem:?}"
            );
            assert!(!problem.detail.contains("deserialize"), "{}", problem.detail);
        }
    }

    #[tokio::test]
    async fn a_path_without_an_id_is_not_found() {
        let mut parts = parts("/", &[]);
        let Err(error) = PathOf::<ReleaseId>::from_request_parts(&mut parts, &()).await else {
            panic!()
        };
        assert_eq!(problem(error).status, 404);
    }

    #[tokio::test]
    async fn an_idempotency_key_is_visible_ascii_of_at_most_255_characters() {
        let read = async |key: &str| {
            let mut parts = parts("/", &[("idempotency-key", key)]);
            IdempotencyKey::from_request_parts(&mut parts, &())
                .await
                .map(|key| key.0)
                .map_err(problem)
        };
        assert_eq!(read("0193-a").await, Ok(Some("0193-a".to_owned())));
        assert_eq!(read(&"k".repeat(255)).await, Ok(Some("k".repeat(255))));
        for bad in ["", "two words", "schlüssel", &"k".repeat(256)] {
            assert_eq!(read(bad).await.map_err(|problem| problem.status), Err(422), "{bad}");
        }
    }

    #[test]
    fn only_a_bearer_header_is_a_token() {
        let found = |value: &str| {
            find_bearer(&parts("/", &[("authorization", value)]).headers).ok().flatten()
        };
        assert_eq!(found("Bearer gim_a").as_deref(), Some("gim_a"));
        assert_eq!(found("bearer  gim_a ").as_deref(), Some("gim_a"));
        for bad in ["gim_a", "Basic gim_a", "Bearer", "Bearer ", "", "Bearer\tgim_a"] {
            assert_eq!(found(bad), None, "{bad}");
        }
        assert!(find_bearer(&HeaderMap::new()).is_ok_and(|token| token.is_none()));
    }
}
