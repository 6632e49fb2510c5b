//! Threads of the stages: started one by one, joined at the end or abandoned.

use crate::fault::Reason;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Interval at which a thread's end is checked while joining with a deadline.
const LOOK: Duration = Duration::from_millis(5);

/// The system refused a thread.
#[derive(Debug, thiserror::Error)]
#[error("the thread `{name}` cannot be started: {source}")]
pub struct StartError {
    /// Purpose of the thread.
    name: String,
    /// The reason.
    source: std::io::Error,
}

impl StartError {
    /// The same for programs.
    pub fn reason(&self) -> Reason {
        (&self.source).into()
    }
}

/// Running threads.
#[derive(Default)]
pub(super) struct Threads(Vec<JoinHandle<()>>);

impl Threads {
    /// Starts a thread. If that fails, `body` is dropped with its ends of channels, so that the threads at
    /// the other ends end by themselves.
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

    /// Starts `count` threads of a kind, or as many as the system allows, at least one.
    pub(super) fn start_several<F: FnOnce() + Send + 'static>(
        &mut self,
        name: &str,
        count: usize,
        mut body: impl FnMut() -> F,
    ) -> Result<(), StartError> {
        for number in 0..count.max(1) {
            match self.start(&format!("{name}-{number}"), body()) {
                // Fewer threads suffice.
                Err(error) if number > 0 => {
                    tracing::warn!("{error}; {number} do it instead of {count}");
                    break;
                }
                started => started?,
            }
        }
        Ok(())
    }

    /// Joins all threads; with a deadline, those that are still running then are abandoned.
    pub(super) fn join(self, deadline: Option<Instant>) {
        for thread in self.0 {
            while deadline.is_some_and(|deadline| Instant::now() < deadline)
                && !thread.is_finished()
            {
                thread::sleep(LOOK);
            }
            if deadline.is_none() || thread.is_finished() {
                // Stages catch panics; a thread that did panic has reported it to the coordinator.
                drop(thread.join());
            }
        }
    }
}
