//! Permits: how many pages may be in flight, and how much memory they may take together.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// How often a waiting taker looks whether the run was stopped.
const LOOK: Duration = Duration::from_millis(50);

/// The pages in flight with the bytes that each may take.
pub struct Permits {
    most_pages: usize,
    most_bytes: u64,
    taken: Mutex<Taken>,
    returned: Condvar,
}

#[derive(Default)]
struct Taken {
    /// Bytes by the number of the page.
    pages: BTreeMap<u64, u64>,
    bytes: u64,
}

impl Permits {
    /// Room for `most_pages` pages of `most_bytes` together. One page alone always has room.
    pub fn new(most_pages: usize, most_bytes: u64) -> Self {
        Self { most_pages, most_bytes, taken: Mutex::default(), returned: Condvar::new() }
    }

    /// Takes a permit for the page `serial`, which may take `bytes`, waiting for it; false when `stopped` became true
    /// instead.
    pub fn take(&self, serial: u64, bytes: u64, stopped: &dyn Fn() -> bool) -> bool {
        let mut taken = self.taken.lock().expect("nothing panics while it holds the permits");
        loop {
            if stopped() {
                return false;
            }
            let fits = taken.bytes.saturating_add(bytes) <= self.most_bytes;
            if taken.pages.is_empty() || (fits && taken.pages.len() < self.most_pages) {
                taken.bytes = taken.bytes.saturating_add(bytes);
                taken.pages.insert(serial, bytes);
                return true;
            }
            taken =
                self.returned.wait_timeout(taken, LOOK).expect("nothing panics while it holds the permits").0;
        }
    }

    /// Gives the permit of a page back, if it has one.
    pub fn give_back(&self, serial: u64) {
        let mut taken = self.taken.lock().expect("nothing panics while it holds the permits");
        if let Some(bytes) = taken.pages.remove(&serial) {
            taken.bytes -= bytes.min(taken.bytes);
        }
        drop(taken);
        self.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Whether there is a permit now.
    fn takes(permits: &Permits, serial: u64, bytes: u64) -> bool {
        let looks = Cell::new(0);
        permits.take(serial, bytes, &|| looks.replace(looks.get() + 1) > 0)
    }

    #[test]
    fn pages_are_bounded_by_number_and_by_memory() {
        let permits = Permits::new(3, 100);
        assert!(takes(&permits, 0, 10) && takes(&permits, 1, 90));
        assert!(!takes(&permits, 2, 1));
        permits.give_back(1);
        assert!(takes(&permits, 2, 1) && takes(&permits, 3, 1));
        assert!(!takes(&permits, 4, 0), "three are in flight");
    }

    #[test]
    fn one_page_alone_always_has_room() {
        let permits = Permits::new(0, 0);
        assert!(takes(&permits, 7, u64::MAX));
        assert!(!takes(&permits, 8, 0));
        permits.give_back(7);
        permits.give_back(7);
        assert!(takes(&permits, 8, u64::MAX));
    }
}
