//! Thresholds of table detection, by topic: each with its unit and its trade-off.
//!
//! Ems are those of body text on the page, pixels those of a page at 144 dpi. If a comment gives no other
//! reason, the value was found by trial on the examples. `tests/it/documents.rs` compares the tables of
//! `examples/documents/report.pdf` and `tests/fixtures/tagged_table.pdf` cell by cell, `tests/it/tables.rs` scores
//! those of `tests/tables`; the unit tests beside this file have small ones. The effects given for larger and smaller values follow from the
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

/// What is drawn.
pub(super) mod drawn {
    /// Distance in pixels below which lines are one: the two edges of a thick or double line. Larger: rows
    /// that low vanish. Smaller: double lines make empty rows and columns.
    pub(crate) const SNAP: f32 = 5.0;
    /// Maximum distance in pixels between ends of lines that meet. Larger: a frame beside a table joins it.
    /// Smaller: tables whose lines end short of each other are split.
    pub(crate) const TOUCH: f32 = 6.0;
    /// Minimum share of a cell's side that must be drawn for a border. Larger: worn lines merge cells.
    /// Smaller: the end of a neighbour's line splits a cell.
    pub(crate) const BORDER_SHARE: f32 = 0.6;
    /// Share of a table's width from which a line divides all of it. Larger: lines that leave out a margin do not divide.
    /// Smaller: lines under most headings do.
    pub(crate) const FULL_RULE: f32 = 0.85;
    /// Height in ems below which a row has no room for text: the gap of a double line, or between two shaded cells. Larger:
    /// empty rows of tables set solid are lost. Smaller: double lines leave empty rows.
    pub(crate) const THIN_ROW: f32 = 0.8;
    /// Share of the page from which a filled area is its ground. Larger: a page's ground is a cell. Smaller: a table's
    /// ground is none.
    pub(crate) const SHADE_SHARE: f32 = 0.5;
    /// Letters of other fonts on a page up to which one with equal widths wrote all of it. Larger: pages of listings with
    /// a running header are tables. Smaller: a stamp on a typed page makes its tables listings.
    pub(crate) const OTHER_LETTERS: usize = 10;
    /// Letters with equal widths for each other one from which nearly all of a page has them.
    pub(crate) const MOST_FIXED: f32 = 9.0;
    /// Height in ems up to which a filled bar is a line.
    pub(crate) const BAR: f32 = 0.5;
    /// Length of such a bar in relation to its height.
    pub(crate) const BAR_LENGTH: f32 = 8.0;
    /// Width in ems up to which a shaded area is a cell only if its sides are borders of others, too. Larger: heads of
    /// narrow tables are marks. Smaller: marked words divide cells.
    pub(crate) const MARK_WIDTH: f32 = 12.0;
    /// Height in ems from which it is no mark of words in any case.
    pub(crate) const MARK_HEIGHT: f32 = 3.0;
    /// Share of an area within another one of its colour that cannot be seen. Larger: grounds of paragraphs divide
    /// cells. Smaller: cells that overlap lose borders.
    pub(crate) const INSIDE_SHADE: f32 = 0.8;
    /// Share of a tagged table that another area covers, from which that is no table. Larger: tables are read twice, once
    /// without text. Smaller: tables beside tagged ones are none.
    pub(crate) const OVER_TAKEN: f32 = 0.3;
    /// Distance in pixels below which two areas of one colour touch. Larger: white lines between cells are missed.
    /// Smaller: rounding shows borders that are none.
    pub(crate) const SHADE_GAP: f32 = 1.0;
}

/// Areas that compete.
pub(super) mod choice {
    /// Share of an area from which it lies within another one. Larger: several tables in an area that reach out of it lose
    /// against it. Smaller: neighbours count as parts.
    pub(crate) const WITHIN: f32 = 0.9;
    /// Share of an area between lines from which it is a part of a box. Larger: forms lose to their rows and a heading above.
    /// Smaller: a table that begins in a box is left out.
    pub(crate) const MOSTLY: f32 = 0.6;
    /// Most lines of text that are taken off the ends of rows. Larger: slower on columns of text. Smaller: text joins a table.
    pub(crate) const MOST_ACROSS: usize = 4;
}

