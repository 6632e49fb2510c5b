//! Rows between lines, and the rows of heads.

use super::*;

/// Lines around the cells of a table: columns end at `xs`, bands at `ys`.
fn boxed(xs: &[f32], ys: &[f32]) -> Vec<Rect> {
    let level = ys.iter().map(|y| horizontal(*y, xs[0], xs[xs.len() - 1]));
    let upright = xs.iter().map(|x| vertical(*x, ys[0], ys[ys.len() - 1]));
    level.chain(upright).collect()
}

#[test]
fn lines_that_fill_the_same_columns_of_a_band_are_rows() {
    let lines = boxed(
        &[0.0, 150.0, 300.0, 450.0],
        &[0.0, 40.0, 180.0, 220.0, 260.0],
    );
    let xs = [10.0, 160.0, 310.0];
    let records: [&[&str]; 4] = [
        &["", "East gate", "Open"],
        &["", "West gate", "Shut"],
        &["", "Sluice", "Open"],
        &["", "Weir", "Dry"],
    ];
    let segments = [
        columns(&xs, 10.0, &[&["Site", "Part", "State"]]),
        columns(&xs, 52.0, &records),
        // The name of all four, at their middle.
        columns(&xs, 97.0, &[&["Mill"]]),
        columns(&xs, 190.0, &[&["Ford", "Steps", "Wet"]]),
        columns(&xs, 230.0, &[&["Quay", "Crane", "New"]]),
    ]
    .concat();
    let expected = "<table><tr><td>Site</td><td>Part</td><td>State</td></tr>\
        <tr><td rowspan=\"4\">Mill</td><td>East gate</td><td>Open</td></tr>\
        <tr><td>West gate</td><td>Shut</td></tr><tr><td>Sluice</td><td>Open</td></tr>\
        <tr><td>Weir</td><td>Dry</td></tr><tr><td>Ford</td><td>Steps</td><td>Wet</td></tr>\
        <tr><td>Quay</td><td>Crane</td><td>New</td></tr></table>";
    assert_eq!(tables(&segments, &lines), [expected]);
}

#[test]
fn a_label_above_a_value_in_each_cell_is_one_row() {
    let lines = boxed(&[0.0, 150.0, 300.0], &[0.0, 60.0, 120.0, 180.0]);
    let band = |y: f32, rows: [&[&str]; 2]| columns(&[10.0, 160.0], y, &rows);
    let segments = [
        band(5.0, [&["Name", "Town"], &["O. Rafferty", "Tullaghan"]]),
        band(65.0, [&["Street", "House"], &["Weir Lane", "Mill"]]),
        band(125.0, [&["Trade", "Since"], &["Miller", "May"]]),
    ]
    .concat();
    let expected = html(&[
        &["Name O. Rafferty", "Town Tullaghan"],
        &["Street Weir Lane", "House Mill"],
        &["Trade Miller", "Since May"],
    ]);
    assert_eq!(tables(&segments, &lines), [expected]);
}

#[test]
fn a_paragraph_in_the_first_column_is_one_row() {
    let ys = [0.0, 40.0, 170.0, 210.0];
    let lines: Vec<Rect> = ys.iter().map(|y| horizontal(*y, 0.0, 420.0)).collect();
    let xs = [10.0, 240.0, 340.0];
    let paragraph: [&[&str]; 4] = [
        &["All timber of the", "Forest", "Felled"],
        &["Northern Estate is"],
        &["Measured and marked"],
        &["Before Michaelmas"],
    ];
    let segments = [
        columns(&xs, 10.0, &[&["What", "Where", "State"]]),
        columns(&xs, 45.0, &paragraph),
        columns(&xs, 180.0, &[&["Bark", "Yard", "Dry"]]),
    ]
    .concat();
    let text = "All timber of the Northern Estate is Measured and marked Before Michaelmas";
    let expected = html(&[
        &["What", "Where", "State"],
        &[text, "Forest", "Felled"],
        &["Bark", "Yard", "Dry"],
    ]);
    assert_eq!(tables(&segments, &lines), [expected]);
}

/// The head of a table of three columns whose last cell of the first row goes down over `rows` more.
fn head_below(rows: usize) -> Table {
    let (bottom, step) = (200.0, 40.0);
    let mut lines: Vec<Rect> = [0.0, 150.0, 300.0, 450.0]
        .map(|x| vertical(x, 0.0, bottom))
        .to_vec();
    for at in 0..=5 {
        let is_open = (1..=rows).contains(&at);
        let right = if is_open { 300.0 } else { 450.0 };
        lines.push(horizontal(step * at as f32, 0.0, right));
    }
    let texts: Vec<Segment> = [
        ["Site", "Depth"],
        ["Mill", "12.5"],
        ["Ford", "0.4"],
        ["Quay", "6.1"],
        ["Weir", "2.2"],
    ]
    .iter()
    .enumerate()
    .flat_map(|(at, row)| columns(&[10.0, 160.0], 10.0 + step * at as f32, &[&row[..]]))
    .collect();
    let cell = page(&[(310.0, 20.0 * rows as f32 + 10.0, "Remarks")]);
    let segments = [texts, cell].concat();
    let found = drawn(&segments, &lines);
    assert_eq!(found.len(), 1);
    found[0].table.clone()
}

#[test]
fn no_cell_reaches_out_of_a_head() {
    for rows in 0..=3 {
        let table = head_below(rows);
        let head = table.head_rows();
        let last = table.cells.iter().find(|cell| cell.text == "Remarks");
        assert_eq!(last.map(|cell| cell.row_span), Some(rows + 1), "{table:?}");
        for cell in &table.cells {
            let is_within = cell.row + cell.row_span <= head;
            assert!(is_within || cell.row >= head, "{rows}: {cell:?}");
            assert_eq!(cell.header, is_within, "{rows}: {cell:?}");
        }
    }
    assert_eq!(head_below(0).head_rows(), 1);
}
