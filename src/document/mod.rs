//! The result: documents, pages, blocks and diagnostics. Plain data, no input or output.
//!
//! Names follow the reference's result object: a [`Block`] is an entry of `parsing_res_list`, its `label`,
//! `content` and `bbox` are `block_label`, `block_content` and `block_bbox`.

mod body;
mod cell;
mod code;
mod failed;
mod generation;
mod hidden;
pub mod html;
mod info;
pub mod inline;
mod span;
mod table;

pub use body::{Body, ListItem, Paragraph};
pub use cell::{Cell, CellFacts, CellKind, CellPlace};
pub(crate) use cell::{is_number, is_year};
pub use code::{Code, reference as code_reference};
pub use failed::FAILED_ALIKE;
pub use generation::{FinishReason, Generation};
pub use hidden::{HiddenMode, HiddenReason, HiddenText};
pub use info::{DocumentInfo, OutlineEntry};
pub use span::{Span, SpanStyle};
pub use table::{Table, escape, unescape};

use crate::fault::{Fault, Reason};
use crate::geometry::{Point, Rect};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most page numbers listed in a message.
const SHOWN_PAGES: usize = 4;

macro_rules! labels {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// The type of a block. The first 25 are the classes of the layout networks, in the order of their
        /// ids; the others are tasks on whole pages without layout detection.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Label { $($(#[$doc])* #[serde(rename = $name)] $variant),* }

        impl Label {
            /// All labels, network classes first.
            pub const ALL: &'static [Label] = &[$(Label::$variant),*];

            /// The name used in files and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Label::$variant => $name),* }
            }
        }
    };
}

labels! {
    /// Abstract of a paper.
    Abstract = "abstract",
    /// Program code or pseudocode.
    Algorithm = "algorithm",
    /// Text beside the main column.
    AsideText = "aside_text",
    /// A chart.
    Chart = "chart",
    /// Table of contents.
    Content = "content",
    /// A formula on lines of its own.
    DisplayFormula = "display_formula",
    /// Title of the document.
    DocTitle = "doc_title",
    /// Caption of a figure, table or chart.
    FigureTitle = "figure_title",
    /// Running footer.
    Footer = "footer",
    /// Picture in the footer.
    FooterImage = "footer_image",
    /// Footnote.
    Footnote = "footnote",
    /// Number of a formula.
    FormulaNumber = "formula_number",
    /// Running header.
    Header = "header",
    /// Picture in the header.
    HeaderImage = "header_image",
    /// Picture.
    Image = "image",
    /// Formula inside a line.
    InlineFormula = "inline_formula",
    /// Page number.
    Number = "number",
    /// Heading.
    ParagraphTitle = "paragraph_title",
    /// List of references.
    Reference = "reference",
    /// One reference.
    ReferenceContent = "reference_content",
    /// Seal or stamp.
    Seal = "seal",
    /// Table.
    Table = "table",
    /// Paragraph.
    Text = "text",
    /// Text written from top to bottom.
    VerticalText = "vertical_text",
    /// Note below a figure or table.
    VisionFootnote = "vision_footnote",
    /// A whole page read as text.
    Ocr = "ocr",
    /// A whole page read as a formula.
    Formula = "formula",
    /// A whole page in which every piece of text is located and read.
    Spotting = "spotting",
}

impl Label {
    /// The classes of the layout networks.
    pub const CLASSES: &'static [Label] = Self::ALL.split_at(25).0;

    /// The label with this name.
    pub fn from_name(name: &str) -> Option<Label> {
        Self::ALL
            .iter()
            .copied()
            .find(|label| label.as_str() == name)
    }

    /// Class id in the layout networks (docs/reference.md, "Layout classes").
    pub fn class_id(self) -> usize {
        Self::ALL
            .iter()
            .position(|label| *label == self)
            .expect("ALL holds every label")
    }

    /// `true` if blocks of this label get no number in the reading order (docs/reference.md,
    /// "Reading-order numbers").
    pub fn is_unordered(self) -> bool {
        use Label::*;
        matches!(
            self,
            FigureTitle
                | VisionFootnote
                | Image
                | Chart
                | Table
                | Header
                | HeaderImage
                | Footer
                | FooterImage
                | Footnote
                | AsideText
        )
    }
}

