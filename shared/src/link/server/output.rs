//! What a session asks of its caller, and why it ends.

use crate::{
    ids::{BootId, CommandId},
    link::{CommandOutcome, DEAD_AFTER_SECONDS, FromServer, PROTOCOL, ProtocolRange},
    observed::{ObjectKey, Observation},
};

/// Seconds that an agent has for its first frame.
pub(super) const HELLO_SECONDS: u64 = 10;

/// What the caller has to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send this frame, [encoded](crate::link::encode) as one text message.
    Send(FromServer),
    /// The agent has greeted. Give the session its number, then call [`ServerSession::welcome`](super::ServerSession::welcome).
    Hello(AgentHello),
    /// The agent has this command in its hands. Comes once per command and session, and before `Done`.
    Accepted {
        /// Its sequence.
        seq: u64,
        /// Its id.
        command_id: CommandId,
    },
    /// A command ended. Commit that, then call [`ServerSession::settled`](super::ServerSession::settled). Comes once per session.
    Done {
        /// Its sequence.
        seq: u64,
        /// Its id.
        command_id: CommandId,
        /// How it ended.
        outcome: CommandOutcome,
    },
    /// The whole picture of the cluster: what it does not name is gone. Its acknowledgement follows.
    Snapshot {
        /// Everything there is.
        observations: Vec<Observation>,
    },
    /// Changes on the picture. Their acknowledgement follows.
    Delta {
        /// New or changed.
        observations: Vec<Observation>,
        /// No longer there.
        gone: Vec<ObjectKey>,
    },
    /// The agent asks for a new certificate; answer with [`ServerSession::renewed`](super::ServerSession::renewed).
    Renew {
        /// PKCS#10 request in PEM. Only its public key counts.
        csr_pem: String,
    },
    /// Close the connection, with [`SessionEnd::close_code`]. Nothing comes after it.
    End(SessionEnd),
}

/// What an agent said of itself. Its texts are cut to 64 printable characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentHello {
    /// The run of its process.
    pub boot_id: BootId,
    /// Protocol version that both sides speak.
    pub protocol: u16,
    /// Newest command sequence up to which it applied everything; informative.
    pub last_applied: u64,
    /// Its version.
    pub agent_version: String,
    /// The API server's version.
    pub kubernetes_version: String,
}

/// Why a session ended from the control plane's side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionEnd {
    /// A message could not be read.
    #[error("the agent sent a message that cannot be read: {reason}")]
    BadFrame {
        /// What is wrong with it.
        reason: String,
    },
    /// A frame came where it must not.
    #[error("the agent sent `{frame}` where it has no place")]
    OutOfPlace {
        /// Its type.
        frame: &'static str,
    },
    /// A state report does not follow on the one before.
    #[error("state report {seq} does not follow on the one before")]
    ReportOutOfOrder {
        /// Its number.
        seq: u64,
    },
    /// A snapshot is larger than a cluster can be.
    #[error("the agent's snapshot is too large")]
    SnapshotTooLarge,
    /// No hello came.
    #[error("the agent did not greet within {HELLO_SECONDS} seconds")]
    NoHello,
    /// Nothing was heard for too long.
    #[error("the agent was silent for {DEAD_AFTER_SECONDS} seconds")]
    Silent,
    /// A newer session of this cluster stands.
    #[error("session {newest} of this cluster is newer")]
    Fenced {
        /// Its number.
        newest: u64,
    },
    /// No protocol version is common.
    #[error(
        "the agent speaks protocol {} to {}, this server {} to {}",
        agent.min, agent.max, PROTOCOL.min, PROTOCOL.max
    )]
    Protocol {
        /// What the agent speaks.
        agent: ProtocolRange,
    },
    /// The caller refused the agent.
    #[error("the agent was refused: {reason}")]
    Refused {
        /// The sentence that it was told.
        reason: String,
    },
    /// The control plane goes away.
    #[error("the session was drained")]
    Drained,
}

impl SessionEnd {
    /// The websocket close code that tells a reader of the wire what happened (RFC 6455, section 7.4, and
    /// the registry it founded).
    #[must_use]
    pub fn close_code(&self) -> u16 {
        match self {
            Self::BadFrame { .. } | Self::OutOfPlace { .. } | Self::ReportOutOfOrder { .. } => 1002,
            Self::SnapshotTooLarge => 1009,
            Self::NoHello | Self::Silent | Self::Fenced { .. } | Self::Protocol { .. } => 1008,
            Self::Refused { .. } => 1013,
            Self::Drained => 1012,
        }
    }
}
