//! The control plane's side of one session, without transport and without database.
//!
//! A [`ServerSession`] is made for a connection whose client certificate was checked, and dies with it.
//! Messages and the time go in; [`Output`]s come out, to be done in their order. What the caller knows
//! better — the session's number, the queue of commands, what is committed — it tells by a method:
//!
//! - [`Output::Hello`] → [`ServerSession::welcome`] or [`ServerSession::refuse`];
//! - a command was made → [`ServerSession::offer`];
//! - [`Output::Done`] was committed, or a command withdrawn → [`ServerSession::settled`];
//! - a newer session of the same cluster began → [`ServerSession::fence`].

use std::time::{Duration, Instant};

mod assembly;
mod dispatch;
mod output;

pub use output::{AgentHello, Output, SessionEnd};

use super::{
    Command, FromAgent, FromServer, PROTOCOL, decode,
    keepalive::{Beat, Keepalive},
};
use crate::{error_chain::Chain, ids::BootId};
use assembly::{Assembled, Assembly, Report};
use dispatch::Dispatch;
use output::HELLO_SECONDS;

/// Seconds between a drain and the end of its session, if the agent does not leave by itself.
const DRAIN_SECONDS: u64 = 20;

/// Seconds that an agent of a foreign protocol stays away: only an upgrade helps.
const PROTOCOL_RETRY_SECONDS: u64 = 300;

/// Seconds that a fenced agent stays away: by then its cluster has settled on one leader.
const FENCED_RETRY_SECONDS: u64 = 30;

/// Characters of a version text that are kept.
const VERSION_CHARACTERS: usize = 64;

/// The control plane's side of one session. See the [module](self).
#[derive(Debug)]
pub struct ServerSession {
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// The connection is new.
    Connected { until: Instant },
    /// The agent greeted; the caller decides. Its next frames can only come after the welcome.
    Greeted { boot_id: BootId, protocol: u16 },
    /// The session stands.
    Standing(Box<Standing>),
    /// It is over.
    Ended,
}

#[derive(Debug)]
struct Standing {
    boot_id: BootId,
    epoch: u64,
    keepalive: Keepalive,
    dispatch: Dispatch,
    assembly: Assembly,
    /// Set by a drain: no more commands, and an end.
    drained_at: Option<Instant>,
}

