//! Forms: boxes to be filled in, rows of their own, text in boxes; and tables of one form beside or below each other.

use super::*;

/// The four sides of a box.
fn sides(x1: f32, y1: f32, x2: f32, y2: f32) -> Vec<Rect> {
    vec![
        horizontal(y1, x1, x2),
        horizontal(y2, x1, x2),
        vertical(x1, y1, y2),
        vertical(x2, y1, y2),
    ]
}

/// A frame of 600 by 160 pixels with rows of 40 pixels; the second and third are divided in the middle.
fn form() -> Vec<Rect> {
    let mut rulings = sides(0.0, 0.0, 600.0, 160.0);
    rulings.extend([40.0, 80.0, 120.0].map(|y| horizontal(y, 0.0, 600.0)));
    rulings.push(vertical(300.0, 40.0, 120.0));
    rulings
}

#[test]
fn boxes_to_fill_in_divide_no_cells() {
    let mut rulings = form();
    // For the surname, to be ticked in two cells, one of them on a border.
    rulings.extend(sides(120.0, 50.0, 280.0, 72.0));
    rulings.extend(sides(420.0, 48.0, 442.0, 70.0));
    rulings.extend(sides(420.0, 98.0, 442.0, 120.0));
    let segments = page(&[
        (10.0, 10.0, "Application"),
        (10.0, 50.0, "Surname"),
        (130.0, 50.0, "Moss"),
        (310.0, 50.0, "Member"),
        (310.0, 90.0, "Student"),
        (10.0, 90.0, "Town"),
        (10.0, 130.0, "Remarks on this and that which are long"),
    ]);
    assert_eq!(
        drawn(&segments, &rulings)[0].table.to_html(),
        "<table><tr><td colspan=\"2\">Application</td></tr>\
         <tr><td>Surname Moss</td><td>Member</td></tr><tr><td>Town</td><td>Student</td></tr>\
         <tr><td colspan=\"2\">Remarks on this and that which are long</td></tr></table>"
    );
}

#[test]
fn cells_with_a_frame_each_stay_cells() {
    // A frame around the table, and one around each cell, eight pixels apart.
    let mut rulings = sides(0.0, 0.0, 412.0, 116.0);
    for row in 0..3 {
        for column in 0..2 {
            let (x, y) = (8.0 + 200.0 * column as f32, 8.0 + 36.0 * row as f32);
            rulings.extend(sides(x, y, x + 192.0, y + 28.0));
        }
    }
    let rows: [&[&str]; 3] = [&["oats", "12"], &["barley", "7"], &["wheat", "31"]];
    let mut texts = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let y = 12.0 + 36.0 * at as f32;
        texts.extend([(14.0, y, row[0]), (214.0, y, row[1])]);
    }
    assert_eq!(tables(&page(&texts), &rulings), [html(&rows)]);
}

#[test]
fn rows_of_long_text_do_not_hide_the_columns_of_a_form() {
    // Six lines of text below the rows that are divided are more than what the line between them is worth.
    let mut rulings = sides(0.0, 0.0, 600.0, 300.0);
    rulings.extend([40.0, 80.0].map(|y| horizontal(y, 0.0, 600.0)));
    rulings.push(vertical(300.0, 0.0, 80.0));
    let mut texts = vec![
        (10.0, 10.0, "code"),
        (310.0, 10.0, "title"),
        (10.0, 50.0, "45-2092"),
        (310.0, 50.0, "worker"),
    ];
    let line = "the work is done by hand and needs no more than care";
    texts.extend((0..6).map(|at| (10.0, 90.0 + 30.0 * at as f32, line)));
    let found = drawn(&page(&texts), &rulings);
    let table = &found[0].table;
    assert_eq!((found.len(), table.rows, table.columns), (1, 3, 2));
    let last = table.cells.last().expect("there are cells");
    // The lines in the box are one cell.
    assert_eq!((last.row, last.column_span), (2, 2));
    assert_eq!(last.text, [line; 6].join(" "));
}

#[test]
fn the_number_of_a_heading_does_not_join_a_form() {
    let mut segments = columns(
        &[10.0, 310.0],
        50.0,
        &[&["name", "Moss"], &["town", "Hull"]],
    );
    segments.extend(page(&[(0.0, 4.0, "B."), (80.0, 4.0, "Applicant")]));
    let mut rulings = sides(0.0, 40.0, 600.0, 110.0);
    rulings.extend([horizontal(75.0, 0.0, 600.0), vertical(300.0, 40.0, 110.0)]);
    assert_eq!(
        tables(&segments, &rulings),
        [html(&[&["name", "Moss"], &["town", "Hull"]])]
    );
}

