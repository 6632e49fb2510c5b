//! Tables whose cells are drawn: horizontal and vertical lines that meet.
//!
//! Lines that touch form a group; the group's distinct positions are the grid; two neighbouring grid places
//! are one cell if no line separates them.

use super::thresholds::ruled::*;
use super::{FoundTable, cell_text};
use crate::deadline;
use crate::document::{Cell, Table};
use crate::geometry::{Rect, rows_by_overlap};
use crate::lines::{Direction, Segment, Word};

/// A grid with more places is not a man-made table.
const MAX_PLACES: usize = 40_000;

/// A horizontal or vertical line: position across it, and extent along it.
#[derive(Debug, Clone, Copy)]
struct RuledLine {
    at: f32,
    from: f32,
    to: f32,
}

/// Finds the drawn tables of a page.
pub(crate) fn find(rulings: &[Rect], segments: &[Segment], body: f32) -> Vec<FoundTable> {
    let horizontal =
        merged(
            rulings
                .iter()
                .filter(|r| r.width() >= r.height())
                .map(|r| RuledLine {
                    at: r.center_y(),
                    from: r.x1,
                    to: r.x2,
                }),
        );
    let vertical = merged(
        rulings
            .iter()
            .filter(|r| r.width() < r.height())
            .map(|r| RuledLine {
                at: r.center_x(),
                from: r.y1,
                to: r.y2,
            }),
    );
    groups(&horizontal, &vertical)
        .into_iter()
        .filter_map(|(h, v)| table(&h, &v, segments, body))
        .collect()
}

/// Merges collinear pieces of lines.
fn merged(lines: impl Iterator<Item = RuledLine>) -> Vec<RuledLine> {
    let mut lines: Vec<RuledLine> = lines.collect();
    lines.sort_by(|a, b| a.at.total_cmp(&b.at).then(a.from.total_cmp(&b.from)));
    let mut out: Vec<RuledLine> = Vec::new();
    for line in lines {
        let same = out
            .iter_mut()
            .rev()
            .take_while(|o| line.at - o.at < SNAP)
            .find(|o| line.from <= o.to + TOUCH && o.from <= line.to + TOUCH);
        match same {
            Some(o) => (o.from, o.to) = (o.from.min(line.from), o.to.max(line.to)),
            None => out.push(line),
        }
    }
    out
}

/// Groups of lines that meet, as `(horizontal, vertical)`.
fn groups(
    horizontal: &[RuledLine],
    vertical: &[RuledLine],
) -> Vec<(Vec<RuledLine>, Vec<RuledLine>)> {
    let meets = |h: &RuledLine, v: &RuledLine| {
        h.from - TOUCH <= v.at
            && v.at <= h.to + TOUCH
            && v.from - TOUCH <= h.at
            && h.at <= v.to + TOUCH
    };
    let mut group_of_h: Vec<Option<usize>> = vec![None; horizontal.len()];
    let mut group_of_v: Vec<Option<usize>> = vec![None; vertical.len()];
    let mut count = 0;
    for start in 0..horizontal.len() {
        if group_of_h[start].is_some() {
            continue;
        }
        group_of_h[start] = Some(count);
        let mut stack = vec![start];
        while let Some(h) = stack.pop() {
            deadline::check();
            for v in 0..vertical.len() {
                if group_of_v[v].is_none() && meets(&horizontal[h], &vertical[v]) {
                    group_of_v[v] = Some(count);
                    for other in 0..horizontal.len() {
                        if group_of_h[other].is_none() && meets(&horizontal[other], &vertical[v]) {
                            group_of_h[other] = Some(count);
                            stack.push(other);
                        }
                    }
                }
            }
        }
        count += 1;
    }
    let pick = |lines: &[RuledLine], groups: &[Option<usize>], group: usize| {
        lines
            .iter()
            .zip(groups)
            .filter(|(_, g)| **g == Some(group))
            .map(|(l, _)| *l)
            .collect::<Vec<_>>()
    };
    (0..count)
        .map(|g| {
            (
                pick(horizontal, &group_of_h, g),
                pick(vertical, &group_of_v, g),
            )
        })
        .collect()
}