impl ServerSession {
    /// A session for a connection that was opened `now`.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { phase: Phase::Connected { until: now + Duration::from_secs(HELLO_SECONDS) } }
    }

    /// The session's number, once it is welcomed and until it has ended.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        match &self.phase {
            Phase::Standing(standing) => Some(standing.epoch),
            Phase::Connected { .. } | Phase::Greeted { .. } | Phase::Ended => None,
        }
    }

    /// Takes one text or binary message from the agent.
    pub fn receive(&mut self, message: &[u8], now: Instant) -> Vec<Output> {
        match decode(message) {
            Ok(frame) => self.take(frame, message.len(), now),
            Err(error) => self.end(SessionEnd::BadFrame { reason: Chain(&error).to_string() }),
        }
    }

    /// Takes one frame that was read already. Its size does not count against the agent.
    pub fn handle(&mut self, frame: FromAgent, now: Instant) -> Vec<Output> {
        self.take(frame, 0, now)
    }

    /// Looks at the timers. To be called at [`ServerSession::next_tick`]; more often does no harm.
    pub fn tick(&mut self, now: Instant) -> Vec<Output> {
        match &mut self.phase {
            Phase::Connected { until } if now >= *until => self.end(SessionEnd::NoHello),
            Phase::Connected { .. } | Phase::Greeted { .. } | Phase::Ended => Vec::new(),
            Phase::Standing(standing) => {
                if standing.drained_at.is_some_and(|at| now >= at) {
                    return self.end(SessionEnd::Drained);
                }
                match standing.keepalive.beat(now) {
                    Beat::Quiet => Vec::new(),
                    Beat::Ping => vec![Output::Send(FromServer::Ping)],
                    Beat::Dead => self.end(SessionEnd::Silent),
                }
            }
        }
    }

    /// When [`ServerSession::tick`] has something to do next; `None` while the caller decides, and after
    /// the end.
    #[must_use]
    pub fn next_tick(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Connected { until } => Some(*until),
            Phase::Greeted { .. } | Phase::Ended => None,
            Phase::Standing(standing) => {
                let beat = standing.keepalive.next();
                Some(standing.drained_at.map_or(beat, |at| at.min(beat)))
            }
        }
    }

    /// Answers [`Output::Hello`]: the session is number `epoch`, and newer than all before.
    ///
    /// `queue` holds the cluster's unfinished commands, all of them or the first ones by sequence, also
    /// those that were sent or accepted before; `next_seq` is the sequence that the next command will get.
    pub fn welcome(
        &mut self,
        epoch: u64,
        next_seq: u64,
        queue: Vec<Command>,
        now: Instant,
    ) -> Vec<Output> {
        let Phase::Greeted { boot_id, protocol } = self.phase else { return Vec::new() };
        let mut dispatch = Dispatch::new(next_seq, queue);
        let resume_from = dispatch.settled_below();
        let mut out = vec![Output::Send(FromServer::Welcome { protocol, epoch, resume_from })];
        out.extend(dispatch.send());
        self.phase = Phase::Standing(Box::new(Standing {
            boot_id,
            epoch,
            keepalive: Keepalive::new(boot_id, now),
            dispatch,
            assembly: Assembly::default(),
            drained_at: None,
        }));
        out
    }

    /// Ends the session with a sentence for the agent, which stays away for `retry_after` seconds.
    pub fn refuse(&mut self, reason: impl Into<String>, retry_after: u64) -> Vec<Output> {
        let reason = reason.into();
        self.part(SessionEnd::Refused { reason: reason.clone() }, reason, retry_after)
    }

    /// Takes in commands that are unfinished; those already known are passed over, so the whole queue can
    /// be given again after every wake-up.
    pub fn offer(&mut self, queue: Vec<Command>) -> Vec<Output> {
        let Some(standing) = self.standing() else { return Vec::new() };
        standing.dispatch.add(queue);
        standing.send()
    }

    /// The outcome of this command is committed, or the command was withdrawn: it will not be sent again.
    pub fn settled(&mut self, seq: u64) -> Vec<Output> {
        let Some(standing) = self.standing() else { return Vec::new() };
        let mut out = Vec::from_iter(standing.dispatch.settle(seq));
        out.extend(standing.send());
        out
    }

    /// Tells the newest session number of the cluster. If this session is older, it ends.
    pub fn fence(&mut self, newest: u64) -> Vec<Output> {
        if self.epoch().is_none_or(|epoch| epoch >= newest) {
            return Vec::new();
        }
        let reason = "another agent of this cluster has connected since".to_owned();
        self.part(SessionEnd::Fenced { newest }, reason, FENCED_RETRY_SECONDS)
    }

    /// Sends the agent away for `retry_after` seconds, without new commands. What it still has to say is
    /// taken for 20 seconds; then the session ends.
    pub fn drain(&mut self, retry_after: u64, now: Instant) -> Vec<Output> {
        match &mut self.phase {
            Phase::Standing(standing) if standing.drained_at.is_none() => {
                standing.drained_at = Some(now + Duration::from_secs(DRAIN_SECONDS));
                vec![Output::Send(FromServer::Drain { retry_after })]
            }
            Phase::Standing(_) | Phase::Ended => Vec::new(),
            Phase::Connected { .. } | Phase::Greeted { .. } => {
                self.phase = Phase::Ended;
                vec![
                    Output::Send(FromServer::Drain { retry_after }),
                    Output::End(SessionEnd::Drained),
                ]
            }
        }
    }

    /// Asks for a snapshot, because the picture that was kept is lost.
    pub fn resync(&mut self) -> Vec<Output> {
        self.standing().map(|_| Output::Send(FromServer::Resync)).into_iter().collect()
    }

    /// Answers [`Output::Renew`].
    pub fn renewed(&mut self, chain_pem: String, roots_pem: String) -> Vec<Output> {
        let frame = FromServer::Renewed { chain_pem, roots_pem };
        self.standing().map(|_| Output::Send(frame)).into_iter().collect()
    }

    fn take(&mut self, frame: FromAgent, bytes: usize, now: Instant) -> Vec<Output> {
        match &mut self.phase {
            Phase::Connected { .. } => self.greet(frame),
            Phase::Greeted { .. } => self.out_of_place(&frame),
            Phase::Standing(standing) => {
                standing.keepalive.heard(now);
                standing.take(frame, bytes).unwrap_or_else(|end| self.end(end))
            }
            Phase::Ended => Vec::new(),
        }
    }

    fn greet(&mut self, frame: FromAgent) -> Vec<Output> {
        let FromAgent::Hello {
            protocol: agent,
            boot_id,
            last_applied,
            agent_version,
            kubernetes_version,
        } = frame
        else {
            return self.out_of_place(&frame);
        };
        let Some(protocol) = PROTOCOL.common(agent) else {
            let end = SessionEnd::Protocol { agent };
            return self.part(end.clone(), end.to_string(), PROTOCOL_RETRY_SECONDS);
        };
        self.phase = Phase::Greeted { boot_id, protocol };
        vec![Output::Hello(AgentHello {
            boot_id,
            protocol,
            last_applied,
            agent_version: version(&agent_version),
            kubernetes_version: version(&kubernetes_version),
        })]
    }

    fn standing(&mut self) -> Option<&mut Standing> {
        match &mut self.phase {
            Phase::Standing(standing) => Some(standing),
            Phase::Connected { .. } | Phase::Greeted { .. } | Phase::Ended => None,
        }
    }

    fn out_of_place(&mut self, frame: &FromAgent) -> Vec<Output> {
        self.end(SessionEnd::OutOfPlace { frame: frame.name() })
    }

    /// Ends with a last word to the agent.
    fn part(&mut self, end: SessionEnd, reason: String, retry_after: u64) -> Vec<Output> {
        if matches!(self.phase, Phase::Ended) {
            return Vec::new();
        }
        let mut out = vec![Output::Send(FromServer::Refuse { reason, retry_after })];
        out.extend(self.end(end));
        out
    }

    fn end(&mut self, end: SessionEnd) -> Vec<Output> {
        if matches!(self.phase, Phase::Ended) {
            return Vec::new();
        }
        self.phase = Phase::Ended;
        vec![Output::End(end)]
    }
}

