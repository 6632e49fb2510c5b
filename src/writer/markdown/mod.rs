//! Markdown of blocks, pages and documents.
//!
//! There are three forms. [`reference()`] is the reference's, byte for byte, for `--compat`: contents are
//! written unescaped. [`document`] is ours, in one of two styles: `gfm` writes GitHub's Markdown from the bodies of
//! blocks, `safe` the shapes of the reference from their contents. In both text stays text: `escape` keeps characters
//! of a document from becoming markup, `html` sanitizes tables, `links` writes paths, `formulas` tells formulas from
//! amounts. `front` writes what stands before the first page and between pages.

mod escape;
mod formulas;
mod front;
mod gfm;
mod html;
mod links;
mod reference;
mod safe;

pub(super) use escape::without_control;
pub(super) use gfm::is_bullet;
pub use links::PictureSources;
pub(super) use links::address;
pub use reference::{block as reference_block, blocks, leveled_title, title};
pub(super) use safe::comment;

use super::format::{Embedding, Format};
use super::kept::Finished;
use super::options::FormatOptions;
pub use super::options::MarkdownOptions;
use super::options::{MarkdownStyle, PageBreaks};
use crate::document::{Block, Body, Document, Label, Markup, Page};
use gfm::GfmWriter;
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

    fn embeds_pictures(&self) -> Embedding {
        Embedding::OnRequest
    }

    fn write(
        &self,
        finished: Finished,
        options: &FormatOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        write(finished, &options.json.markdown, out)
    }
}

/// The four variants of Markdown: name, pretty or not, formula numbers shown or not.
pub const VARIANTS: [(&str, bool, bool); 4] = [
    ("pretty", true, false),
    ("pretty_formula_number", true, true),
    ("plain", false, false),
    ("plain_formula_number", false, true),
];

/// The label under which text that a reader does not see is written; its reason stands for a description.
const HIDDEN: &str = "hidden";

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
    let mut text = Vec::new();
    // Memory takes all that is written.
    drop(write(document.into(), options, &mut text));
    String::from_utf8_lossy(&text).into_owned()
}

/// Writes a document page by page.
fn write(finished: Finished, options: &MarkdownOptions, out: &mut dyn Write) -> io::Result<()> {
    let (document, form) = (finished.document, options.form);
    let pictures = PictureSources::new(finished, form.embed_images);
    let gfm = match form.style {
        MarkdownStyle::Gfm => Some(GfmWriter::new(document, options, &pictures)),
        MarkdownStyle::Html => None,
    };
    let mut is_first = true;
    let mut piece = |text: &str| {
        if text.is_empty() {
            return Ok(());
        }
        let before = if is_first { "" } else { "\n\n" };
        is_first = false;
        out.write_all(before.as_bytes())?;
        out.write_all(text.as_bytes())
    };
    if form.front_matter {
        piece(&front::matter(document))?;
    }
    let mut has_content = false;
    for (number, page) in document.pages.iter().enumerate() {
        let text = match &gfm {
            Some(writer) => writer.page(page, number),
            None => self::page(page, &pictures, options).trim().to_string(),
        };
        pictures.check()?;
        match form.page_breaks {
            PageBreaks::Comment => piece(&front::comment(page))?,
            PageBreaks::Rule if has_content && !text.is_empty() => piece("---")?,
            PageBreaks::Rule | PageBreaks::None => {}
        }
        has_content |= !text.is_empty();
        piece(&text)?;
    }
    out.write_all(b"\n")
}

/// Markdown of each page of a finished document, without what stands between pages. Pictures are links.
pub(crate) fn each_page(
    document: &Document,
    options: &MarkdownOptions,
    mut take: impl FnMut(&Page, String),
) {
    let pictures = PictureSources::new(document.into(), false);
    let gfm = match options.form.style {
        MarkdownStyle::Gfm => Some(GfmWriter::new(document, options, &pictures)),
        MarkdownStyle::Html => None,
    };
    for (number, page) in document.pages.iter().enumerate() {
        let text = match &gfm {
            Some(writer) => writer.page(page, number),
            None => self::page(page, &pictures, options).trim().to_string(),
        };
        take(page, text);
    }
}

/// Markdown of a page.
///
/// A picture that was not kept is omitted; a formula that was kept as a picture is shown as one.
fn page(page: &Page, pictures: &PictureSources, options: &MarkdownOptions) -> String {
    let kept = page
        .blocks
        .iter()
        .filter(|b| !b.content.is_empty() || b.picture.is_some());
    let views: Vec<MarkdownBlock> = kept
        .filter_map(|b| match b.label {
            Label::DisplayFormula if b.content.is_empty() || b.picture.is_some() => {
                Some(MarkdownBlock::of(b, Label::Image))
            }
            label if b.picture.is_none() && options.shows_picture(label) => options
                .reads_picture(label)
                .then(|| MarkdownBlock::of(b, Label::Text)),
            label => Some(MarkdownBlock::of(b, label)),
        })
        .collect();
    safe::blocks(&views, page.width as f32, pictures, options)
}

/// Markdown of one block in our form; `None` for labels without one.
pub fn own_block(
    block: &Block,
    page_width: f32,
    pictures: &PictureSources,
    options: &MarkdownOptions,
) -> Option<String> {
    match options.form.style {
        MarkdownStyle::Gfm if !matches!(block.body, Body::Empty | Body::Joined { .. }) => {
            GfmWriter::of_blocks(options, pictures).alone(block)
        }
        // What went into another block still has its content.
        MarkdownStyle::Gfm | MarkdownStyle::Html => {
            let view = MarkdownBlock::of(block, block.label);
            self::block(&view, page_width, pictures, options)
        }
    }
}

/// Markdown of one block in the shapes of the reference; `None` for labels without one.
pub fn block(
    block: &MarkdownBlock,
    page_width: f32,
    pictures: &PictureSources,
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
            label: if block.hidden.is_some() {
                HIDDEN
            } else {
                label.as_str()
            },
            width: block.bbox.width(),
            content: &block.content,
            markup: block.markup,
            image: block.picture.as_ref().map(|p| p.path.as_str()),
            alt: match block.hidden {
                Some(reason) => Some(reason.name()),
                None => block.alt.as_deref(),
            },
            title_level: block.title_level,
        }
    }
}

#[cfg(test)]
mod tests;
