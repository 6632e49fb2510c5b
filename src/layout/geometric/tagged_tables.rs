//! Tables that the structure tree of a tagged page describes cell by cell. They say what the author meant, and go before
//! what lines and gaps say, unless the places of their texts contradict them.

use super::tagged_grid::{self, Grid, TaggedCell};
use super::thresholds::tags::{MIN_PLACED, MISPLACED, PROSE_CELLS, PROSE_CHARS};
use crate::document::{Cell, Table};
use crate::geometry::Rect;
use crate::input::pdf::page::StructNode;
use crate::layout::table::{FoundTable, placed_cell};
use crate::lines::Segment;
use std::collections::HashMap;

/// The tables of the tree, in its order.
///
/// Only tables whose cells, with their spans, fill a grid without gaps, whose texts stand in rows and columns, and that are
/// not the design of a page. `taken` is `true` for segments of other tables.
pub(super) fn tables(
    nodes: &[StructNode],
    segments: &[Segment],
    taken: &[bool],
) -> Vec<FoundTable> {
    // Nodes are in depth-first order: an element's descendants follow it without a gap.
    let below = |outer: usize| {
        (outer + 1..nodes.len()).take_while(move |&i| nodes[i].parent >= Some(outer))
    };
    let inside = |outer: usize, kinds: &[&str]| -> Vec<usize> {
        below(outer)
            .filter(|&i| kinds.contains(&nodes[i].kind.as_str()))
            .collect()
    };
    // The segments of each marked content.
    let mut segments_of: HashMap<i32, Vec<usize>> = HashMap::new();
    for (i, segment) in segments.iter().enumerate().filter(|(i, _)| !taken[*i]) {
        for word in &segment.words {
            let own = segments_of.entry(word.mcid).or_default();
            if own.last() != Some(&i) {
                own.push(i);
            }
        }
    }
    let mut found = Vec::new();
    for table in (0..nodes.len()).filter(|&i| nodes[i].kind == "Table") {
        crate::deadline::check();
        if !inside(table, &["Table"]).is_empty() {
            continue;
        }
        let mut rows: Vec<Vec<usize>> = inside(table, &["TR"])
            .into_iter()
            .map(|row| inside(row, &["TH", "TD"]))
            .collect();
        // A table over several pages has rows on the others.
        let is_here = |row: &Vec<usize>| {
            let mut contents = row
                .iter()
                .flat_map(|&cell| std::iter::once(cell).chain(below(cell)));
            contents.any(|i| {
                nodes[i]
                    .mcids
                    .iter()
                    .any(|mcid| segments_of.contains_key(mcid))
            })
        };
        let Some(last) = rows.iter().rposition(is_here) else {
            continue;
        };
        rows.truncate(last + 1);
        rows.drain(..rows.iter().position(is_here).unwrap_or(0));
        let elements: Vec<usize> = rows.iter().flatten().copied().collect();
        let mut cell_of: HashMap<i32, usize> = HashMap::new();
        for (number, &cell) in elements.iter().enumerate() {
            let contents = std::iter::once(cell).chain(below(cell));
            let mcids = contents.flat_map(|i| &nodes[i].mcids);
            cell_of.extend(mcids.map(|mcid| (*mcid, number)));
        }
        let mut own: Vec<usize> = cell_of
            .keys()
            .flat_map(|mcid| segments_of.get(mcid).into_iter().flatten().copied())
            .collect();
        own.sort_unstable();
        own.dedup();
        let is_whole = |i: &usize| {
            let mut words = segments[*i].words.iter();
            words.all(|word| cell_of.contains_key(&word.mcid))
        };
        own.retain(is_whole);
        let Some(bbox) = Rect::union_all(own.iter().map(|i| &segments[*i].bbox)) else {
            continue;
        };
        // Text that the tags leave out must not get lost: only what lies over the table, once, is none of it.
        let is_foreign = |i: &usize| {
            let own_box = &segments[*i].bbox;
            !taken[*i]
                && bbox.contains(own_box.center_x(), own_box.center_y())
                && own.binary_search(i).is_err()
        };
        if (0..segments.len()).filter(is_foreign).count() > 1 {
            continue;
        }
        let mut words_of: Vec<Vec<_>> = vec![Vec::new(); elements.len()];
        for &i in &own {
            for word in &segments[i].words {
                words_of[cell_of[&word.mcid]].push((&segments[i], word));
            }
        }
        let boxes = words_of
            .iter()
            .map(|words| Rect::union_all(words.iter().map(|(_, word)| &word.bbox)));
        let boxes: Vec<Option<Rect>> = boxes.collect();
        let mut numbers = 0..;
        let tagged = rows.iter().map(|row| {
            let cells = row.iter().zip(numbers.by_ref());
            let cells = cells.map(|(&element, number)| TaggedCell {
                number,
                spans: nodes[element].spans.map(usize::from),
                is_head: nodes[element].kind == "TH",
                bbox: boxes[number],
            });
            cells.collect()
        });
        let tagged: Vec<Vec<TaggedCell>> = tagged.collect();
        let slack = MISPLACED * segments[own[0]].style.font_size;
        let grid = tagged_grid::whole(&tagged).or_else(|| tagged_grid::placed(&tagged, slack));
        let is_table = |grid: &Grid| grid.table.rows >= 2 && grid.table.columns >= 2;
        let Some(Grid {
            table: grid,
            number_of,
        }) = grid.filter(is_table)
        else {
            continue;
        };
        let take = |number: &Option<usize>| match number {
            Some(number) => std::mem::take(&mut words_of[*number]),
            None => Vec::new(),
        };
        let words_of: Vec<Vec<_>> = number_of.iter().map(take).collect();
        let is_bold = |cell: &usize| {
            let words: &Vec<(&Segment, _)> = &words_of[*cell];
            words.iter().all(|(segment, _)| segment.style.bold)
        };
        // A first row in bold is the head, if the tags name none.
        let is_filled = |cell: &usize| !words_of[*cell].is_empty();
        let of_row = |row: usize| {
            let cells = grid.cells.iter().enumerate();
            cells
                .filter(move |(_, cell)| cell.row == row)
                .map(|(number, _)| number)
        };
        let has_head = grid.cells.iter().all(|cell| !cell.header)
            && of_row(0).filter(is_filled).all(|cell| is_bold(&cell))
            && !of_row(1).filter(is_filled).all(|cell| is_bold(&cell));
        let cells = grid.cells.into_iter().zip(words_of).map(|(cell, words)| {
            let header = cell.header || has_head && cell.row == 0;
            placed_cell(Cell { header, ..cell }, words, None, 1.0)
        });
        let table = Table {
            cells: cells.collect(),
            ..grid
        };
        if is_placed(&table) && !is_design(&table) {
            found.push(FoundTable {
                bbox,
                table,
                segments: own,
            });
        }
    }
    found
}

