//! The thresholds by which tables are found, by topic: each with its unit and what it trades.
//!
//! Ems are those of body text on the page, pixels those of a page at 144 dpi. Where a comment names no other reason,
//! the value was chosen by trial on the examples. `tests/it/documents.rs` compares the tables of
//! `examples/documents/report.pdf` and `tests/fixtures/tagged_table.pdf` cell by cell; the unit tests of `ruled` and
//! `aligned` have small ones.
//! What a larger or smaller value does is what follows from the rule that uses it.

/// A share of things that are counted, as a fraction, so that nothing is rounded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share(usize, usize);

impl Share {
    /// `true` if so many of all are more than the share.
    pub(super) fn is_passed(self, count: usize, all: usize) -> bool {
        count * self.1 > all * self.0
    }

    /// `true` if so many of all are the share or more.
    pub(super) fn is_reached(self, count: usize, all: usize) -> bool {
        count * self.1 >= all * self.0
    }
}

/// Grids of drawn lines.
pub(super) mod ruled {
    use super::Share;

    /// Distance of lines that are one, below, in pixels: the two edges of a thick or double line. Larger: rows as low
    /// as that vanish. Smaller: double lines make empty rows and columns.
    pub(crate) const SNAP: f32 = 5.0;
    /// Distance of ends of lines that meet, most, in pixels. Larger: a frame beside a table is part of it. Smaller:
    /// tables whose lines stop short of each other fall apart.
    pub(crate) const TOUCH: f32 = 6.0;
    /// Share of a cell's side that must be drawn for a border, least. Larger: worn lines join cells. Smaller: the stub
    /// of a neighbour's line cuts a cell.
    pub(crate) const BORDER_SHARE: f32 = 0.6;
    /// Ems by which lines across must reach beyond the last line along for an outer border that is not drawn. Larger:
    /// open columns of a few letters are lost. Smaller: lines that stick out make empty columns.
    pub(crate) const OPEN_SIDE: f32 = 0.8;
    /// Share of cells that must have text: fewer, and it is a diagram or the grid of a chart. Larger: forms that are
    /// not filled in are no tables. Smaller: charts are.
    pub(crate) const MIN_FILLED: f32 = 0.2;
    /// Cells with text, least. Smaller: boxes around one text are tables.
    pub(crate) const MIN_FILLED_CELLS: usize = 2;
    /// Share of turned text that must lie in a table to belong to it: what runs along its side does not. Larger: turned
    /// headings at a border stay outside. Smaller: turned notes beside a table join it.
    pub(crate) const TURNED_INSIDE: f32 = 0.9;
    /// Characters of a cell beyond which it holds prose: a long paragraph. Larger: designed pages with short texts are
    /// tables. Smaller: tables with long cells are none.
    pub(crate) const PROSE_CHARS: usize = 350;
    /// Height of a grid, in ems, beyond which it may be the design of a page: that of half a page and more. Larger:
    /// framed pages with room below are tables. Smaller: small tables of long texts are none.
    pub(crate) const DESIGN_HEIGHT: f32 = 40.0;
    /// Cells of a page's design, most: boxes, not cells. Larger: tables with few rows are none. Smaller: pages of many
    /// boxes are tables.
    pub(crate) const DESIGN_CELLS: usize = 12;
    /// Share of cells with prose from which a high grid of few cells is a page's design. Larger: framed pages are
    /// tables. Smaller: tables with a column of descriptions are none.
    pub(crate) const DESIGN_PROSE: Share = Share(1, 4);
    /// Width of a next line's first word, most, in pixels: the room that a line without a break would have had. Larger:
    /// records side by side are one text. Smaller: wrapped texts with long words are records.
    pub(crate) const NEXT_WORD: f32 = 60.0;
    /// Share of a cell's width that a line with the next one's first word fills for the line to be wrapped, more than
    /// this. Larger: wrapped texts are taken for records. Smaller: records are taken for one text.
    pub(crate) const WRAPPED_WIDTH: f32 = 0.9;
    /// Lines of each cell, least, for a row to hold several records. Larger: pairs of records stay one row.
    pub(crate) const RECORD_LINES: usize = 2;
    /// Cells with the same number of lines, least, for a row to hold several records. Larger: records of narrow tables
    /// stay one row. Smaller: one text of two lines cuts its row.
    pub(crate) const RECORD_CELLS: usize = 2;
    /// Share of the cells with text that must have the same number of lines for a row to hold several records. Larger:
    /// records with an empty or wrapped cell stay one row. Smaller: rows are cut through texts.
    pub(crate) const RECORD_SHARE: Share = Share(6, 10);
    /// Heights of a line by which the lines of one record may be off each other, below. Larger: texts that are centred
    /// in their cells cut rows. Smaller: records in other sizes stay one row.
    pub(crate) const RECORD_SLACK: f32 = 0.4;
    /// Height in ems below which a row has no room for text: the space between double lines. Larger: empty rows of
    /// tables set solid are lost. Smaller: double lines leave empty rows.
    pub(crate) const THIN_ROW: f32 = 0.5;
}

