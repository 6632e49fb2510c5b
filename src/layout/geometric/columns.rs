//! Columns and reading order: cuts a page's items into zones that are read one after the other.
//!
//! Zones come from recursive cuts. A band of rows is cut into columns if a gutter runs through all of it and
//! both sides look like columns of text; rows that no gutter runs through stay whole. A title over two
//! columns, a figure across them and a change from two columns to three need no special treatment.

use super::thresholds::columns::{
    LINE_TRIM, MIN_BESIDE, MIN_COLUMN, MIN_FILL, MIN_GUTTER, MIN_ROWS,
};
use crate::deadline;
use crate::geometry::Rect;

/// Depth of cuts; real pages need three.
const MAX_DEPTH: usize = 10;

/// An item with a place in the reading order.
#[derive(Debug, Clone, Copy)]
pub(super) struct ColumnItem {
    /// Bounding box.
    pub bbox: Rect,
    /// `true` for text segments, `false` for tables and figures.
    pub is_text: bool,
}

/// Cuts a page into zones in reading order; each is a list of indices into `items`.
///
/// `body` is the body font size in pixels; with `right_to_left` columns are read from right to left.
pub(super) fn zones(items: &[ColumnItem], body: f32, right_to_left: bool) -> Vec<Vec<usize>> {
    let cutter = Cutter {
        items,
        body,
        right_to_left,
    };
    let mut out = Vec::new();
    cutter.cut((0..items.len()).collect(), 0, &mut out);
    out
}

struct Cutter<'a> {
    items: &'a [ColumnItem],
    body: f32,
    right_to_left: bool,
}

