//! Bands: what lies between two rules that divide an area, and the rows in it.

use super::super::evidence::Evidence;
use super::super::thresholds::drawn::THIN_ROW;
use super::super::thresholds::rows::RULED_BANDS;
use super::doubt;
use super::places::Places;
use super::rows::{self, Band, Placed, PlacedLine};
use crate::deadline;
use crate::geometry::Rect;
use std::collections::{BTreeMap, BTreeSet};

/// What lies between two positions that rules divide.
pub(super) struct RuledBand<'a> {
    pub from: f32,
    pub to: f32,
    pub lines: Vec<PlacedLine<'a>>,
    /// First row, and number of rows.
    pub rows: (usize, usize),
    /// For each line its row.
    pub row_of: Vec<usize>,
    /// For each row how surely its lines, and no others, are its text, 0 to 1.
    pub confidence: Vec<f32>,
    /// Columns whose cells cover all rows of the band.
    pub whole: BTreeSet<usize>,
}

impl<'a> RuledBand<'a> {
    /// Its lines with their rows.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &PlacedLine<'a>)> {
        self.row_of.iter().copied().zip(&self.lines)
    }
}

/// The pieces of each row.
pub(super) fn pieces_of_rows<'b, 'a>(
    bands: &'b [RuledBand<'a>],
) -> BTreeMap<usize, Vec<&'b Placed<'a>>> {
    let mut rows: BTreeMap<usize, Vec<&Placed>> = BTreeMap::new();
    for (row, line) in bands.iter().flat_map(RuledBand::numbered) {
        rows.entry(row).or_default().extend(&line.pieces);
    }
    rows
}

/// The bands between rules, and the places `(band, column)` that go on in the next band because no rule divides them
/// there.
pub(super) fn bands<'a>(
    evidence: &Evidence,
    columns: &[(f32, f32)],
    ys: &[f32],
    placed: Vec<PlacedLine<'a>>,
) -> (Vec<RuledBand<'a>>, BTreeSet<(usize, usize)>) {
    let mut bands: Vec<RuledBand> = ys
        .windows(2)
        .map(|pair| RuledBand {
            from: pair[0],
            to: pair[1],
            lines: Vec::new(),
            rows: (0, 1),
            row_of: Vec::new(),
            confidence: Vec::new(),
            whole: BTreeSet::new(),
        })
        .collect();
    let inner = &ys[1..ys.len() - 1];
    for line in placed {
        // The pieces of a line that stands across a rule belong to either side of it.
        let mut parts: BTreeMap<usize, Vec<Placed>> = BTreeMap::new();
        for piece in line.pieces {
            let y = piece.piece.bbox.center_y();
            let band = inner.partition_point(|at| *at <= y);
            parts.entry(band).or_default().push(piece);
        }
        for (band, pieces) in parts {
            let bbox = Rect::union_all(pieces.iter().map(|p| &p.piece.bbox));
            bands[band].lines.push(PlacedLine {
                bbox: bbox.unwrap_or(line.bbox),
                size: line.size,
                pieces,
            });
        }
    }
    // The space between two lines, or between two shaded rows, is no row.
    let thin = THIN_ROW * evidence.body;
    bands.retain(|band| !band.lines.is_empty() || band.to - band.from >= thin);
    let mut merged = BTreeSet::new();
    for at in 0..bands.len().saturating_sub(1) {
        // Groups: labels in the first columns stand once beside rows that rules divide.
        let ends = [bands[at].to, bands[at + 1].from];
        let is_drawn = |(a, b): &(f32, f32)| ends.iter().any(|y| evidence.has_level(*y, *a, *b));
        let drawn = columns.iter().filter(|column| is_drawn(column));
        let mut is_group = drawn.count() * 2 >= columns.len();
        for (column, (from, to)) in columns.iter().enumerate() {
            if is_drawn(&(*from, *to)) {
                is_group = false;
                continue;
            }
            let is_closed = |band: &RuledBand| {
                [*from, *to]
                    .iter()
                    .all(|x| evidence.has_upright_line(*x, band.from, band.to))
            };
            let (above, below) = (&bands[at], &bands[at + 1]);
            let is_one = is_closed(above)
                && is_closed(below)
                && !are_rows(above, below, column, (*from, *to));
            // A label beside several rows of one band is not that of the next band.
            let count = |band: &RuledBand| {
                let lines = band.lines.iter();
                lines.filter(|line| line.is_filled(column)).count()
            };
            is_group &= count(above) + count(below) <= 1;
            if is_one || is_group {
                merged.insert((at, column));
            }
        }
    }
    (bands, merged)
}

