//! The result: documents, pages, blocks and what was noticed on the way. Plain data, no input or output.
//!
//! Names follow the reference's result object: a [`Block`] is an entry of `parsing_res_list`, its `label`,
//! `content` and `bbox` are `block_label`, `block_content` and `block_bbox`.

mod body;
mod code;
mod failed;
pub mod html;
pub mod inline;
mod table;

pub use body::{Body, ListItem, Paragraph};
pub use code::{Code, reference as code_reference};
pub use failed::FAILED_ALIKE;
pub use table::{Cell, Table, escape, unescape};

use crate::geometry::{Point, Rect};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Pages that a message names at most.
const SHOWN_PAGES: usize = 4;

macro_rules! labels {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// What a block is. The first 25 are the classes of the layout networks, in the order of their ids; the
        /// others are tasks for whole pages without layout detection.
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
    /// A whole page of which every piece of text is found.
    Spotting = "spotting",
}

impl Label {
    /// The classes of the layout networks.
    pub const CLASSES: &'static [Label] = Self::ALL.split_at(25).0;

    /// The label of this name.
    pub fn from_name(name: &str) -> Option<Label> {
        Self::ALL
            .iter()
            .copied()
            .find(|label| label.as_str() == name)
    }

    /// Number of the class in the layout networks (docs/reference.md, "Layout classes").
    pub fn class_id(self) -> usize {
        Self::ALL
            .iter()
            .position(|label| *label == self)
            .expect("ALL holds every label")
    }

    /// Whether blocks of this label take no number in the reading order (docs/reference.md, "Reading-order numbers").
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

/// Typographic facts of a block that come from a text layer or from line heights.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BlockStyle {
    /// Size of most of its characters, in page pixels.
    pub font_size: f32,
    /// Whether most of its characters are bold.
    pub bold: bool,
    /// Whether most of its characters are italic.
    pub italic: bool,
    /// Whether most of its letters are capitals.
    pub capitals: bool,
    /// Lines of text in it.
    pub line_count: usize,
    /// Depth of the heading as a tagged PDF states it, 1 to 6.
    pub tagged_level: Option<u8>,
}

/// What in a block's content is markup; all else is text, whatever it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Markup {
    /// Dollar signs stand around formulas: a recognizer wrote the content.
    pub formulas: bool,
    /// `<sup>` and `<sub>` stand around raised and lowered text.
    pub scripts: bool,
    /// The first two characters, `- `, stand for a bullet.
    pub list_item: bool,
}

/// A picture that goes with the document: a JPEG below the document's folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Where the Markdown points, relative to the document's folder, with `/`.
    pub path: String,
    /// The encoded picture; dropped once written.
    pub jpeg: Option<Arc<[u8]>>,
}

/// A piece of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// What it is.
    pub label: Label,
    /// Where it is.
    pub bbox: Rect,
    /// What was read: text, HTML for tables, empty for pictures.
    pub content: String,
    /// What in the content is markup.
    pub markup: Markup,
    /// The content by kind, once the document is finished.
    pub body: Body,
    /// Confidence of the label, 0 to 1.
    pub score: f32,
    /// The picture cut out for it, if it is kept as one.
    pub picture: Option<Picture>,
    /// Depth of a heading, 1 for the first level below the document's title.
    pub title_level: Option<i32>,
    /// Alternative text of a tagged picture.
    pub alt: Option<String>,
    /// Typographic facts, where there are any.
    pub style: BlockStyle,
    /// Mean confidence of the lines in it, where lines were recognized.
    pub confidence: Option<f32>,
    /// The lines of the block with their boxes and confidence, where they were recognized.
    pub lines: Vec<ReadLine>,
    /// How its content was come by, where a model wrote it.
    pub generation: Option<Generation>,
    /// Where its text came from, where a recognizer might have read it instead.
    pub text: Option<TextDecision>,
    /// Its outline, where the detector sees shapes.
    pub polygon: Option<Vec<Point>>,
    /// The group of blocks that were read together: the position of its first block before merging.
    pub group_id: Option<usize>,
    /// Its number over the whole document and that of the block it continues, once pages were put together.
    pub global_ids: Option<(usize, usize)>,
}

impl Block {
    /// A block with nothing but its place and label.
    pub fn new(label: Label, bbox: Rect, score: f32) -> Self {
        Self {
            label,
            bbox,
            content: String::new(),
            markup: Markup::default(),
            body: Body::Empty,
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

/// Pieces of text found all over a picture.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Spotting {
    /// Four corners of each, in page pixels.
    pub rec_polys: Vec<[[f64; 2]; 4]>,
    /// What each says.
    pub rec_texts: Vec<String>,
}

/// The text without blanks at its ends, as Python's `str.strip` sees blanks.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Whether Python counts the character as whitespace: Unicode's and the four separators of ASCII.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

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
    /// What was read.
    pub text: String,
    /// Where, in page pixels.
    pub bbox: [i32; 4],
    /// How sure the recognizer is, 0 to 1.
    pub confidence: f32,
}

/// Where the text of a page came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum TextSource {
    /// The PDF's own characters.
    TextLayer,
    /// Recognized lines.
    Lines,
    /// Nothing was read.
    None,
}