/// Boxes of forms to be filled in.
pub(super) mod fields {
    use super::Share;

    /// Width in ems up to which a rectangle may be such a box: a line of text. Larger: panels are boxes. Smaller: boxes over
    /// a whole page divide cells.
    pub(crate) const MOST_WIDTH: f32 = 60.0;
    /// Width and height in ems up to which it is one to be ticked, which may stand on a border. Larger: small cells are such
    /// boxes. Smaller: boxes on a border make columns.
    pub(crate) const TICK_SIZE: f32 = 2.2;
    /// Share of it inside a ruled area from which it is a part of that. Larger: boxes that touch its border divide cells.
    /// Smaller: neighbours of an area are boxes.
    pub(crate) const INSIDE: f32 = 0.98;
    /// Share of the area that it fills at most. Larger: double frames are boxes.
    pub(crate) const MOST_OF_AREA: f32 = 0.5;
    /// Labels for each box. Larger: boxes with one label for several divide cells. Smaller: cells with a frame each are boxes.
    pub(crate) const LABELS: Share = Share(1, 2);
}

/// Gaps between words, in ems of the larger word.
pub(super) mod gaps {
    /// Widest space between words. Larger: narrow columns are merged. Smaller: justified lines are rows of several
    /// pieces.
    pub(crate) const BLANK: f32 = 0.42;
    /// The same in fonts of equal widths, whose space is 0.6 wide.
    pub(crate) const FIXED_BLANK: f32 = 0.75;
    /// Width beyond a space at which a gap is sure to divide columns: its weight is 1. Larger: columns need more lines.
    /// Smaller: wide spaces count like gaps.
    pub(crate) const SURE_GAP: f32 = 1.0;
    /// Least gap between two numbers that may divide columns. Larger: dense columns of numbers are merged. Smaller:
    /// numbers with spaces are split.
    pub(crate) const NUMBER_BLANK: f32 = 0.36;
    /// Weight of such a gap. Larger: pairs of numbers in one cell are split. Smaller: dense columns are merged.
    pub(crate) const NUMBER_GAP: f32 = 0.4;
    /// Widest space between groups of three digits. Larger: columns of three digits are merged. Smaller: `1 234` is two
    /// numbers.
    pub(crate) const GROUP_GAP: f32 = 0.42;
    /// Most words of a number: its sign, its groups and its unit. Larger: rows of numbers are one. Smaller: long numbers
    /// are text.
    pub(crate) const NUMBER_WORDS: usize = 4;
    /// Slack, in heights of the line, at which a line drawn beside a word still divides it from the next. Larger: borders
    /// through a word's box count. Smaller: tight columns are merged.
    pub(crate) const DRAWN_SLACK: f32 = 0.1;
    /// Widest gap between the mark of an item and its text. Larger: a mark as a value is joined with the next column.
    pub(crate) const ITEM_GAP: f32 = 3.0;
    /// Weight of the gap after leader dots.
    pub(crate) const LEADER_GAP: f32 = 1.0;
    /// Width in ems from which a rotated word is slanted.
    pub(crate) const SLANTED: f32 = 1.6;
    /// Distance, in ems, between rotated words of one heading. Larger: headings side by side are one. Smaller: the words
    /// of a heading are apart.
    pub(crate) const TURNED_GAP: f32 = 0.35;
}

