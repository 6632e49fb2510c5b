//! Tables whose columns are separated by white space: rows of short pieces that line up.
//!
//! Works on the rows of one column of the page. Two clues: rows with several pieces that share their gaps, and
//! pairs of horizontal rules of equal extent around them, as books print tables.

use super::{FoundTable, PlacedWords, cell_text};
use crate::deadline;
use crate::document::{Cell, Table};
use crate::geometry::{Rect, rows_by_overlap};
use crate::lines::Segment;
use std::collections::BTreeMap;

/// White space narrower than this (ems) is a blank between words.
const WORD_BLANK: f32 = 0.42;
/// White space of at least this width (ems) in all rows separates columns.
const COLUMN_GAP: f32 = 0.5;
/// Share of rows that may run across a gap: headings over several columns.
const CROSSING_SHARE: f32 = 0.15;
/// Without rules around them, tables of two columns need so many rows...
const MIN_ROWS_TWO_COLUMNS: usize = 4;
/// ...and of more columns so many.
const MIN_ROWS: usize = 3;
/// Rows further apart than this (ems, from line to line) do not belong to one table.
const MAX_ROW_STEP: f32 = 3.2;
/// Rules whose ends differ by less than this (ems) go together.
const RULE_SNAP: f32 = 0.8;

/// Between rules further apart than this (ems) nearly all rows must be those of a table.
const TALL_FRAME: f32 = 25.0;

/// A row of text: what stands side by side.
#[derive(Debug, Clone)]
pub struct Row {
    /// Positions of the segments, from left to right.
    pub segments: Vec<usize>,
    /// Around all of them.
    pub bbox: Rect,
}

/// Groups segments into rows by their vertical extent, from top to bottom.
pub fn rows(indices: &[usize], segments: &[Segment]) -> Vec<Row> {
    let boxes: Vec<Rect> = indices.iter().map(|i| segments[*i].bbox).collect();
    let rows = rows_by_overlap(&boxes, Rect::union)
        .into_iter()
        .map(|(row, bbox)| {
            let mut row: Vec<usize> = row.into_iter().map(|i| indices[i]).collect();
            row.sort_by(|&a, &b| segments[a].bbox.x1.total_cmp(&segments[b].bbox.x1));
            Row {
                segments: row,
                bbox,
            }
        });
    rows.collect()
}

/// Finds the tables that white space alone shows among the rows of a column.
///
/// `rulings` are those of the whole page: partial rules still tell what headings span.
pub fn find(rows: &[Row], segments: &[Segment], rulings: &[Rect], body: f32) -> Vec<FoundTable> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < rows.len() {
        let end = plain_range(rows, start, body);
        if end > start + 1
            && let Some(table) = build_longest(&rows[start..end], segments, rulings, body)
        {
            found.push(table);
        }
        start = end.max(start + 1);
    }
    found
}

/// Finds the tables of a page that stand between horizontal rules of equal extent, as books print them.
///
/// `free` are the segments that no other table has.
pub fn find_framed(
    free: &[usize],
    segments: &[Segment],
    rulings: &[Rect],
    body: f32,
) -> Vec<FoundTable> {
    let mut found = Vec::new();
    for frame in frames(free, segments, rulings, body) {
        let inside: Vec<usize> = free
            .iter()
            .copied()
            .filter(|&i| segments[i].bbox.share_inside(&frame.expanded(body, 0.0)) > 0.7)
            .collect();
        if let Some(table) = build(
            &rows(&inside, segments),
            segments,
            rulings,
            body,
            Some(frame),
        ) {
            found.push(table);
        }
    }
    found
}

/// The longest part of a run of rows that makes a table: rows are given up at its ends.
fn build_longest(
    rows: &[Row],
    segments: &[Segment],
    rulings: &[Rect],
    body: f32,
) -> Option<FoundTable> {
    // A heading or a paragraph's end may stick to either end of the run.
    for (head, tail) in [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2)] {
        if rows.len() > head + tail + 1
            && let Some(table) = build(
                &rows[head..rows.len() - tail],
                segments,
                rulings,
                body,
                None,
            )
        {
            return Some(table);
        }
    }
    None
}