/// `true` if a column has text beside that of other columns in each of two bands, and the lower one does not go on with
/// the upper one.
fn are_rows(above: &RuledBand, below: &RuledBand, column: usize, side: (f32, f32)) -> bool {
    let beside = |band: &RuledBand| {
        let has_both = |line: &PlacedLine| {
            line.is_filled(column) && line.pieces.iter().any(|p| !p.covers(column))
        };
        band.lines.iter().position(has_both)
    };
    match (beside(above), beside(below)) {
        (Some(a), Some(b)) => !rows::goes_on(&above.lines[a], &below.lines[b], column, side),
        _ => false,
    }
}

/// Divides the bands into rows and numbers them.
pub(super) fn number_rows(
    evidence: &Evidence,
    columns: &[(f32, f32)],
    bands: &mut [RuledBand],
    merged: &BTreeSet<(usize, usize)>,
) {
    let text_bands = bands.iter().filter(|band| !band.lines.is_empty()).count();
    let labels = bands
        .iter()
        .map(|band| rows::labels(&band.lines, columns[0]));
    let labels: Vec<usize> = labels.collect();
    // Rules between most labels divide rows; a few divide groups of rows.
    let is_ruled =
        text_bands >= RULED_BANDS.0 && labels.iter().sum::<usize>() <= RULED_BANDS.1 * text_bands;
    let first_data = bands
        .iter()
        .flat_map(|band| &band.lines)
        .position(PlacedLine::is_data);
    let (mut next, mut seen) = (0, 0);
    for (at, band) in bands.iter_mut().enumerate() {
        let is_merged = |column: usize| {
            merged.contains(&(at, column)) || at > 0 && merged.contains(&(at - 1, column))
        };
        // What covers several bands says nothing about the rows of one.
        let (mut kept, mut lines) = (Vec::new(), Vec::new());
        for (index, line) in band.lines.iter().enumerate() {
            let pieces: Vec<Placed> = line
                .pieces
                .iter()
                .filter(|p| !(p.first..=p.last).any(is_merged))
                .cloned()
                .collect();
            if !pieces.is_empty() {
                kept.push(index);
                lines.push(PlacedLine { pieces, ..*line });
            }
        }
        let floating = rows::floating(&lines);
        band.whole.extend(floating.values().flatten());
        for at in floating.keys().rev() {
            kept.remove(*at);
            lines.remove(*at);
        }
        // Lines above and below all columns but those whose cells go on in the next band.
        let is_closed = columns.iter().enumerate().all(|(column, (from, to))| {
            let is_drawn = |y: f32| evidence.has_level(y, *from, *to);
            is_merged(column) || is_drawn(band.from) && is_drawn(band.to)
        });
        // Lines above the first numbers, if there are any.
        let before = first_data.map_or(0, |first| first.saturating_sub(seen));
        seen += band.lines.len();
        let is_head = before >= band.lines.len();
        // A band of several labels is a group of rows.
        let is_ruled = is_ruled && labels[at] <= RULED_BANDS.1;
        let is_boxed = is_ruled && is_closed && are_boxed(evidence, columns, band);
        let values = rows::continued(
            &lines,
            Band {
                is_boxed,
                is_even: rows::is_even(&lines, columns.len()),
                columns,
                is_ruled: is_closed && (is_ruled || is_head),
                head: before,
            },
        );
        let is_paragraph = is_closed && is_paragraph(evidence, columns, band, &lines);
        let values = match is_paragraph {
            true => vec![1.0; values.len()],
            false => values,
        };
        let numbers = rows::numbers(&values, next);
        let count = match lines.is_empty() {
            true => 1,
            false => numbers[numbers.len() - 1] - next + 1,
        };
        band.row_of = vec![next; band.lines.len()];
        for (number, i) in numbers.iter().zip(&kept) {
            band.row_of[*i] = *number;
        }
        band.rows = (next, count);
        band.confidence = vec![1.0; count];
        for (at, value) in values.iter().enumerate() {
            for row in [numbers[at], numbers[at + 1]] {
                let own = &mut band.confidence[row - next];
                *own = own.min(doubt::confidence(*value));
            }
        }
        next += count;
    }
}

