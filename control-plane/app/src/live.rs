//! What changed, for pages that are open: wake-ups only. Losing one delays a page and loses nothing.

use gimlet_shared::ids::{ClusterId, OrganizationId, ReleaseId};
use gimlet_store::TenantScope;
use tokio::sync::broadcast;

/// A slow reader that falls behind by this many changes is told so and reads everything again.
const KEPT_CHANGES: usize = 1024;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    organization: OrganizationId,
    /// What changed.
    pub subject: Subject,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A release's state or what stands in its way.
    Release(ReleaseId),
    /// An application's health or pods.
    App {
        /// Environment's name.
        environment: String,
        /// Application's name.
        app: String,
    },
    /// A cluster came or went.
    Cluster(ClusterId),
    /// Commits came in.
    Commits,
}

impl Change {
    /// It belongs to the organization of `scope`.
    #[must_use]
    pub fn is_for(&self, scope: &TenantScope) -> bool {
        self.organization == scope.organization()
    }
}

/// Hands changes to everyone who listens.
#[derive(Clone, Debug)]
pub(crate) struct Live(broadcast::Sender<Change>);

impl Live {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(KEPT_CHANGES))
    }

    pub(crate) fn tell(&self, organization: OrganizationId, subject: Subject) {
        // Nobody listening is the usual case.
        let _ = self.0.send(Change { organization, subject });
    }

    pub(crate) fn listen(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
    }
}
