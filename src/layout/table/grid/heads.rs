//! Headings over several columns.

use super::super::evidence::Evidence;
use super::super::rules::between;
use super::super::thresholds::drawn::SNAP;
use super::super::thresholds::places::*;
use super::bands::{RuledBand, pieces_of_rows};
use super::places::Places;
use super::rows::{self, Placed, PlacedLine};
use crate::document::is_year;
use std::collections::BTreeMap;

/// Number of rows of the head: those above the first row of a label with numbers, or a first row in bold.
pub(super) fn head_rows(bands: &[RuledBand]) -> usize {
    let rows = pieces_of_rows(bands);
    let numeric = numeric_columns(bands);
    let is_data = |line: &PlacedLine| {
        let values = line.pieces.iter().filter(|p| !is_name(p));
        let values = values.filter(|p| numeric.contains(&p.first)).count();
        let has_values = values > 0 && NUMERIC_ROW.is_reached(values, numeric.len());
        line.is_data() && !line.pieces.iter().all(is_name) || has_values && line.is_filled(0)
    };
    let mut lines = bands.iter().flat_map(RuledBand::numbered);
    let data = lines.find(|(_, line)| is_data(line));
    let is_bold = |row: usize| {
        let pieces = rows.get(&row);
        pieces.is_some_and(|pieces| pieces.iter().all(|p| p.piece.is_bold()))
    };
    let Some((mut head, _)) = data else {
        let is_head = is_bold(0) && rows.len() > 1 && !is_bold(1);
        return usize::from(is_head);
    };
    // The label of a group of rows right above its first row.
    let is_label = |row: usize| match rows.get(&row).map(Vec::as_slice) {
        Some([p]) => p.first == 0,
        _ => false,
    };
    while head > 1 && is_label(head - 1) {
        head -= 1;
    }
    match head <= MOST_HEAD_ROWS {
        true => head,
        false => 0,
    }
}

/// Columns beyond the first one most of whose texts are numbers.
fn numeric_columns(bands: &[RuledBand]) -> Vec<usize> {
    let mut counts: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    let lines = bands.iter().flat_map(|band| &band.lines);
    let singles = lines.flat_map(|line| line.pieces.iter().filter(|p| p.first == p.last));
    for p in singles.filter(|p| p.first > 0) {
        let (numbers, all) = counts.entry(p.first).or_default();
        *numbers += usize::from(p.piece.is_number());
        *all += 1;
    }
    let is_numeric = |(numbers, all): &(usize, usize)| {
        *numbers >= 2 && NUMERIC_COLUMN.is_reached(*numbers, *all)
    };
    counts.retain(|_, count| is_numeric(count));
    counts.into_keys().collect()
}

/// `true` for text, and for a year, which may head a column.
fn is_name(p: &Placed) -> bool {
    let words = &p.piece.words;
    !p.piece.is_number() || words.len() == 1 && is_year(&words[0].1.text)
}

/// Widens headings to all columns that they stand over: those of the rule below them, or those at whose middle they are
/// set.
pub(super) fn widen(
    evidence: &Evidence,
    columns: &[(f32, f32)],
    bands: &[RuledBand],
    places: &mut Places,
) {
    let mut lines: Vec<(usize, &PlacedLine, &RuledBand)> = Vec::new();
    for band in bands {
        lines.extend(band.numbered().map(|(row, line)| (row, line, band)));
    }
    let data = lines
        .iter()
        .position(|(_, line, _)| line.is_data())
        .unwrap_or(lines.len().min(HEAD_LINES));
    for pair in lines[..data.min(lines.len())].windows(2) {
        let [(row, above, band), (next, below, other)] = pair else {
            continue;
        };
        let is_next = *next == row + 1 && std::ptr::eq(*band, *other);
        for column in (0..columns.len()).filter(|_| is_next) {
            if rows::goes_on(above, below, column, columns[column]) {
                places.join((*row, column), (*next, column));
            }
        }
    }
    for (at, (row, line, band)) in lines.iter().enumerate() {
        let is_last_row = *row + 1 == band.rows.0 + band.rows.1;
        let next = lines[at + 1..].iter().find(|(other, ..)| other > row);
        for (i, p) in line.pieces.iter().enumerate() {
            // Only a rule says that a heading spans the first column.
            let free = match i {
                0 => 0,
                _ => line.pieces[i - 1].last + 1,
            };
            let low = free.max(1);
            let high = line
                .pieces
                .get(i + 1)
                .map_or(columns.len(), |right| right.first);
            if free > p.first || p.last >= high {
                continue;
            }
            let is_alone = || lines.iter().filter(|(other, ..)| other == row).count() == 1;
            let is_head = at < data || line.pieces.len() == 1 && is_alone();
            let ruled = || {
                let rule = (is_last_row && is_head).then(|| rule_below(evidence, band, p, columns));
                rule.flatten()
                    .filter(|(first, last)| free <= *first && *last < high)
            };
            let set = || {
                let (_, next, _) = next.filter(|_| is_head && low <= p.first)?;
                widest(p, low, high - 1, next)
            };
            let is_divided = |(first, last): &(usize, usize)| {
                (*first..*last).any(|column| {
                    let x = columns[column].1;
                    evidence.has_upright(x, band.from, band.to)
                })
            };
            let wide = ruled().or_else(set).filter(|span| !is_divided(span));
            if let Some((first, last)) = wide {
                for column in first..last {
                    places.join((*row, column), (*row, column + 1));
                }
            }
        }
    }
}

/// The columns of the rule right below a heading, if it is not one below all columns.
fn rule_below(
    evidence: &Evidence,
    band: &RuledBand,
    p: &Placed,
    columns: &[(f32, f32)],
) -> Option<(usize, usize)> {
    let middle = p.piece.bbox.center_x();
    let rule = between(&evidence.horizontal, band.to - SNAP, band.to + SNAP)
        .iter()
        .find(|rule| rule.from < middle && middle < rule.to)?;
    let is_over = |(from, to): &(f32, f32)| {
        let covered = rule.to.min(*to) - rule.from.max(*from);
        covered > RULE_OVER * (to - from)
    };
    let first = columns.iter().position(is_over)?;
    let last = columns.iter().rposition(is_over)?;
    let is_wider = first <= p.first && p.last <= last && last > first;
    let is_all = columns.len() == last - first + 1;
    (is_wider && !is_all).then_some((first, last))
}

/// The columns from `low` to `high` at whose middle a heading stands.
fn widest(p: &Placed, low: usize, high: usize, next: &PlacedLine) -> Option<(usize, usize)> {
    let extent = |column: usize| {
        let own = next
            .pieces
            .iter()
            .find(|q| q.first == column && q.last == column);
        own.map(|q| (q.piece.bbox.x1, q.piece.bbox.x2))
    };
    let middle = p.piece.bbox.center_x();
    let mut best = ((p.first, p.last), f32::INFINITY);
    for first in low..=p.first {
        for last in p.last..=high {
            let inside: Option<Vec<(f32, f32)>> = (first..=last).map(extent).collect();
            let Some(inside) = inside else { continue };
            let (left, right) = (inside[0].0, inside[inside.len() - 1].1);
            let off = ((left + right) / 2.0 - middle).abs();
            if off < best.1 {
                best = ((first, last), off);
            }
        }
    }
    (best.1 < CENTRED * p.piece.bbox.height()).then_some(best.0)
}
