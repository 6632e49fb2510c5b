//! The thresholds by which layout is found without a network, by topic: each with its unit and what it trades.
//!
//! Ems are those of body text on the page, in `paragraphs` those of the larger of two lines. Where a comment names no
//! other reason, the value was chosen by trial on the examples. `tests/it/documents.rs` and `tests/it/scans.rs` check
//! labels, order and cells of the documents in `examples/documents`; `scripts/compare.py similarity` measures text and
//! order, and `scripts/compare.py recall` what is lost, on any folder of PDFs. What a larger or smaller value does
//! is what follows from the rule that uses it.

/// Columns and reading order.
pub(super) mod columns {
    /// White space between two columns, least, in ems. Larger: narrow gutters are missed and lines of two columns are
    /// read across. Smaller: wide blanks of justified lines that happen to lie above each other are gutters.
    pub(crate) const MIN_GUTTER: f32 = 0.75;
    /// Width of a column, least, in ems. Larger: narrow columns are read across. Smaller: columns of tables and lists
    /// of terms are read one after the other instead of row by row.
    pub(crate) const MIN_COLUMN: f32 = 7.0;
    /// Rows of a column without a picture or table, least. Larger: short columns are read across. Smaller: two pieces
    /// beside two others are columns.
    pub(crate) const MIN_ROWS: usize = 3;
    /// Share of its column that the usual line fills, least: prose does, entries of lists do not. Larger: ragged and
    /// short paragraphs are no columns. Smaller: labels beside their values are read as two columns.
    pub(crate) const MIN_FILL: f32 = 0.42;
    /// Share of the shorter column for which two stand side by side, least. Larger: a short column beside a long one is
    /// read across. Smaller: paragraphs that are only shifted against each other are columns.
    pub(crate) const MIN_BESIDE: f32 = 0.3;
    /// Share of a line's height that is cut off above and below before rows are formed, because boxes reach from ascent
    /// to descent and touch the next line's. Larger: lines of a column that are set a little off the other's fall apart
    /// into rows of their own. Smaller: neighbouring lines run together.
    pub(crate) const LINE_TRIM: f32 = 0.2;
}

/// The edges of a page: running headers, page numbers, turned text.
pub(super) mod margins {
    /// Share of the page's height, from the top, in which a header without a page number may stand. Larger: a title set
    /// apart by a rule is a header. Smaller: deep headers are read as text.
    pub(crate) const HEADER_SHARE: f32 = 0.1;
    /// Share of the page's height, from the top and from the bottom, in which the outermost line may be a header or
    /// footer with a page number. Larger: a short last line of text with a number at its end is a footer. Smaller:
    /// those of pages with wide margins are text.
    pub(crate) const OUTER_SHARE: f32 = 0.2;
    /// Shares of the page's height above and below which a number is a page number even if no other page has one at its
    /// place. Nearer to the middle: numbers of drawings and tables are page numbers. Further out: page numbers stay in
    /// the text.
    pub(crate) const NUMBER_PLACE: (f32, f32) = (0.09, 0.91);
    /// Digits of a page number, most. Larger: numbers of reports and phones are page numbers. Smaller: numbers of pages
    /// of long series stay in the text.
    pub(crate) const NUMBER_DIGITS: usize = 5;
    /// Characters of a roman page number, most: `xxviii`. Longer words of these letters are words. Smaller: roman
    /// numbers of a long preface stay in the text.
    pub(crate) const ROMAN_CHARS: usize = 6;
    /// Ems by which boxes of one line may differ in height and still all be outermost. Larger: the second line counts
    /// as outermost too. Smaller: a raised piece hides the line that it stands in.
    pub(crate) const SAME_LINE: f32 = 0.5;
    /// Width of the rule that cuts a header off, least, as a share of the page's. Larger: rules over the type area of
    /// pages with wide margins are missed. Smaller: underlined words are headers.
    pub(crate) const RULE_WIDTH: f32 = 0.55;
    /// Distance of that rule from the header's lower edge, in ems: from just inside its box, whose descent it may
    /// touch, to a line and a half below. A wider range takes rules of the text, a narrower one misses loose headers.
    pub(crate) const RULE_BELOW: std::ops::Range<f32> = -0.3..1.6;
    /// White space between the two pieces of a header, least, as a share of the page's width. Larger: headers with long
    /// pieces are missed. Smaller: two columns that start with one line each are a header.
    pub(crate) const HEADER_GAP: f32 = 0.3;
    /// Share of its height that a piece of vertical text has in common with its neighbour, least. Larger: a short last
    /// column stands alone. Smaller: captions below vertical text join it.
    pub(crate) const VERTICAL_OVERLAP: f32 = 0.3;
}