#[test]
fn the_head_again_below_a_title_begins_a_table() {
    let head: &[&str] = &["stop", "am", "pm"];
    let rows: [&[&str]; 7] = [
        head,
        &["Deal", "05:00", "14:27"],
        &["Dover", "05:09", "14:36"],
        &["Saturdays", "", ""],
        head,
        &["Deal", "06:00", "15:27"],
        &["Dover", "06:09", "15:36"],
    ];
    let segments = columns(&[10.0, 210.0, 310.0], 5.0, &rows);
    let rulings: Vec<Rect> = (0..8)
        .map(|at| horizontal(30.0 * at as f32, 0.0, 400.0))
        .collect();
    assert_eq!(
        tables(&segments, &rulings),
        [html(&rows[..3]), html(&rows[4..])]
    );
}

#[test]
fn a_bold_and_larger_line_is_no_part_of_the_cell_above() {
    let rows: [&[&str]; 4] = [
        &["stop", "am", "pm"],
        &["Deal", "05:00", "14:27"],
        &["Dover", "05:09", "14:36"],
        &["Saturdays", "", ""],
    ];
    let mut segments = columns(&[10.0, 210.0, 310.0], 5.0, &rows);
    let title = segments.last_mut().expect("there are segments");
    title.style.bold = true;
    title.style.font_size = 26.0;
    let rulings: Vec<Rect> = [0.0, 30.0, 60.0, 125.0]
        .map(|y| horizontal(y, 0.0, 400.0))
        .to_vec();
    let found = tables(&segments, &rulings);
    assert!(found[0].contains("<td>Dover</td>"), "{found:?}");
}

#[test]
fn shades_that_end_between_columns_are_two_tables() {
    let rows: [&[&str]; 5] = [
        &["Payments", "Units", "Amount", "Deductions", "Amount"],
        &["Basic", "152.00", "2,492.80", "Tax", "347.60"],
        &["Meals", "19", "58.90", "Insurance", "138.70"],
        &["Bonus", "1", "75.00", "Union", "12.00"],
        &["Gross", "172", "2,626.70", "Total", "498.30"],
    ];
    let segments = columns(&[10.0, 150.0, 250.0, 450.0, 600.0], 5.0, &rows);
    let fills = [
        (Rect::new(0.0, 0.0, 360.0, 30.0), [200; 3]),
        (Rect::new(440.0, 0.0, 700.0, 30.0), [200; 3]),
    ];
    let all: Vec<usize> = (0..segments.len()).collect();
    let of = |fills: &[(Rect, [u8; 3])]| -> Vec<usize> {
        let evidence = evidence(&segments, &[], fills);
        let found = find_numbers(&evidence, &all);
        found.iter().map(|found| found.table.columns).collect()
    };
    assert_eq!(of(&fills), [3, 2]);
    // One shade over all of them says that they are one.
    assert_eq!(of(&[(Rect::new(0.0, 0.0, 700.0, 30.0), [200; 3])]), [5]);
}

#[test]
fn headings_at_the_middle_of_their_groups_above_the_first_line_join() {
    let rows: [&[&str]; 4] = [
        &["age", "ill", "all", "ill", "all"],
        &["young", "12", "40", "30", "41"],
        &["middle", "15", "61", "44", "60"],
        &["old", "22", "35", "31", "36"],
    ];
    let mut segments = columns(&[10.0, 200.0, 300.0, 420.0, 520.0], 35.0, &rows);
    let rulings: Vec<Rect> = [30.0, 60.0, 150.0]
        .map(|y| horizontal(y, 0.0, 570.0))
        .to_vec();
    let above = |words: [&'static str; 2]| page(&[(225.0, 5.0, words[0]), (445.0, 5.0, words[1])]);
    let mut captioned = segments.clone();
    segments.extend(above(["vaccinated", "controls"]));
    captioned.extend(above(["Table 2:", "controls"]));
    let rows = |segments: &[Segment]| drawn(segments, &rulings)[0].table.rows;
    assert_eq!((rows(&segments), rows(&captioned)), (5, 4));
    let head = &drawn(&segments, &rulings)[0].table.cells[1];
    assert_eq!((head.text.as_str(), head.column_span), ("vaccinated", 2));
}
