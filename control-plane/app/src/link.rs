//! The control plane's end of the agent link: thin I/O around the session core of `gimlet_shared`.
//!
//! The caller brings a stream and a sink of text messages; what they travel on is not known here.

mod sessions;

use std::{collections::VecDeque, fmt, sync::Arc, time::Instant};

use futures::{Sink, SinkExt as _, Stream, StreamExt as _};
use gimlet_shared::{
    crash_point,
    error_chain::Chain,
    has_flaw,
    ids::{CommandId, ReleaseId},
    link::{
        Command, CommandOutcome, FromServer, encode,
        server::{AgentHello, Output, ServerSession, SessionEnd},
    },
};
use gimlet_store::ClusterScope;
use tokio::{sync::Notify, time::sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{App, AppError, AuthenticatedAgent, Timestamp, live::Subject};

use sessions::Held;
pub(crate) use sessions::Sessions;

/// Close code of RFC 6455 for an end that no rule of the link asked for.
const GOING_AWAY: u16 = 1001;
/// How many unfinished commands are read at once; the window lets 64 of them travel.
const QUEUE_READ: u64 = 256;
/// Agents that come back within a second after a drain: as many resynchronize without a queue.
const BACK_PER_SECOND: usize = 200;
/// Agents stay away for a second at least, and for no longer than a restart may be felt.
const RETRY_AFTER_DRAIN_S: std::ops::RangeInclusive<u64> = 2..=60;
/// What an agent has sent before it heard of a drain is taken for so long.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(3);
/// After reports without end: a cluster of that size has to shrink first.
const RETRY_AFTER_FLOOD_S: u64 = 300;
/// After a fault of ours.
const RETRY_AFTER_FAULT_S: u64 = 5;
/// An agent whose certificate has run out has, or has not, a newer one: there is nothing to wait for.
const RETRY_AFTER_EXPIRY_S: u64 = 1;

/// How a link session ended, for the close frame and the log.
#[derive(Clone, Debug)]
pub struct LinkEnd {
    /// Close code of RFC 6455.
    pub close_code: u16,
    /// One sentence.
    pub reason: String,
}

/// One agent's session, from its first frame to its last.
pub struct LinkSession {
    app: App,
    scope: ClusterScope,
    core: ServerSession,
    /// When the client certificate that stands for it runs out.
    expires: tokio::time::Instant,
    held: Option<Held>,
    /// Set by a drain: when the session ends, if the agent does not leave before.
    drained_at: Option<tokio::time::Instant>,
}

impl LinkSession {
    /// A session of the cluster that the client certificate names.
    #[must_use]
    pub fn open(app: App, agent: AuthenticatedAgent) -> Self {
        let expires = deadline(&app, agent.not_after);
        let core = ServerSession::new(Instant::now());
        Self { app, scope: agent.scope, core, expires, held: None, drained_at: None }
    }

    /// Runs until the agent leaves, a newer session of the cluster begins, the client certificate and all
    /// that it was renewed by run out, or `shutdown` fires.
    pub async fn run<E: fmt::Display>(
        mut self,
        mut incoming: impl Stream<Item = Result<String, E>> + Unpin,
        mut outgoing: impl Sink<String, Error = E> + Unpin,
        shutdown: CancellationToken,
    ) -> LinkEnd {
        let end = loop {
            let outputs = match self.next_outputs(&mut incoming, &shutdown).await {
                Ok(outputs) => outputs,
                Err(end) => break end,
            };
            match self.carry_out(outputs, &mut outgoing).await {
                Ok(None) => {}
                Ok(Some(end)) => break end,
                Err(reason) => break LinkEnd { close_code: GOING_AWAY, reason },
            }
        };
        self.close(&end).await;
        if shutdown.is_cancelled() {
            crash_point!("drain.link.after");
        }
        end
    }

    async fn next_outputs<E: fmt::Display>(
        &mut self,
        incoming: &mut (impl Stream<Item = Result<String, E>> + Unpin),
        shutdown: &CancellationToken,
    ) -> Result<Vec<Output>, LinkEnd> {
        let (wake, fenced) = match &self.held {
            Some(held) => (Arc::clone(&held.wake), held.fenced.clone()),
            None => (Arc::new(Notify::new()), CancellationToken::new()),
        };
        let tick = self.core.next_tick();
        let timer = async {
            match tick {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        let drained_at = self.drained_at;
        let drained = async {
            match drained_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let close_code =
            if drained_at.is_some() { SessionEnd::Drained.close_code() } else { GOING_AWAY };
        let gone = |reason: String| LinkEnd { close_code, reason };
        tokio::select! {
            message = incoming.next() => match message {
                Some(Ok(text)) => Ok(self.core.receive(text.as_bytes(), Instant::now())),
                Some(Err(error)) => Err(gone(format!("the connection broke: {error}"))),
                None => Err(gone("the agent left".to_owned())),
            },
            () = timer => {
                let mut outputs = self.core.tick(Instant::now());
                outputs.extend(self.keep_alive().await);
                Ok(outputs)
            }
            () = wake.notified() => Ok(match self.queue().await {
                Ok(queue) => self.core.offer(queue),
                Err(error) => self.fault(&error),
            }),
            () = fenced.cancelled() => Ok(match self.core.epoch() {
                Some(epoch) => self.core.fence(epoch + 1),
                None => return Err(gone("a newer session began".to_owned())),
            }),
            () = sleep_until(self.expires) => Ok(self
                .core
                .refuse("the client certificate has run out; come back with a newer one", RETRY_AFTER_EXPIRY_S)),
            () = drained => Ok(vec![Output::End(SessionEnd::Drained)]),
            () = shutdown.cancelled(), if drained_at.is_none() => {
                crash_point!("drain.link.before");
                self.drained_at = Some(tokio::time::Instant::now() + LAST_WORDS);
                Ok(self.core.drain(self.retry_after_drain(), Instant::now()))
            }
        }
    }

    /// Does what the core asks for, in order; what that brings about is done before the next.
    async fn carry_out<E: fmt::Display>(
        &mut self,
        outputs: Vec<Output>,
        outgoing: &mut (impl Sink<String, Error = E> + Unpin),
    ) -> Result<Option<LinkEnd>, String> {
        let mut waiting = VecDeque::from(outputs);
        while let Some(output) = waiting.pop_front() {
            let brought = match output {
                Output::Send(frame) => {
                    pass_before_sending(&frame);
                    let sent = outgoing.send(encode(&frame)).await;
                    sent.map_err(|error| format!("the connection broke: {error}"))?;
                    pass_after_sending(&frame);
                    continue;
                }
                Output::End(end) => {
                    let reason = end.to_string();
                    return Ok(Some(LinkEnd { close_code: end.close_code(), reason }));
                }
                Output::Hello(hello) => self.welcome(hello).await,
                Output::Accepted { seq, command_id } => self.accepted(seq, command_id).await,
                Output::Done { seq, command_id, outcome } => {
                    self.done(seq, command_id, &outcome).await
                }
                Output::Snapshot { observations } => {
                    self.app.parts().views.replace(self.scope, observations);
                    self.tell_cluster();
                    continue;
                }
                Output::Delta { observations, gone } => {
                    let views = &self.app.parts().views;
                    if views.apply(self.scope.cluster(), observations, gone) {
                        continue;
                    }
                    Ok(self.core.refuse(
                        "the agent reports more than a cluster may have",
                        RETRY_AFTER_FLOOD_S,
                    ))
                }
                Output::Renew { csr_pem } => self.renew(&csr_pem).await,
            };
            let brought = brought.unwrap_or_else(|error| self.fault(&error));
            for output in brought.into_iter().rev() {
                waiting.push_front(output);
            }
        }
        Ok(None)
    }

    async fn accepted(&mut self, seq: u64, id: CommandId) -> Result<Vec<Output>, AppError> {
        let store = &self.app.parts().store;
        crash_point!("command.accepted.before");
        store.accept_command(&self.scope, self.epoch(), seq, self.app.now()).await?;
        crash_point!("command.accepted.after");
        if has_flaw!("link.done-once-accepted") {
            return self.done(seq, id, &CommandOutcome::Succeeded).await;
        }
        Ok(Vec::new())
    }

    /// The session now lasts as long as the newer certificate.
    async fn renew(&mut self, csr_pem: &str) -> Result<Vec<Output>, AppError> {
        let (issued, not_after) = self.app.renew_certificate(&self.scope, csr_pem).await?;
        self.expires = deadline(&self.app, not_after);
        Ok(self.core.renewed(issued.chain_pem, issued.roots_pem))
    }

    async fn welcome(&mut self, hello: AgentHello) -> Result<Vec<Output>, AppError> {
        let (parts, now) = (self.app.parts(), self.app.now());
        let opened = parts
            .store
            .open_epoch(&self.scope, &hello.agent_version, &hello.kubernetes_version, now)
            .await?;
        let (epoch, next_seq) = (opened.epoch, opened.last_command_seq + 1);
        // Held from here on, whatever fails below: closing gives it up again.
        self.held = Some(parts.sessions.take(self.scope.cluster(), epoch, now));
        parts.metrics.agents.inc();
        // What the agent remembers beyond that was told by a database that a backup has replaced since: its
        // numbers are given again, so what it calls settled settles nothing here.
        if hello.last_applied >= next_seq {
            warn!(
                organization.id = %self.scope.organization(),
                cluster.id = %self.scope.cluster(),
                last_applied = hello.last_applied,
                next_seq,
                "the agent knows commands that this database does not; it was restored from a backup"
            );
        }
        // Read after the number: a command that comes between the two is in it, and not below it.
        let queue = self.queue().await?;
        info!(
            organization.id = %self.scope.organization(),
            cluster.id = %self.scope.cluster(),
            epoch,
            agent.version = %hello.agent_version,
            "agent connected"
        );
        self.tell_cluster();
        Ok(self.core.welcome(epoch, next_seq, queue, Instant::now()))
    }

    async fn done(
        &mut self,
        seq: u64,
        id: CommandId,
        outcome: &CommandOutcome,
    ) -> Result<Vec<Output>, AppError> {
        let store = &self.app.parts().store;
        crash_point!("report.commit.before");
        let release = store
            .finish_command(&self.scope, self.epoch(), seq, id, outcome, self.app.now())
            .await?;
        crash_point!("report.commit.after");
        self.note_outcome(outcome, release).await;
        if let CommandOutcome::Failed { message } | CommandOutcome::Refused { message } = outcome {
            warn!(
                cluster.id = %self.scope.cluster(),
                organization.id = %self.scope.organization(),
                command.id = %id,
                reason = message,
                "the agent could not do a command"
            );
        }
        if let Some(release) = release {
            self.app.tell(self.scope.organization(), Subject::Release { id: release, app: None });
        }
        Ok(self.core.settled(seq))
    }

    async fn note_outcome(&self, outcome: &CommandOutcome, release: Option<ReleaseId>) {
        let (word, failure) = match outcome {
            CommandOutcome::Succeeded => ("succeeded", None),
            CommandOutcome::Failed { .. } => ("failed", Some("failed")),
            CommandOutcome::Expired => ("expired", Some("expired")),
            CommandOutcome::Refused { .. } => ("refused", Some("refused")),
        };
        let parts = self.app.parts();
        parts.metrics.commands_done.with_label_values(&[word]).inc();
        let Some(release) = release.filter(|_| self.app.is_traced()) else { return };
        // A trace is not worth a failure.
        if let Ok(Some(release)) = parts.store.find_release_for_system(&parts.system, release).await
        {
            let sent = release.committed_at.unwrap_or(release.requested_at);
            self.app.trace_command(&release, (sent, self.app.now()), failure);
        }
    }

    /// All unfinished commands, oldest first.
    async fn queue(&self) -> Result<Vec<Command>, AppError> {
        let pending = self.app.parts().store.pending_commands(&self.scope, 0, QUEUE_READ).await?;
        Ok(pending
            .into_iter()
            .map(|command| Command {
                seq: command.seq,
                id: command.id,
                expires_at: command.expires_at.seconds(),
                body: command.body,
            })
            .collect())
    }

    /// Writes down that the agent is there; a session that another replica fenced ends here.
    async fn keep_alive(&mut self) -> Vec<Output> {
        let Some(held) = &self.held else { return Vec::new() };
        let epoch = held.epoch;
        match self.app.parts().store.touch_cluster(&self.scope, epoch, self.app.now()).await {
            Ok(true) => Vec::new(),
            Ok(false) => self.core.fence(epoch + 1),
            Err(error) => self.fault(&error.into()),
        }
    }

    /// Somewhere within the time in which all agents can come back one after the other.
    fn retry_after_drain(&self) -> u64 {
        let agents = self.app.parts().sessions.count();
        let (least, most) = (*RETRY_AFTER_DRAIN_S.start(), *RETRY_AFTER_DRAIN_S.end());
        let spread = u64::try_from(agents.div_ceil(BACK_PER_SECOND)).unwrap_or(most);
        // Some seconds even for a few, which would otherwise come at the same moment.
        rand::random_range(least..=least.saturating_add(spread.max(3)).min(most))
    }

    fn fault(&mut self, error: &AppError) -> Vec<Output> {
        warn!(
            cluster.id = %self.scope.cluster(),
            organization.id = %self.scope.organization(),
            error = %Chain(error),
            "a link session ends because of a fault here"
        );
        self.core.refuse("the control plane has a fault; come back", RETRY_AFTER_FAULT_S)
    }

    fn epoch(&self) -> u64 {
        self.core.epoch().unwrap_or_default()
    }

    async fn close(&self, end: &LinkEnd) {
        let Some(held) = &self.held else { return };
        let (parts, cluster) = (self.app.parts(), self.scope.cluster());
        parts.metrics.agents.dec();
        parts.metrics.sessions_ended.with_label_values(&[reason_word(end.close_code)]).inc();
        info!(
            cluster.id = %cluster,
            organization.id = %self.scope.organization(),
            epoch = held.epoch,
            reason = end.reason,
            "agent disconnected"
        );
        if parts.sessions.leave(cluster, held.epoch) {
            parts.views.forget(cluster);
        }
        if let Err(error) =
            parts.store.note_disconnected(&self.scope, held.epoch, self.app.now()).await
        {
            warn!(
                cluster.id = %cluster,
                organization.id = %self.scope.organization(),
                error = %Chain(&error),
                "it could not be noted that an agent left"
            );
        }
        self.tell_cluster();
    }

    fn tell_cluster(&self) {
        self.app.tell(self.scope.organization(), Subject::Cluster(self.scope.cluster()));
    }
}

/// The closed set of reasons that sessions are counted by.
fn reason_word(close_code: u16) -> &'static str {
    match close_code {
        1002 => "protocol",
        1008 => "policy",
        1009 => "too_large",
        1012 => "drained",
        1013 => "refused",
        _ => "gone",
    }
}

/// Where a test may kill the process before a frame leaves it.
fn pass_before_sending(frame: &FromServer) {
    match frame {
        FromServer::Command(_) => {
            crash_point!("command.send.before");
        }
        FromServer::Ack { .. } | FromServer::Settled { .. } => {
            crash_point!("ack.before");
        }
        FromServer::Welcome { .. }
        | FromServer::Refuse { .. }
        | FromServer::Resync
        | FromServer::Renewed { .. }
        | FromServer::Drain { .. }
        | FromServer::Ping
        | FromServer::Pong
        | FromServer::Unknown => {}
    }
}

/// The same after it has left.
fn pass_after_sending(frame: &FromServer) {
    match frame {
        FromServer::Command(_) => {
            crash_point!("command.send.after");
        }
        FromServer::Ack { .. } | FromServer::Settled { .. } => {
            crash_point!("ack.after");
        }
        FromServer::Welcome { .. }
        | FromServer::Refuse { .. }
        | FromServer::Resync
        | FromServer::Renewed { .. }
        | FromServer::Drain { .. }
        | FromServer::Ping
        | FromServer::Pong
        | FromServer::Unknown => {}
    }
}

/// A moment of the day as a timer has it.
fn deadline(app: &App, at: Timestamp) -> tokio::time::Instant {
    tokio::time::Instant::now() + at.since(app.now())
}