/// Pictures and drawings.
pub(super) mod figures {
    /// Width and height of a figure, least, in ems. Larger: small diagrams are lost. Smaller: bullets, icons and
    /// underlines are figures.
    pub(crate) const MIN_SIDE: f32 = 2.2;
    /// Share of the page from which a picture or shape is its background. Larger: backgrounds that leave a margin are
    /// figures and swallow the page. Smaller: figures that fill a page are lost.
    pub(crate) const BACKGROUND_SHARE: f32 = 0.85;
    /// Twice the distance of shapes that belong together, most, in ems: room around each of them. Larger: neighbouring
    /// figures become one. Smaller: bars and points of a chart are figures of their own.
    pub(crate) const SHAPE_GAP: f32 = 1.0;
    /// Distance of a label from its figure, most, in ems. Larger: lines of text beside a figure are drawn into it.
    /// Smaller: numbers along axes are read as text.
    pub(crate) const LABEL_GAP: f32 = 0.7;
    /// Size over body size below which a label is small: so small that it is no body text, and may stand further off.
    /// Larger: text set a little smaller is drawn into figures. Smaller: titles of axes stay outside.
    pub(crate) const SMALL_LABEL: f32 = 0.86;
    /// Distance of a small label from its figure, most, in ems; as `LABEL_GAP`.
    pub(crate) const SMALL_LABEL_GAP: f32 = 1.9;
    /// Size over body size of a label, below. Larger: body text beside a figure is a label. Smaller: labels nearly as
    /// large as the text are read as text.
    pub(crate) const LABEL_SIZE: f32 = 0.97;
    /// Words of a label, most. Larger: short lines of text are labels. Smaller: titles of axes are text.
    pub(crate) const LABEL_WORDS: usize = 4;
    /// Width of a label over that of its drawing, below: a line as wide as the figure is a caption or text. Larger:
    /// captions are drawn into figures. Smaller: long titles of axes are text.
    pub(crate) const LABEL_WIDTH: f32 = 0.6;
    /// Words that a label printed over a photograph may have; more are text on a background. Larger: text on
    /// photographs is lost in them. Smaller: their labels are paragraphs of a word.
    pub(crate) const PHOTO_LABEL_WORDS: usize = 2;
    /// Share of a figure that lines of text cover, beyond which it is a background of text. Larger: frames and tinted
    /// boxes swallow their text. Smaller: diagrams with long labels are taken apart.
    pub(crate) const MAX_TEXT_SHARE: f32 = 0.18;
    /// Share of the page beyond which a figure is large: one with `LARGE_WORDS` words in lines is a decorated page.
    pub(crate) const LARGE_SHARE: f32 = 0.33;
    /// Words in lines that make a large figure a decorated page. Larger: designed pages are pictures. Smaller: large
    /// diagrams with descriptions are read as text.
    pub(crate) const LARGE_WORDS: usize = 30;
    /// Words of a line that counts for `LARGE_WORDS`, least: labels do not. Larger: designed pages with short lines are
    /// pictures. Smaller: labels of large diagrams make them decorated pages.
    pub(crate) const LINE_WORDS: usize = 4;
    /// Words from which a line is prose and not a label. Larger: tinted boxes with short lines are figures. Smaller:
    /// labels of several words make their diagram a background.
    pub(crate) const PROSE_WORDS: usize = 6;
    /// Lines of prose that make a background of text, least. Larger: small tinted boxes with text are figures. Smaller:
    /// a diagram with two long labels is none.
    pub(crate) const PROSE_LINES: usize = 3;
    /// Height, in ems, below which shapes around text decorate a heading. Larger: flat diagrams are lost. Smaller:
    /// banners behind headings are figures.
    pub(crate) const BANNER_HEIGHT: f32 = 4.0;
    /// Distance of a ruling line from a scanned figure that it is an axis of, most, in ems. Larger: rules of the page
    /// join. Smaller: axes stay outside.
    pub(crate) const AXIS_GAP: f32 = 0.5;
    /// Length of such a line over the figure's longer side, below: a longer one is a rule of the page. Smaller: axes
    /// that stand out of their curves stay outside.
    pub(crate) const AXIS_LENGTH: f32 = 1.6;
    /// Distance of a drawn line from the shapes that it is an axis of, most, in pixels at 144 dpi: drawn axes touch.
    /// Larger: rules beside a drawing join it. Smaller: axes that stop short of their bars stay outside.
    pub(crate) const DRAWN_AXIS_GAP: f32 = 3.0;
    /// Factor by which an axis may enlarge the box of its shapes, below: a long rule beside a small shape is no axis of
    /// it. Larger: a bullet takes the rule beside it. Smaller: long axes of a few points stay outside.
    pub(crate) const AXIS_GROWTH: f32 = 2.5;
    /// Share of the smaller of two boxes that must overlap for both to be one figure. Larger: insets are figures of
    /// their own. Smaller: figures that touch become one.
    pub(crate) const JOIN_SHARE: f32 = 0.3;
    /// Pixels at 144 dpi by which strips of one picture may be off each other: a point and a half, more than rounding
    /// leaves. Larger: pictures below each other become one. Smaller: one picture becomes many.
    pub(crate) const STRIP_SLACK: f32 = 3.0;
    /// Share of a piece of text that must lie in a figure to belong to it. Larger: labels on the border are text.
    /// Smaller: text that a figure's box touches is lost in it.
    pub(crate) const LABEL_INSIDE: f32 = 0.6;
    /// Share of a piece of text that must lie on a filled area for that to be a background of text. Larger: filled
    /// areas behind text are shapes of a figure. Smaller: shapes that text touches are none.
    pub(crate) const TEXT_ON_FILL: f32 = 0.5;
    /// Numbers along a drawing, least, that make it a chart. Larger: charts with few ticks are images. Smaller:
    /// numbered diagrams are charts.
    pub(crate) const CHART_NUMBERS: usize = 4;
}

