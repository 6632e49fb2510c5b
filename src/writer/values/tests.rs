//! Texts and their values, each in its column.

use super::*;
use crate::document::{Cell, Table};
use proptest::prelude::*;

/// A table of columns without headers.
fn table(columns: &[&[&str]]) -> Table {
    let rows = columns.iter().map(|column| column.len()).max().unwrap_or(0);
    let mut cells = Vec::new();
    for row in 0..rows {
        for (column, texts) in columns.iter().enumerate() {
            cells.push(Cell {
                row,
                column,
                row_span: 1,
                column_span: 1,
                text: texts.get(row).copied().unwrap_or_default().into(),
                ..Cell::default()
            });
        }
    }
    Table {
        rows,
        columns: columns.len(),
        cells,
    }
}

/// Values of the first column: `number [format]`, `date [format]`, or `text`.
fn column(columns: &[&[&str]]) -> Vec<String> {
    let table = table(columns);
    let values = read(&table, 0, DecimalSigns::default());
    let first = table
        .cells
        .iter()
        .zip(values)
        .filter(|(cell, _)| cell.column == 0);
    first
        .map(|(_, value)| match value {
            Some(Value {
                content: Content::Number(number),
                format,
            }) => format!("{number} [{format}]"),
            Some(Value {
                content: Content::Date(y, m, d),
                format,
            }) => format!("{y}-{m}-{d} [{format}]"),
            None => "text".into(),
        })
        .collect()
}

#[track_caller]
fn check(texts: &[&str], expected: &[&str]) {
    assert_eq!(column(&[texts]), expected, "{texts:?}");
}

#[test]
fn numbers_are_shown_as_they_are_printed() {
    for (text, expected) in [
        ("12", "12 [0]"),
        ("2024", "2024 [0]"),
        ("1,234.5", "1234.5 [#,##0.0]"),
        ("1 234,50", "1234.5 [#,##0.00]"),
        ("1.234,50", "1234.5 [#,##0.00]"),
        ("1'234.50", "1234.5 [#,##0.00]"),
        ("1,234,567", "1234567 [#,##0]"),
        ("0,123", "0.123 [0.000]"),
        (".05", "0.05 [.00]"),
        ("(5,500,000)", "-5500000 [#,##0;(#,##0)]"),
        ("-3.50", "-3.5 [0.00]"),
        ("−12", "-12 [0;\"−\"0]"),
        ("12-", "-12 [0;0-]"),
        ("+3.2", "3.2 [+0.0;-0.0]"),
        ("12.5 %", "0.125 [0.0 %]"),
        ("-7%", "-0.07 [0%]"),
        ("33.3%", "0.333 [0.0%]"),
        ("€ 3,20", "3.2 [\"€ \"0.00]"),
        ("3,20 €", "3.2 [0.00\" €\"]"),
        ("$49,497", "49497 [\"$\"#,##0]"),
        ("-$5", "-5 [\"$\"0]"),
        ("$-5", "-5 [\"$\"0;\"$\"-0]"),
        ("($5)", "-5 [\"$\"0;(\"$\"0)]"),
        ("CHF 12.00", "12 [\"CHF \"0.00]"),
        ("123456789012345", "123456789012345 [0]"),
    ] {
        check(&[text], &[expected]);
    }
}

#[test]
fn what_is_no_number_or_may_be_another_stays_text() {
    for text in [
        "",
        "-",
        "–",
        ".",
        "a",
        "007",
        "01067",
        "1.234",
        "1,234",
        "1,23,456",
        "12 apples",
        "1,234 kg",
        "1.2.3",
        "1.2.3.4",
        "1234567890123456",
        "12:30",
        "1e5",
        "1-2",
        "5–",
        "3 4",
        "030 123 456",
        "+49 30 1234",
        "+4930123456",
        "555-1234",
        "123 456 789",
        "=1+1",
        "+SUM(A1)",
        "-cmd|' /C calc'!A0",
        "@a",
        "(1)",
        "(0.5)",
        "31.12.24",
        "05.06.2024",
        "31.13.2024",
        "2024-02-30",
        "1899-12-31",
        "½",
        "١٢",
        "12%%",
        "$5 €",
        "--5",
        "0x1F",
        "inf",
        "NaN",
        "(0)",
        "-0.0",
        "1,,234",
        "1.",
        "1,234.",
        "€",
    ] {
        check(&[text], &["text"]);
    }
}