/// Typographic properties of a block, taken from a text layer or from line heights.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BlockStyle {
    /// Font size of most of its characters, in page pixels.
    pub font_size: f32,
    /// Most of its characters are bold.
    pub bold: bool,
    /// Most of its characters are italic.
    pub italic: bool,
    /// Most of its letters are capitals.
    pub capitals: bool,
    /// Most of its characters are of a font with equal widths.
    pub fixed_pitch: bool,
    /// Its last line fills its column: a paragraph may go on elsewhere.
    pub is_open: bool,
    /// Number of text lines.
    pub line_count: usize,
    /// Heading level given by the tags of the PDF, 1 to 6.
    pub tagged_level: Option<u8>,
    /// A network sees a heading there in the picture of the page.
    pub is_seen_title: bool,
}

/// The parts of a block's content that are markup; the rest is plain text, whatever it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Markup {
    /// Formulas are enclosed in dollar signs: a recognizer wrote the content.
    pub formulas: bool,
    /// `<sup>` and `<sub>` enclose superscripts and subscripts.
    pub scripts: bool,
    /// The first two characters, `- `, are a bullet.
    pub list_item: bool,
}

/// A picture of the document: a JPEG below the document's folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Link target in the Markdown: relative to the document's folder, with `/`.
    pub path: String,
    /// The encoded picture; dropped once written.
    pub jpeg: Option<Arc<[u8]>>,
}

/// A block of a page: a region with its content.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Type of the block.
    pub label: Label,
    /// Bounding box in page pixels.
    pub bbox: Rect,
    /// Content: text, HTML for tables, empty for pictures.
    pub content: String,
    /// The parts of the content that are markup.
    pub markup: Markup,
    /// The parts of the content whose style differs from that of the block.
    pub spans: Vec<Span>,
    /// What the HTML of a table does not tell of its cells, until the body is made.
    pub cells: Vec<CellFacts>,
    /// The content by kind, once the document is finished.
    pub body: Body,
    /// Why a reader does not see it, if it is marked text of that kind.
    pub hidden: Option<HiddenReason>,
    /// Confidence of the label, 0 to 1.
    pub score: f32,
    /// The crop of the block, if it is kept as a picture.
    pub picture: Option<Picture>,
    /// Heading level: 1 for the first below the document's title.
    pub title_level: Option<i32>,
    /// Alternative text of a tagged picture.
    pub alt: Option<String>,
    /// Typographic properties, as far as known.
    pub style: BlockStyle,
    /// Mean confidence of its lines, 0 to 1, if lines were recognized.
    pub confidence: Option<f32>,
    /// Its lines with bounding boxes and confidence, if they were recognized.
    pub lines: Vec<ReadLine>,
    /// Statistics of the generation, if a model wrote the content.
    pub generation: Option<Generation>,
    /// Source of its text and the reason for it, if a recognizer might have read it instead.
    pub text: Option<TextDecision>,
    /// Outline in page pixels, if the detector predicts masks.
    pub polygon: Option<Vec<Point>>,
    /// The group of blocks that were read together: index of its first block before merging.
    pub group_id: Option<usize>,
    /// Its number within the whole document and that of the block it continues, once pages are joined.
    pub global_ids: Option<(usize, usize)>,
}

impl Block {
    /// A block with only label, bounding box and score.
    pub fn new(label: Label, bbox: Rect, score: f32) -> Self {
        Self {
            label,
            bbox,
            content: String::new(),
            markup: Markup::default(),
            spans: Vec::new(),
            cells: Vec::new(),
            body: Body::Empty,
            hidden: None,
            score,
            picture: None,
            title_level: None,
            alt: None,
            style: BlockStyle::default(),
            confidence: None,
            lines: Vec::new(),
            generation: None,
            text: None,
            polygon: None,
            group_id: None,
            global_ids: None,
        }
    }
}

/// Result of text spotting: pieces of text anywhere on a page.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Spotting {
    /// Four corners of each piece, in page pixels.
    pub rec_polys: Vec<[[f64; 2]; 4]>,
    /// Text of each piece.
    pub rec_texts: Vec<String>,
}

