//! Who waits for a job is told when something has changed, and who was the last to wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Waiters by job.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    waiting: Mutex<BTreeMap<String, watch::Sender<u64>>>,
}

impl Notices {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, watch::Sender<u64>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who wait for a job.
    pub(crate) fn tell(&self, id: &str) {
        if let Some(sender) = self.lock().get(id) {
            sender.send_modify(|changes| *changes += 1);
        }
    }

    /// Tells all.
    pub(crate) fn tell_all(&self) {
        for sender in self.lock().values() {
            sender.send_modify(|changes| *changes += 1);
        }
    }

    /// `true` if somebody waits for a job.
    pub(crate) fn is_waited_for(&self, id: &str) -> bool {
        let waiting = self.lock();
        waiting
            .get(id)
            .is_some_and(|sender| sender.receiver_count() > 0)
    }

    /// Waits for a job, until dropped.
    pub(crate) fn wait(self: &Arc<Self>, id: &str) -> Waiter {
        let mut waiting = self.lock();
        let sender = waiting
            .entry(id.to_string())
            .or_insert_with(|| watch::channel(0).0);
        Waiter {
            id: id.to_string(),
            changes: sender.subscribe(),
            notices: self.clone(),
        }
    }
}

/// Somebody who waits for a job.
#[derive(Debug)]
pub(crate) struct Waiter {
    id: String,
    changes: watch::Receiver<u64>,
    notices: Arc<Notices>,
}

impl Waiter {
    /// Returns after the next change.
    pub(crate) async fn changed(&mut self) {
        // The sender lives as long as somebody waits.
        let _ = self.changes.changed().await;
    }

    /// `true` if nobody else waits for the job.
    pub(crate) fn is_last(&self) -> bool {
        let waiting = self.notices.lock();
        waiting
            .get(&self.id)
            .is_none_or(|sender| sender.receiver_count() <= 1)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiting = self.notices.lock();
        // This one still counts.
        if waiting
            .get(&self.id)
            .is_some_and(|sender| sender.receiver_count() <= 1)
        {
            waiting.remove(&self.id);
        }
    }
}