/// Distinct positions; those closer than the snap distance are averaged.
fn positions(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    let mut clusters: Vec<(f32, f32)> = Vec::new();
    for value in values {
        match clusters.last_mut() {
            Some((sum, n)) if value - *sum / *n < SNAP => (*sum, *n) = (*sum + value, *n + 1.0),
            _ => clusters.push((value, 1.0)),
        }
    }
    clusters.into_iter().map(|(sum, n)| sum / n).collect()
}

fn table(
    horizontal: &[RuledLine],
    vertical: &[RuledLine],
    segments: &[Segment],
    body: f32,
) -> Option<FoundTable> {
    if horizontal.len() < 2 || vertical.is_empty() {
        return None;
    }
    // Outer borders are often missing: the ends of the perpendicular lines stand for them.
    let mut xs = positions(vertical.iter().map(|v| v.at));
    let mut ys = positions(horizontal.iter().map(|h| h.at));
    let (mut open_x, mut open_y) = (Vec::new(), Vec::new());
    let extend = |at: &mut Vec<f32>, open: &mut Vec<f32>, low: f32, high: f32, slack: f32| {
        if at.first().is_some_and(|x| low < x - slack) {
            at.insert(0, low);
            open.push(low);
        }
        if at.last().is_some_and(|x| high > x + slack) {
            at.push(high);
            open.push(high);
        }
    };
    let low = |lines: &[RuledLine]| lines.iter().map(|l| l.from).fold(f32::INFINITY, f32::min);
    let high = |lines: &[RuledLine]| lines.iter().map(|l| l.to).fold(f32::NEG_INFINITY, f32::max);
    extend(
        &mut xs,
        &mut open_x,
        low(horizontal),
        high(horizontal),
        body * OPEN_SIDE,
    );
    extend(
        &mut ys,
        &mut open_y,
        low(vertical),
        high(vertical),
        body * OPEN_SIDE,
    );
    let (rows, columns) = (ys.len().saturating_sub(1), xs.len().saturating_sub(1));
    if rows * columns < 2 || rows * columns > MAX_PLACES || columns == 0 {
        return None;
    }
    let bbox = Rect {
        x1: xs[0],
        y1: ys[0],
        x2: xs[columns],
        y2: ys[rows],
    };
    let inside: Vec<usize> = (0..segments.len())
        .filter(|&i| {
            segments[i].direction != Direction::Turned
                || segments[i].bbox.share_inside(&bbox) > TURNED_INSIDE
        })
        .filter(|&i| {
            let words = &segments[i].words;
            let within = words
                .iter()
                .filter(|w| bbox.contains(w.bbox.center_x(), w.bbox.center_y()))
                .count();
            within * 2 > words.len()
        })
        .collect();
    let drawn = |lines: &[RuledLine], at: f32, from: f32, to: f32| {
        let near = lines.iter().filter(|l| (l.at - at).abs() < SNAP);
        let covered: f32 = near
            .map(|l| (l.to.min(to) - l.from.max(from)).max(0.0))
            .sum();
        covered >= BORDER_SHARE * (to - from)
    };
    let mut place = Places::new(rows, columns);
    for r in 0..rows {
        for c in 0..columns {
            if c + 1 < columns && !drawn(vertical, xs[c + 1], ys[r], ys[r + 1]) {
                place.join(r * columns + c, r * columns + c + 1);
            }
            if r + 1 < rows && !drawn(horizontal, ys[r + 1], xs[c], xs[c + 1]) {
                place.join(r * columns + c, (r + 1) * columns + c);
            }
        }
    }
    let rectangles = place.rectangles();
    if rectangles.len() < 2 {
        return None;
    }
    let own_words = |area: &Rect| {
        let words = inside
            .iter()
            .flat_map(|&i| segments[i].words.iter().map(move |w| (&segments[i], w)));
        let own = words.filter(|(_, w)| {
            // A word that extends out of the table belongs to the nearest cell.
            let x = w.bbox.center_x().clamp(bbox.x1, bbox.x2 - 0.01);
            let y = w.bbox.center_y().clamp(bbox.y1, bbox.y2 - 0.01);
            x >= area.x1 && x < area.x2 && y >= area.y1 && y < area.y2
        });
        own.collect::<Vec<_>>()
    };
    let (ys, rectangles) = split_stacked(&xs, &ys, rectangles, &own_words);
    let rows = ys.len() - 1;
    let mut cells = Vec::new();
    let mut filled = 0;
    for (r1, c1, r2, c2) in rectangles {
        let area = Rect {
            x1: xs[c1],
            y1: ys[r1],
            x2: xs[c2 + 1],
            y2: ys[r2 + 1],
        };
        let text = cell_text(own_words(&area));
        filled += usize::from(!text.is_empty());
        cells.push(Cell {
            row: r1,
            column: c1,
            row_span: r2 + 1 - r1,
            column_span: c2 + 1 - c1,
            text,
            header: false,
            pictures: Vec::new(),
        });
    }
    // A few large boxes full of prose are page design.
    let prose = cells
        .iter()
        .filter(|c| c.text.chars().count() > PROSE_CHARS)
        .count();
    if bbox.height() > DESIGN_HEIGHT * body
        && cells.len() <= DESIGN_CELLS
        && DESIGN_PROSE.is_reached(prose, cells.len())
    {
        return None;
    }
    let column_count = cells
        .iter()
        .map(|c| c.column)
        .collect::<std::collections::BTreeSet<_>>()
        .len();
    if filled < MIN_FILLED_CELLS
        || (filled as f32) < MIN_FILLED * cells.len() as f32
        || column_count < 2
    {
        return None;
    }
    Some(FoundTable {
        bbox,
        table: compact(
            Table {
                rows,
                columns,
                cells,
            },
            &ys,
            body,
        ),
        segments: inside,
    })
}

