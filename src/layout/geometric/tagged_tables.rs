//! Tables that the structure tree of a tagged page describes cell by cell. They say what the author meant, and go before
//! what lines and gaps say, unless the places of their texts contradict them.

use super::tagged_grid::{self, Grid, TaggedCell};
use super::tagged_places::Sides;
use super::thresholds::tags::{MIN_PLACED, MISPLACED, MOST_HEAD_ROWS, PROSE_CELLS, PROSE_CHARS};
use crate::deadline;
use crate::document::{Cell, Table, is_number, is_year};
use crate::geometry::Rect;
use crate::input::pdf::page::StructNode;
use crate::layout::table::{Evidence, FoundTable, PlacedWords, placed_cell};
use crate::lines::Segment;
use std::collections::HashMap;

/// The tables of the tree, in its order.
///
/// Only tables whose cells fill a grid, whose texts stand in rows and columns, and that are not the design of a page.
/// `taken` is `true` for segments of other tables.
pub(super) fn tables(
    nodes: &[StructNode],
    segments: &[Segment],
    taken: &[bool],
    evidence: &Evidence,
) -> Vec<FoundTable> {
    let tree = Tree::new(nodes, segments, taken);
    let tables = (0..nodes.len()).filter(|&i| nodes[i].kind == "Table");
    tables
        .filter(|&table| tree.inside(table, &["Table"]).is_empty())
        .filter_map(|table| {
            deadline::check();
            let rows = tree.rows_here(table);
            found(&tree, &rows, taken, evidence)
        })
        .collect()
}

/// The structure tree of a page with its text.
struct Tree<'a> {
    nodes: &'a [StructNode],
    segments: &'a [Segment],
    /// The segments of each marked content, without those of other tables.
    segments_of: HashMap<i32, Vec<usize>>,
}

impl<'a> Tree<'a> {
    fn new(nodes: &'a [StructNode], segments: &'a [Segment], taken: &[bool]) -> Self {
        let mut segments_of: HashMap<i32, Vec<usize>> = HashMap::new();
        for (i, segment) in segments.iter().enumerate().filter(|(i, _)| !taken[*i]) {
            for word in &segment.words {
                let own = segments_of.entry(word.mcid).or_default();
                if own.last() != Some(&i) {
                    own.push(i);
                }
            }
        }
        Self {
            nodes,
            segments,
            segments_of,
        }
    }

    /// The elements below one. Nodes are in depth-first order: an element's descendants follow it without a gap.
    fn below(&self, outer: usize) -> impl Iterator<Item = usize> {
        let is_below = move |i: &usize| self.nodes[*i].parent >= Some(outer);
        (outer + 1..self.nodes.len()).take_while(is_below)
    }

    /// Those of them that are of given kinds.
    fn inside(&self, outer: usize, kinds: &[&str]) -> Vec<usize> {
        let is_one = |i: &usize| kinds.contains(&self.nodes[*i].kind.as_str());
        self.below(outer).filter(is_one).collect()
    }

    /// The marked contents of a cell.
    fn contents(&self, cell: usize) -> impl Iterator<Item = i32> {
        let nodes = std::iter::once(cell).chain(self.below(cell));
        nodes.flat_map(|i| self.nodes[i].mcids.iter().copied())
    }

    /// The cells of the rows of a table, from the first to the last one with text on this page.
    fn rows_here(&self, table: usize) -> Vec<Vec<usize>> {
        let rows = self.inside(table, &["TR"]).into_iter();
        let mut rows: Vec<Vec<usize>> = rows.map(|row| self.inside(row, &["TH", "TD"])).collect();
        let is_here = |row: &Vec<usize>| {
            let mut contents = row.iter().flat_map(|&cell| self.contents(cell));
            contents.any(|mcid| self.segments_of.contains_key(&mcid))
        };
        rows.truncate(rows.iter().rposition(is_here).map_or(0, |last| last + 1));
        rows.drain(..rows.iter().position(is_here).unwrap_or(0));
        rows
    }
}

