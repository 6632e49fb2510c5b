//! Why an area is not taken for a table, in words for people.

use std::fmt;

/// `Ok` for a table, else why it is none.
pub(super) type Verdict = Result<(), Reason>;

/// Why an area that was considered is no table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Reason {
    /// Its text makes no grid of two columns.
    NoGrid,
    /// Too few lines meet.
    FewRules,
    /// There is the caption of a figure in it.
    FigureCaption,
    /// A table or figure with a caption begins in it.
    Caption,
    /// Few cells, most of them with long text: the design of a page.
    Design,
    /// Leader dots lead to numbers of pages.
    Contents,
    /// Titles with numbers of pages that never fall.
    RisingPages,
    /// It has a single row.
    SingleRow,
    /// All cells stand in one column.
    SingleColumn,
    /// Fewer columns than a table of numbers without lines has.
    FewColumns(usize),
    /// Most of what its lines divide is empty: rows and columns without text, of all.
    Chart(usize, usize),
    /// Few cells have text: those that have, of all.
    FewCells(usize, usize),
    /// Few lines of text have several pieces: those that have, of all.
    FewSeveral(usize, usize),
    /// Fewer lines of several pieces than needed: those there, and those needed.
    FewRows(usize, usize),
    /// Few lines have text in this column, numbered from 1: lines, of all.
    SparseColumn(usize, usize, usize),
    /// A narrow column of marks beside text.
    List,
    /// Long text side by side.
    Prose,
    /// A font with equal widths: code, or what a program writes.
    Listing,
    /// Formulas below each other.
    Formula,
    /// Numbers of the axis of a chart below the others.
    Axis,
    /// Marks alone, as the points of a chart.
    Marks,
    /// Bars with a heading each, and the sections between them.
    FormBars,
    /// Text goes on beyond the lines above and below it.
    TextBeyond,
    /// Space without text that is higher than an empty row.
    EmptyBand,
    /// The space between two boxes.
    BoxGap,
    /// Not enough of the cells are numbers: those that are, of all.
    FewNumbers(usize, usize),
    /// Fewer words than a turned table has.
    FewWords(usize),
    /// Rotated text beside upright one: headings.
    UprightInside,
    /// Another area, of this value, has some of its text and is worth more.
    Lost(f32),
    /// Another table or figure has some of its text.
    Taken,
    /// It was found in a part of the page that was then cut in another way.
    CutOtherwise,
}

impl Reason {
    /// `true` if it would be a table but for another one.
    pub(crate) fn is_rivalry(self) -> bool {
        matches!(self, Reason::Lost(_) | Reason::Taken | Reason::CutOtherwise)
    }
}

impl Reason {
    /// `true` if no part of the area is a table either, whatever is left out at its ends.
    pub(super) fn holds_for_parts(self) -> bool {
        use Reason::*;
        matches!(
            self,
            Axis | Contents | Formula | Listing | Marks | RisingPages
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Reason::*;
        match self {
            NoGrid => f.write_str("no grid: not two columns"),
            FewRules => f.write_str("too few of them"),
            FigureCaption => f.write_str("figure: its caption is inside"),
            Caption => f.write_str("a caption between two tables"),
            Design => f.write_str("design of a page: few cells of long text"),
            Contents => f.write_str("contents: leader dots lead to pages"),
            RisingPages => f.write_str("contents: numbers of pages that rise"),
            SingleRow => f.write_str("a single row"),
            SingleColumn => f.write_str("a single column"),
            FewColumns(count) => write!(f, "only {count} columns without lines"),
            Chart(empty, all) => {
                write!(f, "chart: {empty} of {all} rows and columns are empty")
            }
            FewCells(filled, all) => write!(f, "too few cells: {filled} of {all} have text"),
            FewSeveral(several, all) => {
                write!(f, "only {several} of {all} lines have several pieces")
            }
            FewRows(several, needed) => {
                write!(f, "too few rows: {several} of the {needed} needed")
            }
            SparseColumn(column, lines, all) => {
                write!(f, "column {column} has text in {lines} of {all} lines")
            }
            List => f.write_str("list: marks beside text"),
            Prose => f.write_str("prose side by side"),
            Listing => f.write_str("listing: a font of equal widths"),
            Formula => f.write_str("formulas below each other"),
            Axis => f.write_str("chart: the numbers of an axis"),
            Marks => f.write_str("chart: marks alone"),
            FormBars => f.write_str("form: bars with a heading each"),
            TextBeyond => f.write_str("its text goes on beyond the lines"),
            EmptyBand => f.write_str("no text, and higher than a row"),
            BoxGap => f.write_str("space between two boxes"),
            FewNumbers(numbers, all) => write!(f, "only {numbers} of {all} cells are numbers"),
            FewWords(count) => write!(f, "too few words: {count}"),
            UprightInside => f.write_str("headings: upright text inside"),
            Lost(value) => write!(f, "lost against one of value {value:.1}"),
            Taken => f.write_str("another table or figure has its text"),
            CutOtherwise => f.write_str("the page was then cut otherwise"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_short_and_name_what_was_counted() {
        assert_eq!(
            Reason::Chart(7, 9).to_string(),
            "chart: 7 of 9 rows and columns are empty"
        );
        assert_eq!(
            Reason::Lost(12.25).to_string(),
            "lost against one of value 12.2"
        );
        assert_eq!(
            Reason::SparseColumn(2, 1, 8).to_string(),
            "column 2 has text in 1 of 8 lines"
        );
    }
}
