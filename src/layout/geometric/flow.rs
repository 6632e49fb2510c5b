//! The order of the text layer as evidence of how the parts of a page are read that lie side by side.
//!
//! Most programs write a page in reading order: columns of prose one after the other, the fields of a form row by row.
//! In: the items of a band, sorted into columns by gutters. Out: which of both it is ([`flow`]), or that one column has
//! notes beside the other ([`text_with_notes`]). The layer is believed only where it goes through the band without a jump.

use super::labels;
use super::thresholds::columns::{FULL_LINE, PROSE_FILL, PROSE_ROWS};
use super::thresholds::flow::*;
use crate::geometry::Rect;
use crate::lines::Segment;

/// An item with a place in the reading order.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ColumnItem {
    /// Bounding box.
    pub bbox: Rect,
    /// `true` for text segments, `false` for tables and figures.
    pub is_text: bool,
    /// Position in the order of the text layer, if there is one.
    pub order: Option<usize>,
    /// `true` for the name of a field: in bold, or with a colon at its end.
    pub is_label: bool,
    /// `true` for the name of a field together with its value.
    pub is_field: bool,
    /// `true` for text in a font of equal widths.
    pub is_code: bool,
    /// `true` for an entry of an index: words with a number behind them.
    pub is_entry: bool,
}

impl ColumnItem {
    /// A segment as an item.
    pub(super) fn of_text(segment: &Segment) -> ColumnItem {
        let text = segment.plain_text();
        ColumnItem {
            bbox: segment.bbox,
            is_text: true,
            order: segment.order,
            is_label: segment.style.bold || text.trim_end().ends_with([':', '\u{ff1a}']),
            is_field: is_field(segment),
            is_code: segment.style.fixed_pitch,
            is_entry: labels::is_entry(&text),
        }
    }
}

/// `true` for the name of a field with its value: in bold, or with a colon at its end.
fn is_field(segment: &Segment) -> bool {
    let Some((last, names)) = segment.words.split_last() else {
        return false;
    };
    let is_bold = names.first().is_some_and(|word| word.style.bold) && !last.style.bold;
    is_bold || names.iter().any(|word| word.text.ends_with(':'))
}

/// How the text layer goes through columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Flow {
    /// It tells nothing: there is none, it jumps, or it goes from line to line over columns of prose.
    Unknown,
    /// Column by column.
    Down,
    /// Row by row.
    Across(Vec<Stretch>),
}

/// Rows that the text layer goes through from piece to piece; lists of indices of items.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stretch {
    /// Rows of lines: a table, or the pieces in reading order; no pieces if lines run through.
    Lines {
        items: Vec<usize>,
        pieces: Vec<Vec<usize>>,
    },
    /// Pieces of several lines, in reading order.
    Pieces(Vec<Vec<usize>>),
}

/// Items of one column that follow each other in the text layer.
struct Run {
    column: usize,
    items: Vec<usize>,
    bbox: Rect,
}

impl Run {
    fn lines(&self, items: &[ColumnItem]) -> usize {
        rows(items, &self.items).len()
    }
}

/// The text layer's way through columns, which are given in reading order; `body` is the body size in pixels.
pub(super) fn flow(items: &[ColumnItem], columns: &[Vec<usize>], body: f32) -> Flow {
    let Some(runs) = runs(items, columns) else {
        return Flow::Unknown;
    };
    if runs.len() == columns.len() && runs.windows(2).all(|pair| pair[0].column < pair[1].column) {
        return Flow::Down;
    }
    let Some(groups) = groups(runs, body) else {
        return Flow::Unknown;
    };
    // Rows of a grid have the same columns.
    let has_rows = (0..columns.len()).all(|column| {
        let in_column = |group: &&Vec<Run>| group.iter().any(|run| run.column == column);
        let paired = groups.iter().filter(|group| group.len() > 1);
        paired.filter(in_column).count() >= MIN_PAIRS
    });
    let all = groups.iter().flatten();
    let single = all.clone().filter(|run| run.lines(items) == 1);
    let by_line = single.count() * 2 > all.count();
    let prose = columns.iter().filter(|c| is_prose(items, c)).count();
    let members = || columns.iter().flatten();
    let code = members().filter(|i| items[**i].is_code).count();
    let is_code = code * 2 > members().count();
    let is_aligned = columns.iter().all(|c| is_aligned(items, c, body));
    if columns.len() > MAX_PARTS || !has_rows || by_line && prose > 1 || is_code || !is_aligned {
        return Flow::Unknown;
    }
    Flow::Across(stretches(items, columns, groups))
}