/// Prices of separators between columns; a sure gap that is left inside cells costs 1 in each line.
pub(super) mod columns {
    /// Price of a separator. Larger: columns of few lines are merged. Smaller: gaps that lie above each other by chance
    /// divide columns.
    pub(crate) const SEPARATOR: f32 = 1.6;
    /// Price of cutting through a piece of a line. Larger: headings over several columns merge them. Smaller: columns of
    /// ragged text are cut.
    pub(crate) const CROSSING: f32 = 1.0;
    /// The same for a line of one piece: a heading over all columns. Larger: tables with many such headings lose columns.
    /// Smaller: prose has columns.
    pub(crate) const LONE_CROSSING: f32 = 0.25;
    /// Least weight of gaps above each other for a place to be considered.
    pub(crate) const LEAST_SUPPORT: f32 = 1.0;
    /// Width in pixels below which a stretch is no place for a separator.
    pub(crate) const NARROWEST: f32 = 0.5;
    /// What each line with text on one side only takes off the price of a place that nothing cuts: numbers below each other
    /// that never stand beside those of the next column. Larger: indented labels make columns. Smaller: sparse columns are
    /// merged.
    pub(crate) const ONE_SIDED: f32 = 0.3;
    /// Least width in ems of such a place.
    pub(crate) const ONE_SIDED_WIDTH: f32 = 1.0;
    /// Width in ems up to which a column without text is the space between two lines or two shaded cells. Larger: narrow
    /// columns to fill in are lost. Smaller: spaces between shaded cells are columns.
    pub(crate) const NARROW_COLUMN: f32 = 0.9;
    /// Share of its height that a vertical line runs through in a table of boxes.
    pub(crate) const BOXED: f32 = 0.6;
    /// What a vertical line takes off the price: more than the price, as it is a separator itself. Larger: short strokes
    /// divide columns. Smaller: lines through rows of one line do not.
    pub(crate) const DRAWN: f32 = 1.7;
    /// The same for each line of text beside it.
    pub(crate) const DRAWN_LINE: f32 = 0.5;
}

/// Evidence for two lines being one row; they are if the sum is above 0.
pub(super) mod rows {
    /// Against one row, without any evidence.
    pub(crate) const DEFAULT: f32 = 0.3;
    /// For one row where lines divide the rows of a table, or its head from the rest.
    pub(crate) const RULED: f32 = 1.0;
    /// For one row, beyond that, where lines are drawn around every cell.
    pub(crate) const BOXED: f32 = 1.0;
    /// Against one row for two numbers in any of its cells.
    pub(crate) const ANY_NUMBERS: f32 = 0.7;
    /// For one row in the head, whose headings are wrapped.
    pub(crate) const HEAD: f32 = 0.5;
    /// Against one row for a heading over several others.
    pub(crate) const SPANNED: f32 = 3.0;
    /// Share of its height that a line has in common with the next one if they cannot be two rows.
    pub(crate) const OVERLAPPING: f32 = 0.2;
    /// For one row if lines overlap.
    pub(crate) const OVERLAP: f32 = 3.0;
    /// For one row if only cells with text above go on, and the first column does not.
    pub(crate) const CONTINUED: f32 = 0.8;
    /// For one row, between rules, if only one cell of text goes on.
    pub(crate) const LONE: f32 = 0.9;
    /// Against one row if the first column begins only in the lower line.
    pub(crate) const NEW_STUB: f32 = 0.8;
    /// Against one row for a label without values above values.
    pub(crate) const LABEL: f32 = 0.5;
    /// The same, beyond, if one is bold and the other is not.
    pub(crate) const STYLE: f32 = 0.8;
    /// Against one row for a lower line that is both larger and bold, a heading between two tables. Larger: large bold words
    /// of a cell are rows. Smaller: headings join the last row above them.
    pub(crate) const HEADING: f32 = 3.5;
    /// Size of a lower line in relation to the upper one from which it is of another kind.
    pub(crate) const OTHER_SIZE: f32 = 1.1;
    /// Against one row for two numbers in a cell.
    pub(crate) const NUMBERS: f32 = 2.0;
    /// Against one row for a number and text in a cell.
    pub(crate) const MIXED: f32 = 0.4;
    /// Against one row for a lower line that fills as many columns as the upper one: cells of a row seldom wrap together.
    pub(crate) const COMPLETE: f32 = 1.2;
    /// Against one row for a heading over several columns that stands alone.
    pub(crate) const TITLE: f32 = 2.0;
    /// For one row after a hyphen.
    pub(crate) const HYPHEN: f32 = 2.0;
    /// For one row if the lower line begins with a small letter and its first word had no room above.
    pub(crate) const LOWER_FULL: f32 = 1.5;
    /// The same with room.
    pub(crate) const LOWER: f32 = 0.6;
    /// The same without room, before a capital letter.
    pub(crate) const FULL: f32 = 0.3;
    /// Against one row if there was room and the lower line does not begin with a small letter.
    pub(crate) const ROOM: f32 = 1.0;
    /// Width of a space in ems.
    pub(crate) const SPACE: f32 = 0.3;
    /// For one row at the smaller of two kinds of line pitch.
    pub(crate) const TIGHT: f32 = 0.7;
    /// Against one row at the larger one.
    pub(crate) const LOOSE: f32 = 1.5;
    /// Sum below which a pair of lines is two rows for sure: their pitch is that of rows.
    pub(crate) const SURE_ROWS: f32 = -1.2;
    /// Pitch, in relation to that of rows, below which lines are closer than rows.
    pub(crate) const CLOSER: f32 = 0.86;
    /// Ratio of two kinds of line pitch.
    pub(crate) const PITCH_RATIO: f32 = 1.25;
    /// Most variation within the smaller kind.
    pub(crate) const PITCH_SPREAD: f32 = 1.15;
    /// Least number of bands between rules, and most lines with a label in each of them on average, of a table whose rows
    /// are ruled.
    pub(crate) const RULED_BANDS: (usize, usize) = (3, 2);
    /// Words of a label from which a small letter below goes on with it. Larger: paragraphs in the first column are labels.
    /// Smaller: names in small letters are one.
    pub(crate) const LABEL_WORDS: usize = 3;
    /// Fewest words of a line that may be a part of a sentence. Larger: narrow columns of prose are tables. Smaller: cells of
    /// equal widths in small letters are prose.
    pub(crate) const SENTENCE_WORDS: usize = 5;
    /// Share of its height that a line between two others has in common with each.
    pub(crate) const TOUCHING: f32 = 0.15;
}

