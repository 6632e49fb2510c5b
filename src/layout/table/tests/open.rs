//! Tables without lines: what holds them together, and where they end. And the choice among areas.

use super::*;

const COLUMNS: [f32; 3] = [0.0, 150.0, 450.0];

/// Lines of a cell of the second column, the first one at `y`.
fn lines_below(y: f32, lines: &[&'static str]) -> Vec<Segment> {
    let at = |(i, line): (usize, &&'static str)| (COLUMNS[1], y + 22.0 * i as f32, *line);
    page(&lines.iter().enumerate().map(at).collect::<Vec<_>>())
}

#[test]
fn cells_of_many_lines_hold_a_table_together() {
    let text = ["Transfer to the", "mill for repair of", "its upper wheel"];
    let more = [
        "Standing order of",
        "the ferry and of",
        "its boats and",
        "oars",
    ];
    let row = |y: f32, row: &[&str]| columns(&COLUMNS, y, &[row]);
    let segments = [
        row(0.0, &["Date", "Details", "Amount"]),
        row(30.0, &["3 May", "", "12.00"]),
        lines_below(30.0, &text),
        row(104.0, &["4 May", "", "8.50"]),
        lines_below(104.0, &more),
        row(200.0, &["7 May", "Rent", "40.00"]),
    ]
    .concat();
    let expected = html(&[
        &["Date", "Details", "Amount"],
        &["3 May", &text.join(" "), "12.00"],
        &["4 May", &more.join(" "), "8.50"],
        &["7 May", "Rent", "40.00"],
    ]);
    assert_eq!(tables(&segments, &[]), [expected]);
}

#[test]
fn the_last_row_keeps_its_wrapped_lines() {
    let rows: [&[&str]; 3] = [
        &["Date", "Details", "Amount"],
        &["3 May", "Rent", "40.00"],
        &["4 May", "Standing order of", "8.50"],
    ];
    let more = ["the ferry and of", "its boats"];
    let segments = [columns(&COLUMNS, 0.0, &rows), lines_below(82.0, &more)].concat();
    let expected = html(&[
        rows[0],
        rows[1],
        &[
            "4 May",
            "Standing order of the ferry and of its boats",
            "8.50",
        ],
    ]);
    assert_eq!(tables(&segments, &[]), [expected]);
    // A paragraph below it, after some space.
    let paragraph = lines_below(106.0, &["the ferry and of", "its boats"]);
    let segments = [columns(&COLUMNS, 0.0, &rows), paragraph].concat();
    assert_eq!(tables(&segments, &[]), [html(&rows)]);
}

#[test]
fn shaded_rows_of_two_lines_are_a_table() {
    let rows: [(&str, [&'static str; 2], &str); 5] = [
        ("Alder", ["Soft wood for", "the piles"], "wet"),
        ("Birch", ["White wood for", "the spoons"], "dry"),
        ("Cedar", ["Sweet wood for", "the chests"], "dry"),
        ("Elm", ["Tough wood for", "the wheels"], "wet"),
        ("Larch", ["Hard wood for", "the boats"], "wet"),
    ];
    let mut segments = Vec::new();
    let mut fills = Vec::new();
    let mut expected = Vec::new();
    for (at, (name, lines, place)) in rows.iter().enumerate() {
        let y = 60.0 * at as f32;
        segments.extend(columns(&COLUMNS, y + 8.0, &[&[name, "", place]]));
        segments.extend(lines_below(y + 8.0, lines));
        let color = [[220; 3], [240; 3]][at % 2];
        fills.push((Rect::new(-10.0, y, 560.0, y + 60.0), color));
        expected.push([name.to_string(), lines.join(" "), place.to_string()]);
    }
    let expected: Vec<Vec<&str>> = expected
        .iter()
        .map(|row| row.iter().map(String::as_str).collect())
        .collect();
    let expected: Vec<&[&str]> = expected.iter().map(Vec::as_slice).collect();
    let found = shaded(&segments, &[], &fills);
    let found: Vec<String> = found.iter().map(|t| t.table.to_html()).collect();
    assert_eq!(found, [html(&expected)]);
}

const FRUIT: [&[&str]; 4] = [
    &["Fruit", "Kind", "Price"],
    &["plums", "blue", "4.10"],
    &["pears", "green", "3.00"],
    &["quinces", "yellow", "5.20"],
];

#[test]
fn a_numbered_heading_in_bold_ends_a_table() {
    let fish: [&[&str]; 4] = [
        &["Fish", "Water", "Price"],
        &["trout", "brook", "9.50"],
        &["eel", "river", "12.00"],
        &["carp", "pond", "6.40"],
    ];
    let heading = |text: &str, is_bold: bool| {
        let mut segments = page(&[(0.0, 120.0, text)]);
        segments[0].style.bold = is_bold;
        let rest = columns(&COLUMNS, 150.0, &fish);
        [columns(&COLUMNS, 0.0, &FRUIT), segments, rest].concat()
    };
    let found = tables(&heading("3.2.2 Opcode view", true), &[]);
    assert_eq!(found, [html(&FRUIT), html(&fish)]);
    for (text, is_bold) in [("3.2.2 Opcode view", false), ("Opcode view", true)] {
        assert_eq!(tables(&heading(text, is_bold), &[]).len(), 1, "{text}");
    }
}

#[test]
fn a_numbered_heading_in_two_pieces_is_no_row() {
    let heading = |y: f32| {
        let mut pieces = page(&[(0.0, y, "3.2"), (150.0, y, "Opcodes")]);
        pieces[0].style.bold = true;
        pieces
    };
    let fruit = columns(&COLUMNS, 0.0, &FRUIT);
    for y in [-30.0, 120.0] {
        let segments = [fruit.clone(), heading(y)].concat();
        assert_eq!(tables(&segments, &[]), [html(&FRUIT)], "{y}");
    }
}

#[test]
fn a_line_of_text_across_the_columns_is_no_row() {
    // Two segments without a gap between them.
    let line = |y: f32| {
        let texts = [
            (0.0, y, "All prices are those of"),
            (240.0, y, "May and are paid at the gate"),
        ];
        page(&texts)
    };
    let fruit = columns(&COLUMNS, 0.0, &FRUIT);
    for y in [-30.0, 120.0] {
        let segments = [fruit.clone(), line(y)].concat();
        assert_eq!(tables(&segments, &[]), [html(&FRUIT)], "{y}");
    }
    // A short one is a heading within the table.
    let title = page(&[
        (0.0, -30.0, "All prices are"),
        (150.0, -30.0, "those of May"),
    ]);
    assert_eq!(tables(&[fruit, title].concat(), &[]).len(), 1);
}

#[test]
fn two_tables_within_an_area_win_if_they_are_worth_more_together() {
    let above: [&[&str]; 4] = [
        &["trout", "of the brook above the mill"],
        &["eel", "of the river below the weir"],
        &["carp", "of the pond beside the barn"],
        &["bream", "of the lake behind the hill"],
    ];
    let below: [&[&str]; 4] = [
        &["plums", "blue", "sweet"],
        &["pears", "green", "hard"],
        &["figs", "black", "sweet"],
        &["sloes", "blue", "sour"],
    ];
    let segments = [
        columns(&[60.0, 160.0], 50.0, &above),
        columns(&[60.0, 160.0, 300.0], 200.0, &below),
    ]
    .concat();
    // Pairs of rules, each with an extent of its own; the outer ones enclose both tables.
    let pair = |y: [f32; 2], x: [f32; 2]| y.map(|y| horizontal(y, x[0], x[1]));
    let inner = [
        pair([44.0, 170.0], [25.0, 475.0]),
        pair([190.0, 320.0], [50.0, 450.0]),
    ];
    let outer = pair([24.0, 340.0], [0.0, 500.0]);
    let (found, reasons) = judged(&segments, &[inner[0], inner[1], outer].concat());
    assert_eq!(found, [html(&below), html(&above)], "{reasons:?}");
    // Without them the outer ones are a table of two columns, of more worth than either.
    let is_lost = |reason: &Reason| matches!(reason, Reason::Lost(_));
    assert!(reasons.iter().any(is_lost), "{reasons:?}");
    assert_eq!(tables(&segments, &outer).len(), 1);
}
