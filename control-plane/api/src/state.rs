//! What the handlers share.

use std::sync::Arc;

use bytes::Bytes;
use gimlet_app::App;
use gimlet_git::smart_http::SmartHttp;
use tokio_util::sync::CancellationToken;

use crate::body_budget::BodyBudget;

/// What the handlers of the people's port share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ApiState {
    pub(crate) app: App,
    /// Ends the streams that would keep the server from stopping.
    pub(crate) shutdown: CancellationToken,
    pub(crate) git: SmartHttp,
    pub(crate) hook_bodies: Arc<BodyBudget>,
    /// The OpenAPI document as JSON, written once.
    pub(crate) openapi: Bytes,
}
