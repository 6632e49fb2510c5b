//! Permits: how many pages may be in flight.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// How often a waiting taker looks whether the run was stopped.
const LOOK: Duration = Duration::from_millis(50);

/// A counter of free places.
pub struct Permits {
    free: Mutex<usize>,
    returned: Condvar,
}

impl Permits {
    /// `count` free places.
    pub fn new(count: usize) -> Self {
        Self { free: Mutex::new(count), returned: Condvar::new() }
    }

    /// Takes a place, waiting for one; false when `stopped` became true instead.
    pub fn take(&self, stopped: &dyn Fn() -> bool) -> bool {
        let mut free = self.free.lock().expect("nothing panics while it holds the counter");
        loop {
            if stopped() {
                return false;
            }
            if *free > 0 {
                *free -= 1;
                return true;
            }
            free =
                self.returned.wait_timeout(free, LOOK).expect("nothing panics while it holds the counter").0;
        }
    }

    /// Gives a place back.
    pub fn give_back(&self) {
        *self.free.lock().expect("nothing panics while it holds the counter") += 1;
        self.returned.notify_one();
    }
}
