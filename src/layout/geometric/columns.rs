//! Columns and reading order: cuts a page's items into zones that are read one after the other.
//!
//! Zones come from recursive cuts. A band of rows is cut into columns if a gutter runs through all of it and
//! both sides look like columns of text; rows that no gutter runs through stay whole. A title over two
//! columns, a figure across them and a change from two columns to three need no special treatment.

use super::flow::{self, ColumnItem, Flow, Stretch};
use super::thresholds::columns::{
    DOWN_COLUMN, DOWN_ROWS, MIN_BESIDE, MIN_COLUMN, MIN_FILL, MIN_GUTTER, MIN_ROWS,
};
use super::thresholds::flow::LINE_STEP;
use crate::deadline;
use crate::geometry::Rect;
use std::cell::Cell;

/// Depth of cuts; real pages need three.
const MAX_DEPTH: usize = 10;
/// Items of runs of rows whose extent is looked at, at most, and of those that are judged: a second's work each. Pages of
/// small print need a tenth. The rows of what is left stay whole.
const MOST_LOOKED_AT: usize = 10_000_000;
const MOST_JUDGED: usize = 500_000;

/// A part of a page that is read from its top to its bottom; lists of indices of items.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Zone {
    /// All of its items.
    pub items: Vec<usize>,
    /// Its pieces in reading order, if rows are read piece by piece; none if lines run through.
    pub pieces: Vec<Vec<usize>>,
}

/// Cuts a page into zones in reading order, whose indices are those of `items`.
///
/// `body` is the body font size in pixels; with `right_to_left` columns are read from right to left. `is_table` tells
/// whether some of these items are a table, `is_listing` whether they are lines of code.
pub(super) fn zones(
    items: &[ColumnItem],
    body: f32,
    right_to_left: bool,
    is_table: &dyn Fn(&[usize]) -> bool,
    is_listing: &dyn Fn(&[usize]) -> bool,
) -> Vec<Zone> {
    let cutter = Cutter {
        items,
        body,
        right_to_left,
        is_table,
        is_listing,
        looked_at: Cell::new(0),
        judged: Cell::new(0),
    };
    let mut out = Vec::new();
    cutter.cut((0..items.len()).collect(), 0, &mut out);
    out
}

struct Cutter<'a> {
    items: &'a [ColumnItem],
    body: f32,
    right_to_left: bool,
    is_table: &'a dyn Fn(&[usize]) -> bool,
    is_listing: &'a dyn Fn(&[usize]) -> bool,
    /// Items of all runs of rows whose extent was looked at.
    looked_at: Cell<usize>,
    /// Items of those that were judged.
    judged: Cell<usize>,
}

/// Rows that are read in parts side by side.
struct Band {
    /// Number of the row after the last one.
    end: usize,
    parts: Parts,
    /// Only the order of the text layer tells it: a table may be read so, too.
    is_doubtful: bool,
}

/// How the parts are read.
enum Parts {
    /// Each from its top to its bottom.
    Columns(Vec<Vec<usize>>),
    /// Row by row, and rows from piece to piece.
    Grid(Vec<Stretch>),
}

