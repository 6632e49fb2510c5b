//! What was seen, proposed and chosen while the tables of a page were looked for, for people who ask why one is wrong.
//!
//! [`Evidence`](super::evidence::Evidence) carries a [`Trace`] that all steps can reach. While it is
//! off it costs nothing: what is to be noted is made by closures that are not called. Nothing is ever decided by it.

use super::reason::Reason;
use crate::document::{Cell, Table};
use crate::geometry::Rect;
use std::cell::RefCell;
use std::fmt;

/// What proposed an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Lines that meet.
    Meeting,
    /// Horizontal lines of equal extent.
    Between,
    /// Tags of the PDF.
    Tags,
    /// Columns of numbers, without lines.
    Numbers,
    /// Rows of several pieces in a column of the page, without lines.
    Open,
    /// Rotated text.
    Turned,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Meeting => "lines meet",
            Origin::Between => "between lines",
            Origin::Tags => "tags",
            Origin::Numbers => "numbers",
            Origin::Open => "open",
            Origin::Turned => "turned text",
        })
    }
}

/// A grid as it lies on the page.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outline {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// Separators of columns, without the sides of the table: boxes without width, on a turned page without height.
    pub between_columns: Vec<Rect>,
    /// Separators of rows.
    pub between_rows: Vec<Rect>,
    /// The cells, `true` for those of the head; cells that cover several places are one.
    pub cells: Vec<(Rect, bool)>,
}

impl Outline {
    /// The grid of a table whose cells have places.
    pub(crate) fn of(table: &Table) -> Self {
        let placed = table.cells.iter().filter_map(|cell| {
            let [x1, y1, x2, y2] = cell.place.as_ref()?.bbox.map(|at| at as f32);
            Some((cell, Rect::new(x1, y1, x2, y2)))
        });
        let placed: Vec<(&Cell, Rect)> = placed.collect();
        let all = Rect::union_all(placed.iter().map(|(_, bbox)| bbox)).unwrap_or_default();
        // Of a table from right to left, the first column is at the right.
        let first = placed.iter().find(|(cell, _)| cell.column == 0);
        let side = |bbox: &Rect| match first {
            Some((_, first)) if first.x1 > bbox.x1 => bbox.x2,
            _ => bbox.x1,
        };
        let column = |at: usize| {
            let (_, bbox) = placed.iter().find(|(cell, _)| cell.column == at)?;
            Some(Rect::new(side(bbox), all.y1, side(bbox), all.y2))
        };
        let row = |at: usize| {
            let (_, bbox) = placed.iter().find(|(cell, _)| cell.row == at)?;
            Some(Rect::new(all.x1, bbox.y1, all.x2, bbox.y1))
        };
        Self {
            rows: table.rows,
            columns: table.columns,
            between_columns: (1..table.columns).filter_map(column).collect(),
            between_rows: (1..table.rows).filter_map(row).collect(),
            cells: placed
                .iter()
                .map(|(cell, bbox)| (*bbox, cell.header))
                .collect(),
        }
    }
}

/// An area that was considered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Considered {
    /// What proposed it.
    pub origin: Origin,
    /// `true` if the page was turned by a quarter for it.
    pub is_turned: bool,
    /// Its box.
    pub area: Rect,
    /// What it is worth; `None` if it has no grid.
    pub value: Option<f32>,
    /// Its grid.
    pub grid: Outline,
    /// Why it is no table; `None` if it was chosen.
    pub refused: Option<Reason>,
}

impl Considered {
    /// An area without a grid.
    pub(crate) fn bare(origin: Origin, area: Rect, refused: Option<Reason>) -> Self {
        Self {
            origin,
            is_turned: false,
            area,
            value: None,
            grid: Outline::default(),
            refused,
        }
    }
}

/// A line of text that was seen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SeenLine {
    /// Its pieces.
    pub pieces: Vec<Rect>,
    /// The gaps that may divide columns, with their weights, 0 to 1.
    pub gaps: Vec<(Rect, f32)>,
}

/// All that is noted of a page. Boxes are page pixels.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TableTrace {
    /// Lines, `true` for those that are drawn, `false` for borders of shaded areas: boxes without width or height.
    pub rules: Vec<(Rect, bool)>,
    /// Text.
    pub lines: Vec<SeenLine>,
    /// Areas that were considered, in that order.
    pub considered: Vec<Considered>,
}

