//! What looks like a table and is none: text, lists, contents, listings, formulas and charts.

use super::*;

#[test]
fn a_frame_around_text_is_no_table() {
    let rulings = [
        horizontal(0.0, 0.0, 200.0),
        horizontal(80.0, 0.0, 200.0),
        vertical(0.0, 0.0, 80.0),
        vertical(200.0, 0.0, 80.0),
    ];
    assert!(drawn(&[segment(10.0, 10.0, "text")], &rulings).is_empty());
}

#[test]
fn lists_and_prose_are_no_tables() {
    let list = page(&[
        (0.0, 0.0, "1."),
        (60.0, 0.0, "first thing"),
        (0.0, 30.0, "2."),
        (60.0, 30.0, "second"),
        (0.0, 60.0, "3."),
        (60.0, 60.0, "third thing"),
        (0.0, 90.0, "4."),
        (60.0, 90.0, "fourth thing with a much longer text to it"),
    ]);
    assert!(tables(&list, &[]).is_empty());
    assert!(
        tables(
            &page(&[(0.0, 0.0, "one line"), (0.0, 30.0, "and another")]),
            &[]
        )
        .is_empty()
    );
}

#[test]
fn markers_are_told_from_words() {
    for marker in ["•", "1.", "(a)", "iv)", "2.1.", "[3]"] {
        assert!(is_marker(marker), "{marker}");
    }
    for word in ["a", "1998", "tea", "e.g.,", "12"] {
        assert!(!is_marker(word), "{word}");
    }
}

#[test]
fn leader_dots_lead_to_a_value_and_contents_to_a_page() {
    let line = |y: f32, label: &'static str, dots: &'static str, value: &'static str| {
        [(0.0, y, label), (200.0, y, dots), (330.0, y, value)]
    };
    let menu: Vec<_> = [
        line(0.0, "Trout", "...........", "19.50"),
        line(30.0, "Lentils", "...........", "12.00"),
        line(60.0, "Apple cake", "...........", "5.00"),
        line(90.0, "Soup", "...........", "6.00"),
    ]
    .concat();
    assert_eq!(tables(&page(&menu), &[]).len(), 1);
    let contents: Vec<_> = [
        line(0.0, "Roads", "...........", "1"),
        line(30.0, "Markets", "...........", "4"),
        line(60.0, "Weights", "...........", "4"),
        line(90.0, "Register", "...........", "12"),
    ]
    .concat();
    assert!(tables(&page(&contents), &[]).is_empty());
}

#[test]
fn rising_counts_of_years_are_no_pages() {
    let rows = [
        ("1990", "120"),
        ("1991", "135"),
        ("1992", "150"),
        ("1993", "171"),
        ("1994", "180"),
        ("1995", "204"),
    ];
    let line = |(i, (year, count)): (usize, &(&'static str, &'static str))| {
        let y = 30.0 + 30.0 * i as f32;
        [(0.0, y, *year), (200.0, y, *count)]
    };
    let mut texts: Vec<_> = rows.iter().enumerate().flat_map(line).collect();
    texts.extend([(0.0, 0.0, "Year"), (200.0, 0.0, "Members")]);
    assert_eq!(tables(&page(&texts), &[]).len(), 1);
}

#[test]
fn a_grid_of_mostly_empty_places_is_a_chart() {
    let segments = page(&[(10.0, 90.0, "1990"), (110.0, 90.0, "2000")]);
    let mut rulings: Vec<Rect> = (0..6)
        .map(|i| horizontal(20.0 * i as f32, 0.0, 400.0))
        .collect();
    rulings.extend((0..5).map(|i| vertical(100.0 * i as f32, 0.0, 120.0)));
    assert!(drawn(&segments, &rulings).is_empty());
}

fn fixed_pitch(mut segments: Vec<Segment>) -> Vec<Segment> {
    let styles = segments.iter_mut().map(|segment| &mut segment.style);
    styles.for_each(|style| style.fixed_pitch = true);
    segments
}

#[test]
fn columns_of_fixed_pitch_are_a_table_only_if_the_page_has_no_other_font() {
    let rows: [&[&str]; 4] = [
        &["drwxr", "root", "bin"],
        &["drwxr", "root", "etc"],
        &["lrwxr", "adm", "lib"],
        &["drwxr", "adm", "usr"],
    ];
    let listing = fixed_pitch(columns(&[0.0, 150.0, 300.0], 200.0, &rows));
    assert_eq!(tables(&listing, &[]), [html(&rows)]);
    let header = page(&[(0.0, 20.0, "Administration")]);
    is_none(&[listing, header].concat(), &[], Reason::Listing);
}

