//! What every answer has in common: a request id, how long it took, a span, one log line and two metrics.
//!
//! Neither tokens nor bodies nor whole addresses are recorded: routes by their template, statuses by their
//! class.

use std::time::Instant;

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    middleware::{self, Next},
    response::Response,
};
use gimlet_app::MetricDoc;
use prometheus::{HistogramVec, IntCounterVec, Registry};
use tracing::{Instrument, field};
use uuid::Uuid;

use crate::problem;

/// In requests, where a proxy sets it, and in every answer.
const REQUEST_ID: &str = "x-request-id";
/// In every answer: milliseconds from the head of the request to that of the answer, which browsers show
/// beside their own.
const SERVER_TIMING: &str = "server-timing";
/// A UUID has 36 characters, the longest ids of common proxies 64.
const LONGEST_REQUEST_ID: usize = 64;
/// Stands for whatever matches no route.
const NO_ROUTE: &str = "none";

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
const REQUESTS: MetricDoc = MetricDoc::counter(
    "gimlet_http_requests_total",
    "Requests answered, by the template of their route, method and class of status",
    &[("route", &[]), ("method", METHODS), ("status", &["1xx", "2xx", "3xx", "4xx", "5xx"])],
);
const SECONDS: MetricDoc = MetricDoc::histogram(
    "gimlet_http_request_seconds",
    "Seconds until the head of the answer, by the template of the route and method",
    &[("route", &[]), ("method", METHODS)],
);

/// All metrics of this component.
pub const METRICS: &[MetricDoc] = &[REQUESTS, SECONDS];

/// Counts requests by route template, method and class of status.
#[derive(Clone)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
}

impl HttpMetrics {
    /// Makes the metrics and registers them.
    ///
    /// # Errors
    /// When metrics of the same name are registered already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        // From an answer out of memory to a slow push.
        let buckets = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
        Ok(Self {
            requests: REQUESTS.counter_vec(registry)?,
            seconds: SECONDS.histogram_vec(registry, &buckets)?,
        })
    }

    fn count(&self, route: &str, method: &'static str, status: StatusCode, seconds: f64) {
        self.requests.with_label_values(&[route, method, status_class(status)]).inc();
        self.seconds.with_label_values(&[route, method]).observe(seconds);
    }
}

/// Observes every request that `router` answers. Call it once, on the whole router of a port.
pub fn observed<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    metrics: HttpMetrics,
) -> Router<S> {
    router.layer(middleware::from_fn_with_state(metrics, observe))
}

async fn observe(State(metrics): State<HttpMetrics>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = request_id(request.headers());
    let method = method_name(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(NO_ROUTE.to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!(
        "request",
        request.id = %request_id,
        http.route = %route,
        http.method = method,
        http.status = field::Empty,
        duration_ms = field::Empty,
        organization.id = field::Empty,
    );
    let response = next.run(request).instrument(span.clone()).await;

    let (elapsed, status) = (started.elapsed(), response.status());
    metrics.count(&route, method, status, elapsed.as_secs_f64());
    span.record("http.status", status.as_u16());
    span.record("duration_ms", u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
    span.in_scope(|| tracing::info!("a request was answered"));

    let mut response = problem::with_request_id(response, &request_id);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let timing = format!("app;dur={:.3}", elapsed.as_secs_f64() * 1e3);
    if let Ok(value) = HeaderValue::from_str(&timing) {
        response.headers_mut().insert(SERVER_TIMING, value);
    }
    response
}

/// The id that came along, where it can stand in a log; otherwise a new one.
fn request_id(headers: &HeaderMap) -> String {
    let sane = |id: &&str| {
        (1..=LONGEST_REQUEST_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(sane);
    given.map_or_else(|| Uuid::now_v7().simple().to_string(), str::to_owned)
}

/// A closed set: anyone can invent methods.
pub(crate) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn status_class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::problem::{ApiError, ProblemKind};

    fn router(registry: &Registry) -> Router {
        let metrics = HttpMetrics::register(registry).unwrap();
        let things = Router::new()
            .route("/things/{id}", get(async || "thing"))
            .route("/broken", get(async || ApiError::new(ProblemKind::Conflict, "taken")));
        observed(things, metrics)
    }

    async fn ask(registry: &Registry, method: &str, uri: &str, request_id: &str) -> Response {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(REQUEST_ID, request_id)
            .body(Body::empty())
            .unwrap();
        router(registry).oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn a_sane_request_id_comes_back_and_another_is_replaced() {
        let response = ask(&Registry::new(), "GET", "/things/1", "proxy-7").await;
        assert_eq!(response.headers()[REQUEST_ID], "proxy-7");
        for bad in ["", "a b", "x\"y", &"k".repeat(65)] {
            let response = ask(&Registry::new(), "GET", "/nowhere", bad).await;
            assert_eq!(response.headers()[REQUEST_ID].len(), 32, "{bad}");
        }
    }

    #[tokio::test]
    async fn an_answer_says_how_long_it_took() {
        let response = ask(&Registry::new(), "GET", "/things/1", "a").await;
        let timing = response.headers()[SERVER_TIMING].to_str().unwrap();
        let took: f64 = timing.strip_prefix("app;dur=").unwrap().parse().unwrap();
        assert!((0.0..10_000.0).contains(&took), "{timing}");
    }

    #[tokio::test]
    async fn a_problem_carries_the_request_id() {
        let response = ask(&Registry::new(), "GET", "/broken", "proxy-7").await;
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let problem: gimlet_shared::api::Problem = serde_json::from_slice(&body).unwrap();
        assert_eq!((problem.request_id.as_deref(), problem.status), (Some("proxy-7"), 409));
    }

    #[tokio::test]
    async fn labels_come_from_closed_sets() {
        let registry = Registry::new();
        ask(&registry, "BREW", "/things/some-secret", "a").await;
        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        assert!(text.contains(r#"method="other",route="/things/{id}",status="4xx"} 1"#), "{text}");
        assert!(!text.contains("some-secret") && !text.contains("BREW"));
    }
}
