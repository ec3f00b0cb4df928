//! One attempt: from dialling to the end of the session.

use std::time::Duration;

use gimlet_shared::{
    crash_point,
    enrol::IssuedCertificate,
    error_chain::Chain,
    link::agent::{self, Output},
};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Link, now,
    renewal::Renewal,
    socket::{Socket, SocketError},
};
use crate::{
    dial::{DialError, tls},
    enrol::{self, EnrolError},
    identity::Identity,
};

/// How long commands that run may go on at shutdown, within the 30 seconds that a pod has.
const DRAIN: Duration = Duration::from_secs(10);

/// How long storing a new certificate may hold up the session.
const STORE_PATIENCE: Duration = Duration::from_secs(10);

/// How a session ended, or why there was none.
#[derive(Debug, thiserror::Error)]
pub enum SessionEnd {
    /// The agent shuts down.
    #[error("the agent shuts down")]
    ShutDown,
    /// This replica does not lead any more, or did not when it wrote its cursor.
    #[error("this replica does not lead any more")]
    Deposed,
    /// There is no certificate to connect with.
    #[error("the agent has no certificate to connect with")]
    NoIdentity {
        /// Why.
        source: EnrolError,
    },
    /// TLS cannot be set up from what there is.
    #[error("the agent's certificate or roots cannot be used")]
    NoWay {
        /// Why.
        source: DialError,
    },
    /// No session stood.
    #[error("no session with the control plane")]
    NotAdmitted {
        /// Why.
        source: SocketError,
    },
    /// The connection broke, or the session was broken off.
    #[error("the session with the control plane was lost")]
    Lost {
        /// How long it had stood.
        held: Duration,
        /// Why.
        source: LossCause,
    },
    /// The control plane sent the agent away.
    #[error("the control plane sent the agent away")]
    SentAway {
        /// How long the session had stood.
        held: Duration,
        /// How long to stay away.
        retry_after: Duration,
        /// Why.
        source: agent::SessionEnd,
    },
}

/// What a session was lost by.
#[derive(Debug, thiserror::Error)]
pub enum LossCause {
    /// The connection.
    #[error(transparent)]
    Socket(SocketError),
    /// The session's own rules.
    #[error(transparent)]
    Rules(agent::SessionEnd),
}

impl Link {
    /// Opens a session and keeps it until it ends.
    pub(super) async fn run_session(&mut self, shutdown: &CancellationToken) -> SessionEnd {
        let opened = self.open(shutdown).await;
        let end = match opened {
            Ok(mut socket) => {
                let end = self.attend(&mut socket, shutdown).await;
                socket.close().await;
                end
            }
            Err(end) => end,
        };
        self.session.disconnect();
        self.health.set_welcomed(false);
        self.metrics.link_up.set(0);
        end
    }

    async fn open(&mut self, shutdown: &CancellationToken) -> Result<Socket, SessionEnd> {
        let (store, dialer) = (self.identities.clone(), self.dialer.clone());
        let (root_pem, token_file) = (self.root_pem.clone(), self.token_file.clone());
        let identity = async move {
            enrol::identity(&store, &dialer, &root_pem, &token_file, now().unix).await
        };
        let identity = self
            .beside(identity, shutdown)
            .await
            .ok_or(SessionEnd::ShutDown)?
            .map_err(|source| SessionEnd::NoIdentity { source })?;
        self.metrics.certificate_expiry.set(identity.not_after);
        self.renewal = Renewal::of(&identity);
        let roots = [self.root_pem.as_str(), identity.roots_pem.as_str()];
        let config = tls(&roots, Some(&identity.credential()))
            .map_err(|source| SessionEnd::NoWay { source })?;
        let open = Socket::open(self.dialer.clone(), config);
        self.beside(open, shutdown)
            .await
            .ok_or(SessionEnd::ShutDown)?
            .map_err(|source| SessionEnd::NotAdmitted { source })
    }

    /// The session itself.
    async fn attend(&mut self, socket: &mut Socket, shutdown: &CancellationToken) -> SessionEnd {
        let opened = Instant::now();
        let mut outputs = self.session.connect(now());
        loop {
            if let Err(end) = self.carry_out(outputs, socket, opened).await {
                return end;
            }
            if !self.desk.holds_cursor() || !*self.desk.leads.borrow() {
                return SessionEnd::Deposed;
            }
            let tick = self.session.next_tick().map(Instant::from_std);
            outputs = tokio::select! {
                () = shutdown.cancelled() => return self.drain(socket, opened).await,
                message = socket.receive() => match message {
                    Ok(message) => {
                        self.metrics.received();
                        self.session.receive(&message, now())
                    }
                    Err(error) => return self.lost(opened, LossCause::Socket(error)),
                },
                () = sleep_until(tick.unwrap_or_else(Instant::now)), if tick.is_some() => {
                    self.session.tick(now())
                }
                event = self.desk.next() => self.absorb(event),
            };
            outputs.extend(self.ask_for_renewal());
        }
    }

