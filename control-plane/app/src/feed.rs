//! Following an organization's changes: every one, in order, from any number on.
//!
//! The database says what there is; the channels here only carry what was just read from it to everyone
//! who follows, made into bytes once. Whoever falls out of a channel is sent away, and comes back with the
//! last number they saw: nobody slow makes memory grow.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use gimlet_shared::{api, error_chain::Chain, ids::OrganizationId};
use gimlet_store::TenantScope;
use tokio::sync::{
    Notify,
    broadcast::{self, error::RecvError},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    App, AppError,
    activity::{EnvironmentNames, activity_view},
};

/// Who falls behind by this many changes is sent away.
const KEPT_EVENTS: usize = 512;
/// Changes read from the database at a time.
const BATCH: u64 = 256;
/// Another replica's changes are seen after this long at the latest.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// One change, made once for everyone who follows.
#[derive(Debug)]
pub struct ActivityEvent {
    /// Its number.
    pub seq: u64,
    /// The change.
    pub activity: api::Activity,
    /// The change as a server-sent event, whose data is the change as JSON.
    pub frame: Bytes,
    /// When it was told, where that was in this replica.
    told_at: Option<Instant>,
}

/// What comes next in a stream of changes.
#[derive(Debug)]
pub enum FollowStep {
    /// The next change.
    Event(Arc<ActivityEvent>),
    /// The changes after the number asked for are not kept: the stream goes on after this one.
    Reset {
        /// Number of the newest change.
        last: u64,
    },
    /// The reader was too slow, or the database is away: come back with the last number seen.
    Ended,
}

/// Follows the changes of one organization.
#[derive(Debug)]
pub struct ActivityFollower {
    app: App,
    scope: TenantScope,
    live: broadcast::Receiver<Arc<ActivityEvent>>,
    /// Number of the last change that was handed out.
    position: u64,
    waiting: VecDeque<Arc<ActivityEvent>>,
    reset: Option<u64>,
    /// The database may hold changes that the channel did not bring.
    is_behind: bool,
}

impl App {
    /// Follows the organization's changes after number `after`; from now on where none is given.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn follow_activity(
        &self,
        scope: &TenantScope,
        after: Option<u64>,
    ) -> Result<ActivityFollower, AppError> {
        let bounds = self.parts().store.activity_bounds(scope).await?;
        // Listening first and then reading leaves no gap between the two.
        let live = self.parts().feeds.follow(scope.organization(), bounds.last);
        let is_kept = |after: u64| after <= bounds.last && after + 1 >= bounds.first;
        let lost = after.is_some_and(|after| !is_kept(after));
        let position = if lost { bounds.last } else { after.unwrap_or(bounds.last) };
        Ok(ActivityFollower {
            app: self.clone(),
            scope: scope.clone(),
            live,
            position,
            waiting: VecDeque::new(),
            reset: lost.then_some(bounds.last),
            is_behind: true,
        })
    }
}

impl ActivityFollower {
    /// Waits for what comes next. Dropping the future loses nothing.
    pub async fn next(&mut self) -> FollowStep {
        if let Some(last) = self.reset.take() {
            return FollowStep::Reset { last };
        }
        loop {
            if let Some(event) = self.waiting.pop_front() {
                self.position = event.seq;
                if let Some(told_at) = event.told_at {
                    self.app.parts().metrics.note_stream(told_at);
                }
                return FollowStep::Event(event);
            }
            if self.is_behind {
                match self.read().await {
                    Ok(found) => self.is_behind = found,
                    Err(error) => {
                        warn!(error = %Chain(&error), "a stream of changes was cut off");
                        return FollowStep::Ended;
                    }
                }
                continue;
            }
            match self.live.recv().await {
                Ok(event) if event.seq <= self.position => {}
                Ok(event) if event.seq == self.position + 1 => self.waiting.push_back(event),
                Ok(_) => self.is_behind = true,
                Err(RecvError::Lagged(_) | RecvError::Closed) => return FollowStep::Ended,
            }
        }
    }

    /// Reads the next changes from the database; false where there are none.
    async fn read(&mut self) -> Result<bool, AppError> {
        let rows = self.app.parts().store.activity_after(&self.scope, self.position, BATCH).await?;
        if rows.is_empty() {
            return Ok(false);
        }
        let names = self.app.environment_names(&self.scope, &rows).await?;
        self.waiting.extend(rows.into_iter().map(|row| event(row, &names, None)));
        Ok(true)
    }
}

