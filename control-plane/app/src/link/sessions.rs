//! Which session holds which cluster's link, of those that end at this replica.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

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
    pub(super) fn take(&self, cluster: ClusterId, epoch: u64) -> Held {
        let held = Held { epoch, wake: Arc::new(Notify::new()), fenced: CancellationToken::new() };
        if let Some(older) = self.lock().insert(cluster, held.clone()) {
            older.fenced.cancel();
        }
        held
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
        let older = sessions.take(cluster, 1);
        let newer = sessions.take(cluster, 2);
        assert!(older.fenced.is_cancelled() && !newer.fenced.is_cancelled());
        assert!(!sessions.leave(cluster, 1));
        assert!(sessions.leave(cluster, 2));
        assert!(!sessions.leave(cluster, 2));
    }
}
