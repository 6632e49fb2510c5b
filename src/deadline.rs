//! Deadlines and cancellation of a thread's work: it ends when its page's time is up or its document is
//! cancelled.
//!
//! A stage works inside [`Deadline::run`]. Long computations call [`check`] between their steps, at any call
//! depth; when the work has to end, the thread unwinds with [`Stopped`] to the nearest code that catches its
//! panics, so functions in between need no error type for it. (rust-analyzer cancels its queries the same
//! way.) Waiting for a turn, such as for a free worker, does not count as work: [`waiting`] stops the clock.
//! Threads started inside take [`current`] along.

use crate::fault::{Fault, Reason};
use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A cancellation flag that is set either by the caller (`outer`) or by the code doing the work.
#[derive(Debug, Clone, Default)]
pub struct CancelToken {
    outer: Arc<AtomicBool>,
    own: Arc<AtomicBool>,
}

impl CancelToken {
    /// A token that is cancelled when `outer` is set, or by [`CancelToken::cancel`].
    pub fn new(outer: Arc<AtomicBool>) -> CancelToken {
        CancelToken {
            outer,
            own: Arc::default(),
        }
    }

    /// Cancels this token only; the outer flag stays as it is.
    pub fn cancel(&self) {
        self.own.store(true, Ordering::Relaxed);
    }

    /// `true` once either flag is set.
    pub fn is_cancelled(&self) -> bool {
        self.outer.load(Ordering::Relaxed) || self.own.load(Ordering::Relaxed)
    }
}

/// The end of a piece of work: a point in time, cancellation, or both.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deadline {
    until: Option<Instant>,
    /// The work ends once all of these are cancelled; if empty, it cannot be cancelled.
    cancels: Vec<CancelToken>,
}

/// Reason why work was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// The deadline has passed.
    #[error("the time is up")]
    TimeUp,
    /// Everybody who wanted the result has cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl Stopped {
    /// The same for programs.
    pub fn reason(self) -> Reason {
        match self {
            Stopped::TimeUp => Reason::TimeUp,
            Stopped::Cancelled => Reason::Cancelled,
        }
    }
}

impl From<Stopped> for Fault {
    fn from(stopped: Stopped) -> Fault {
        Fault::new(stopped.reason(), stopped.to_string())
    }
}

/// The state of a thread's work: its deadline and the time it spent waiting.
#[derive(Default)]
struct Current {
    deadline: Deadline,
    waited: Duration,
}

thread_local! {
    static CURRENT: RefCell<Current> = RefCell::default();
}

impl Deadline {
    /// A deadline shared by several clients: it ends when all of them have cancelled, or after `left`.
    pub(crate) fn of_all(cancels: Vec<CancelToken>, left: Option<Duration>) -> Deadline {
        Deadline {
            until: left.and_then(|left| Instant::now().checked_add(left)),
            cancels,
        }
    }

    /// `true` if work under this deadline may be ended early at all.
    pub(crate) fn can_end(&self) -> bool {
        self.until.is_some() || !self.cancels.is_empty()
    }

    /// The reason why work has to end now; `None` if it may go on.
    pub(crate) fn stopped(&self) -> Option<Stopped> {
        if !self.cancels.is_empty() && self.cancels.iter().all(CancelToken::is_cancelled) {
            return Some(Stopped::Cancelled);
        }
        self.until
            .is_some_and(|until| Instant::now() >= until)
            .then_some(Stopped::TimeUp)
    }

    /// Runs `work` on this thread under this deadline; also returns how long the work waited.
    pub(crate) fn run<T>(self, work: impl FnOnce() -> T) -> (T, Duration) {
        /// Restores the previous state, also when the work unwinds.
        struct Restore(Current);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.with_borrow_mut(|current| {
                    // The enclosing work has waited just as long.
                    self.0.waited += current.waited;
                    self.0.deadline.postpone(current.waited);
                    *current = std::mem::take(&mut self.0);
                });
            }
        }
        let own = Current {
            deadline: self,
            waited: Duration::ZERO,
        };
        let _restore = Restore(CURRENT.with_borrow_mut(|current| std::mem::replace(current, own)));
        let result = work();
        (result, CURRENT.with_borrow(|current| current.waited))
    }

    fn postpone(&mut self, by: Duration) {
        self.until = self.until.and_then(|until| until.checked_add(by));
    }
}