/// The column, of two, that is text with notes beside it in the other one, which never end a paragraph of it.
pub(super) fn text_with_notes(
    items: &[ColumnItem],
    columns: &[Vec<usize>],
    body: f32,
) -> Option<usize> {
    let [a, b] = columns else { return None };
    let runs = runs(items, columns)?;
    let width = |column: &[usize]| bounds(items, column).width();
    let main = usize::from(width(b) > width(a));
    let (text, notes) = (&columns[main], &columns[1 - main]);
    let (lines, beside) = (rows(items, text), rows(items, notes));
    let (whole, aside) = (bounds(items, text), bounds(items, notes));
    let is_inside = aside.y1 > whole.y1 - body && aside.y2 < whole.y2 + body;
    if !is_prose(items, text)
        || lines.len() < NOTE_LINES * beside.len()
        || !is_inside
        || aside.width() < NOTE_WIDTH * body
        || !notes.iter().all(|i| items[*i].is_text)
    {
        return None;
    }
    // Where a note is written between two lines of one paragraph, it is none of the text.
    let mut breaks = 0;
    let mut inner = 0;
    for around in runs.windows(3).filter(|around| around[1].column != main) {
        let (before, after) = (&around[0].bbox, &around[2].bbox);
        let last = rows(items, &around[0].items).pop();
        let is_full =
            last.is_some_and(|row| bounds(items, &row).x2 > whole.x2 - FULL_LINE * whole.width());
        breaks += 1;
        inner += usize::from(is_full && after.y1 - before.y2 < LINE_STEP * body);
    }
    (inner > 0 && inner * 2 >= breaks).then_some(main)
}

/// The runs of columns in the order of the text layer; `None` if it has not most of the text.
fn runs(items: &[ColumnItem], columns: &[Vec<usize>]) -> Option<Vec<Run>> {
    let mut known: Vec<(usize, usize, usize)> = Vec::new();
    let mut all = 0;
    for (column, members) in columns.iter().enumerate() {
        for &i in members.iter().filter(|i| items[**i].is_text) {
            all += 1;
            known.extend(items[i].order.map(|order| (order, column, i)));
        }
    }
    if known.is_empty() || known.len() < all {
        return None;
    }
    known.sort_unstable();
    let mut runs: Vec<Run> = Vec::new();
    for (_, column, i) in known {
        match runs.last_mut().filter(|run| run.column == column) {
            Some(run) => {
                run.bbox = run.bbox.union(&items[i].bbox);
                run.items.push(i);
            }
            None => runs.push(Run {
                column,
                items: vec![i],
                bbox: items[i].bbox,
            }),
        }
    }
    Some(runs)
}

/// Runs as rows of a grid, from top to bottom; `None` if they go back up.
fn groups(runs: Vec<Run>, body: f32) -> Option<Vec<Vec<Run>>> {
    let slack = ROW_SLACK * body;
    let mut groups: Vec<Vec<Run>> = Vec::new();
    for run in runs {
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(|last| last.column < run.column) => {
                let row = Rect::union_all(group.iter().map(|r| &r.bbox)).unwrap_or_default();
                if run.bbox.y1 < row.y1 - slack || run.bbox.y1 > row.y2 {
                    return None;
                }
                group.push(run);
            }
            Some(group) => {
                let bottom = group.iter().map(|r| r.bbox.y2).fold(f32::MIN, f32::max);
                if run.bbox.y1 < bottom - slack {
                    return None;
                }
                groups.push(vec![run]);
            }
            None => groups.push(vec![run]),
        }
    }
    Some(groups)
}

