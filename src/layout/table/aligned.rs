//! Tables whose columns are separated by white space: rows of short pieces that are aligned.
//!
//! Works on the rows of one column of the page, by two clues: rows of several pieces with common gaps, and
//! pairs of horizontal rules of equal extent around them, as in books.

mod cells;
mod frames;

pub(crate) use frames::find_framed;

use super::thresholds::aligned::*;
use super::thresholds::framed;
use super::{FoundTable, PlacedWords, cell_text};
use crate::document::{Cell, Table};
use crate::geometry::{Rect, rows_by_overlap};
use crate::lines::Segment;
use cells::{Placed, fill_row, place, records};
use std::collections::BTreeMap;

/// A row of text: segments side by side.
#[derive(Debug, Clone)]
pub(crate) struct TextRow {
    /// Indices of the segments, from left to right.
    pub segments: Vec<usize>,
    /// Bounding box of all of them.
    pub bbox: Rect,
}

/// Groups segments into rows by their vertical extent, from top to bottom.
pub(crate) fn rows(indices: &[usize], segments: &[Segment]) -> Vec<TextRow> {
    let boxes: Vec<Rect> = indices.iter().map(|i| segments[*i].bbox).collect();
    let rows = rows_by_overlap(&boxes, Rect::union)
        .into_iter()
        .map(|(row, bbox)| {
            let mut row: Vec<usize> = row.into_iter().map(|i| indices[i]).collect();
            row.sort_by(|&a, &b| segments[a].bbox.x1.total_cmp(&segments[b].bbox.x1));
            TextRow {
                segments: row,
                bbox,
            }
        });
    rows.collect()
}

/// Finds the tables without rules among the rows of a column.
///
/// `rulings` are those of the whole page: partial rules still show what a heading spans.
pub(crate) fn find(
    rows: &[TextRow],
    segments: &[Segment],
    rulings: &[Rect],
    body: f32,
) -> Vec<FoundTable> {
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

/// The longest part of a run of rows that makes a table; rows are dropped at its ends.
fn build_longest(
    rows: &[TextRow],
    segments: &[Segment],
    rulings: &[Rect],
    body: f32,
) -> Option<FoundTable> {
    // A heading or the end of a paragraph may be attached to either end of the run.
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

/// End of the run of rows from `start` that may be a table without rules: rows of several pieces, with at
/// most one single-piece row between two of them.
fn plain_range(rows: &[TextRow], start: usize, body: f32) -> usize {
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

/// Columns of a range of rows as `[left, right]`, derived from their common gaps.
fn columns(rows: &[TextRow], segments: &[Segment], body: f32) -> Vec<(f32, f32)> {
    let pieces: Vec<Vec<(f32, f32)>> = rows.iter().map(|row| pieces(row, segments, body)).collect();
    let multi = pieces.iter().filter(|p| p.len() >= 2).count();
    let allowed =
        (multi as f32 * CROSSING_SHARE).max(if multi >= CROSSING_ROWS { 1.0 } else { 0.0 })
            as usize;
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

/// Extents of the pieces of a row, with spaces between words bridged.
fn pieces(row: &TextRow, segments: &[Segment], body: f32) -> Vec<(f32, f32)> {
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
    rows: &[TextRow],
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
    let prose = grid
        .iter()
        .flatten()
        .filter(|p| p.words.len() > framed::CELL_WORDS)
        .count();
    if frame.is_some() && framed::PROSE_SHARE.is_passed(prose, grid.iter().map(Vec::len).sum()) {
        return None;
    }
    if frame.is_none() && !looks_like_table(&grid, rows, &columns, &text_box, segments) {
        return None;
    }
    let records = records(&grid, rows, columns.len());
    let mut cells: Vec<Cell> = Vec::new();
    for (r, lines) in records.iter().enumerate() {
        // Pieces that start in the same column are one cell, however far each of its lines reaches.
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
                pictures: Vec::new(),
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

/// `true` if rows without rules are a table rather than columns of prose.
fn looks_like_table(
    grid: &[Vec<Placed>],
    rows: &[TextRow],
    columns: &[(f32, f32)],
    text_box: &Rect,
    segments: &[Segment],
) -> bool {
    let multi = grid.iter().filter(|row| row.len() >= 2).count();
    let (needed, fill, limit) = match columns.len() {
        2 => (MIN_ROWS_TWO_COLUMNS, FILLED_OF_TWO, CELL_WORDS_OF_TWO),
        _ => (MIN_ROWS, FILLED, CELL_WORDS),
    };
    if multi < needed || !SEVERAL_PIECES.is_reached(multi, rows.len()) {
        return false;
    }
    let filled = |c: usize| {
        grid.iter()
            .filter(|row| row.iter().any(|p| p.first <= c && c <= p.last))
            .count()
    };
    if (0..columns.len()).any(|c| !fill.is_reached(filled(c), rows.len())) {
        return false;
    }
    // A narrow first column of markers beside prose is a list.
    let markers = grid
        .iter()
        .filter_map(|row| row.first())
        .filter(|p| p.first == 0);
    let marker_like = markers
        .clone()
        .filter(|p| p.words.len() == 1 && is_marker(&p.words[0].1.text))
        .count();
    if columns.len() == 2
        && MARKER_SHARE.is_passed(marker_like, markers.count())
        && columns[0].1 - columns[0].0 < MARKER_WIDTH * text_box.width()
    {
        return false;
    }
    // Prose fills its columns: lines of many words with the same right end.
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
    !PROSE_SHARE.is_reached(long, all) && mono * 2 < pieces
}

/// `true` if a word is a list marker: a bullet, or a number or letter with a dot or bracket.
pub(crate) fn is_marker(word: &str) -> bool {
    let mut chars = word.chars();
    match (chars.next(), word.chars().count()) {
        (Some(c), 1) => "•◦▪▫■□●○‣⁃·*–—-➢➤✓✔".contains(c),
        (Some(_), n) if n <= MARKER_CHARS => {
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

#[cfg(test)]
mod tests;
