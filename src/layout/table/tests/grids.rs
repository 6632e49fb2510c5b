//! Grids of tables: rows, columns, spans and heads, with lines and without.

use super::*;

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
    let found = drawn(&segments, &rulings);
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
    let found = drawn(&segments, &rulings);
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
    let found = drawn(&segments, &rulings);
    assert_eq!(
        found[0].table.to_html(),
        "<table><tr><td rowspan=\"2\">6</td><td>a</td><td>1</td></tr><tr><td>b</td><td>2</td></tr></table>"
    );
}

#[test]
fn aligned_pieces_are_a_table() {
    let segments = page(&[
        (0.0, 0.0, "name"),
        (200.0, 0.0, "size"),
        (300.0, 0.0, "price"),
        (0.0, 30.0, "green tea"),
        (200.0, 30.0, "1"),
        (300.0, 30.0, "2.50"),
        (0.0, 60.0, "milk"),
        (200.0, 60.0, "2"),
        (300.0, 60.0, "1.10"),
    ]);
    assert_eq!(
        tables(&segments, &[]),
        [
            "<table><tr><td>name</td><td>size</td><td>price</td></tr><tr><td>green tea</td><td>1</td><td>2.50</td>\
          </tr><tr><td>milk</td><td>2</td><td>1.10</td></tr></table>"
        ]
    );
}

#[test]
fn a_heading_over_a_partial_rule_spans_its_columns() {
    let segments = page(&[
        (250.0, 0.0, "both"),
        (0.0, 30.0, "name"),
        (200.0, 30.0, "min"),
        (320.0, 30.0, "max"),
        (0.0, 60.0, "a"),
        (200.0, 60.0, "1"),
        (320.0, 60.0, "2"),
    ]);
    let rule = |y: f32, x1: f32, x2: f32| Rect::new(x1, y, x2, y + 1.0);
    let rulings = [
        rule(-5.0, 0.0, 360.0),
        rule(25.0, 195.0, 355.0),
        rule(90.0, 0.0, 360.0),
    ];
    let html = tables(&segments, &rulings);
    assert_eq!(html.len(), 1);
    assert!(
        html[0].starts_with("<table><tr><td></td><td colspan=\"2\">both</td></tr>"),
        "{}",
        html[0]
    );
}

#[test]
fn a_rule_below_tells_that_a_heading_spans_the_first_column() {
    let segments = page(&[
        (60.0, 0.0, "Item"),
        (0.0, 30.0, "Animal"),
        (150.0, 30.0, "Kind"),
        (300.0, 30.0, "Price"),
        (0.0, 60.0, "Gnu"),
        (150.0, 60.0, "stuffed"),
        (300.0, 60.0, "92.50"),
    ]);
    let rule = |y: f32, x1: f32, x2: f32| Rect::new(x1, y, x2, y + 1.0);
    let rulings = [
        rule(-5.0, 0.0, 360.0),
        rule(25.0, 0.0, 230.0),
        rule(90.0, 0.0, 360.0),
    ];
    let html = tables(&segments, &rulings);
    assert_eq!(html.len(), 1);
    assert!(
        html[0].starts_with("<table><tr><td colspan=\"2\">Item</td><td></td></tr>"),
        "{}",
        html[0]
    );
}

#[test]
fn rules_between_rows_do_not_hide_the_gaps_between_columns() {
    // Lines below each other in one direction only.
    let texts = [
        (0.0, 10.0, "Austria"),
        (200.0, 10.0, "92.9"),
        (300.0, 10.0, "7.1"),
        (0.0, 50.0, "Belgium"),
        (200.0, 50.0, "81.0"),
        (300.0, 50.0, "19.0"),
    ];
    let rulings: Vec<Rect> = [0.0, 40.0, 80.0]
        .map(|y| horizontal(y, 0.0, 400.0))
        .to_vec();
    let expected = html(&[&["Austria", "92.9", "7.1"], &["Belgium", "81.0", "19.0"]]);
    assert_eq!(tables(&page(&texts), &rulings), [expected]);
}

#[test]
fn shaded_cells_are_cells() {
    let segments = page(&[
        (10.0, 10.0, "day"),
        (110.0, 10.0, "night"),
        (10.0, 60.0, "sun"),
        (110.0, 60.0, "moon"),
    ]);
    let fill = |x: f32, y: f32| (Rect::new(x, y, x + 96.0, y + 46.0), [200, 210, 230]);
    let fills = [
        fill(0.0, 0.0),
        fill(100.0, 0.0),
        fill(0.0, 50.0),
        fill(100.0, 50.0),
    ];
    let found = shaded(&segments, &[], &fills);
    let found: Vec<String> = found.iter().map(|t| t.table.to_html()).collect();
    assert_eq!(found, [html(&[&["day", "night"], &["sun", "moon"]])]);
}