/// `true` if the lines of a band are text across several columns in a box that no line divides.
fn is_paragraph(
    evidence: &Evidence,
    columns: &[(f32, f32)],
    band: &RuledBand,
    lines: &[PlacedLine],
) -> bool {
    let is_drawn = |x: f32| evidence.has_upright(x, band.from, band.to);
    let ends = [columns[0].0, columns[columns.len() - 1].1];
    let is_own = |line: &PlacedLine| line.pieces.len() == 1 && line.pieces[0].first == 0;
    let is_wide = |line: &PlacedLine| line.pieces[0].last > 0;
    // Labels to be filled in are rows.
    let is_label = |line: &&PlacedLine| {
        let word = line.pieces[0].piece.words.last();
        word.is_some_and(|(_, word)| word.text.ends_with([':', '：', '_']))
    };
    lines.iter().all(is_own)
        && lines.iter().any(is_wide)
        && lines.iter().filter(is_label).count() < 2
        && ends.into_iter().all(is_drawn)
        && !columns[1..].iter().any(|(x, _)| is_drawn(*x))
}

/// `true` if lines are drawn between all pieces in a band, and at one place at least. Outer sides may be open.
fn are_boxed(evidence: &Evidence, columns: &[(f32, f32)], band: &RuledBand) -> bool {
    let is_drawn = |x: f32| evidence.has_upright(x, band.from, band.to);
    columns[1..].iter().any(|(x, _)| is_drawn(*x))
        && band.lines.iter().all(|line| {
            line.pieces.windows(2).all(|pair| {
                let mut between = pair[0].last..pair[1].first;
                between.any(|column| is_drawn(columns[column].1))
            })
        })
}

/// Joins places beside each other that no line divides although lines divide them in other bands.
pub(super) fn join_undrawn(
    evidence: &Evidence,
    sides: &[f32],
    bands: &[RuledBand],
    places: &mut Places,
) {
    // For each band the sides that are drawn.
    let drawn: Vec<Vec<bool>> = bands
        .iter()
        .map(|band| {
            deadline::check();
            let is_drawn = |x: &f32| evidence.has_upright(*x, band.from, band.to);
            sides.iter().map(is_drawn).collect()
        })
        .collect();
    let anywhere: Vec<bool> = (0..sides.len())
        .map(|at| drawn.iter().any(|of_band| of_band[at]))
        .collect();
    for (band, drawn) in bands.iter().zip(&drawn) {
        // Runs of columns between lines that are drawn here.
        let drawn: Vec<usize> = (0..sides.len()).filter(|at| drawn[*at]).collect();
        for pair in drawn.windows(2) {
            let run = pair[0]..pair[1];
            let has_more = band.lines.iter().any(|line| {
                let inside = line.pieces.iter().filter(|p| run.contains(&p.first));
                inside.count() > 1
            });
            if has_more || !(run.start + 1..run.end).all(|at| anywhere[at]) {
                continue;
            }
            for row in band.rows.0..band.rows.0 + band.rows.1 {
                for column in run.start..run.end - 1 {
                    places.join((row, column), (row, column + 1));
                }
            }
        }
    }
}