impl TableTrace {
    /// The trace of a page of which this is that of the turned page; `back` gives the place of a box before it was turned.
    pub(super) fn turned_back(mut self, back: impl Fn(&Rect) -> Rect) -> Self {
        let turn = |bbox: &mut Rect| *bbox = back(bbox);
        self.rules.iter_mut().for_each(|(bbox, _)| turn(bbox));
        for line in &mut self.lines {
            line.pieces.iter_mut().for_each(turn);
            line.gaps.iter_mut().for_each(|(bbox, _)| turn(bbox));
        }
        for considered in &mut self.considered {
            considered.is_turned = true;
            turn(&mut considered.area);
            let grid = &mut considered.grid;
            grid.between_columns.iter_mut().for_each(turn);
            grid.between_rows.iter_mut().for_each(turn);
            grid.cells.iter_mut().for_each(|(bbox, _)| turn(bbox));
        }
        self
    }

    /// Adds what was noted elsewhere.
    pub(super) fn add(&mut self, other: TableTrace) {
        self.rules.extend(other.rules);
        self.lines.extend(other.lines);
        self.considered.extend(other.considered);
    }

    /// Gives up a chosen area.
    pub(super) fn refuse(&mut self, area: &Rect, reason: Reason) {
        let chosen = self.considered.iter_mut().filter(|c| c.refused.is_none());
        for considered in chosen.filter(|c| c.area == *area) {
            considered.refused = Some(reason);
        }
    }

    /// Gives up chosen areas that are not among `tables` in the end: others had their text, or the page was cut otherwise.
    pub(crate) fn settle(&mut self, tables: &[Rect]) {
        let chosen = self.considered.iter_mut().filter(|c| c.refused.is_none());
        for considered in chosen.filter(|c| !tables.contains(&c.area)) {
            let common = |other: &Rect| other.intersection(&considered.area).area();
            considered.refused = Some(match tables.iter().any(|other| common(other) > 0.0) {
                true => Reason::Taken,
                false => Reason::CutOtherwise,
            });
        }
    }
}

/// Collects a [`TableTrace`], if it is on.
///
/// It is noted through shared references: the cuts of a page ask for tables from within closures.
#[derive(Debug, Default)]
pub(crate) struct Trace(Option<RefCell<TableTrace>>);

impl Trace {
    /// A trace that collects.
    pub(crate) fn on() -> Self {
        Self(Some(RefCell::default()))
    }

    /// An empty trace that is on if this one is.
    pub(super) fn same(&self) -> Self {
        Self(self.0.as_ref().map(|_| RefCell::default()))
    }

    /// Notes something, if the trace is on.
    pub(crate) fn note(&self, add: impl FnOnce(&mut TableTrace)) {
        if let Some(trace) = &self.0 {
            add(&mut trace.borrow_mut());
        }
    }

    /// Notes an area, unless the same was noted before: parts of a page are looked at several times while it is cut.
    pub(crate) fn consider(&self, considered: impl FnOnce() -> Considered) {
        self.note(|trace| {
            let new = considered();
            if !trace.considered.contains(&new) {
                trace.considered.push(new);
            }
        });
    }

    /// What was collected; empty if it was off.
    pub(crate) fn into_inner(self) -> TableTrace {
        self.0.map(RefCell::into_inner).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(y: f32) -> Rect {
        Rect::new(10.0, y, 90.0, y + 20.0)
    }

    #[test]
    fn what_is_noted_twice_stands_once_and_a_trace_that_is_off_asks_for_nothing() {
        let on = Trace::on();
        for _ in 0..2 {
            on.consider(|| Considered::bare(Origin::Open, area(0.0), Some(Reason::Prose)));
        }
        assert_eq!(on.into_inner().considered.len(), 1);
        let off = Trace::default();
        off.consider(|| unreachable!("nothing is noted"));
        assert_eq!(off.same().into_inner(), TableTrace::default());
    }

    #[test]
    fn chosen_areas_that_are_no_tables_in_the_end_say_why() {
        let chosen = |y: f32| Considered::bare(Origin::Open, area(y), None);
        let mut trace = TableTrace {
            considered: vec![chosen(0.0), chosen(10.0), chosen(500.0)],
            ..TableTrace::default()
        };
        trace.settle(&[area(0.0)]);
        let refused: Vec<Option<Reason>> = trace.considered.iter().map(|c| c.refused).collect();
        assert_eq!(
            refused,
            [None, Some(Reason::Taken), Some(Reason::CutOtherwise)]
        );
    }
}