impl Cutter<'_> {
    fn cut(&self, members: Vec<usize>, depth: usize, out: &mut Vec<Zone>) {
        let rows = flow::rows(self.items, &members);
        let mut whole = Zone::default();
        let mut start = 0;
        while start < rows.len() {
            deadline::check();
            let band = if depth < MAX_DEPTH {
                self.longest_band(&rows, start)
            } else {
                None
            };
            let Some(band) = band else {
                whole.items.extend(&rows[start]);
                start += 1;
                continue;
            };
            let all = &rows[start..band.end];
            start = band.end;
            let items = all.concat();
            // Lines of code run across their gaps.
            if (self.is_listing)(&items) || band.is_doubtful && (self.is_table)(&items) {
                whole.items.extend(all.iter().flatten());
                continue;
            }
            let mut parts = band.parts;
            if let Parts::Columns(columns) = &mut parts {
                self.take_head(&mut whole.items, &mut columns[0]);
            }
            if !whole.items.is_empty() {
                out.push(std::mem::take(&mut whole));
            }
            let stretches = match parts {
                Parts::Columns(columns) => vec![Stretch::Pieces(columns)],
                Parts::Grid(stretches) => stretches,
            };
            for stretch in stretches {
                match stretch {
                    Stretch::Lines { items, pieces } => out.push(Zone { items, pieces }),
                    Stretch::Pieces(pieces) => {
                        for piece in pieces {
                            self.cut(piece, depth + 1, out);
                        }
                    }
                }
            }
        }
        if !whole.items.is_empty() {
            out.push(whole);
        }
    }

    /// Moves what is right above the first column and no wider from the end of `before` into it: the column begins above
    /// the others.
    fn take_head(&self, before: &mut Vec<usize>, column: &mut Vec<usize>) {
        let extent = flow::bounds(self.items, column);
        let slack = MIN_GUTTER * self.body / 2.0;
        let fits = |row: &Vec<usize>| {
            let bbox = flow::bounds(self.items, row);
            bbox.x1 > extent.x1 - slack && bbox.x2 < extent.x2 + slack
        };
        let rows = flow::rows(self.items, before);
        let mut start = rows.len() - rows.iter().rev().take_while(|row| fits(row)).count();
        // Not the last lines of a paragraph that runs over all columns.
        let is_next = |at: usize| {
            let [above, below] = [at - 1, at].map(|at| flow::bounds(self.items, &rows[at]));
            below.y1 - above.y2 < LINE_STEP * self.body
        };
        while 0 < start && start < rows.len() && is_next(start) {
            start += 1;
        }
        let (rest, head) = rows.split_at(start);
        let head = head.concat();
        *before = rest.concat();
        column.splice(0..0, head);
    }

    /// The longest run of rows from `start` that is read in parts side by side.
    fn longest_band(&self, rows: &[Vec<usize>], start: usize) -> Option<Band> {
        let mut members: Vec<usize> = Vec::new();
        // Where a run may end: the number of its members, and its gutters.
        let mut ends: Vec<(usize, usize, Vec<f32>)> = Vec::new();
        for (end, row) in rows.iter().enumerate().skip(start) {
            members.extend(row);
            if !can_go_on(&self.looked_at, members.len(), MOST_LOOKED_AT) {
                break;
            }
            let coverage = self.coverage(&members);
            if coverage.len() > 1 {
                ends.push((end + 1, members.len(), gutters(&coverage)));
            } else if members.len() > row.len() {
                // A single row may lie entirely on one side of a gutter; but if a longer band has no gutter,
                // more rows cannot add one.
                break;
            }
        }
        ends.into_iter().rev().find_map(|(end, count, gutters)| {
            if !can_go_on(&self.judged, count, MOST_JUDGED) {
                return None;
            }
            let (parts, is_doubtful) = self.band(&members[..count], &gutters)?;
            Some(Band {
                end,
                parts,
                is_doubtful,
            })
        })
    }

    /// How members with gutters between them are read, and whether a table may be; `None` if their lines run across the
    /// gutters.
    fn band(&self, members: &[usize], gutters: &[f32]) -> Option<(Parts, bool)> {
        let parts = self.parts(members, gutters);
        let columns = self.columns(&parts, false);
        let is_sure = columns.len() > 1;
        let mut parts = self.wide(parts);
        if parts.len() < 2 {
            return None;
        }
        if let Some(text) = flow::text_with_notes(self.items, &parts, self.body) {
            parts.swap(0, text);
            return Some((Parts::Columns(parts), false));
        }
        let flow = match flow::flow(self.items, &parts, self.body) {
            Flow::Unknown if is_sure => flow::flow(self.items, &columns, self.body),
            flow => flow,
        };
        match flow {
            Flow::Across(rows) => Some((Parts::Grid(rows), !is_sure)),
            _ if is_sure => Some((Parts::Columns(columns), false)),
            Flow::Down if !flow::is_form(self.items, &parts) => {
                let columns = self.columns(&parts, true);
                let is_index = columns.iter().all(|c| flow::is_index(self.items, c));
                (columns.len() > 1).then_some((Parts::Columns(columns), !is_index))
            }
            _ => None,
        }
    }

    /// Horizontal extents of the members, merged if less than a gutter apart.
    fn coverage(&self, members: &[usize]) -> Vec<(f32, f32)> {
        let mut extents: Vec<(f32, f32)> = members
            .iter()
            .map(|&i| (self.items[i].bbox.x1, self.items[i].bbox.x2))
            .collect();
        extents.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut merged: Vec<(f32, f32)> = Vec::new();
        for (a, b) in extents {
            match merged.last_mut() {
                Some(last) if a - last.1 < MIN_GUTTER * self.body => last.1 = last.1.max(b),
                _ => merged.push((a, b)),
            }
        }
        merged
    }

    /// The members between gutters, in reading order.
    fn parts(&self, members: &[usize], gutters: &[f32]) -> Vec<Vec<usize>> {
        let mut parts: Vec<Vec<usize>> = vec![Vec::new(); gutters.len() + 1];
        for &i in members {
            let x = self.items[i].bbox.center_x();
            parts[gutters.iter().filter(|g| x > **g).count()].push(i);
        }
        if self.right_to_left {
            parts.reverse();
        }
        parts
    }

    /// The parts with those that are too narrow for a column in the one next to them: marks of items, numbers of pages.
    fn wide(&self, mut parts: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
        while parts.len() > 1 {
            let boxes: Vec<Rect> = parts.iter().map(|p| flow::bounds(self.items, p)).collect();
            let least = DOWN_COLUMN * self.body;
            let Some(narrow) = boxes.iter().position(|b| b.width() < least) else {
                break;
            };
            let gap = |at: usize| {
                let (a, b) = (&boxes[at], &boxes[at + 1]);
                (b.x1 - a.x2).max(a.x1 - b.x2)
            };
            let is_last = narrow + 1 == parts.len();
            let into = match narrow {
                0 => 0,
                _ if is_last || gap(narrow - 1) <= gap(narrow) => narrow - 1,
                _ => narrow,
            };
            let other = parts.remove(into + 1);
            parts[into].extend(other);
        }
        parts
    }

    /// The columns that parts make; a part that is no column joins its neighbour. None if there are not two.
    ///
    /// `is_down`: the text layer goes through them one after the other.
    fn columns(&self, parts: &[Vec<usize>], is_down: bool) -> Vec<Vec<usize>> {
        let is_column = |part: &[usize]| self.is_column(part, is_down);
        let mut kept: Vec<Vec<usize>> = Vec::new();
        for part in parts {
            match kept.last_mut() {
                Some(last) if !is_column(part) || !is_column(last) => last.extend(part),
                _ => kept.push(part.clone()),
            }
        }
        let stand_beside = |pair: &[Vec<usize>]| self.stand_beside(&pair[0], &pair[1]);
        if kept.len() < 2 || !kept.windows(2).all(stand_beside) {
            return Vec::new();
        }
        kept
    }

    fn is_column(&self, members: &[usize], is_down: bool) -> bool {
        let width = flow::bounds(self.items, members).width();
        let least = if is_down { DOWN_COLUMN } else { MIN_COLUMN };
        if width < least * self.body {
            return false;
        }
        if members.iter().any(|&i| !self.items[i].is_text) {
            return true;
        }
        let (fill, rows) = flow::fill(self.items, members);
        match is_down {
            true => rows >= DOWN_ROWS,
            false => rows >= MIN_ROWS && fill >= MIN_FILL,
        }
    }

    fn stand_beside(&self, a: &[usize], b: &[usize]) -> bool {
        let (a, b) = (flow::bounds(self.items, a), flow::bounds(self.items, b));
        a.overlap_y(&b) >= MIN_BESIDE * a.height().min(b.height())
    }
}

