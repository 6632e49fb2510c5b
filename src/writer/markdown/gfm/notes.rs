//! Footnotes over a document: the labels of those that something refers to.

use crate::document::inline::Inline;
use crate::document::{Block, Body, Document, Label, Page};
use crate::writer::figures::is_blank;
use crate::writer::options::MarkdownOptions;
use std::collections::{BTreeMap, BTreeSet};

/// The footnotes of a document that something refers to, by page and block (positions in their lists), with their labels.
#[derive(Debug, Default)]
pub(super) struct Notes {
    labels: BTreeMap<(usize, usize), String>,
    /// Page and block of the footnotes that texts of earlier pages refer to, by the page's index and the mark.
    elsewhere: BTreeMap<(usize, String), (usize, usize)>,
}

impl Notes {
    /// Finds the footnotes of a document. Their labels are their marks where each is a number of its own; else, since marks often
    /// start again on every page, numbers in the order of the first references.
    pub(super) fn of(document: &Document, options: &MarkdownOptions) -> Notes {
        if options.is_left_out(Label::Footnote) {
            return Notes::default();
        }
        let mut referred: Vec<((usize, usize), &str)> = Vec::new();
        let mut known: BTreeSet<(usize, usize)> = BTreeSet::new();
        let mut elsewhere = BTreeMap::new();
        for (number, page) in document.pages.iter().enumerate() {
            let marks = Marks::of(page);
            for (at, block) in page.blocks.iter().enumerate() {
                if options.is_left_out(block.label) || footnote(block).is_some() {
                    continue;
                }
                for inline in block.body.paragraphs().into_iter().flatten() {
                    let Inline::FootnoteReference { mark, page } = inline else {
                        continue;
                    };
                    let place = match page {
                        Some(page) => {
                            let place = on_page(document, *page, mark);
                            elsewhere.extend(place.map(|place| ((*page, mark.clone()), place)));
                            place
                        }
                        None => marks.place(mark, at).map(|block| (number, block)),
                    };
                    if let Some(place) = place.filter(|place| known.insert(*place)) {
                        referred.push((place, mark));
                    }
                }
            }
        }
        let mut numbers = BTreeSet::new();
        let is_number = |mark: &str| !mark.is_empty() && mark.bytes().all(|b| b.is_ascii_digit());
        let are_labels = referred
            .iter()
            .all(|(_, mark)| is_number(mark) && numbers.insert(*mark));
        let labels = referred.iter().enumerate().map(|(at, (place, mark))| {
            let label = match are_labels {
                true => mark.to_string(),
                false => (at + 1).to_string(),
            };
            (*place, label)
        });
        Notes {
            labels: labels.collect(),
            elsewhere,
        }
    }

    /// Page and block of a footnote that a text of an earlier page refers to.
    pub(super) fn elsewhere(&self, page_index: usize, mark: &str) -> Option<(usize, usize)> {
        self.elsewhere.get(&(page_index, mark.to_string())).copied()
    }

    /// The label of a footnote; `None` where nothing refers to it.
    pub(super) fn label(&self, page: usize, block: usize) -> Option<&str> {
        self.labels.get(&(page, block)).map(String::as_str)
    }
}

/// The first footnote with a mark on the page with an index: positions of both in their lists.
fn on_page(document: &Document, page_index: usize, mark: &str) -> Option<(usize, usize)> {
    let number = document
        .pages
        .partition_point(|page| page.page_index < page_index);
    let page = document
        .pages
        .get(number)
        .filter(|page| page.page_index == page_index)?;
    Some((number, Marks::of(page).place(mark, 0)?))
}

/// The footnotes of a page by their marks: positions of their blocks in order.
#[derive(Debug, Default)]
pub(super) struct Marks<'a>(BTreeMap<&'a str, Vec<usize>>);

impl<'a> Marks<'a> {
    pub(super) fn of(page: &'a Page) -> Marks<'a> {
        let mut marks = Marks::default();
        for (at, block) in page.blocks.iter().enumerate() {
            if let Some(mark) = footnote(block) {
                marks.0.entry(mark).or_default().push(at);
            }
        }
        marks
    }

    /// The footnote that a mark in a block refers to: where several have it, the next one.
    pub(super) fn place(&self, mark: &str, block: usize) -> Option<usize> {
        let places = self.0.get(mark)?;
        let next = places.partition_point(|place| *place < block);
        places.get(next).or(places.last()).copied()
    }
}

/// The mark of a footnote with text. Notes below figures and tables are no footnotes.
fn footnote(block: &Block) -> Option<&str> {
    match &block.body {
        Body::Footnote {
            mark: Some(mark),
            paragraphs,
        } if block.label == Label::Footnote => {
            let has_text = paragraphs.iter().any(|paragraph| !is_blank(paragraph));
            has_text.then_some(mark.as_str())
        }
        _ => None,
    }
}