#[test]
fn the_column_decides_the_decimal_sign() {
    check(&["1.234", "0.5"], &["1.234 [0.000]", "0.5 [0.0]"]);
    check(&["1.234", "0,5"], &["1234 [#,##0]", "0.5 [0.0]"]);
    check(&["1,234", "0,5"], &["1.234 [0.000]", "0.5 [0.0]"]);
    check(&["1.5", "1,5", "7"], &["text", "text", "7 [0]"]);
    // Numbers below a thousand beside those with a comma.
    check(
        &["5,500", "12,345", "200"],
        &["5500 [#,##0]", "12345 [#,##0]", "200 [0]"],
    );
    check(&["5,500", "12,345", "0"], &["text", "text", "0 [0]"]);
    check(&["5.500", "12.345", "200"], &["text", "text", "200 [0]"]);
}

#[test]
fn other_columns_decide_where_one_does_not() {
    assert_eq!(column(&[&["1,234"], &["0.5"]]), ["1234 [#,##0]"]);
    assert_eq!(column(&[&["1,234"], &["0,5"]]), ["1.234 [0.000]"]);
    assert_eq!(column(&[&["1,234"], &["0,5"], &["0.5"]]), ["text"]);
    // Times and sections tell nothing of amounts beside them.
    assert_eq!(column(&[&["1.234"], &["12.30"]]), ["text"]);
    assert_eq!(column(&[&["2.500"], &["1.10"]]), ["text"]);
    // A list of two notes in a table of numbers with points.
    assert_eq!(column(&[&["1,2", "3"], &["0.5", "0.7"]]), ["text", "3 [0]"]);
    let other = [table(&[&["a", "0,5"]])];
    let signs = DecimalSigns::of(other.iter());
    assert!(read(&table(&[&["1.234"]]), 0, signs)[0].is_some());
}

#[test]
fn names_in_digits_stay_text_with_their_column() {
    check(&["01067", "10115"], &["text", "text"]);
    check(&["1.2.3", "1.2", "7"], &["text", "text", "7 [0]"]);
    check(&["10.0.0.1", "192.168.100.200"], &["text", "text"]);
    check(&["123 456 789", "987 654 321"], &["text", "text"]);
    check(&["1 234", "12 345"], &["1234 [#,##0]", "12345 [#,##0]"]);
}

#[test]
fn other_columns_tell_names_and_thousands() {
    let hours: &[&str] = &["0614", "1110"];
    assert_eq!(
        column(&[&["7", "1110", "1805"], hours, hours]),
        ["text", "text", "text"]
    );
    assert_eq!(
        column(&[&["7", "1110", "1805"], hours]),
        ["7 [0]", "1110 [0]", "1805 [0]"]
    );
    assert_eq!(
        column(&[&["98", "11000", "1805"], hours, hours])[1],
        "11000 [0]"
    );
    assert_eq!(
        column(&[&["1 122"], &["990", "1 015"]]),
        ["1122 [#,##0]", "text"]
    );
    assert_eq!(
        column(&[&["276 098 104"], &["990", "1 015"]]),
        ["text", "text"]
    );
    check(&[".11", "19"], &["text", "19 [0]"]);
    check(&[".11", "0.5"], &["0.11 [.00]", "0.5 [0.0]"]);
}

#[test]
fn brackets_are_a_sign_beside_other_numbers() {
    check(&["(5,500)", "0.5"], &["-5500 [#,##0;(#,##0)]", "0.5 [0.0]"]);
    check(&["(40)", "50"], &["-40 [0;(0)]", "50 [0]"]);
    check(&["(1)", "(2)"], &["text", "text"]);
    check(&["(40)", "-50"], &["text", "-50 [0]"]);
    // Errors of estimates.
    check(
        &["0.52", "(0.11)", "0.7", "(0.2)"],
        &["0.52 [0.00]", "text", "0.7 [0.0]", "text"],
    );
}

#[test]
fn the_column_decides_the_order_of_day_and_month() {
    check(&["2024-12-31"], &["2024-12-31 [yyyy\\-mm\\-dd]"]);
    check(
        &["31.12.2024", "1.2.2024"],
        &["2024-12-31 [dd\\.mm\\.yyyy]", "2024-2-1 [d\\.m\\.yyyy]"],
    );
    check(
        &["12/31/2024", "01/02/2024"],
        &["2024-12-31 [mm\\/dd\\/yyyy]", "2024-1-2 [mm\\/dd\\/yyyy]"],
    );
    check(&["12/31/2024", "31/12/2024"], &["text", "text"]);
    check(
        &["2024-02-29", "29/02/2023"],
        &["2024-2-29 [yyyy\\-mm\\-dd]", "text"],
    );
}

