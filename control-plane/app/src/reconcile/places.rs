//! Which work of a kind runs in this process, and who may begin the next piece of it: so much at a time, and no
//! organization takes every place.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gimlet_shared::ids::{ApplicationId, OrganizationId, RepositoryId};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Looks at source repositories: each may be a fetch, which is a git process.
pub(crate) type Looks = Places<RepositoryId>;
/// Releases that are being written.
pub(crate) type Writes = Places<ApplicationId>;

/// How much runs at the same time.
#[derive(Clone, Copy, Debug)]
struct Limits {
    at_once: usize,
    /// Places that are only for organizations that have nothing under way: slow work of a few others never
    /// takes all places.
    for_newcomers: usize,
    of_one_organization: usize,
}

/// What runs, by what it is about. Its tasks end at a [`stop`](Self::stop).
#[derive(Debug)]
pub(crate) struct Places<K> {
    limits: Limits,
    running: Running<K>,
    pub(super) tasks: TaskTracker,
    pub(super) stopped: CancellationToken,
}

type Running<K> = Arc<Mutex<HashMap<K, OrganizationId>>>;

/// What may not begin now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Busy<K> {
    /// What runs.
    pub(super) running: Vec<K>,
    /// Organizations that have their share.
    pub(super) organizations: Vec<OrganizationId>,
    /// Places that are free, at least one.
    pub(super) free: usize,
}

/// A place, given up on drop.
#[derive(Debug)]
pub(super) struct Turn<K: Eq + Hash> {
    running: Running<K>,
    key: K,
}

impl Looks {
    /// Room for looks.
    pub(crate) fn looks() -> Self {
        Self::of(Limits { at_once: 16, for_newcomers: 4, of_one_organization: 6 })
    }
}

impl Writes {
    /// Room for writing; whoever has waited longest is next, whose ever it is.
    pub(crate) fn writes() -> Self {
        Self::of(Limits { at_once: 8, for_newcomers: 0, of_one_organization: 8 })
    }
}

impl<K: Copy + Eq + Hash> Places<K> {
    fn of(limits: Limits) -> Self {
        let (tasks, stopped) = (TaskTracker::new(), CancellationToken::new());
        Self { limits, running: Running::default(), tasks, stopped }
    }

    /// Who has to wait; `None` while every place is taken, or after the stop.
    pub(super) fn busy(&self) -> Option<Busy<K>> {
        let running = lock(&self.running);
        let free = self.limits.at_once.checked_sub(running.len()).filter(|free| *free > 0)?;
        if self.stopped.is_cancelled() {
            return None;
        }
        let mut counts: HashMap<OrganizationId, usize> = HashMap::new();
        for organization in running.values() {
            *counts.entry(*organization).or_default() += 1;
        }
        let only_newcomers = free <= self.limits.for_newcomers;
        let has_its_share =
            |count: usize| only_newcomers || count >= self.limits.of_one_organization;
        let full = counts.into_iter().filter(|(_, count)| has_its_share(*count));
        Some(Busy {
            running: running.keys().copied().collect(),
            organizations: full.map(|(organization, _)| organization).collect(),
            free,
        })
    }

    /// Takes a place, where the organization may have one and the same does not run already.
    pub(super) fn begin(&self, key: K, organization: OrganizationId) -> Option<Turn<K>> {
        let busy = self.busy()?;
        if busy.organizations.contains(&organization) || busy.running.contains(&key) {
            return None;
        }
        Some(self.take(key, organization))
    }

    /// Takes a place for work that has to be done now.
    pub(super) fn take(&self, key: K, organization: OrganizationId) -> Turn<K> {
        lock(&self.running).insert(key, organization);
        Turn { running: Arc::clone(&self.running), key }
    }

    /// Lets what runs come to its end.
    pub(super) async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Cuts off what runs; the next start takes it up.
    pub(super) async fn stop(&self) {
        self.stopped.cancel();
        self.finish().await;
    }
}

impl<K: Eq + Hash> Drop for Turn<K> {
    fn drop(&mut self) {
        lock(&self.running).remove(&self.key);
    }
}

fn lock<K>(running: &Running<K>) -> MutexGuard<'_, HashMap<K, OrganizationId>> {
    // Each change is one insert or remove, so the map is whole even after a panic elsewhere.
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many as there is room for, up to `count`.
    fn begin(looks: &Looks, organization: OrganizationId, count: usize) -> Vec<Turn<RepositoryId>> {
        (0..count).filter_map(|_| looks.begin(RepositoryId::new(), organization)).collect()
    }

    #[test]
    fn one_organization_gets_its_share_and_no_more() {
        let (looks, acme) = (Looks::looks(), OrganizationId::new());
        let mut turns = begin(&looks, acme, 100);
        assert_eq!(turns.len(), 6);
        assert_eq!(looks.busy().unwrap().organizations, [acme]);
        turns.pop();
        assert!(looks.busy().unwrap().organizations.is_empty());
    }

    #[test]
    fn the_last_places_are_for_those_who_have_none() {
        let (looks, acme, rival) = (Looks::looks(), OrganizationId::new(), OrganizationId::new());
        let turns = [begin(&looks, acme, 100), begin(&looks, rival, 100)];
        assert_eq!(turns.iter().map(Vec::len).sum::<usize>(), 12);
        let busy = looks.busy().unwrap();
        assert!(busy.organizations.contains(&acme) && busy.organizations.contains(&rival));
        let newcomers: Vec<_> =
            (0..10).flat_map(|_| begin(&looks, OrganizationId::new(), 1)).collect();
        assert_eq!((newcomers.len(), looks.busy()), (4, None));
        drop(newcomers);
        assert!(looks.busy().is_some());
    }

    #[test]
    fn the_same_does_not_run_twice() {
        let (looks, acme, shop) = (Looks::looks(), OrganizationId::new(), RepositoryId::new());
        let turn = looks.begin(shop, acme);
        assert!(turn.is_some() && looks.begin(shop, acme).is_none());
        drop(turn);
        assert!(looks.begin(shop, acme).is_some());
    }

    #[tokio::test]
    async fn nothing_begins_after_a_stop() {
        let writes = Writes::writes();
        let stopped = writes.stopped.clone();
        writes.tasks.spawn(async move { stopped.cancelled().await });
        writes.stop().await;
        assert_eq!(writes.busy(), None);
        assert!(writes.begin(ApplicationId::new(), OrganizationId::new()).is_none());
    }
}