/// First row, first column, last row, last column of a cell.
type Span = (usize, usize, usize, usize);

/// Splits rows in which most cells hold the same number of aligned lines that are not one wrapped text:
/// several records between two ruling lines. Cells with a different number of lines then span the new rows.
fn split_stacked<'a>(
    xs: &[f32],
    ys: &[f32],
    spans: Vec<Span>,
    words: &dyn Fn(&Rect) -> Vec<(&'a Segment, &'a Word)>,
) -> (Vec<f32>, Vec<Span>) {
    let (mut new_ys, mut cuts) = (vec![ys[0]], Vec::new());
    for row in 0..ys.len() - 1 {
        let single: Vec<Vec<Rect>> = spans
            .iter()
            .filter(|s| s.0 == row && s.2 == row)
            .map(|s| {
                let area = Rect {
                    x1: xs[s.1],
                    y1: ys[row],
                    x2: xs[s.3 + 1],
                    y2: ys[row + 1],
                };
                text_lines(&words(&area), &area)
            })
            .collect();
        let inner = record_borders(&single);
        cuts.push(inner.len());
        new_ys.extend(inner);
        new_ys.push(ys[row + 1]);
    }
    let offset = |row: usize| row + cuts[..row].iter().sum::<usize>();
    let mut out = Vec::new();
    for (r1, c1, r2, c2) in spans {
        let (first, last) = (offset(r1), offset(r2) + cuts[r2]);
        let area = Rect {
            x1: xs[c1],
            y1: new_ys[first],
            x2: xs[c2 + 1],
            y2: new_ys[last + 1],
        };
        if r1 == r2 && cuts[r1] > 0 && text_lines(&words(&area), &area).len() == cuts[r1] + 1 {
            out.extend((first..=last).map(|r| (r, c1, r, c2)));
        } else {
            out.push((first, c1, last, c2));
        }
    }
    out.sort();
    (new_ys, out)
}

