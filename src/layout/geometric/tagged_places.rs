//! Where the rows and columns of a tagged table are: between their texts, at the lines that are drawn there.

use crate::document::Table;
use crate::geometry::Rect;
use crate::layout::table::{Evidence, Rule};

/// The sides of the rows and of the columns of a table: one more than there are rows, or columns. Those of columns fall if the
/// table runs from right to left.
#[derive(Debug)]
pub(super) struct Sides {
    rows: Vec<f32>,
    columns: Vec<f32>,
}

impl Sides {
    /// `boxes` are those of the texts of the cells, `None` without text; `bounds` is around all of them.
    pub(super) fn new(
        table: &Table,
        boxes: &[Option<Rect>],
        bounds: &Rect,
        evidence: &Evidence,
    ) -> Self {
        let mut rows: Vec<Option<(f32, f32)>> = vec![None; table.rows];
        let mut columns: Vec<Option<(f32, f32)>> = vec![None; table.columns];
        let add = |extent: &mut Option<(f32, f32)>, from: f32, to: f32| {
            let (low, high) = extent.unwrap_or((from, to));
            *extent = Some((low.min(from), high.max(to)));
        };
        for (cell, own) in table.cells.iter().zip(boxes) {
            let Some(own) = own else { continue };
            if cell.row_span == 1 {
                add(&mut rows[cell.row], own.y1, own.y2);
            }
            if cell.column_span == 1 {
                add(&mut columns[cell.column], own.x1, own.x2);
            }
        }
        let reach = evidence.body;
        Self {
            rows: sides(&rows, (bounds.y1, bounds.y2), reach, |from, to| {
                drawn(&evidence.horizontal, (from, to), (bounds.x1, bounds.x2))
            }),
            columns: sides(&columns, (bounds.x1, bounds.x2), reach, |from, to| {
                drawn(&evidence.vertical, (from, to), (bounds.y1, bounds.y2))
            }),
        }
    }

    /// The rectangle of places.
    pub(super) fn rect(&self, row: usize, column: usize, [rows, columns]: [usize; 2]) -> Rect {
        let (left, right) = (self.columns[column], self.columns[column + columns]);
        Rect {
            x1: left.min(right),
            y1: self.rows[row],
            x2: left.max(right),
            y2: self.rows[row + rows],
        }
    }
}

/// The position of the longest line between two values that is drawn along a table.
fn drawn(rules: &[Rule], (from, to): (f32, f32), (low, high): (f32, f32)) -> Option<f32> {
    let within = |rule: &Rule| rule.to.min(high) - rule.from.max(low);
    let own = rules.iter().filter(|rule| from <= rule.at && rule.at <= to);
    let own = own.filter(|rule| within(rule) > 0.0);
    let longest = own.max_by(|a, b| within(a).total_cmp(&within(b)));
    longest.map(|rule| rule.at)
}

/// The sides of rows or columns with the extents of their texts, within `bounds`: each at the line between two of them, or in
/// the middle. Outer lines may be `reach` pixels beyond the texts.
fn sides(
    extents: &[Option<(f32, f32)>],
    bounds: (f32, f32),
    reach: f32,
    drawn: impl Fn(f32, f32) -> Option<f32>,
) -> Vec<f32> {
    let known: Vec<(usize, (f32, f32))> = extents
        .iter()
        .enumerate()
        .filter_map(|(at, extent)| Some((at, (*extent)?)))
        .collect();
    let middles = |pair: (f32, f32)| pair.0 + pair.1;
    let falls = match (known.first(), known.last()) {
        (Some(first), Some(last)) => middles(first.1) > middles(last.1),
        _ => false,
    };
    // Read from the other end, falling sides rise.
    let turn = |value: f32| if falls { -value } else { value };
    let turned = |(from, to): (f32, f32)| match falls {
        true => (-to, -from),
        false => (from, to),
    };
    let line = |from: f32, to: f32| match falls {
        true => drawn(-to, -from).map(|at| -at),
        false => drawn(from, to),
    };
    let (low, high) = turned(bounds);
    let mut sides = vec![line(low - reach, low).unwrap_or(low)];
    for at in 1..extents.len() {
        let before = known.iter().rev().find(|(own, _)| *own < at);
        let after = known.iter().find(|(own, _)| *own >= at);
        let left = before.map_or(low, |(_, extent)| turned(*extent).1);
        let right = after.map_or(high, |(_, extent)| turned(*extent).0);
        // What has no text shares the space between its neighbours.
        let (first, last) = (
            before.map_or(0, |(own, _)| *own),
            after.map_or(extents.len(), |(own, _)| *own),
        );
        let share = (at - first) as f32 / (last - first).max(1) as f32;
        let side = match last - first {
            1 => line(left, right).unwrap_or((left + right) / 2.0),
            _ => left + (right - left) * share,
        };
        // Texts that hang over do not turn sides around.
        sides.push(side.max(sides[at - 1]));
    }
    let end = line(high, high + reach).unwrap_or(high);
    sides.push(end.max(sides[extents.len() - 1]));
    sides.into_iter().map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_lines_or_middles_and_empty_ones_share_the_space() {
        let extents = [
            Some((10.0, 20.0)),
            Some((40.0, 50.0)),
            None,
            Some((80.0, 90.0)),
        ];
        let none = |_: f32, _: f32| None;
        let found = sides(&extents, (10.0, 90.0), 5.0, none);
        assert_eq!(found, [10.0, 30.0, 65.0, 80.0, 90.0]);
        let lines = [7.0, 37.0, 94.0];
        let drawn = |from: f32, to: f32| lines.into_iter().find(|at| from <= *at && *at <= to);
        let found = sides(&extents, (10.0, 90.0), 5.0, drawn);
        assert_eq!((found[0], found[1], found[4]), (7.0, 37.0, 94.0));
        // From right to left.
        let falling = [Some((80.0, 90.0)), Some((10.0, 20.0))];
        assert_eq!(sides(&falling, (10.0, 90.0), 5.0, drawn), [94.0, 37.0, 7.0]);
    }
}
