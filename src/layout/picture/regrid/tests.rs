//! Which grid a table gets.

use super::*;
use crate::document::{CellPlace, Label};

/// Lines of text, each with the left edge of its words and their middle: 20 pixels high, 10 a letter.
fn segments(lines: &[&[(f32, f32, &str)]]) -> Vec<Segment> {
    let word = |(x, y, text): &(f32, f32, &str)| {
        let width = 10.0 * text.chars().count() as f32;
        Word::of(Rect::new(*x, y - 10.0, x + width, y + 10.0), text)
    };
    let line = |words: &&[(f32, f32, &str)]| Segment::of(words.iter().map(word).collect(), 20.0);
    lines.iter().map(line).collect()
}

/// A table by geometry: the lines of each cell, as `(row, column, first line, last line)`.
fn region(
    segments: &[Segment],
    rows: usize,
    columns: usize,
    cells: &[(usize, usize, &[usize])],
) -> Region {
    let cell = |(row, column, lines): &(usize, usize, &[usize])| {
        let boxes = lines.iter().map(|i| segments[*i].bbox);
        let bbox = Rect::union_all(&boxes.clone().collect::<Vec<_>>()).unwrap_or_default();
        Cell {
            row: *row,
            column: *column,
            row_span: 1,
            column_span: 1,
            text: lines
                .iter()
                .map(|i| segments[*i].text())
                .collect::<Vec<_>>()
                .join(" "),
            place: Some(Box::new(CellPlace {
                page_index: None,
                bbox: bbox.to_pixels(),
                lines: boxes.map(|own| own.to_pixels()).collect(),
                confidence: 1.0,
            })),
            ..Cell::default()
        }
    };
    let table = Table {
        rows,
        columns,
        cells: cells.iter().map(cell).collect(),
    };
    let bbox = Rect::union_all(segments.iter().map(|s| &s.bbox)).unwrap();
    let mut region = Region::new(Label::Table, bbox, 0.9);
    region.lines = (0..segments.len()).map(|i| vec![i]).collect();
    region.table = Some(table);
    region
}

/// A grid with even columns of 200 pixels and rows of 30, in which a row with one number is one cell.
fn seen(rows: &[usize], columns: usize) -> Structure {
    let mut cells = Vec::new();
    for (row, count) in rows.iter().enumerate() {
        let span = columns / count;
        for column in (0..columns).step_by(span) {
            let (x, y) = (200.0 * column as f32, 30.0 * row as f32);
            cells.push(SeenCell {
                row,
                column,
                row_span: 1,
                column_span: span,
                header: row == 0,
                bbox: Rect::new(x, y, x + 200.0 * span as f32, y + 30.0),
            });
        }
    }
    Structure { cells, score: 0.99 }
}

fn texts(table: &Table) -> Vec<(usize, usize, &str)> {
    let cells = table.cells.iter();
    cells
        .map(|cell| (cell.row, cell.column_span, cell.text.as_str()))
        .collect()
}

#[test]
fn a_row_across_the_table_leaves_the_cell_above() {
    let all = segments(&[
        &[(10.0, 15.0, "Name")],
        &[(210.0, 15.0, "Yield")],
        &[(10.0, 45.0, "Oak")],
        &[(210.0, 45.0, "160")],
        &[(180.0, 75.0, "Coast")],
        &[(10.0, 105.0, "Elm")],
        &[(210.0, 105.0, "203")],
    ]);
    let own = region(
        &all,
        3,
        2,
        &[
            (0, 0, &[0]),
            (0, 1, &[1]),
            (1, 0, &[2]),
            (1, 1, &[3, 4]),
            (2, 0, &[5]),
            (2, 1, &[6]),
        ],
    );
    let table = better(&all, &own, &seen(&[2, 2, 1, 2], 2)).unwrap();
    let wanted = [
        (0, 1, "Name"),
        (0, 1, "Yield"),
        (1, 1, "Oak"),
        (1, 1, "160"),
        (2, 2, "Coast"),
        (3, 1, "Elm"),
        (3, 1, "203"),
    ];
    assert_eq!(texts(&table), wanted);
    assert!(table.cells[0].header && !table.cells[2].header);
    // The same grid as geometry's is not taken.
    let merged = Structure {
        score: 0.9,
        ..seen(&[2, 2, 1, 2], 2)
    };
    assert_eq!(better(&all, &own, &merged), None, "it is not sure");
}

#[test]
fn columns_that_are_one_are_divided_where_their_words_differ_in_kind() {
    let all = segments(&[
        &[(10.0, 15.0, "Part")],
        &[(150.0, 15.0, "Load"), (205.0, 15.0, "Found")],
        &[(10.0, 45.0, "Beam")],
        &[(160.0, 45.0, "18,4"), (205.0, 45.0, "none")],
        &[(10.0, 75.0, "Base")],
        &[(160.0, 75.0, "43,6"), (205.0, 75.0, "crack")],
    ]);
    let own = region(
        &all,
        3,
        2,
        &[
            (0, 0, &[0]),
            (0, 1, &[1]),
            (1, 0, &[2]),
            (1, 1, &[3]),
            (2, 0, &[4]),
            (2, 1, &[5]),
        ],
    );
    let mut three = seen(&[3, 3, 3], 3);
    let sides = [0.0, 140.0, 202.0, 400.0];
    for cell in &mut three.cells {
        (cell.bbox.x1, cell.bbox.x2) = (sides[cell.column], sides[cell.column + 1]);
    }
    let table = better(&all, &own, &three).unwrap();
    assert_eq!((table.rows, table.columns), (3, 3));
    assert_eq!(
        texts(&table)[3..6],
        [(1, 1, "Beam"), (1, 1, "18,4"), (1, 1, "none")]
    );
    // Words that are alike stay together.
    let alike = segments(&[
        &[(10.0, 15.0, "Part")],
        &[(150.0, 15.0, "Load"), (205.0, 15.0, "Found")],
        &[(10.0, 45.0, "Beam")],
        &[(160.0, 45.0, "much"), (205.0, 45.0, "more")],
        &[(10.0, 75.0, "Base")],
        &[(160.0, 75.0, "some"), (205.0, 75.0, "less")],
    ]);
    let own = Region {
        table: own.table,
        ..region(&alike, 3, 2, &[])
    };
    assert_eq!(better(&alike, &own, &three), None);
}

#[test]
fn rows_and_columns_without_text_do_not_count() {
    let all = segments(&[
        &[(10.0, 45.0, "Name")],
        &[(210.0, 45.0, "Yield")],
        &[(10.0, 75.0, "Oak")],
        &[(210.0, 75.0, "160")],
    ]);
    let own = region(
        &all,
        2,
        2,
        &[(0, 0, &[0]), (0, 1, &[1]), (1, 0, &[2]), (1, 1, &[3])],
    );
    // One row above and two columns beside the text.
    assert_eq!(better(&all, &own, &seen(&[4, 4, 4], 4)), None);
    let one = seen(&[2], 2);
    assert_eq!(better(&all, &own, &one), None, "a single row");
}