#[test]
fn on_a_page_that_is_nearly_all_of_fixed_pitch_numbers_are_a_table_and_words_are_none() {
    let header = page(&[(0.0, 20.0, "Annual report")]);
    let text = "abcdefghij ".repeat(12);
    let text = fixed_pitch(page(&[(0.0, 500.0, text.trim())]));
    let on_page = |rows: &[&[&str]]| {
        let own = fixed_pitch(columns(&[0.0, 150.0, 300.0], 200.0, rows));
        [header.clone(), own, text.clone()].concat()
    };
    let numbers: [&[&str]; 3] = [
        &["wool", "12.5", "3.10"],
        &["flax", "8.0", "2.75"],
        &["hemp", "7.5", "1.90"],
    ];
    assert_eq!(tables(&on_page(&numbers), &[]), [html(&numbers)]);
    let words: [&[&str]; 3] = [
        &["wool", "dear", "east"],
        &["flax", "fair", "west"],
        &["hemp", "cheap", "west"],
    ];
    is_none(&on_page(&words), &[], Reason::Listing);
}

#[test]
fn boxes_that_characters_draw_are_a_listing_on_any_page() {
    let rule: &[&str] = &["+------", "+------", "+------"];
    let rows: [&[&str]; 5] = [
        rule,
        &["| day", "| sun", "| bee"],
        &["| dusk", "| star", "| bat"],
        &["| night", "| moon", "| owl"],
        rule,
    ];
    let xs = [0.0, 150.0, 300.0];
    is_none(&fixed_pitch(columns(&xs, 0.0, &rows)), &[], Reason::Listing);
    let bare: Vec<Vec<&str>> = rows[1..4]
        .iter()
        .map(|row| row.iter().map(|text| &text[2..]).collect())
        .collect();
    let bare: Vec<&[&str]> = bare.iter().map(Vec::as_slice).collect();
    let found = tables(&fixed_pitch(columns(&xs, 0.0, &bare)), &[]);
    assert_eq!(found, [html(&bare)]);
}

#[test]
fn code_in_cells_between_three_rules_is_a_table() {
    let head = columns(&[0.0, 150.0], 0.0, &[&["Option", "Meaning"]]);
    let rows: [&[&str]; 3] = [&["-v", "verbose"], &["-q", "quiet"], &["-n", "dry-run"]];
    let rest = fixed_pitch(columns(&[0.0, 150.0], 40.0, &rows));
    let text = page(&[(0.0, 400.0, "The options of the command are few")]);
    let rules = [-6.0, 30.0, 128.0].map(|y| horizontal(y, 0.0, 260.0));
    let expected: Vec<&[&str]> = [&["Option", "Meaning"][..]]
        .into_iter()
        .chain(rows)
        .collect();
    let found = tables(&[head, rest, text].concat(), &rules);
    assert_eq!(found, [html(&expected)]);
}

#[test]
fn code_in_four_bands_between_rules_is_a_table_without_a_head() {
    let rows: [&[&str]; 4] = [
        &["-v", "prints more than it would do otherwise"],
        &["-q", "quiet"],
        &["-n", "dry-run"],
        &["-x", "traced"],
    ];
    let code = fixed_pitch(columns(&[0.0, 150.0], 0.0, &rows));
    let text = page(&[(0.0, 400.0, "The options of the command are few")]);
    let rules = [0, 1, 2, 3, 4].map(|at| horizontal(-5.0 + 30.0 * at as f32, 0.0, 560.0));
    let found = tables(&[code, text].concat(), &rules);
    assert_eq!(found, [html(&rows)]);
}

#[test]
fn a_column_of_equal_signs_is_that_of_formulas() {
    let formulas = |sign: &str| {
        let rows: [&[&str]; 4] = [
            &["a", sign, "b + 1"],
            &["c", sign, "2 d"],
            &["e", sign, "a + c"],
            &["f", sign, "3 g"],
        ];
        columns(&[0.0, 100.0, 200.0], 0.0, &rows)
    };
    for sign in ["=", "≤", ":="] {
        is_none(&formulas(sign), &[], Reason::Formula);
    }
    for sign in [":", "and"] {
        assert_eq!(tables(&formulas(sign), &[]).len(), 1, "{sign}");
    }
}

