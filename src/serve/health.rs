//! Whether the server has started, lives, and is ready, each for itself.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Where the server is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Models are loaded, or the page of the self-test is on its way; says what is done.
    Starting(String),
    /// It takes work.
    Ready,
    /// It was told to end, and takes no new work.
    Draining,
}

/// Whether work moves.
#[derive(Debug)]
pub(crate) struct Pulse {
    since: Instant,
    /// Milliseconds after `since` of the last event of any job.
    last: AtomicU64,
    /// Jobs under way.
    running: AtomicUsize,
    /// Time without an event that means that the engine hangs.
    patience: Duration,
}

impl Pulse {
    /// Something happened.
    pub(crate) fn beat(&self) {
        let now = self.since.elapsed().as_millis() as u64;
        self.last.store(now, Ordering::Relaxed);
    }

    /// A job begins.
    pub(crate) fn begin(&self) {
        self.beat();
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    /// A job has ended.
    pub(crate) fn end(&self) {
        self.beat();
        self.running.fetch_sub(1, Ordering::Relaxed);
    }

    /// Jobs under way.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// `false` if there is work, and none of it has moved for long.
    pub(crate) fn is_alive(&self) -> bool {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.running() == 0 || self.since.elapsed().saturating_sub(last) < self.patience
    }
}

/// The health of a server.
#[derive(Debug)]
pub(crate) struct Health {
    phase: Mutex<Phase>,
    /// Whether work moves.
    pub pulse: Pulse,
}

impl Health {
    /// A server that starts. A page may take `page_timeout`, and then some.
    pub(crate) fn new(page_timeout: Duration) -> Health {
        Health {
            phase: Mutex::new(Phase::Starting("loading the pipeline".into())),
            pulse: Pulse {
                since: Instant::now(),
                last: AtomicU64::new(0),
                running: AtomicUsize::new(0),
                patience: page_timeout * 2 + Duration::from_secs(60),
            },
        }
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is.
    pub(crate) fn phase(&self) -> Phase {
        self.lock().clone()
    }

    /// Goes on. A server that is told to end stays so.
    pub(crate) fn set(&self, phase: Phase) {
        let mut now = self.lock();
        if *now != Phase::Draining {
            *now = phase;
        }
    }

    /// `None` if it takes work, else why not.
    pub(crate) fn not_ready(&self) -> Option<String> {
        match self.phase() {
            Phase::Ready => None,
            Phase::Starting(what) => Some(what),
            Phase::Draining => Some("it is shutting down".into()),
        }
    }
}