/// Something that went wrong or was decided, with what it is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable word for programs.
    pub code: Code,
    /// Position of the block it is about, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_id: Option<usize>,
    /// One line for people.
    pub message: String,
}

/// How a recognizer came to a block's content.
#[derive(Debug, Clone, PartialEq)]
pub struct Generation {
    /// Tokens of the answer.
    pub token_count: usize,
    /// Mean logarithm of the tokens' probabilities; `None` where a server does not tell.
    pub mean_log_probability: Option<f32>,
    /// That of the least likely token.
    pub min_log_probability: Option<f32>,
    /// Why the answer ended.
    pub finish_reason: FinishReason,
    /// From the first look at the crop to the last token.
    pub milliseconds: f64,
    /// Share of the tokens that were drafted and found right; `None` without a draft.
    pub drafted_share: Option<f32>,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum FinishReason {
    /// The model ended it.
    Eos,
    /// It reached the limit of tokens, or what there is of memory.
    Length,
    /// It repeated itself without end.
    Repetition,
    /// Its time was up.
    Timeout,
}

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Something may be missing or wrong.
    Warning,
    /// The block or page failed.
    Error,
}

/// How the text of a page was come by.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TextDecision {
    /// Where the text came from.
    pub source: TextSource,
    /// Why, in a few words.
    pub reason: String,
}

/// One page of the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Position in the document, from 0.
    pub page_index: usize,
    /// Width in pixels of the prepared page.
    pub width: usize,
    /// Height in pixels of the prepared page.
    pub height: usize,
    /// Size in PDF points (1/72 inch) of the page as it is shown, for drawings at the original size.
    pub size_points: (f32, f32),
    /// Quarter turns clockwise that were undone.
    pub rotation_quarters: u32,
    /// Small angle in degrees that was straightened, clockwise positive.
    pub skew_degrees: f32,
    /// What the layout detector returned, before anything was filtered.
    pub regions: Vec<DetectedRegion>,
    /// Blocks in reading order.
    pub blocks: Vec<Block>,
    /// Pictures that go with the page whatever became of their regions.
    pub pictures: Vec<Picture>,
    /// Paths of pictures that stand inside tables and are no blocks of their own.
    pub table_pictures: Vec<String>,
    /// What text spotting found.
    pub spotting: Option<Spotting>,
    /// Degrees by which document preprocessing turned the page; none where it did not run.
    pub preprocessed: Option<Preprocessing>,
    /// Where the text came from and why.
    pub text_decision: TextDecision,
    /// What was noticed.
    pub diagnostics: Vec<Diagnostic>,
    /// Milliseconds spent on each stage, in order.
    pub timings: Vec<(&'static str, f64)>,
    /// Where it stands for several pages in a row, which all failed alike or repeat earlier ones: the position of the last one.
    pub through: Option<usize>,
}

/// What document preprocessing did to a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preprocessing {
    /// Whether the orientation was looked for.
    pub use_doc_orientation_classify: bool,
    /// Whether the page was flattened.
    pub use_doc_unwarping: bool,
    /// Degrees by which the page was turned counter-clockwise; -1 when nobody looked.
    pub angle: i32,
}

/// A region as the layout detector returned it.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectedRegion {
    /// What it is.
    pub label: Label,
    /// Where it is.
    pub bbox: Rect,
    /// Confidence, 0 to 1.
    pub score: f32,
    /// Its number in the reading order, where the detector gives numbers.
    pub order: Option<usize>,
    /// Its outline, where the detector sees shapes.
    pub polygon: Option<Vec<Point>>,
}

impl Page {
    /// The page that stands for one that could not be read.
    pub fn failed(page_index: usize, message: String) -> Page {
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            code: Code::PageFailed,
            block_id: None,
            message,
        };
        Page::without_content(page_index, "the page could not be read", diagnostic)
    }

    /// The page that stands for those from `first` to `last`, which are the same objects of the file as `earlier` pages.
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
            diagnostics: vec![diagnostic],
            timings: Vec::new(),
            through: None,
        }
    }

    /// Whether the page or one of its blocks failed.
    pub fn has_error(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|d| d.severity == Severity::Error)
    }
}

/// A parsed document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The input as it was given.
    pub input_path: String,
    /// Pages in order; every page of the input that was asked for has one.
    pub pages: Vec<Page>,
    /// Pages of the whole input, also those not asked for; `None` for a plain picture.
    pub page_count: Option<usize>,
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