/// Boxes between rules of equal extent with rows of several pieces between them.
fn frames(free: &[usize], segments: &[Segment], rulings: &[Rect], body: f32) -> Vec<Rect> {
    let mut rules: Vec<&Rect> = rulings
        .iter()
        .filter(|r| r.width() > 5.0 * body && r.height() < 0.5 * body)
        .collect();
    rules.sort_by(|a, b| a.y1.total_cmp(&b.y1));
    let mut used = vec![false; rules.len()];
    let mut found = Vec::new();
    for i in 0..rules.len() {
        deadline::check();
        if used[i] {
            continue;
        }
        let same = |r: &Rect| {
            (r.x1 - rules[i].x1).abs() < RULE_SNAP * body
                && (r.x2 - rules[i].x2).abs() < RULE_SNAP * body
        };
        let group: Vec<usize> = (i..rules.len())
            .filter(|&j| !used[j] && same(rules[j]))
            .collect();
        group.iter().for_each(|&j| used[j] = true);
        let mut open: Option<Rect> = None;
        for pair in group.windows(2) {
            let (top, bottom) = (rules[pair[0]], rules[pair[1]]);
            let between = Rect {
                x1: top.x1.min(bottom.x1),
                y1: top.y1,
                x2: top.x2.max(bottom.x2),
                y2: bottom.y2,
            };
            if is_tabular(&between, free, segments, body) {
                open = Some(open.map_or(between, |o| o.union(&between)));
            } else {
                found.extend(open.take());
            }
        }
        found.extend(open);
    }
    found
}

/// Whether what stands between two rules are rows of a table.
fn is_tabular(between: &Rect, free: &[usize], segments: &[Segment], body: f32) -> bool {
    let inside: Vec<usize> = free
        .iter()
        .copied()
        .filter(|&i| between.contains(segments[i].bbox.center_x(), segments[i].bbox.center_y()))
        .collect();
    // Text that sticks out of the rules is not framed by them.
    if inside
        .iter()
        .any(|&i| segments[i].bbox.share_inside(&between.expanded(body, body)) < 0.9)
    {
        return false;
    }
    let fixed = inside
        .iter()
        .filter(|i| segments[**i].style.fixed_pitch)
        .count();
    if fixed * 2 > inside.len() {
        return false; // a listing
    }
    let rows = rows(&inside, segments);
    if rows.is_empty() {
        return between.height() < 1.5 * body;
    }
    let multi = rows
        .iter()
        .filter(|r| pieces(r, segments, body).len() >= 2)
        .count();
    let bullets = inside
        .iter()
        .filter(|&&i| segments[i].plain_text().starts_with(['•', '▪', '●', '■']));
    if bullets.count() >= 3 {
        return false; // a list, or a page's design around lists
    }
    if between.height() > TALL_FRAME * body && multi * 4 < rows.len() * 3 {
        return false;
    }
    let narrow = rows.iter().all(|r| r.bbox.width() < 0.6 * between.width());
    multi * 2 >= rows.len() || (rows.len() == 1 && narrow)
}

/// The end of the run of rows from `start` that may be a table without rules: rows of several pieces, at most one
/// single piece between two of them.
fn plain_range(rows: &[Row], start: usize, body: f32) -> usize {
    let multi = |r: usize| rows[r].segments.len() >= 2;
    if !multi(start) {
        return start + 1;
    }
    let mut end = start + 1;
    let mut last_multi = start;
    while end < rows.len() {
        let step = rows[end].bbox.center_y() - rows[end - 1].bbox.center_y();
        if step > MAX_ROW_STEP * body || (!multi(end) && end - last_multi > 1) {
            break;
        }
        if multi(end) {
            last_multi = end;
        }
        end += 1;
    }
    last_multi + 1
}