/// Where tables begin and end.
pub(super) mod ends {
    use super::Share;

    /// Share of the rows with a label in the first column of each of two tables side by side. Larger: tables with empty labels
    /// stay one. Smaller: groups of columns are tables of their own.
    pub(crate) const LABELED_ROWS: Share = Share(3, 5);
    /// Distance in ems of a line above the first rule, or below the last one, that belongs to the table. Larger: text near
    /// a table joins it. Smaller: heads above the first rule are lost.
    pub(crate) const NEXT_LINE: f32 = 1.2;
    /// What a line that is added may add to the cost of the columns. Larger: captions join. Smaller: heads with wide words are
    /// left out.
    pub(crate) const MORE_COST: f32 = 1.0;
    /// Most lines that are added.
    pub(crate) const MORE_LINES: usize = 3;
    /// Price of a table: what two tables must save, compared with one over both. Larger: tables of unlike columns that
    /// follow each other are one. Smaller: tables fall apart.
    pub(crate) const TABLE: f32 = 3.0;
    /// Words from which a lone row above the head, or below the last row, is text that lines happen to enclose. Larger: text
    /// around a table joins it. Smaller: titles in boxes are left out.
    pub(crate) const TEXT_WORDS: usize = 12;
    /// Size of a heading of the text, in relation to body text, that is no title of a table. Larger: headings join the table
    /// below them. Smaller: titles set large are left out.
    pub(crate) const HEADING_SIZE: f32 = 1.25;
    /// Most words of a heading over a group of columns, or of the name of a sum.
    pub(crate) const GROUP_WORDS: usize = 4;
    /// Most places at which an area is divided for trial.
    pub(crate) const MAX_CUTS: usize = 12;
}

/// Cells over several places.
pub(super) mod places {
    use super::Share;