#[test]
fn wrapped_cells_are_one_row_and_numbers_are_two() {
    let texts = [
        (0.0, 0.0, "Item"),
        (200.0, 0.0, "Price"),
        (320.0, 0.0, "Stock"),
        (0.0, 30.0, "a long name of"),
        (200.0, 30.0, "12.00"),
        (320.0, 30.0, "4"),
        (0.0, 52.0, "a thing"),
        (0.0, 90.0, "salt"),
        (200.0, 90.0, "3.00"),
        (320.0, 90.0, "9"),
        (0.0, 120.0, "oil"),
        (200.0, 120.0, "8.50"),
        (320.0, 120.0, "1"),
    ];
    let expected = html(&[
        &["Item", "Price", "Stock"],
        &["a long name of a thing", "12.00", "4"],
        &["salt", "3.00", "9"],
        &["oil", "8.50", "1"],
    ]);
    assert_eq!(tables(&page(&texts), &[]), [expected]);
}

#[test]
fn rows_above_the_numbers_are_the_head() {
    let texts = [
        (0.0, 0.0, "Item"),
        (200.0, 0.0, "2019"),
        (320.0, 0.0, "2020"),
        (0.0, 30.0, "Fruit"),
        (0.0, 60.0, "plums"),
        (200.0, 60.0, "12.00"),
        (320.0, 60.0, "4.10"),
        (0.0, 90.0, "pears"),
        (200.0, 90.0, "3.00"),
        (320.0, 90.0, "9.20"),
    ];
    let segments = page(&texts);
    let evidence = Evidence::new(&segments, &[], &[], (1000.0, 1000.0), 20.0);
    let all: Vec<usize> = (0..segments.len()).collect();
    let found = find_open(&evidence, &rows(&all, &segments));
    assert_eq!(found[0].table.head_rows(), 1, "{:?}", found[0].table);
}

#[test]
fn numbers_that_never_stand_side_by_side_are_two_columns() {
    let mut texts = vec![
        (0.0, 0.0, "day"),
        (150.0, 0.0, "out"),
        (260.0, 0.0, "in"),
        (340.0, 0.0, "rest"),
    ];
    let rows = [
        ("1", "12.00", "", "88.00"),
        ("2", "", "30.00", "118.0"),
        ("3", "18.00", "", "100.0"),
        ("4", "", "50.00", "150.0"),
        ("5", "", "10.00", "160.0"),
        ("6", "60.00", "", "100.0"),
    ];
    for (i, (day, paid, received, rest)) in rows.iter().enumerate() {
        let y = 30.0 + 30.0 * i as f32;
        texts.extend([(0.0, y, *day), (340.0, y, *rest)]);
        texts.extend(
            [(150.0, y, *paid), (260.0, y, *received)]
                .into_iter()
                .filter(|t| !t.2.is_empty()),
        );
    }
    let found = tables(&page(&texts), &[]);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].contains("<td>12.00</td><td></td><td>88.00</td>"),
        "{}",
        found[0]
    );
    assert!(
        found[0].contains("<td></td><td>30.00</td><td>118.0</td>"),
        "{}",
        found[0]
    );
}

#[test]
fn titles_and_notes_within_the_frame_stay_outside() {
    let segments = page(&[
        (10.0, 10.0, "Table 3. Oils"),
        (10.0, 50.0, "olive"),
        (210.0, 50.0, "12"),
        (10.0, 90.0, "linseed"),
        (210.0, 90.0, "7"),
        (10.0, 130.0, "Source: our own"),
    ]);
    let mut rulings: Vec<Rect> = [0.0, 40.0, 80.0, 120.0, 160.0]
        .map(|y| horizontal(y, 0.0, 400.0))
        .to_vec();
    rulings.extend([
        vertical(0.0, 0.0, 160.0),
        vertical(400.0, 0.0, 160.0),
        vertical(200.0, 40.0, 120.0),
    ]);
    let found = tables(&segments, &rulings);
    assert_eq!(found, [html(&[&["olive", "12"], &["linseed", "7"]])]);
}

#[test]
fn cells_shaded_in_strips_are_cells() {
    let segments = page(&[
        (10.0, 10.0, "day"),
        (110.0, 10.0, "night"),
        (10.0, 60.0, "sun"),
        (110.0, 60.0, "moon"),
    ]);
    let strips = |x: f32, y: f32| {
        (0..4).map(move |i| {
            let top = y + 11.5 * i as f32;
            (Rect::new(x, top, x + 96.0, top + 11.5), [200, 210, 230])
        })
    };
    let places = [(0.0, 0.0), (100.0, 0.0), (0.0, 50.0), (100.0, 50.0)];
    let fills: Vec<_> = places.into_iter().flat_map(|(x, y)| strips(x, y)).collect();
    let found = shaded(&segments, &[], &fills);
    let found: Vec<String> = found.iter().map(|t| t.table.to_html()).collect();
    assert_eq!(found, [html(&[&["day", "night"], &["sun", "moon"]])]);
}

