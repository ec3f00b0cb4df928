//! Many commits with one sync: whoever's turn it is commits for all who wait.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{Change, CommitError, Committed};
use crate::BranchName;

/// Changes that are committed at once: many enough that a sync costs each of them little, few enough that
/// the first of them does not wait for long.
const MOST_AT_ONCE: usize = 256;

/// A batch waits for the writers of the one before to come again, for this part of the time that one took:
/// else they would be two crowds, each of which waits for the other's syncs.
const WAIT_AT_MOST: u32 = 8;
/// How often it looks whether they have come.
const LOOK: Duration = Duration::from_micros(50);

/// A change whose caller waits for its end.
pub(super) struct Waiting {
    pub(super) change: Change,
    pub(super) answer: oneshot::Sender<Result<Committed, CommitError>>,
}

/// What the last batch was like.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastBatch {
    pub(super) size: usize,
    pub(super) took: Duration,
    pub(super) ended: Option<Instant>,
}

/// Changes that wait for the repository's one writer, in the order in which they came.
#[derive(Default)]
pub(super) struct Queue(Mutex<VecDeque<Waiting>>);

impl Queue {
    /// Puts a change at the end. It is committed unless the returned end is dropped before its turn.
    pub(super) fn join(&self, change: Change) -> oneshot::Receiver<Result<Committed, CommitError>> {
        let (answer, wait) = oneshot::channel();
        self.changes().push_back(Waiting { change, answer });
        wait
    }

    /// Takes what can be committed together: the first changes of one branch.
    pub(super) fn take(&self) -> Option<(BranchName, Vec<Waiting>)> {
        let mut changes = self.changes();
        changes.retain(|waiting| !waiting.answer.is_closed());
        let branch = changes.front()?.change.branch.clone();
        let mut batch = Vec::new();
        while batch.len() < MOST_AT_ONCE
            && let Some(next) = changes.pop_front_if(|next| next.change.branch == branch)
        {
            batch.push(next);
        }
        Some((branch, batch))
    }

    /// Waits, a little, until as many changes are here as the last batch had.
    pub(super) fn gather(&self, last: LastBatch) {
        // Writers that were told long ago come when they like.
        let Some(ended) = last.ended.filter(|ended| ended.elapsed() < last.took) else { return };
        let until = ended + last.took / WAIT_AT_MOST;
        while self.changes().len() < last.size.min(MOST_AT_ONCE) && Instant::now() < until {
            std::thread::sleep(LOOK);
        }
    }

    fn changes(&self) -> std::sync::MutexGuard<'_, VecDeque<Waiting>> {
        // Nothing is half done under the lock, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Message;
    use super::*;
    use crate::testing::new_year;

    fn change() -> Change {
        Change {
            branch: BranchName::main(),
            message: Message::new("change").unwrap(),
            time: new_year(),
            edits: Vec::new(),
            compare_without: Vec::new(),
        }
    }

    #[test]
    fn nobody_is_waited_for_who_is_here_or_was_told_long_ago() {
        let queue = Queue::default();
        let _waiting = [queue.join(change()), queue.join(change())];
        let (hour, ended) = (Duration::from_secs(3600), Some(Instant::now()));
        // Each of these would be waited for, for minutes, if it were.
        queue.gather(LastBatch { size: 2, took: hour, ended });
        queue.gather(LastBatch { size: 9, took: Duration::ZERO, ended });
        queue.gather(LastBatch { size: 9, took: hour, ended: None });
    }
}