    /// Share of its height by which a piece may reach into a column without covering it. Larger: headings do not span.
    /// Smaller: pieces that touch a column cover it.
    pub(crate) const PROTRUDING: f32 = 0.4;
    /// Share of a piece that hangs over a line that is drawn and is no span. Larger: short headings over two cells span one.
    /// Smaller: long words span two.
    pub(crate) const HANGING: f32 = 0.3;
    /// Most rows of a head; more are rows of text above those of numbers.
    pub(crate) const MOST_HEAD_ROWS: usize = 4;
    /// Share of the texts of a column, its heading among them, from which it is one of numbers. Larger: short tables have none.
    /// Smaller: columns of codes are numbers.
    pub(crate) const NUMERIC_COLUMN: Share = Share(1, 2);
    /// Share of such columns in which a row has a number, from which it is the first below the head. Larger: rows with empty
    /// cells are in the head. Smaller: heads with a number in one cell end there.
    pub(crate) const NUMERIC_ROW: Share = Share(1, 2);
    /// Most lines of a head without numbers below it.
    pub(crate) const HEAD_LINES: usize = 1;
    /// Distance, in heights of a heading, between its middle and that of its columns. Larger: headings at the left of a
    /// group span it. Smaller: headings set roughly at the middle do not.
    pub(crate) const CENTRED: f32 = 0.6;
    /// Share of a column that a rule below a heading covers. Larger: short rules leave out the outer columns. Smaller:
    /// rules that begin in the gap before a column cover it.
    pub(crate) const RULE_OVER: f32 = 0.5;
    /// Number of characters beyond which a cell holds prose: a long paragraph. Larger: designed pages with
    /// short texts are tables. Smaller: tables with long cells are not.
    pub(crate) const PROSE_CHARS: usize = 350;
    /// Chinese, Japanese and Korean characters that say as much as a word.
    pub(crate) const CJK_WORD: usize = 3;
}

/// Signs that a grid is none of a table.
pub(super) mod signs {
    use super::Share;

    /// Share of lines whose leader dots lead to a page, from which they are contents or an index.
    pub(crate) const LEADER_SHARE: f32 = 0.5;
    /// Most columns of a table of contents: number, title, page. Larger: tables with a column of rising numbers are none.
    pub(crate) const CONTENTS_COLUMNS: usize = 3;
    /// Lines from which rising whole numbers without leader dots are those of pages. Larger: short contents are tables.
    /// Smaller: tables sorted by their last column are none.
    pub(crate) const CONTENTS_LINES: usize = 6;
    /// Letters of a title. Larger: contents of short titles are tables. Smaller: lists of years are contents.
    pub(crate) const TITLE_LETTERS: usize = 4;
    /// Largest number of the page of the first title. Larger: sorted columns of counts are pages. Smaller: contents of a
    /// later volume are tables.
    pub(crate) const FIRST_PAGE: u32 = 30;
    /// Most digits of the number of a page. Larger: counts are pages. Smaller: thick books have none.
    pub(crate) const PAGE_DIGITS: usize = 4;
    /// Fewest lines of an index in one column: names in order with small numbers may be a table. Larger: short indexes are
    /// tables. Smaller: sorted tables are none.
    pub(crate) const INDEX_LINES: usize = 12;
    /// Last lines of which one may be the numbers of an axis: below it stand its title and a legend. Larger: rows of tables
    /// are axes. Smaller: charts with a long legend are tables.
    pub(crate) const AXIS_LINES: usize = 3;
    /// Fewest numbers of an axis. Larger: charts of few steps are tables. Smaller: rows of three numbers are axes.
    pub(crate) const AXIS_NUMBERS: usize = 4;
    /// Share by which steps and distances of an axis may differ. Larger: rows of rising numbers are axes. Smaller: rounded
    /// numbers are none.
    pub(crate) const AXIS_SLACK: f32 = 0.12;
    /// Width of the gaps of a justified line in relation to the narrowest of the spaces within its pieces. Larger: lines of
    /// tables are justified text. Smaller: justified lines are rows.
    pub(crate) const STRETCHED_GAP: f32 = 1.7;
    /// Share of lines with text in a column that are signs of relations, from which they are equations. Larger: equations
    /// without a sign in some line are tables. Smaller: tables with a column of `<` are equations.
    pub(crate) const RELATIONS: Share = Share(3, 4);
    /// Fewest signs that are a line drawn by characters.
    pub(crate) const ART_RUN: usize = 3;
}