/// The deadline of this thread's work, to hand to threads that do part of it.
pub(crate) fn current() -> Deadline {
    CURRENT.with_borrow(|current| current.deadline.clone())
}

/// The reason why this thread's work has to end; `None` if it may go on.
pub(crate) fn stopped() -> Option<Stopped> {
    CURRENT.with_borrow(|current| current.deadline.stopped())
}

/// Time left for this thread's work; `None` if it is not limited.
pub(crate) fn left() -> Option<Duration> {
    let until = CURRENT.with_borrow(|current| current.deadline.until);
    until.map(|until| until.saturating_duration_since(Instant::now()))
}

/// Unwinds with [`Stopped`] if this thread's work has to end.
pub(crate) fn check() {
    if let Some(why) = stopped() {
        end(why);
    }
}

/// Unwinds with [`Stopped`], without printing a panic message.
pub(crate) fn end(why: Stopped) -> ! {
    std::panic::resume_unwind(Box::new(why))
}

/// Waits for a turn; the deadline is postponed by as long as that takes.
pub(crate) fn waiting<T>(wait: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = wait();
    let waited = start.elapsed();
    CURRENT.with_borrow_mut(|current| {
        current.waited += waited;
        current.deadline.postpone(waited);
    });
    result
}

/// The reason carried by a caught unwind; `None` if it was an ordinary panic.
pub(crate) fn why(caught: &(dyn Any + Send)) -> Option<Stopped> {
    caught.downcast_ref().copied()
}

/// Runs `work`, turning a panic into an error; `what` names the stage.
pub(crate) fn guarded<T>(what: &str, work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| match why(panic.as_ref()) {
        Some(Stopped::Cancelled) => Err(Stopped::Cancelled.into()),
        Some(Stopped::TimeUp) => {
            let message = format!("the time is up while {what}");
            Err(Fault::new(Reason::TimeUp, message))
        }
        None => {
            let text = panic.downcast_ref::<&str>().map(|s| s.to_string());
            let text = text
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            let message = format!("internal error while {what}: {text}");
            Err(Fault::internal(message))
        }
    })
}

/// The fault of a page that took longer than it may.
pub(crate) fn time_up(limit: Duration) -> Fault {
    let seconds = limit.as_secs();
    let message = format!("the page took longer than {seconds} s and was given up");
    Fault::new(Reason::TimeUp, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deadline with one cancellation flag.
    fn by_flag(cancel: Arc<AtomicBool>, left: Option<Duration>) -> Deadline {
        Deadline::of_all(vec![CancelToken::new(cancel)], left)
    }

    fn caught(deadline: Deadline, work: impl FnOnce()) -> Option<Stopped> {
        let (result, _) = deadline.run(|| catch_unwind(AssertUnwindSafe(work)));
        result.err().and_then(|panic| why(panic.as_ref()))
    }

    #[test]
    fn work_ends_when_its_time_is_up_or_the_run_is_cancelled() {
        let cancel = Arc::<AtomicBool>::default();
        assert_eq!(caught(by_flag(cancel.clone(), None), check), None);
        assert_eq!(
            caught(by_flag(cancel.clone(), Some(Duration::ZERO)), check),
            Some(Stopped::TimeUp)
        );
        let long = Some(Duration::MAX);
        assert_eq!(caught(by_flag(cancel.clone(), long), check), None);
        cancel.store(true, Ordering::Relaxed);
        assert_eq!(
            caught(by_flag(cancel, long), check),
            Some(Stopped::Cancelled)
        );
        // Nothing of it is left outside.
        assert_eq!(stopped(), None);
    }

    #[test]
    fn waiting_is_no_work() {
        let deadline = by_flag(Arc::default(), Some(Duration::from_millis(400)));
        let (left, waited) = deadline.run(|| {
            waiting(|| std::thread::sleep(Duration::from_millis(500)));
            left()
        });
        assert!(waited >= Duration::from_millis(500));
        assert!(left.is_some_and(|left| left > Duration::ZERO));
    }

    #[test]
    fn inner_work_has_its_own_time_and_what_it_waits_counts_outside() {
        let (inner, waited) = Deadline::default().run(|| {
            let inner = by_flag(Arc::default(), Some(Duration::ZERO)).run(|| {
                waiting(|| std::thread::sleep(Duration::from_millis(5)));
                current().until.is_some()
            });
            (inner.0, left())
        });
        assert_eq!(inner, (true, None));
        assert!(waited >= Duration::from_millis(5));
    }
}
