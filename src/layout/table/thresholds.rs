//! Thresholds of table detection, by topic: each with its unit and its trade-off.
//!
//! Ems are those of body text on the page, pixels those of a page at 144 dpi. If a comment gives no other
//! reason, the value was found by trial on the examples. `tests/it/documents.rs` compares the tables of
//! `examples/documents/report.pdf` and `tests/fixtures/tagged_table.pdf` cell by cell; the unit tests of
//! `ruled` and `aligned` have small ones. The effects given for larger and smaller values follow from the
//! rule that uses the threshold.

/// A share of counted things as a fraction, which avoids rounding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share(usize, usize);

impl Share {
    /// `true` if `count` of `all` is more than the share.
    pub(super) fn is_passed(self, count: usize, all: usize) -> bool {
        count * self.1 > all * self.0
    }

    /// `true` if `count` of `all` is at least the share.
    pub(super) fn is_reached(self, count: usize, all: usize) -> bool {
        count * self.1 >= all * self.0
    }
}

/// Grids of ruling lines.
pub(super) mod ruled {
    use super::Share;

    /// Distance in pixels below which lines are one: the two edges of a thick or double line. Larger: rows
    /// that low vanish. Smaller: double lines make empty rows and columns.
    pub(crate) const SNAP: f32 = 5.0;
    /// Maximum distance in pixels between ends of lines that meet. Larger: a frame beside a table joins it.
    /// Smaller: tables whose lines end short of each other are split.
    pub(crate) const TOUCH: f32 = 6.0;
    /// Minimum share of a cell's side that must be drawn for a border. Larger: worn lines merge cells.
    /// Smaller: the end of a neighbour's line splits a cell.
    pub(crate) const BORDER_SHARE: f32 = 0.6;
    /// Ems by which perpendicular lines must extend beyond the last line to imply an undrawn outer border.
    /// Larger: open columns of a few letters are lost. Smaller: protruding lines make empty columns.
    pub(crate) const OPEN_SIDE: f32 = 0.8;
    /// Minimum share of cells with text: below it, the grid is a diagram or that of a chart. Larger: empty
    /// forms are not tables. Smaller: charts are.
    pub(crate) const MIN_FILLED: f32 = 0.2;
    /// Minimum number of cells with text. Smaller: boxes around one text are tables.
    pub(crate) const MIN_FILLED_CELLS: usize = 2;
    /// Minimum share of rotated text that must lie in a table to belong to it, unlike text along its side.
    /// Larger: rotated headings at a border stay outside. Smaller: rotated notes beside a table join it.
    pub(crate) const TURNED_INSIDE: f32 = 0.9;
    /// Number of characters beyond which a cell holds prose: a long paragraph. Larger: designed pages with
    /// short texts are tables. Smaller: tables with long cells are not.
    pub(crate) const PROSE_CHARS: usize = 350;
    /// Height in ems beyond which a grid may be page design: half a page and more. Larger: framed pages with
    /// empty space below are tables. Smaller: small tables of long texts are not.
    pub(crate) const DESIGN_HEIGHT: f32 = 40.0;
    /// Maximum number of cells of a page design, which has boxes rather than cells. Larger: tables with few
    /// rows are missed. Smaller: pages of many boxes are tables.
    pub(crate) const DESIGN_CELLS: usize = 12;
    /// Share of prose cells from which a high grid of few cells is page design. Larger: framed pages are
    /// tables. Smaller: tables with a column of descriptions are not.
    pub(crate) const DESIGN_PROSE: Share = Share(1, 4);
    /// Maximum width in pixels of the next line's first word, for which an unwrapped line would have had
    /// room. Larger: records are one text. Smaller: wrapped texts with long words are records.
    pub(crate) const NEXT_WORD: f32 = 60.0;
    /// Share of a cell's width that a line and the next one's first word must exceed for the line to be
    /// wrapped. Larger: wrapped texts are records. Smaller: records are one text.
    pub(crate) const WRAPPED_WIDTH: f32 = 0.9;
    /// Minimum number of lines per cell of a row with several records. Larger: pairs of records stay one row.
    pub(crate) const RECORD_LINES: usize = 2;
    /// Minimum number of cells with equally many lines in a row with several records. Larger: records of
    /// narrow tables stay one row. Smaller: one text of two lines splits its row.
    pub(crate) const RECORD_CELLS: usize = 2;
    /// Minimum share of non-empty cells with equally many lines in a row with several records. Larger:
    /// records with an empty or wrapped cell stay one row. Smaller: rows are split through texts.
    pub(crate) const RECORD_SHARE: Share = Share(6, 10);
    /// Maximum offset, in line heights, between lines of one record. Larger: vertically centred texts split
    /// rows. Smaller: records in different sizes stay one row.
    pub(crate) const RECORD_SLACK: f32 = 0.4;
    /// Height in ems below which a row has no room for text: the gap of a double line. Larger: empty rows of
    /// tables set solid are lost. Smaller: double lines leave empty rows.
    pub(crate) const THIN_ROW: f32 = 0.5;
}