/// Grids of ruling lines.
pub(super) mod ruled {
    use super::Share;

    /// Ems by which perpendicular lines must extend beyond the last line to imply an undrawn outer border.
    /// Larger: open columns of a few letters are lost. Smaller: protruding lines make empty columns.
    pub(crate) const OPEN_SIDE: f32 = 0.8;
    /// Lines up to which a single line of several pieces makes a table. Larger: panels with two boxes in them are tables.
    pub(crate) const FEW_LINES: usize = 3;
    /// Lines in each band between rules, on average, from which long pieces are lines of prose in columns. Larger: columns of
    /// prose with lines between them are tables. Smaller: tables with long texts are not.
    pub(crate) const PROSE_LINES: usize = 8;
    /// Distance in ems from the sides of a frame from which a line divides it. Larger: narrow first columns are none.
    /// Smaller: double frames are divided.
    pub(crate) const INNER: f32 = 0.8;
    /// Share of rows and columns without any text from which a grid is a chart: most of what its lines divide is empty.
    /// Larger: charts are tables. Smaller: forms to fill in are not.
    pub(crate) const EMPTY: Share = Share(4, 10);
    /// Share of cells with text from which numbers in equal steps are those of a grid. Larger: grids of numbers are charts.
    /// Smaller: charts with values at their bars are tables.
    pub(crate) const FULL: Share = Share(7, 10);
    /// Minimum share of cells with text: below it, the grid is a diagram or that of a chart. Larger: empty
    /// forms are not tables. Smaller: charts are.
    pub(crate) const MIN_FILLED: f32 = 0.2;
    /// Minimum number of cells with text. Smaller: boxes around one text are tables.
    pub(crate) const MIN_FILLED_CELLS: usize = 2;
    /// Minimum share of rotated text that must lie in a table to belong to it, unlike text along its side.
    /// Larger: rotated headings at a border stay outside. Smaller: rotated notes beside a table join it.
    pub(crate) const TURNED_INSIDE: f32 = 0.9;
    /// Height in ems beyond which a grid may be page design: half a page and more. Larger: framed pages with
    /// empty space below are tables. Smaller: small tables of long texts are not.
    pub(crate) const DESIGN_HEIGHT: f32 = 40.0;
    /// Maximum number of cells of a page design, which has boxes rather than cells. Larger: tables with few
    /// rows are missed. Smaller: pages of many boxes are tables.
    pub(crate) const DESIGN_CELLS: usize = 12;
    /// Share of prose cells from which a high grid of few cells is page design. Larger: framed pages are
    /// tables. Smaller: tables with a column of descriptions are not.
    pub(crate) const DESIGN_PROSE: Share = Share(1, 4);
}

/// Columns separated by white space.
pub(super) mod aligned {
    use super::Share;

