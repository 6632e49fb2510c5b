//! Thresholds for settling doubts in a text layer, by topic: each with its unit and its trade-off.

/// What is read of a document's fonts, over all pages.
pub(super) mod document {
    /// Lines that are read for single letters at most; one takes some 20 ms, on slow machines 150. Larger: documents in
    /// which every page has other fonts take longer. Smaller: more of them stays unread, which is told.
    pub(crate) const MOST_LINES: usize = 600;
    /// Glyphs and fonts that are remembered at most; this bounds the memory.
    pub(crate) const MOST_GLYPHS: usize = 50_000;
    /// Pages on which a glyph is looked at that is not read. Larger: unreadable signs cost more lines. Smaller: a glyph
    /// that is read badly once stays unread.
    pub(crate) const MOST_TRIES: u32 = 2;
}

/// Comparing a layer with what was read.
pub(super) mod compare {
    /// Confidence of a line, 0 to 1, below which what was read says nothing. Larger: hard pages are not
    /// compared. Smaller: misread lines speak against a layer.
    pub(crate) const SURE: f32 = 0.75;
    /// Letters and digits of a line below which it is not compared. Larger: short lines do not count. Smaller:
    /// single signs do.
    pub(crate) const LEAST_LINE: usize = 3;
    /// The same beyond which it is not compared; this bounds the time.
    pub(crate) const LONGEST: usize = 600;
    /// Letters and digits of all lines below which a comparison says nothing. Larger: short pages stay in
    /// doubt. Smaller: a misread word decides on a page.
    pub(crate) const LEAST_COMPARED: usize = 16;
    /// Share of equal characters from which a layer is as good as what was read, where other things speak for
    /// the layer. Larger: recognizers' slips speak against it. Smaller: layers with wrong letters are used.
    pub(crate) const ENOUGH: f32 = 0.85;
    /// The same for a layer that somebody's recognizer made: its slips look like letters. Larger: both are
    /// judged by their words. Smaller: slips are kept.
    pub(crate) const ENOUGH_OF_SCAN: f32 = 0.97;
    /// The same below which they are different texts, whatever their words look like. Larger: recognized
    /// layers that are better than ours are lost. Smaller: text of other pages is used.
    pub(crate) const HALF: f32 = 0.5;
    /// Plausibility that a layer may lack to what was read, of 2. Larger: slips are kept. Smaller: names and
    /// abbreviations that were read as words speak against a layer.
    pub(crate) const WORD_SLACK: f32 = 0.02;
    /// Letters of a word from which it needs a vowel.
    pub(crate) const SHORT_WORD: usize = 4;
}

/// Choosing a sample of lines.
pub(super) mod sample {
    /// Fonts of a page with odd letters that are compared at most. More take longer; with fewer, wrong ones stay.
    pub(crate) const MOST_FONTS: usize = 3;
    /// Lines of a page that are read at most. More take longer, fewer err.
    pub(crate) const MOST_ROWS: usize = 8;
    /// Letters and digits of a line that is read. Larger: pages of short lines stay in doubt. Smaller: numbers
    /// and labels are compared.
    pub(crate) const LEAST_LETTERS: usize = 6;
    /// The longest lines, of which the sample is spread over the page: this times its number.
    pub(crate) const LONGEST: usize = 4;
    /// Share of the text that is read on a page which a layer must have, by characters. Larger: pages with
    /// some text in pictures are read as pictures. Smaller: that text is lost.
    pub(crate) const COVERED: f32 = 0.95;
    /// Most pairs of a character and a line that are compared by their place.
    pub(crate) const MOST_PAIRS: usize = 50_000_000;
    /// Share of a font's characters that must be read for the rest of the layer to be kept. Larger: pages are
    /// read as pictures for a rare letter. Smaller: wrong letters stay.
    pub(crate) const READ_AGAIN: f32 = 0.9;
}

/// Aligning characters: costs, in units of a character that was read too much.
pub(super) mod align {
    /// Letters that one glyph may be read as: ligatures have up to three.
    pub(crate) const MOST_LETTERS: usize = 3;
    /// A character that was read for nothing.
    pub(crate) const EXTRA: f32 = 1.0;
    /// A known character that was not read.
    pub(crate) const MISSED: f32 = 1.0;
    /// A known character that was read as another.
    pub(crate) const OTHER: f32 = 0.9;
    /// The same in another case.
    pub(crate) const OTHER_CASE: f32 = 0.2;
    /// An unknown character that was not read.
    pub(crate) const UNREAD: f32 = 0.8;
    /// Each further letter of an unknown character. Larger: ligatures are one letter. Smaller: letters of
    /// known characters that were misread are theirs.
    pub(crate) const FURTHER: f32 = 0.3;
    /// A character one height of the line away from where it should be, or farther. Larger: what recognizers say
    /// about places counts more than letters. Smaller: a double letter is ambiguous.
    pub(crate) const OFF: f32 = 0.9;
}

/// Reading glyphs without meaning.
pub(super) mod fill {
    /// Lines of a page that are read at most. More take longer, fewer leave glyphs unread.
    pub(crate) const MOST_ROWS: usize = 12;
    /// Times that a glyph is looked at, if it is there so often. More take longer, fewer err.
    pub(crate) const SEEN: u32 = 3;
    /// Confidence of a line, 0 to 1, whose glyphs are believed. Larger: hard lines stay unread. Smaller:
    /// misread letters come into the text.
    pub(crate) const SURE: f32 = 0.8;
    /// The same for a line without enough known letters to compare.
    pub(crate) const SURE_ALONE: f32 = 0.9;
    /// Known letters and digits from which they are compared.
    pub(crate) const LEAST_KNOWN: usize = 4;
    /// Share of them that must be read as the layer says. Larger: slips spoil a line. Smaller: another line
    /// that was read is believed.
    pub(crate) const SAME_LINE: f32 = 0.7;
    /// Share of the readings of a glyph that must agree. Larger: glyphs that are often misread stay unknown.
    /// Smaller: they become wrong letters.
    pub(crate) const AGREED: f32 = 0.6;
    /// Characters of a line that are aligned at most; this bounds time and memory.
    pub(crate) const MOST_READ: usize = 600;
    /// Share of characters without meaning beyond which a page is not mended line by line. Larger: pages with
    /// nothing known are read by their boxes. Smaller: layers are given up that could be mended.
    pub(crate) const MOST_UNKNOWN: f32 = 0.5;
}
