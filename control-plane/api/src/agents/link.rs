//! The websocket under an agent's session: text messages in and out, with limits.

use std::{
    future::ready,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Error as SocketError, Extension,
    extract::{
        State,
        ws::{
            CloseFrame, Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection,
        },
    },
    http::{HeaderMap, header},
    response::Response,
};
use futures::{Sink, SinkExt, Stream, StreamExt, TryStreamExt};
use gimlet_app::link::{LinkEnd, LinkSession};
use gimlet_shared::link::{MAX_FRAME_BYTES, MAX_MESSAGE_BYTES};

use super::{AgentState, PeerCertificate, timed_sink::TimedSink};
use crate::problem::{ApiError, ProblemKind};

/// Thousands of idle links must cost little.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// An agent that takes nothing for this long is stuck; it comes back and resumes.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the transport ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// The websocket broke, or a message was over the limits.
    #[error("{0}")]
    Socket(SocketError),
    /// Frames are JSON text.
    #[error("a binary message came in, frames are text")]
    Binary,
    /// Nothing could be written for too long.
    #[error("nothing could be written for {} s", WRITE_TIMEOUT.as_secs())]
    Stalled,
}

/// Opens the link of the cluster that the client certificate names.
pub(super) async fn open_link(
    State(state): State<AgentState>,
    Extension(PeerCertificate(leaf)): Extension<PeerCertificate>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    if headers.contains_key(header::ORIGIN) {
        return Err(ApiError::new(
            ProblemKind::CrossOrigin,
            "agents send no `Origin`; this is not for browsers",
        ));
    }
    let leaf = leaf.ok_or_else(|| {
        ApiError::unauthenticated("an agent shows the client certificate it was issued")
    })?;
    let agent = state.app.authenticate_cluster(&leaf).await?;
    let upgrade = upgrade
        .map_err(|rejection| ApiError::new(ProblemKind::UpgradeRequired, rejection.body_text()))?;
    let session = LinkSession::open(state.app, agent);
    // Held by the session, so that whoever stops the server can wait for it.
    let running = state.sessions.token();
    let upgrade = upgrade
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .on_failed_upgrade(
            |error| tracing::debug!(%error, "an agent's connection was not upgraded"),
        );
    Ok(upgrade.on_upgrade(async move |socket| {
        run(session, socket, state.shutdown).await;
        drop(running);
    }))
}

async fn run(
    session: LinkSession,
    socket: WebSocket,
    shutdown: tokio_util::sync::CancellationToken,
) {
    let (sink, stream) = socket.split();
    let mut sink = TimedSink::new(SocketSink(sink), WRITE_TIMEOUT, || LinkError::Stalled);
    let incoming = texts(stream);
    let end = {
        let outgoing = (&mut sink).with(|text: String| ready(Ok(Message::Text(text.into()))));
        session.run(incoming, Box::pin(outgoing), shutdown).await
    };
    say_goodbye(&mut sink, end).await;
}

/// The socket's writing half with our error. It may be used after it has failed: a goodbye is tried on
/// every socket, and futures' own adapter panics then.
struct SocketSink<S>(S);

impl<S: Sink<Message, Error = SocketError> + Unpin> Sink<Message> for SocketSink<S> {
    type Error = LinkError;

    fn poll_ready(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), LinkError>> {
        self.0.poll_ready_unpin(context).map_err(LinkError::Socket)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), LinkError> {
        self.0.start_send_unpin(message).map_err(LinkError::Socket)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), LinkError>> {
        self.0.poll_flush_unpin(context).map_err(LinkError::Socket)
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), LinkError>> {
        self.0.poll_close_unpin(context).map_err(LinkError::Socket)
    }
}

/// The text messages; pings and pongs of the websocket itself are answered below, a close ends it.
fn texts(
    stream: impl Stream<Item = Result<Message, SocketError>> + Unpin,
) -> impl Stream<Item = Result<String, LinkError>> + Unpin {
    let texts = stream
        .map_err(LinkError::Socket)
        .try_take_while(|message| ready(Ok(!matches!(message, Message::Close(_)))));
    Box::pin(texts.try_filter_map(|message| {
        ready(match message {
            Message::Text(text) => Ok(Some(text.to_string())),
            Message::Binary(_) => Err(LinkError::Binary),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Ok(None),
        })
    }))
}

/// Says why, as far as the agent still listens.
async fn say_goodbye(sink: &mut (impl Sink<Message, Error = LinkError> + Unpin), end: LinkEnd) {
    let frame = CloseFrame { code: end.close_code, reason: shortened(&end.reason).into() };
    let said = sink.send(Message::Close(Some(frame))).await;
    if let Err(error) = said {
        tracing::debug!(%error, "an agent's link was gone before its goodbye");
    }
}

/// A close frame has room for 123 bytes (RFC 6455, 5.5).
fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(123)]
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    /// A socket whose other end is gone: every use fails, also the ones after the first failure.
    struct Broken;

    impl Sink<Message> for Broken {
        type Error = SocketError;

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
            Poll::Ready(Err(SocketError::new(std::io::Error::from(std::io::ErrorKind::BrokenPipe))))
        }

        fn start_send(self: Pin<&mut Self>, _: Message) -> Result<(), SocketError> {
            Ok(())
        }

        fn poll_flush(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Result<(), SocketError>> {
            <Self as Sink<Message>>::poll_ready(self, context)
        }

        fn poll_close(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Result<(), SocketError>> {
            <Self as Sink<Message>>::poll_ready(self, context)
        }
    }

    #[tokio::test]
    async fn a_goodbye_on_a_broken_socket_fails_and_does_not_panic() {
        let mut sink = SocketSink(Broken);
        assert!(sink.send("frame".into()).await.is_err());
        let end = LinkEnd { close_code: 1001, reason: "gone".to_owned() };
        say_goodbye(&mut sink, end).await;
    }

    #[tokio::test]
    async fn only_text_is_read_and_a_close_ends_it() {
        let read = async |messages: Vec<Message>| {
            texts(stream::iter(messages.into_iter().map(Ok))).collect::<Vec<_>>().await
        };
        let ping = Message::Ping("p".into());
        let texts =
            read(vec!["a".into(), ping, "b".into(), Message::Close(None), "after".into()]).await;
        assert!(matches!(texts.as_slice(), [Ok(a), Ok(b)] if a == "a" && b == "b"), "{texts:?}");
        let texts = read(vec![Message::Binary("x".into())]).await;
        assert!(matches!(texts.as_slice(), [Err(LinkError::Binary)]), "{texts:?}");
    }

    #[test]
    fn a_goodbye_fits_its_frame() {
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(&"é".repeat(100)).len(), 122);
    }
}
