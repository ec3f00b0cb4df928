//! Git's smart HTTP for the built-in repositories: `/git/<organization>/gitops-<environment>-apps.git`.

use std::io;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::{StreamExt, TryStreamExt};
use gimlet_app::AppError;
use gimlet_git::smart_http::{self, Right, ServeError};
use gimlet_routes::{Needs, Routes};
use gimlet_shared::error_chain::Chain;

use crate::{
    extract::PathOf,
    problem::{ApiError, BASIC, ProblemKind},
    state::ApiState,
};

/// The queue of exchanges moves on within this.
const BUSY_RETRY_S: u64 = 5;

const CREDENTIAL: Needs = Needs::GitCredential;

pub(crate) fn routes() -> Routes<ApiState> {
    Routes::default()
        .get("/git/{organization}/{repository}/info/refs", CREDENTIAL, info_refs)
        .post("/git/{organization}/{repository}/git-upload-pack", CREDENTIAL, upload_pack)
        .post("/git/{organization}/{repository}/git-receive-pack", CREDENTIAL, receive_pack)
}

async fn info_refs(
    state: State<ApiState>,
    path: PathOf<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    let pushes = request.uri().query().is_some_and(|query| query.contains("git-receive-pack"));
    let right = if pushes { Right::Write } else { Right::Read };
    serve(state, path, "info/refs", right, request).await
}

async fn upload_pack(
    state: State<ApiState>,
    path: PathOf<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    serve(state, path, "git-upload-pack", Right::Read, request).await
}

async fn receive_pack(
    state: State<ApiState>,
    path: PathOf<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    serve(state, path, "git-receive-pack", Right::Write, request).await
}

async fn serve(
    State(state): State<ApiState>,
    PathOf((organization, repository)): PathOf<(String, String)>,
    path_info: &str,
    right: Right,
    request: Request,
) -> Result<Response, ApiError> {
    let (user, password) = basic_credentials(request.headers())?;
    let name =
        repository.strip_suffix(".git").ok_or(AppError::NotFound { what: "the repository" })?;
    let access = state.app.authorize_git(&organization, name, &user, &password, right).await;
    let access = access.map_err(|error| ApiError::from(error).challenged_by(BASIC))?;
    let answer =
        state.git.serve(&access.path, access.right, git_request(path_info, request)).await?;
    git_response(answer)
}

/// User and password of HTTP basic.
fn basic_credentials(headers: &HeaderMap) -> Result<(String, String), ApiError> {
    let credentials = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, encoded)| STANDARD.decode(encoded.trim()).ok())
        .and_then(|decoded| String::from_utf8(decoded).ok());
    let (user, password) =
        credentials.as_deref().and_then(|text| text.split_once(':')).unwrap_or_default();
    if password.is_empty() {
        let detail = "give any user name and an API token as the password";
        return Err(ApiError::unauthenticated(detail).challenged_by(BASIC));
    }
    Ok((user.to_owned(), password.to_owned()))
}

fn git_request(path_info: &str, request: Request) -> smart_http::Request {
    let text = |name: &str| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    smart_http::Request {
        method: match *request.method() {
            Method::GET => smart_http::Method::Get,
            Method::POST => smart_http::Method::Post,
            _ => smart_http::Method::Other,
        },
        path_info: path_info.to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        content_type: text("content-type"),
        content_encoding: text("content-encoding"),
        git_protocol: text("git-protocol"),
        body: request.into_body().into_data_stream().map_err(io::Error::other).boxed(),
    }
}

fn git_response(answer: smart_http::Response) -> Result<Response, ApiError> {
    let unreadable =
        || ApiError::new(ProblemKind::Internal, "the git backend gave an unreadable answer");
    let mut response = Response::new(Body::from_stream(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).map_err(|_| unreadable())?;
    for (name, value) in answer.headers {
        let name = HeaderName::try_from(name).map_err(|_| unreadable())?;
        let value = HeaderValue::try_from(value).map_err(|_| unreadable())?;
        response.headers_mut().append(name, value);
    }
    Ok(response)
}

impl From<ServeError> for ApiError {
    fn from(error: ServeError) -> Self {
        use {ProblemKind as K, ServeError as E};

        let text = error.to_string();
        match error {
            E::NoSuchEndpoint => Self::new(K::NotFound, text),
            E::Method => Self::new(K::MethodNotAllowed, text),
            E::Service | E::Protocol => Self::new(K::Malformed, text),
            E::ReadOnly => Self::new(K::Forbidden, text),
            E::ContentType | E::ContentEncoding => Self::new(K::UnsupportedMediaType, text),
            E::Busy => Self::new(K::Unavailable, text).retry_after(BUSY_RETRY_S),
            E::Spawn { .. } | E::NoAnswer { .. } | E::BadAnswer => {
                tracing::error!(error = %Chain(&error), "a git exchange failed");
                Self::new(K::Internal, "the git server could not answer; try again")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(value: &str) -> Option<(String, String)> {
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        basic_credentials(&headers).ok()
    }

    #[test]
    fn basic_credentials_are_a_user_and_a_password_that_may_hold_colons() {
        let encoded = STANDARD.encode("ana:gim_a:b");
        assert_eq!(
            credentials(&format!("Basic {encoded}")),
            Some(("ana".into(), "gim_a:b".into()))
        );
        assert_eq!(
            credentials(&format!("basic {encoded}")),
            Some(("ana".into(), "gim_a:b".into()))
        );
        let empty_user = STANDARD.encode(":gim_a");
        assert_eq!(
            credentials(&format!("Basic {empty_user}")),
            Some((String::new(), "gim_a".into()))
        );
    }

    #[test]
    fn anything_else_is_no_credential() {
        let no_colon = format!("Basic {}", STANDARD.encode("gim_a"));
        let no_password = format!("Basic {}", STANDARD.encode("ana:"));
        let no_text = format!("Basic {}", STANDARD.encode([0xff, b':', 0xfe]));
        for bad in ["", "Basic", "Basic !!", "Bearer gim_a", &no_colon, &no_password, &no_text] {
            assert_eq!(credentials(bad), None, "{bad}");
        }
        assert!(basic_credentials(&HeaderMap::new()).is_err());
    }
}
