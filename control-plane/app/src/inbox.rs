//! Webhooks on their way to the database: those that come while others are being stored are stored together,
//! with one transaction and one sync. None is acknowledged before it is stored.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gimlet_shared::{crash_point, ids::RepositoryId};
use gimlet_store::{DeliveryReceipt, NewDelivery};
use tokio::sync::oneshot;

use crate::{App, AppError};

/// Stored with one transaction: enough to share a sync, few enough for one statement on either database.
const MOST_AT_ONCE: usize = 256;
/// Bytes of bodies in one transaction, so that large ones do not gather.
const MOST_BYTES: usize = 4 << 20;

/// A checked delivery that waits to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) repository: RepositoryId,
    pub(crate) provider: &'static str,
    pub(crate) delivery_id: String,
    pub(crate) kind: &'static str,
    pub(crate) body: Vec<u8>,
}

/// What whoever waits is told; `None` when the repository is gone.
type Receipt = Result<Option<DeliveryReceipt>, AppError>;

/// Deliveries that wait, in the order in which they came, and the turn of whoever stores them.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    waiting: Mutex<VecDeque<(Checked, oneshot::Sender<Receipt>)>>,
    turn: tokio::sync::Mutex<()>,
}

impl App {
    /// Stores a delivery, together with those that wait at the same time.
    ///
    /// # Errors
    /// [`AppError::NotFound`] where the repository is gone, [`AppError::Unavailable`].
    pub(crate) async fn store_checked(
        &self,
        checked: Checked,
    ) -> Result<DeliveryReceipt, AppError> {
        let inbox = &self.parts().inbox;
        let mut answer = inbox.join(checked.clone());
        loop {
            let turn = tokio::select! {
                biased;
                answered = &mut answer => match answered {
                    Ok(receipt) => {
                        return receipt?.ok_or(AppError::NotFound { what: "the repository" });
                    }
                    // Whoever was storing it went away, and may or may not have got to the end. It is
                    // stored once whatever happened, so it is given again.
                    Err(_) => {
                        answer = inbox.join(checked.clone());
                        continue;
                    }
                },
                turn = inbox.turn.lock() => turn,
            };
            self.store_waiting().await;
            drop(turn);
        }
    }

    /// One transaction for those that wait.
    async fn store_waiting(&self) {
        let parts = self.parts();
        let (deliveries, answers): (Vec<_>, Vec<_>) = parts.inbox.take().into_iter().unzip();
        let new: Vec<NewDelivery<'_>> = deliveries.iter().map(Checked::as_new).collect();
        if new.is_empty() {
            return;
        }
        crash_point!("hook.commit.before");
        let stored = parts.store.store_deliveries(&parts.system, &new, self.now()).await;
        crash_point!("hook.commit.after");
        // Whoever went away does not want to know.
        match stored {
            Ok(receipts) => {
                for (answer, receipt) in answers.into_iter().zip(receipts) {
                    let _ = answer.send(Ok(receipt));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for answer in answers {
                    let error = Arc::clone(&error);
                    let _ = answer.send(Err(AppError::unavailable("the database", error)));
                }
            }
        }
    }
}

impl Inbox {
    /// Puts a delivery at the end of those that wait.
    fn join(&self, checked: Checked) -> oneshot::Receiver<Receipt> {
        let (answer, wait) = oneshot::channel();
        self.waiting().push_back((checked, answer));
        wait
    }

    /// Takes what is stored together; at least one where any wait. Those whose sender went away are left
    /// out: it sends them again.
    fn take(&self) -> Vec<(Checked, oneshot::Sender<Receipt>)> {
        let mut waiting = self.waiting();
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while taken.len() < MOST_AT_ONCE && bytes < MOST_BYTES {
            let Some((checked, answer)) = waiting.pop_front() else { break };
            if !answer.is_closed() {
                bytes += checked.body.len();
                taken.push((checked, answer));
            }
        }
        taken
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(Checked, oneshot::Sender<Receipt>)>> {
        // Nothing is half done under the lock, whoever panicked.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Checked {
    fn as_new(&self) -> NewDelivery<'_> {
        NewDelivery {
            repository: self.repository,
            provider: self.provider,
            delivery_id: &self.delivery_id,
            kind: self.kind,
            body: &self.body,
        }
    }
}