/// The table of some rows, if it is one.
fn found(
    tree: &Tree,
    rows: &[Vec<usize>],
    taken: &[bool],
    evidence: &Evidence,
) -> Option<FoundTable> {
    let segments = tree.segments;
    let mut cell_of: HashMap<i32, usize> = HashMap::new();
    for (number, &cell) in rows.iter().flatten().enumerate() {
        cell_of.extend(tree.contents(cell).map(|mcid| (mcid, number)));
    }
    let all = cell_of.keys().filter_map(|mcid| tree.segments_of.get(mcid));
    let mut own: Vec<usize> = all.flatten().copied().collect();
    own.sort_unstable();
    own.dedup();
    own.retain(|i| {
        let mut words = segments[*i].words.iter();
        words.all(|word| cell_of.contains_key(&word.mcid))
    });
    let bbox = Rect::union_all(own.iter().map(|i| &segments[*i].bbox))?;
    // Text that the tags leave out must not get lost. One such text may be a watermark; with more, the tags are
    // incomplete.
    let is_left_out = |i: &usize| {
        let text = &segments[*i].bbox;
        !taken[*i]
            && bbox.contains(text.center_x(), text.center_y())
            && own.binary_search(i).is_err()
    };
    if (0..segments.len()).filter(is_left_out).count() > 1 {
        return None;
    }
    let mut words_of: Vec<PlacedWords> = vec![Vec::new(); rows.iter().map(Vec::len).sum()];
    for &i in &own {
        for word in &segments[i].words {
            words_of[cell_of[&word.mcid]].push((&segments[i], word));
        }
    }
    let box_of = |words: &PlacedWords| Rect::union_all(words.iter().map(|(_, word)| &word.bbox));
    let boxes: Vec<Option<Rect>> = words_of.iter().map(box_of).collect();
    let grid = grid(tree, rows, &boxes, segments[own[0]].style.font_size)?;
    let is_bold = |number: &Option<usize>| {
        let words = number.map_or(&[][..], |number| &words_of[number][..]);
        (!words.is_empty()).then(|| words.iter().all(|(segment, _)| segment.style.bold))
    };
    let bold: Vec<Option<bool>> = grid.number_of.iter().map(is_bold).collect();
    let texts = grid.number_of.iter();
    let texts: Vec<Option<Rect>> = texts.map(|number| boxes[(*number)?]).collect();
    let sides = Sides::new(&grid.table, &texts, &bbox, evidence);
    let bbox = sides.rect(0, 0, [grid.table.rows, grid.table.columns]);
    let is_placed = is_placed(&grid.table, &texts);
    let cells = grid.table.cells.into_iter().zip(&grid.number_of);
    let cells = cells.map(|(cell, number)| {
        let words = number.map(|number| std::mem::take(&mut words_of[number]));
        let place = sides.rect(cell.row, cell.column, [cell.row_span, cell.column_span]);
        placed_cell(cell, words.unwrap_or_default(), Some(place), 1.0)
    });
    let mut table = Table {
        cells: cells.collect(),
        ..grid.table
    };
    if table.cells.iter().all(|cell| !cell.header) {
        let heads = head_rows(&table, &bold);
        let cells = table.cells.iter_mut();
        cells.for_each(|cell| cell.header = cell.row < heads);
    }
    (is_placed && !is_design(&table)).then_some(FoundTable {
        bbox,
        table,
        segments: own,
    })
}

/// The grid of some rows, from the boxes of the texts of their cells; `em` is the size of the text in pixels.
fn grid(tree: &Tree, rows: &[Vec<usize>], boxes: &[Option<Rect>], em: f32) -> Option<Grid> {
    let mut numbers = 0..;
    let tagged = rows.iter().map(|row| {
        let cells = row.iter().zip(numbers.by_ref());
        let cells = cells.map(|(&element, number)| TaggedCell {
            number,
            spans: tree.nodes[element].spans.map(usize::from),
            is_head: tree.nodes[element].kind == "TH",
            bbox: boxes[number],
        });
        cells.collect()
    });
    let tagged: Vec<Vec<TaggedCell>> = tagged.collect();
    let is_table = |grid: &Grid| {
        let (rows, columns) = (grid.table.rows, grid.table.columns);
        rows >= 2 && columns >= 2 && tagged_grid::holds_together(grid, boxes)
    };
    let whole = tagged_grid::whole(&tagged).filter(is_table);
    whole.or_else(|| tagged_grid::placed(&tagged, MISPLACED * em).filter(is_table))
}