/// `true` if the texts of neighbouring cells stand beside each other, in one direction, and those of rows below each other.
fn is_placed(table: &Table) -> bool {
    let filled: Vec<(&Cell, Rect)> = table
        .cells
        .iter()
        .filter_map(|cell| {
            let place = cell.place.as_ref().filter(|_| !cell.text.is_empty())?;
            let [x1, y1, x2, y2] = place.bbox.map(|side| side as f32);
            Some((cell, Rect { x1, y1, x2, y2 }))
        })
        .collect();
    let (mut right, mut left, mut beside) = (0, 0, 0);
    for pair in filled.windows(2) {
        let ([(a, own), (b, next)], true) = (pair, pair[0].0.row == pair[1].0.row) else {
            continue;
        };
        debug_assert!(a.column < b.column);
        beside += 1;
        right += usize::from(own.center_x() < next.x1);
        left += usize::from(next.center_x() < own.x1);
    }
    // The last text of each column so far.
    let (mut down, mut rows) = (0, 0);
    let mut last: HashMap<usize, Rect> = HashMap::new();
    for (cell, own) in &filled {
        if let Some(above) = last.insert(cell.column, *own) {
            rows += 1;
            down += usize::from(
                above.center_y() < own.y1 + 0.5 * (own.y2 - own.y1).min(above.y2 - above.y1),
            );
        }
    }
    let is_most = |count: usize, all: usize| count as f32 >= MIN_PLACED * all as f32;
    beside > 0 && is_most(right.max(left), beside) && is_most(down, rows) && are_columns(&filled)
}

