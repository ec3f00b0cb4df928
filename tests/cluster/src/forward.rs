//! Loopback ports of the host, pumped into a network namespace: the listener was made outside, the
//! connections onward are made inside.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// A listening loopback port; it closes, with its connections, when this is dropped.
#[derive(Debug)]
pub struct Forward {
    local: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Forward {
    /// Pumps from `listener` to `target`, which is reached from within `namespace`.
    pub(crate) fn start(
        listener: TcpListener,
        namespace: File,
        target: SocketAddr,
    ) -> Result<Self> {
        let local = listener.local_addr().context("could not read the forwarded port")?;
        let (stop, stopped) = oneshot::channel();
        let (entered, entry) = mpsc::channel();
        // A namespace belongs to a thread, so this one is not shared: its runtime has no other.
        let thread = std::thread::Builder::new()
            .name(format!("forward-{}", local.port()))
            .spawn(move || {
                let moved =
                    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network));
                let failed = moved.is_err();
                if entered.send(moved).is_err() || failed {
                    return;
                }
                if let Err(error) = pump(listener, target, stopped) {
                    tracing::error!(%error, %local, %target, "a forwarded port closed");
                }
            })
            .context("could not start a forwarding thread")?;
        entry
            .recv()
            .context("the forwarding thread ended at once")?
            .context("could not enter the lab's network namespace; this needs root")?;
        Ok(Self { local, stop: Some(stop), thread: Some(thread) })
    }

    /// The address on the host.
    pub fn local(&self) -> SocketAddr {
        self.local
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(local = %self.local, "a forwarding thread panicked");
        }
    }
}

/// Accepts on `listener` and pumps to `target` from the calling thread's namespace, until `stopped` fires
/// or its sender is gone.
pub(crate) fn pump(
    listener: TcpListener,
    target: SocketAddr,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::select! {
            () = accept(listener, target) => {}
            _ = stopped => {}
        }
        Ok(())
    })
}

async fn accept(listener: tokio::net::TcpListener, target: SocketAddr) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((incoming, _)) => {
                connections.spawn(connect(incoming, target));
            }
            Err(error) => {
                // Out of descriptors, most likely: others have to close before it can go on.
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// One connection; whatever ends it, the caller sees it end.
async fn connect(mut incoming: TcpStream, target: SocketAddr) {
    let outcome = async {
        let mut outgoing = TcpStream::connect(target).await?;
        incoming.set_nodelay(true)?;
        outgoing.set_nodelay(true)?;
        tokio::io::copy_bidirectional(&mut incoming, &mut outgoing).await
    };
    if let Err(error) = outcome.await {
        tracing::debug!(%error, %target, "a forwarded connection ended");
    }
}
