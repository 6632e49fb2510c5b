//! Which grid a table gets: geometry's or that which a network sees in the picture.
//!
//! Both are filled with the same words. What speaks against a grid is more in one cell than belongs there ([`Filled::conflicts`]):
//! words with a column's gap between them, and numbers below each other. The network's grid wins where it has less of that, or
//! as little with more cells; it loses ties, since geometry's sides come from the words themselves.

use super::super::Region;
use super::super::table::{PlacedWords, placed_cell};
use super::table_structure::{SeenCell, Structure};
use crate::document::{Cell, Table, is_number};
use crate::geometry::Rect;
use crate::lines::{Direction, Segment, Word};
use std::collections::HashMap;

/// Least mean probability of the tokens of a grid that is looked at. Tables of `tests/pictures` have 0.97 and more, other
/// things 0.94 and more.
const LEAST_SCORE: f32 = 0.95;
/// Gap between two words that are not of one thing, in heights of their line: twice a wide space between words.
const COLUMN_GAP: f32 = 0.8;
/// Gap below which two words of a line stand together, in heights of their line.
const WORD_GAP: f32 = 0.6;
/// Two words are on one line if their middles are less than this apart, in heights of the lower one.
const SAME_LINE: f32 = 0.5;

/// A grid with its words.
struct Filled<'a> {
    /// Words of each cell.
    words: Vec<PlacedWords<'a>>,
    rows: usize,
    columns: usize,
}

/// The table with the cells that were seen, if that suits its text better than its own grid.
pub(super) fn better(segments: &[Segment], region: &Region, seen: &Structure) -> Option<Table> {
    let table = region.table.as_ref()?;
    let own = region.lines.iter().flatten().map(|i| &segments[*i]);
    let own: Vec<&Segment> = own.collect();
    let is_level =
        |segment: &&Segment| segment.direction == Direction::Horizontal && !segment.right_to_left;
    // Nor if it is no number.
    let is_sure = seen.score >= LEAST_SCORE;
    if !is_sure || !own.iter().all(is_level) {
        return None;
    }
    let words = own
        .iter()
        .flat_map(|segment| segment.words.iter().map(|word| (*segment, word)));
    let words: PlacedWords = words.collect();
    let geometry = by_lines(table, &words)?;
    let cells = compacted(&seen.cells, &words)?;
    let boxes: Vec<Rect> = cells.iter().map(|cell| cell.bbox).collect();
    let network = Filled {
        words: by_boxes(&boxes, &words)?,
        rows: ends(&cells, |cell| cell.row + cell.row_span),
        columns: ends(&cells, |cell| cell.column + cell.column_span),
    };
    wins(&network, &geometry).then(|| filled(cells, network, seen.score))
}

fn ends(cells: &[SeenCell], end: impl Fn(&SeenCell) -> usize) -> usize {
    cells.iter().map(end).max().unwrap_or(0)
}

/// The words of the cells of a table that knows where its lines stand; `None` if it does not.
fn by_lines<'a>(table: &Table, words: &PlacedWords<'a>) -> Option<Filled<'a>> {
    let (mut boxes, mut owners) = (Vec::new(), Vec::new());
    for (number, cell) in table.cells.iter().enumerate() {
        for line in cell.place.iter().flat_map(|place| &place.lines) {
            let [x1, y1, x2, y2] = line.map(|side| side as f32);
            boxes.push(Rect::new(x1, y1, x2, y2));
            owners.push(number);
        }
    }
    let mut of_cells: Vec<PlacedWords> = vec![Vec::new(); table.cells.len()];
    for (line, words) in by_boxes(&boxes, words)?.into_iter().enumerate() {
        of_cells[owners[line]].extend(words);
    }
    Some(Filled {
        words: of_cells,
        rows: table.rows,
        columns: table.columns,
    })
}

