//! Which session holds which cluster's link, of those that end at this replica.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gimlet_domain::time::Timestamp;
use gimlet_shared::ids::ClusterId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Wakes the session that holds a cluster's link.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<ClusterId, Held>>>);

/// One session's hold on its cluster.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// Number of the session.
    pub(super) epoch: u64,
    /// When it began.
    pub(super) since: Timestamp,
    /// New commands wait.
    pub(super) wake: Arc<Notify>,
    /// A newer session has begun.
    pub(super) fenced: CancellationToken,
}

impl Sessions {
    /// New commands wait for this cluster.
    pub(crate) fn wake(&self, cluster: ClusterId) {
        if let Some(held) = self.lock().get(&cluster) {
            held.wake.notify_one();
        }
    }

    /// Makes the session of `epoch` the cluster's only one.
    pub(super) fn take(&self, cluster: ClusterId, epoch: u64, since: Timestamp) -> Held {
        let held =
            Held { epoch, since, wake: Arc::new(Notify::new()), fenced: CancellationToken::new() };
        if let Some(older) = self.lock().insert(cluster, held.clone()) {
            older.fenced.cancel();
        }
        held
    }

    /// How many agents are connected here.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Gives the cluster up, unless a newer session has it; true if it was ours.
    pub(super) fn leave(&self, cluster: ClusterId, epoch: u64) -> bool {
        let mut held = self.lock();
        let ours = held.get(&cluster).is_some_and(|session| session.epoch == epoch);
        if ours {
            held.remove(&cluster);
        }
        ours
    }

    /// Ends the session of a cluster whose certificates were revoked at `revoked_at`, unless it began later.
    pub(crate) fn deny(&self, cluster: ClusterId, revoked_at: Timestamp) {
        if let Some(held) = self.lock().get(&cluster).filter(|held| held.since <= revoked_at) {
            held.fenced.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClusterId, Held>> {
        // Each change is one insert or remove, so the map is whole even after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_session_fences_the_one_before_and_outlives_its_end() {
        let (sessions, cluster) = (Sessions::default(), ClusterId::new());
        let older = sessions.take(cluster, 1, Timestamp(10));
        let newer = sessions.take(cluster, 2, Timestamp(20));
        assert!(older.fenced.is_cancelled() && !newer.fenced.is_cancelled());
        assert!(!sessions.leave(cluster, 1));
        assert!(sessions.leave(cluster, 2));
        assert!(!sessions.leave(cluster, 2));
    }

    #[test]
    fn a_revocation_ends_the_sessions_before_it_and_no_later_one() {
        let (sessions, cluster) = (Sessions::default(), ClusterId::new());
        let held = sessions.take(cluster, 1, Timestamp(10));
        sessions.deny(cluster, Timestamp(9));
        sessions.deny(ClusterId::new(), Timestamp(99));
        assert!(!held.fenced.is_cancelled());
        sessions.deny(cluster, Timestamp(10));
        assert!(held.fenced.is_cancelled());
    }
}
