//! What is told of documents that were written: files, errors and warnings of pages, and the observer that hears of them.

use crate::document::{Diagnostic, Document, Page, Severity};
use crate::engine::Job;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What was written for a document.
#[derive(Debug, Clone, Default)]
pub struct WrittenDocument {
    /// Files, in the order in which they were written.
    pub files: Vec<PathBuf>,
    /// Messages of failed pages and blocks, `page 3: ...`; of pages in a row with the same one, `pages 3-7: ...`.
    pub errors: Vec<String>,
    /// What was noticed of whole pages; what was noticed of blocks stands in the JSON only.
    pub warnings: Vec<PageWarning>,
    /// Pages written.
    pub pages: usize,
    /// Milliseconds spent on each stage, over all pages.
    pub stage_ms: BTreeMap<&'static str, f64>,
    /// The pages, from 1, of the last message, where it is the only one of each.
    last: Option<(usize, usize)>,
}

impl WrittenDocument {
    /// Counts a page in: its time and its errors.
    pub(super) fn count(&mut self, page: &Page) {
        self.pages += page.stands_for();
        for (stage, ms) in &page.timings {
            *self.stage_ms.entry(stage).or_default() += ms;
        }
        let number = page.page_index + 1;
        let errors: Vec<&str> = page
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .map(|d| d.message.as_str())
            .collect();
        if let ([error], Some((first, last)), Some(message)) =
            (errors.as_slice(), self.last, self.errors.last_mut())
            && last + 1 == number
            && message
                .split_once(": ")
                .is_some_and(|(_, before)| before == *error)
        {
            *message = format!("pages {first}-{number}: {error}");
            self.last = Some((first, number));
            return;
        }
        self.last = (errors.len() == 1).then_some((number, number));
        self.errors
            .extend(errors.iter().map(|error| format!("page {number}: {error}")));
    }
}

/// A warning about a page, or pages in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct PageWarning {
    /// The page, from 1.
    pub page: usize,
    /// The last of several pages.
    pub last_page: Option<usize>,
    /// What is told.
    pub diagnostic: Diagnostic,
}

/// What was noticed of whole pages.
pub(super) fn page_warnings(pages: &[Page]) -> Vec<PageWarning> {
    let is_told = |d: &&Diagnostic| d.severity == Severity::Warning && d.block_id.is_none();
    let of_page = |page: &Page| {
        let told = page.diagnostics.iter().filter(is_told).cloned();
        let warning = |diagnostic| PageWarning {
            page: page.page_index + 1,
            last_page: page.through.map(|last| last + 1),
            diagnostic,
        };
        told.map(warning).collect::<Vec<_>>()
    };
    pages.iter().flat_map(of_page).collect()
}

/// A document of which no page has come yet.
pub(crate) fn new_document(job: &Job, page_count: usize, is_paged: bool) -> Document {
    let page_count = is_paged.then_some(page_count);
    Document {
        input_path: job.file.given.clone(),
        pages: Vec::new(),
        page_count,
    }
}

/// Hears of documents that are finished or given up.
pub trait WriteObserver {
    /// A document was opened.
    fn opened(&mut self, job: &Job, selected: usize);
    /// A page was handed over.
    fn page(&mut self, job: &Job, page: &Page);
    /// A document was written.
    fn written(&mut self, job: &Job, document: WrittenDocument);
    /// A document was given up.
    fn failed(&mut self, job: &Job, reason: &str);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_in_a_row_with_the_same_error_are_one_message() {
        let mut written = WrittenDocument::default();
        let failed = |index: usize, reason: &str| Page::failed(index, reason.into());
        for (index, reason) in [
            (0, "a: b"),
            (2, "a: b"),
            (3, "a: b"),
            (4, "a: b"),
            (5, "c"),
            (6, "c"),
            (9, "c"),
        ] {
            written.count(&failed(index, reason));
        }
        let mut two = failed(10, "c");
        two.diagnostics.push(failed(10, "d").diagnostics.remove(0));
        written.count(&two);
        written.count(&failed(11, "d"));
        let expected = [
            "page 1: a: b",
            "pages 3-5: a: b",
            "pages 6-7: c",
            "page 10: c",
            "page 11: c",
            "page 11: d",
            "page 12: d",
        ];
        assert_eq!(
            (written.errors.as_slice(), written.pages),
            (&expected.map(String::from)[..], 9)
        );
    }
}
