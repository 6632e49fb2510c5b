//! Steps that need the whole document: tables continued across pages, heading levels.
//!
//! [`finish`] runs all of them before anything of a document is written. [`restructure_pages`] does the same
//! as the reference's function of that name (docs/reference.md, "Restructuring pages"). For regions that were
//! found in the page's text, [`text`] first identifies running headers, titles and references.

mod body;
mod chapters;
mod clusters;
mod depths;
mod html;
mod hyphens;
mod joins;
pub(crate) mod levels;
mod lists;
mod numbered;
mod running;
mod single;
mod spans;
mod tables;
mod terms;
pub(crate) mod text;
mod thresholds;

pub(crate) use clusters::level_of_heights;

use crate::document::{Block, Code, Diagnostic, Document, Page};
use std::collections::BTreeSet;

/// Removes the pictures inside tables from all pages.
///
/// They are identified by name: if pictures of different pages share a name, one of another page is removed
/// too, as in the reference (docs/reference.md, "Images inside tables").
pub(crate) fn drop_table_pictures(pages: &mut [Page]) {
    let inside: BTreeSet<String> = pages
        .iter()
        .flat_map(|p| p.table_pictures.iter().cloned())
        .collect();
    let is_inside = |b: &Block| b.picture.as_ref().is_some_and(|p| inside.contains(&p.path));
    if !inside.is_empty() {
        pages
            .iter_mut()
            .for_each(|page| page.blocks.retain(|b| !is_inside(b)));
    }
}

/// Steps applied to a document after its last page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FinishOptions {
    /// Steps named like the reference's; `None`: none of them, and blocks get no document-wide numbers.
    pub restructure: Option<RestructureOptions>,
    /// `true` if regions were found in the text, so that their labels depend on the whole document.
    pub regions_from_text: bool,
}

/// Applies the steps that need the whole document. Its pages are final afterwards.
pub(crate) fn finish(document: &mut Document, options: &FinishOptions) {
    drop_table_pictures(&mut document.pages);
    if let Some(mut restructure) = options.restructure {
        if options.regions_from_text {
            text::restructure(document, restructure.relevel_titles);
            restructure.relevel_titles = false;
        }
        restructure_pages(&mut document.pages, &restructure);
    }
    let blocks = document.pages.iter().flat_map(|page| &page.blocks);
    let words = hyphens::Vocabulary::of(blocks);
    let joins = match options.restructure {
        Some(_) => joins::find(&document.pages, &words),
        None => Vec::new(),
    };
    for block in document.pages.iter_mut().flat_map(|page| &mut page.blocks) {
        hyphens::settle_block(block, &words);
    }
    body::fill(&mut document.pages);
    joins::apply(&mut document.pages, &joins);
    if options.restructure.is_some() {
        lists::fill(&mut document.pages);
        lists::settle(&mut document.pages);
    }
}

/// Options named like the reference's arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RestructureOptions {
    /// `merge_tables`.
    pub merge_tables: bool,
    /// `relevel_titles`.
    pub relevel_titles: bool,
    /// `concatenate_pages`.
    pub concatenate_pages: bool,
}

/// Numbers the blocks across all pages, merges tables and sets heading levels.
///
/// Joining the pages into one result is left to the writers. A page whose table may continue that of the
/// previous page, but is not merged with it because of its size, gets the diagnostic `tables_apart`.
pub(crate) fn restructure_pages(pages: &mut [Page], options: &RestructureOptions) {
    for (id, block) in pages.iter_mut().flat_map(|p| &mut p.blocks).enumerate() {
        block.global_ids = Some((id, id));
    }
    let page_indices: Vec<usize> = pages.iter().map(|page| page.page_index).collect();
    let mut blocks: Vec<&mut [Block]> = pages.iter_mut().map(|p| p.blocks.as_mut_slice()).collect();
    let apart = if options.merge_tables {
        tables::merge_tables(&mut blocks, &page_indices)
    } else {
        Vec::new()
    };
    if options.relevel_titles {
        levels::relevel_titles(&mut blocks);
    }
    for (at, why) in apart {
        let message = format!(
            "the first table may go on the last one of the page before, and stays apart: {why}"
        );
        let told = Diagnostic::warning(Code::TablesApart, None, message);
        pages[at].diagnostics.push(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Label;
    use crate::fault::Fault;
    use crate::geometry::Rect;

    #[test]
    fn a_table_that_stays_apart_for_its_size_is_told() {
        let page = |index: usize, rows: usize| {
            let bbox = Rect {
                x1: 0.0,
                y1: 0.0,
                x2: 100.0,
                y2: 100.0,
            };
            let mut table = Block::new(Label::Table, bbox, 1.0);
            table.content = format!(
                "<table>{}</table>",
                "<tr><td>a long cell</td><td>b</td></tr>".repeat(rows)
            );
            let failed = Page::failed(index, Fault::internal(""));
            Page {
                blocks: vec![table],
                diagnostics: Vec::new(),
                ..failed
            }
        };
        // The third continues the second, which is then too long for the first.
        let mut pages = [page(0, 30_000), page(1, 30_000), page(2, 10)];
        let options = RestructureOptions {
            merge_tables: true,
            relevel_titles: false,
            concatenate_pages: false,
        };
        restructure_pages(&mut pages, &options);
        assert!(pages[2].blocks[0].content.is_empty() && !pages[1].blocks[0].content.is_empty());
        let told = pages
            .each_ref()
            .map(|page| page.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>());
        assert_eq!(told, [vec![], vec![Code::TablesApart], vec![]]);
        let expected = "the first table may go on the last one of the page before, and stays apart: together they take more than \
                        2000000 bytes";
        assert_eq!(pages[1].diagnostics[0].message, expected);
    }
}
