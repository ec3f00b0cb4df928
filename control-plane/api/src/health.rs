//! Port 9001: is it alive, is it ready, what does it count.

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use gimlet_app::App;
use gimlet_routes::{Needs, Routes};
use gimlet_shared::error_chain::Chain;
use prometheus::{Registry, TEXT_FORMAT, TextEncoder};
use tokio_util::sync::CancellationToken;

/// `/livez` answers while the process does, `/readyz` while the database does as well, and `/metrics` has
/// what `registry` holds, in Prometheus' text format.
///
/// Once `unready` fires, `/readyz` says so and nothing else: balancers then send nobody new.
pub fn health_router(app: App, registry: Registry, unready: CancellationToken) -> Router {
    routes().router().with_state(HealthState { app, registry, unready })
}

/// What the handlers of this port share.
#[derive(Clone)]
pub(crate) struct HealthState {
    app: App,
    registry: Registry,
    unready: CancellationToken,
}

pub(crate) fn routes() -> Routes<HealthState> {
    Routes::default()
        .get("/livez", Needs::Nothing, async || "ok\n")
        .get("/readyz", Needs::Nothing, ready)
        .get("/metrics", Needs::Nothing, metrics)
}

async fn ready(
    State(HealthState { app, unready, .. }): State<HealthState>,
) -> (StatusCode, String) {
    if unready.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "this server is stopping\n".to_owned());
    }
    match app.ready().await {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(error) => {
            tracing::warn!(error = %Chain(&error), "this server is not ready");
            (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n"))
        }
    }
}

async fn metrics(State(HealthState { registry, .. }): State<HealthState>) -> impl IntoResponse {
    match TextEncoder::new().encode_to_string(&registry.gather()) {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, TEXT_FORMAT)], text),
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            let plain = [(header::CONTENT_TYPE, "text/plain")];
            (StatusCode::INTERNAL_SERVER_ERROR, plain, "metrics could not be written\n".to_owned())
        }
    }
}