    /// Minimum number of multi-piece rows of a two-column table without rules. Larger: small tables are text.
    /// Smaller: lines with a coincidental gap are tables.
    pub(crate) const MIN_ROWS_TWO_COLUMNS: usize = 4;
    /// The same for more columns, whose gaps are stronger evidence.
    pub(crate) const MIN_ROWS: usize = 3;
    /// Share of numbers from which a table is sure to be one before the page is cut into columns. Larger: wide tables with
    /// text are cut at their gaps. Smaller: columns of text with years and marks are tables.
    pub(crate) const SURE_NUMBERS: Share = Share(4, 10);
    /// Maximum line pitch in ems between rows of a table. Larger: headings and paragraphs around it join.
    /// Smaller: loosely set tables are split.
    pub(crate) const MAX_ROW_STEP: f32 = 3.2;
    /// Gap to the line above, as a share of its height, up to which a line may go on with a cell. Larger: paragraphs below a
    /// table join it. Smaller: cells of several lines end it.
    pub(crate) const NEXT_LINE: f32 = 0.8;
    /// Distance from the left side of a cell, as a share of its height, within which the next line begins there.
    pub(crate) const SAME_LEFT: f32 = 0.3;
    /// Share of pieces that are a mark alone beyond which they are the points of a chart. Larger: charts are tables.
    /// Smaller: tables that are ticked off are none.
    pub(crate) const MARKS: Share = Share(3, 10);
    /// Size of a numbered heading in relation to body text.
    pub(crate) const HEADING_SIZE: f32 = 1.08;
    /// Words from which a line across all columns at the end of a table is text.
    pub(crate) const TEXT_WORDS: usize = 5;
    /// Share of rows that begin within a sentence beyond which columns are prose. Larger: articles in two columns are tables.
    /// Smaller: tables with wrapped cells are prose.
    pub(crate) const TORN: Share = Share(1, 3);
    /// Fewest such rows.
    pub(crate) const TORN_ROWS: usize = 3;
    /// Share of lines whose gaps are no wider than their spaces from which they are justified text.
    pub(crate) const STRETCHED: Share = Share(1, 2);
    /// Share of letters in fonts of mathematics from which lines are formulas. Larger: equations set in columns are tables.
    /// Smaller: tables of symbols are formulas.
    pub(crate) const MATH: f32 = 0.3;
    /// Share of lines with a bracket alone from which they are a matrix.
    pub(crate) const BRACKETS: Share = Share(1, 3);
    /// Share of lines with bars and runs of signs from which characters draw the lines of a table.
    pub(crate) const ART_LINES: Share = Share(1, 4);
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
}

/// Pairs of horizontal rules around a table.
pub(super) mod framed {
    use super::Share;

    /// Height in ems from which the space between two boxes of equal extent divides them. Larger: boxes below each other are
    /// a table. Smaller: shaded rows with spaces between them are boxes.
    pub(crate) const BOX_GAP: f32 = 0.8;
    /// Minimum words of a full line of prose. Larger: narrow columns of prose between rules are tables. Smaller: cells of
    /// several words are prose.
    pub(crate) const PROSE_WORDS: usize = 4;
    /// Minimum lines of a column of prose: cells have fewer. Larger: short columns between rules are tables.
    pub(crate) const PROSE_LINES: usize = 6;
    /// Maximum difference in ems between ends of paired rules. Larger: unrelated rules make a frame. Smaller:
    /// tables with imprecisely drawn rules are missed.
    pub(crate) const RULE_SNAP: f32 = 0.8;
    /// Minimum width of a rule in ems: shorter ones underline or show a heading's span. Larger: narrow tables
    /// are missed. Smaller: underlines make frames.
    pub(crate) const RULE_WIDTH: f32 = 5.0;
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
    /// Minimum share of rows of several pieces between two rules. Larger: tables with wrapped cells are text. Smaller: framed
    /// text with a few gaps is a table.
    pub(crate) const SEVERAL_ROWS: Share = Share(1, 2);
    /// The same below a row of titles.
    pub(crate) const WRAPPED_ROWS: Share = Share(1, 4);
    /// Bands between rules from which code may be in the cells of a table: a listing has a title at most.
    pub(crate) const LISTING_BANDS: usize = 3;
    /// The maximum share of prose cells below a head with a short title for every column. Larger: texts below two words in bold are tables. Smaller:
    /// glossaries with a head are text.
    pub(crate) const HEADED_PROSE: Share = Share(6, 10);
    /// Most words of such a title.
    pub(crate) const TITLE_WORDS: usize = 4;
}

/// Text of cells.
pub(super) mod cells {
    /// Distance between the middles of two segments, as a share of the lower one's height, within which they are on
    /// one line. Larger: neighbouring lines are mixed. Smaller: marks set higher than their text are lines of their own.
    pub(crate) const SAME_LINE: f32 = 0.55;
    /// Gap in ems between words of rotated text. Larger: words are joined. Smaller: letters are apart.
    pub(crate) const TURNED_SPACE: f32 = 0.12;
    /// Share of its confidence that a cell loses for a gap of weight 1 between its words.
    pub(crate) const GAP_DOUBT: f32 = 0.5;
}