#[test]
fn tables_from_right_to_left_begin_at_the_right() {
    let mut segments = page(&[
        (0.0, 0.0, "12.50"),
        (200.0, 0.0, "3"),
        (300.0, 0.0, "ספר"),
        (0.0, 30.0, "8.00"),
        (200.0, 30.0, "1"),
        (300.0, 30.0, "עט"),
        (0.0, 60.0, "9.00"),
        (200.0, 60.0, "2"),
        (300.0, 60.0, "דיו"),
    ]);
    for segment in segments.iter_mut().filter(|s| s.bbox.x1 >= 300.0) {
        segment.right_to_left = true;
    }
    let expected = html(&[
        &["ספר", "3", "12.50"],
        &["עט", "1", "8.00"],
        &["דיו", "2", "9.00"],
    ]);
    assert_eq!(tables(&segments, &[]), [expected]);
}

#[test]
fn turned_tables_are_read_as_when_the_page_is_turned() {
    let rows = [
        ["Field", "Rye", "Oats"],
        ["Acre", "3.2", "2.9"],
        ["Mill", "3.0", "2.7"],
        ["Down", "2.4", "2.2"],
    ];
    // Lines side by side, read from the bottom of the page to its top.
    let mut segments = Vec::new();
    for (line, row) in rows.iter().enumerate() {
        for (column, text) in row.iter().enumerate() {
            let (x, foot) = (100.0 + 30.0 * line as f32, 800.0 - 150.0 * column as f32);
            let bbox = Rect::new(x, foot - 10.0 * text.len() as f32, x + 20.0, foot);
            let mut segment = Segment::of(vec![Word::of(bbox, text)], 20.0);
            segment.direction = Direction::Turned;
            segments.push(segment);
        }
    }
    let all: Vec<usize> = (0..segments.len()).collect();
    let found = find_turned(
        &segments,
        &[],
        &[],
        (1000.0, 1000.0),
        &all,
        &Trace::default(),
    );
    let expected = html(&[&rows[0], &rows[1], &rows[2], &rows[3]]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].table.to_html(), expected);
    assert_eq!(found[0].bbox.to_pixels(), [100, 460, 210, 800]);
}

#[test]
fn lines_join_as_their_scripts_do() {
    let join = |a: &str, b: &str, cut| {
        let mut text = a.to_string();
        join_line(&mut text, b, cut);
        text
    };
    assert_eq!(join("one", "two", false), "one two");
    assert_eq!(join("hyphen", "ation", true), "hyphen\u{ad}ation");
    assert_eq!(join("well-", "known", false), "well-known");
    assert_eq!(join("a -", "b", false), "a - b");
    assert_eq!(join("中文", "文字", false), "中文文字");
    assert_eq!(join("", "x", false), "x");
}

#[test]
fn a_trace_has_the_grid_that_was_chosen_and_the_reason_why_others_were_not() {
    // The upper row is one cell. Below the table are boxes with a letter each: nothing is divided.
    let rulings = [
        horizontal(0.0, 0.0, 200.0),
        horizontal(40.0, 0.0, 200.0),
        horizontal(80.0, 0.0, 200.0),
        vertical(0.0, 0.0, 80.0),
        vertical(100.0, 40.0, 80.0),
        vertical(200.0, 0.0, 80.0),
        horizontal(300.0, 0.0, 200.0),
        horizontal(340.0, 0.0, 200.0),
        vertical(0.0, 300.0, 340.0),
    ];
    let segments = [
        segment(60.0, 10.0, "head"),
        segment(10.0, 50.0, "a"),
        segment(110.0, 50.0, "b"),
        segment(10.0, 310.0, "c"),
    ];
    let mut evidence = Evidence::new(&segments, &rulings, &[], (1000.0, 1000.0), 20.0);
    evidence.trace = Trace::on();
    let all: Vec<usize> = (0..segments.len()).collect();
    let found = find_drawn(&evidence, &all);
    let trace = evidence.trace.into_inner();
    let chosen = trace.considered.iter().filter(|c| c.refused.is_none());
    let chosen: Vec<&Considered> = chosen.collect();
    let [table] = chosen[..] else {
        panic!("{:#?}", trace.considered)
    };
    assert_eq!(table.area, found[0].bbox);
    let cells = table.grid.cells.iter();
    let sides: Vec<[f32; 4]> = cells
        .map(|(r, _)| [r.x1, r.y1, r.x2, r.y2].map(f32::round))
        .collect();
    let expected = [
        [0.0, 0.0, 201.0, 41.0],
        [0.0, 40.0, 101.0, 81.0],
        [100.0, 40.0, 201.0, 81.0],
    ];
    assert_eq!(sides, expected);
    let reasons: Vec<Reason> = trace.considered.iter().filter_map(|c| c.refused).collect();
    assert!(reasons.contains(&Reason::NoGrid), "{reasons:?}");
}
