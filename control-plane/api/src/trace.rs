//! The W3C's trace context: a request that comes with `traceparent` joins its caller's trace, and every
//! answer says which span was its own.
//!
//! Spans are named by method and route template. Neither headers nor bodies nor whole addresses are
//! recorded.

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue},
    middleware::{self, Next},
    response::Response,
};
use gimlet_app::{
    App, Clock as _, SystemClock,
    trace::{SpanPlace, Step, StepKind, in_request, new_span},
};

/// <https://www.w3.org/TR/trace-context/#traceparent-header>
const TRACEPARENT: &str = "traceparent";

/// Where a request stands in its caller's trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Caller {
    place: SpanPlace,
    sampled: bool,
}

/// Traces every request that `router` answers, where `app` has someone who keeps traces.
pub fn traced<S: Clone + Send + Sync + 'static>(router: Router<S>, app: App) -> Router<S> {
    router.layer(middleware::from_fn_with_state(app, trace))
}

async fn trace(State(app): State<App>, request: Request, next: Next) -> Response {
    if !app.is_traced() {
        return next.run(request).await;
    }
    let caller = caller(request.headers());
    let trace = caller.map_or_else(rand::random, |caller| caller.place.trace);
    let place = SpanPlace { trace, span: new_span() };
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", |path| path.as_str()).to_owned();
    let method = crate::observe::method_name(request.method());
    let began = SystemClock.now();
    let mut response = in_request(place, next.run(request)).await;
    let status = response.status();
    app.record_step(Step {
        place,
        parent: caller.map(|caller| caller.place.span),
        parent_is_remote: caller.is_some(),
        cause: None,
        sampled: caller.map(|caller| caller.sampled),
        kind: StepKind::Server,
        name: format!("{method} {route}"),
        began,
        ended: SystemClock.now(),
        attributes: vec![
            ("http.request.method", method.to_owned()),
            ("http.route", route),
            ("http.response.status_code", status.as_u16().to_string()),
        ],
        failure: status.is_server_error().then(|| status.as_u16().to_string()),
    });
    let sampled = caller.is_none_or(|caller| caller.sampled);
    if let Ok(value) = HeaderValue::from_str(&written(place, sampled)) {
        response.headers_mut().insert(TRACEPARENT, value);
    }
    response
}

/// The caller's span; `None` without the header, and for one that no rule of the recommendation allows.
fn caller(headers: &HeaderMap) -> Option<Caller> {
    let mut given = headers.get_all(TRACEPARENT).iter();
    let (Some(value), None) = (given.next(), given.next()) else { return None };
    let text = value.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // Later versions may add parts; version ff is none.
    let whole = version != "00" || parts.next().is_none();
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    if !whole
        || version == "ff"
        || !(hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2))
    {
        return None;
    }
    let place = SpanPlace {
        trace: u128::from_str_radix(trace, 16).ok()?,
        span: u64::from_str_radix(span, 16).ok()?,
    };
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
    (place.trace != 0 && place.span != 0).then_some(Caller { place, sampled })
}

fn written(place: SpanPlace, sampled: bool) -> String {
    format!("00-{:032x}-{:016x}-{:02x}", place.trace, place.span, u8::from(sampled))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<Caller> {
        caller(&HeaderMap::from_iter([(
            axum::http::HeaderName::from_static(TRACEPARENT),
            HeaderValue::from_str(value).unwrap(),
        )]))
    }

    #[test]
    fn a_caller_s_span_is_read_and_written_alike() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let caller = read(text).unwrap();
        assert!(caller.sampled);
        assert_eq!(written(caller.place, caller.sampled), text);
        assert!(!read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00").unwrap().sampled);
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
        assert!(read(later).is_some());
    }

    #[test]
    fn what_the_recommendation_forbids_is_no_caller() {
        for bad in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-+0f067aa0ba902b7-01",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        let twice = HeaderMap::from_iter([(
            axum::http::HeaderName::from_static(TRACEPARENT),
            HeaderValue::from_static("00-a"),
        )]);
        assert_eq!(caller(&twice), None);
    }
}
