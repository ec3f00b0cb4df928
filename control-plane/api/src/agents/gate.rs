//! Who may shake hands: nobody keeps a place without saying something, and no address keeps them all.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// A handshake is the dearest thing a stranger can ask for: some 2 ms of a core.
pub(super) const HANDSHAKES_AT_ONCE: usize = 64;
/// Those of one address: a company's agents come from one, and still leave half for everyone else.
pub(super) const HANDSHAKES_OF_ONE: usize = 32;
/// Connections that have said nothing yet. Beyond these, new ones wait in the listener's queue.
pub(super) const SILENT_AT_ONCE: usize = 1024;
/// Those of one address; what is beyond is closed, and an agent comes back.
pub(super) const SILENT_OF_ONE: usize = 512;
/// A client speaks first, and at once; slow networks need a second or two.
const FIRST_BYTE: Duration = Duration::from_secs(3);

/// Lets connections in. Clones share its places.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    silent: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
    addresses: Arc<Mutex<HashMap<IpAddr, Address>>>,
}

/// What one address has under way.
#[derive(Debug)]
struct Address {
    connections: usize,
    handshakes: Arc<Semaphore>,
}

/// The right to be here and silent, given up on drop.
#[derive(Debug)]
pub(super) struct Place {
    gate: Gate,
    address: IpAddr,
    _silent: OwnedSemaphorePermit,
}

/// The right to shake hands, given up on drop.
#[derive(Debug)]
pub(super) struct Turn {
    _of_one: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
    _place: Place,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            silent: Arc::new(Semaphore::new(SILENT_AT_ONCE)),
            handshakes: Arc::new(Semaphore::new(HANDSHAKES_AT_ONCE)),
            addresses: Arc::default(),
        }
    }

    /// Waits until one more connection may be accepted.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.silent).acquire_owned().await.ok()
    }

    /// A place for an accepted connection; `None` where its address has too many.
    pub(super) fn place(&self, address: IpAddr, room: OwnedSemaphorePermit) -> Option<Place> {
        let mut addresses = self.lock();
        let own = addresses.entry(address).or_insert_with(|| Address {
            connections: 0,
            handshakes: Arc::new(Semaphore::new(HANDSHAKES_OF_ONE)),
        });
        if own.connections >= SILENT_OF_ONE {
            return None;
        }
        own.connections += 1;
        drop(addresses);
        Some(Place { gate: self.clone(), address, _silent: room })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Address>> {
        // Each change is one step, so the map is whole even after a panic elsewhere.
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits for the client's first byte, and then for a turn: the address's own first, so that who waits
    /// for that holds up nobody else.
    ///
    /// # Errors
    /// When the client says nothing in time, or is gone.
    pub(super) async fn turn(self, stream: &TcpStream) -> io::Result<Turn> {
        let silence = || io::Error::new(io::ErrorKind::TimedOut, "the client says nothing");
        let mut byte = [0];
        let said = timeout(FIRST_BYTE, stream.peek(&mut byte)).await.map_err(|_| silence())??;
        if said == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let closed = |_| io::Error::other("the gate is closed");
        let of_one = self.gate.lock().get(&self.address).map(|own| Arc::clone(&own.handshakes));
        let of_one = of_one.ok_or_else(|| io::Error::other("the place is gone"))?;
        let of_one = of_one.acquire_owned().await.map_err(closed)?;
        let of_all = Arc::clone(&self.gate.handshakes).acquire_owned().await.map_err(closed)?;
        Ok(Turn { _of_one: of_one, _of_all: of_all, _place: self })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut addresses = self.gate.lock();
        if let Some(own) = addresses.get_mut(&self.address) {
            own.connections -= 1;
            if own.connections == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}
