//! Which looks run in this process, and who may begin the next one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gimlet_shared::ids::{OrganizationId, RepositoryId};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Looks at the same time: each fetch is a git process.
const AT_ONCE: usize = 16;
/// Places that are only for organizations that have no look under way: slow repositories of a few others
/// never take all places.
const FOR_NEWCOMERS: usize = 4;
/// Looks of one organization at the same time.
const OF_ONE: usize = 6;

/// The looks that run. Their tasks end when [`stop`](Self::stop) is called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Looks {
    running: Arc<Mutex<HashMap<RepositoryId, OrganizationId>>>,
    pub(super) tasks: TaskTracker,
    pub(super) stopped: CancellationToken,
}

/// Who may not begin a look now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Busy {
    /// Repositories that are being looked at.
    pub(super) repositories: Vec<RepositoryId>,
    /// Organizations that have their share.
    pub(super) organizations: Vec<OrganizationId>,
}

/// A look's place, given up on drop.
#[derive(Debug)]
pub(super) struct Turn {
    looks: Looks,
    repository: RepositoryId,
}

impl Looks {
    /// Who has to wait; `None` while every place is taken, or after the stop.
    pub(super) fn busy(&self) -> Option<Busy> {
        let running = self.lock();
        if running.len() >= AT_ONCE || self.stopped.is_cancelled() {
            return None;
        }
        let mut counts: HashMap<OrganizationId, usize> = HashMap::new();
        for organization in running.values() {
            *counts.entry(*organization).or_default() += 1;
        }
        let only_newcomers = running.len() >= AT_ONCE - FOR_NEWCOMERS;
        let has_its_share = |count: usize| only_newcomers || count >= OF_ONE;
        let full = counts.into_iter().filter(|(_, count)| has_its_share(*count));
        Some(Busy {
            repositories: running.keys().copied().collect(),
            organizations: full.map(|(organization, _)| organization).collect(),
        })
    }

    /// Takes a place.
    pub(super) fn begin(&self, repository: RepositoryId, organization: OrganizationId) -> Turn {
        self.lock().insert(repository, organization);
        Turn { looks: self.clone(), repository }
    }

    /// Cuts off what runs; the next start takes it up.
    pub(super) async fn stop(&self) {
        self.stopped.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RepositoryId, OrganizationId>> {
        // Each change is one insert or remove, so the map is whole even after a panic elsewhere.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.looks.lock().remove(&self.repository);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(looks: &Looks, organization: OrganizationId, count: usize) -> Vec<Turn> {
        (0..count).map(|_| looks.begin(RepositoryId::new(), organization)).collect()
    }

    #[test]
    fn one_organization_gets_its_share_and_no_more() {
        let (looks, acme) = (Looks::default(), OrganizationId::new());
        let mut turns = begin(&looks, acme, OF_ONE - 1);
        assert!(looks.busy().unwrap().organizations.is_empty());
        turns.extend(begin(&looks, acme, 1));
        assert_eq!(looks.busy().unwrap().organizations, [acme]);
        turns.pop();
        assert!(looks.busy().unwrap().organizations.is_empty());
    }

    #[test]
    fn the_last_places_are_for_those_who_have_none() {
        let (looks, acme, rival) = (Looks::default(), OrganizationId::new(), OrganizationId::new());
        let _first = begin(&looks, acme, OF_ONE);
        let _second = begin(&looks, rival, OF_ONE);
        let busy = looks.busy().unwrap();
        assert!(busy.organizations.contains(&acme) && busy.organizations.contains(&rival));
        let newcomers: Vec<_> = (0..FOR_NEWCOMERS)
            .map(|_| {
                let newcomer = OrganizationId::new();
                assert!(!looks.busy().unwrap().organizations.contains(&newcomer));
                begin(&looks, newcomer, 1)
            })
            .collect();
        assert_eq!(looks.busy(), None);
        drop(newcomers);
        assert!(looks.busy().is_some());
    }
}
