//! What a grid looks like: counts by which it is judged.

use super::super::pieces::{Piece, is_leader};
use super::super::thresholds::places::*;

/// Most digits of the number of a page.
const PAGE_DIGITS: usize = 4;
use super::bands::RuledBand;
use super::rows::PlacedLine;
use crate::document::Table;

/// What a grid looks like.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in super::super) struct Facts {
    /// Rows, with text or not.
    pub rows: usize,
    /// Bands with text between rules.
    pub bands: usize,
    /// Lines of text.
    pub lines: usize,
    /// Lines of several pieces.
    pub several: usize,
    /// Cells with text.
    pub filled: usize,
    /// Those with a number.
    pub numbers: usize,
    /// Words of each line in each cell with text.
    pub cell_words: Vec<usize>,
    /// For each column, the number of lines with text in it.
    pub lines_of_column: Vec<usize>,
    /// Words in the first column that mark items of a list, and all of its pieces.
    pub markers: (usize, usize),
    /// Width of the first column in relation to the table.
    pub first_width: f32,
    /// `true` if leader dots lead to numbers of pages.
    pub is_contents: bool,
    /// `true` if the last column holds whole numbers that never fall, as those of pages.
    pub has_rising_pages: bool,
    /// Cells with a long paragraph.
    pub prose: usize,
}

/// `true` if leader dots lead to numbers of pages in most lines: contents or an index, of one column or several.
fn leads_to_pages(bands: &[RuledBand]) -> bool {
    let lines = || bands.iter().flat_map(|band| &band.lines);
    let is_page = |text: &str| {
        let text = text.trim_end_matches([',', '.', 'f', 'n']);
        let is_roman = text.chars().all(|c| "ivxlc".contains(c));
        let is_figure =
            |part: &str| part.len() <= PAGE_DIGITS && part.chars().all(|c| c.is_ascii_digit());
        !text.is_empty() && (is_roman || text.split(['–', '-']).all(is_figure))
    };
    let leads = |line: &&PlacedLine| {
        let words: Vec<&str> = line
            .pieces
            .iter()
            .flat_map(|p| &p.piece.words)
            .map(|(_, word)| word.text.as_str())
            .collect();
        let mut ends = words
            .windows(2)
            .filter(|pair| is_leader(pair[0]) && !is_leader(pair[1]));
        let first = ends.next();
        first.is_some_and(|pair| is_page(pair[1])) && ends.all(|pair| is_page(pair[1]))
    };
    let count = lines().filter(leads).count();
    count > 1 && count as f32 > LEADER_SHARE * lines().count() as f32
}

/// `true` for titles and rising numbers of pages without leader dots: words in every line, no head above the numbers, and
/// the first page among the first ones of a book.
fn has_rising_pages(bands: &[RuledBand], columns: usize) -> bool {
    let lines = || bands.iter().flat_map(|band| &band.lines);
    let last = |line: &PlacedLine| {
        let p = line
            .pieces
            .last()
            .filter(|p| p.last + 1 == columns && line.pieces.len() > 1)?;
        let (_, word) = p.piece.words.last()?;
        word.text.parse::<u32>().ok()
    };
    let has_title = |line: &PlacedLine| {
        let titles = line.pieces.iter().rev().skip(1);
        let words = titles.flat_map(|p| &p.piece.words);
        let letters = words.flat_map(|(_, word)| word.text.chars());
        letters.filter(|c| c.is_alphabetic()).count() >= TITLE_LETTERS
    };
    let pages: Vec<u32> = lines().filter_map(last).collect();
    let has_titles = columns <= CONTENTS_COLUMNS
        && pages.len() * 4 > lines().count() * 3
        && lines().filter(|line| has_title(line)).count() * 4 > lines().count() * 3;
    let has_head = lines().next().is_none_or(|line| last(line).is_none());
    let is_rising = pages.windows(2).all(|pair| pair[0] <= pair[1]);
    let is_early = pages.first().is_some_and(|page| *page <= FIRST_PAGE);
    has_titles && !has_head && is_rising && is_early && pages.len() >= CONTENTS_LINES
}

pub(super) fn facts(sides: &[f32], bands: &[RuledBand], table: &Table) -> Facts {
    let columns = sides.len() - 1;
    let lines = || bands.iter().flat_map(|band| &band.lines);
    let pieces = || lines().flat_map(|line| &line.pieces);
    let filled = table.cells.iter().filter(|cell| !cell.text.is_empty());
    let text_size = |piece: &Piece| {
        let words = piece.words.iter();
        words.filter(|(_, word)| !is_leader(&word.text)).count()
    };
    let mut first_column = lines()
        .filter_map(|line| line.pieces.first())
        .filter(|p| p.first == 0);
    let markers = first_column
        .clone()
        .filter(|p| p.piece.words.len() == 1 && super::super::is_marker(&p.piece.words[0].1.text));
    let width = (sides[columns] - sides[0]).max(1.0);
    Facts {
        rows: table.rows,
        bands: bands.iter().filter(|band| !band.lines.is_empty()).count(),
        lines: lines().count(),
        several: lines().filter(|line| line.pieces.len() > 1).count(),
        filled: filled.clone().count(),
        numbers: pieces().filter(|p| p.piece.is_number()).count(),
        cell_words: pieces().map(|p| text_size(&p.piece)).collect(),
        lines_of_column: (0..columns)
            .map(|c| lines().filter(|l| l.is_filled(c)).count())
            .collect(),
        markers: (markers.count(), first_column.by_ref().count()),
        first_width: (sides[1] - sides[0]) / width,
        is_contents: leads_to_pages(bands),
        has_rising_pages: has_rising_pages(bands, columns),
        prose: filled
            .filter(|cell| cell.text.chars().count() > PROSE_CHARS)
            .count(),
    }
}
