//! Pages of a document that are the same object of the file as earlier ones: some are parsed, the rest are told in a row.

use crate::document::Page;
use crate::input::PageSource;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// The pages of a document that were met, to find those that come again.
pub(super) struct Repeats {
    /// Repeated pages that are parsed.
    most: Option<usize>,
    /// The first page that was met of each object.
    seen: HashMap<usize, usize>,
    /// Repeated pages that were met.
    count: usize,
}

impl Repeats {
    /// None met yet; of those that come again `most` are parsed, or all.
    pub(super) fn new(most: Option<usize>) -> Repeats {
        Repeats {
            most,
            seen: HashMap::new(),
            count: 0,
        }
    }

    /// The page that this one repeats, if it is one repeated page too many.
    pub(super) fn left_out(&mut self, source: &dyn PageSource, page_index: usize) -> Option<usize> {
        let most = self.most?;
        let object = source.repeats(page_index).unwrap_or(page_index);
        match self.seen.entry(object) {
            Entry::Vacant(entry) => {
                entry.insert(page_index);
                None
            }
            Entry::Occupied(entry) => {
                self.count += 1;
                (self.count > most).then_some(*entry.get())
            }
        }
    }
}

/// Pages in a row that are left out because they repeat earlier ones.
pub(super) struct LeftOut {
    /// The place of the first among the selected pages.
    place: usize,
    pages: Range<usize>,
    earlier: BTreeSet<usize>,
}

impl LeftOut {
    /// Of different earlier pages as many are remembered: messages name fewer.
    const MOST_EARLIER: usize = 8;

    /// None yet; the first will be this one, at this place among the selected pages.
    pub(super) fn from(place: usize, page_index: usize) -> LeftOut {
        LeftOut {
            place,
            pages: page_index..page_index,
            earlier: BTreeSet::new(),
        }
    }

    /// Whether a page does not come next.
    pub(super) fn ends_before(&self, page_index: usize) -> bool {
        self.pages.end != page_index
    }

    pub(super) fn add(&mut self, earlier: usize) {
        self.pages.end += 1;
        if self.earlier.len() < Self::MOST_EARLIER {
            self.earlier.insert(earlier);
        }
    }

    /// The place of the first among the selected pages, how many there are, and the page that stands for them.
    pub(super) fn page(self) -> (usize, usize, Page) {
        let last = self.pages.end.saturating_sub(1);
        (
            self.place,
            self.pages.len(),
            Page::repeated(self.pages.start, last, &self.earlier),
        )
    }
}