/// `true` if a column has the names of what stands in the next one.
pub(super) fn is_form(items: &[ColumnItem], columns: &[Vec<usize>]) -> bool {
    let labels = |column: &[usize]| {
        let named = column.iter().filter(|i| items[**i].is_label).count();
        named as f32 >= LABEL_SHARE * column.len() as f32
    };
    columns
        .windows(2)
        .any(|two| labels(&two[0]) && !labels(&two[1]))
}

/// `true` if most of a column's rows are entries of an index.
pub(super) fn is_index(items: &[ColumnItem], column: &[usize]) -> bool {
    let entries = column.iter().filter(|i| items[**i].is_entry).count();
    entries as f32 >= ENTRY_SHARE * column.len() as f32
}

/// `true` if most rows of a column begin below each other.
fn is_aligned(items: &[ColumnItem], members: &[usize], body: f32) -> bool {
    let mut edges: Vec<f32> = rows(items, members)
        .iter()
        .map(|row| bounds(items, row).x1)
        .collect();
    edges.sort_by(f32::total_cmp);
    let reach = |from: &f32| from + SAME_EDGE * body;
    let counts = edges
        .iter()
        .enumerate()
        .map(|(at, from)| edges.partition_point(|edge| *edge <= reach(from)) - at);
    counts.max().unwrap_or(0) as f32 >= ALIGNED_SHARE * edges.len() as f32
}

/// Rows of a grid in stretches of one kind; what is no text goes with the text beside it.
fn stretches(items: &[ColumnItem], columns: &[Vec<usize>], groups: Vec<Vec<Run>>) -> Vec<Stretch> {
    let mut rows: Vec<(bool, Vec<Piece>)> = Vec::new();
    for group in groups {
        let (is_line, pieces) = (is_line(items, &group), pieces(items, group));
        match rows.last_mut().filter(|(was_line, _)| *was_line == is_line) {
            Some((_, before)) => before.extend(pieces),
            None => rows.push((is_line, pieces)),
        }
    }
    for (column, members) in columns.iter().enumerate() {
        for &i in members.iter().filter(|i| !items[**i].is_text) {
            let y = items[i].bbox.center_y();
            let away = |piece: &Piece| {
                let bbox = piece.bbox;
                (bbox.y1 - y).max(y - bbox.y2).max(0.0)
            };
            let pieces = rows.iter_mut().flat_map(|(_, pieces)| pieces);
            let nearest = pieces.min_by(|a, b| {
                let other = |piece: &Piece| piece.column != column;
                let sides = other(a).cmp(&other(b));
                sides.then(away(a).total_cmp(&away(b)))
            });
            if let Some(piece) = nearest {
                piece.items.push(i);
            }
        }
    }
    let stretch = |(is_line, pieces): (bool, Vec<Piece>)| {
        let is_row = pieces.windows(2).all(|two| two[0].column < two[1].column);
        let is_field = |piece: &&Piece| piece.items.iter().any(|i| items[*i].is_field);
        // In all columns: names of the rows of a table may be in bold, too.
        let has_fields = (0..columns.len()).all(|column| {
            let of_column = || pieces.iter().filter(|piece| piece.column == column);
            of_column().filter(is_field).count() * 2 >= of_column().count()
        });
        let lists: Vec<Vec<usize>> = pieces.into_iter().map(|piece| piece.items).collect();
        match is_line && !has_fields {
            true => Stretch::Lines {
                items: lists.concat(),
                pieces: if is_row { Vec::new() } else { lists },
            },
            false => Stretch::Pieces(lists),
        }
    };
    rows.into_iter().map(stretch).collect()
}