    /// Does what the session asks for; frames go out together.
    async fn carry_out(
        &mut self,
        outputs: Vec<Output>,
        socket: &mut Socket,
        opened: Instant,
    ) -> Result<(), SessionEnd> {
        let mut frames = Vec::new();
        let mut ended = None;
        for output in outputs {
            match output {
                Output::Send(frame) => frames.push(frame),
                Output::Renewed { chain_pem, roots_pem } => {
                    self.keep_renewed(IssuedCertificate { chain_pem, roots_pem }).await;
                }
                Output::End(end) => ended = Some(end),
                output => self.perform(output),
            }
        }
        if !frames.is_empty() {
            frames.iter().for_each(|_| self.metrics.sent());
            crash_point!("agent.report.before");
            let sent = socket.send(&frames).await;
            sent.map_err(|error| self.lost(opened, LossCause::Socket(error)))?;
            crash_point!("agent.report.after");
        }
        match ended {
            None => Ok(()),
            Some(end) => Err(self.ended(opened, end)),
        }
    }

    fn ended(&self, opened: Instant, end: agent::SessionEnd) -> SessionEnd {
        let held = opened.elapsed();
        match end {
            agent::SessionEnd::Refused { retry_after, .. }
            | agent::SessionEnd::Draining { retry_after } => {
                SessionEnd::SentAway { held, retry_after, source: end }
            }
            end => self.lost(opened, LossCause::Rules(end)),
        }
    }

    #[expect(clippy::unused_self, reason = "reads as the others at its calls")]
    fn lost(&self, opened: Instant, source: LossCause) -> SessionEnd {
        SessionEnd::Lost { held: opened.elapsed(), source }
    }

    /// At shutdown: what runs may end and be told; nothing new is taken.
    async fn drain(&mut self, socket: &mut Socket, opened: Instant) -> SessionEnd {
        crash_point!("agent.drain.before");
        let mut deadline = std::pin::pin!(sleep(DRAIN));
        while !self.desk.actor.is_idle() || !self.desk.storing.is_empty() {
            let outputs = tokio::select! {
                () = &mut deadline => break,
                event = self.desk.next() => self.absorb(event),
            };
            if let Err(end) = self.carry_out(outputs, socket, opened).await {
                warn!(error = %Chain(&end), "the session ended before it was drained");
                break;
            }
        }
        crash_point!("agent.drain.after");
        SessionEnd::ShutDown
    }

    fn ask_for_renewal(&mut self) -> Vec<Output> {
        if self.session.epoch().is_none() {
            return Vec::new();
        }
        match self.renewal.request(now().unix, Instant::now()) {
            Ok(None) => Vec::new(),
            Ok(Some(csr_pem)) => {
                info!("asking for a new certificate");
                self.session.renew(csr_pem)
            }
            Err(error) => {
                warn!(error = %Chain(&error), "could not make a key for a new certificate");
                self.renewal.put_off(now().unix);
                Vec::new()
            }
        }
    }

    /// Keeps a new certificate; the next connection uses it.
    async fn keep_renewed(&mut self, issued: IssuedCertificate) {
        let Some(key) = self.renewal.take_key() else { return };
        let kept = async {
            let identity = Identity::join(&key, issued)?;
            crash_point!("agent.renewal.before");
            self.identities.keep(&identity, None).await?;
            crash_point!("agent.renewal.after");
            Ok::<_, crate::identity::IdentityError>(identity)
        };
        match timeout(STORE_PATIENCE, kept).await {
            Ok(Ok(identity)) => {
                info!(not_after = identity.not_after, "the new certificate is stored");
                self.metrics.certificate_expiry.set(identity.not_after);
                self.renewal.follow(&identity);
            }
            Ok(Err(error)) => {
                warn!(error = %Chain(&error), "the new certificate could not be kept");
                self.renewal.put_off(now().unix);
            }
            Err(_) => {
                warn!("the new certificate could not be stored in time");
                self.renewal.put_off(now().unix);
            }
        }
    }
}