/// Gives each word to the box that has most of it, or to the nearest one; `None` if there is no box.
fn by_boxes<'a>(boxes: &[Rect], words: &PlacedWords<'a>) -> Option<Vec<PlacedWords<'a>>> {
    let mut of_boxes: Vec<PlacedWords> = vec![Vec::new(); boxes.len()];
    for (segment, word) in words {
        let own = &word.bbox;
        let share = |bbox: &Rect| own.share_inside(bbox);
        let away = |bbox: &Rect| {
            let (x, y) = (own.center_x(), own.center_y());
            // Rows are nearer to each other than columns.
            let aside = (bbox.x1 - x).max(x - bbox.x2).max(0.0);
            aside + 3.0 * (bbox.y1 - y).max(y - bbox.y2).max(0.0)
        };
        let best = (0..boxes.len()).min_by(|a, b| {
            let (a, b) = (&boxes[*a], &boxes[*b]);
            share(b)
                .total_cmp(&share(a))
                .then(away(a).total_cmp(&away(b)))
        })?;
        of_boxes[best].push((*segment, *word));
    }
    Some(of_boxes)
}

/// Cells without the rows and columns in which no text begins; `None` if not two rows and columns are left.
fn compacted(cells: &[SeenCell], words: &PlacedWords) -> Option<Vec<SeenCell>> {
    let boxes: Vec<Rect> = cells.iter().map(|cell| cell.bbox).collect();
    let filled = by_boxes(&boxes, words)?;
    let (mut rows, mut columns) = (
        vec![false; ends(cells, |cell| cell.row + cell.row_span)],
        vec![false; ends(cells, |cell| cell.column + cell.column_span)],
    );
    for (cell, words) in cells.iter().zip(&filled) {
        rows[cell.row] |= !words.is_empty();
        columns[cell.column] |= !words.is_empty();
    }
    let count = |kept: &[bool]| kept.iter().filter(|kept| **kept).count();
    if count(&rows) < 2 || count(&columns) < 2 {
        return None;
    }
    let left = cells.iter().filter_map(|cell| {
        let (row_end, column_end) = (cell.row + cell.row_span, cell.column + cell.column_span);
        let (row_span, column_span) = (
            count(&rows[cell.row..row_end]),
            count(&columns[cell.column..column_end]),
        );
        (row_span > 0 && column_span > 0).then(|| SeenCell {
            row: count(&rows[..cell.row]),
            column: count(&columns[..cell.column]),
            row_span,
            column_span,
            ..*cell
        })
    });
    Some(left.collect())
}

/// `true` if the network's grid suits the text better.
fn wins(network: &Filled, geometry: &Filled) -> bool {
    let (own, other) = (network.conflicts(), geometry.conflicts());
    let more = network.filled().saturating_sub(geometry.filled());
    let is_finer = more > 0 && network.rows >= geometry.rows && network.columns >= geometry.columns;
    // A side through words that stand together is one too many, unless most of its rows speak for it.
    let is_torn = network.cuts().saturating_sub(geometry.cuts()) * 2 > more;
    own < other && !is_torn || own == other && is_finer && !is_torn
}

impl<'a> Filled<'a> {
    /// Number of cells with text.
    fn filled(&self) -> usize {
        self.words.iter().filter(|words| !words.is_empty()).count()
    }

