//! What the handlers share.

use std::{ops::Deref, sync::Arc};

use bytes::Bytes;
use gimlet_app::App;
use gimlet_git::smart_http::SmartHttp;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{body_budget::BodyBudget, limits::RateLimits};

/// What the handlers of the people's port share. Every layer clones it for every request, hence one pointer.
#[derive(Clone)]
pub(crate) struct ApiState(Arc<Shared>);

/// What is behind the pointer.
pub(crate) struct Shared {
    pub(crate) app: App,
    /// Ends the streams that would keep the server from stopping.
    pub(crate) shutdown: CancellationToken,
    pub(crate) git: SmartHttp,
    pub(crate) hook_bodies: BodyBudget,
    pub(crate) limits: RateLimits,
    /// Requests that are carried out to their end, whoever hangs up.
    pub(crate) tasks: TaskTracker,
    /// The OpenAPI document as JSON, written once.
    pub(crate) openapi: Bytes,
}

impl From<Shared> for ApiState {
    fn from(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for ApiState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
