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
        for (number, page) in document.pages.iter().enumerate() {
            let marks = Marks::of(page);
            if marks.0.is_empty() {
                continue;
            }
            for (at, block) in page.blocks.iter().enumerate() {
                if options.is_left_out(block.label) || footnote(block).is_some() {
                    continue;
                }
                for inline in block.body.paragraphs().into_iter().flatten() {
                    if let Inline::FootnoteReference { mark } = inline
                        && let Some(place) = marks.place(mark, at)
                        && known.insert((number, place))
                    {
                        referred.push(((number, place), mark));
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
        }
    }

    /// The label of a footnote; `None` where nothing refers to it.
    pub(super) fn label(&self, page: usize, block: usize) -> Option<&str> {
        self.labels.get(&(page, block)).map(String::as_str)
    }
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