/// `true` if a row of a grid is a line of text, of which one piece may be wrapped, rather than blocks side by side.
fn is_line(items: &[ColumnItem], group: &[Run]) -> bool {
    // What is above all others belongs to the row before it.
    let top = group.iter().map(|run| run.bbox.y1).fold(f32::MIN, f32::max);
    let lines = |run: &Run| {
        let rows = rows(items, &run.items);
        let below = |row: &&Vec<usize>| bounds(items, row).center_y() > top;
        rows.iter().filter(below).count()
    };
    let most = group.iter().map(lines).max().unwrap_or(0);
    let several = group.iter().filter(|run| lines(run) > 1).count();
    several < 2 || group.len() > 2 && most <= WRAPPED_LINES
}

/// A piece of a row.
struct Piece {
    column: usize,
    bbox: Rect,
    items: Vec<usize>,
}

/// The pieces of a row, names with their values in one.
fn pieces(items: &[ColumnItem], group: Vec<Run>) -> Vec<Piece> {
    let is_line = group.iter().all(|run| run.lines(items) == 1);
    let mut pieces: Vec<Piece> = Vec::new();
    for Run {
        column,
        items: own,
        bbox,
    } in group
    {
        let before = pieces.last_mut().filter(|before| {
            let last = before.items[before.items.len() - 1];
            is_line && names(&items[last], &items[own[0]])
        });
        match before {
            Some(before) => {
                before.bbox = before.bbox.union(&bbox);
                before.items.extend(own);
            }
            None => pieces.push(Piece {
                column,
                bbox,
                items: own,
            }),
        }
    }
    pieces
}

/// `true` if the first of two items in a row is the name of the field that the second one fills.
fn names(name: &ColumnItem, value: &ColumnItem) -> bool {
    name.is_label && !value.is_label
}

/// Bounding box of items.
pub(super) fn bounds(items: &[ColumnItem], members: &[usize]) -> Rect {
    Rect::union_all(members.iter().map(|i| &items[*i].bbox)).unwrap_or_default()
}

