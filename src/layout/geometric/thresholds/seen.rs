//! Headings that are seen in the picture of a page.

/// Minimum share of a line inside the box of a heading. Larger: boxes that are a little too small lose their last letters'
/// line. Smaller: lines of text that touch the box are headings.
pub(crate) const INSIDE: f32 = 0.6;
/// Maximum number of lines of a heading. Larger: short paragraphs that are taken for one are believed.
pub(crate) const MAX_LINES: usize = 3;
/// Maximum number of characters of a heading; as `MAX_LINES`.
pub(crate) const MAX_CHARS: usize = 120;
/// Minimum number of words of a sentence: with its full stop it is text. Smaller: numbers with a dot are sentences.
pub(crate) const SENTENCE_WORDS: usize = 4;