/// Tables that were found before, and what lies in them.
pub(super) mod tables {
    /// Pixels at 144 dpi by which a table's box is widened before rules are looked for in it: its border is as thick as
    /// that. Larger: rules beside a table are part of it. Smaller: its own border is looked at as a rule of the page.
    pub(crate) const RULE_MARGIN: f32 = 3.0;
    /// Pixels at 144 dpi by which a table's box is widened before pictures and shapes are looked for in it. Larger:
    /// drawings beside a table are lost. Smaller: tinted cells are figures.
    pub(crate) const SHAPE_MARGIN: f32 = 2.0;
    /// Share of a rule or shape that must lie in a table to be part of it: most of it. Larger: what sticks out of a
    /// table is looked at again. Smaller: what touches it is not.
    pub(crate) const INSIDE: f32 = 0.5;
}

/// Lines put together to paragraphs.
pub(super) mod paragraphs {
    /// Place among the sorted right ends of lines, 0 to 1, that counts as the right edge of the zone: one line that
    /// sticks out must not make all others look short. Larger: it does. Smaller: full lines stick out of ragged ones.
    pub(crate) const RIGHT_EDGE: f32 = 0.9;
    /// Sizes of two lines differ by less than this share of the first for their distance to count as one between lines.
    /// Larger: distances to headings count. Smaller: lines of one font whose sizes are rounded do not.
    pub(crate) const PITCH_SIZES: f32 = 0.1;
    /// Distances from line to line that are plausible inside a paragraph, in ems: set solid is 1, double spacing 2.4.
    /// Wider: distances between paragraphs count. Narrower: those of double-spaced text do not.
    pub(crate) const PITCHES: std::ops::Range<f32> = 0.9..2.4;
    /// Distance from line to line where a zone has too few lines to tell, in ems: the usual 120 to 130 % of the size.
    /// Larger: two short paragraphs of a line each are one. Smaller: two loosely set lines are two paragraphs.
    pub(crate) const DEFAULT_PITCH: f32 = 1.25;
    /// Difference of sizes, in ems, beyond which lines belong to different paragraphs. Larger: headings stick to their
    /// text. Smaller: rounding of sizes cuts paragraphs.
    pub(crate) const SIZE_SLACK: f32 = 0.08;
    /// The same for recognized lines, whose height depends on the letters in them: one without ascenders and descenders
    /// is up to a third lower. Larger: headings stick to their text. Smaller: lines in small letters fall out of their
    /// paragraph.
    pub(crate) const SIZE_SLACK_RECOGNIZED: f32 = 0.32;
    /// Distance in ems up to which two lines of one tagged element stay together without a further look. Larger: parts
    /// of an element that stand far apart become one block. Smaller: loosely set elements are cut by their looks.
    pub(crate) const TAGGED_STEP: f32 = 2.2;
    /// Factor on the zone's usual distance from line to line up to which a paragraph's own counts: a loosely set one
    /// keeps its lines, but white space after its first line does not become its distance. Larger: two paragraphs of a
    /// line each run together with the next. Smaller: loosely set paragraphs in a dense zone fall into lines.
    pub(crate) const OWN_PITCH: f32 = 1.35;
    /// Factor on the distance from line to line beyond which white space starts a paragraph. Larger: paragraphs run
    /// together. Smaller: lines with index marks or formulas cut them.
    pub(crate) const STEP: f32 = 1.3;
    /// The same for recognized lines, whose boxes vary. Larger and smaller as there.
    pub(crate) const STEP_RECOGNIZED: f32 = 1.45;
    /// Distance in ems by which the next line may lie higher than the last: further up it is another column's. Larger:
    /// columns that were not told apart run together. Smaller: raised pieces start paragraphs.
    pub(crate) const MAX_RISE: f32 = 0.5;
    /// Ems by which the next line of a caption may stand left of the last one. Further left it is text. Larger: text
    /// below a caption joins it. Smaller: captions whose first line stands in are cut.
    pub(crate) const CAPTION_OUTDENT: f32 = 1.0;
    /// Ems by which the second line of a list item may stand left of its first. Further left it belongs to no item: it
    /// goes on below its text or below its marker. Larger: text after a list joins its last item. Smaller: items set a
    /// little crooked are cut.
    pub(crate) const ITEM_OUTDENT: f32 = 0.3;
    /// The same for the later lines, of which the last one hangs at the item's text. Larger and smaller as there.
    pub(crate) const ITEM_LATER_OUTDENT: f32 = 0.7;
    /// Difference of the room on both sides of a centred line, most, in ems. Larger: short paragraphs are centred.
    /// Smaller: those that are centred by eye fall apart.
    pub(crate) const CENTERED_SLACK: f32 = 1.0;
    /// Room on the left of a centred line, least, in ems: a full line has as much on both sides too. Larger: centred
    /// lines of nearly full width fall apart. Smaller: full lines are centred.
    pub(crate) const CENTERED_ROOM: f32 = 1.0;
    /// Ems that a first line stands in, more than the first and less than the second: typography uses one to three. A
    /// lower least takes optical alignment for an indent, a higher most takes tabulated text for one.
    pub(crate) const INDENT: (f32, f32) = (0.7, 4.5);
    /// Share of the zone's width that a line leaves free at its end if the next word would have fitted. Larger:
    /// paragraphs that end with a long line run into the next. Smaller: ragged lines end paragraphs.
    pub(crate) const EARLY_END: f32 = 0.16;
    /// Sum of the differences of red, green and blue, 0 to 765, beyond which two lines have different colours. Larger:
    /// tinted headings stick to their text. Smaller: shades of one colour cut paragraphs.
    pub(crate) const COLOR_DIFFERENCE: u32 = 180;
}

