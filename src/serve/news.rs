//! News for threads that look for something to do: what is told between a look and the wait after it is not lost.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Counts what was told.
#[derive(Debug, Default)]
pub(crate) struct News {
    count: Mutex<u64>,
    told: Condvar,
}

/// What had been told at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen(u64);

impl News {
    fn lock(&self) -> MutexGuard<'_, u64> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was told so far: to be taken before a look.
    pub(crate) fn seen(&self) -> Seen {
        Seen(*self.lock())
    }

    /// There may be something to do.
    pub(crate) fn tell(&self) {
        *self.lock() += 1;
        self.told.notify_all();
    }

    /// Waits for something that was told after `seen`, for `most` at most; `true` if there is.
    pub(crate) fn wait(&self, seen: Seen, most: Duration) -> bool {
        let is_old = |count: &mut u64| *count == seen.0;
        let waited = self.told.wait_timeout_while(self.lock(), most, is_old);
        let (count, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *count != seen.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_between_a_look_and_the_wait_is_not_lost() {
        let news = News::default();
        let seen = news.seen();
        assert!(!news.wait(seen, Duration::ZERO));
        // The look finds nothing, and only then there is something.
        news.tell();
        assert!(news.wait(seen, Duration::ZERO));
        // For all who looked before.
        assert!(news.wait(seen, Duration::ZERO));
        assert!(!news.wait(news.seen(), Duration::ZERO));
    }

    #[test]
    fn who_waits_is_woken() {
        let news = News::default();
        let seen = news.seen();
        std::thread::scope(|scope| {
            // Without end, if nobody were woken.
            let waiting = scope.spawn(|| news.wait(seen, Duration::MAX));
            news.tell();
            assert!(waiting.join().unwrap());
        });
    }
}
