//! The link to the control plane: keeps one session open while this replica leads.
//!
//! [`Link::run_session`] is one attempt, from dialling to the end of the session; [`keep_connected`] is the
//! loop around it. What the session means is decided in [`AgentSession`]; here is only its transport, and
//! the work that it asks for: running commands, storing the cursor, renewing the certificate. That work
//! goes on between sessions.

mod attempt;
mod renewal;
mod socket;

use std::{path::PathBuf, sync::Arc, time::Duration};

use gimlet_shared::{
    backoff::Backoff,
    error_chain::Chain,
    link::{
        Now,
        agent::{AgentIdentity, AgentSession, Cursor, Output},
    },
};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::{
    act::{Actor, Ended},
    cursor::{CursorError, CursorSlot},
    dial::Dialer,
    health::Health,
    identity::IdentityStore,
    metrics::Metrics,
    watch::Change,
};

pub use attempt::SessionEnd;
use renewal::Renewal;

/// A session that stood this long proves that the way is good.
const PROVEN: Duration = Duration::from_secs(60);

/// What a link needs to be.
pub struct Parts {
    /// Client of the cluster's API server.
    pub client: Client,
    /// The agent's namespace.
    pub namespace: String,
    /// The way to the control plane.
    pub dialer: Dialer,
    /// PEM of the root that was given at the installation.
    pub root_pem: String,
    /// Where an enrolment token may stand.
    pub token_file: PathBuf,
    /// What the agent says of itself.
    pub identity: AgentIdentity,
    /// What changes on the cluster.
    pub changes: mpsc::Receiver<Change>,
    /// Whether this replica leads.
    pub leads: watch::Receiver<bool>,
    /// Told how the link is.
    pub health: Arc<Health>,
    /// Counted into.
    pub metrics: Arc<Metrics>,
}

/// The agent's end of the link. See the [module](self).
pub struct Link {
    session: AgentSession,
    desk: Desk,
    client: Client,
    namespace: String,
    dialer: Arc<Dialer>,
    root_pem: String,
    token_file: PathBuf,
    identities: IdentityStore,
    renewal: Renewal,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
}

/// Everything that happens beside the connection.
struct Desk {
    changes: mpsc::Receiver<Change>,
    leads: watch::Receiver<bool>,
    actor: Actor,
    /// The stored cursor; `None` while it is being written, and before this replica led.
    slot: Option<CursorSlot>,
    storing: JoinSet<(CursorSlot, Result<(), CursorError>)>,
}

#[expect(clippy::large_enum_variant, reason = "most of them are the large one")]
enum Event {
    Change(Change),
    Ended(Ended),
    Stored(Box<CursorSlot>),
    /// Another replica wrote the cursor, or writing it broke down: it has to be read again.
    CursorLost,
    Leads,
}

/// Keeps a session open whenever this replica leads, until `shutdown`.
pub async fn keep_connected(link: &mut Link, mut backoff: Backoff, shutdown: CancellationToken) {
    while link.lead(&shutdown).await {
        let end = link.run_session(&shutdown).await;
        let Some(delay) = delay_after(&end, &mut backoff) else { return };
        match &end {
            SessionEnd::Deposed => info!("session ended, another replica leads or led"),
            end => warn!(error = %Chain(end), ?delay, "session ended, connecting again"),
        }
        link.beside(sleep(delay), &shutdown).await;
    }
}

/// How long to wait after a session; `None` for ever.
fn delay_after(end: &SessionEnd, backoff: &mut Backoff) -> Option<Duration> {
    let after = |held: Duration, backoff: &mut Backoff| {
        if held >= PROVEN { backoff.restart() } else { backoff.next_delay() }
    };
    match end {
        SessionEnd::ShutDown => None,
        SessionEnd::Deposed => Some(Duration::ZERO),
        SessionEnd::SentAway { held, retry_after, .. } => {
            Some(after(*held, backoff).max(*retry_after))
        }
        SessionEnd::Lost { held, .. } => Some(after(*held, backoff)),
        SessionEnd::NoIdentity { .. }
        | SessionEnd::NoWay { .. }
        | SessionEnd::NotAdmitted { .. } => Some(backoff.next_delay()),
    }
}

