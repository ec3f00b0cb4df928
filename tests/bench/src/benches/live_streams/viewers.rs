//! A thousand open streams, read as they come: who got how many events, and when.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout},
};

/// Longer than any event is under way, on whatever machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Streams that are opened at the same time.
const OPENED_AT_ONCE: usize = 50;

/// Some events reached a viewer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    /// Which viewer.
    pub(super) viewer: usize,
    /// How many events.
    pub(super) events: u64,
    /// When they were read.
    pub(super) at: Instant,
    /// Bytes that were read with them.
    pub(super) bytes: u64,
}

/// Open streams; they end when dropped.
#[derive(Debug)]
pub(super) struct Viewers {
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    /// Events that each has got.
    pub(super) got: Vec<u64>,
    /// Bytes that all have got.
    pub(super) bytes: u64,
    _readers: JoinSet<Result<()>>,
}

impl Viewers {
    /// Opens a stream for each request, and waits until each has begun: its head, and `first` events.
    pub(super) async fn open(
        address: SocketAddr,
        requests: Vec<Vec<u8>>,
        first: u64,
    ) -> Result<Self> {
        let (sender, arrivals) = mpsc::unbounded_channel();
        let (count, mut readers) = (requests.len(), JoinSet::new());
        let mut viewers =
            Self { arrivals, got: vec![0; count], bytes: 0, _readers: JoinSet::new() };
        for (viewer, request) in requests.into_iter().enumerate() {
            let sender = sender.clone();
            readers.spawn(async move { read(address, &request, viewer, sender).await });
            if (viewer + 1) % OPENED_AT_ONCE == 0 || viewer + 1 == count {
                viewers.until(|got| got[..=viewer].iter().all(|got| *got >= first)).await?;
            }
        }
        viewers._readers = readers;
        Ok(viewers)
    }

    /// Takes in arrivals until `enough` have got what they should; returns them.
    pub(super) async fn until(&mut self, enough: impl Fn(&[u64]) -> bool) -> Result<Vec<Arrival>> {
        let mut seen = Vec::new();
        while !enough(&self.got) {
            let arrival = timeout(PATIENCE, self.arrivals.recv()).await;
            let arrival = arrival.context("an event does not arrive")?;
            let arrival = arrival.context("every stream has ended")?;
            ensure!(arrival.bytes > 0, "the stream of viewer {} ended", arrival.viewer);
            self.got[arrival.viewer] += arrival.events;
            self.bytes += arrival.bytes;
            seen.push(arrival);
        }
        Ok(seen)
    }

    /// Takes in what is under way, until nothing comes for `pause`.
    pub(super) async fn settle(&mut self, pause: Duration) -> Result<()> {
        while let Ok(Some(arrival)) = timeout(pause, self.arrivals.recv()).await {
            ensure!(arrival.bytes > 0, "the stream of viewer {} ended", arrival.viewer);
            self.got[arrival.viewer] += arrival.events;
            self.bytes += arrival.bytes;
        }
        Ok(())
    }

    /// Events that all have got together.
    pub(super) fn total(&self) -> u64 {
        self.got.iter().sum()
    }
}

async fn read(
    address: SocketAddr,
    request: &[u8],
    viewer: usize,
    sender: mpsc::UnboundedSender<Arrival>,
) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(request).await?;
    let (mut buffer, mut counter, mut is_answered) =
        (vec![0; 16 * 1024], Counter::default(), false);
    loop {
        let read = stream.read(&mut buffer).await?;
        if !is_answered {
            let head = String::from_utf8_lossy(&buffer[..read.min(16)]);
            if read > 0 && !head.starts_with("HTTP/1.1 200") {
                bail!("a stream was refused: {head}");
            }
            is_answered = true;
        }
        let (events, at) = (counter.count(&buffer[..read]), Instant::now());
        let told = sender.send(Arrival { viewer, events, at, bytes: read as u64 });
        if read == 0 || told.is_err() {
            return Ok(());
        }
    }
}

/// Counts events that say something; signs of life do not count. Events may come in pieces.
#[derive(Debug, Default)]
struct Counter {
    tail: Vec<u8>,
}

/// What the line of an event begins with, up to the letter that tells its kind.
const EVENT: &[u8] = b"\nevent: ";

impl Counter {
    fn count(&mut self, piece: &[u8]) -> u64 {
        self.tail.extend_from_slice(piece);
        let (mut events, mut used) = (0, 0);
        while let Some(found) = find(&self.tail[used..], EVENT) {
            let Some(kind) = self.tail.get(used + found + EVENT.len()) else { break };
            // `full`, `step` and `change` are news; `beat` is none.
            events += u64::from(matches!(kind, b'f' | b's' | b'c'));
            used += found + EVENT.len();
        }
        let kept = self.tail.len().saturating_sub(EVENT.len()).max(used);
        self.tail.drain(..kept);
        events
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(start) = text[from..].iter().position(|byte| *byte == wanted[0]) {
        let start = from + start;
        if text[start..].starts_with(wanted) {
            return Some(start);
        }
        from = start + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_once_however_they_are_cut() {
        let text = b"\r\n\nevent: full\nid: 1\ndata: x\n\n8\r\n\nevent: beat\ndata:\n\n\nevent: change\ndata: event: step\n\n";
        for size in 1..text.len() {
            let mut counter = Counter::default();
            let counted: u64 = text.chunks(size).map(|piece| counter.count(piece)).sum();
            assert_eq!(counted, 2, "pieces of {size}");
        }
    }
}