impl Cutter<'_> {
    fn cut(&self, members: Vec<usize>, depth: usize, out: &mut Vec<Vec<usize>>) {
        let rows = self.rows(members);
        let mut whole: Vec<usize> = Vec::new();
        let mut start = 0;
        while start < rows.len() {
            deadline::check();
            let band = if depth < MAX_DEPTH {
                self.longest_band(&rows, start)
            } else {
                None
            };
            match band {
                None => {
                    whole.extend(&rows[start]);
                    start += 1;
                }
                Some((end, columns)) => {
                    if !whole.is_empty() {
                        out.push(std::mem::take(&mut whole));
                    }
                    for column in columns {
                        self.cut(column, depth + 1, out);
                    }
                    start = end;
                }
            }
        }
        if !whole.is_empty() {
            out.push(whole);
        }
    }

    /// Groups of items that overlap vertically, from top to bottom.
    fn rows(&self, mut members: Vec<usize>) -> Vec<Vec<usize>> {
        // Line boxes extend from ascent to descent and touch the next line's: only the middle part counts.
        let core = |i: usize| {
            let b = self.items[i].bbox;
            let trim = if self.items[i].is_text {
                LINE_TRIM * b.height()
            } else {
                0.0
            };
            (b.y1 + trim, b.y2 - trim)
        };
        members.sort_by(|&a, &b| core(a).0.total_cmp(&core(b).0).then(a.cmp(&b)));
        let mut rows: Vec<Vec<usize>> = Vec::new();
        let mut bottom = f32::NEG_INFINITY;
        for i in members {
            let (top, low) = core(i);
            match rows.last_mut() {
                Some(row) if top < bottom => row.push(i),
                _ => rows.push(vec![i]),
            }
            bottom = bottom.max(low);
        }
        rows
    }

    /// The longest run of rows from `start` that forms columns: its end, and the columns in reading order.
    fn longest_band(&self, rows: &[Vec<usize>], start: usize) -> Option<(usize, Vec<Vec<usize>>)> {
        let mut members: Vec<usize> = Vec::new();
        let mut best = None;
        for (end, row) in rows.iter().enumerate().skip(start) {
            deadline::check();
            members.extend(row);
            let gutters = self.gutters(&members);
            if gutters.is_empty() {
                // A single row may lie entirely on one side of a gutter; but if a longer band has no gutter,
                // more rows cannot add one.
                if self.coverage(&members).len() <= 1 && members.len() > row.len() {
                    break;
                }
                continue;
            }
            let columns = self.columns(&members, &gutters);
            if columns.len() >= 2 {
                best = Some((end + 1, columns));
            }
        }
        best
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

    fn gutters(&self, members: &[usize]) -> Vec<f32> {
        self.coverage(members)
            .windows(2)
            .map(|pair| (pair[0].1 + pair[1].0) / 2.0)
            .collect()
    }

    /// The members sorted into columns; a gutter is ignored if one of its sides is not a column.
    fn columns(&self, members: &[usize], gutters: &[f32]) -> Vec<Vec<usize>> {
        let mut columns: Vec<Vec<usize>> = vec![Vec::new(); gutters.len() + 1];
        for &i in members {
            let x = self.items[i].bbox.center_x();
            columns[gutters.iter().filter(|g| x > **g).count()].push(i);
        }
        // A part that is not a column joins its neighbour.
        let mut kept: Vec<Vec<usize>> = Vec::new();
        for column in columns {
            match kept.last_mut() {
                Some(last) if !self.is_column(&column) || !self.is_column(last) => {
                    last.extend(column)
                }
                _ => kept.push(column),
            }
        }
        if kept.len() < 2
            || !kept
                .windows(2)
                .all(|pair| self.stand_beside(&pair[0], &pair[1]))
        {
            return Vec::new();
        }
        if self.right_to_left {
            kept.reverse();
        }
        kept
    }

    fn bounds(&self, members: &[usize]) -> Rect {
        Rect::union_all(members.iter().map(|i| &self.items[*i].bbox)).unwrap_or_default()
    }

    fn is_column(&self, members: &[usize]) -> bool {
        let bounds = self.bounds(members);
        if bounds.width() < MIN_COLUMN * self.body {
            return false;
        }
        if members.iter().any(|&i| !self.items[i].is_text) {
            return true;
        }
        let rows = self.rows(members.to_vec());
        let mut fills: Vec<f32> = rows
            .iter()
            .map(|row| self.bounds(row).width() / bounds.width())
            .collect();
        fills.sort_by(f32::total_cmp);
        rows.len() >= MIN_ROWS && fills[fills.len() / 2] >= MIN_FILL
    }

    fn stand_beside(&self, a: &[usize], b: &[usize]) -> bool {
        let (a, b) = (self.bounds(a), self.bounds(b));
        a.overlap_y(&b) >= MIN_BESIDE * a.height().min(b.height())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(x1: f32, y: f32, x2: f32) -> ColumnItem {
        ColumnItem {
            bbox: Rect::new(x1, y, x2, y + 20.0),
            is_text: true,
        }
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
        let zones = zones(&items, 20.0, false);
        assert_eq!(
            zones,
            [vec![0], vec![1, 3, 5, 7, 9], vec![2, 4, 6, 8, 10], vec![11]]
        );
    }

    #[test]
    fn right_to_left_pages_start_at_the_right() {
        let mut items = Vec::new();
        two_columns(&mut items, 0.0, 4);
        assert_eq!(
            zones(&items, 20.0, true),
            [vec![1, 3, 5, 7], vec![0, 2, 4, 6]]
        );
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
        assert_eq!(zones(&items, 20.0, false).len(), 1);
    }

    #[test]
    fn a_picture_in_one_column_does_not_join_them() {
        let mut items = Vec::new();
        two_columns(&mut items, 0.0, 3);
        items.push(ColumnItem {
            bbox: Rect::new(0.0, 80.0, 400.0, 300.0),
            is_text: false,
        });
        items.extend((0..8).map(|i| text(440.0, 83.0 + i as f32 * 24.0, 840.0)));
        let zones = zones(&items, 20.0, false);
        assert_eq!(zones.len(), 2);
        assert_eq!(zones[0], [0, 2, 4, 6]);
    }

    #[test]
    fn nothing_has_no_zones() {
        assert!(zones(&[], 20.0, false).is_empty());
    }
}
