//! The agent's side of the link, without transport.
//!
//! One [`AgentSession`] lives as long as the agent; connections come and go below it. It owns the book of
//! commands and the picture of the cluster. It does not connect, store or run anything: it says what is to
//! be done, as [`Output`]s, and is told how that went.
//!
//! The order that makes effects happen once: a command runs; its outcome is noted in the cursor; the
//! cursor is stored; only then does the server hear that the command is done.

use std::time::{Duration, Instant};

mod interner;
mod journal;
mod known;
mod reports;

pub use journal::{Cursor, Finished};

use super::{
    BadFrame, Command, CommandOutcome, DEAD_AFTER_SECONDS, FromAgent, FromServer, Now, PROTOCOL,
    decode,
    keepalive::{Beat, Keepalive},
};
use crate::{
    ids::{BootId, CommandId},
    observed::{ObjectKey, Observation},
};
use journal::{Journal, Tell};
use reports::Reports;

/// The longest time that a server can send an agent away for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// What an agent says of itself.
#[derive(Clone, Debug)]
pub struct AgentIdentity {
    /// This run of the process.
    pub boot_id: BootId,
    /// Its version.
    pub agent_version: String,
    /// The API server's version.
    pub kubernetes_version: String,
}

/// What the caller has to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send this frame.
    Send(FromAgent),
    /// The session stands.
    Welcomed {
        /// Its number.
        epoch: u64,
    },
    /// Start this command, beside others, and tell [`AgentSession::finished`] how it ended.
    Run(Command),
    /// Store this cursor in place of the one before, then call [`AgentSession::saved`]. The next one comes
    /// only after that.
    Save(Cursor),
    /// The answer to [`AgentSession::renew`].
    Renewed {
        /// Leaf first, then issuers, in PEM.
        chain_pem: String,
        /// Roots to trust from now on, in PEM.
        roots_pem: String,
    },
    /// Close the connection. The session is already apart.
    End(SessionEnd),
}

/// Why a session ended from the agent's side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionEnd {
    /// The server does not want this agent now.
    #[error("the server refused the session: {reason}")]
    Refused {
        /// The server's sentence.
        reason: String,
        /// How long to stay away, at most an hour.
        retry_after: Duration,
    },
    /// The server goes away.
    #[error("the server is going away")]
    Draining {
        /// How long to stay away, at most an hour.
        retry_after: Duration,
    },
    /// No welcome came.
    #[error("the server did not answer the greeting within {DEAD_AFTER_SECONDS} seconds")]
    NotWelcomed,
    /// Nothing was heard for too long.
    #[error("the server was silent for {DEAD_AFTER_SECONDS} seconds")]
    Silent,
    /// A message could not be read.
    #[error("the server sent a message that cannot be read: {reason}")]
    BadFrame {
        /// What is wrong with it.
        reason: String,
    },
    /// A frame came where it must not.
    #[error("the server sent `{frame}` where it has no place")]
    OutOfPlace {
        /// Its type.
        frame: &'static str,
    },
    /// The welcome names a protocol version that this agent does not speak.
    #[error("the server speaks protocol {version}, this agent {} to {}", PROTOCOL.min, PROTOCOL.max)]
    Protocol {
        /// What the server chose.
        version: u16,
    },
    /// More commands came than the window allows.
    #[error("the server sent more commands than its window allows")]
    TooManyCommands,
}

/// The agent's side of the link. See the [module](self).
#[derive(Debug)]
pub struct AgentSession {
    identity: AgentIdentity,
    journal: Journal,
    reports: Reports,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// No connection.
    Apart,
    /// `Hello` is out.
    Greeted { until: Instant },
    /// The session stands.
    Welcomed { epoch: u64, keepalive: Box<Keepalive> },
}

impl AgentSession {
    /// A session that is apart and knows nothing of its cluster yet. `cursor` is the stored one.
    #[must_use]
    pub fn new(identity: AgentIdentity, cursor: Cursor) -> Self {
        let journal = Journal::new(cursor);
        Self { identity, journal, reports: Reports::default(), phase: Phase::Apart }
    }

    /// Goes on from a cursor that was read anew, because another replica may have moved it. Commands that
    /// still run are forgotten; the session must be apart.
    pub fn resume(&mut self, cursor: Cursor) {
        self.disconnect();
        self.journal = Journal::new(cursor);
    }