#[test]
fn headers_are_above_the_first_number() {
    let rows = |html: &str| header_rows(&Table::from_html(html).unwrap());
    for (html, expected) in [
        ("<tr><td>a<td>b<tr><td>c<td>2", 1),
        ("<tr><td>a<td>2019<tr><td>c<td>2.5", 1),
        ("<tr><td>a<td>b<tr><td>c<td>d<tr><td>e<td>2", 2),
        ("<tr><td>a<td>b<tr><td>Part one<td><tr><td>e<td>2", 1),
        ("<tr><td>a<td>1<tr><td>b<td>2", 0),
        ("<tr><th>1<th>2<tr><td>3<td>4", 1),
        ("<tr><th>1<th>2<tr><th>3<td>4", 1),
        ("<tr><td>a<td>(1)<tr><td>b<td>0.5", 1),
        ("<tr><td>Name<td>Born<tr><td>Ada<td>1815", 1),
        (
            "<tr><td rowspan=2>a<td colspan=2>b<tr><td>c<td>d<tr><td>x<td>y<td>z",
            2,
        ),
        ("<tr><td>a", 1),
        ("<tr><th>a", 1),
    ] {
        assert_eq!(rows(&format!("<table>{html}</table>")), expected, "{html}");
    }
}

/// The text that a workbook shows for a value, in English.
fn shown(value: &Value) -> String {
    let number = match value.content {
        Content::Number(number) => number,
        Content::Date(..) => unreachable!("dates have other formats"),
    };
    let mut sections = value.format.split(';');
    let usual = sections.next().unwrap();
    let (format, sign) = match (number < 0.0, sections.next()) {
        (true, Some(negative)) => (negative, ""),
        (true, None) => (usual, "-"),
        (false, _) => (usual, ""),
    };
    let from = format.find(['#', '0', '.']).unwrap();
    let to = format.rfind('0').unwrap() + 1;
    let digits = &format[from..to];
    let decimals = digits
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len());
    let scale = if format.contains('%') { 100.0 } else { 1.0 };
    let plain = format!("{:.*}", decimals, number.abs() * scale);
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if digits.contains(',') && at > 0 && (whole.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if decimals > 0 {
        text = format!("{text}.{fraction}");
    }
    let dress = |text: &str| text.replace('"', "");
    format!(
        "{sign}{}{text}{}",
        dress(&format[..from]),
        dress(&format[to..])
    )
}

proptest! {
    /// What has a value is shown as it was printed.
    #[test]
    fn numbers_are_shown_unchanged(
        number in 1_u64..10_000_000_000,
        decimals in 1_usize..5,
        is_grouped: bool,
        dress in 0_usize..10,
    ) {
        let (before, after) = [
            ("", ""), ("-", ""), ("−", ""), ("", "-"), ("€ ", ""), ("-$", ""), ("", " EUR"), ("", "%"), ("-", " %"),
            ("(£", ")"),
        ][dress];
        let format = if is_grouped { "#,##0." } else { "0." };
        let format = format!("{format}{}", "0".repeat(decimals));
        let content = Content::Number(number as f64 / 10_f64.powi(decimals as i32));
        let text = format!("{before}{}{after}", shown(&Value { content, format }));
        let values = read(&table(&[&[&text, "0.5"]]), 0, DecimalSigns::default());
        let value = values[0].as_ref().unwrap();
        prop_assert_eq!(shown(value), text.as_str());
        let Content::Number(value) = value.content else { panic!("{text} is a date") };
        let is_negative = matches!(dress, 1 | 2 | 3 | 5 | 8 | 9);
        prop_assert_eq!(value < 0.0, is_negative);
    }

    /// Letters make a text, and nothing that is read panics.
    #[test]
    fn texts_have_no_values(text in "\\PC{0,20}", letter in "[a-z]") {
        let columns: &[&[&str]] = &[&[&text, &format!("{text}{letter}"), "0.5"]];
        let table = table(columns);
        let values = read(&table, 0, DecimalSigns::of(std::iter::once(&table)));
        prop_assert_eq!(&values[1], &None);
        if !text.contains(|c: char| c.is_ascii_digit()) {
            prop_assert_eq!(&values[0], &None);
        }
    }
}