/// Headings; `headings.rs` decides with them.
pub(super) mod headings {
    /// Size over body size beyond which a line is a heading whatever else it is. Larger: headings a point above their
    /// text are missed. Smaller: lines whose font is measured a little larger are headings.
    pub(crate) const SIZE: f32 = 1.13;
    /// The same for recognized lines, whose size is only known from their boxes. A line with ascenders and descenders
    /// is up to a third higher than one without. Larger: headings of scans are text. Smaller: lines of text with high
    /// boxes are headings.
    pub(crate) const SIZE_RECOGNIZED: f32 = 1.3;
    /// Size over body size of a heading that is told by bold letters or capitals, above: smaller ones are labels and
    /// notes. Larger: headings of notes are text. Smaller: bold labels are headings.
    pub(crate) const DISTINCT_SIZE: f32 = 0.88;
    /// Size over body size of a recognized heading that is told by its number, above. Larger: numbered headings without
    /// ascenders are text. Smaller: numbered notes are headings.
    pub(crate) const NUMBERED_SIZE: f32 = 0.9;
    /// Lines of a large heading, most. Larger: quotations and abstracts in large type are headings. Smaller: long
    /// titles are text.
    pub(crate) const MAX_LINES: usize = 4;
    /// Characters of a large heading, most; as `MAX_LINES`.
    pub(crate) const MAX_CHARS: usize = 220;
    /// Letters of a heading, least: fewer are numbers and signs. Larger: headings of one letter and a number are text.
    pub(crate) const MIN_LETTERS: usize = 2;
    /// Lines of a heading that is as small as text, most. Larger: bold paragraphs are headings. Smaller: those that
    /// wrap are text.
    pub(crate) const MAX_DISTINCT_LINES: usize = 2;
    /// Characters of a heading that is as small as text, most; as `MAX_DISTINCT_LINES`.
    pub(crate) const MAX_DISTINCT_CHARS: usize = 120;
    /// Characters of a heading that is told by bold letters or capitals, least: fewer are marks and units. Larger:
    /// short headings in Chinese characters are text.
    pub(crate) const MIN_DISTINCT_CHARS: usize = 3;
    /// Characters of a heading that is told by capitals alone, more than this: fewer are abbreviations. Larger: short
    /// headings in capitals are text.
    pub(crate) const CAPITALS_CHARS: usize = 4;
    /// Characters of a recognized heading that is told by its number, below: longer ones are items of a numbered list.
    /// Smaller: long headings of scans are text.
    pub(crate) const MAX_NUMBERED_CHARS: usize = 70;
    /// Capitals of a text in capitals, least: two are an abbreviation.
    pub(crate) const MIN_CAPITALS: usize = 3;
    /// Capitals for every small letter of a text in capitals, more than this. Larger: headings in capitals with a word
    /// in small letters are none. Smaller: text full of abbreviations is in capitals.
    pub(crate) const CAPITALS_PER_SMALL: usize = 4;
    /// Digits of each part of a heading's number, most: years have four. Smaller: sections from 10 on have no number.
    pub(crate) const NUMBER_DIGITS: usize = 2;
    /// Characters of a number that starts with a letter, most: `A.10.2`.
    pub(crate) const LETTERED_CHARS: usize = 6;
    /// Share of the zone's width that a recognized line told by number or wording leaves free, more than this: a line
    /// that fills its column is text. Larger: long headings run into their text. Smaller: first lines of numbered
    /// paragraphs are headings.
    pub(crate) const FREE_SHARE: f32 = 0.15;
}

