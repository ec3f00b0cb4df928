//! Takes the server's traces, by OTLP over HTTP: what it says itself of each step.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span,
};
use prost::Message as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// A collector; its port closes when it is dropped.
#[derive(Debug)]
pub(crate) struct Collector {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    spans: Arc<Mutex<Vec<Span>>>,
    _tasks: JoinSet<()>,
}

impl Collector {
    /// Opens its port.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let spans: Arc<Mutex<Vec<Span>>> = Arc::default();
        let (mut tasks, kept) = (JoinSet::new(), Arc::clone(&spans));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                connections.spawn(async move {
                    // A connection that breaks is the server's to make again.
                    let _ = take(stream, &kept).await;
                });
            }
        });
        Ok(Self { address, spans, _tasks: tasks })
    }

    /// All spans so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Takes requests from one connection until it ends.
async fn take(mut stream: TcpStream, kept: &Mutex<Vec<Span>>) -> Result<()> {
    let mut read = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        let lines = std::str::from_utf8(&read[..head])?.lines();
        let length = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .context("a request without a length")?;
        let length: usize = length.1.trim().parse()?;
        while read.len() < head + length {
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        }
        let request = ExportTraceServiceRequest::decode(&read[head..head + length])?;
        read.drain(..head + length);
        let scopes = request.resource_spans.into_iter().flat_map(|one| one.scope_spans);
        kept.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(scopes.flat_map(|one| one.spans));
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")
            .await?;
    }
}
