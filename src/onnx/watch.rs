//! Stops runs when the deadline of their thread passes: one thread watches the deadlines of all runs and sets
//! the runtime's terminate flag, which is checked between two operators.

use crate::deadline::{self, Deadline};
use ort::session::RunOptions;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Interval at which deadlines are checked.
const LOOK: Duration = Duration::from_millis(20);

/// A run in progress.
struct Watched {
    number: u64,
    deadline: Deadline,
    options: Arc<RunOptions>,
    is_ended: bool,
}

/// All runs in progress that have a deadline.
struct Watch {
    runs: Vec<Watched>,
    next: u64,
    /// `true` if the watching thread runs.
    is_watching: bool,
}

static WATCH: Mutex<Watch> = Mutex::new(Watch {
    runs: Vec::new(),
    next: 0,
    is_watching: false,
});
static HAS_RUNS: Condvar = Condvar::new();

fn lock() -> MutexGuard<'static, Watch> {
    WATCH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs something with options under the deadline of this thread's work; unwinds if that has passed.
pub(super) fn watched<T, E>(
    options: &Arc<RunOptions>,
    run: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    deadline::check();
    let deadline = deadline::current();
    if !deadline.can_end() {
        return run();
    }
    let number = begin(options.clone(), deadline);
    let result = run();
    if end(number) {
        // Cleared, because the options may be used again.
        drop(options.unterminate());
    }
    if let (Err(_), Some(why)) = (&result, deadline::stopped()) {
        deadline::end(why);
    }
    result
}

fn begin(options: Arc<RunOptions>, deadline: Deadline) -> u64 {
    let mut watch = lock();
    if !watch.is_watching {
        let started = thread::Builder::new()
            .name("deadlines".into())
            .stack_size(256 << 10)
            .spawn(look);
        // If no thread can be started, runs just end by themselves.
        watch.is_watching = started.is_ok();
    }
    watch.next += 1;
    let number = watch.next;
    watch.runs.push(Watched {
        number,
        deadline,
        options,
        is_ended: false,
    });
    drop(watch);
    HAS_RUNS.notify_one();
    number
}

/// Unregisters a run; `true` if it was told to end.
fn end(number: u64) -> bool {
    let mut watch = lock();
    let at = watch.runs.iter().position(|run| run.number == number);
    at.is_some_and(|at| watch.runs.swap_remove(at).is_ended)
}

fn look() {
    let mut watch = lock();
    loop {
        while watch.runs.is_empty() {
            watch = HAS_RUNS.wait(watch).unwrap_or_else(PoisonError::into_inner);
        }
        for run in watch
            .runs
            .iter_mut()
            .filter(|run| !run.is_ended && run.deadline.stopped().is_some())
        {
            run.is_ended = true;
            drop(run.options.terminate());
        }
        watch = HAS_RUNS
            .wait_timeout(watch, LOOK)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
}