    /// Number of pairs of neighbours that are not of one thing, and of cells with a number above or below something else.
    fn conflicts(&self) -> usize {
        let of_cell = |words: &PlacedWords<'a>| {
            let lines = lines(words);
            let wide = lines.iter().flat_map(|line| line.windows(2));
            let wide =
                wide.filter(|pair| gap(pair) > COLUMN_GAP && !std::ptr::eq(pair[0].0, pair[1].0));
            let is_value = |line: &PlacedWords| line.iter().all(|(_, word)| is_number(&word.text));
            let is_stacked = lines.len() > 1 && lines.iter().any(is_value);
            wide.count() + usize::from(is_stacked)
        };
        self.words.iter().map(of_cell).sum()
    }

    /// Number of sides of cells that divide words of one kind which stand together.
    fn cuts(&self) -> usize {
        let mut owners: HashMap<*const Word, usize> = HashMap::new();
        for (cell, words) in self.words.iter().enumerate() {
            owners.extend(
                words
                    .iter()
                    .map(|(_, word)| (std::ptr::from_ref(*word), cell)),
            );
        }
        let owner = |word: &Word| owners.get(&std::ptr::from_ref(word)).copied();
        let segments = self.words.iter().flatten().map(|(segment, _)| *segment);
        let mut segments: Vec<&Segment> = segments.collect();
        segments.sort_by_key(|segment| std::ptr::from_ref(*segment));
        segments.dedup_by_key(|segment| std::ptr::from_ref(*segment));
        let is_cut = |segment: &&Segment, pair: &[Word]| {
            let gap = (pair[1].bbox.x1 - pair[0].bbox.x2) / segment.bbox.height().max(1.0);
            let is_alike = is_number(&pair[0].text) == is_number(&pair[1].text);
            gap < WORD_GAP && is_alike && owner(&pair[0]) != owner(&pair[1])
        };
        let cuts = segments.iter().map(|segment| {
            segment
                .words
                .windows(2)
                .filter(|pair| is_cut(segment, pair))
                .count()
        });
        cuts.sum()
    }
}

/// Space between two words, in heights of the lower one.
fn gap(pair: &[(&Segment, &Word)]) -> f32 {
    let (a, b) = (&pair[0].1.bbox, &pair[1].1.bbox);
    (b.x1 - a.x2) / a.height().min(b.height()).max(1.0)
}

/// The lines of a cell's words, each from left to right.
fn lines<'a>(words: &PlacedWords<'a>) -> Vec<PlacedWords<'a>> {
    let mut words = words.clone();
    words.sort_by(|a, b| a.1.bbox.center_y().total_cmp(&b.1.bbox.center_y()));
    let mut lines: Vec<PlacedWords> = Vec::new();
    for (segment, word) in words {
        let own = &word.bbox;
        let is_beside = |line: &PlacedWords| {
            let other = &line[0].1.bbox;
            (other.center_y() - own.center_y()).abs() < SAME_LINE * other.height().min(own.height())
        };
        match lines.last_mut().filter(|line| is_beside(line)) {
            Some(line) => line.push((segment, word)),
            None => lines.push(vec![(segment, word)]),
        }
    }
    for line in &mut lines {
        line.sort_by(|a, b| a.1.bbox.x1.total_cmp(&b.1.bbox.x1));
    }
    lines
}

/// The table of cells and their words.
fn filled(cells: Vec<SeenCell>, words: Filled, score: f32) -> Table {
    // Nothing reaches out of the head.
    let body = cells
        .iter()
        .filter(|cell| !cell.header)
        .map(|cell| cell.row);
    let head = body.min().unwrap_or(0);
    let is_whole = cells
        .iter()
        .all(|cell| cell.row >= head || cell.row + cell.row_span <= head);
    let (rows, columns) = (words.rows, words.columns);
    let mut is_free = vec![true; rows * columns];
    for cell in &cells {
        for row in cell.row..cell.row + cell.row_span {
            let start = row * columns + cell.column;
            is_free[start..start + cell.column_span].fill(false);
        }
    }
    let placed = cells.into_iter().zip(words.words).map(|(cell, words)| {
        let own = Cell {
            row: cell.row,
            column: cell.column,
            row_span: cell.row_span,
            column_span: cell.column_span,
            header: is_whole && cell.row < head,
            ..Cell::default()
        };
        placed_cell(own, words, Some(cell.bbox), score)
    });
    let mut cells: Vec<Cell> = placed.collect();
    // Rows may end early.
    let free = (0..rows * columns).filter(|at| is_free[*at]);
    cells.extend(free.map(|at| Cell {
        row: at / columns,
        column: at % columns,
        row_span: 1,
        column_span: 1,
        header: is_whole && at / columns < head,
        ..Cell::default()
    }));
    cells.sort_by_key(|cell| (cell.row, cell.column));
    Table {
        rows,
        columns,
        cells,
    }
}

#[cfg(test)]
mod tests;
