//! The websocket: small buffers, one frame of ours per message, writes that cannot hang.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use gimlet_shared::link::{FromAgent, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, encode};
use rustls::ClientConfig;
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error, Message, protocol::WebSocketConfig},
};

use crate::dial::{DialError, Dialer, Stream};

/// The path of the link on the agent port.
const PATH: &str = "/agent/link";

/// The library's defaults (128 KiB to read, no bound to write) are for few large connections.
const READ_BUFFER: usize = 4 * 1024;

/// Collected before it is written to the stream.
const WRITE_BUFFER: usize = 16 * 1024;

/// What may wait to be written; more is an error.
const MAX_WRITE_BUFFER: usize = 1024 * 1024;

/// How long a write, and the answer to the upgrade, may take.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
const UPGRADE_PATIENCE: Duration = Duration::from_secs(45);

/// Why a socket could not be opened or is of no use any more.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// No way to the control plane.
    #[error("there is no way to the control plane")]
    Dial {
        /// Why.
        source: DialError,
    },
    /// It does not take this agent.
    #[error(
        "the control plane does not accept this agent's certificate (HTTP 401); if the cluster was removed there, connect it again and run the install command that it shows"
    )]
    Unauthorized,
    /// It does not speak websocket with us.
    #[error("the control plane did not open the link")]
    Upgrade {
        /// Why.
        source: Box<Error>,
    },
    /// It broke.
    #[error("the connection broke")]
    Broken {
        /// Why.
        source: Box<Error>,
    },
    /// The other side closed it.
    #[error("the control plane closed the connection ({code}{reason})")]
    Closed {
        /// The close code, 1005 if there was none.
        code: u16,
        /// The reason that was given, after a space.
        reason: String,
    },
    /// Nothing could be written for ten seconds.
    #[error("the connection takes nothing any more")]
    Stuck,
}

/// An open websocket to the control plane.
pub(super) struct Socket {
    inner: WebSocketStream<Stream>,
}

impl Socket {
    pub(super) async fn open(
        dialer: Arc<Dialer>,
        config: Arc<ClientConfig>,
    ) -> Result<Self, SocketError> {
        let stream = dialer.dial(config).await.map_err(|source| SocketError::Dial { source })?;
        let limits = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(MAX_WRITE_BUFFER)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_FRAME_BYTES));
        let url = format!("wss://{}{PATH}", dialer.target());
        let upgrade = client_async_with_config(url, stream, Some(limits));
        match timeout(UPGRADE_PATIENCE, upgrade).await {
            Ok(Ok((inner, _))) => Ok(Self { inner }),
            Ok(Err(Error::Http(response))) if response.status().as_u16() == 401 => {
                Err(SocketError::Unauthorized)
            }
            Ok(Err(source)) => Err(SocketError::Upgrade { source: source.into() }),
            Err(_) => Err(SocketError::Stuck),
        }
    }

    /// The next message. Control frames of the websocket are passed over: they are no sign that the
    /// application behind it lives.
    pub(super) async fn receive(&mut self) -> Result<Bytes, SocketError> {
        loop {
            match self.inner.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.into()),
                Some(Ok(Message::Binary(bytes))) => return Ok(bytes),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.as_ref().map_or(1005, |frame| frame.code.into());
                    let reason =
                        frame.map(|frame| format!(" {}", crate::watch::clean(&frame.reason)));
                    return Err(SocketError::Closed { code, reason: reason.unwrap_or_default() });
                }
                Some(Err(source)) => return Err(SocketError::Broken { source: source.into() }),
                None => {
                    return Err(SocketError::Closed { code: 1006, reason: String::new() });
                }
            }
        }
    }

    /// Sends frames and waits until they have left.
    pub(super) async fn send(&mut self, frames: &[FromAgent]) -> Result<(), SocketError> {
        let write = async {
            for frame in frames {
                self.inner.feed(Message::text(encode(frame))).await?;
            }
            self.inner.flush().await
        };
        match timeout(WRITE_PATIENCE, write).await {
            Ok(result) => result.map_err(|source| SocketError::Broken { source: source.into() }),
            Err(_) => Err(SocketError::Stuck),
        }
    }

    /// Says goodbye, if the other side takes it.
    pub(super) async fn close(mut self) {
        // Nothing depends on the goodbye: the other side also knows a closed connection.
        let _ = timeout(Duration::from_secs(2), self.inner.close(None)).await;
    }
}