/// Captions and tables of contents.
pub(super) mod captions {
    /// Size over body size below which a line that opens like a caption, or like a sentence about a figure, is one.
    /// Larger: sentences that begin with `Table 2 shows` are captions. Smaller: captions set slightly smaller are text.
    pub(crate) const WEAK_SIZE: f32 = 0.97;
    /// Characters of a roman number in a caption, most: `XVIII`.
    pub(crate) const ROMAN_CHARS: usize = 5;
    /// Characters of a number that starts with a letter, most: `A.12`.
    pub(crate) const LETTERED_CHARS: usize = 4;
    /// Dots of a line of a table of contents, least: an ellipsis has as many, but no page number behind. Larger:
    /// entries as long as their line are text. Smaller: sentences that end with a number are entries.
    pub(crate) const LEADER_DOTS: usize = 3;
}

/// Formulas that stand alone.
pub(super) mod formulas {
    /// Share of characters in fonts for formulas beyond which a block is a formula. Larger: formulas with upright names
    /// are text. Smaller: sentences full of symbols are formulas.
    pub(crate) const MATH_SHARE: f32 = 0.33;
    /// Letters that make a word, least: names of functions (`sin`, `log`) have three. Larger: short sentences with
    /// signs are formulas. Smaller: formulas with functions are text.
    pub(crate) const WORD_LETTERS: usize = 4;
    /// Characters of a formula, for every word in it, at least so many. Larger: formulas with a word (`if`,
    /// `otherwise`) are text. Smaller: sentences with many symbols are formulas.
    pub(crate) const CHARS_PER_WORD: usize = 8;
    /// Ems by which a formula is set in from both edges of its zone, more than this. Larger: formulas after short
    /// indents are text. Smaller: lines of text with signs are formulas.
    pub(crate) const SET_IN: f32 = 2.0;
    /// Lines of a formula, most: longer ones are derivations with text. Larger: derivations lose their text. Smaller:
    /// large matrices are text.
    pub(crate) const MAX_LINES: usize = 12;
    /// Characters of a formula that is told by its signs, most. Larger: paragraphs with an equation are formulas.
    /// Smaller: long formulas are text.
    pub(crate) const MAX_SIGNED_CHARS: usize = 120;
    /// Pieces between blanks of a formula that is told by its signs, least: a single one is a value.
    pub(crate) const MIN_PIECES: usize = 2;
    /// Characters of a line of a formula while lines are put together, most. Larger: lines of text with a sign are cut
    /// off. Smaller: long formulas run into their text.
    pub(crate) const MAX_LINE_CHARS: usize = 80;
    /// Characters of a limit, numerator or denominator that is a line of its own, most. Larger: words below a formula
    /// join it. Smaller: its pieces stay outside.
    pub(crate) const PIECE_CHARS: usize = 5;
    /// Width of a formula's line over that of its zone, below: a full line is text, unless it is nearly all symbols.
    /// Larger: full lines of text with symbols are formulas. Smaller: wide formulas are text.
    pub(crate) const FULL_LINE: f32 = 0.97;
    /// Share of a full line in fonts for formulas beyond which it is a formula all the same.
    pub(crate) const MATH_LINE: f32 = 0.5;
    /// Characters of a formula's number between its brackets, most. Larger: arguments in brackets are numbers. Smaller:
    /// numbers with a section and a letter are part of the formula.
    pub(crate) const NUMBER_CHARS: usize = 7;
}

