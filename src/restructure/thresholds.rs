//! The thresholds of the passes over a whole document whose regions were found in its text, by topic: each with its
//! unit and what it trades.
//!
//! Shares of a page are those of its height. Where a comment names no other reason, the value was chosen by trial on
//! the examples; the unit tests of `text` and `tests/it/documents.rs` check what they decide there. What makes a block
//! a heading is in `layout::geometric::headings`.
//! What a larger or smaller value does is what follows from the rule that uses it.

/// Running headers, footers and page numbers.
pub(super) mod running {
    /// Blocks looked at from the top and from the bottom of a page. Larger: text that repeats on several pages (forms)
    /// is a header. Smaller: headers of several parts are found in part.
    pub(crate) const MARGIN_BLOCKS: usize = 3;
    /// Share of the page in which running headers and footers stand, from the top and from the bottom. Larger: headings
    /// that start every chapter's page alike are headers. Smaller: deep ones stay in the text.
    pub(crate) const MARGIN_SHARE: f32 = 0.14;
    /// Lines of a running header or footer, most. Larger: short paragraphs that repeat are headers. Smaller: headers of
    /// three lines are text.
    pub(crate) const MAX_LINES: usize = 3;
    /// Size over body size of running headers and page numbers, most: larger ones are numbers of chapters and titles.
    /// Larger: titles of chapters that repeat are headers. Smaller: large page numbers are text.
    pub(crate) const MAX_SIZE: f32 = 1.4;
    /// Share of the page by which positions that are the same differ, below. Larger: text that comes twice is a header.
    /// Smaller: headers of scans, which shift, are text.
    pub(crate) const SAME_PLACE: f32 = 0.02;
}

/// The document's title.
pub(super) mod title {
    /// Size over body size of a title, least. Larger: titles set modestly are headings. Smaller: the first section of a
    /// document without a title is one.
    pub(crate) const SIZE: f32 = 1.25;
    /// Share of the first page in which it begins, from the top. Larger: headings low on the page are titles. Smaller:
    /// titles of covers are headings.
    pub(crate) const PLACE: f32 = 0.55;
    /// Size over that of the title from which another heading is as large as it, more than this. Larger: sections
    /// measured a little smaller do not count as equals. Smaller: smaller headings count, and the title is lost.
    pub(crate) const EQUAL_SIZE: f32 = 0.97;
    /// Headings as large as the title, itself included, most: a title and its second part. More are sections. Larger:
    /// the first section of a document without a title is one. Smaller: titles in two parts are headings.
    pub(crate) const MAX_EQUALS: usize = 2;
    /// Lines of a text before which a title stands, more than this: authors and dates come first, paragraphs do not.
    /// Larger: a section after an introduction is the title. Smaller: a title after a long list of authors is a
    /// heading.
    pub(crate) const TEXT_LINES: usize = 4;
}

/// Sections that label what follows them.
pub(super) mod sections {
    /// Characters after which an abstract without a heading behind it has ended: some 400 words, journals ask for 150
    /// to 300. Larger: the text behind an abstract is part of it. Smaller: long abstracts are cut.
    pub(crate) const MAX_ABSTRACT: usize = 2500;
    /// Characters of a paragraph that opens with the word `Abstract`, more than this: shorter ones speak of one.
    /// Larger: short abstracts are text. Smaller: sentences about an abstract are one.
    pub(crate) const MIN_ABSTRACT: usize = 200;
}

/// Depths of headings.
pub(super) mod levels {
    /// Share of the larger size by which sizes of headings of one depth differ, most. Larger: depths that differ by a
    /// point at 14 points are one. Smaller: rounding of sizes makes depths.
    pub(crate) const SAME_SIZE: f32 = 0.06;
}