/// Columns of a range of rows as `[left, right]`, from the white space that they share.
fn columns(rows: &[Row], segments: &[Segment], body: f32) -> Vec<(f32, f32)> {
    let pieces: Vec<Vec<(f32, f32)>> = rows.iter().map(|row| pieces(row, segments, body)).collect();
    let multi = pieces.iter().filter(|p| p.len() >= 2).count();
    let allowed = (multi as f32 * CROSSING_SHARE).max(if multi >= 3 { 1.0 } else { 0.0 }) as usize;
    // Rows of one piece are headings or wrapped cells; they do not close gaps.
    let counted: Vec<&Vec<(f32, f32)>> = pieces.iter().filter(|p| p.len() >= 2).collect();
    let mut edges: Vec<(f32, i32)> = counted
        .iter()
        .flat_map(|p| p.iter().flat_map(|&(a, b)| [(a, 1), (b, -1)]))
        .collect();
    edges.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    let mut found = Vec::new();
    let (mut depth, mut start) = (0i32, f32::NEG_INFINITY);
    let mut inside = false;
    for (x, change) in edges {
        depth += change;
        if !inside && depth as usize > allowed {
            (inside, start) = (true, x);
        } else if inside && depth as usize <= allowed {
            inside = false;
            match found.last_mut() {
                Some((_, right)) if start - *right < COLUMN_GAP * body => *right = x,
                _ => found.push((start, x)),
            }
        }
    }
    found
}

/// Extents of what stands in a row, blanks between words bridged.
fn pieces(row: &Row, segments: &[Segment], body: f32) -> Vec<(f32, f32)> {
    let mut words: Vec<(f32, f32)> = row
        .segments
        .iter()
        .flat_map(|&i| segments[i].words.iter().map(|w| (w.bbox.x1, w.bbox.x2)))
        .collect();
    words.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut pieces: Vec<(f32, f32)> = Vec::new();
    for (a, b) in words {
        match pieces.last_mut() {
            Some(last) if a - last.1 < WORD_BLANK * body => last.1 = last.1.max(b),
            _ => pieces.push((a, b)),
        }
    }
    pieces
}

fn build(
    rows: &[Row],
    segments: &[Segment],
    rulings: &[Rect],
    body: f32,
    frame: Option<Rect>,
) -> Option<FoundTable> {
    let columns = columns(rows, segments, body);
    if columns.len() < 2 || rows.len() < 2 {
        return None;
    }
    let text_box = Rect::union_all(rows.iter().map(|r| &r.bbox))?;
    let grid: Vec<Vec<Placed>> = rows
        .iter()
        .map(|row| place(row, segments, &columns, rulings, body))
        .collect();
    let prose = grid.iter().flatten().filter(|p| p.words.len() > 11).count();
    if frame.is_some() && prose * 4 > grid.iter().map(Vec::len).sum() {
        return None;
    }
    if frame.is_none() && !looks_like_table(&grid, rows, &columns, &text_box, segments) {
        return None;
    }
    let records = records(&grid, rows, columns.len());
    let mut cells: Vec<Cell> = Vec::new();
    for (r, lines) in records.iter().enumerate() {
        // What starts in the same column is one cell, however far each line of it reaches.
        let mut starts: BTreeMap<usize, (usize, PlacedWords)> = BTreeMap::new();
        for placed in lines.iter().flat_map(|line| &grid[*line]) {
            let (last, words) = starts.entry(placed.first).or_default();
            *last = placed.last.max(*last);
            words.extend(&placed.words);
        }
        for (column, (last, words)) in starts {
            let text = cell_text(words);
            cells.push(Cell {
                row: r,
                column,
                row_span: 1,
                column_span: last + 1 - column,
                text,
                header: false,
            });
        }
        fill_row(&mut cells, r, columns.len());
    }
    cells.sort_by_key(|c| (c.row, c.column));
    let bbox = frame.map_or(text_box, |f| f.union(&text_box));
    let indices = rows
        .iter()
        .flat_map(|row| row.segments.iter().copied())
        .collect();
    let table = Table {
        rows: records.len(),
        columns: columns.len(),
        cells,
    };
    Some(FoundTable {
        bbox,
        table,
        segments: indices,
    })
}