/// Footnotes.
pub(super) mod footnotes {
    /// Size over body size of text below the rule, below: larger is text of the page. Larger: headings below a short
    /// rule are notes. Smaller: notes as large as the text are text.
    pub(crate) const RULED_SIZE: f32 = 1.05;
    /// Size over body size of a footnote without a rule, below. Larger: numbered text low on the page is a footnote.
    /// Smaller: notes set only a little smaller are text.
    pub(crate) const SIZE: f32 = 0.93;
    /// The same for recognized lines, whose sizes vary by more. Larger and smaller as there.
    pub(crate) const SIZE_RECOGNIZED: f32 = 0.85;
    /// Share of the page's height, from the top, below which a footnote without a rule stands. Larger: notes of pages
    /// with many are text. Smaller: numbered small text in the middle is a note.
    pub(crate) const PLACE: f32 = 0.6;
    /// Digits of a footnote's mark, most: years have four. Larger: text that opens with a year is a note. Smaller:
    /// notes from 100 on are text.
    pub(crate) const MARK_DIGITS: usize = 3;
    /// Thickness of the rule above footnotes, below, in ems. Larger: bars are rules. Smaller: thick rules are missed.
    pub(crate) const RULE_THICKNESS: f32 = 0.4;
    /// Width of that rule: more than this in ems. Larger: short rules are missed. Smaller: strokes of fractions and
    /// dashes are rules.
    pub(crate) const RULE_MIN_WIDTH: f32 = 2.5;
    /// Width of that rule, below, as a share of the page's: longer ones are rules of tables and pages. Larger: rules
    /// above a table are those of notes. Smaller: long rules above notes are missed.
    pub(crate) const RULE_MAX_WIDTH: f32 = 0.45;
    /// Share of the page's height, from the top, below which that rule stands. Larger: rules above long notes are
    /// missed. Smaller: rules below a title are those of notes.
    pub(crate) const RULE_PLACE: f32 = 0.5;
    /// Distance in ems within which there is no other rule: tables and frames have several. Larger: a rule near a table
    /// is missed. Smaller: the rule of a table is that of notes.
    pub(crate) const RULE_ALONE: f32 = 4.0;
    /// Ems by which the text below may overlap the rule: boxes reach up to the ascent. Larger: underlined text has a
    /// rule above it. Smaller: close rules are missed.
    pub(crate) const RULE_OVERLAP: f32 = 0.3;
    /// Distance of the text below the rule, less than this, in ems. Larger: rules between sections are those of notes.
    /// Smaller: rules with room below are missed.
    pub(crate) const RULE_TEXT_GAP: f32 = 1.5;
}

