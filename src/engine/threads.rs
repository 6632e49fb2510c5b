//! The threads of the stages: started one by one, joined in the end, or left behind.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often it is looked whether a thread has ended, where nobody waits for it any longer than to a deadline.
const LOOK: Duration = Duration::from_millis(5);

/// The system refused a thread.
#[derive(Debug, thiserror::Error)]
#[error("the thread `{name}` cannot be started: {source}")]
pub struct StartError {
    /// What the thread is for.
    name: String,
    /// Why.
    source: std::io::Error,
}

/// Threads that run.
#[derive(Default)]
pub(super) struct Threads(Vec<JoinHandle<()>>);

impl Threads {
    /// Starts a thread. Where that fails `body` is dropped, and with it its ends of channels: the threads at the others
    /// end by themselves.
    pub(super) fn start(
        &mut self,
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<(), StartError> {
        let started = thread::Builder::new().name(name.into()).spawn(body);
        self.0.push(started.map_err(|source| StartError {
            name: name.into(),
            source,
        })?);
        Ok(())
    }

    /// Starts as many threads as are wanted of a kind, or as many as the system allows, at least one.
    pub(super) fn start_several<F: FnOnce() + Send + 'static>(
        &mut self,
        name: &str,
        count: usize,
        mut body: impl FnMut() -> F,
    ) -> Result<(), StartError> {
        for number in 0..count.max(1) {
            match self.start(&format!("{name}-{number}"), body()) {
                // Fewer do it too.
                Err(error) if number > 0 => {
                    tracing::warn!("{error}; {number} do it instead of {count}");
                    break;
                }
                started => started?,
            }
        }
        Ok(())
    }

    /// Waits for all threads; with a deadline, those that run on then are left behind.
    pub(super) fn join(self, deadline: Option<Instant>) {
        for thread in self.0 {
            while deadline.is_some_and(|deadline| Instant::now() < deadline)
                && !thread.is_finished()
            {
                thread::sleep(LOOK);
            }
            if deadline.is_none() || thread.is_finished() {
                // Stages catch panics; one that did not has told the coordinator.
                drop(thread.join());
            }
        }
    }
}
