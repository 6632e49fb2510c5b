//! How long the work of a thread may go on: until the time of its page is up, or its document is cancelled.
//!
//! A stage does its work inside [`Deadline::run`]. What computes for long looks at [`check`] between its steps, however
//! deep below it is; where the work has to end, the thread unwinds with [`Stopped`] to whoever caught panics of it, so no
//! function on the way needs a way to say so. (rust-analyzer's queries are ended the same way.) Waiting for a turn, such
//! as for a free worker, is no work: [`waiting`] stops the clock. Threads that are started inside take [`current`] along.

use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Says whether something was cancelled: by the flag of whoever wanted it, or by a flag of whoever does it.
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

    /// Cancels, and leaves the outer flag as it is.
    pub fn cancel(&self) {
        self.own.store(true, Ordering::Relaxed);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.outer.load(Ordering::Relaxed) || self.own.load(Ordering::Relaxed)
    }
}

/// When work has to end.
#[derive(Debug, Clone, Default)]
pub struct Deadline {
    until: Option<Instant>,
    /// It has to end when all of these are cancelled; none: not for that.
    cancels: Vec<CancelToken>,
}

/// Why work was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// The time is up.
    #[error("the time is up")]
    TimeUp,
    /// What the work is for was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// What a thread works by.
#[derive(Default)]
struct Current {
    deadline: Deadline,
    waited: Duration,
}

thread_local! {
    static CURRENT: RefCell<Current> = RefCell::default();
}

impl Deadline {
    /// The end of work for several: when all of them are cancelled, or after `left`.
    pub fn of_all(cancels: Vec<CancelToken>, left: Option<Duration>) -> Deadline {
        Deadline {
            until: left.and_then(|left| Instant::now().checked_add(left)),
            cancels,
        }
    }

    /// The same with an end after `left` at the latest.
    pub fn shortened(self, left: Option<Duration>) -> Deadline {
        let end = left.and_then(|left| Instant::now().checked_add(left));
        Deadline {
            until: self.until.into_iter().chain(end).min(),
            ..self
        }
    }

    /// Whether work by it may ever have to end before it is done.
    pub fn can_end(&self) -> bool {
        self.until.is_some() || !self.cancels.is_empty()
    }

    /// Why work by it has to end; `None`: it may go on.
    pub fn stopped(&self) -> Option<Stopped> {
        if !self.cancels.is_empty() && self.cancels.iter().all(CancelToken::is_cancelled) {
            return Some(Stopped::Cancelled);
        }
        self.until
            .is_some_and(|until| Instant::now() >= until)
            .then_some(Stopped::TimeUp)
    }

    /// Does work of this thread by it; also how long the work waited.
    pub fn run<T>(self, work: impl FnOnce() -> T) -> (T, Duration) {
        /// Puts back what was before, also when the work unwinds.
        struct Restore(Current);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.with_borrow_mut(|current| {
                    // Whoever is around it has waited as long.
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

/// The deadline of this thread's work, for a thread that does part of it.
pub fn current() -> Deadline {
    CURRENT.with_borrow(|current| current.deadline.clone())
}

/// Why this thread's work has to end; `None`: it may go on.
pub fn stopped() -> Option<Stopped> {
    CURRENT.with_borrow(|current| current.deadline.stopped())
}

/// Time that is left to this thread's work; `None`: as much as it needs.
pub fn left() -> Option<Duration> {
    let until = CURRENT.with_borrow(|current| current.deadline.until);
    until.map(|until| until.saturating_duration_since(Instant::now()))
}

/// Ends this thread's work, by unwinding with [`Stopped`], where it has to end.
pub fn check() {
    if let Some(why) = stopped() {
        end(why);
    }
}

/// Unwinds without the message of a panic.
pub fn end(why: Stopped) -> ! {
    std::panic::resume_unwind(Box::new(why))
}

/// Waits for a turn: the clock stands still meanwhile.
pub fn waiting<T>(wait: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = wait();
    let waited = start.elapsed();
    CURRENT.with_borrow_mut(|current| {
        current.waited += waited;
        current.deadline.postpone(waited);
    });
    result
}

/// Why work was ended, by what was caught of it; `None`: it panicked.
pub fn why(caught: &(dyn Any + Send)) -> Option<Stopped> {
    caught.downcast_ref().copied()
}

/// What is told of a page that took longer than it may.
pub fn time_up(limit: Duration) -> String {
    format!(
        "the page took longer than {} s and was given up",
        limit.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// The end of work by a flag.
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
        // Nothing is left of it outside.
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
