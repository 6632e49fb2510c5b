//! Summary of a written document: files, errors and page warnings, and the observer that receives it.

use crate::document::{Diagnostic, Document, Page, Severity};
use crate::engine::{DocumentEnd, Job, OpenedDocument};
use crate::fault::{Fault, Reason};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Summary of a written document.
#[derive(Debug, Clone, Default)]
pub(crate) struct WrittenDocument {
    /// Files, in the order written.
    pub files: Vec<PathBuf>,
    /// Faults of pages, blocks and files.
    pub errors: Vec<DocumentError>,
    /// Diagnostics of whole pages; those of blocks are in the JSON only.
    pub warnings: Vec<PageWarning>,
    /// Pages written.
    pub pages: usize,
    /// Milliseconds spent on each stage, over all pages.
    pub stage_ms: BTreeMap<&'static str, f64>,
    /// `true` if the last error is the only one of its pages.
    is_last_alone: bool,
}

/// A fault of a document that was written nevertheless.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DocumentError {
    /// First and last page affected, from 1; `None` for a fault with a file.
    pub pages: Option<(usize, usize)>,
    /// The fault.
    pub fault: Fault,
}

impl DocumentError {
    pub(super) fn of_file(fault: Fault) -> Self {
        DocumentError { pages: None, fault }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = &self.fault;
        match self.pages {
            None => write!(f, "{fault}"),
            Some((first, last)) if first == last => write!(f, "page {first}: {fault}"),
            Some((first, last)) => write!(f, "pages {first}-{last}: {fault}"),
        }
    }
}

impl WrittenDocument {
    /// How it ends for the run.
    pub(super) fn end(&self) -> DocumentEnd {
        match self.errors.is_empty() {
            true => DocumentEnd::Whole,
            false => DocumentEnd::Partial,
        }
    }

    /// Adds a page's time and errors.
    pub(super) fn count(&mut self, page: &Page) {
        self.pages += page.stands_for();
        for (stage, ms) in &page.timings {
            *self.stage_ms.entry(stage).or_default() += ms;
        }
        let number = page.page_index + 1;
        let errors = page.diagnostics.iter();
        let errors = errors.filter(|told| told.severity == Severity::Error);
        let mut errors: Vec<Fault> = errors
            .map(|told| Fault::new(told.reason.unwrap_or(Reason::Internal), &told.message))
            .collect();
        // The same single error on consecutive pages is reported once.
        if let ([fault], true, Some(before)) = (
            errors.as_slice(),
            self.is_last_alone,
            self.errors.last_mut(),
        ) && before.fault == *fault
            && let Some((_, last)) = &mut before.pages
            && *last + 1 == number
        {
            *last = number;
            return;
        }
        self.is_last_alone = errors.len() == 1;
        self.errors
            .extend(errors.drain(..).map(|fault| DocumentError {
                pages: Some((number, number)),
                fault,
            }));
    }
}

/// A warning about a page, or consecutive pages.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PageWarning {
    /// The page, from 1.
    pub page: usize,
    /// The last of several pages.
    pub last_page: Option<usize>,
    /// The warning.
    pub diagnostic: Diagnostic,
}

/// Warnings about whole pages.
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

/// A document without pages yet.
pub(crate) fn new_document(job: &Job, opened: &OpenedDocument) -> Document {
    Document {
        input_path: job.file.given.clone(),
        pages: Vec::new(),
        page_count: opened.is_paged.then_some(opened.page_count),
        info: opened.info.clone(),
    }
}

/// Receives events of documents.
pub(crate) trait WriteObserver {
    /// A document was opened; `selected` pages of it are parsed.
    fn opened(&mut self, job: &Job, selected: usize);
    /// A page was received.
    fn page(&mut self, job: &Job, page: &Page);
    /// A document is complete, with what its pages tell about each other; its files are written next.
    fn finished(&mut self, _job: &Job, _document: &Document) {}
    /// A document was written.
    fn written(&mut self, job: &Job, document: WrittenDocument);
    /// A document was given up.
    fn failed(&mut self, job: &Job, fault: &Fault);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_in_a_row_with_the_same_error_are_one_message() {
        let mut written = WrittenDocument::default();
        let failed = |index: usize, why: &str| Page::failed(index, Fault::internal(why));
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
        let told: Vec<String> = written.errors.iter().map(|e| e.to_string()).collect();
        assert_eq!(told, expected);
        assert_eq!(written.pages, 9);
    }
}