/// `true` if the texts of a column do not stand where those of the next one do.
fn are_columns(filled: &[(&Cell, Rect)]) -> bool {
    let mut sides: HashMap<usize, (Vec<f32>, Vec<f32>)> = HashMap::new();
    for (cell, own) in filled.iter().filter(|(cell, _)| cell.column_span == 1) {
        let (left, right) = sides.entry(cell.column).or_default();
        left.push(own.x1);
        right.push(own.x2);
    }
    // But for a few that hang over.
    let share = |values: &[f32], share: f32| {
        let mut values = values.to_vec();
        values.sort_by(f32::total_cmp);
        values[((values.len() - 1) as f32 * share).round() as usize]
    };
    let apart = |a: &(Vec<f32>, Vec<f32>), b: &(Vec<f32>, Vec<f32>)| {
        share(&a.1, MIN_PLACED) < share(&b.0, 1.0 - MIN_PLACED) + 1.0
    };
    let mut pairs = sides
        .iter()
        .filter_map(|(column, own)| Some((own, sides.get(&(column + 1))?)));
    pairs.all(|(own, next)| apart(own, next) || apart(next, own))
}

/// `true` if many cells hold long paragraphs: a table that only places the parts of a page.
fn is_design(table: &Table) -> bool {
    let filled = table.cells.iter().filter(|cell| !cell.text.is_empty());
    let long = filled
        .clone()
        .filter(|cell| cell.text.chars().count() > PROSE_CHARS);
    PROSE_CELLS.1 * long.count() >= PROSE_CELLS.0 * filled.count()
}

#[cfg(test)]
mod tests {
    use super::super::tagged::tests::{node, segment};
    use super::*;

    #[test]
    fn tables_are_read_from_the_tree() {
        let mut nodes = vec![node("Table", None, &[])];
        for row in 0..2 {
            nodes.push(node("TR", Some(0), &[]));
            let parent = nodes.len() - 1;
            nodes.push(node("TH", Some(parent), &[row * 2]));
            nodes.push(node("TD", Some(parent), &[row * 2 + 1]));
        }
        let texts = ["a", "1", "b", "2"];
        let segments: Vec<Segment> = (0..4)
            .map(|i| {
                segment(
                    i,
                    (i % 2) as f32 * 60.0,
                    (i / 2) as f32 * 30.0,
                    texts[i as usize],
                )
            })
            .collect();
        let found = tables(&nodes, &segments, &[false; 4]);
        assert_eq!(found.len(), 1);
        let html = "<table><tr><td>a</td><td>1</td></tr><tr><td>b</td><td>2</td></tr></table>";
        assert_eq!(found[0].table.to_html(), html);
        // A row with a different number of cells has spans that the tree does not state.
        nodes.push(node("TD", Some(4), &[9]));
        assert!(tables(&nodes, &segments, &[false; 4]).is_empty());
        // Stated spans are used.
        nodes[3].spans = [1, 2];
        let html = "<table><tr><td>a</td><td colspan=\"2\">1</td></tr><tr><td>b</td><td>2</td><td></td></tr></table>";
        assert_eq!(
            tables(&nodes, &segments, &[false; 4])[0].table.to_html(),
            html
        );
        nodes[3].spans = [3, 2];
        assert!(tables(&nodes, &segments, &[false; 4]).is_empty());
    }

    /// A tree of one table with rows of marked contents, and the text of each at `(x, y)`, 60 pixels a column and 30 a row.
    fn page(rows: &[&[(f32, &str)]]) -> (Vec<StructNode>, Vec<Segment>) {
        let mut nodes = vec![node("Table", None, &[])];
        let mut segments = Vec::new();
        for (row, cells) in rows.iter().enumerate() {
            nodes.push(node("TR", Some(0), &[]));
            let parent = nodes.len() - 1;
            for (x, text) in *cells {
                let mcid = segments.len() as i32;
                nodes.push(node("TD", Some(parent), &[mcid]));
                segments.push(segment(mcid, *x, row as f32 * 30.0, text));
            }
        }
        (nodes, segments)
    }

