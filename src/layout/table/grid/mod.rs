//! The grid of an area that may be a table: columns ([`columns`]), rows ([`bands`], [`rows`]), the cells that cover
//! several of them ([`places`], [`heads`]), and what is in each ([`cells`]).
//!
//! All kinds of evidence count for all tables: a table may have its rows ruled and its columns not.

mod bands;
mod cells;
mod columns;
mod doubt;
mod facts;
mod heads;
mod places;
mod rows;
mod signs;

use super::cell_text;
use super::evidence::Evidence;
use super::pieces::{TextLine, lines};
use super::rules::{between, positions};
use super::thresholds::drawn::{FULL_RULE, SNAP};
use super::thresholds::places::{HANGING, PROTRUDING};
use crate::document::Table;
use crate::geometry::Rect;
use bands::RuledBand;
use doubt::Side;
pub(super) use facts::Facts;
use places::Places;
use rows::{Placed, PlacedLine};

/// A grid with more places is no table that people made.
const MAX_PLACES: usize = 100_000;

/// The grid of an area and what it is worth.
#[derive(Debug)]
pub(super) struct Grid {
    /// The cells.
    pub table: Table,
    /// Facts about it, by which it is judged.
    pub facts: Facts,
    /// Sides of the columns.
    pub sides: Vec<f32>,
    /// What its separators and the gaps that they leave cost ([`columns`]).
    pub cost: f32,
    /// Its rows with text, from top to bottom.
    pub rows: Vec<RowText>,
}

/// The text of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RowText {
    /// Upper end.
    pub top: f32,
    /// Lower end.
    pub bottom: f32,
    /// Height of an em of its text in pixels.
    pub size: f32,
    /// Its text.
    pub text: String,
    /// Number of its pieces.
    pub pieces: usize,
    /// `true` if its text is that of a single cell, of one line or several.
    pub is_alone: bool,
}

impl RowText {
    /// Its text if it is a single piece.
    pub(super) fn alone(&self) -> Option<&str> {
        self.is_alone.then_some(self.text.as_str())
    }
}

/// The grid of the text of `indices` within an area; `None` if it has no two columns.
pub(super) fn fit(evidence: &Evidence, area: &Rect, indices: &[usize]) -> Option<Grid> {
    // Lines are not read across rules.
    let full: Vec<f32> = rules_in(evidence, area)
        .into_iter()
        .filter(|y| evidence.level_share(*y, area.x1, area.x2) >= FULL_RULE)
        .collect();
    let band_of = |y: f32, ys: &[f32]| ys.partition_point(|at| *at <= y);
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); full.len() + 1];
    for &i in indices {
        groups[band_of(evidence.segments[i].bbox.center_y(), &full)].push(i);
    }
    let all: Vec<TextLine> = groups
        .iter()
        .flat_map(|group| lines(evidence, group))
        .collect();
    let (separators, cost) = columns::separators(evidence, &all, area);
    let end = |at: f32| Side {
        at,
        confidence: 1.0,
    };
    let sides: Vec<Side> = std::iter::once(end(area.x1))
        .chain(separators)
        .chain([end(area.x2)])
        .collect();
    let columns: Vec<(f32, f32)> = sides
        .windows(2)
        .map(|pair| (pair[0].at, pair[1].at))
        .collect();
    let ys = row_rules(evidence, area, &columns);
    if columns.len() < 2 || columns.len() * ys.len().max(all.len()) > MAX_PLACES {
        return None;
    }
    let placed: Vec<PlacedLine> = all
        .into_iter()
        .map(|line| place(evidence, line, &columns))
        .collect();
    if placed.is_empty() {
        return None;
    }
    Some(cells(evidence, sides, cost, &columns, &ys, placed))
}

/// Positions of the horizontal rules within an area.
fn rules_in(evidence: &Evidence, area: &Rect) -> Vec<f32> {
    let inside = between(&evidence.horizontal, area.y1 + SNAP, area.y2 - SNAP)
        .iter()
        .filter(|rule| rule.to.min(area.x2) - rule.from.max(area.x1) > SNAP);
    positions(inside.map(|rule| rule.at))
}

/// Sides of the bands that rules divide: rules at least as wide as a column.
fn row_rules(evidence: &Evidence, area: &Rect, columns: &[(f32, f32)]) -> Vec<f32> {
    let is_border = |y: &f32| {
        columns
            .iter()
            .any(|(from, to)| evidence.has_level(*y, *from, *to))
    };
    let mut ys = vec![area.y1];
    ys.extend(rules_in(evidence, area).into_iter().filter(is_border));
    ys.push(area.y2);
    ys
}

