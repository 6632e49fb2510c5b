//! Pages that are the same object of the file: a page tree may list one page any number of times.
//!
//! pdfium does not tell the number of a page's object. So the document is opened a second time, and each page that is found
//! is given a size of its own: wherever that size shows up again, the same object is shown again.

use super::library::OpenDocument;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

/// Documents with fewer pages repeat too few to matter.
const LEAST_PAGES: usize = 64;
/// Bytes of the file for each page, above which pages cannot all be the same: a page of its own takes some.
const MOST_BYTES: u64 = 1024;
/// Pages that are marked at most; those not marked count as pages of their own.
const MOST_MARKS: usize = 4096;
/// Of them, those that are spread over the document.
const SPREAD_MARKS: usize = MOST_MARKS / 2;
/// How long pages are marked: loading one may take long if somebody wants it to.
const MOST_TIME: Duration = Duration::from_secs(5);
/// Sizes in points that no page has: the mark is in their fractions.
const MARK: (f32, f32) = (5000.25, 9000.25);
/// Marks in a row of sizes.
const MARKS_IN_A_ROW: usize = 2048;

/// Whether a file of so many bytes and pages may show pages again and again.
pub fn may_repeat(file_bytes: u64, pages: usize) -> bool {
    pages >= LEAST_PAGES && file_bytes / (pages as u64) < MOST_BYTES
}

/// The pages that are the same object as an earlier one, with the first of those, in order. `sizes`: those of all pages.
///
/// Takes time in proportion to the pages, and loads [`MOST_MARKS`] of them at most, for [`MOST_TIME`]. Changes `document`,
/// which is good for nothing else afterwards.
pub fn repeats(document: &OpenDocument<'_>, sizes: &[(f32, f32)]) -> Vec<(u32, u32)> {
    let mut marks = Marks {
        document,
        sizes,
        until: Instant::now() + MOST_TIME,
        count: 0,
    };
    // Pages all over the document first: what comes again and again is among them, however many others stand before it.
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

/// The marks of a document's pages.
struct Marks<'a> {
    document: &'a OpenDocument<'a>,
    /// Sizes that the pages had.
    sizes: &'a [(f32, f32)],
    /// When no more are given.
    until: Instant,
    /// How many were given.
    count: usize,
}

impl Marks<'_> {
    /// The mark of a page, which is given one if it has none and there are any left.
    fn of(&mut self, index: usize) -> Option<[u32; 2]> {
        let key = |size: (f32, f32)| [size.0.to_bits(), size.1.to_bits()];
        // As the size is told, whatever the page's rotation and units make of it. A page has another size than it had only
        // if it was marked.
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
