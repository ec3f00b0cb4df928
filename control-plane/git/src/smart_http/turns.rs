//! Turns for exchanges, shared fairly between the folders that repositories lie in.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// One part in so many of all turns is kept for folders that have none.
const KEPT_PART: usize = 4;

/// Who has how many turns. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    all: usize,
    of_one: usize,
    taken: Mutex<HashMap<PathBuf, usize>>,
    given_back: Notify,
}

/// The right to run one exchange, given up on drop.
#[derive(Debug)]
pub(super) struct Turn {
    shared: Arc<Shared>,
    folder: PathBuf,
}

impl Turns {
    pub(super) fn new(all: usize, of_one: usize) -> Self {
        let (taken, given_back) = (Mutex::default(), Notify::new());
        Self { shared: Arc::new(Shared { all, of_one, taken, given_back }) }
    }

    /// Waits for a turn: at most `of_one` for a folder, and from its second one on only while more turns are
    /// free than are kept for folders that have none.
    pub(super) async fn take(&self, folder: &Path) -> Turn {
        let shared = &self.shared;
        loop {
            // Listening begins before the look, so that none is given back between the two.
            let mut given_back = std::pin::pin!(shared.given_back.notified());
            given_back.as_mut().enable();
            if shared.try_take(folder) {
                return Turn { shared: Arc::clone(shared), folder: folder.to_owned() };
            }
            given_back.await;
        }
    }
}

impl Shared {
    fn try_take(&self, folder: &Path) -> bool {
        let mut taken = self.lock();
        let free = self.all.saturating_sub(taken.values().sum());
        let own = taken.get(folder).copied().unwrap_or(0);
        let kept = if own == 0 { 0 } else { self.all / KEPT_PART };
        if free <= kept || own >= self.of_one {
            return false;
        }
        *taken.entry(folder.to_owned()).or_default() += 1;
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, usize>> {
        // Each change is one step up or down, so the map is whole even after a panic elsewhere.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.shared.lock();
        if let Some(own) = taken.get_mut(&self.folder) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.folder);
            }
        }
        drop(taken);
        self.shared.given_back.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn now(turns: &Turns, folder: &str) -> Option<Turn> {
        turns.take(Path::new(folder)).now_or_never()
    }

    #[test]
    fn four_busy_folders_leave_turns_for_a_fifth() {
        let turns = Turns::new(16, 4);
        let mut busy = Vec::new();
        for _ in 0..4 {
            for folder in ["a", "b", "c", "d"] {
                busy.extend(now(&turns, folder));
            }
        }
        assert_eq!(busy.len(), 12);
        let newcomers: Vec<_> = ["e", "f", "g", "h"].iter().map(|name| now(&turns, name)).collect();
        assert!(newcomers.iter().all(Option::is_some));
        assert!(now(&turns, "i").is_none());
    }

    #[test]
    fn one_folder_alone_gets_its_own_limit() {
        let turns = Turns::new(16, 4);
        let mut held: Vec<_> = (0..4).map(|_| now(&turns, "a").expect("a turn")).collect();
        assert!(now(&turns, "a").is_none());
        held.pop();
        assert!(now(&turns, "a").is_some());
    }

    #[tokio::test]
    async fn who_waits_gets_the_turn_that_is_given_back() {
        let turns = Turns::new(4, 1);
        let first = turns.take(Path::new("a")).await;
        let waiting = turns.take(Path::new("a"));
        tokio::pin!(waiting);
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(first);
        waiting.await;
    }
}
