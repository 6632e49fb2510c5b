//! Thresholds of the whole-document passes for regions found in the text, by topic: each with its unit and
//! its trade-off.
//!
//! Shares of a page are those of its height. If a comment gives no other reason, the value was found by trial
//! on the examples; the unit tests of `text` and `tests/it/documents.rs` check the results. The rules for
//! headings are in `layout::geometric::headings`. The effects given for larger and smaller values follow from
//! the rule that uses the threshold.

/// Running headers, footers and page numbers.
pub(super) mod running {
    /// Number of blocks examined from the top and from the bottom of a page. Larger: text that repeats on
    /// several pages (forms) is a header. Smaller: headers of several parts are found in part.
    pub(crate) const MARGIN_BLOCKS: usize = 3;
    /// Share of the page at top and bottom that may contain running headers and footers. Larger: headings
    /// that open every chapter alike are headers. Smaller: headers further down stay in the text.
    pub(crate) const MARGIN_SHARE: f32 = 0.14;
    /// Share of the page at top and bottom that may contain headers and footers of many pages: paper that is larger than
    /// its page. Larger: the first lines of forms are headers. Smaller: footers of small pages stay in the text.
    pub(crate) const WIDE_SHARE: f32 = 0.22;
    /// Minimum number of pages that have one of those at the same place. Larger: those of short documents stay in the text.
    /// Smaller: lines that are written again are headers.
    pub(crate) const SURE_PAGES: usize = 4;
    /// Minimum number of characters of one, figures in a row counted as one. Smaller: labels of forms are headers.
    pub(crate) const SURE_CHARS: usize = 20;
    /// Maximum number of lines of a running header or footer. Larger: short paragraphs that repeat are
    /// headers. Smaller: headers of three lines are text.
    pub(crate) const MAX_LINES: usize = 3;
    /// Maximum font size of running headers and page numbers relative to body size: larger ones are chapter
    /// numbers and titles. Larger: repeated chapter titles are headers. Smaller: large page numbers are text.
    pub(crate) const MAX_SIZE: f32 = 1.4;
    /// Share of the page within which positions count as the same. Larger: text that occurs twice is a
    /// header. Smaller: headers of scans, which shift, are text.
    pub(crate) const SAME_PLACE: f32 = 0.02;
    /// Minimum number of characters of a heading that a header repeats. Smaller: words such as "Summary" make headers.
    pub(crate) const TITLE_CHARS: usize = 8;
    /// Most headings that headers are compared with: those of the first pages of a long document.
    pub(crate) const MAX_TITLES: usize = 200;
    /// Share of the page, from the top and from the bottom, in which a line that ends with the page's number is a header or
    /// footer. Larger: captions and sentences that end with a number are. Smaller: those of large margins are text.
    pub(crate) const OUTER: f32 = 0.1;
    /// Minimum number of pages with a header, footer or page number at one height, for words that occur only once to be
    /// a header there: titles of chapters. Larger: headers of short documents are text. Smaller: what occurs once is lost.
    pub(crate) const LEAST_PLACES: usize = 3;
    /// Font size relative to body size below which a line with a page number is a header or footer on the only page.
    /// Larger: first lines of letters and invoices that have a number are headers. Smaller: headers are text.
    pub(crate) const SURE_SIZE: f32 = 0.95;
}

/// The footer of a document of one page.
pub(super) mod single {
    /// Minimum white space above it in ems of body text. Larger: footers close to a full page stay in the text. Smaller: last
    /// lines of the text are footers.
    pub(crate) const ROOM: f32 = 0.6;
    /// Minimum number of particulars. Larger: short footers stay in the text. Smaller: enclosures are footers.
    pub(crate) const LEAST_PARTS: usize = 3;
}

/// Numbers of chapters above their titles.
pub(super) mod chapters {
    /// Maximum white space between both in ems of the title. Larger: the last line of a contents is a heading. Smaller:
    /// openings with much room fall apart.
    pub(crate) const TITLE_GAP: f32 = 3.0;
    /// Most characters of the number: `xxviii`.
    pub(crate) const NUMBER_CHARS: usize = 6;
}

/// The document's title.
pub(super) mod title {
    /// Minimum font size of a title relative to body size. Larger: titles set modestly are headings. Smaller:
    /// the first section of a document without a title is its title.
    pub(crate) const SIZE: f32 = 1.25;
    /// Share of the first page, from the top, in which it starts. Larger: headings low on the page are
    /// titles. Smaller: titles of covers are headings.
    pub(crate) const PLACE: f32 = 0.55;
    /// Font size relative to the title's beyond which another heading is equally large. Larger: sections
    /// measured slightly smaller are not equals. Smaller: smaller headings are, and the title is lost.
    pub(crate) const EQUAL_SIZE: f32 = 0.97;
    /// Maximum number of headings as large as the title, itself included: it may have two parts. Larger: the
    /// first section of a document without a title is its title. Smaller: two-part titles are headings.
    pub(crate) const MAX_EQUALS: usize = 2;
    /// Number of lines beyond which a text must follow the title: authors and dates may precede it,
    /// paragraphs do not. Larger: a section after an introduction is the title. Smaller: a title after a long
    /// list of authors is a heading.
    pub(crate) const TEXT_LINES: usize = 4;
}