/// Counts items; `false` once they are too many.
fn can_go_on(counted: &Cell<usize>, more: usize, most: usize) -> bool {
    deadline::check();
    counted.set(counted.get() + more);
    counted.get() < most
}

/// The middles of what is not covered.
fn gutters(coverage: &[(f32, f32)]) -> Vec<f32> {
    let pairs = coverage.windows(2);
    pairs.map(|pair| (pair[0].1 + pair[1].0) / 2.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(x1: f32, y: f32, x2: f32) -> ColumnItem {
        ColumnItem {
            bbox: Rect::new(x1, y, x2, y + 20.0),
            is_text: true,
            ..ColumnItem::default()
        }
    }

    /// The items of zones.
    fn lists(items: &[ColumnItem], right_to_left: bool) -> Vec<Vec<usize>> {
        let zones = zones(items, 20.0, right_to_left, &|_| false, &|_| false);
        assert!(zones.iter().all(|zone| zone.pieces.is_empty()));
        zones.into_iter().map(|zone| zone.items).collect()
    }

    /// Lines of two columns at 0..400 and 440..840.
    fn two_columns(items: &mut Vec<ColumnItem>, from: f32, count: usize) {
        for i in 0..count {
            let y = from + i as f32 * 24.0;
            items.push(text(0.0, y, 400.0));
            items.push(text(440.0, y + 3.0, 840.0));
        }
    }

    #[test]
    fn columns_are_read_one_after_the_other() {
        let mut items = vec![text(200.0, 0.0, 640.0)];
        two_columns(&mut items, 60.0, 5);
        items.push(text(0.0, 300.0, 840.0));
        let zones = lists(&items, false);
        assert_eq!(
            zones,
            [vec![0], vec![1, 3, 5, 7, 9], vec![2, 4, 6, 8, 10], vec![11]]
        );
    }

    #[test]
    fn right_to_left_pages_start_at_the_right() {
        let mut items = Vec::new();
        two_columns(&mut items, 0.0, 4);
        assert_eq!(lists(&items, true), [vec![1, 3, 5, 7], vec![0, 2, 4, 6]]);
    }

    #[test]
    fn short_pieces_side_by_side_are_no_columns() {
        let items: Vec<ColumnItem> = (0..6)
            .flat_map(|i| {
                [
                    text(0.0, i as f32 * 30.0, 60.0),
                    text(300.0, i as f32 * 30.0, 800.0),
                ]
            })
            .collect();
        assert_eq!(lists(&items, false).len(), 1);
    }

    #[test]
    fn a_picture_in_one_column_does_not_join_them() {
        let mut items = Vec::new();
        two_columns(&mut items, 0.0, 3);
        items.push(ColumnItem {
            bbox: Rect::new(0.0, 80.0, 400.0, 300.0),
            ..ColumnItem::default()
        });
        items.extend((0..8).map(|i| text(440.0, 83.0 + i as f32 * 24.0, 840.0)));
        let zones = lists(&items, false);
        assert_eq!(zones.len(), 2);
        assert_eq!(zones[0], [0, 2, 4, 6]);
    }

    #[test]
    fn nothing_has_no_zones() {
        assert!(lists(&[], false).is_empty());
    }
}