    fn html(rows: &[&[(f32, &str)]]) -> Vec<String> {
        let (nodes, segments) = page(rows);
        let found = tables(&nodes, &segments, &vec![false; segments.len()]);
        found.iter().map(|found| found.table.to_html()).collect()
    }

    #[test]
    fn cells_that_the_tree_leaves_out_are_empty_ones() {
        // Money out and money in: each row has one of them.
        assert_eq!(
            html(&[
                &[(0.0, "day"), (60.0, "out"), (120.0, "in")],
                &[(0.0, "1"), (125.0, "9")],
                &[(0.0, "2"), (70.0, "4")],
                &[(130.0, "7")],
            ]),
            [
                "<table><tr><td>day</td><td>out</td><td>in</td></tr><tr><td>1</td><td></td><td>9</td></tr>\
              <tr><td>2</td><td>4</td><td></td></tr><tr><td></td><td></td><td>7</td></tr></table>"
            ]
        );
        // A text that stands in no column.
        let rows: [&[(f32, &str)]; 2] = [&[(0.0, "a"), (60.0, "b")], &[(300.0, "c")]];
        assert!(html(&rows).is_empty());
    }

    #[test]
    fn cells_that_do_not_stand_in_rows_and_columns_are_no_table() {
        // The second row stands beside the first one, and the columns of the third change places.
        let (nodes, mut segments) = page(&[&[(0.0, "a"), (60.0, "b")], &[(0.0, "c"), (60.0, "d")]]);
        assert_eq!(tables(&nodes, &segments, &[false; 4]).len(), 1);
        for segment in &mut segments[2..4] {
            segment.bbox = Rect::new(200.0, 0.0, 250.0, 20.0);
            segment.words[0].bbox = segment.bbox;
        }
        assert!(tables(&nodes, &segments, &[false; 4]).is_empty());
        let swapped: [&[(f32, &str)]; 4] = [
            &[(0.0, "a"), (60.0, "b")],
            &[(60.0, "c"), (0.0, "d")],
            &[(0.0, "e"), (60.0, "f")],
            &[(60.0, "g"), (0.0, "h")],
        ];
        assert!(html(&swapped).is_empty());
    }

    #[test]
    fn a_table_with_texts_inside_that_the_tags_do_not_name_is_not_believed() {
        let rows: [&[(f32, &str)]; 3] = [
            &[(0.0, "a"), (60.0, "b")],
            &[(0.0, "c"), (60.0, "d")],
            &[(0.0, "e"), (60.0, "f")],
        ];
        let (nodes, mut segments) = page(&rows);
        let count =
            |segments: &[Segment]| tables(&nodes, segments, &vec![false; segments.len()]).len();
        segments.push(segment(-1, 30.0, 30.0, "draft"));
        // What lies over it once is a watermark.
        assert_eq!(count(&segments), 1);
        segments.push(segment(-1, 30.0, 15.0, "lost"));
        assert_eq!(count(&segments), 0);
    }

    #[test]
    fn a_first_row_in_bold_is_the_head_and_long_paragraphs_are_the_design_of_a_page() {
        let rows: [&[(f32, &str)]; 2] = [&[(0.0, "a"), (60.0, "b")], &[(0.0, "c"), (60.0, "d")]];
        let (nodes, mut segments) = page(&rows);
        segments[0].style.bold = true;
        segments[1].style.bold = true;
        let heads = |segments: &[Segment]| -> usize {
            let found = tables(&nodes, segments, &[false; 4]);
            found[0]
                .table
                .cells
                .iter()
                .filter(|cell| cell.header)
                .count()
        };
        assert_eq!(heads(&segments), 2);
        segments[2].style.bold = true;
        segments[3].style.bold = true;
        assert_eq!(heads(&segments), 0);
        segments[3].words[0].text = "word ".repeat(80);
        assert!(tables(&nodes, &segments, &[false; 4]).is_empty());
    }
}