#[test]
fn lone_brackets_are_those_of_a_matrix() {
    let matrix = |left: &str, right: &str| {
        let rows: [&[&str]; 3] = [
            &[left, "1", "0", "7", right],
            &[left, "4", "1", "0", right],
            &[left, "0", "0", "1", right],
        ];
        columns(&[0.0, 60.0, 120.0, 180.0, 240.0], 0.0, &rows)
    };
    for (left, right) in [("[", "]"), ("⎛", "⎞")] {
        is_none(&matrix(left, right), &[], Reason::Formula);
    }
    assert_eq!(tables(&matrix("oats", "hay"), &[]).len(), 1);
}

#[test]
fn letters_of_fonts_of_mathematics_are_formulas() {
    let rows: [&[&str]; 4] = [
        &["x", "y", "z"],
        &["a", "b", "c"],
        &["p", "q", "r"],
        &["u", "v", "w"],
    ];
    let mut letters = columns(&[0.0, 100.0, 200.0], 0.0, &rows);
    assert_eq!(tables(&letters, &[]), [html(&rows)]);
    letters.iter_mut().for_each(|s| s.style.math = 0.4);
    is_none(&letters, &[], Reason::Formula);
    // Some symbols in a table.
    letters.iter_mut().skip(3).for_each(|s| s.style.math = 0.0);
    assert_eq!(tables(&letters, &[]), [html(&rows)]);
}

#[test]
fn numbers_in_equal_steps_are_an_axis_below_others_and_years_of_a_head_above_them() {
    let axis: &[&str] = &["2000", "2005", "2010", "2015"];
    let values: [&[&str]; 4] = [
        &["31", "12", "40", "18"],
        &["17", "22", "9", "35"],
        &["8", "26", "11", "30"],
        &["5", "19", "2", "21"],
    ];
    let place = |rows: &[&[&str]]| columns(&[0.0, 100.0, 200.0, 300.0], 0.0, rows);
    // Too few rows without the axis.
    let chart = |axis| [values[0], &["", "22", "", ""], values[2], axis];
    is_none(&place(&chart(axis)), &[], Reason::Axis);
    let above: Vec<&[&str]> = [axis].into_iter().chain(values).collect();
    assert_eq!(tables(&place(&above), &[]), [html(&above)]);
    // Unequal steps, and equal ones at unequal distances.
    let unequal = chart(&["2000", "2005", "2010", "2019"]);
    assert_eq!(tables(&place(&unequal), &[]), [html(&unequal)]);
    let far = columns(&[0.0, 100.0, 200.0, 420.0], 0.0, &chart(axis));
    assert_eq!(tables(&far, &[]), [html(&chart(axis))]);
}

#[test]
fn mostly_marks_alone_are_the_points_of_a_chart() {
    let rows: [&[&str]; 4] = [
        &["40", "●", "○"],
        &["30", "●", "●"],
        &["20", "○", "●"],
        &["10", "○", "○"],
    ];
    let place = |rows: &[&[&str]]| columns(&[0.0, 100.0, 200.0], 0.0, rows);
    is_none(&place(&rows), &[], Reason::Marks);
    // Some cells that are ticked off.
    let rows: [&[&str]; 4] = [
        &["oats", "●", "dear"],
        &["flax", "○", "fair"],
        &["hemp", "●", "cheap"],
        &["rye", "none", "fair"],
    ];
    assert_eq!(tables(&place(&rows), &[]), [html(&rows)]);
}

#[test]
fn a_grid_with_text_in_few_of_its_places_is_a_chart() {
    // Some text in each row and column, and more in the first rows.
    let places = |more: usize| {
        let second = (0..more).map(|i| (i, (i + 3) % 8));
        let places = (0..8).map(|i| (i, i)).chain(second);
        let texts: Vec<(f32, f32, &str)> = places
            .map(|(row, column)| (10.0 + 60.0 * column as f32, 10.0 + 40.0 * row as f32, "a"))
            .collect();
        page(&texts)
    };
    let level = (0..9).map(|i| horizontal(40.0 * i as f32, 0.0, 480.0));
    let upright = (0..9).map(|i| vertical(60.0 * i as f32, 0.0, 320.0));
    let lines: Vec<Rect> = level.chain(upright).collect();
    assert!(drawn(&places(4), &lines).is_empty());
    assert_eq!(drawn(&places(8), &lines).len(), 1);
}

