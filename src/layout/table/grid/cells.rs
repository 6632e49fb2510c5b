//! The cells of a grid: their text, their boxes, and how sure each of them is.

use super::super::evidence::Evidence;
use super::super::pieces::widest_gap;
use super::super::thresholds::cells::GAP_DOUBT;
use super::super::thresholds::drawn::THIN_ROW;
use super::super::{PlacedWords, placed_cell};
use super::bands::RuledBand;
use super::doubt::Side;
use super::heads;
use super::places::{Places, Span};
use super::rows::{Placed, PlacedLine};
use crate::document::{Cell, Table};
use crate::geometry::Rect;

/// Fills the cells.
pub(super) fn fill(
    evidence: &Evidence,
    sides: &[Side],
    bands: &[RuledBand],
    places: &Places,
) -> Table {
    let rows = rows_of(bands);
    let columns = sides.len() - 1;
    let rectangles = places.rectangles();
    let mut at = vec![0usize; rows.len() * columns];
    for (index, (r1, c1, r2, c2)) in rectangles.iter().enumerate() {
        for row in *r1..=*r2 {
            at[row * columns + c1..=row * columns + c2].fill(index);
        }
    }
    let mut words: Vec<PlacedWords> = vec![Vec::new(); rectangles.len()];
    // What speaks against one thing in a cell: gaps.
    let mut gap = vec![0.0f32; rectangles.len()];
    for (row, line) in bands.iter().flat_map(RuledBand::numbered) {
        for p in &line.pieces {
            let own = at[row * columns + p.first];
            words[own].extend(p.piece.words.iter().copied());
            gap[own] = gap[own].max(widest_gap(&p.piece));
        }
    }
    let head = whole_head(heads::head_rows(bands), &rectangles);
    let cells = rectangles.into_iter().zip(words).zip(gap);
    let cells = cells.map(|((span, words), gap)| {
        let (r1, c1, r2, c2) = span;
        let bbox = Rect {
            x1: sides[c1].at,
            y1: rows[r1].from,
            x2: sides[c2 + 1].at,
            y2: rows[r2].to,
        };
        let confidence = confidence(evidence, sides, &rows, span) * (1.0 - GAP_DOUBT * gap);
        let cell = Cell {
            row: r1,
            column: c1,
            row_span: r2 + 1 - r1,
            column_span: c2 + 1 - c1,
            header: r2 < head,
            ..Cell::default()
        };
        placed_cell(cell, words, Some(bbox), confidence)
    });
    let mut cells: Vec<Cell> = cells.collect();
    if is_right_to_left(bands) {
        for cell in &mut cells {
            cell.column = columns - cell.column - cell.column_span;
        }
    }
    cells.sort_by_key(|cell| (cell.row, cell.column));
    Table {
        rows: rows.len(),
        columns,
        cells,
    }
}

/// The number of rows of a head that no cell reaches out of: with the last row of a cell that covers one more, else
/// without those that reach further.
fn whole_head(rows: usize, spans: &[Span]) -> usize {
    let reaching = |head: usize| {
        spans
            .iter()
            .filter(move |span| span.0 < head && head <= span.2)
    };
    let mut head = rows;
    if reaching(head).all(|span| span.2 == head) && reaching(head + 1).next().is_none() {
        head += usize::from(reaching(head).next().is_some());
    }
    while let Some(first) = reaching(head).map(|span| span.0).min() {
        head = first;
    }
    head
}

/// How surely a cell ends at its sides, and its rows are rows.
fn confidence(evidence: &Evidence, sides: &[Side], rows: &[Row], span: Span) -> f32 {
    let (r1, c1, r2, c2) = span;
    let side = |side: Side| match evidence.has_upright(side.at, rows[r1].from, rows[r2].to) {
        true => 1.0,
        false => side.confidence,
    };
    let row = rows[r1..=r2].iter().map(|row| row.confidence);
    row.fold(side(sides[c1]).min(side(sides[c2 + 1])), f32::min)
}

/// A row of the grid.
struct Row {
    /// Upper end.
    from: f32,
    /// Lower end.
    to: f32,
    /// How surely its lines, and no others, are its text.
    confidence: f32,
}

