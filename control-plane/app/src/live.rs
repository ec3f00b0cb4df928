//! What changed, for pages that are open: wake-ups only. Losing one delays a page and loses nothing.
//!
//! Each organization has a channel of its own, as long as someone listens: nobody is woken for, or can be
//! handed, what belongs to others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use gimlet_shared::ids::{ClusterId, OrganizationId, ReleaseId};
use gimlet_store::{Release, TenantScope};
use tokio::sync::broadcast;

/// A slow reader that falls behind by this many changes is told so and reads everything again.
const KEPT_CHANGES: usize = 256;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    organization: OrganizationId,
    /// What changed.
    pub subject: Subject,
    /// When it was told: after its commit.
    pub told_at: Instant,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A release's state or what stands in its way.
    Release {
        /// Which.
        id: ReleaseId,
        /// Application's name, where it is known to whoever tells.
        app: Option<String>,
    },
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

impl Subject {
    /// This release.
    pub(crate) fn release(release: &Release) -> Self {
        Self::Release { id: release.id, app: Some(release.app.clone()) }
    }
}

impl Change {
    /// It belongs to the organization of `scope`.
    #[must_use]
    pub fn is_for(&self, scope: &TenantScope) -> bool {
        self.organization == scope.organization()
    }
}

/// Hands changes to those who listen in their organization.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live(Arc<Mutex<HashMap<OrganizationId, broadcast::Sender<Change>>>>);

impl Live {
    pub(crate) fn tell(&self, organization: OrganizationId, subject: Subject) {
        let mut channels = self.lock();
        let Some(sender) = channels.get(&organization) else { return };
        // The last listener is gone: the channel goes with the first change after that.
        if sender.send(Change { organization, subject, told_at: Instant::now() }).is_err() {
            channels.remove(&organization);
        }
    }

    pub(crate) fn listen(&self, scope: &TenantScope) -> broadcast::Receiver<Change> {
        self.listen_in(scope.organization())
    }

    fn listen_in(&self, organization: OrganizationId) -> broadcast::Receiver<Change> {
        let mut channels = self.lock();
        let sender =
            channels.entry(organization).or_insert_with(|| broadcast::Sender::new(KEPT_CHANGES));
        sender.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrganizationId, broadcast::Sender<Change>>> {
        // Each change is one insert or remove, so the map is whole even after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_reach_their_own_organization_only_and_channels_end_with_their_listeners() {
        let (live, ours, theirs) = (Live::default(), OrganizationId::new(), OrganizationId::new());
        let (mut our_end, mut their_end) = (live.listen_in(ours), live.listen_in(theirs));
        live.tell(ours, Subject::Commits);
        assert_eq!(our_end.try_recv().map(|change| change.subject), Ok(Subject::Commits));
        assert!(their_end.try_recv().is_err());
        drop(our_end);
        live.tell(ours, Subject::Commits);
        assert_eq!(live.lock().len(), 1);
    }
}