/// A page whose only area is none because of what it looks like, and the same page with one thing changed, which is a table.
#[track_caller]
fn only(reason: Reason, none: (&[Segment], &[Rect]), table: (&[Segment], &[Rect])) {
    is_none(none.0, none.1, reason);
    assert_eq!(tables(table.0, table.1).len(), 1);
}

#[test]
fn titles_with_rising_whole_numbers_and_no_head_are_contents() {
    let chapter = |last: &'static str| -> Vec<Segment> {
        let rows: [&[&str]; 6] = [
            &["Foreword", "3"],
            &["Lighting fires", "9"],
            &["Boiling water", "14"],
            &["Baking bread", "14"],
            &["Smoking fish", "27"],
            &["Drying fruit", last],
        ];
        columns(&[0.0, 300.0], 0.0, &rows)
    };
    only(
        Reason::RisingPages,
        (&chapter("31"), &[]),
        (&chapter("12"), &[]),
    );
}

/// Bars at heights, thick enough to be shades, and rows of two pieces at others.
fn bars(heights: &[f32], rows: &[(f32, &'static str, &'static str)]) -> (Vec<String>, Vec<Reason>) {
    let mut texts = Vec::new();
    for (y, left, right) in rows {
        texts.push((10.0, *y, *left));
        if !right.is_empty() {
            texts.push((400.0, *y, *right));
        }
    }
    let segments = page(&texts);
    let fills: Vec<(Rect, [u8; 3])> = heights
        .iter()
        .map(|y| (Rect::new(0.0, *y, 600.0, y + 30.0), [180; 3]))
        .collect();
    let all: Vec<usize> = (0..segments.len()).collect();
    let mut evidence = evidence(&segments, &[], &fills);
    evidence.trace = Trace::on();
    let found = find_drawn(&evidence, &all);
    let considered = evidence.trace.into_inner().considered;
    (
        found.iter().map(|t| t.table.to_html()).collect(),
        considered.iter().filter_map(|c| c.refused).collect(),
    )
}

#[test]
fn sections_below_bars_with_a_heading_each_are_a_form() {
    let rows = [
        (5.0, "Applicant", ""),
        (45.0, "name Moss", "born 1970"),
        (75.0, "town Hull", "road Dock"),
        (105.0, "Vehicle", ""),
        (145.0, "make Saab", "colour red"),
        (175.0, "plate HX", "year 1999"),
        (205.0, "Remarks", ""),
    ];
    let (found, reasons) = bars(&[0.0, 100.0, 200.0], &rows);
    assert!(
        found.is_empty() && reasons.contains(&Reason::FormBars),
        "{found:?} {reasons:?}"
    );
}

#[test]
fn an_empty_stretch_higher_than_a_row_ends_a_table_between_lines() {
    let segments = columns(
        &[10.0, 300.0],
        5.0,
        &[&["oats", "12"], &["rye", "7"], &["wheat", "31"]],
    );
    let with = |last: f32| -> Vec<Rect> {
        [0.0, 30.0, 60.0, 95.0, last]
            .map(|y| horizontal(y, 0.0, 500.0))
            .to_vec()
    };
    let refused = |last: f32| {
        let (found, reasons) = judged(&segments, &with(last));
        assert_eq!(found.len(), 1);
        reasons.contains(&Reason::EmptyBand)
    };
    assert!(refused(300.0) && !refused(115.0));
}

#[test]
fn the_space_between_two_boxes_of_one_width_divides_them() {
    let box_at = |y: f32| {
        vec![
            horizontal(y, 0.0, 500.0),
            horizontal(y + 30.0, 0.0, 500.0),
            horizontal(y + 60.0, 0.0, 500.0),
            vertical(0.0, y, y + 60.0),
            vertical(500.0, y, y + 60.0),
        ]
    };
    let mut segments = columns(&[10.0, 300.0], 5.0, &[&["oats", "12"], &["rye", "7"]]);
    segments.extend(columns(
        &[10.0, 300.0],
        95.0,
        &[&["figs", "3"], &["dates", "5"]],
    ));
    let mut rulings = box_at(0.0);
    rulings.extend(box_at(90.0));
    let (found, reasons) = judged(&segments, &rulings);
    assert!(
        found.len() == 2 && reasons.contains(&Reason::BoxGap),
        "{found:?} {reasons:?}"
    );
}