/// The text without leading and trailing whitespace, as Python's `str.strip` defines it.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `true` if Python counts the character as whitespace: Unicode whitespace and the four ASCII separators.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The place in a content where a line's end divides a word, until the finished document tells whether the
/// word has a hyphen there: a soft hyphen.
pub(crate) const LINE_HYPHEN: char = '\u{ad}';

/// Removes hyphens at line ends and turns the other line ends into blanks.
pub fn soft_newlines(text: &str) -> Cow<'_, str> {
    if text.contains('\n') {
        text.replace("-\n", "").replace('\n', " ").into()
    } else {
        text.into()
    }
}

/// A recognized line, kept for the diagnostics.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReadLine {
    /// Recognized text.
    pub text: String,
    /// Bounding box in page pixels.
    pub bbox: [i32; 4],
    /// Confidence of the line recognizer, 0 to 1.
    pub confidence: f32,
}

/// Source of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum TextSource {
    /// The PDF's text layer.
    TextLayer,
    /// Line recognition.
    Lines,
    /// Nothing was read.
    None,
}

/// A problem or decision to report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Diagnostic {
    /// Severity.
    pub severity: Severity,
    /// Stable code for programs.
    pub code: Code,
    /// Where something failed: why, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Index of the block concerned, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_id: Option<usize>,
    /// One line for people.
    pub message: String,
}

impl Diagnostic {
    /// Something failed.
    pub fn failed(code: Code, block_id: Option<usize>, fault: Fault) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            reason: Some(fault.reason),
            block_id,
            message: fault.message,
        }
    }

    /// Something may be missing or wrong.
    pub fn warning(code: Code, block_id: Option<usize>, message: String) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            code,
            reason: None,
            block_id,
            message,
        }
    }
}

/// Severity of a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Severity {
    /// For information.
    Info,
    /// Something may be missing or wrong.
    Warning,
    /// The block or page failed.
    Error,
}

/// Source of a page's or block's text, and the reason for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TextDecision {
    /// Source of the text.
    pub source: TextSource,
    /// Reason, in a few words.
    pub reason: String,
}

/// One page of the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Position in the document, from 0.
    pub page_index: usize,
    /// Width of the prepared page in pixels.
    pub width: usize,
    /// Height of the prepared page in pixels.
    pub height: usize,
    /// Size of the displayed page in PDF points (1/72 inch), for drawings at the original size.
    pub size_points: (f32, f32),
    /// Clockwise quarter turns that were undone.
    pub rotation_quarters: u32,
    /// Skew that was corrected, in degrees, clockwise positive.
    pub skew_degrees: f32,
    /// `true` if curved lines, or lines in several directions, were made level: coordinates are those of the page made so.
    pub is_unwarped: bool,
    /// The layout detector's regions before any filtering.
    pub regions: Vec<DetectedRegion>,
    /// Blocks in reading order.
    pub blocks: Vec<Block>,
    /// Pictures that belong to the page, whatever becomes of their regions.
    pub pictures: Vec<Picture>,
    /// Paths of pictures that lie inside tables and are not blocks of their own.
    pub table_pictures: Vec<String>,
    /// Result of text spotting.
    pub spotting: Option<Spotting>,
    /// Result of document preprocessing; `None` if it did not run.
    pub preprocessed: Option<Preprocessing>,
    /// Source of the text and the reason for it.
    pub text_decision: TextDecision,
    /// Text of the file that a reader of the page does not see.
    pub hidden_text: Vec<HiddenText>,
    /// Messages about the page and its blocks.
    pub diagnostics: Vec<Diagnostic>,
    /// Milliseconds spent in each stage, in order.
    pub timings: Vec<(&'static str, f64)>,
    /// Index of the last page, if this one stands for a range of pages that failed alike or repeat earlier
    /// ones.
    pub through: Option<usize>,
}

/// Result of document preprocessing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preprocessing {
    /// The orientation classifier was enabled.
    pub use_doc_orientation_classify: bool,
    /// The page was unwarped.
    pub use_doc_unwarping: bool,
    /// Counter-clockwise rotation of the page in degrees; -1 if the orientation was not classified.
    pub angle: i32,
}

