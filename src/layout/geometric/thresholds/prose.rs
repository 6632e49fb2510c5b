//! Columns of prose in lines that were read from a picture. Heights are those of the boxes of lines, ems those of body text.

/// Most items of a page whose columns are looked for: the work grows with their square. Larger: takes longer.
pub(crate) const MOST_ITEMS: usize = 4000;
/// Minimum share of the narrower of two blocks that both have in common across if one is above the other. Larger: headings
/// over two columns are beside them. Smaller: columns of pages that are turned are above each other.
pub(crate) const COMMON_WIDTH: f32 = 0.3;
/// Minimum share of a piece's width inside a column that it belongs to. Larger: pieces that jut out are in none.
pub(crate) const IN_COLUMN: f32 = 0.7;
/// Share of its height by which a piece that is above all columns may reach into one. Larger: first lines of columns are
/// headings. Smaller: headings right above a column are beside it.
pub(crate) const BESIDE: f32 = 0.3;
/// Number of rows, upwards, that a piece may be part of: those of columns alternate.
pub(crate) const ROWS_BACK: usize = 12;
/// Minimum share of the lower one's height that pieces of a row have in common.
pub(crate) const SAME_ROW: f32 = 0.5;
/// Maximum height of a rule in ems.
pub(crate) const RULE_HEIGHT: f32 = 0.5;
/// Difference of the ends of two blocks of one column, in widths of the wider one. Larger: an inset is part of the column.
pub(crate) const SAME_ENDS: f32 = 0.2;

/// Shares of a stack's lines that begin left of its left end, and end left of its right end: most, but for an indented or
/// overlong line.
pub(crate) const LEFT_END: f32 = 0.3;
pub(crate) const RIGHT_END: f32 = 0.7;
/// Minimum ratio of heights of lines that go on: letters with and without tails differ by a third. Larger: stacks end at
/// lines without tails. Smaller: titles are part of the column below them.
pub(crate) const SAME_HEIGHT: f32 = 0.6;
/// Distances in ems of the ends or middles of two lines that go on. Larger: headings over columns are part of one.
/// Smaller: stacks end at indented lines.
pub(crate) const SAME_END: f32 = 2.5;
pub(crate) const SAME_MIDDLE: f32 = 1.0;
/// Minimum share of the lower one's height that pieces side by side have in common.
pub(crate) const SAME_LINE: f32 = 0.6;
/// Gaps in ems: below the first one pieces are always one line, beyond the second one never. Larger: narrow gutters are
/// spaces. Smaller: a wide space ends its column.
pub(crate) const GAP: std::ops::Range<f32> = 0.1..2.0;
/// Distance in heights, up and down, of lines that tell a space from a gutter.
pub(crate) const NEARBY: f32 = 5.0;
/// Ratio of heights beyond which a line nearby tells nothing: a heading across columns.
pub(crate) const UNLIKE_HEIGHT: f32 = 1.5;
/// Distance in ems from a gap within which lines nearby end at it, too.
pub(crate) const ROOM: f32 = 0.8;
/// Distances of the middles of two lines below each other in heights: at least, and at most with the space between
/// paragraphs. Larger: a column goes on below a picture. Smaller: each paragraph is a stack.
pub(crate) const LEAST_STEP: f32 = 0.5;
pub(crate) const STEP: f32 = 1.8;
/// Minimum share of the shorter line that two lines below each other have in common.
pub(crate) const COMMON: f32 = 0.4;
/// Share of a stack's lines that are shorter than a wide one.
pub(crate) const WIDE_LINE: f32 = 0.9;
/// Minimum number of lines of a column of prose, and its minimum width in ems. Smaller: cells of tables are columns.
pub(crate) const LEAST_LINES: usize = 4;
pub(crate) const LEAST_WIDTH: f32 = 7.0;
/// Minimum share of a wide line that the typical line has. Larger: ragged prose is none. Smaller: lists and addresses are.
pub(crate) const FILL: f32 = 0.75;
/// Maximum share of the narrower of two stacks side by side that both have in common across: pages may lean.
pub(crate) const APART: f32 = 0.15;
/// Minimum height that both have in common, in heights of their lines.
pub(crate) const LINES_BESIDE: f32 = 2.0;
/// Step between lines with more room than those of a paragraph, in steps of the stack.
pub(crate) const MORE_ROOM: f32 = 1.25;
/// Distance of the first lines of two cells of a row, in heights.
pub(crate) const SAME_TOP: f32 = 0.4;
/// Minimum number of paragraphs of both, and minimum share of those that begin side by side, if they are cells of rows.
pub(crate) const ROWS: usize = 3;
pub(crate) const ROWS_SHARE: f32 = 0.7;

/// Overlap in ems of two blocks that are one above the other.
pub(crate) const OVERLAP: f32 = 0.5;
/// Minimum height in ems of white space that divides columns, the height that neighbouring columns have in common there,
/// and the least number of columns. Smaller: paragraphs that happen to end side by side divide them.
pub(crate) const STRIP: f32 = 0.5;
pub(crate) const STRIP_OVERLAP: f32 = 0.2;
pub(crate) const STRIP_COLUMNS: usize = 3;

/// Minimum share of a column's width that a rule across it covers. Larger: rules that are cut off divide nothing.
pub(crate) const ACROSS: f32 = 0.7;
/// Distances in ems of pieces of one rule: along it, and across it, as rules of turned pages come in steps.
pub(crate) const RULE_GAP: f32 = 4.0;
pub(crate) const RULE_STEP: f32 = 0.6;
/// Most pieces of rules that are looked at.
pub(crate) const MOST_RULES: usize = 200;
/// Minimum number of lines of a column that is no cell of a table, even between rules. Larger: short stories between rules
/// are tables. Smaller: tables with long cells are none.
pub(crate) const LONG_COLUMN: usize = 8;
/// Minimum share of the lines of a table that are in such columns, if it is none.
pub(crate) const MOST_LINES: f32 = 0.6;
