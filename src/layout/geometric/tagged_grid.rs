//! The grid of a table that tags describe. Cells without text are often missing in the tree: then the others are placed by
//! where their texts stand.

use super::thresholds::tags::MIN_PLACED;
use crate::deadline;
use crate::document::{Cell, Table};
use crate::geometry::Rect;
use std::collections::HashSet;

/// A grid with more places, or with more columns, is no table that people made.
const MAX_PLACES: usize = 100_000;
const MAX_COLUMNS: usize = 500;

/// A cell of the tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct TaggedCell {
    /// Its number among those of the table.
    pub number: usize,
    /// Rows and columns that it spans.
    pub spans: [usize; 2],
    /// `true` for a cell of the head.
    pub is_head: bool,
    /// The box of its text, if it has any.
    pub bbox: Option<Rect>,
}

/// A table without texts, and for each of its cells the number of the tagged one; `None` for those that are missing.
#[derive(Debug)]
pub(super) struct Grid {
    pub table: Table,
    pub number_of: Vec<Option<usize>>,
}

impl Grid {
    fn new(mut cells: Vec<(Cell, Option<usize>)>, rows: usize, columns: usize) -> Grid {
        cells.sort_by_key(|(cell, _)| (cell.row, cell.column));
        let (cells, number_of) = cells.into_iter().unzip();
        let table = Table {
            rows,
            columns,
            cells,
        };
        Grid { table, number_of }
    }
}

fn cell(tagged: &TaggedCell, row: usize, column: usize) -> (Cell, Option<usize>) {
    let cell = Cell {
        row,
        column,
        row_span: tagged.spans[0],
        column_span: tagged.spans[1],
        header: tagged.is_head,
        ..Cell::default()
    };
    (cell, Some(tagged.number))
}

/// Every cell goes to the first free place of its row. `None` if a place stays empty or would be filled twice.
pub(super) fn whole(rows: &[Vec<TaggedCell>]) -> Option<Grid> {
    let mut taken: HashSet<(usize, usize)> = HashSet::new();
    let mut cells = Vec::new();
    for (row, tagged) in rows.iter().enumerate() {
        deadline::check();
        let mut column = 0;
        for own in tagged {
            let [row_span, column_span] = own.spans;
            while taken.contains(&(row, column)) {
                column += 1;
            }
            if column + column_span > MAX_COLUMNS {
                return None;
            }
            if row + row_span > rows.len() || taken.len() + row_span * column_span > MAX_PLACES {
                return None;
            }
            let mut places = (row..row + row_span)
                .flat_map(|r| (column..column + column_span).map(move |c| (r, c)));
            if !places.all(|place| taken.insert(place)) {
                return None;
            }
            cells.push(cell(own, row, column));
        }
    }
    let columns = cells.iter().map(|(c, _)| c.column + c.column_span).max()?;
    (taken.len() == rows.len() * columns).then(|| Grid::new(cells, rows.len(), columns))
}

/// `true` if the texts of each column stand together: but for one, such as a short heading, and a few more they overlap where
/// the others usually stand. Where every row leaves out one of two cells, one column would be taken for both. `boxes` are
/// those of the tagged cells.
pub(super) fn holds_together(grid: &Grid, boxes: &[Option<Rect>]) -> bool {
    let mut texts: Vec<Vec<Rect>> = vec![Vec::new(); grid.table.columns];
    for (cell, number) in grid.table.cells.iter().zip(&grid.number_of) {
        let own = number.and_then(|number| boxes[number]);
        texts[cell.column].extend(own.filter(|_| cell.column_span == 1));
    }
    texts.iter().all(|own| {
        let Some((from, to)) = usual(own) else {
            return true;
        };
        let is_off = |text: &&Rect| text.x2 < from || to < text.x1;
        let off = own.iter().filter(is_off).count();
        off <= 1 || (own.len() - off) as f32 >= MIN_PLACED * own.len() as f32
    })
}