fn event(
    row: gimlet_store::Activity,
    names: &EnvironmentNames,
    told_at: Option<Instant>,
) -> Arc<ActivityEvent> {
    let (seq, activity) = (row.seq, activity_view(row, names));
    // Text only, which JSON can always carry.
    let json = serde_json::to_string(&activity).unwrap_or_default();
    let frame = Bytes::from(format!("id: {seq}\nevent: change\ndata: {json}\n\n"));
    Arc::new(ActivityEvent { seq, activity, frame, told_at })
}

/// The organizations whose changes are followed at this replica.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    channels: Mutex<HashMap<OrganizationId, Feed>>,
    /// Who has news, and since when.
    recorded: Mutex<HashMap<OrganizationId, Instant>>,
    wake: Notify,
}

#[derive(Debug)]
struct Feed {
    sender: broadcast::Sender<Arc<ActivityEvent>>,
    /// Number of the last change that went out.
    head: u64,
}

impl Feeds {
    /// Something was recorded for the organization.
    pub(crate) fn recorded(&self, organization: OrganizationId) {
        if !lock(&self.channels).contains_key(&organization) {
            return;
        }
        lock(&self.recorded).entry(organization).or_insert_with(Instant::now);
        self.wake.notify_one();
    }

    fn follow(
        &self,
        organization: OrganizationId,
        last: u64,
    ) -> broadcast::Receiver<Arc<ActivityEvent>> {
        let mut channels = lock(&self.channels);
        let feed = channels
            .entry(organization)
            .or_insert_with(|| Feed { sender: broadcast::Sender::new(KEPT_EVENTS), head: last });
        feed.sender.subscribe()
    }

    /// Everyone whose changes are followed; those whose followers left are forgotten.
    fn followed(&self) -> Vec<OrganizationId> {
        let mut channels = lock(&self.channels);
        channels.retain(|_, feed| feed.sender.receiver_count() > 0);
        channels.keys().copied().collect()
    }

    fn head(&self, organization: OrganizationId) -> Option<u64> {
        lock(&self.channels).get(&organization).map(|feed| feed.head)
    }

    fn hand_out(&self, organization: OrganizationId, events: Vec<Arc<ActivityEvent>>) {
        let mut channels = lock(&self.channels);
        let Some(feed) = channels.get_mut(&organization) else { return };
        for event in events {
            if event.seq <= feed.head {
                continue;
            }
            feed.head = event.seq;
            // The last follower may just have left.
            let _ = feed.sender.send(event);
        }
    }
}

/// Hands out what is recorded, until `shutdown` fires.
pub(crate) async fn hand_out(app: App, shutdown: CancellationToken) {
    let feeds = &app.parts().feeds;
    loop {
        let told = tokio::time::timeout(LOOK_AGAIN, feeds.wake.notified());
        let Some(told) = shutdown.run_until_cancelled(told).await else { return };
        let due: Vec<_> = match told {
            Ok(()) => {
                let recorded = std::mem::take(&mut *lock(&feeds.recorded));
                recorded.into_iter().map(|(organization, at)| (organization, Some(at))).collect()
            }
            Err(_) => {
                feeds.followed().into_iter().map(|organization| (organization, None)).collect()
            }
        };
        for (organization, told_at) in due {
            if let Err(error) = hand_out_new(&app, organization, told_at).await {
                // The next look finds them again.
                warn!(organization.id = %organization, error = %Chain(&error), "changes could not be handed out");
            }
        }
    }
}

async fn hand_out_new(
    app: &App,
    organization: OrganizationId,
    told_at: Option<Instant>,
) -> Result<(), AppError> {
    let parts = app.parts();
    while let Some(head) = parts.feeds.head(organization) {
        let rows =
            parts.store.activity_after_for_system(&parts.system, organization, head, BATCH).await?;
        if rows.is_empty() {
            return Ok(());
        }
        // Most changes of members and tokens concern none.
        let names = if rows.iter().all(|row| row.environment.is_none()) {
            EnvironmentNames::new()
        } else {
            let all = parts.store.list_organization_environments(&parts.system, organization);
            all.await?.into_iter().map(|found| (found.id, found.name)).collect()
        };
        let events = rows.into_iter().map(|row| event(row, &names, told_at)).collect();
        parts.feeds.hand_out(organization, events);
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one insert or remove, so what is inside is whole even after a panic elsewhere.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
