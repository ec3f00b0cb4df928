//! The peer: a process that fans the same bytes out with a bare tokio channel and hyper, and does nothing
//! else. It reads no database, renders nothing and asks nobody who they are.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
    routing::get,
};
use futures::stream;
use tokio::sync::broadcast;

/// As many as the server keeps for a slow reader.
const KEPT: usize = 512;

/// A running peer; killed when dropped.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    child: Child,
}

impl Peer {
    /// Starts this program again, as the peer.
    pub(super) fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--fan-out-peer").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start the peer")?;
        let mut line = String::new();
        let out = child.stdout.take().context("the peer has no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let address = line.trim().parse().context("the peer does not say where it is")?;
        Ok(Self { address, child })
    }

    /// Its process.
    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the peer, until it is killed. What is posted goes to everyone who listens.
///
/// # Errors
/// When it cannot listen.
pub(crate) fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let mut out = std::io::stdout();
        writeln!(out, "{}", listener.local_addr()?)?;
        out.flush()?;
        let channel = broadcast::Sender::<Bytes>::new(KEPT);
        let router = Router::new().route("/", get(listen).post(tell)).with_state(channel);
        Ok(axum::serve(listener, router).await?)
    })
}

async fn tell(State(channel): State<broadcast::Sender<Bytes>>, body: Bytes) {
    // Nobody may listen yet.
    let _ = channel.send(body);
}

async fn listen(State(channel): State<broadcast::Sender<Bytes>>) -> Response {
    let hello = Bytes::from_static(b"\nevent: full\ndata:\n\n");
    let events = stream::unfold((channel.subscribe(), Some(hello)), |(mut channel, first)| async {
        if let Some(first) = first {
            return Some((Ok::<_, std::convert::Infallible>(first), (channel, None)));
        }
        let event = channel.recv().await.ok()?;
        Some((Ok(event), (channel, None)))
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}
