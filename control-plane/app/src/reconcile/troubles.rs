//! What stands in the way of releases that are not closed. It is observed anew after a restart.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gimlet_domain::cause::Cause;
use gimlet_shared::ids::ReleaseId;

/// What stands in the way of each release, for its page and for its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Troubles(Arc<Mutex<HashMap<ReleaseId, Cause>>>);

impl Troubles {
    /// What stands in the way of a release, if something does.
    pub(crate) fn of(&self, release: ReleaseId) -> Option<Cause> {
        self.lock().get(&release).cloned()
    }

    /// The release has closed.
    pub(crate) fn forget(&self, release: ReleaseId) {
        self.lock().remove(&release);
    }

    /// Notes what stands in the way; true if that is news.
    pub(super) fn note(&self, release: ReleaseId, trouble: Option<Cause>) -> bool {
        let mut all = self.lock();
        let before = match trouble.clone() {
            Some(cause) => all.insert(release, cause),
            None => all.remove(&release),
        };
        before != trouble
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ReleaseId, Cause>> {
        // Each change is one insert or remove, so the map is whole even after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use gimlet_domain::cause::CauseCode;

    use super::*;

    #[test]
    fn only_what_changes_is_news() {
        let (troubles, release) = (Troubles::default(), ReleaseId::new());
        let cause = Cause::new(CauseCode::NotReady, "it is not ready", "wait");
        assert!(!troubles.note(release, None));
        assert!(troubles.note(release, Some(cause.clone())));
        assert!(!troubles.note(release, Some(cause.clone())));
        assert_eq!(troubles.of(release), Some(cause));
        assert!(troubles.note(release, None));
        assert_eq!(troubles.of(release), None);
    }
}
