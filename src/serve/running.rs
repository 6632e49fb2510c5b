//! The jobs that this server works on, and how they are told to end.

use super::news::News;
use super::spool::Lease;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Why a job that is worked on has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Somebody cancelled it.
    Cancelled,
    /// Its time is up.
    TimeUp,
    /// Another server has taken over.
    Lost,
    /// The server ends.
    GivenBack,
}

/// A job that this server works on.
pub(super) struct Running {
    /// Who ordered it.
    pub owner: String,
    /// Ends the work.
    pub cancel: Arc<AtomicBool>,
    /// Why it has to end.
    pub end: Option<End>,
    /// `None` once the work has ended.
    pub lease: Option<Lease>,
    /// When its time is up.
    pub until: Instant,
    /// Until when no other job may begin beside it; `None` for ordinary jobs.
    pub alone_until: Option<Instant>,
}

/// The jobs that this server works on.
#[derive(Default)]
pub(crate) struct Work {
    running: Mutex<BTreeMap<String, Running>>,
    /// Told when there may be something to do.
    pub(super) news: News,
    /// One thread at a time chooses a job: it looks at the jobs that servers died with, since when this server knows of
    /// each.
    pub(super) suspects: Mutex<BTreeMap<String, Instant>>,
}

impl Work {
    /// The jobs, by id.
    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There may be something to do.
    pub(crate) fn wake(&self) {
        self.news.tell();
    }

    /// Ends the work on a job, if it goes on here.
    pub(crate) fn cancel(&self, id: &str) {
        self.end(id, End::Cancelled);
    }

    /// Ends the work on a job, for this reason unless there is one.
    pub(super) fn end(&self, id: &str, end: End) {
        if let Some(running) = self.lock().get_mut(id) {
            running.end.get_or_insert(end);
            running.cancel.store(true, Ordering::Relaxed);
        }
    }

    /// Gives all jobs back to the queue.
    pub(crate) fn give_back_all(&self) {
        for running in self.lock().values_mut() {
            running.end.get_or_insert(End::GivenBack);
            running.cancel.store(true, Ordering::Relaxed);
        }
    }

    /// `true` if a job is worked on here.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.lock().contains_key(id)
    }

    /// Jobs that are worked on.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }
}
