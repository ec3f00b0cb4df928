//! HTTP for programs: the API `/api/v1`, webhooks, git's smart HTTP, and the port of the agents.
//!
//! - [`people_router`]: port 9000, everything besides the pages.
//! - [`AgentPort`]: port 9443, with TLS and client certificates.
//! - [`health_router`]: port 9001.
//! - [`serve_http`]: serves a port without TLS.
//! - [`observed`]: request ids, spans and metrics, for the whole router of a port.
//! - [`routes`] and [`health_routes`]: each route with what it asks of its caller.
//!
//! Handlers extract, call one use case of `gimlet-app`, and map. No rule of the product is here, and no
//! page.

mod agents;
mod auth;
mod body_budget;
mod etag;
mod extract;
mod gate;
mod git;
mod health;
mod hooks;
mod limits;
mod observe;
mod openapi;
mod people;
mod problem;
mod replay;
mod routes;
mod serve;
mod state;
mod trace;
mod v1;

pub use agents::{AgentPort, PeerCertificate, TlsError, agent_router, serve_tls, tls_config};
pub use auth::SESSION_COOKIE;
pub use gimlet_routes::{Needs, RouteRule};
pub use health::health_router;
pub use limits::RequestLimits;
pub use observe::{HttpMetrics, METRICS, observed};
pub use openapi::openapi;
pub use people::{PeopleConfig, people_router};
pub use problem::{ProblemDoc, ProblemKind, problems};
pub use routes::{health_routes, routes};
pub use serve::serve_http;
pub use trace::traced;
