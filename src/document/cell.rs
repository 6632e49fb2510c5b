//! A cell of a table: its rectangle of grid positions, its text, and where it stands on its page.

use super::inline::is_false;
use serde::Serialize;

/// A cell and the rectangle of grid positions that it covers.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cell {
    /// First row.
    pub row: usize,
    /// First column.
    pub column: usize,
    /// Rows covered, at least 1.
    #[serde(skip_serializing_if = "is_one")]
    pub row_span: usize,
    /// Columns covered, at least 1.
    #[serde(skip_serializing_if = "is_one")]
    pub column_span: usize,
    /// Plain text.
    pub text: String,
    /// Paths of the pictures in it, as its source names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<String>,
    /// The cell is a header of a row or column.
    #[serde(skip_serializing_if = "is_false")]
    pub header: bool,
    /// What it holds.
    pub kind: CellKind,
    /// Where it stands, if its table was found in the text of a page.
    #[serde(flatten)]
    pub place: Option<Box<CellPlace>>,
}

/// For spans that are written only where they say something.
fn is_one(span: &usize) -> bool {
    *span == 1
}

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CellKind {
    /// No text.
    #[default]
    Empty,
    /// Text of a header of rows or columns.
    Header,
    /// Numbers with their signs and units, or a sign that stands for one.
    Number,
    /// Any other text.
    Text,
}

impl CellKind {
    /// The kind of a cell with a text.
    pub fn of(text: &str, is_header: bool) -> CellKind {
        match (text.trim(), is_header) {
            ("", _) => CellKind::Empty,
            (_, true) => CellKind::Header,
            (words, false) if words.split_whitespace().all(is_value) => CellKind::Number,
            _ => CellKind::Text,
        }
    }
}

/// `true` for a number, but not for a code such as `K9646`.
fn is_value(word: &str) -> bool {
    is_number(word) && !(word.starts_with(char::is_alphabetic) && word.contains(is_digit))
}

/// `true` if a text is a year as it may head a column: four figures from 1000 to 2999.
pub(crate) fn is_year(text: &str) -> bool {
    text.len() == 4 && text.starts_with(['1', '2']) && text.bytes().all(|b| b.is_ascii_digit())
}

/// `true` if a word is a number with its signs and units, or a sign that stands for one.
pub(crate) fn is_number(word: &str) -> bool {
    let is_sign = |c: char| "+-−–—±<>≤≥~.,:/%‰$€£¥()[]*†‡§#'’·…⋯".contains(c);
    let rest = word.chars().filter(|c| c.is_alphabetic()).count();
    let is_mark = word.chars().all(is_sign)
        || matches!(word, "n.a." | "n/a" | "N/A" | "NA" | "x" | "X" | "(X)");
    let is_figure = word.chars().any(is_digit)
        && rest <= 1
        && word
            .chars()
            .all(|c| is_digit(c) || c.is_alphabetic() || !c.is_numeric());
    is_mark || is_figure
}

/// `true` for a digit of the decimal system, in any of the scripts that have their own.
fn is_digit(c: char) -> bool {
    let is_of = |zero: &u32| (*zero..zero + 10).contains(&u32::from(c));
    c.is_ascii_digit() || c.is_numeric() && ZEROS.iter().any(is_of)
}

/// The digit zero of Arabic, Persian, Devanagari, Bengali, Gurmukhi, Gujarati, Oriya, Tamil, Telugu, Kannada, Malayalam,
/// Thai, Lao, Tibetan, Burmese, Khmer, and that as wide as a Chinese character.
const ZEROS: [u32; 17] = [
    0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0,
    0xf20, 0x1040, 0x17e0, 0xff10,
];

/// Where a cell stands on its page.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CellPlace {
    /// Position of its page in the document, from 0, if that is not the page of its block: the table goes on there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_index: Option<usize>,
    /// Its rectangle between the borders of its row and column, drawn or not, in page pixels; of a table that tags describe,
    /// the box of its text.
    pub bbox: [i32; 4],
    /// Bounding box of each line of its text, from top to bottom, in page pixels.
    pub lines: Vec<[i32; 4]>,
    /// How surely it is this cell and no part or union of others, times the confidence of its text if that was
    /// recognized: 0 to 1.
    pub confidence: f32,
}

/// What is known of a cell beside its text, for the cell of a table at the same position.
#[derive(Debug, Clone, PartialEq)]
pub struct CellFacts {
    /// First row.
    pub row: usize,
    /// First column.
    pub column: usize,
    /// The cell is a header of a row or column.
    pub header: bool,
    /// Where it stands, if that is known.
    pub place: Option<Box<CellPlace>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_cell_is_told_by_its_text() {
        let kinds = [
            "",
            " ",
            "1 234,50 €",
            "(12.5)%",
            "—",
            "n/a",
            "B 52 bomber",
            "Sum",
        ];
        let found = kinds.map(|text| CellKind::of(text, false));
        use CellKind::*;
        assert_eq!(
            found,
            [Empty, Empty, Number, Number, Number, Number, Text, Text]
        );
        assert_eq!(CellKind::of("2024", true), Header);
        assert_eq!(CellKind::of("", true), Empty);
    }
}
