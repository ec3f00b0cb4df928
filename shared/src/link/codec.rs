//! Frames to and from their JSON text.

use serde::{Deserialize, Serialize};

use super::{FromAgent, FromServer, MAX_FRAME_BYTES};

/// A message that is no frame of this protocol.
#[derive(Debug, thiserror::Error)]
pub enum BadFrame {
    /// It is longer than a frame may be.
    #[error(
        "a message of {bytes} bytes is longer than the {MAX_FRAME_BYTES} bytes that a frame may have"
    )]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// It is not JSON, or a known frame with a wrong field.
    #[error("a message is not a frame of the agent link")]
    Unreadable {
        /// What the reader stumbled over, with line and column.
        #[source]
        source: serde_json::Error,
    },
}

/// Reads one message. Unknown frames and unknown fields are no errors.
///
/// # Errors
/// [`BadFrame`] if it is too long, or not a frame.
pub fn decode<'message, Frame: Deserialize<'message>>(
    message: &'message [u8],
) -> Result<Frame, BadFrame> {
    if message.len() > MAX_FRAME_BYTES {
        return Err(BadFrame::TooLarge { bytes: message.len() });
    }
    serde_json::from_slice(message).map_err(|source| BadFrame::Unreadable { source })
}

/// The text of a frame, to be sent as one text message.
#[must_use]
pub fn encode(frame: &impl Serialize) -> String {
    serde_json::to_string(frame)
        .expect("frames hold text, numbers and lists only, which JSON can always carry")
}

impl FromAgent {
    /// Its `type` on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Accepted { .. } => "accepted",
            Self::Done { .. } => "done",
            Self::State { .. } => "state",
            Self::Renew { .. } => "renew",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Unknown => "unknown",
        }
    }
}

impl FromServer {
    /// Its `type` on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Welcome { .. } => "welcome",
            Self::Refuse { .. } => "refuse",
            Self::Drain { .. } => "drain",
            Self::Command(_) => "command",
            Self::Ack { .. } => "ack",
            Self::Settled { .. } => "settled",
            Self::Resync => "resync",
            Self::Renewed { .. } => "renewed",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::CommandId, link::CommandBody};

    #[test]
    fn unknown_frames_and_fields_are_read_and_skipped() {
        let frame: FromAgent = decode(br#"{"type":"telemetry","load":[1,2]}"#).unwrap();
        assert_eq!(frame, FromAgent::Unknown);
        let frame: FromAgent = decode(br#"{"type":"accepted","seq":3,"mood":"good"}"#).unwrap();
        assert_eq!(frame, FromAgent::Accepted { seq: 3 });
        let frame: FromServer = decode(br#"{"type":"horoscope"}"#).unwrap();
        assert_eq!(frame, FromServer::Unknown);
    }

    #[test]
    fn a_command_of_a_newer_server_is_still_a_command() {
        let text = format!(
            r#"{{"type":"command","seq":1,"id":"{}","expiresAt":9,"body":{{"kind":"dance","steps":3}}}}"#,
            CommandId::new()
        );
        let FromServer::Command(command) = decode(text.as_bytes()).unwrap() else { panic!() };
        assert_eq!(command.body, CommandBody::Unknown);
    }

    #[test]
    fn an_object_of_a_newer_agent_does_not_spoil_its_report() {
        let text = br#"{"type":"state","seq":1,"snapshot":"whole","gone":[],"observations":[
            {"key":{"kind":"Gateway","namespace":"a","name":"b"},"state":{"type":"hologram","x":1}}]}"#;
        let FromAgent::State { observations, .. } = decode(text).unwrap() else { panic!() };
        assert_eq!(observations[0].state, crate::observed::ObservedState::Unknown);
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        assert!(decode::<FromAgent>(b"").is_err());
        assert!(decode::<FromAgent>(b"\xff\xfe").is_err());
        assert!(decode::<FromAgent>(b"{}").is_err());
        assert!(decode::<FromAgent>(br#"{"type":"accepted","seq":-1}"#).is_err());
        assert!(decode::<FromAgent>("[".repeat(100_000).as_bytes()).is_err());
        let long = vec![b' '; MAX_FRAME_BYTES + 1];
        assert!(matches!(decode::<FromAgent>(&long), Err(BadFrame::TooLarge { .. })));
    }
}