/// Groups of items that overlap vertically, from top to bottom.
pub(super) fn rows(items: &[ColumnItem], members: &[usize]) -> Vec<Vec<usize>> {
    // Line boxes extend from ascent to descent and touch the next line's: only the middle part counts.
    let core = |i: usize| {
        let b = items[i].bbox;
        let trim = if items[i].is_text {
            LINE_TRIM * b.height()
        } else {
            0.0
        };
        (b.y1 + trim, b.y2 - trim)
    };
    let mut members = members.to_vec();
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

/// Share of the column that its typical row fills, 0 to 1, and the number of rows.
pub(super) fn fill(items: &[ColumnItem], members: &[usize]) -> (f32, usize) {
    let width = bounds(items, members).width().max(1.0);
    let rows = rows(items, members);
    let mut fills: Vec<f32> = rows
        .iter()
        .map(|row| bounds(items, row).width() / width)
        .collect();
    fills.sort_by(f32::total_cmp);
    (
        fills.get(fills.len() / 2).copied().unwrap_or(0.0),
        fills.len(),
    )
}

/// `true` if a column is prose: lines in one piece that fill it.
fn is_prose(items: &[ColumnItem], members: &[usize]) -> bool {
    let (fill, rows) = fill(items, members);
    let pieces = members.iter().filter(|i| items[**i].is_text).count();
    rows >= PROSE_ROWS && fill >= PROSE_FILL && pieces * 2 < rows * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines given as left edge, top and right edge in the order of the text layer.
    fn items(lines: &[(f32, f32, f32)]) -> Vec<ColumnItem> {
        let item = |(order, &(x1, y, x2)): (usize, &(f32, f32, f32))| ColumnItem {
            bbox: Rect::new(x1, y, x2, y + 20.0),
            is_text: true,
            order: Some(order),
            ..ColumnItem::default()
        };
        lines.iter().enumerate().map(item).collect()
    }

    /// The items left and right of a gutter.
    fn columns(items: &[ColumnItem], gutter: f32) -> [Vec<usize>; 2] {
        let (left, right) = (0..items.len()).partition(|i| items[*i].bbox.x2 < gutter);
        [left, right]
    }

    #[test]
    fn a_layer_may_go_down_columns() {
        let all = items(&[
            (0.0, 0.0, 100.0),
            (0.0, 24.0, 90.0),
            (200.0, 0.0, 300.0),
            (200.0, 24.0, 290.0),
        ]);
        assert_eq!(flow(&all, &columns(&all, 150.0), 20.0), Flow::Down);
        // Text that was recognized has no order.
        let unknown: Vec<ColumnItem> = all
            .iter()
            .map(|item| ColumnItem {
                order: None,
                ..*item
            })
            .collect();
        let found = flow(&unknown, &columns(&all, 150.0), 20.0);
        assert_eq!(found, Flow::Unknown);
    }

    #[test]
    fn a_layer_may_go_across_rows() {
        // Names above their values.
        let all = items(&[
            (0.0, 0.0, 60.0),
            (0.0, 24.0, 90.0),
            (200.0, 0.0, 250.0),
            (200.0, 24.0, 290.0),
            (0.0, 60.0, 60.0),
            (0.0, 84.0, 90.0),
            (200.0, 60.0, 250.0),
            (200.0, 84.0, 290.0),
        ]);
        let pieces = [[0, 1], [2, 3], [4, 5], [6, 7]].map(|piece| piece.to_vec());
        let expected = Flow::Across(vec![Stretch::Pieces(pieces.to_vec())]);
        assert_eq!(flow(&all, &columns(&all, 150.0), 20.0), expected);
        // Names beside their values are one piece.
        let mut all = items(&[
            (0.0, 0.0, 60.0),
            (200.0, 0.0, 290.0),
            (0.0, 30.0, 60.0),
            (200.0, 30.0, 290.0),
        ]);
        all[0].is_label = true;
        all[2].is_label = true;
        let expected = Flow::Across(vec![Stretch::Lines {
            items: vec![0, 1, 2, 3],
            pieces: vec![vec![0, 1], vec![2, 3]],
        }]);
        assert_eq!(flow(&all, &columns(&all, 150.0), 20.0), expected);
    }

    #[test]
    fn lines_of_prose_that_alternate_tell_nothing() {
        let lines: Vec<(f32, f32, f32)> = (0..5)
            .flat_map(|i| {
                [
                    (0.0, 24.0 * i as f32, 400.0),
                    (440.0, 24.0 * i as f32, 840.0),
                ]
            })
            .collect();
        let all = items(&lines);
        assert_eq!(flow(&all, &columns(&all, 420.0), 20.0), Flow::Unknown);
    }

    #[test]
    fn a_layer_that_goes_back_up_tells_nothing() {
        let all = items(&[
            (0.0, 60.0, 100.0),
            (200.0, 60.0, 300.0),
            (0.0, 0.0, 100.0),
            (200.0, 0.0, 300.0),
        ]);
        assert_eq!(flow(&all, &columns(&all, 150.0), 20.0), Flow::Unknown);
    }

    #[test]
    fn notes_stand_beside_lines_of_one_paragraph() {
        let text = |i: usize| (0.0, 24.0 * i as f32, 400.0);
        let note = |i: usize| (440.0, 24.0 * i as f32, 540.0);
        let lines = [
            text(0),
            text(1),
            note(1),
            note(2),
            text(2),
            text(3),
            text(4),
            text(5),
        ];
        let all = items(&lines);
        let beside = columns(&all, 420.0);
        assert_eq!(text_with_notes(&all, &beside, 20.0), Some(0));
        // What stands between paragraphs names the next one.
        let lines = [
            text(0),
            text(1),
            note(3),
            text(3),
            text(4),
            text(5),
            text(6),
            text(7),
        ];
        let all = items(&lines);
        assert_eq!(text_with_notes(&all, &columns(&all, 420.0), 20.0), None);
    }
}