/// A region as returned by the layout detector.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectedRegion {
    /// Type of the region.
    pub label: Label,
    /// Bounding box in page pixels.
    pub bbox: Rect,
    /// Confidence, 0 to 1.
    pub score: f32,
    /// Number in the reading order, if the detector predicts one.
    pub order: Option<usize>,
    /// Outline in page pixels, if the detector predicts masks.
    pub polygon: Option<Vec<Point>>,
}

impl Page {
    /// The stand-in for a page that could not be read.
    pub fn failed(page_index: usize, fault: Fault) -> Page {
        let diagnostic = Diagnostic::failed(Code::PageFailed, None, fault);
        Page::without_content(page_index, "the page could not be read", diagnostic)
    }

    /// The stand-in for pages `first` to `last`, which are the same objects of the file as the `earlier`
    /// pages.
    pub fn repeated(first: usize, last: usize, earlier: &BTreeSet<usize>) -> Page {
        let shown: Vec<String> = earlier
            .iter()
            .take(SHOWN_PAGES)
            .map(|page| (page + 1).to_string())
            .collect();
        let more = if earlier.len() > SHOWN_PAGES {
            " and others"
        } else {
            ""
        };
        let pages = if earlier.len() == 1 { "page" } else { "pages" };
        let which = match first == last {
            true => format!("page {} is", first + 1),
            false => format!("pages {} to {} are", first + 1, last + 1),
        };
        let message = format!(
            "{which} the same in the file as {pages} {}{more}, and not parsed again",
            shown.join(", ")
        );
        let diagnostic = Diagnostic {
            severity: Severity::Warning,
            code: Code::PageRepeated,
            reason: None,
            block_id: None,
            message,
        };
        let page = Page::without_content(first, "the page repeats an earlier one", diagnostic);
        Page {
            through: (last > first).then_some(last),
            ..page
        }
    }

    fn without_content(page_index: usize, reason: &str, diagnostic: Diagnostic) -> Page {
        Page {
            page_index,
            width: 0,
            height: 0,
            size_points: (612.0, 792.0),
            rotation_quarters: 0,
            skew_degrees: 0.0,
            is_unwarped: false,
            regions: Vec::new(),
            blocks: Vec::new(),
            pictures: Vec::new(),
            table_pictures: Vec::new(),
            spotting: None,
            preprocessed: None,
            text_decision: TextDecision {
                source: TextSource::None,
                reason: reason.into(),
            },
            hidden_text: Vec::new(),
            diagnostics: vec![diagnostic],
            timings: Vec::new(),
            through: None,
        }
    }

    /// Its pictures: those of blocks, then its own, which win if paths are equal.
    pub fn all_pictures(&self) -> impl Iterator<Item = &Picture> {
        let of_blocks = self.blocks.iter();
        let of_blocks = of_blocks.filter_map(|block| block.picture.as_ref());
        of_blocks.chain(&self.pictures)
    }

    /// Drops the bytes of its pictures once they are written; their paths stay.
    pub fn drop_pictures(&mut self) {
        let of_blocks = self.blocks.iter_mut();
        let of_blocks = of_blocks.filter_map(|block| block.picture.as_mut());
        for picture in of_blocks.chain(&mut self.pictures) {
            picture.jpeg = None;
        }
    }

    /// `true` if the page or one of its blocks failed.
    pub fn has_error(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|d| d.severity == Severity::Error)
    }
}

/// A parsed document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The input as given.
    pub input_path: String,
    /// Pages in order, one for every requested page (or see [`Page::through`]).
    pub pages: Vec<Page>,
    /// Page count of the whole input, including pages not requested; `None` for a plain image.
    pub page_count: Option<usize>,
    /// What the file says about itself.
    pub info: DocumentInfo,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_ids_are_those_of_the_networks() {
        assert_eq!(Label::CLASSES.len(), 25);
        assert_eq!(Label::CLASSES.last(), Some(&Label::VisionFootnote));
        assert_eq!(Label::Abstract.class_id(), 0);
        assert_eq!(Label::Text.class_id(), 22);
        assert_eq!(Label::VisionFootnote.class_id(), 24);
    }

    #[test]
    fn names_lead_back_to_their_labels() {
        for label in Label::ALL {
            assert_eq!(Label::from_name(label.as_str()), Some(*label));
        }
        assert_eq!(Label::from_name("paragraph"), None);
    }
}
