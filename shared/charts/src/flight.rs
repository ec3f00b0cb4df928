//! Fetches of one thing at a time: whoever comes while one is under way gets its result.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};

use crate::digest::Digest;
use crate::error::FetchError;
use crate::fetched::FetchedChart;

type Result = std::result::Result<FetchedChart, FetchError>;
type Flight = BoxFuture<'static, Result>;

/// The fetches under way. One that everybody has given up waiting for ends.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashMap<Digest, WeakShared<Flight>>>);

impl Flights {
    /// Waits for the fetch with this key; `start` begins it where none is under way.
    pub(crate) async fn join(&self, key: Digest, start: impl FnOnce() -> Flight) -> Result {
        let flight = self.enter(key, start);
        let result = flight.clone().await;
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Another may have begun since, after this one was left already.
        let is_over = |it: &WeakShared<Flight>| it.upgrade().is_none_or(|it| it.peek().is_some());
        if flights.get(&key).is_some_and(is_over) {
            flights.remove(&key);
        }
        result
    }

    fn enter(&self, key: Digest, start: impl FnOnce() -> Flight) -> Shared<Flight> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = flights.get(&key).and_then(WeakShared::upgrade);
        if let Some(flight) = under_way.filter(|flight| flight.peek().is_none()) {
            return flight;
        }
        // Those that were given up stay listed until now.
        flights.retain(|_, flight| flight.upgrade().is_some());
        let flight = start().shared();
        if let Some(weak) = flight.downgrade() {
            flights.insert(key, weak);
        }
        flight
    }
}
