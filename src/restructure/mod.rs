//! What only the whole document can tell: tables that go on across pages, depths of headings.
//!
//! [`restructure_pages`] does what the reference's function of that name does (specification, section 9.6). For
//! regions that were found in the page's text, [`text`] first tells running headers, titles and references apart.

mod clusters;
mod html;
pub mod levels;
mod tables;
pub mod text;

pub use clusters::level_of_heights;

use crate::document::{Block, Page};
use std::collections::BTreeSet;

/// Takes the pictures that stand inside tables out of all pages.
///
/// Names tell which they are: where pictures of different pages share a name, one of another page goes too, as in
/// the reference (appendix A, 8).
pub fn drop_table_pictures(pages: &mut [Page]) {
    let inside: BTreeSet<String> = pages.iter().flat_map(|p| p.table_pictures.iter().cloned()).collect();
    let is_inside = |b: &Block| b.picture.as_ref().is_some_and(|p| inside.contains(&p.path));
    if !inside.is_empty() {
        pages.iter_mut().for_each(|page| page.blocks.retain(|b| !is_inside(b)));
    }
}

/// What is put together, named like the reference's arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestructureOptions {
    /// `merge_tables`.
    pub merge_tables: bool,
    /// `relevel_titles`.
    pub relevel_titles: bool,
    /// `concatenate_pages`.
    pub concatenate_pages: bool,
}

/// Numbers the blocks over all pages, merges tables and finds the depths of headings.
///
/// Joining the pages into one result is left to the writers.
pub fn restructure_pages(pages: &mut [Page], options: &RestructureOptions) {
    for (id, block) in pages.iter_mut().flat_map(|p| &mut p.blocks).enumerate() {
        block.global_ids = Some((id, id));
    }
    let mut blocks: Vec<&mut [Block]> = pages.iter_mut().map(|p| p.blocks.as_mut_slice()).collect();
    if options.merge_tables {
        tables::merge_tables(&mut blocks);
    }
    if options.relevel_titles {
        levels::relevel_titles(&mut blocks);
    }
}
