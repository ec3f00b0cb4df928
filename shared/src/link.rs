//! The agent link: frames between an agent and the control plane, as JSON text messages over a
//! websocket with mutual TLS.
//!
//! Both sides ignore unknown fields and answer unknown frames by skipping them, so that versions N and
//! N−1 talk both ways. A frame is at most [`MAX_FRAME_BYTES`]. Who speaks comes from the client
//! certificate; no frame carries an organization or cluster.
//!
//! [`agent`] and [`server`] are the two sides as state machines without transport: frames and the time
//! go in, frames and decisions come out.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{BootId, CommandId},
    observed::{ObjectKey, Observation},
};

pub mod agent;
mod codec;
mod keepalive;
pub mod server;
#[cfg(test)]
mod wire_tests;

pub use codec::{BadFrame, decode, encode};

/// The protocol versions that this build speaks, oldest and newest.
pub const PROTOCOL: ProtocolRange = ProtocolRange { min: 1, max: 1 };

/// A frame above this is refused and ends the session: one report of a full window stays below it.
pub const MAX_FRAME_BYTES: usize = 256 * 1024;

/// A message, which may span frames, above this ends the session.
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// Commands that may be on their way without being accepted.
pub const COMMAND_WINDOW: usize = 64;

/// Seconds between pings, before ±20 % of jitter.
pub const PING_SECONDS: u64 = 15;

/// Seconds of silence after which either side takes the link for dead.
pub const DEAD_AFTER_SECONDS: u64 = 45;

/// One moment by two clocks. Timers go by the first, deadlines that another machine gave by the second.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Never goes back.
    pub monotonic: Instant,
    /// Unix seconds.
    pub unix: i64,
}

/// Oldest and newest protocol version of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolRange {
    /// Oldest.
    pub min: u16,
    /// Newest.
    pub max: u16,
}

impl ProtocolRange {
    /// The newest version that both sides speak.
    #[must_use]
    pub fn common(self, other: Self) -> Option<u16> {
        let version = self.max.min(other.max);
        (version >= self.min.max(other.min)).then_some(version)
    }
}

/// What an agent sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum FromAgent {
    /// Opens a session; the first frame, once.
    Hello {
        /// Versions that the agent speaks.
        protocol: ProtocolRange,
        /// This run of the agent's process.
        boot_id: BootId,
        /// Newest command sequence up to which everything was applied; survives the agent in its cursor.
        last_applied: u64,
        /// The agent's own version.
        agent_version: String,
        /// The API server's version.
        kubernetes_version: String,
    },
    /// The command with this sequence is in the agent's hands: it need not be sent again in this session.
    /// A later session gets it again until it is done, so an agent that dies loses nothing.
    Accepted {
        /// Its sequence.
        seq: u64,
    },
    /// The command with this sequence has ended.
    Done {
        /// Its sequence.
        seq: u64,
        /// Its id.
        command_id: CommandId,
        /// How it ended.
        outcome: CommandOutcome,
    },
    /// Objects that changed; the newest per key counts.
    State {
        /// Number of this report within the boot, from 1, without gaps.
        seq: u64,
        /// True: everything not in this report (and its continuation) is gone. The first report of a
        /// session is a snapshot, perhaps over several frames.
        snapshot: SnapshotPart,
        /// New or changed objects.
        observations: Vec<Observation>,
        /// Objects that are gone.
        gone: Vec<ObjectKey>,
    },
    /// Asks for a new certificate for a key made on the cluster.
    Renew {
        /// PKCS#10 request in PEM.
        csr_pem: String,
    },
    /// Keeps the link alive; answered by `Pong`.
    Ping,
    /// Answers `Ping`.
    Pong,
    /// A frame of a newer agent.
    #[serde(other)]
    Unknown,
}

/// Where a state report stands in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SnapshotPart {
    /// First part: what was known before is old, but stays until `Last` replaces it.
    First,
    /// A further part.
    More,
    /// Last part: what the parts did not name is gone.
    Last,
    /// First and last in one.
    Whole,
    /// Changes on top of the snapshot.
    Delta,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum CommandOutcome {
    /// Its effect is there.
    Succeeded,
    /// It was tried, and this is why it did not work.
    Failed {
        /// One sentence.
        message: String,
    },
    /// Its time had passed before it was tried.
    Expired,
    /// The agent does not know it, or the owner's policy forbids it.
    Refused {
        /// One sentence.
        message: String,
    },
}

/// What the control plane sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum FromServer {
    /// Answers `Hello`: the session stands.
    Welcome {
        /// Protocol version to speak.
        protocol: u16,
        /// Number of this session; the newest one fences older ones.
        epoch: u64,
        /// Commands are resent from this sequence on; those below it are settled.
        resume_from: u64,
    },
    /// Ends the session: the agent must not stay.
    Refuse {
        /// One sentence.
        reason: String,
        /// Seconds to wait before the next try.
        retry_after: u64,
    },
    /// The server goes away; come back after this many seconds.
    Drain {
        /// Seconds.
        retry_after: u64,
    },
    /// A command. Each session sends it again until it is done.
    Command(Command),
    /// State reports up to this sequence of this boot are kept; they need not be sent again.
    Ack {
        /// The boot they belong to.
        boot_id: BootId,
        /// Newest sequence.
        seq: u64,
    },
    /// The outcomes of all commands below this sequence are kept for good; the agent forgets them.
    Settled {
        /// The lowest sequence that is not settled.
        below: u64,
    },
    /// The server has no use for what it knows of the state: send a snapshot.
    Resync,
    /// Answers `Renew`.
    Renewed {
        /// Leaf first, then issuers, in PEM.
        chain_pem: String,
        /// Roots to trust from now on, in PEM.
        roots_pem: String,
    },
    /// Keeps the link alive; answered by `Pong`.
    Ping,
    /// Answers `Ping`.
    Pong,
    /// A frame of a newer server.
    #[serde(other)]
    Unknown,
}

/// One command to an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Command {
    /// Per cluster, from 1, without gaps.
    pub seq: u64,
    /// The deterministic key of its effect.
    pub id: CommandId,
    /// Unix seconds after which it must not start any more.
    pub expires_at: i64,
    /// What to do.
    pub body: CommandBody,
}

/// The closed list of what an agent does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum CommandBody {
    /// Ask Flux to reconcile one of its objects now: the annotation `reconcile.fluxcd.io/requestedAt`
    /// gets the command's id.
    Reconcile {
        /// A Flux object.
        object: ObjectKey,
    },
    /// A command of a newer server: refused with a sentence.
    #[serde(other)]
    Unknown,
}