/// The rows of all bands. Those of one band end halfway between their lines.
fn rows_of(bands: &[RuledBand]) -> Vec<Row> {
    let mut rows = Vec::new();
    for band in bands {
        let (first, count) = band.rows;
        // Upper and lower end of the text of each row. What covers several of them belongs to the first.
        let mut texts: Vec<Option<(f32, f32)>> = vec![None; count];
        let whole = |p: &Placed| (p.first..=p.last).any(|c| band.whole.contains(&c));
        for (row, line) in band.numbered() {
            let pieces = line.pieces.iter().filter(|p| !whole(p));
            let Some(bbox) = Rect::union_all(pieces.map(|p| &p.piece.bbox)) else {
                continue;
            };
            let own = &mut texts[row - first];
            *own = Some(own.map_or((bbox.y1, bbox.y2), |(top, bottom)| {
                (top.min(bbox.y1), bottom.max(bbox.y2))
            }));
        }
        let mut from = band.from;
        for row in 0..count {
            let next = texts[row + 1..].iter().flatten().next();
            let to = match (texts[row], next) {
                _ if row + 1 == count => band.to,
                (Some((_, bottom)), Some((top, _))) => {
                    ((bottom + top) / 2.0).clamp(from, band.to.max(from))
                }
                _ => from,
            };
            rows.push(Row {
                from,
                to,
                confidence: band.confidence[row],
            });
            from = to;
        }
    }
    rows
}

/// `true` if most words with letters run from right to left, and those of the first row, too, if it has some: the first
/// column is the rightmost one.
fn is_right_to_left(bands: &[RuledBand]) -> bool {
    let most = |lines: &mut dyn Iterator<Item = &PlacedLine>| {
        let pieces = lines.flat_map(|line| &line.pieces);
        let words = pieces.flat_map(|p| &p.piece.words);
        let letters = words.filter(|(_, word)| word.text.chars().any(char::is_alphabetic));
        let (mut right, mut all) = (0usize, 0usize);
        for (segment, _) in letters {
            right += usize::from(segment.right_to_left);
            all += 1;
        }
        (all > 0).then_some(right * 2 > all)
    };
    let lines = || bands.iter().flat_map(RuledBand::numbered);
    let mut first = lines().filter(|(row, _)| *row == 0).map(|(_, line)| line);
    // Examples in another script say nothing about the table.
    most(&mut lines().map(|(_, line)| line)).unwrap_or(false) && most(&mut first).unwrap_or(true)
}

/// Drops rows without text that are no cells to fill in: the gap of a double line, and space above or below the text
/// that nothing divides.
pub(super) fn compact(
    evidence: &Evidence,
    mut table: Table,
    bands: &[RuledBand],
    sides: &[f32],
) -> Table {
    let is_divided = |band: &RuledBand| {
        sides[1..sides.len() - 1]
            .iter()
            .any(|x| evidence.has_upright(*x, band.from, band.to))
    };
    for (at, band) in bands.iter().enumerate().rev() {
        let is_end = at == 0 || at + 1 == bands.len();
        let is_thin = band.to - band.from < THIN_ROW * evidence.body || is_end && !is_divided(band);
        if !is_thin || band.rows.1 != 1 || table.rows < 2 {
            continue;
        }
        let row = band.rows.0;
        let is_empty = table
            .cells
            .iter()
            .all(|cell| cell.row != row || (cell.row_span == 1 && cell.text.is_empty()));
        if is_empty {
            table.cells.retain(|cell| cell.row != row);
            for cell in &mut table.cells {
                if cell.row > row {
                    cell.row -= 1;
                } else if cell.row + cell.row_span > row {
                    cell.row_span -= 1;
                }
            }
            table.rows -= 1;
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_reaches_out_of_a_head() {
        // A name beside two rows of headings, of which the second one has numbers.
        let names = [(0, 0, 1, 0), (0, 1, 0, 2), (1, 1, 1, 1), (1, 2, 1, 2)];
        assert_eq!(whole_head(1, &names), 2);
        // A label of a group of rows.
        let group = [(0, 0, 2, 0), (0, 1, 0, 1), (1, 1, 1, 1), (2, 1, 2, 1)];
        assert_eq!(whole_head(1, &group), 0);
        assert_eq!(whole_head(0, &group), 0);
    }
}
