//! Cells of an aligned table: the columns of a piece, the rows that form one record, and empty cells.

use super::super::PlacedWords;
use super::super::thresholds::aligned::*;
use super::super::thresholds::framed::RULE_THICKNESS;
use super::TextRow;
use crate::document::Cell;
use crate::geometry::Rect;
use crate::lines::Segment;

/// Adds empty cells to the uncovered places of a row, and trims spans that overlap.
pub(super) fn fill_row(cells: &mut Vec<Cell>, row: usize, columns: usize) {
    let mut own: Vec<Cell> = cells.iter().filter(|c| c.row == row).cloned().collect();
    cells.retain(|c| c.row != row);
    own.sort_by_key(|c| c.column);
    let mut next = 0;
    for i in 0..own.len() {
        let limit = own.get(i + 1).map_or(columns, |c| c.column);
        let mut cell = own[i].clone();
        cell.column_span = cell.column_span.min(limit - cell.column).max(1);
        cells.extend((next..cell.column).map(|column| empty_cell(row, column)));
        next = cell.column + cell.column_span;
        cells.push(cell);
    }
    cells.extend((next..columns).map(|column| empty_cell(row, column)));
}

fn empty_cell(row: usize, column: usize) -> Cell {
    Cell {
        row,
        column,
        row_span: 1,
        column_span: 1,
        ..Cell::default()
    }
}

/// A piece of a row with its columns.
pub(super) struct Placed<'a> {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) words: PlacedWords<'a>,
}

/// Assigns the pieces of a row to columns; a piece that covers several, or is alone above a rule that does,
/// spans them.
pub(super) fn place<'a>(
    row: &TextRow,
    segments: &'a [Segment],
    columns: &[(f32, f32)],
    rulings: &[Rect],
    body: f32,
) -> Vec<Placed<'a>> {
    let mut words: Vec<_> = row
        .segments
        .iter()
        .flat_map(|&i| segments[i].words.iter().map(move |w| (&segments[i], w)))
        .collect();
    words.sort_by(|a, b| a.1.bbox.x1.total_cmp(&b.1.bbox.x1));
    let mut pieces: Vec<PlacedWords> = Vec::new();
    let mut right = f32::NEG_INFINITY;
    for word in words {
        match pieces.last_mut() {
            Some(piece) if word.1.bbox.x1 - right < WORD_BLANK * body => piece.push(word),
            _ => pieces.push(vec![word]),
        }
        right = right.max(word.1.bbox.x2);
    }
    let mut placed: Vec<Placed> = Vec::new();
    for words in pieces {
        let bounds = Rect::union_all(words.iter().map(|(_, w)| &w.bbox)).unwrap_or_default();
        let (first, last) = columns_of(&bounds, columns, body);
        match placed.last_mut() {
            Some(p) if p.last >= first => {
                p.last = p.last.max(last);
                p.words.extend(words);
            }
            _ => placed.push(Placed { first, last, words }),
        }
    }
    for i in 0..placed.len() {
        let low = if i == 0 { 0 } else { placed[i - 1].last + 1 };
        let high = placed.get(i + 1).map_or(columns.len(), |p| p.first) - 1;
        widen_over_rule(&mut placed[i], (low, high), row, columns, rulings, body);
    }
    placed
}

/// The columns that a piece covers; the nearest one if it stands between columns.
fn columns_of(bounds: &Rect, columns: &[(f32, f32)], body: f32) -> (usize, usize) {
    let covered = |c: &(f32, f32)| {
        let overlap = bounds.x2.min(c.1) - bounds.x1.max(c.0);
        overlap
            > (COVERED * body)
                .min(COVERED_SHARE * (c.1 - c.0))
                .min(COVERED_SHARE * bounds.width())
    };
    let hit: Vec<usize> = (0..columns.len())
        .filter(|&c| covered(&columns[c]))
        .collect();
    if let (Some(&first), Some(&last)) = (hit.first(), hit.last()) {
        return (first, last);
    }
    let distance = |c: usize| {
        (columns[c].0 - bounds.x2)
            .max(bounds.x1 - columns[c].1)
            .max(0.0)
    };
    let nearest = (0..columns.len())
        .min_by(|&a, &b| distance(a).total_cmp(&distance(b)))
        .unwrap_or(0);
    (nearest, nearest)
}

/// Widens a heading to the columns covered by a rule right below it.
fn widen_over_rule(
    placed: &mut Placed,
    (low, high): (usize, usize),
    row: &TextRow,
    columns: &[(f32, f32)],
    rulings: &[Rect],
    body: f32,
) {
    let whole = columns[columns.len() - 1].1 - columns[0].0;
    let Some(text) = Rect::union_all(placed.words.iter().map(|(_, w)| &w.bbox)) else {
        return;
    };
    let rule = rulings.iter().find(|r| {
        let below = r.center_y() - row.bbox.y2;
        r.width() > SPAN_RULE * body
            && r.height() < RULE_THICKNESS * body
            && r.width() < SPAN_RULE_SHARE * whole
            && (SPAN_RULE_BELOW.start * body..SPAN_RULE_BELOW.end * body).contains(&below)
            && r.x1 <= text.center_x()
            && text.center_x() <= r.x2
    });
    if let Some(rule) = rule {
        let under = |c: &(f32, f32)| rule.x1 <= (c.0 + c.1) / 2.0 && (c.0 + c.1) / 2.0 <= rule.x2;
        let first = (low..=placed.first)
            .find(|&c| under(&columns[c]))
            .unwrap_or(placed.first);
        let last = (placed.last..=high)
            .rev()
            .find(|&c| under(&columns[c]))
            .unwrap_or(placed.last);
        (placed.first, placed.last) = (first, last);
    }
}

/// Groups grid rows into records: a line that only continues cells of the line above joins it.
pub(super) fn records(grid: &[Vec<Placed>], rows: &[TextRow], columns: usize) -> Vec<Vec<usize>> {
    let step = |r: usize| rows[r].bbox.center_y() - rows[r - 1].bbox.center_y();
    let has_first = |r: usize| grid[r].first().is_some_and(|p| p.first == 0);
    let mut full_steps: Vec<f32> = (1..rows.len())
        .filter(|&r| has_first(r) && has_first(r - 1))
        .map(step)
        .collect();
    full_steps.sort_by(f32::total_cmp);
    let usual = full_steps.get(full_steps.len() / 2).copied().unwrap_or(0.0);
    let mut records: Vec<Vec<usize>> = Vec::new();
    for r in 0..rows.len() {
        let continues = r > 0
            && !has_first(r)
            && grid[r].len() < columns
            && usual > 0.0
            && step(r) < CONTINUED_STEP * usual
            && grid[r].iter().all(|p| {
                grid[r - 1]
                    .iter()
                    .any(|q| q.first <= p.first && p.last <= q.last)
            });
        match records.last_mut() {
            Some(record) if continues => record.push(r),
            _ => records.push(vec![r]),
        }
    }
    records
}