/// Assigns the pieces of a line to columns.
fn place<'a>(evidence: &Evidence, line: TextLine<'a>, columns: &[(f32, f32)]) -> PlacedLine<'a> {
    let mut placed: Vec<Placed> = Vec::new();
    for piece in line.pieces {
        let (first, last) = columns_of(evidence, &piece.bbox, columns);
        match placed.last_mut() {
            // Pieces of one cell.
            Some(p) if p.last >= first && p.piece.is_turned == piece.is_turned => {
                p.last = p.last.max(last);
                p.piece.bbox = p.piece.bbox.union(&piece.bbox);
                p.piece.words.extend(piece.words);
            }
            _ => placed.push(Placed { first, last, piece }),
        }
    }
    PlacedLine {
        bbox: line.bbox,
        size: line.size,
        pieces: placed,
    }
}

/// The columns that a piece covers. Over a line that is drawn beside it a word may hang out of its cell.
fn columns_of(evidence: &Evidence, bounds: &Rect, columns: &[(f32, f32)]) -> (usize, usize) {
    let at = |x: f32| {
        let right = columns.partition_point(|(_, to)| *to <= x);
        right.min(columns.len() - 1)
    };
    let slack = (PROTRUDING * bounds.height()).min(bounds.width() / 2.0 - 0.01);
    let (mut first, mut last) = (at(bounds.x1 + slack), at(bounds.x2 - slack));
    let is_drawn = |x: f32| evidence.has_upright(x, bounds.y1, bounds.y2);
    let hangs = |inside: f32| inside < HANGING * bounds.width();
    if first < last && hangs(columns[first].1 - bounds.x1) && is_drawn(columns[first].1) {
        first += 1;
    }
    if first < last && hangs(bounds.x2 - columns[last].0) && is_drawn(columns[last].0) {
        last -= 1;
    }
    (first, last.max(first))
}

fn cells(
    evidence: &Evidence,
    sides: Vec<Side>,
    cost: f32,
    columns: &[(f32, f32)],
    ys: &[f32],
    placed: Vec<PlacedLine>,
) -> Grid {
    let (mut bands, merged) = bands::bands(evidence, columns, ys, placed);
    bands::number_rows(evidence, columns, &mut bands, &merged);
    let rows = bands.last().map_or(0, |band| band.rows.0 + band.rows.1);
    let mut places = Places::new(rows, columns.len());
    for (at, band) in bands.iter().enumerate() {
        let (first, count) = band.rows;
        for column in 0..columns.len() {
            let is_whole = band.whole.contains(&column) || merged.contains(&(at, column));
            let is_below = at > 0 && merged.contains(&(at - 1, column));
            if is_whole || is_below {
                for row in first..(first + count).saturating_sub(1) {
                    places.join((row, column), (row + 1, column));
                }
            }
            if merged.contains(&(at, column)) {
                places.join((first + count - 1, column), (first + count, column));
            }
        }
        for (row, line) in band.numbered() {
            for p in &line.pieces {
                for column in p.first..p.last {
                    places.join((row, column), (row, column + 1));
                }
            }
        }
    }
    let at: Vec<f32> = sides.iter().map(|side| side.at).collect();
    bands::join_undrawn(evidence, &at, &bands, &mut places);
    heads::widen(evidence, columns, &bands, &mut places);
    let table = cells::fill(evidence, &sides, &bands, &places);
    let facts = facts::facts(columns, &bands, &table);
    let table = cells::compact(evidence, table, &bands, &at);
    Grid {
        table,
        facts,
        sides: at,
        cost,
        rows: row_texts(&bands),
    }
}

fn row_texts(bands: &[RuledBand]) -> Vec<RowText> {
    let of_row = |pieces: Vec<&Placed>| {
        let bbox = Rect::union_all(pieces.iter().map(|p| &p.piece.bbox)).unwrap_or_default();
        // Lines of one text below each other.
        let first = pieces.iter().map(|p| p.first).min().unwrap_or(0);
        let is_alone = pieces.iter().enumerate().all(|(i, p)| {
            let beside =
                |q: &&Placed| q.piece.bbox.overlap_y(&p.piece.bbox) > 0.5 * p.piece.bbox.height();
            p.first == first && !pieces[..i].iter().any(beside)
        });
        let words = pieces.iter().flat_map(|p| &p.piece.words);
        let size = words.map(|(segment, _)| segment.style.font_size);
        RowText {
            top: bbox.y1,
            bottom: bbox.y2,
            size: size.fold(0.0, f32::max),
            text: cell_text(pieces.iter().flat_map(|p| p.piece.words.clone()).collect()),
            pieces: pieces.len(),
            is_alone,
        }
    };
    let rows = bands::pieces_of_rows(bands);
    rows.into_values().map(of_row).collect()
}
