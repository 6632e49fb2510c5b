//! Repeated pages of a document (the same object of the file as an earlier page): some are parsed, the rest
//! are reported in runs.

use crate::document::Page;
use crate::input::PageSource;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// The pages of a document so far, to find repeated ones.
pub(super) struct Repeats {
    /// Most repeated pages that are parsed; `None` for all.
    most: Option<usize>,
    /// The first page of each object.
    seen: HashMap<usize, usize>,
    /// Number of repeated pages so far.
    count: usize,
}

impl Repeats {
    /// No pages yet; at most `most` repeated pages are parsed, `None` for all.
    pub(super) fn new(most: Option<usize>) -> Repeats {
        Repeats {
            most,
            seen: HashMap::new(),
            count: 0,
        }
    }

    /// The page that this one repeats, if the limit of repeated pages is exceeded.
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

/// A run of pages that are left out because they repeat earlier ones.
pub(super) struct RepeatedPages {
    /// Index of the first among the selected pages.
    place: usize,
    pages: Range<usize>,
    earlier: BTreeSet<usize>,
}

impl RepeatedPages {
    /// Most earlier pages that are remembered: messages name fewer.
    const MOST_EARLIER: usize = 8;

    /// An empty run that begins with this page, at this index among the selected pages.
    pub(super) fn from(place: usize, page_index: usize) -> RepeatedPages {
        RepeatedPages {
            place,
            pages: page_index..page_index,
            earlier: BTreeSet::new(),
        }
    }

    /// `true` if a page does not continue the run.
    pub(super) fn ends_before(&self, page_index: usize) -> bool {
        self.pages.end != page_index
    }

    pub(super) fn add(&mut self, earlier: usize) {
        self.pages.end += 1;
        if self.earlier.len() < Self::MOST_EARLIER {
            self.earlier.insert(earlier);
        }
    }

    /// Index of the first among the selected pages, number of pages, and the page that stands for them.
    pub(super) fn page(self) -> (usize, usize, Page) {
        let last = self.pages.end.saturating_sub(1);
        (
            self.place,
            self.pages.len(),
            Page::repeated(self.pages.start, last, &self.earlier),
        )
    }
}
