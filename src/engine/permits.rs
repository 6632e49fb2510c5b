//! Permits: bound the number of pages in flight and their total memory.

use std::collections::BTreeMap;

/// Pages that hold a permit, with the bytes reserved for each.
#[derive(Debug)]
pub(super) struct Permits {
    most_pages: usize,
    most_bytes: u64,
    /// Bytes by the page's serial number.
    pages: BTreeMap<u64, u64>,
    bytes: u64,
}

impl Permits {
    /// Permits for `most_pages` pages and `most_bytes` together. A single page always gets one.
    pub(super) fn new(most_pages: usize, most_bytes: u64) -> Self {
        Self {
            most_pages,
            most_bytes,
            pages: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// `true` if there is a permit for a page of this size.
    pub(super) fn has(&self, bytes: u64) -> bool {
        let fits = self.bytes.saturating_add(bytes) <= self.most_bytes;
        self.pages.is_empty() || (fits && self.pages.len() < self.most_pages)
    }

    /// Gives page `serial` a permit for `bytes`, even beyond the limits.
    pub(super) fn take(&mut self, serial: u64, bytes: u64) {
        self.give_back(serial);
        self.bytes = self.bytes.saturating_add(bytes);
        self.pages.insert(serial, bytes);
    }

    /// Returns the permit of a page, if it has one.
    pub(super) fn give_back(&mut self, serial: u64) {
        if let Some(bytes) = self.pages.remove(&serial) {
            self.bytes -= bytes.min(self.bytes);
        }
    }

    /// `true` if no page has a permit.
    pub(super) fn is_unused(&self) -> bool {
        self.pages.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a permit if there is one.
    fn takes(permits: &mut Permits, serial: u64, bytes: u64) -> bool {
        let has = permits.has(bytes);
        if has {
            permits.take(serial, bytes);
        }
        has
    }

    #[test]
    fn pages_are_bounded_by_number_and_by_memory() {
        let mut permits = Permits::new(3, 100);
        assert!(takes(&mut permits, 0, 10) && takes(&mut permits, 1, 90));
        assert!(!takes(&mut permits, 2, 1));
        permits.give_back(1);
        assert!(takes(&mut permits, 2, 1) && takes(&mut permits, 3, 1));
        assert!(!takes(&mut permits, 4, 0), "three are in flight");
    }

    #[test]
    fn one_page_alone_always_gets_a_permit() {
        let mut permits = Permits::new(0, 0);
        assert!(takes(&mut permits, 7, u64::MAX));
        assert!(!takes(&mut permits, 8, 0));
        permits.give_back(7);
        permits.give_back(7);
        assert!(permits.is_unused() && takes(&mut permits, 8, u64::MAX));
    }
}