    /// The number of the session that stands, if one does.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        match self.phase {
            Phase::Welcomed { epoch, .. } => Some(epoch),
            Phase::Apart | Phase::Greeted { .. } => None,
        }
    }

    /// A connection is open: greets.
    pub fn connect(&mut self, now: Now) -> Vec<Output> {
        self.disconnect();
        let until = now.monotonic + Duration::from_secs(DEAD_AFTER_SECONDS);
        self.phase = Phase::Greeted { until };
        let AgentIdentity { boot_id, agent_version, kubernetes_version } = self.identity.clone();
        vec![Output::Send(FromAgent::Hello {
            protocol: PROTOCOL,
            boot_id,
            last_applied: self.journal.last_applied(),
            agent_version,
            kubernetes_version,
        })]
    }

    /// The connection is gone. Running commands go on.
    pub fn disconnect(&mut self) {
        self.phase = Phase::Apart;
        self.journal.close();
        self.reports.close();
    }

    /// Takes one message from the server.
    pub fn receive(&mut self, message: &[u8], now: Now) -> Vec<Output> {
        match decode(message) {
            Ok(frame) => self.handle(frame, now),
            Err(error) => self.end(SessionEnd::BadFrame { reason: describe(&error) }),
        }
    }

    /// Takes one frame from the server. When apart, nothing happens.
    pub fn handle(&mut self, frame: FromServer, now: Now) -> Vec<Output> {
        match &mut self.phase {
            Phase::Apart => Vec::new(),
            Phase::Greeted { .. } => self.handle_greeted(frame, now),
            Phase::Welcomed { keepalive, .. } => {
                keepalive.heard(now.monotonic);
                self.handle_welcomed(frame, now)
            }
        }
    }

    /// Looks at the timers. To be called at [`AgentSession::next_tick`]; more often does no harm.
    pub fn tick(&mut self, now: Now) -> Vec<Output> {
        match &mut self.phase {
            Phase::Apart => Vec::new(),
            Phase::Greeted { until } if now.monotonic >= *until => {
                self.end(SessionEnd::NotWelcomed)
            }
            Phase::Greeted { .. } => Vec::new(),
            Phase::Welcomed { keepalive, .. } => match keepalive.beat(now.monotonic) {
                Beat::Dead => self.end(SessionEnd::Silent),
                Beat::Ping => {
                    let mut out = vec![Output::Send(FromAgent::Ping)];
                    out.extend(self.pump(now));
                    out
                }
                Beat::Quiet => self.pump(now),
            },
        }
    }

    /// When [`AgentSession::tick`] has something to do next; `None` when apart.
    #[must_use]
    pub fn next_tick(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Apart => None,
            Phase::Greeted { until } => Some(*until),
            Phase::Welcomed { keepalive, .. } => {
                Some(self.reports.due().map_or(keepalive.next(), |due| due.min(keepalive.next())))
            }
        }
    }

    /// Notes the newest state of an object. It goes up with a later tick.
    pub fn observe(&mut self, observation: Observation, now: Now) {
        self.reports.observe(observation, now.monotonic);
    }

    /// Notes that an object is gone. That goes up with a later tick.
    pub fn forget(&mut self, key: &ObjectKey, now: Now) {
        self.reports.forget(key, now.monotonic);
    }

    /// A list of all objects of a kind begins: each that is there is observed again.
    pub fn begin_list(&mut self, kind: &str) {
        self.reports.begin_list(kind);
    }

    /// That list is complete: what was not observed since it began is gone.
    pub fn end_list(&mut self, kind: &str, now: Now) {
        self.reports.end_list(kind, now.monotonic);
    }

    /// The first look at the cluster is complete. Before that no snapshot goes up, as it would call gone
    /// what was only not seen yet.
    pub fn synced(&mut self, now: Now) -> Vec<Output> {
        self.reports.mark_synced();
        self.pump(now)
    }

    /// A command of [`Output::Run`] has ended.
    pub fn finished(
        &mut self,
        seq: u64,
        id: CommandId,
        outcome: CommandOutcome,
        now: Now,
    ) -> Vec<Output> {
        self.journal.finish(seq, id, outcome, now.unix)
    }

    /// The cursor of the last [`Output::Save`] is stored.
    pub fn saved(&mut self) -> Vec<Output> {
        let tell = if self.epoch().is_some() { Tell::Server } else { Tell::Nobody };
        self.journal.saved(tell)
    }

    /// Asks for a new certificate, if a session stands.
    pub fn renew(&mut self, csr_pem: String) -> Vec<Output> {
        match self.phase {
            Phase::Welcomed { .. } => vec![Output::Send(FromAgent::Renew { csr_pem })],
            Phase::Apart | Phase::Greeted { .. } => Vec::new(),
        }
    }

    fn handle_greeted(&mut self, frame: FromServer, now: Now) -> Vec<Output> {
        match frame {
            FromServer::Welcome { protocol, epoch, resume_from } => {
                self.welcome(protocol, epoch, resume_from, now)
            }
            FromServer::Refuse { reason, retry_after } => self.refused(reason, retry_after),
            FromServer::Drain { retry_after } => self.draining(retry_after),
            FromServer::Unknown => Vec::new(),
            FromServer::Command(_)
            | FromServer::Ack { .. }
            | FromServer::Settled { .. }
            | FromServer::Resync
            | FromServer::Renewed { .. }
            | FromServer::Ping
            | FromServer::Pong => self.out_of_place(&frame),
        }
    }

    fn handle_welcomed(&mut self, frame: FromServer, now: Now) -> Vec<Output> {
        match frame {
            FromServer::Command(command) => match self.journal.receive(command, now.unix) {
                Ok(out) => out,
                Err(journal::TooMany) => self.end(SessionEnd::TooManyCommands),
            },
            FromServer::Ack { boot_id, seq } => {
                if boot_id == self.identity.boot_id {
                    self.reports.acknowledge(seq);
                }
                self.pump(now)
            }
            FromServer::Settled { below } => {
                self.journal.settle(below);
                Vec::new()
            }
            FromServer::Resync => {
                self.reports.resync();
                self.pump(now)
            }
            FromServer::Renewed { chain_pem, roots_pem } => {
                vec![Output::Renewed { chain_pem, roots_pem }]
            }
            FromServer::Ping => vec![Output::Send(FromAgent::Pong)],
            FromServer::Pong | FromServer::Unknown => Vec::new(),
            FromServer::Refuse { reason, retry_after } => self.refused(reason, retry_after),
            FromServer::Drain { retry_after } => self.draining(retry_after),
            FromServer::Welcome { .. } => self.out_of_place(&frame),
        }
    }

    fn welcome(&mut self, protocol: u16, epoch: u64, resume_from: u64, now: Now) -> Vec<Output> {
        if protocol < PROTOCOL.min || protocol > PROTOCOL.max {
            return self.end(SessionEnd::Protocol { version: protocol });
        }
        let keepalive = Box::new(Keepalive::new(self.identity.boot_id, now.monotonic));
        self.phase = Phase::Welcomed { epoch, keepalive };
        self.reports.open();
        let mut out = vec![Output::Welcomed { epoch }];
        out.extend(self.journal.open(resume_from));
        out.extend(self.pump(now));
        out
    }

    fn pump(&mut self, now: Now) -> Vec<Output> {
        self.reports.pump(now.monotonic).into_iter().map(Output::Send).collect()
    }

    fn refused(&mut self, reason: String, retry_after: u64) -> Vec<Output> {
        let reason = reason.chars().filter(|c| !c.is_control()).take(500).collect();
        self.end(SessionEnd::Refused { reason, retry_after: bounded(retry_after) })
    }

    fn draining(&mut self, retry_after: u64) -> Vec<Output> {
        self.end(SessionEnd::Draining { retry_after: bounded(retry_after) })
    }

    fn out_of_place(&mut self, frame: &FromServer) -> Vec<Output> {
        self.end(SessionEnd::OutOfPlace { frame: frame.name() })
    }

    fn end(&mut self, end: SessionEnd) -> Vec<Output> {
        self.disconnect();
        vec![Output::End(end)]
    }
}

fn bounded(retry_after: u64) -> Duration {
    Duration::from_secs(retry_after).min(LONGEST_RETRY_AFTER)
}

fn describe(error: &BadFrame) -> String {
    crate::error_chain::Chain(error).to_string()
}

#[cfg(test)]
#[path = "agent/tests.rs"]
mod tests;