/// Number of rows of the head of a table whose tags name none: those above the first row with numbers in half of the columns
/// of numbers, or a first row in bold. `bold` for each cell, `None` without text.
fn head_rows(table: &Table, bold: &[Option<bool>]) -> usize {
    let texts = |row: usize| {
        let cells = table.cells.iter().filter(move |cell| cell.row == row);
        cells.filter(|cell| !cell.text.is_empty() && cell.column_span == 1)
    };
    let mut counts = vec![(0, 0); table.columns];
    for cell in (0..table.rows).flat_map(texts) {
        counts[cell.column].0 += usize::from(is_number(&cell.text));
        counts[cell.column].1 += 1;
    }
    let is_numeric = |(numbers, all): (usize, usize)| numbers >= 2 && numbers * 2 >= all;
    let numeric = |column: usize| column > 0 && is_numeric(counts[column]);
    let columns = (0..table.columns).filter(|column| numeric(*column)).count();
    // A year may head a column.
    let is_value =
        |cell: &&Cell| numeric(cell.column) && is_number(&cell.text) && !is_year(&cell.text);
    let is_data = |row: &usize| texts(*row).filter(is_value).count() * 2 >= columns.max(1);
    let is_bold = |row: usize| {
        let cells = table.cells.iter().zip(bold);
        let mut bold = cells
            .filter(|(cell, _)| cell.row == row)
            .filter_map(|(_, bold)| *bold);
        bold.next()
            .is_some_and(|first| first && bold.all(|bold| bold))
    };
    match (0..table.rows).find(is_data) {
        Some(first) if (1..=MOST_HEAD_ROWS).contains(&first) => first,
        _ => usize::from(is_bold(0) && !is_bold(1)),
    }
}

/// `true` if the texts of neighbouring cells stand beside each other, in one direction, and those of rows below each other.
fn is_placed(table: &Table, texts: &[Option<Rect>]) -> bool {
    let filled = table.cells.iter().zip(texts);
    let filled = filled.filter_map(|(cell, text)| Some((cell, (*text)?)));
    let filled: Vec<(&Cell, Rect)> = filled.collect();
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
    // But for a few that hang over: one of several.
    let most = |values: &[f32]| {
        let mut values = values.to_vec();
        values.sort_by(f32::total_cmp);
        let left_out = ((values.len() - 1) as f32 * (1.0 - MIN_PLACED)).ceil() as usize;
        (values[left_out], values[values.len() - 1 - left_out])
    };
    let apart =
        |a: &(Vec<f32>, Vec<f32>), b: &(Vec<f32>, Vec<f32>)| most(&a.1).1 < most(&b.0).0 + 1.0;
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

    /// The tables of a page without lines.
    fn tables(nodes: &[StructNode], segments: &[Segment], taken: &[bool]) -> Vec<FoundTable> {
        let evidence = Evidence::new(segments, &[], &[], (1000.0, 1000.0), 20.0);
        super::tables(nodes, segments, taken, &evidence)
    }

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
        // Without the head no row has all of them.
        assert!(
            html(&[
                &[(0.0, "1"), (125.0, "9")],
                &[(0.0, "2"), (65.0, "4")],
                &[(0.0, "3"), (65.0, "5")],
                &[(0.0, "4"), (130.0, "7")],
            ])
            .is_empty()
        );
        // A long entry hangs over the next column.
        let (nodes, mut segments) = page(&[
            &[(0.0, "day"), (60.0, "out"), (120.0, "in")],
            &[(0.0, "1"), (60.0, "4"), (120.0, "8")],
            &[(0.0, "2"), (60.0, "5"), (120.0, "9")],
            &[(0.0, "3"), (120.0, "7")],
        ]);
        segments[7].words[0].bbox.x2 = 175.0;
        segments[7].bbox.x2 = 175.0;
        segments[8].words[0].bbox = Rect::new(180.0, 60.0, 190.0, 80.0);
        segments[8].bbox = segments[8].words[0].bbox;
        let found = tables(&nodes, &segments, &vec![false; segments.len()]);
        let texts = |row: usize| -> Vec<&str> {
            let cells = found[0].table.cells.iter().filter(|cell| cell.row == row);
            cells.map(|cell| cell.text.as_str()).collect()
        };
        assert_eq!(texts(3), ["3", "", "7"]);
        // A row wider than any table is none, whatever its cells span.
        let wide: Vec<(f32, &str)> = (0..600).map(|at| (60.0 * at as f32, "x")).collect();
        assert!(html(&[&wide, &wide[..300]]).is_empty());
        assert!(html(&[&wide, &wide]).is_empty());
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
    fn rows_above_the_numbers_are_the_head_of_a_table_that_names_none() {
        let heads = |rows: &[&[(f32, &str)]]| -> usize {
            let (nodes, segments) = page(rows);
            let found = tables(&nodes, &segments, &vec![false; segments.len()]);
            let cells = found[0].table.cells.iter();
            cells.filter(|cell| cell.header).count()
        };
        let row = |label: &'static str, value: &'static str| [(0.0, label), (60.0, value)];
        let (town, year, first, second) = (
            row("town", "people"),
            row("town", "2024"),
            row("Hull", "267,000"),
            row("York", "202,800"),
        );
        assert_eq!(heads(&[&town, &first, &second]), 2);
        assert_eq!(heads(&[&year, &first, &second]), 2);
        assert_eq!(heads(&[&first, &second]), 0);
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
