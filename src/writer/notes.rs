//! The pages and footnotes of a document, as places that links lead to.

use crate::document::{Block, Body, Label, Page};
use std::collections::{BTreeMap, BTreeSet};

/// The footnotes of a page.
#[derive(Default)]
struct PageNotes<'a> {
    /// Number of the first one.
    first: usize,
    /// Those with a mark: the indices of their blocks in order, each with its number.
    by_mark: BTreeMap<&'a str, Vec<(usize, usize)>>,
}

/// The footnotes of all pages, numbered over the document, and what refers to them.
#[derive(Default)]
pub(super) struct Notes<'a> {
    /// By the position of their page.
    pages: BTreeMap<usize, PageNotes<'a>>,
    /// Position of the page that is being written.
    page: usize,
    /// Numbers of those that a reference was written for.
    referred: BTreeSet<usize>,
}

impl<'a> Notes<'a> {
    /// The footnotes of the pages; nothing refers to them if they are not `shown`.
    pub(super) fn of(pages: &'a [Page], shown: bool) -> Notes<'a> {
        let mut notes = Notes::default();
        let mut count = 0;
        for page in pages {
            let mut found = PageNotes {
                first: count + 1,
                ..PageNotes::default()
            };
            for (at, block) in page.blocks.iter().enumerate().filter(|_| shown) {
                if let Some(mark) = footnote(block) {
                    count += 1;
                    if let Some(mark) = mark {
                        found.by_mark.entry(mark).or_default().push((at, count));
                    }
                }
            }
            notes.pages.insert(page.page_index, found);
        }
        notes
    }

    /// Goes on to a page; the number of its first footnote.
    pub(super) fn start(&mut self, page: &Page) -> usize {
        self.page = page.page_index;
        self.pages.get(&self.page).map_or(0, |notes| notes.first)
    }

    /// `true` for the position of a page of the document.
    pub(super) fn has_page(&self, page: usize) -> bool {
        self.pages.contains_key(&page)
    }

    /// The number of the footnote that a mark in a block refers to: where several have it, the next one; or the first
    /// one on another `page`.
    pub(super) fn number(&self, mark: &str, at: usize, page: Option<usize>) -> Option<usize> {
        let notes = self.pages.get(&page.unwrap_or(self.page))?;
        let places = notes.by_mark.get(mark)?;
        let at = if page.is_some() { 0 } else { at };
        let next = places.partition_point(|(place, _)| *place < at);
        let found = places.get(next).or(places.last())?;
        Some(found.1)
    }

    /// Notes a reference to a footnote; `true` for the first one.
    pub(super) fn refer(&mut self, number: usize) -> bool {
        self.referred.insert(number)
    }

    /// `true` if a reference to it was written.
    pub(super) fn is_referred(&self, number: usize) -> bool {
        self.referred.contains(&number)
    }
}

/// The mark of a footnote of the page; notes below figures and tables are none.
pub(super) fn footnote(block: &Block) -> Option<Option<&str>> {
    match &block.body {
        Body::Footnote { mark, .. } if block.label == Label::Footnote => Some(mark.as_deref()),
        _ => None,
    }
}