/// Columns that white space separates.
pub(super) mod aligned {
    use super::Share;

    /// White space in ems below which it is a blank between words. Larger: narrow columns run together. Smaller:
    /// justified lines are rows of several pieces.
    pub(crate) const WORD_BLANK: f32 = 0.42;
    /// White space in ems that separates columns if all rows share it, least. Larger: narrow columns run together.
    /// Smaller: blanks that lie above each other separate.
    pub(crate) const COLUMN_GAP: f32 = 0.5;
    /// Share of the rows that may run across a gap: headings over several columns. Larger: prose is cut into columns.
    /// Smaller: tables with many headings inside lose theirs.
    pub(crate) const CROSSING_SHARE: f32 = 0.15;
    /// Rows of several pieces from which one may run across a gap whatever the share is. Larger: small tables with a
    /// heading over columns lose a column. Smaller: of two rows one may run across every gap.
    pub(crate) const CROSSING_ROWS: usize = 3;
    /// Rows of several pieces of a table of two columns without rules, least. Larger: small tables are text. Smaller:
    /// lines that happen to have a gap are tables.
    pub(crate) const MIN_ROWS_TWO_COLUMNS: usize = 4;
    /// The same of a table of more columns, whose gaps say more.
    pub(crate) const MIN_ROWS: usize = 3;
    /// Distance of two rows of a table from line to line, most, in ems. Larger: headings and paragraphs around it join.
    /// Smaller: loosely set tables fall apart.
    pub(crate) const MAX_ROW_STEP: f32 = 3.2;
    /// Share of the rows that have several pieces, in a table without rules. Larger: tables with many lines of wrapped
    /// text are none. Smaller: text with a few gaps is one.
    pub(crate) const SEVERAL_PIECES: Share = Share(6, 10);
    /// Share of the rows that fill each column of a table of two, least: prose beside notes has none beside most lines.
    /// Larger: tables with gaps are text. Smaller: text beside a few notes is a table.
    pub(crate) const FILLED_OF_TWO: Share = Share(5, 10);
    /// The same of a table of more columns, which may have sparse ones. Larger: tables with a sparse column are text.
    /// Smaller: stray pieces make a column.
    pub(crate) const FILLED: Share = Share(3, 10);
    /// Words of a cell in a table of two columns, most; more are prose. Larger: columns of prose are tables. Smaller:
    /// tables with descriptions are text.
    pub(crate) const CELL_WORDS_OF_TWO: usize = 5;
    /// The same in a table of more columns.
    pub(crate) const CELL_WORDS: usize = 7;
    /// Share of the cells that may be prose, below. Larger: columns of prose are tables. Smaller: tables with a column
    /// of descriptions are text.
    pub(crate) const PROSE_SHARE: Share = Share(1, 4);
    /// Share of the cells of the first of two columns that are list markers, more than which make a list. Larger: lists
    /// with some items without markers are tables. Smaller: tables with numbered rows are lists.
    pub(crate) const MARKER_SHARE: Share = Share(7, 10);
    /// Width of a column of list markers over that of the table, below: a wider one holds more than markers. Larger:
    /// tables with a narrow first column are lists. Smaller: lists with wide markers are tables.
    pub(crate) const MARKER_WIDTH: f32 = 0.12;
    /// Characters of a list marker, most: `(viii)` has six. Larger: short words with a dot are markers. Smaller: long
    /// roman numbers are none.
    pub(crate) const MARKER_CHARS: usize = 6;
    /// Length in ems by which a piece must cover a column to stand in it, more than this. Larger: pieces that reach
    /// into a column do not span it. Smaller: pieces that touch a column do.
    pub(crate) const COVERED: f32 = 0.3;
    /// Share of the column, and of the piece, that is enough where it is less than that length.
    pub(crate) const COVERED_SHARE: f32 = 0.5;
    /// Factor on the usual distance of rows that start in the first column, below which a row that does not continues
    /// the one above. Larger: rows with an empty first cell join the one above. Smaller: wrapped cells are rows.
    pub(crate) const CONTINUED_STEP: f32 = 0.9;
    /// Width in ems of a rule that says what a heading spans, more than this: shorter ones underline a word. Larger:
    /// rules over narrow columns are missed. Smaller: underlined words span.
    pub(crate) const SPAN_RULE: f32 = 2.0;
    /// Width of such a rule over that of the table, below: a longer one separates rows. Larger: rules between rows make
    /// a single heading span all columns. Smaller: wide headings do not span.
    pub(crate) const SPAN_RULE_SHARE: f32 = 0.9;
    /// Distance of such a rule from the heading's lower edge, in ems: from just inside its box, whose descent it may
    /// touch, to less than a line below.
    pub(crate) const SPAN_RULE_BELOW: std::ops::Range<f32> = -0.4..0.8;
}