/// Sections that determine the label of the text after them.
pub(super) mod sections {
    /// Number of characters after which an abstract without a following heading ends: some 400 words;
    /// journals ask for 150 to 300. Larger: text after it is included. Smaller: long abstracts are cut.
    pub(crate) const MAX_ABSTRACT: usize = 2500;
    /// Number of characters beyond which a paragraph starting with `Abstract` is one: shorter ones mention an
    /// abstract. Larger: short abstracts are text. Smaller: sentences about an abstract are abstracts.
    pub(crate) const MIN_ABSTRACT: usize = 200;
}

/// Headings by their numbers.
pub(super) mod numbered {
    /// Most characters of one. Larger: sentences without a full stop are headings. Smaller: long titles are text.
    pub(crate) const MAX_CHARS: usize = 120;
    /// Most lines of one. Larger: numbered paragraphs are headings.
    pub(crate) const MAX_LINES: usize = 2;
    /// Maximum difference of the font sizes of headings of one level, relative to the larger. Larger: steps of other sizes
    /// are in the chain. Smaller: rounding breaks it.
    pub(crate) const SAME_SIZE: f32 = 0.06;
    /// Minimum share of a level's headings after which something else than the next one comes. Larger: outlines without text
    /// are lists. Smaller: lists whose items have a paragraph now and then are headings.
    pub(crate) const SHARE_WITH_TEXT: f32 = 0.5;
}

/// Terms of definition lists.
pub(super) mod terms {
    /// Maximum font size of a term relative to body text. Larger: headings over text that is set in are terms.
    pub(crate) const SIZE: f32 = 1.05;
    /// Maximum font size of the label of a note relative to body text. Larger: chapters called `Notes` are labels.
    pub(crate) const NOTE_SIZE: f32 = 1.15;
    /// Minimum distance in ems that the explanation is set in. Larger: explanations with a small indent are sections.
    /// Smaller: text that is off the margin by rounding makes terms.
    pub(crate) const INDENT: f32 = 0.8;
    /// Maximum distance in ems of a term from the margin of the page's text.
    pub(crate) const SAME_LEFT: f32 = 0.5;
    /// Minimum number of lines of an explanation: a single one may be the first of a paragraph, which is set in.
    pub(crate) const LEAST_LINES: usize = 2;
}

/// Depths of headings.
pub(super) mod levels {
    /// Maximum difference of font sizes of one heading level, relative to the larger. Larger: levels that
    /// differ by a point at 14 points are merged. Smaller: rounding of sizes creates levels.
    pub(crate) const SAME_SIZE: f32 = 0.06;
}

/// Paragraphs that go on in another block.
pub(super) mod joins {
    /// Maximum difference of the font sizes of both blocks, relative to the larger. Larger: a caption's end goes on
    /// in the text. Smaller: rounding of sizes separates parts of one paragraph.
    pub(crate) const SAME_SIZE: f32 = 0.08;
    /// Minimum number of characters of a block that goes on before a capital or a number in another place: shorter ones
    /// without a full stop are labels and addresses. Larger: sentences stay broken before names. Smaller: values of forms
    /// are sentences.
    pub(crate) const LEAST_CHARS: usize = 90;
    /// Maximum distance in ems of a block below one that ends with a hyphen, in one column. Larger: a text that ends with a
    /// minus sign goes on in the next. Smaller: words divided before a line with tall signs stay so.
    pub(crate) const NEXT_LINE: f32 = 1.5;
    /// Text of fewer lines without a full stop before a caption is labels of its figure.
    pub(crate) const LEAST_LINES: usize = 2;
}

/// Lists.
pub(super) mod lists {
    /// Maximum difference in ems of the left edges of two items of one level. Larger: nested lists with small indents
    /// are flat. Smaller: numbers of one and of two digits are two levels.
    pub(crate) const SAME_LEFT: f32 = 0.7;
    /// Most levels; no list of a document has more.
    pub(crate) const MAX_DEPTH: usize = 8;
    /// Most characters of a number: `xviii`. Larger: short words with a full stop are marks.
    pub(crate) const MAX_MARK: usize = 5;
    /// Most numbers that may still go on.
    pub(crate) const MAX_OPEN: usize = 32;
}