impl Standing {
    fn take(&mut self, frame: FromAgent, bytes: usize) -> Result<Vec<Output>, SessionEnd> {
        match frame {
            FromAgent::Accepted { seq } => {
                let mut out = Vec::from_iter(self.dispatch.accept(seq));
                out.extend(self.send());
                Ok(out)
            }
            FromAgent::Done { seq, command_id, outcome } => {
                let mut out = self.dispatch.end(seq, command_id, outcome);
                out.extend(self.send());
                Ok(out)
            }
            FromAgent::State { seq, snapshot, observations, gone } => {
                let report = Report { seq, part: snapshot, observations, gone, bytes };
                let assembled = self.assembly.add(report)?;
                Ok(self.report(seq, assembled))
            }
            FromAgent::Renew { csr_pem } => Ok(vec![Output::Renew { csr_pem }]),
            FromAgent::Ping => Ok(vec![Output::Send(FromServer::Pong)]),
            FromAgent::Pong | FromAgent::Unknown => Ok(Vec::new()),
            FromAgent::Hello { .. } => Err(SessionEnd::OutOfPlace { frame: frame.name() }),
        }
    }

    fn report(&self, seq: u64, assembled: Assembled) -> Vec<Output> {
        let ack = Output::Send(FromServer::Ack { boot_id: self.boot_id, seq });
        match assembled {
            Assembled::Part => vec![ack],
            Assembled::Snapshot(observations) => vec![Output::Snapshot { observations }, ack],
            Assembled::Delta { observations, gone } => {
                vec![Output::Delta { observations, gone }, ack]
            }
        }
    }

    fn send(&mut self) -> Vec<Output> {
        if self.drained_at.is_some() { Vec::new() } else { self.dispatch.send() }
    }
}

fn version(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(VERSION_CHARACTERS).collect()
}

#[cfg(test)]
#[path = "server/tests.rs"]
mod tests;
