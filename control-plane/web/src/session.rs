//! Who looks: the session's cookie, and the person behind it.

use axum::{
    extract::FromRequestParts,
    http::{
        HeaderMap, HeaderValue, Method,
        header::{ACCEPT, COOKIE},
        request::Parts,
    },
};
use gimlet_app::TenantScope;
use gimlet_shared::api::Me;
use secrecy::SecretString;
use time::OffsetDateTime;

use crate::{Web, errors::PageError};

/// Carries the session.
pub(crate) const SESSION: &str = "gimlet_session";
/// Carries the way back to the page that asked for the sign-in.
pub(crate) const NEXT: &str = "gimlet_next";
/// How long that way back is kept: about as long as it takes to get a link.
const NEXT_MAX_AGE_S: u64 = 600;

/// A signed-in person. Extracting it is the authentication of a page.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    pub(crate) scope: TenantScope,
    pub(crate) me: Me,
    /// Value of the session's cookie, to ask again whether it still stands.
    pub(crate) session: SecretString,
    /// When the request came; times on its pages are told from here.
    pub(crate) now: OffsetDateTime,
}

impl FromRequestParts<Web> for Viewer {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, PageError> {
        let session = cookie(&parts.headers, SESSION).unwrap_or_default();
        let scope = match session {
            "" => None,
            session => web.app.scope_of_session(session).await?,
        };
        let Some(scope) = scope else { return Err(not_signed_in(parts)) };
        let me = web.app.me(&scope).await?;
        let (session, now) = (SecretString::from(session), OffsetDateTime::now_utc());
        Ok(Self { scope, me, session, now })
    }
}

fn not_signed_in(parts: &Parts) -> PageError {
    let streams = parts
        .headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/event-stream"));
    // A stream that answered with a page would look alive to the browser.
    if streams {
        return PageError::StreamNotSignedIn;
    }
    let next = parts.uri.path_and_query().map(ToString::to_string);
    PageError::SignIn { next: next.filter(|_| parts.method == Method::GET) }
}

/// The value of the cookie `name`.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(found, value)| (found == name).then_some(value))
}

/// Whether cookies may travel without TLS; they may where the server itself is reached without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Https,
    Http,
}

/// A `Set-Cookie` value. `None` where `value` has characters that a cookie cannot carry.
pub(crate) fn set_cookie(
    name: &str,
    value: &str,
    max_age_s: u64,
    transport: Transport,
) -> Option<HeaderValue> {
    let plain = |char: char| char.is_ascii_graphic() && !matches!(char, ';' | ',' | '"' | '\\');
    if !value.chars().all(plain) {
        return None;
    }
    let secure = match transport {
        Transport::Https => "; Secure",
        Transport::Http => "",
    };
    HeaderValue::from_str(&format!(
        "{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}"
    ))
    .ok()
}

/// Remembers the page to come back to after the sign-in.
pub(crate) fn remember_next(next: &str, transport: Transport) -> Option<HeaderValue> {
    set_cookie(NEXT, own_path(next)?, NEXT_MAX_AGE_S, transport)
}

/// `next`, if it leads to a page of ours and nowhere else.
pub(crate) fn own_path(next: &str) -> Option<&str> {
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.starts_with("/\\");
    (ours && !next.starts_with("/sign-in")).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; gimlet_session=abc=; b=2"));
        assert_eq!(cookie(&headers, SESSION), Some("abc="));
        assert_eq!(cookie(&headers, "session"), None);
    }

    #[test]
    fn cookies_are_closed_to_scripts_and_other_sites() {
        let header = set_cookie(SESSION, "abc", 60, Transport::Https).unwrap();
        assert_eq!(
            header,
            "gimlet_session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
        );
        let header = set_cookie(SESSION, "abc", 60, Transport::Http).unwrap();
        assert!(!header.to_str().unwrap().contains("Secure"));
    }

    #[test]
    fn a_value_that_would_break_out_of_a_cookie_is_refused() {
        for value in ["a;b", "a b", "a\r\nSet-Cookie: x", "ä"] {
            assert_eq!(set_cookie(NEXT, value, 60, Transport::Http), None, "{value:?}");
        }
    }

    #[test]
    fn the_way_back_leads_only_to_our_own_pages() {
        assert_eq!(own_path("/device?code=BDFG-HJKL"), Some("/device?code=BDFG-HJKL"));
        for elsewhere in
            ["//evil.example", "/\\evil.example", "https://evil.example", "", "/sign-in/x"]
        {
            assert_eq!(own_path(elsewhere), None, "{elsewhere}");
        }
    }
}