/// Pairs of horizontal rules around a table.
pub(super) mod framed {
    use super::Share;

    /// Difference of the ends of rules that go together, below, in ems. Larger: rules of different things make a frame.
    /// Smaller: tables whose rules are drawn a little off are missed.
    pub(crate) const RULE_SNAP: f32 = 0.8;
    /// Width of a rule, more than this, in ems: shorter ones underline or say what a heading spans. Larger: narrow
    /// tables are missed. Smaller: underlines make frames.
    pub(crate) const RULE_WIDTH: f32 = 5.0;
    /// Thickness of a rule, below, in ems: thicker ones are bars and tinted boxes. Larger: tinted bars are rules.
    /// Smaller: thick rules are missed.
    pub(crate) const RULE_THICKNESS: f32 = 0.5;
    /// Share of a piece of text that must lie between the rules to be framed by them. Larger: cells that stand on a
    /// rule are lost. Smaller: lines above and below join.
    pub(crate) const TEXT_INSIDE: f32 = 0.7;
    /// Share of a piece of text that lies within an em of the frame, least: text that sticks out further is not framed.
    /// Larger: tables with a wide cell are missed. Smaller: text that runs past short rules is framed.
    pub(crate) const TEXT_WITHIN: f32 = 0.9;
    /// Height in ems below which two rules without text between are a double rule or the space between groups of rows.
    /// Larger: empty bands end no table. Smaller: double rules do.
    pub(crate) const EMPTY_HEIGHT: f32 = 1.5;
    /// Bullets between two rules, least, that make a list of it, or a page's design around lists. Larger: framed lists
    /// are tables. Smaller: tables with bullets in their cells are none.
    pub(crate) const LIST_BULLETS: usize = 3;
    /// Height in ems beyond which nearly all rows between two rules must be those of a table: rules of a page's header
    /// and footer frame all of it. Larger: framed pages are tables. Smaller: long tables with headings inside are none.
    pub(crate) const TALL_FRAME: f32 = 25.0;
    /// Share of rows of several pieces in a tall frame, least. Larger: long tables with headings inside are none.
    /// Smaller: framed pages are tables.
    pub(crate) const TALL_FRAME_ROWS: Share = Share(3, 4);
    /// Width of a row of one piece over that of the frame, below, for a single row to be a table's: a heading between
    /// rules. Larger: a framed line of text is a row. Smaller: long headings between rules end their table.
    pub(crate) const NARROW_ROW: f32 = 0.6;
    /// Words of a cell between rules, most; more are prose. Larger: framed text is a table. Smaller: tables with
    /// descriptions are text.
    pub(crate) const CELL_WORDS: usize = 11;
    /// Share of the cells between rules that may be prose. Larger: framed text is a table. Smaller: tables with
    /// descriptions are text.
    pub(crate) const PROSE_SHARE: Share = Share(1, 4);
}

/// Texts of cells.
pub(super) mod cells {
    /// Share of the lower of two heights that a word and a line have in common, more than this, for the word to stand
    /// in the line: raised words lie higher by less than half a line. Larger: raised words are lines of their own.
    /// Smaller: neighbouring lines are mixed.
    pub(crate) const LINE_OVERLAP: f32 = 0.5;
}