/// Boxes of the text lines in a cell; if they are one wrapped text, their common box.
fn text_lines(words: &[(&Segment, &Word)], area: &Rect) -> Vec<Rect> {
    let boxes: Vec<Rect> = words.iter().map(|(_, w)| w.bbox).collect();
    let mut lines: Vec<Rect> = rows_by_overlap(&boxes, Rect::union)
        .into_iter()
        .map(|(_, line)| line)
        .collect();
    // If a line has no room for the next one's first word, it was wrapped: all lines are one text. Lines of
    // one word each prove nothing: a narrow column of numbers has no room for two.
    let wrapped = lines.windows(2).any(|pair| {
        pair[0].width() + pair[1].width().min(NEXT_WORD) > WRAPPED_WIDTH * area.width()
    });
    if wrapped && words.len() > lines.len() {
        lines = Rect::union_all(&lines).into_iter().collect();
    }
    lines
}

/// Positions at which to split a row, between the lines of its cells if most cells agree.
fn record_borders(cells: &[Vec<Rect>]) -> Vec<f32> {
    let filled = cells.iter().filter(|lines| !lines.is_empty()).count();
    let Some(count) = cells
        .iter()
        .map(Vec::len)
        .max()
        .filter(|n| *n >= RECORD_LINES)
    else {
        return Vec::new();
    };
    let agreeing: Vec<&Vec<Rect>> = cells.iter().filter(|lines| lines.len() == count).collect();
    if agreeing.len() < RECORD_CELLS || !RECORD_SHARE.is_reached(agreeing.len(), filled) {
        return Vec::new();
    }
    let aligned = (0..count).all(|i| {
        let first = agreeing[0][i];
        agreeing.iter().all(|lines| {
            (lines[i].center_y() - first.center_y()).abs() < RECORD_SLACK * first.height()
        })
    });
    if !aligned {
        return Vec::new();
    }
    (1..count)
        .map(|i| {
            let above =
                agreeing.iter().map(|l| l[i - 1].center_y()).sum::<f32>() / agreeing.len() as f32;
            let below =
                agreeing.iter().map(|l| l[i].center_y()).sum::<f32>() / agreeing.len() as f32;
            (above + below) / 2.0
        })
        .collect()
}

