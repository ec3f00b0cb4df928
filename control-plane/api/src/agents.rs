//! Port 9443: enrolment, and the agents' link.
//!
//! Client certificates are asked for and not demanded, since a cluster that enrols has none yet. Which
//! cluster speaks comes from the certificate alone.

mod enrolment;
mod gate;
mod link;
mod timed_sink;
mod tls;

use std::{io, sync::Arc};

use axum::{Router, extract::DefaultBodyLimit, middleware::map_response};
use gimlet_app::App;
use gimlet_routes::{Needs, Routes};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    observe::{HttpMetrics, observed},
    people::{unknown_route, unstored, wrong_method},
};

pub use tls::{PeerCertificate, TlsError, serve_tls, tls_config};

/// A certificate request has 1 KiB.
const LARGEST_BODY_BYTES: usize = 64 * 1024;

/// What the handlers of this port share.
#[derive(Clone)]
pub(crate) struct AgentState {
    app: App,
    /// Sessions outlive their requests; whoever stops the server waits for them here.
    sessions: TaskTracker,
    shutdown: CancellationToken,
}

/// The port of the agents.
pub struct AgentPort {
    /// The use cases.
    pub app: App,
    /// From [`tls_config`].
    pub tls: Arc<ServerConfig>,
    /// Counts the requests of this port, too.
    pub metrics: HttpMetrics,
    /// Sends the agents away, and then ends the port.
    pub shutdown: CancellationToken,
}

impl AgentPort {
    /// Serves until `shutdown` fires and every agent was sent away.
    ///
    /// # Errors
    /// When `listener` is of no use any more.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let sessions = TaskTracker::new();
        let router = agent_router(self.app, sessions.clone(), self.shutdown.clone());
        serve_tls(listener, self.tls, observed(router, self.metrics), self.shutdown).await?;
        sessions.close();
        sessions.wait().await;
        Ok(())
    }
}

/// The routes of the port. [`PeerCertificate`] has to be among the extensions of each request; link
/// sessions run in `sessions` and end when `shutdown` fires.
pub fn agent_router(app: App, sessions: TaskTracker, shutdown: CancellationToken) -> Router {
    routes()
        .router()
        .layer(DefaultBodyLimit::max(LARGEST_BODY_BYTES))
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown_route)
        .layer(map_response(unstored))
        .with_state(AgentState { app, sessions, shutdown })
}

pub(crate) fn routes() -> Routes<AgentState> {
    Routes::default()
        .get("/root.pem", Needs::Nothing, enrolment::root_pem)
        .post("/enrolment/cluster", Needs::EnrolmentToken, enrolment::describe_cluster)
        .post("/enrolment/certificate", Needs::EnrolmentToken, enrolment::issue_certificate)
        .get("/agent/link", Needs::ClientCertificate, link::open_link)
}
