//! Detection of pages that are the same object of the file: a page tree may list one page any number of
//! times.
//!
//! pdfium does not expose a page's object number. So the document is opened a second time, and each page
//! visited is given a unique size: wherever that size appears again, the page is the same object.

use super::library::OpenDocument;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

/// Fewest pages of a document that is searched; smaller ones repeat too little to matter.
const LEAST_PAGES: usize = 64;
/// File size per page, in bytes, above which a file is not searched: a page of its own takes some bytes.
const MOST_BYTES: u64 = 1024;
/// Most pages that are marked; the others count as distinct.
const MOST_MARKS: usize = 4096;
/// Marks spent on pages spread over the document.
const SPREAD_MARKS: usize = MOST_MARKS / 2;
/// Time limit for marking: loading a page of a hostile file may take long.
const MOST_TIME: Duration = Duration::from_secs(5);
/// A size in points that no page has: its fractions are the mark.
const MARK: (f32, f32) = (5000.25, 9000.25);
/// Marks that differ in width only, before the height changes.
const MARKS_IN_A_ROW: usize = 2048;

/// `true` if a file of this size and page count may list the same page repeatedly.
pub(crate) fn may_repeat(file_bytes: u64, pages: usize) -> bool {
    pages >= LEAST_PAGES && file_bytes / (pages as u64) < MOST_BYTES
}

/// Pairs of a page and the first page that is the same object, in order. `sizes`: those of all pages.
///
/// Takes time linear in the page count, and loads at most [`MOST_MARKS`] pages, for at most [`MOST_TIME`]. It
/// changes page sizes in `document`, which must not be used afterwards.
pub(crate) fn repeats(document: &OpenDocument<'_>, sizes: &[(f32, f32)]) -> Vec<(u32, u32)> {
    let mut marks = Marks {
        document,
        sizes,
        until: Instant::now() + MOST_TIME,
        count: 0,
    };
    // Pages spread over the document first: this catches a page that is repeated often, however many distinct
    // pages come before it.
    for index in (0..sizes.len()).step_by((sizes.len() / SPREAD_MARKS).max(1)) {
        marks.of(index);
    }
    let mut first_pages: HashMap<[u32; 2], u32> = HashMap::new();
    let mut repeats = Vec::new();
    for index in 0..sizes.len() {
        let Some(mark) = marks.of(index) else {
            continue;
        };
        match first_pages.entry(mark) {
            Entry::Vacant(entry) => drop(entry.insert(index as u32)),
            Entry::Occupied(entry) => repeats.push((index as u32, *entry.get())),
        }
    }
    repeats
}

/// Assigns marks to a document's pages.
struct Marks<'a> {
    document: &'a OpenDocument<'a>,
    /// Original sizes of the pages.
    sizes: &'a [(f32, f32)],
    /// Time after which no marks are assigned.
    until: Instant,
    /// Number of marks assigned.
    count: usize,
}

impl Marks<'_> {
    /// The mark of a page; assigns one if it has none and the limits allow it.
    fn of(&mut self, index: usize) -> Option<[u32; 2]> {
        let key = |size: (f32, f32)| [size.0.to_bits(), size.1.to_bits()];
        // The size as pdfium reports it, after the page's rotation and units. It differs from the original
        // size only if the page was marked.
        let original = key(*self.sizes.get(index)?);
        let mark = || {
            self.document
                .page_size(index)
                .map(key)
                .filter(|size| *size != original)
        };
        if let Some(mark) = mark() {
            return Some(mark);
        }
        if self.count >= MOST_MARKS || Instant::now() >= self.until {
            return None;
        }
        let width = MARK.0 + (self.count % MARKS_IN_A_ROW) as f32;
        let height = MARK.1 + (self.count / MARKS_IN_A_ROW) as f32;
        self.count += 1;
        if !self.document.set_page_size(index, (width, height)) {
            return None;
        }
        mark()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_files_are_not_searched() {
        assert!(!may_repeat(10_000, 10));
        assert!(!may_repeat(50 << 20, 10_000));
        assert!(may_repeat(600_000, 100_000));
    }
}
