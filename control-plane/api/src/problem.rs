//! Every error that leaves the server, as RFC 9457 has it, and the one place where an error gets its status.

mod kinds;

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use gimlet_app::AppError;
use gimlet_shared::{api::Problem, error_chain::Chain};

pub use kinds::{ProblemDoc, ProblemKind, problems};

/// What a program sends to say who it is.
pub(crate) const BEARER: &str = r#"Bearer realm="gimlet""#;
/// What git sends.
pub(crate) const BASIC: &str = r#"Basic realm="gimlet git", charset="UTF-8""#;
/// The database's own waiting time is shorter, so that the next try has a chance.
const UNAVAILABLE_RETRY_S: u64 = 5;

/// An answer that is a problem.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    kind: ProblemKind,
    detail: String,
    field: Option<String>,
    retry_after_s: Option<u64>,
    challenge: &'static str,
    // Behind a pointer: every handler returns this, and few set any.
    headers: Box<HeaderMap>,
}

impl ApiError {
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            field: None,
            retry_after_s: None,
            challenge: BEARER,
            headers: Box::default(),
        }
    }

    pub(crate) fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Says more in headers.
    pub(crate) fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Asks for credentials in another way than by token.
    pub(crate) fn challenged_by(mut self, challenge: &'static str) -> Self {
        self.challenge = challenge;
        self
    }

    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Unauthenticated, detail)
    }
}

impl From<AppError> for ApiError {
    fn from(error: AppError) -> Self {
        use ProblemKind as K;

        let text = error.to_string();
        match error {
            AppError::NotFound { .. } => Self::new(K::NotFound, text),
            AppError::Forbidden { .. } => Self::new(K::Forbidden, text),
            AppError::Invalid { field, detail } if field == "cursor" => {
                Self::new(K::BadCursor, detail).in_field(field)
            }
            AppError::Invalid { field, detail } => {
                Self::new(K::InvalidField, detail).in_field(field)
            }
            AppError::Conflict { .. } => Self::new(K::Conflict, text),
            AppError::Changed { .. } => Self::new(K::PreconditionFailed, text).in_field("If-Match"),
            AppError::TooMany { retry_after_s } => {
                Self::new(K::TooMany, text).retry_after(retry_after_s)
            }
            AppError::DevicePending => Self::new(K::LoginPending, text),
            AppError::DeviceExpired => Self::new(K::LoginExpired, text),
            AppError::Unauthorized { .. } => Self::unauthenticated(text),
            AppError::Unavailable { what, source } => {
                tracing::error!(error = %Chain(source.as_ref()), "{what} did not work for a request");
                Self::new(K::Unavailable, text).retry_after(UNAVAILABLE_RETRY_S)
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = Problem {
            kind: self.kind.type_uri(),
            title: self.kind.title().to_owned(),
            status: self.kind.status().as_u16(),
            detail: self.detail,
            field: self.field,
            request_id: None,
        };
        let mut response = problem_response(self.kind.status(), &problem);
        let headers = response.headers_mut();
        headers.extend(*self.headers);
        if self.kind == ProblemKind::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(self.challenge));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(problem);
        response
    }
}

/// Writes the request's id into a problem that is on its way out.
pub(crate) fn with_request_id(response: Response, request_id: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    let Some(mut problem) = parts.extensions.remove::<Problem>() else {
        return Response::from_parts(parts, body);
    };
    problem.request_id = Some(request_id.to_owned());
    let (rewritten, body) = problem_response(parts.status, &problem).into_parts();
    for (name, value) in &rewritten.headers {
        parts.headers.insert(name, value.clone());
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, body)
}

fn problem_response(status: StatusCode, problem: &Problem) -> Response {
    let mut response = (status, Json(problem)).into_response();
    let content_type = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use gimlet_domain::role::Role;

    use super::*;

    fn answered(error: AppError) -> Response {
        ApiError::from(error).into_response()
    }

    #[test]
    fn each_error_of_a_use_case_has_its_status() {
        let cases = [
            (AppError::NotFound { what: "the release" }, 404),
            (AppError::Forbidden { needs: Role::Admin }, 403),
            (AppError::invalid("name", "is empty"), 422),
            (AppError::Conflict { detail: "taken".into() }, 409),
            (AppError::Changed { what: "the member" }, 412),
            (AppError::TooMany { retry_after_s: 7 }, 429),
            (AppError::DevicePending, 400),
            (AppError::DeviceExpired, 400),
            (AppError::Unauthorized { detail: "spent".into() }, 401),
            (AppError::unavailable("the database", "file is locked"), 503),
        ];
        for (error, status) in cases {
            let name = format!("{error:?}");
            assert_eq!(answered(error).status(), status, "{name}");
        }
    }

    #[test]
    fn only_a_missing_credential_is_challenged_and_only_a_passing_trouble_says_when_to_come_back() {
        let spent = answered(AppError::Unauthorized { detail: "spent".into() });
        assert_eq!(spent.headers()[header::WWW_AUTHENTICATE], BEARER);
        let busy = answered(AppError::TooMany { retry_after_s: 7 });
        assert_eq!(busy.headers()[header::RETRY_AFTER], "7");
        let absent = answered(AppError::NotFound { what: "it" });
        assert!(!absent.headers().contains_key(header::WWW_AUTHENTICATE));
        assert!(!absent.headers().contains_key(header::RETRY_AFTER));
    }

    #[test]
    fn the_cause_of_an_outage_stays_inside() {
        let response = answered(AppError::unavailable("the database", "password=secret"));
        let problem = response.extensions().get::<Problem>().unwrap();
        assert!(!format!("{problem:?}").contains("secret"));
    }
}