/// The columns are those of the rows with most cells. In the others each cell goes where its text stands, in order; a text
/// may be off its column by `slack` pixels. `None` if one is further off, or no row has all columns.
pub(super) fn placed(rows: &[Vec<TaggedCell>], slack: f32) -> Option<Grid> {
    let width = |row: &Vec<TaggedCell>| row.iter().map(|own| own.spans[1]).sum::<usize>();
    let columns = rows.iter().map(width).max()?;
    if !(2..=MAX_COLUMNS).contains(&columns) || columns.checked_mul(rows.len())? > MAX_PLACES {
        return None;
    }
    // Where the texts of each column stand, by the cells that span no other.
    let is_complete = |row: &&Vec<TaggedCell>| row.len() == columns && width(row) == columns;
    let mut texts: Vec<Vec<Rect>> = vec![Vec::new(); columns];
    for row in rows.iter().filter(is_complete) {
        for (column, own) in texts.iter_mut().zip(row) {
            column.extend(own.bbox);
        }
    }
    let sides: Vec<(f32, f32)> = texts.iter().map(|own| usual(own)).collect::<Option<_>>()?;
    let mut taken: HashSet<(usize, usize)> = HashSet::new();
    let mut cells = Vec::new();
    for (row, tagged) in rows.iter().enumerate() {
        deadline::check();
        let is_taken = |column: usize| taken.contains(&(row, column));
        let places = in_order(tagged, &sides, slack, is_taken)?;
        for (own, column) in tagged.iter().zip(places) {
            // What would reach below the table ends with it.
            let row_span = own.spans[0].min(rows.len() - row);
            let own = TaggedCell {
                spans: [row_span, own.spans[1]],
                ..*own
            };
            for r in row..row + row_span {
                taken.extend((column..column + own.spans[1]).map(|c| (r, c)));
            }
            cells.push(cell(&own, row, column));
        }
    }
    let places = (0..rows.len()).flat_map(|row| (0..columns).map(move |column| (row, column)));
    for (row, column) in places.filter(|place| !taken.contains(place)) {
        let missing = Cell {
            row,
            column,
            row_span: 1,
            column_span: 1,
            ..Cell::default()
        };
        cells.push((missing, None));
    }
    Some(Grid::new(cells, rows.len(), columns))
}

/// Where the texts of a column usually stand: the middle ones of their left and right ends, since a long text may hang over
/// the next column.
fn usual(texts: &[Rect]) -> Option<(f32, f32)> {
    let middle = |side: fn(&Rect) -> f32| {
        let mut ends: Vec<f32> = texts.iter().map(side).collect();
        ends.sort_by(f32::total_cmp);
        ends.get(ends.len() / 2).copied()
    };
    Some((middle(|own| own.x1)?, middle(|own| own.x2)?))
}

/// The columns of the cells of a row that leave their texts least off, by dynamic programming. `is_taken` by cells of the rows
/// above.
fn in_order(
    tagged: &[TaggedCell],
    sides: &[(f32, f32)],
    slack: f32,
    is_taken: impl Fn(usize) -> bool,
) -> Option<Vec<usize>> {
    let columns = sides.len();
    let off = |own: &TaggedCell, column: usize| -> Option<f32> {
        let over = column..column + own.spans[1];
        if over.end > columns || over.clone().any(&is_taken) {
            return None;
        }
        let Some(bbox) = own.bbox else {
            return Some(0.0);
        };
        let sides = &sides[over];
        let from = sides.iter().map(|s| s.0).fold(f32::INFINITY, f32::min);
        let to = sides.iter().map(|s| s.1).fold(f32::NEG_INFINITY, f32::max);
        let off = (from - bbox.x2).max(bbox.x1 - to).max(0.0);
        // Texts of a column have an end in common, or their middle.
        let ends = [
            bbox.x1 - from,
            bbox.x2 - to,
            bbox.center_x() - (from + to) / 2.0,
        ];
        let apart = ends.into_iter().map(f32::abs).fold(f32::INFINITY, f32::min);
        (off <= slack).then_some(off + apart)
    };
    // For each cell and first free column: what it and all after it are off at least, and its column.
    let mut best = vec![vec![(f32::INFINITY, 0); columns + 1]; tagged.len() + 1];
    best[tagged.len()].fill((0.0, 0));
    for (at, own) in tagged.iter().enumerate().rev() {
        for column in (0..columns).rev() {
            let here = off(own, column).map(|off| {
                let next = column + own.spans[1];
                (off + best[at + 1][next].0, column)
            });
            let later = best[at][column + 1];
            best[at][column] = match here {
                Some(here) if here.0 <= later.0 => here,
                _ => later,
            };
        }
    }
    let mut next = 0;
    let mut places = Vec::with_capacity(tagged.len());
    for (at, own) in tagged.iter().enumerate() {
        let (cost, column) = best[at][next.min(columns)];
        if cost.is_infinite() {
            return None;
        }
        places.push(column);
        next = column + own.spans[1];
    }
    Some(places)
}