/// Columns separated by white space.
pub(super) mod aligned {
    use super::Share;

    /// Gap in ems below which it is a space between words. Larger: narrow columns are merged. Smaller:
    /// justified lines are rows of several pieces.
    pub(crate) const WORD_BLANK: f32 = 0.42;
    /// Minimum gap in ems that separates columns if all rows share it. Larger: narrow columns are merged.
    /// Smaller: aligned spaces separate columns.
    pub(crate) const COLUMN_GAP: f32 = 0.5;
    /// Maximum share of rows that may cross a gap: headings over several columns. Larger: prose is split into
    /// columns. Smaller: tables with many inner headings lose columns.
    pub(crate) const CROSSING_SHARE: f32 = 0.15;
    /// Number of multi-piece rows from which one may cross a gap regardless of the share. Larger: small
    /// tables with a spanning heading lose a column. Smaller: with two rows, one may cross every gap.
    pub(crate) const CROSSING_ROWS: usize = 3;
    /// Minimum number of multi-piece rows of a two-column table without rules. Larger: small tables are text.
    /// Smaller: lines with a coincidental gap are tables.
    pub(crate) const MIN_ROWS_TWO_COLUMNS: usize = 4;
    /// The same for more columns, whose gaps are stronger evidence.
    pub(crate) const MIN_ROWS: usize = 3;
    /// Maximum line pitch in ems between rows of a table. Larger: headings and paragraphs around it join.
    /// Smaller: loosely set tables are split.
    pub(crate) const MAX_ROW_STEP: f32 = 3.2;
    /// Share of multi-piece rows in a table without rules. Larger: tables with many lines of wrapped text are
    /// missed. Smaller: text with a few gaps is a table.
    pub(crate) const SEVERAL_PIECES: Share = Share(6, 10);
    /// Minimum share of rows that fill each of two columns: notes are missing beside most lines of prose.
    /// Larger: tables with gaps are text. Smaller: text beside a few notes is a table.
    pub(crate) const FILLED_OF_TWO: Share = Share(5, 10);
    /// The same for more columns, which may be sparse. Larger: tables with a sparse column are text. Smaller:
    /// stray pieces make a column.
    pub(crate) const FILLED: Share = Share(3, 10);
    /// Maximum number of words of a cell in a two-column table; more are prose. Larger: columns of prose are
    /// tables. Smaller: tables with descriptions are text.
    pub(crate) const CELL_WORDS_OF_TWO: usize = 5;
    /// The same for more columns.
    pub(crate) const CELL_WORDS: usize = 7;
    /// Share of prose cells below which it is a table. Larger: columns of prose are tables. Smaller: tables
    /// with a column of descriptions are text.
    pub(crate) const PROSE_SHARE: Share = Share(1, 4);
    /// Share of list markers in the first of two columns beyond which it is a list. Larger: lists with some
    /// unmarked items are tables. Smaller: tables with numbered rows are lists.
    pub(crate) const MARKER_SHARE: Share = Share(7, 10);
    /// Width relative to the table's below which a column holds list markers: a wider one holds more. Larger:
    /// tables with a narrow first column are lists. Smaller: lists with wide markers are tables.
    pub(crate) const MARKER_WIDTH: f32 = 0.12;
    /// Maximum length of a list marker: `(viii)` has six characters. Larger: short words with a dot are
    /// markers. Smaller: long roman numbers are not.
    pub(crate) const MARKER_CHARS: usize = 6;
    /// Length in ems of a column that a piece must exceed to cover it. Larger: pieces that extend into a
    /// column do not span it. Smaller: pieces that touch a column do.
    pub(crate) const COVERED: f32 = 0.3;
    /// Share of the column, and of the piece, that suffices if it is less than that length.
    pub(crate) const COVERED_SHARE: f32 = 0.5;
    /// Row pitch, relative to that of rows starting in the first column, below which another row continues
    /// the one above. Larger: rows with an empty first cell do. Smaller: wrapped cells are rows.
    pub(crate) const CONTINUED_STEP: f32 = 0.9;
    /// Minimum width in ems of a rule that shows a heading's span: shorter ones underline a word. Larger:
    /// rules over narrow columns are missed. Smaller: underlined words span.
    pub(crate) const SPAN_RULE: f32 = 2.0;
    /// Maximum width of such a rule relative to the table: a longer one separates rows. Larger: rules between
    /// rows make a single heading span all columns. Smaller: wide headings do not span.
    pub(crate) const SPAN_RULE_SHARE: f32 = 0.9;
    /// Distance in ems of such a rule from the heading's lower edge: from just inside its box, whose descent
    /// it may touch, to less than a line below.
    pub(crate) const SPAN_RULE_BELOW: std::ops::Range<f32> = -0.4..0.8;
}

