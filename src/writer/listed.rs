//! The tables of a document with their places, for the formats that write nothing else.

use crate::document::{Block, Body, Document, Label, Table};

/// A table and its location.
pub(super) struct Listed<'a> {
    /// The table.
    pub table: Table,
    /// Cells of it were left out because it is too large.
    pub is_cut: bool,
    /// Its page, from 1.
    pub page: usize,
    /// Its number among the tables of the page, from 1.
    pub number: usize,
    /// Its block.
    pub block: &'a Block,
    /// The title beside it.
    pub caption: Option<&'a str>,
}

/// `true` if the document has a table.
pub(super) fn has_table(document: &Document) -> bool {
    let mut blocks = document.pages.iter().flat_map(|page| &page.blocks);
    blocks.any(|block| matches!(block.body, Body::Table { .. }))
}

/// The tables of a document, in its order.
pub(super) fn tables(document: &Document) -> Vec<Listed<'_>> {
    let mut found = Vec::new();
    for page in &document.pages {
        let mut number = 0;
        for (index, block) in page.blocks.iter().enumerate() {
            if block.label != Label::Table {
                continue;
            }
            let Some((table, is_cut)) = Table::read_html(&block.content) else {
                continue;
            };
            number += 1;
            let before = index.checked_sub(1).and_then(|i| page.blocks.get(i));
            let caption = [before, page.blocks.get(index + 1)]
                .into_iter()
                .flatten()
                .find(|b| b.label == Label::FigureTitle)
                .map(|b| b.content.as_str());
            found.push(Listed {
                table,
                is_cut,
                page: page.page_index + 1,
                number,
                block,
                caption,
            });
        }
    }
    found
}
