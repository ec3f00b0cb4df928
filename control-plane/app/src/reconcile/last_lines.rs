//! Keeps what failing containers said last with the release that brought them, so that it can be read
//! after their pods are gone.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, PoisonError},
};

use gimlet_domain::health::Workloads;
use gimlet_shared::ids::ReleaseId;
use gimlet_store::{Application, ClusterScope, ReleaseLog};

use crate::{App, AppError, live::Subject};

/// Lines that are remembered as kept, over all releases. Forgetting one costs writing it again.
const REMEMBERED: usize = 10_000;

/// One container of a release.
type Place = (ReleaseId, String, String);

/// What is kept already: pods are reported often, and their lines seldom change.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeptLines(Arc<Mutex<HashMap<Place, u64>>>);

impl KeptLines {
    fn has(&self, place: &Place, digest: u64) -> bool {
        self.with(|kept| kept.get(place) == Some(&digest))
    }

    fn remember(&self, place: Place, digest: u64) {
        self.with(|kept| {
            if kept.len() >= REMEMBERED {
                kept.clear();
            }
            kept.insert(place, digest);
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<Place, u64>) -> T) -> T {
        // Each change is one insert, so the map is whole even after a panic elsewhere.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps the lines of the newest pods' failing containers with the application's current release.
pub(super) async fn keep_last_lines(
    app: &App,
    scope: &ClusterScope,
    application: &Application,
    workloads: &Workloads<'_>,
) -> Result<(), AppError> {
    let Some(release) = application.current_release else { return Ok(()) };
    let parts = app.parts();
    let mut news = Vec::new();
    for (key, pod) in workloads.newest() {
        for container in pod.containers.iter().filter(|it| !it.last_lines.is_empty()) {
            let place = (release, key.name.clone(), container.name.clone());
            let digest = digest(container.restarts, &container.last_lines);
            if !parts.kept_lines.has(&place, digest) {
                news.push((place, digest, container));
            }
        }
    }
    if news.is_empty() || !has_brought_pods(app, release).await? {
        return Ok(());
    }
    for (place, digest, container) in news {
        let log = ReleaseLog {
            pod: place.1.clone(),
            container: place.2.clone(),
            restarts: container.restarts,
            lines: container.last_lines.clone(),
            seen_at: app.now(),
        };
        let organization = scope.organization();
        parts.store.keep_release_log(&parts.system, organization, release, &log).await?;
        parts.kept_lines.remember(place, digest);
    }
    app.tell(scope.organization(), Subject::Release { id: release, app: None });
    Ok(())
}

/// Before Flux applied it, the newest pods are those of the release before.
async fn has_brought_pods(app: &App, release: ReleaseId) -> Result<bool, AppError> {
    let parts = app.parts();
    let found = parts.store.find_release_for_system(&parts.system, release).await?;
    Ok(found.is_some_and(|release| release.applied_at.is_some() || release.state.is_closed()))
}

fn digest(restarts: i32, lines: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (restarts, lines).hash(&mut hasher);
    hasher.finish()
}
