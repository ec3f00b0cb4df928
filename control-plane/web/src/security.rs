//! What protects a page from other sites: the headers it carries, and where a change may come from.

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY,
            STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{Web, errors::PageError, session::Transport};

/// No code and no style but our own files; nothing from elsewhere; nobody frames us.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);
/// A year, as browsers recommend.
const TLS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a change that another site asks for in a person's name.
pub(crate) async fn same_origin(State(web): State<Web>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || comes_from_us(request.headers(), &web.origin) {
        next.run(request).await
    } else {
        PageError::FromElsewhere.into_response()
    }
}

/// Browsers say where a request comes from in `Sec-Fetch-Site`; where the page has no TLS they leave it
/// out, and `Origin` says it. A request with neither is from no browser that we know.
fn comes_from_us(headers: &HeaderMap, public_origin: &str) -> bool {
    if let Some(site) = headers.get(FETCH_SITE) {
        return site == "same-origin";
    }
    let Some(origin) = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()) else {
        return false;
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    origin == public_origin
        || origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host)
}

/// Sets the protecting headers of every answer.
pub(crate) async fn protect(State(web): State<Web>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not `no-referrer`: with that, browsers send `Origin: null` with our own forms.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    if web.transport == Transport::Https {
        headers.insert(STRICT_TRANSPORT_SECURITY, TLS_ONLY);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_form_of_ours_may_change_things() {
        let ours = "https://gimlet.example";
        assert!(comes_from_us(&headers(&[("sec-fetch-site", "same-origin")]), ours));
        assert!(comes_from_us(&headers(&[("origin", "https://gimlet.example")]), ours));
        let by_address = [("origin", "http://127.0.0.1:9000"), ("host", "127.0.0.1:9000")];
        assert!(comes_from_us(&headers(&by_address), ours));
    }

    #[test]
    fn a_form_of_another_site_may_not() {
        let ours = "https://gimlet.example";
        let foreign: [&[(&'static str, &'static str)]; 6] = [
            &[],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://gimlet.example")],
            &[("sec-fetch-site", "none")],
            &[("origin", "null"), ("host", "gimlet.example")],
            &[("origin", "https://evil.example"), ("host", "gimlet.example")],
        ];
        for pairs in foreign {
            assert!(!comes_from_us(&headers(pairs), ours), "{pairs:?}");
        }
    }
}
