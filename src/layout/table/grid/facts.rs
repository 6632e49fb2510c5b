//! What a grid looks like: counts by which it is judged.

use super::super::pieces::{Piece, is_leader};
use super::super::thresholds::places::{CJK_WORD, PROSE_CHARS};
use super::bands::RuledBand;
use super::rows::{Placed, PlacedLine};
use super::signs;
use crate::document::Table;
use crate::lines::is_cjk;

/// What a grid looks like.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in super::super) struct Facts {
    /// Rows, with text or not.
    pub rows: usize,
    /// Bands with text between rules.
    pub bands: usize,
    /// Lines of text.
    pub lines: usize,
    /// Lines of text that go on with cells of their row, beside an empty first column.
    pub wrapped: usize,
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
    /// `true` if leader dots lead to numbers of pages, or the columns are an index.
    pub is_contents: bool,
    /// `true` if the last column holds whole numbers that never fall, as those of pages.
    pub has_rising_pages: bool,
    /// Cells with a long paragraph.
    pub prose: usize,
    /// Lines with a bracket alone, other than a pair around a number.
    pub bracket_lines: usize,
    /// `true` if a column between others has signs of relations, and little else.
    pub has_relations: bool,
    /// `true` if one of the last lines has nothing but numbers in equal steps, as those below a chart.
    pub has_axis: bool,
    /// `true` if most lines begin with words in the first column.
    pub has_labels: bool,
    /// Pieces that are a mark alone, as the points of a chart.
    pub marks: usize,
    /// Lines whose gaps are not much wider than their narrowest space.
    pub stretched: usize,
    /// Rows that begin within a sentence of a column, and all beginnings of rows that no line draws.
    pub torn: (usize, usize),
    /// Lines with parts of boxes drawn by characters: bars, runs of hyphens.
    pub art_lines: usize,
}

/// Number of lines below the first one of their row that have no text in the first column.
fn wrapped(bands: &[RuledBand]) -> usize {
    let of_band = |band: &RuledBand| {
        let lines: Vec<(usize, &PlacedLine)> = band.numbered().collect();
        let pairs = lines.windows(2);
        pairs
            .filter(|pair| pair[0].0 == pair[1].0 && !pair[1].1.is_filled(0))
            .count()
    };
    bands.iter().map(of_band).sum()
}

pub(super) fn facts(columns: &[(f32, f32)], bands: &[RuledBand], table: &Table) -> Facts {
    let count = columns.len();
    let lines = || bands.iter().flat_map(|band| &band.lines);
    let pieces = || lines().flat_map(|line| &line.pieces);
    let filled = table.cells.iter().filter(|cell| !cell.text.is_empty());
    let text_size = |piece: &Piece| {
        let words = piece.words.iter().map(|(_, word)| &word.text);
        let words = words.filter(|text| !is_leader(text));
        let size = |text: &String| 1 + text.chars().filter(|c| is_cjk(*c)).count() / CJK_WORD;
        words.map(size).sum::<usize>()
    };
    let first_column = lines()
        .filter_map(|line| line.pieces.first())
        .filter(|p| p.first == 0);
    let marker = |p: &&Placed| match &p.piece.words[..] {
        [(_, word)] => Some(word.text.clone()),
        _ => None,
    };
    let first = first_column.clone().next().and_then(|p| marker(&p));
    let is_same = |p: &&Placed| marker(p).is_some() && marker(p) == first;
    let markers = first_column.clone().filter(|p| {
        let is_marker = marker(p).is_some_and(|text| super::super::is_marker(&text));
        is_marker || is_same(p)
    });
    let width = (columns[count - 1].1 - columns[0].0).max(1.0);
    Facts {
        rows: table.rows,
        bands: bands.iter().filter(|band| !band.lines.is_empty()).count(),
        lines: lines().count(),
        wrapped: wrapped(bands),
        several: lines().filter(|line| line.pieces.len() > 1).count(),
        filled: filled.clone().count(),
        numbers: pieces().filter(|p| p.piece.is_number()).count(),
        cell_words: pieces().map(|p| text_size(&p.piece)).collect(),
        lines_of_column: (0..count)
            .map(|c| lines().filter(|l| l.is_filled(c)).count())
            .collect(),
        markers: (markers.count(), first_column.clone().count()),
        first_width: (columns[0].1 - columns[0].0) / width,
        is_contents: signs::leads_to_pages(bands) || signs::is_paired_index(bands, count),
        has_rising_pages: signs::has_rising_pages(bands, count),
        bracket_lines: lines().filter(|line| signs::has_bracket(line)).count(),
        has_relations: signs::has_relations(bands, count),
        has_axis: signs::has_axis(bands),
        has_labels: {
            let has_letter = |p: &&Placed| {
                let words = p.piece.words.iter();
                words
                    .flat_map(|(_, word)| word.text.chars())
                    .any(char::is_alphabetic)
            };
            first_column.clone().filter(has_letter).count() * 2 > lines().count()
        },
        marks: pieces().filter(|p| signs::is_mark(&p.piece)).count(),
        art_lines: lines().filter(|line| signs::is_art(line)).count(),
        stretched: lines().filter(|line| signs::is_stretched(line)).count(),
        torn: signs::torn(bands, columns),
        prose: filled
            .filter(|cell| cell.text.chars().count() > PROSE_CHARS)
            .count(),
    }
}
