//! What the handlers share.

use std::sync::Arc;

use bytes::Bytes;
use gimlet_app::App;
use gimlet_git::smart_http::SmartHttp;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{body_budget::BodyBudget, limits::RateLimits};

/// What the handlers of the people's port share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ApiState {
    pub(crate) app: App,
    /// Ends the streams that would keep the server from stopping.
    pub(crate) shutdown: CancellationToken,
    pub(crate) git: SmartHttp,
    pub(crate) hook_bodies: Arc<BodyBudget>,
    pub(crate) limits: Arc<RateLimits>,
    /// Requests that are carried out to their end, whoever hangs up.
    pub(crate) tasks: TaskTracker,
    /// The OpenAPI document as JSON, written once.
    pub(crate) openapi: Bytes,
}