/// Gives every place of a row that no cell covers an empty cell, and cuts spans that overlap.
fn fill_row(cells: &mut Vec<Cell>, row: usize, columns: usize) {
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

/// What stands in one or more columns of a row.
struct Placed<'a> {
    first: usize,
    last: usize,
    words: PlacedWords<'a>,
}

/// Sorts the pieces of a row into columns; a piece that covers several, or stands alone over a rule that does,
/// spans them.
fn place<'a>(
    row: &Row,
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
            > (0.3 * body)
                .min(0.5 * (c.1 - c.0))
                .min(0.5 * bounds.width())
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

/// Widens a heading to the columns over which a rule runs right below it.
fn widen_over_rule(
    placed: &mut Placed,
    (low, high): (usize, usize),
    row: &Row,
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
        r.width() > 2.0 * body
            && r.height() < 0.5 * body
            && r.width() < 0.9 * whole
            && (-0.4 * body..0.8 * body).contains(&below)
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

/// Whether rows without rules are a table rather than columns of prose.
fn looks_like_table(
    grid: &[Vec<Placed>],
    rows: &[Row],
    columns: &[(f32, f32)],
    text_box: &Rect,
    segments: &[Segment],
) -> bool {
    let multi = grid.iter().filter(|row| row.len() >= 2).count();
    let needed = if columns.len() == 2 {
        MIN_ROWS_TWO_COLUMNS
    } else {
        MIN_ROWS
    };
    if multi < needed || multi * 10 < rows.len() * 6 {
        return false;
    }
    let filled = |c: usize| {
        grid.iter()
            .filter(|row| row.iter().any(|p| p.first <= c && c <= p.last))
            .count()
    };
    let least = if columns.len() == 2 { 5 } else { 3 };
    if (0..columns.len()).any(|c| filled(c) * 10 < rows.len() * least) {
        return false;
    }
    // A narrow first column of markers before prose is a list.
    let markers = grid
        .iter()
        .filter_map(|row| row.first())
        .filter(|p| p.first == 0);
    let marker_like = markers
        .clone()
        .filter(|p| p.words.len() == 1 && is_marker(&p.words[0].1.text))
        .count();
    if columns.len() == 2
        && marker_like * 10 > markers.count() * 7
        && columns[0].1 - columns[0].0 < 0.12 * text_box.width()
    {
        return false;
    }
    // Prose fills its columns: lines of many words that end at the same place.
    let limit = if columns.len() == 2 { 5 } else { 7 };
    let long = grid
        .iter()
        .flatten()
        .filter(|p| p.words.len() > limit)
        .count();
    let all = grid.iter().map(Vec::len).sum::<usize>();
    let mono = rows
        .iter()
        .flat_map(|r| &r.segments)
        .filter(|i| segments[**i].style.fixed_pitch)
        .count();
    let pieces = rows.iter().map(|r| r.segments.len()).sum::<usize>();
    long * 4 < all && mono * 2 < pieces
}

/// Whether a word is a list marker: a bullet, or a number or letter with a dot or bracket.
pub fn is_marker(word: &str) -> bool {
    let mut chars = word.chars();
    match (chars.next(), word.chars().count()) {
        (Some(c), 1) => "•◦▪▫■□●○‣⁃·*–—-➢➤✓✔".contains(c),
        (Some(_), n) if n <= 6 => {
            let core = word
                .trim_start_matches(['(', '['])
                .trim_end_matches([')', '.', ']', ':']);
            let closed = word.ends_with([')', '.', ']', ':']);
            let roman = core.chars().all(|c| "ivxIVX".contains(c));
            let number = core
                .split('.')
                .all(|p| !p.is_empty() && p.chars().all(|c| c.is_ascii_digit()));
            closed && !core.is_empty() && (number || roman || core.chars().count() == 1)
        }
        _ => false,
    }
}

/// Rows of the grid put together to records: a line that only continues cells of the line above joins it.
fn records(grid: &[Vec<Placed>], rows: &[Row], columns: usize) -> Vec<Vec<usize>> {
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
            && step(r) < 0.9 * usual
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::Word;

    /// Segments at `(x, y)`, ten pixels a character, words at blanks.
    fn page(texts: &[(f32, f32, &str)]) -> Vec<Segment> {
        let segment = |&(x, y, text): &(f32, f32, &str)| {
            let mut words = Vec::new();
            let mut at = 0;
            for part in text.split(' ') {
                let left = x + at as f32 * 10.0;
                let bbox = Rect::new(left, y, left + part.len() as f32 * 10.0, y + 20.0);
                words.push(Word {
                    space_before: at > 0,
                    ..Word::of(bbox, part)
                });
                at += part.len() + 1;
            }
            Segment::of(words, 20.0)
        };
        // Blanks of half an em are wide for a blank: the words of one piece are drawn nearer.
        let mut segments: Vec<Segment> = texts.iter().map(segment).collect();
        for word in segments.iter_mut().flat_map(|s| &mut s.words) {
            word.bbox.x2 += 4.0;
        }
        segments
    }

    fn tables(segments: &[Segment], rulings: &[Rect]) -> Vec<String> {
        let all: Vec<usize> = (0..segments.len()).collect();
        let mut found = find_framed(&all, segments, rulings, 20.0);
        if found.is_empty() {
            found = find(&rows(&all, segments), segments, rulings, 20.0);
        }
        found.iter().map(|t| t.table.to_html()).collect()
    }

    #[test]
    fn aligned_pieces_are_a_table() {
        let segments = page(&[
            (0.0, 0.0, "name"),
            (200.0, 0.0, "size"),
            (300.0, 0.0, "price"),
            (0.0, 30.0, "green tea"),
            (200.0, 30.0, "1"),
            (300.0, 30.0, "2.50"),
            (0.0, 60.0, "milk"),
            (200.0, 60.0, "2"),
            (300.0, 60.0, "1.10"),
        ]);
        assert_eq!(
            tables(&segments, &[]),
            [
                "<table><tr><td>name</td><td>size</td><td>price</td></tr><tr><td>green tea</td><td>1</td><td>2.50</td>\
              </tr><tr><td>milk</td><td>2</td><td>1.10</td></tr></table>"
            ]
        );
    }

    #[test]
    fn a_heading_over_a_partial_rule_spans_its_columns() {
        let segments = page(&[
            (250.0, 0.0, "both"),
            (0.0, 30.0, "name"),
            (200.0, 30.0, "min"),
            (320.0, 30.0, "max"),
            (0.0, 60.0, "a"),
            (200.0, 60.0, "1"),
            (320.0, 60.0, "2"),
        ]);
        let rule = |y: f32, x1: f32, x2: f32| Rect::new(x1, y, x2, y + 1.0);
        let rulings = [
            rule(-5.0, 0.0, 360.0),
            rule(25.0, 195.0, 355.0),
            rule(90.0, 0.0, 360.0),
        ];
        let html = tables(&segments, &rulings);
        assert_eq!(html.len(), 1);
        assert!(
            html[0].starts_with("<table><tr><td></td><td colspan=\"2\">both</td></tr>"),
            "{}",
            html[0]
        );
    }

    #[test]
    fn lists_and_prose_are_no_tables() {
        let list = page(&[
            (0.0, 0.0, "1."),
            (60.0, 0.0, "first thing"),
            (0.0, 30.0, "2."),
            (60.0, 30.0, "second"),
            (0.0, 60.0, "3."),
            (60.0, 60.0, "third thing"),
            (0.0, 90.0, "4."),
            (60.0, 90.0, "fourth thing with a much longer text to it"),
        ]);
        assert!(tables(&list, &[]).is_empty());
        assert!(
            tables(
                &page(&[(0.0, 0.0, "one line"), (0.0, 30.0, "and another")]),
                &[]
            )
            .is_empty()
        );
    }

    #[test]
    fn markers_are_told_from_words() {
        for marker in ["•", "1.", "(a)", "iv)", "2.1.", "[3]"] {
            assert!(is_marker(marker), "{marker}");
        }
        for word in ["a", "1998", "tea", "e.g.,", "12"] {
            assert!(!is_marker(word), "{word}");
        }
    }
}
