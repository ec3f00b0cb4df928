//! Who asks: an API token, or the browser's session cookie.
//!
//! Credentials come in headers only; an address with a token in it would end up in logs.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header, request::Parts},
};
use gimlet_app::TenantScope;
use tracing::{Span, field};

use crate::{
    extract::find_bearer,
    gate::Identity,
    problem::{ApiError, ProblemKind},
    state::ApiState,
};

/// The browser's session, set by the sign-in page.
pub const SESSION_COOKIE: &str = "gimlet_session";

/// The caller, proven. Making one is the only way to a tenant scope in this crate.
pub(crate) struct Authenticated(pub(crate) TenantScope);

impl FromRequestParts<ApiState> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let scope = match parts.extensions.get::<Identity>() {
            Some(Identity::Known(scope)) => scope.clone(),
            Some(Identity::Unknown(problem)) => return Err(problem.clone()),
            None => find_scope(&parts.headers, &parts.method, state).await?,
        };
        Span::current().record("organization.id", field::display(scope.organization()));
        Ok(Self(scope))
    }
}

/// Who the headers of a request prove.
pub(crate) async fn find_scope(
    headers: &HeaderMap,
    method: &Method,
    state: &ApiState,
) -> Result<TenantScope, ApiError> {
    match find_bearer(headers)? {
        Some(token) => state.app.scope_of_token(&token).await?.ok_or_else(|| {
            ApiError::unauthenticated(
                "this token is unknown, expired or revoked; run `gimlet auth login`",
            )
        }),
        None => scope_of_cookie(headers, method, state).await,
    }
}

async fn scope_of_cookie(
    headers: &HeaderMap,
    method: &Method,
    state: &ApiState,
) -> Result<TenantScope, ApiError> {
    let cookie = find_cookie(headers, SESSION_COOKIE).ok_or_else(|| {
        ApiError::unauthenticated("send `Authorization: Bearer <token>`, or sign in")
    })?;
    // A browser attaches the cookie to whatever a foreign page sends.
    if !method.is_safe() && !is_same_origin(headers) {
        let detail =
            "a signed-in browser may change things from our own pages only; use a token elsewhere";
        return Err(ApiError::new(ProblemKind::CrossOrigin, detail));
    }
    let scope = state.app.scope_of_session(cookie).await?;
    scope.ok_or_else(|| ApiError::unauthenticated("the session has ended; sign in again"))
}

/// The value of one cookie; of several with one name, the first.
fn find_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name && !value.is_empty()).then_some(value))
}

/// The browser says that the request comes from a page of this very origin.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    // Older browsers say where the page is from; what stands before the host may differ behind a proxy.
    let origin = text("origin").and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    match (origin, text("host")) {
        (Some(origin), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_a_page_of_our_own_is_of_the_same_origin() {
        let host = ("host", "gimlet.example:9000");
        for own in [
            vec![("sec-fetch-site", "same-origin")],
            vec![host, ("origin", "http://gimlet.example:9000")],
            vec![host, ("origin", "https://GIMLET.example:9000")],
        ] {
            assert!(is_same_origin(&headers(&own)), "{own:?}");
        }
        for foreign in [
            vec![],
            vec![host],
            vec![host, ("origin", "null")],
            vec![host, ("origin", "http://gimlet.example")],
            vec![host, ("origin", "http://gimlet.example:9000.evil.example")],
            vec![host, ("origin", "http://evil.example")],
            vec![("sec-fetch-site", "same-site"), host, ("origin", "http://gimlet.example:9000")],
            vec![("sec-fetch-site", "none")],
            vec![("sec-fetch-site", "cross-site")],
        ] {
            assert!(!is_same_origin(&headers(&foreign)), "{foreign:?}");
        }
    }

    #[test]
    fn the_session_cookie_is_found_among_others() {
        let found = |line: &'static str| {
            find_cookie(&headers(&[("cookie", line)]), SESSION_COOKIE).map(str::to_owned)
        };
        assert_eq!(found("a=b; gimlet_session=ses_x; c=d").as_deref(), Some("ses_x"));
        assert_eq!(found("gimlet_session=ses_x=").as_deref(), Some("ses_x="));
        for none in ["", "gimlet_session", "gimlet_session=", "xgimlet_session=a", "; ;="] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