/// Regions of one kind that become one.
pub(super) mod joined {
    /// Size of text, least, in pixels at 144 dpi, on which the distances below are based: 4 points.
    pub(crate) const MIN_SIZE: f32 = 8.0;
    /// Distance of pieces of one formula, below, in sizes of their text. Larger: formulas below each other are one.
    /// Smaller: fractions fall apart.
    pub(crate) const FORMULA_GAP: f32 = 0.6;
    /// Distance of parts of a table of contents, below: white space between chapters is no end of it. Larger: two
    /// tables of contents become one. Smaller: one falls apart into chapters.
    pub(crate) const CONTENTS_GAP: f32 = 2.5;
    /// Distance of parts of a listing, below: an empty line is no end of it. Larger: two listings become one. Smaller:
    /// one falls apart at empty lines.
    pub(crate) const LISTING_GAP: f32 = 2.2;
}

/// Tags of a PDF.
pub(super) mod tags {
    /// Share of the text that must carry tags for them to be used. Larger: pages with an untagged header are read
    /// without. Smaller: pages of which a part is tagged lose the rest's place.
    pub(crate) const MIN_COVER: f32 = 0.85;
    /// Share of neighbouring regions that the order of the tags must leave as they are. Larger: tags that mend the
    /// order of a page are not followed. Smaller: tags in the order of drawing are.
    pub(crate) const MIN_AGREEMENT: f32 = 0.6;
    /// Share of elements that may be headings: more, and somebody used headings for looks. Larger: pages tagged as
    /// nothing but headings are believed. Smaller: lists of headings are not.
    pub(crate) const MAX_HEADING_SHARE: f32 = 0.5;
}

/// Confidence of each rule in its label, 0 to 1: the scores of regions in results. Nothing is decided by them; they are
/// estimates, in the order in which the rules err.
pub(super) mod scores {
    /// Headings by a PDF's own tags.
    pub(crate) const TAGGED_HEADING: f32 = 0.95;
    /// Text that no other rule takes.
    pub(crate) const TEXT: f32 = 0.9;
    /// Tables.
    pub(crate) const TABLE: f32 = 0.9;
    /// Tables of contents.
    pub(crate) const CONTENTS: f32 = 0.85;
    /// Listings.
    pub(crate) const LISTING: f32 = 0.85;
    /// Captions.
    pub(crate) const CAPTION: f32 = 0.85;
    /// Images and charts.
    pub(crate) const FIGURE: f32 = 0.85;
    /// Formulas.
    pub(crate) const FORMULA: f32 = 0.8;
    /// Headings by size, looks or wording.
    pub(crate) const HEADING: f32 = 0.8;
    /// Vertical text.
    pub(crate) const VERTICAL: f32 = 0.8;
    /// Page numbers, and headers and footers beside one.
    pub(crate) const NUMBERED_MARGIN: f32 = 0.8;
    /// Headers without a page number.
    pub(crate) const HEADER: f32 = 0.75;
    /// Footnotes.
    pub(crate) const FOOTNOTE: f32 = 0.75;
    /// Turned text.
    pub(crate) const ASIDE: f32 = 0.7;
}
