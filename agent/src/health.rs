//! Health and metrics over HTTP, for the kubelet and for scrapers.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// What readiness goes by, set by those who know.
#[derive(Debug, Default)]
pub struct Health {
    synced: AtomicBool,
    leading: AtomicBool,
    welcomed: AtomicBool,
}

impl Health {
    pub(crate) fn set_synced(&self) {
        self.synced.store(true, Ordering::Relaxed);
    }

    pub(crate) fn set_leading(&self, leading: bool) {
        self.leading.store(leading, Ordering::Relaxed);
    }

    pub(crate) fn set_welcomed(&self, welcomed: bool) {
        self.welcomed.store(welcomed, Ordering::Relaxed);
    }

    /// The cluster was seen in full, and if this replica leads, its session stands.
    ///
    /// # Errors
    /// What is missing.
    pub fn ready(&self) -> Result<(), &'static str> {
        if !self.synced.load(Ordering::Relaxed) {
            return Err("the cluster was not seen in full yet");
        }
        if self.leading.load(Ordering::Relaxed) && !self.welcomed.load(Ordering::Relaxed) {
            return Err("this replica leads and is not connected to the control plane");
        }
        Ok(())
    }
}

/// Serves `/livez`, `/readyz` and `/metrics` until `shutdown`.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    axum::serve(listener, router(health, metrics))
        .with_graceful_shutdown(async move { shutdown.cancelled().await })
        .await
}

fn router(health: Arc<Health>, metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready).with_state(health))
        .route("/metrics", get(text).with_state(metrics))
}

async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, String) {
    match health.ready() {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

async fn text(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.text())
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn answer(health: &Arc<Health>, path: &str) -> (StatusCode, String) {
        let metrics = Arc::new(Metrics::new().unwrap());
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router(Arc::clone(health), metrics).oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readiness_asks_for_the_link_of_a_leader_only() {
        let health = Arc::new(Health::default());
        assert_eq!(answer(&health, "/livez").await.0, StatusCode::OK);
        let (status, body) = answer(&health, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains("not seen in full"), "{body}");
        health.set_synced();
        assert_eq!(answer(&health, "/readyz").await.0, StatusCode::OK);
        health.set_leading(true);
        assert_eq!(answer(&health, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
        health.set_welcomed(true);
        assert_eq!(answer(&health, "/readyz").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn metrics_come_as_text() {
        let (status, body) = answer(&Arc::default(), "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains("gimlet_agent_leading 0"), "{body}");
    }
}
