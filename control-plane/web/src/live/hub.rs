//! One rendering for everyone who looks at the same: a hub per region, organization and role, which lives
//! as long as someone looks.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant as StdInstant},
};

use gimlet_app::{AppError, Change};
use gimlet_shared::{error_chain::Chain, ids::OrganizationId};
use tokio::{
    sync::{
        broadcast::{Receiver, error::RecvError},
        watch,
    },
    time::{Instant, sleep, sleep_until},
};
use tokio_util::task::TaskTracker;

use super::{Region, frame::Shot};
use crate::{Web, errors::PageError, session::Viewer};

/// Wake-ups may be lost; a region is looked at again after this long without one.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// What a hub has to show. A reader that is slow sees the newest only.
#[derive(Clone, Debug)]
pub(super) enum Look {
    /// The first rendering is under way.
    Unseen,
    /// The region as it is.
    Shown(Arc<Shot>),
    /// What the region shows is no longer there.
    Gone,
    /// It could not be rendered; the cause is logged.
    Broken,
}

/// Who may share a rendering.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    organization: OrganizationId,
    role: String,
    region: String,
}

type Open = Mutex<HashMap<Key, Arc<watch::Sender<Look>>>>;

/// The hubs of this server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hubs {
    open: Arc<Open>,
    tasks: TaskTracker,
}

impl Hubs {
    /// Looks at the region `name`, which `region` makes where nobody looks yet.
    pub(super) fn look(
        &self,
        web: &Web,
        viewer: &Viewer,
        name: &str,
        region: Region,
    ) -> watch::Receiver<Look> {
        let key = Key {
            organization: viewer.scope.organization(),
            role: viewer.me.role.clone(),
            region: name.to_owned(),
        };
        let mut open = lock(&self.open);
        if let Some(hub) = open.get(&key) {
            return hub.subscribe();
        }
        let (sender, receiver) = watch::channel(Look::Unseen);
        let sender = Arc::new(sender);
        open.insert(key.clone(), sender.clone());
        drop(open);
        let hub = Hub {
            seat: Seat { open: self.open.clone(), key, sender },
            changes: web.app.changes(&viewer.scope),
            web: web.clone(),
            viewer: viewer.clone(),
            region,
            shot: None,
        };
        self.tasks.spawn(hub.run());
        receiver
    }
}

/// A hub's place among the open ones. It is given up with the hub, however that ends; who still looks then
/// sees the end of the stream and comes back.
struct Seat {
    open: Arc<Open>,
    key: Key,
    sender: Arc<watch::Sender<Look>>,
}

impl Seat {
    /// Gives the place up, unless someone has come to look meanwhile.
    fn leave_unwatched(&self) -> bool {
        let mut open = lock(&self.open);
        let unwatched = self.sender.receiver_count() == 0;
        if unwatched {
            open.remove(&self.key);
        }
        unwatched
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        if open.get(&self.key).is_some_and(|hub| Arc::ptr_eq(hub, &self.sender)) {
            open.remove(&self.key);
        }
    }
}

/// Each change of the map is one insert or remove, so it is whole even after a panic elsewhere.
fn lock(open: &Open) -> MutexGuard<'_, HashMap<Key, Arc<watch::Sender<Look>>>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Hub {
    seat: Seat,
    changes: Receiver<Change>,
    web: Web,
    viewer: Viewer,
    region: Region,
    /// What was shown last.
    shot: Option<Arc<Shot>>,
}

impl Hub {
    async fn run(mut self) {
        let (shutdown, mut told_at) = (self.web.shutdown.clone(), None);
        loop {
            let began = Instant::now();
            // What came until now is seen by this rendering.
            while self.changes.try_recv().is_ok() {}
            let rendered = (self.region.render)(self.web.clone(), self.viewer.clone());
            let Some(rendered) = shutdown.run_until_cancelled(rendered).await else { return };
            if !self.show(rendered, told_at) {
                return;
            }
            let Some(Some(woken)) = shutdown.run_until_cancelled(self.woken()).await else {
                return;
            };
            told_at = woken;
            sleep_until(began + self.region.pace.gap()).await;
        }
    }

    /// Shows what was rendered, where it is news; false where nothing follows.
    fn show(&mut self, rendered: Result<String, PageError>, told_at: Option<StdInstant>) -> bool {
        let html = match rendered {
            Ok(html) => html,
            Err(PageError::App(AppError::NotFound { .. })) => {
                self.seat.sender.send_replace(Look::Gone);
                return false;
            }
            Err(error) => {
                tracing::warn!(error = %Chain(&error), region = self.seat.key.region, "a live region could not be rendered");
                self.seat.sender.send_replace(Look::Broken);
                return false;
            }
        };
        if self.shot.as_ref().is_none_or(|shot| !shot.shows(&html)) {
            let before = self.shot.as_deref();
            let shot = Arc::new(Shot::of(&self.seat.key.region, html, before, told_at));
            self.shot = Some(shot.clone());
            self.seat.sender.send_replace(Look::Shown(shot));
        }
        true
    }

    /// Returns when the region may have changed, with the moment at which that was told, where it was;
    /// `None` when nobody looks any more.
    async fn woken(&mut self) -> Option<Option<StdInstant>> {
        // One timer for all changes that do not concern the region.
        let mut look_again = pin!(sleep(LOOK_AGAIN));
        loop {
            let change = tokio::select! {
                change = self.changes.recv() => change,
                // Silence may be a lost wake-up.
                () = look_again.as_mut() => return Some(None),
                () = self.seat.sender.closed() => match self.seat.leave_unwatched() {
                    true => return None,
                    false => continue,
                },
            };
            match change {
                Ok(change) if change.is_for(&self.viewer.scope) => {
                    if (self.region.concerns)(&change.subject) {
                        return Some(Some(change.told_at));
                    }
                }
                Ok(_) => {}
                // What was missed is unknown.
                Err(RecvError::Lagged(_)) => return Some(None),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