/// Pairs of horizontal rules around a table.
pub(super) mod framed {
    use super::Share;

    /// Minimum words of a full line of prose. Larger: narrow columns of prose between rules are tables. Smaller: cells of
    /// several words are prose.
    pub(crate) const PROSE_WORDS: usize = 4;
    /// Share of its column that a full line fills. Larger: ragged prose is a table. Smaller: cells are prose.
    pub(crate) const PROSE_FILL: f32 = 0.8;
    /// Minimum lines of a column of prose: cells have fewer. Larger: short columns between rules are tables.
    pub(crate) const PROSE_LINES: usize = 6;
    /// Maximum difference in ems between ends of paired rules. Larger: unrelated rules make a frame. Smaller:
    /// tables with imprecisely drawn rules are missed.
    pub(crate) const RULE_SNAP: f32 = 0.8;
    /// Minimum width of a rule in ems: shorter ones underline or show a heading's span. Larger: narrow tables
    /// are missed. Smaller: underlines make frames.
    pub(crate) const RULE_WIDTH: f32 = 5.0;
    /// Maximum thickness of a rule in ems: thicker ones are bars and tinted boxes. Larger: tinted bars are
    /// rules. Smaller: thick rules are missed.
    pub(crate) const RULE_THICKNESS: f32 = 0.5;
    /// Share of a piece of text that must lie between the rules to be framed. Larger: cells that touch a rule
    /// are lost. Smaller: lines above and below join.
    pub(crate) const TEXT_INSIDE: f32 = 0.7;
    /// Minimum share of a piece of text within an em of the frame: text that protrudes further is not framed.
    /// Larger: tables with a wide cell are missed. Smaller: text extending past short rules is framed.
    pub(crate) const TEXT_WITHIN: f32 = 0.9;
    /// Height in ems below which two rules without text between them are a double rule or a gap between row
    /// groups. Larger: empty bands do not end a table. Smaller: double rules do.
    pub(crate) const EMPTY_HEIGHT: f32 = 1.5;
    /// Minimum number of bullets between two rules that makes it a list, or page design around lists. Larger:
    /// framed lists are tables. Smaller: tables with bullets in their cells are not.
    pub(crate) const LIST_BULLETS: usize = 3;
    /// Height in ems beyond which nearly all rows between two rules must be table rows: page headers and
    /// footers have rules too. Larger: framed pages are tables. Smaller: long tables with inner headings are
    /// not.
    pub(crate) const TALL_FRAME: f32 = 25.0;
    /// Minimum share of multi-piece rows in a tall frame. Larger: long tables with inner headings are missed.
    /// Smaller: framed pages are tables.
    pub(crate) const TALL_FRAME_ROWS: Share = Share(3, 4);
    /// Width relative to the frame's below which a single-piece row is a table row: a heading between rules.
    /// Larger: a framed line of text is a row. Smaller: long headings between rules end their table.
    pub(crate) const NARROW_ROW: f32 = 0.6;
    /// Maximum number of words of a cell between rules; more are prose. Larger: framed text is a table.
    /// Smaller: tables with descriptions are text.
    pub(crate) const CELL_WORDS: usize = 11;
    /// Maximum share of prose cells between rules. Larger: framed text is a table. Smaller: tables with
    /// descriptions are text.
    pub(crate) const PROSE_SHARE: Share = Share(1, 4);
}

/// Text of cells.
pub(super) mod cells {
    /// Share of the lower of two heights that a word and a line must have in common for the word to be in the
    /// line: superscripts are raised by less than half a line. Larger: superscripts are lines of their own.
    /// Smaller: neighbouring lines are mixed.
    pub(crate) const LINE_OVERLAP: f32 = 0.5;
}
