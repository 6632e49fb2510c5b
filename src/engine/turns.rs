//! The order in which pages of a document whose text is in doubt are read: that of the pages, so that what is
//! learned from one of them does not depend on which reader was faster.

use crate::lines::Readings;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Pages of a job whose text is not settled, and what was read of its fonts.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// Serial numbers of the pages under way, which rise with the pages.
    pending: Mutex<BTreeSet<u64>>,
    readings: Mutex<Readings>,
}

impl Turns {
    /// What was read of the document's fonts so far. A page whose reading panicked leaves it as it was then.
    pub(super) fn readings(&self) -> MutexGuard<'_, Readings> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A page's place among those of its job; once it is dropped, the next one has its turn.
pub(super) struct Turn {
    serial: u64,
    turns: Arc<Turns>,
}

impl Turn {
    /// The turn of a page that comes after all others so far.
    pub(super) fn of(turns: &Arc<Turns>, serial: u64) -> Turn {
        turns.pending().insert(serial);
        Turn {
            serial,
            turns: turns.clone(),
        }
    }

    /// `true` if the texts of all pages before this one are settled.
    pub(super) fn has_come(&self) -> bool {
        let first = self.turns.pending().first().copied();
        first.is_none_or(|first| first >= self.serial)
    }

    /// The text of the page is settled.
    pub(super) fn settle(&self) {
        self.turns.pending().remove(&self.serial);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.settle();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_their_turns_in_order() {
        let turns = Arc::new(Turns::default());
        let [first, second, third] = [3, 5, 9].map(|serial| Turn::of(&turns, serial));
        assert!(first.has_come() && !second.has_come() && !third.has_come());
        second.settle();
        assert!(!third.has_come());
        drop(first);
        assert!(third.has_come());
    }
}