/// Drops rows in which no cell starts and that are thinner than text: double lines.
fn compact(mut table: Table, ys: &[f32], body: f32) -> Table {
    for row in (0..table.rows).rev() {
        let thin = ys[row + 1] - ys[row] < THIN_ROW * body;
        let empty = table
            .cells
            .iter()
            .all(|c| c.row != row || (c.row_span == 1 && c.text.is_empty()));
        if thin && empty && table.rows > 1 {
            table.cells.retain(|c| c.row != row);
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

/// Grid places joined to cells.
struct Places {
    rows: usize,
    columns: usize,
    parent: Vec<usize>,
}

impl Places {
    fn new(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            parent: (0..rows * columns).collect(),
        }
    }

    fn root(&self, mut at: usize) -> usize {
        while self.parent[at] != at {
            at = self.parent[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }

    /// The cells as `(first row, first column, last row, last column)` in reading order, tiling the grid.
    ///
    /// Joined places that form no rectangle are split row by row.
    fn rectangles(&self) -> Vec<(usize, usize, usize, usize)> {
        let mut taken = vec![false; self.parent.len()];
        let mut found = Vec::new();
        for r in 0..self.rows {
            deadline::check();
            for c in 0..self.columns {
                let at = r * self.columns + c;
                if taken[at] {
                    continue;
                }
                let same = |r: usize, c: usize| {
                    let other = r * self.columns + c;
                    !taken[other] && self.root(other) == self.root(at)
                };
                let c2 = (c..self.columns)
                    .take_while(|&x| same(r, x))
                    .last()
                    .unwrap_or(c);
                let r2 = (r..self.rows)
                    .take_while(|&y| (c..=c2).all(|x| same(y, x)))
                    .last()
                    .unwrap_or(r);
                for y in r..=r2 {
                    taken[y * self.columns + c..=y * self.columns + c2].fill(true);
                }
                found.push((r, c, r2, c2));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(x: f32, y: f32, text: &str) -> Segment {
        let bbox = Rect::new(x, y, x + 10.0 * text.len() as f32, y + 20.0);
        Segment::of(vec![Word::of(bbox, text)], 20.0)
    }

    fn horizontal(y: f32, x1: f32, x2: f32) -> Rect {
        Rect::new(x1, y, x2, y + 1.0)
    }

    fn vertical(x: f32, y1: f32, y2: f32) -> Rect {
        Rect::new(x, y1, x + 1.0, y2)
    }

    #[test]
    fn missing_borders_make_spans() {
        // Two rows, two columns; the upper row has no border in the middle.
        let rulings = [
            horizontal(0.0, 0.0, 200.0),
            horizontal(40.0, 0.0, 200.0),
            horizontal(80.0, 0.0, 200.0),
            vertical(0.0, 0.0, 80.0),
            vertical(100.0, 40.0, 80.0),
            vertical(200.0, 0.0, 80.0),
        ];
        let segments = [
            segment(60.0, 10.0, "head"),
            segment(10.0, 50.0, "a"),
            segment(110.0, 50.0, "b"),
        ];
        let found = find(&rulings, &segments, 20.0);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].table.to_html(),
            "<table><tr><td colspan=\"2\">head</td></tr><tr><td>a</td><td>b</td></tr></table>"
        );
        assert_eq!(found[0].segments, [0, 1, 2]);
    }

    #[test]
    fn open_sides_count_as_borders() {
        let rulings = [
            horizontal(0.0, 0.0, 200.0),
            horizontal(40.0, 0.0, 200.0),
            horizontal(80.0, 0.0, 200.0),
            vertical(100.0, 0.0, 80.0),
        ];
        let segments = [
            segment(10.0, 10.0, "a"),
            segment(110.0, 10.0, "b"),
            segment(10.0, 50.0, "c"),
            segment(110.0, 50.0, "d"),
        ];
        let found = find(&rulings, &segments, 20.0);
        assert_eq!(
            found[0].table.to_html(),
            "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>"
        );
    }

    #[test]
    fn records_between_two_lines_become_rows() {
        let rulings = [
            horizontal(0.0, 0.0, 600.0),
            horizontal(60.0, 0.0, 600.0),
            vertical(200.0, 0.0, 60.0),
            vertical(400.0, 0.0, 60.0),
        ];
        let segments = [
            segment(10.0, 20.0, "6"),
            segment(210.0, 5.0, "a"),
            segment(210.0, 35.0, "b"),
            segment(410.0, 5.0, "1"),
            segment(410.0, 35.0, "2"),
        ];
        let found = find(&rulings, &segments, 20.0);
        assert_eq!(
            found[0].table.to_html(),
            "<table><tr><td rowspan=\"2\">6</td><td>a</td><td>1</td></tr><tr><td>b</td><td>2</td></tr></table>"
        );
    }

    #[test]
    fn a_frame_around_text_is_no_table() {
        let rulings = [
            horizontal(0.0, 0.0, 200.0),
            horizontal(80.0, 0.0, 200.0),
            vertical(0.0, 0.0, 80.0),
            vertical(200.0, 0.0, 80.0),
        ];
        assert!(find(&rulings, &[segment(10.0, 10.0, "text")], 20.0).is_empty());
    }

    #[test]
    fn joined_places_that_are_no_rectangle_still_tile_the_grid() {
        let mut places = Places::new(2, 2);
        places.join(0, 1);
        places.join(1, 3);
        assert_eq!(
            places.rectangles(),
            [(0, 0, 0, 1), (1, 0, 1, 0), (1, 1, 1, 1)]
        );
    }
}
