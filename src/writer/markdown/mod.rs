//! Markdown of blocks, pages and documents.
//!
//! There are two forms. [`reference()`] is the reference's, byte for byte, for `--compat`: contents are
//! written unescaped. [`document`] is ours: the same shapes, but text stays text. `escape` keeps characters
//! of a document from becoming markup, `html` sanitizes tables, `links` writes paths, `formulas` tells
//! formulas from amounts; `safe` builds blocks from them.

mod escape;
mod formulas;
mod html;
mod links;
mod reference;
mod safe;

pub(super) use escape::without_control;
pub use html::TablePictures;
pub use links::link;
pub use reference::{block as reference_block, blocks, leveled_title, title};

use super::format::Format;
use super::options::FormatOptions;
pub use super::options::MarkdownOptions;
use crate::document::{Block, Document, Label, Markup, Page};
use std::io::{self, Write};

/// The format `md`: the whole document as Markdown in our form.
pub struct Markdown;

impl Format for Markdown {
    fn name(&self) -> &'static str {
        "md"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".md"]
    }

    fn links_to_pictures(&self) -> bool {
        true
    }

    fn write(
        &self,
        finished: &Document,
        options: &FormatOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        out.write_all(document(finished, &options.json.markdown).as_bytes())
    }
}

/// The four variants of Markdown: name, pretty or not, formula numbers shown or not.
pub const VARIANTS: [(&str, bool, bool); 4] = [
    ("pretty", true, false),
    ("pretty_formula_number", true, true),
    ("plain", false, false),
    ("plain_formula_number", false, true),
];

/// The parts of a block that Markdown needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarkdownBlock<'a> {
    /// Its label; may be one that only some pipelines have.
    pub label: &'a str,
    /// Width of its box in page pixels.
    pub width: f32,
    /// Its content.
    pub content: &'a str,
    /// The markup in its content.
    pub markup: Markup,
    /// Path of its picture.
    pub image: Option<&'a str>,
    /// Alternative text of its picture.
    pub alt: Option<&'a str>,
    /// Depth of a heading, if known.
    pub title_level: Option<i32>,
}

/// Markdown of a whole document: pages separated by blank lines, with a newline at the end.
pub fn document(document: &Document, options: &MarkdownOptions) -> String {
    let pictures = TablePictures::of(&document.pages);
    let pages: Vec<String> = document
        .pages
        .iter()
        .map(|p| page(p, &pictures, options).trim().to_string())
        .filter(|t| !t.is_empty())
        .collect();
    let mut text = pages.join("\n\n");
    text.push('\n');
    text
}

/// Markdown of a page.
///
/// A picture that was not kept is omitted; a formula that was kept as a picture is shown as one.
fn page(page: &Page, pictures: &TablePictures, options: &MarkdownOptions) -> String {
    let kept = page
        .blocks
        .iter()
        .filter(|b| !b.content.is_empty() || b.picture.is_some());
    let views: Vec<MarkdownBlock> = kept
        .filter_map(|b| match b.label {
            Label::DisplayFormula if b.content.is_empty() || b.picture.is_some() => {
                Some(MarkdownBlock::of(b, Label::Image))
            }
            label if b.picture.is_none() && shows_picture(label, options) => {
                reads_picture(label, options).then(|| MarkdownBlock::of(b, Label::Text))
            }
            label => Some(MarkdownBlock::of(b, label)),
        })
        .collect();
    safe::blocks(&views, page.width as f32, pictures, options)
}

/// `true` if blocks of the label are shown as pictures.
fn shows_picture(label: Label, options: &MarkdownOptions) -> bool {
    match label {
        Label::Image | Label::HeaderImage | Label::FooterImage => true,
        Label::Chart => !options.use_chart_recognition,
        Label::Seal => options.use_layout_detection,
        _ => false,
    }
}

/// `true` if a block shown as a picture also has its text written.
pub(super) fn reads_picture(label: Label, options: &MarkdownOptions) -> bool {
    if label == Label::Seal {
        options.use_seal_recognition
    } else {
        options.use_ocr_for_image_block
    }
}

/// Markdown of one block; `None` for labels without a form.
pub fn block(
    block: &MarkdownBlock,
    page_width: f32,
    pictures: &TablePictures,
    options: &MarkdownOptions,
) -> Option<String> {
    safe::block(block, page_width, pictures, options)
}

/// Markdown of blocks exactly as the reference writes it, including empty ones.
pub fn reference<'a>(
    blocks: impl IntoIterator<Item = &'a Block>,
    page_width: usize,
    options: &MarkdownOptions,
) -> String {
    let views: Vec<MarkdownBlock> = blocks
        .into_iter()
        .map(|b| MarkdownBlock::of(b, b.label))
        .collect();
    self::blocks(&views, page_width as f32, options)
}

impl<'a> MarkdownBlock<'a> {
    /// The parts of a block that Markdown needs, under the given label.
    pub fn of(block: &'a Block, label: Label) -> Self {
        Self {
            label: label.as_str(),
            width: block.bbox.width(),
            content: &block.content,
            markup: block.markup,
            image: block.picture.as_ref().map(|p| p.path.as_str()),
            alt: block.alt.as_deref(),
            title_level: block.title_level,
        }
    }
}

#[cfg(test)]
mod tests;