impl Link {
    /// A link that is not connected.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let actor = Actor::new(parts.client.clone(), parts.namespace.clone());
        Self {
            session: AgentSession::new(parts.identity, Cursor::default()),
            desk: Desk {
                changes: parts.changes,
                leads: parts.leads,
                actor,
                slot: None,
                storing: JoinSet::new(),
            },
            identities: IdentityStore::new(parts.client.clone(), &parts.namespace),
            client: parts.client,
            namespace: parts.namespace,
            dialer: Arc::new(parts.dialer),
            root_pem: parts.root_pem,
            token_file: parts.token_file,
            renewal: Renewal::default(),
            health: parts.health,
            metrics: parts.metrics,
        }
    }

    /// Waits until this replica leads and its cursor is read. False at shutdown.
    async fn lead(&mut self, shutdown: &CancellationToken) -> bool {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
        loop {
            let mut leads = self.desk.leads.clone();
            let leading = async move { leads.wait_for(|leads| *leads).await.is_ok() };
            if self.beside(leading, shutdown).await != Some(true) {
                return false;
            }
            if self.desk.slot.is_some() || !self.desk.storing.is_empty() {
                return true;
            }
            let (client, namespace) = (self.client.clone(), self.namespace.clone());
            let open = async move { CursorSlot::open(client, &namespace).await };
            match self.beside(open, shutdown).await {
                None => return false,
                Some(Ok((slot, cursor))) => {
                    info!(last_applied = cursor.last_applied(), "leading");
                    self.desk.slot = Some(slot);
                    self.session.resume(cursor);
                    return true;
                }
                Some(Err(error)) => {
                    warn!(error = %Chain(&error), "could not read the cursor, trying again");
                    self.beside(sleep(backoff.next_delay()), shutdown).await;
                }
            }
        }
    }

    /// Does `work` while everything beside the connection goes on. `None` at shutdown.
    async fn beside<T>(
        &mut self,
        work: impl Future<Output = T>,
        shutdown: &CancellationToken,
    ) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return None,
                done = &mut work => return Some(done),
                event = self.desk.next() => {
                    for output in self.absorb(event) {
                        self.perform(output);
                    }
                }
            }
        }
    }

    /// Tells the session what happened beside the connection.
    fn absorb(&mut self, event: Event) -> Vec<Output> {
        let now = now();
        match event {
            Event::Change(Change::Seen(observation)) => {
                self.metrics.changes.inc();
                self.session.observe(observation, now);
                Vec::new()
            }
            Event::Change(Change::Gone(key)) => {
                self.metrics.changes.inc();
                self.session.forget(&key, now);
                Vec::new()
            }
            Event::Change(Change::Listing(kind)) => {
                self.session.begin_list(kind);
                Vec::new()
            }
            Event::Change(Change::Listed(kind)) => {
                self.session.end_list(kind, now);
                Vec::new()
            }
            Event::Change(Change::Synced) => {
                info!("the cluster was seen in full");
                self.health.set_synced();
                self.session.synced(now)
            }
            Event::Ended(Ended { seq, id, outcome }) => {
                self.metrics.command_ended(&outcome);
                self.session.finished(seq, id, outcome, now)
            }
            Event::Stored(slot) => {
                self.desk.slot = Some(*slot);
                self.session.saved()
            }
            Event::CursorLost | Event::Leads => {
                let leading = *self.desk.leads.borrow();
                self.health.set_leading(leading);
                self.metrics.leading.set(leading.into());
                Vec::new()
            }
        }
    }

    /// Does what does not need the connection. What needs it is dropped: without one there is nobody to
    /// tell, and a later session tells it again.
    fn perform(&mut self, output: Output) {
        match output {
            Output::Run(command) => {
                debug!(command.id = %command.id, command.seq, "command accepted");
                self.desk.actor.start(command);
            }
            Output::Save(cursor) => self.desk.store(cursor),
            Output::Welcomed { epoch } => {
                info!(epoch, "connected to the control plane");
                self.metrics.sessions.inc();
                self.metrics.link_up.set(1);
                self.health.set_welcomed(true);
            }
            Output::Send(_) | Output::Renewed { .. } | Output::End(_) => {}
        }
    }
}

impl Desk {
    /// The next thing that happens. Safe to be dropped and asked again.
    async fn next(&mut self) -> Event {
        tokio::select! {
            Ok(()) = self.leads.changed() => {
                if !*self.leads.borrow() {
                    self.forget_cursor();
                }
                Event::Leads
            }
            Some(stored) = self.storing.join_next() => match stored {
                Ok((slot, Ok(()))) => Event::Stored(Box::new(slot)),
                Ok((_, Err(error))) => {
                    warn!(error = %Chain(&error), "the cursor has to be read again");
                    Event::CursorLost
                }
                Err(error) => {
                    warn!(%error, "storing the cursor broke down");
                    Event::CursorLost
                }
            },
            Some(ended) = self.actor.next() => Event::Ended(ended),
            Some(change) = self.changes.recv() => Event::Change(change),
            else => std::future::pending().await,
        }
    }

    /// Stores the cursor, trying until it is stored or known to be another replica's.
    fn store(&mut self, cursor: Cursor) {
        // Without a slot the cursor is about to be read anew, and what it lacks will be sent again.
        let Some(mut slot) = self.slot.take() else { return };
        self.storing.spawn(async move {
            let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
            loop {
                match slot.store(&cursor).await {
                    Err(error @ CursorError::Store { .. }) => {
                        warn!(error = %Chain(&error), "trying again");
                        sleep(backoff.next_delay()).await;
                    }
                    result => return (slot, result),
                }
            }
        });
    }

    fn forget_cursor(&mut self) {
        self.slot = None;
        self.storing.abort_all();
        self.storing.detach_all();
    }

    /// The cursor is in this replica's hands.
    fn holds_cursor(&self) -> bool {
        self.slot.is_some() || !self.storing.is_empty()
    }
}

fn now() -> Now {
    Now { monotonic: Instant::now().into_std(), unix: Timestamp::now().as_second() }
}

#[cfg(test)]
mod tests;
