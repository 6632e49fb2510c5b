//! Workbooks of small documents.

use super::*;
use crate::document::{Block, Label, Page};
use crate::fault::Fault;
use crate::geometry::Rect;
use proptest::prelude::*;
use std::io::Read;

/// The bytes of a workbook with one captioned table.
fn workbook_of(html: &str, caption: &str) -> Vec<u8> {
    let mut page = Page::failed(0, Fault::internal(""));
    for (label, content) in [(Label::FigureTitle, caption), (Label::Table, html)] {
        let mut block = Block::new(label, Rect::new(0.0, 0.0, 9.0, 9.0), 1.0);
        block.content = content.into();
        page.blocks.push(block);
    }
    let document = Document {
        input_path: "a".into(),
        pages: vec![page],
        page_count: None,
        info: Default::default(),
    };
    workbook(&document).unwrap().unwrap()
}

#[test]
fn texts_that_look_like_formulas_are_texts() {
    // The library writes formulas only on request; the cells refer to shared strings.
    for text in [
        "=1+1",
        "+SUM(A1)",
        "-cmd|' /C calc'!A0",
        "@a",
        "\tx",
        "a\u{1}\u{0}b",
    ] {
        let escaped = crate::document::escape(text);
        workbook_of(&format!("<table><tr><td>{escaped}</td></tr></table>"), text);
    }
}

#[test]
fn texts_longer_than_a_cell_are_cut() {
    // Two UTF-16 units each, the first pair across the limit.
    let long = format!("a{}", "\u{1f600}".repeat(MAX_CELL_CHARS / 2 + 5));
    assert_eq!(clipped(&long).encode_utf16().count(), MAX_CELL_CHARS);
    workbook_of(&format!("<table><tr><td>{long}</td></tr></table>"), &long);
    let short = "b".repeat(MAX_CELL_CHARS);
    assert_eq!(clipped(&short), short);
}

#[test]
fn titles_in_notes_are_short_and_plain() {
    assert_eq!(noted("a\u{1}b\nc\u{ffff}"), "a b\nc ");
    assert_eq!(
        noted(&"ä".repeat(MAX_NOTE_BYTES)).chars().count(),
        MAX_NOTE_BYTES / 2
    );
}

#[test]
fn columns_are_as_wide_as_their_texts() {
    let html = "<table><tr><td colspan=2>a<tr><td>some words<td>1,234.50<tr><td>b<td></table>";
    let widths = |html: &str| widths(&Table::from_html(html).unwrap(), 1);
    let narrow = widths(html);
    assert!(narrow[&0] > narrow[&1] && narrow[&1] > 40, "{narrow:?}");
    // A title over all columns widens the last.
    let title = html.replace(">a<", &format!(">{}<", "title ".repeat(9)));
    assert!(widths(&title)[&1] > narrow[&1] && widths(&title)[&0] == narrow[&0]);
    let long = "word ".repeat(999);
    assert_eq!(
        widths(&format!("<table><tr><td>{long}</table>"))[&0],
        MAX_COLUMN_PIXELS
    );
}

#[test]
fn tables_too_wide_for_a_sheet_are_listed() {
    let wide = format!(
        "<table><tr>{}</tr></table>",
        "<td>a</td>".repeat(MAX_COLUMNS + 1)
    );
    assert!(workbook_of(&wide, "a").starts_with(b"PK"));
}

#[test]
fn a_document_without_tables_has_no_workbook() {
    let mut page = Page::failed(0, Fault::internal(""));
    let mut document = Document {
        input_path: "a".into(),
        pages: vec![page.clone()],
        page_count: None,
        info: Default::default(),
    };
    assert!(workbook(&document).unwrap().is_none());
    let mut block = Block::new(Label::Table, Rect::new(0.0, 0.0, 9.0, 9.0), 1.0);
    block.content = "<table><tr><td rowspan=2>x<td>1<tr><td>2</table>".into();
    page.blocks.push(block);
    document.pages = vec![page];
    assert!(
        workbook(&document)
            .unwrap()
            .is_some_and(|bytes| bytes.starts_with(b"PK"))
    );
}

/// The texts of a workbook's cells, in the order of its table of texts.
fn texts(workbook: &[u8]) -> Vec<String> {
    let number = |at: usize, length: usize| {
        let bytes = workbook[at..at + length].iter().rev();
        bytes.fold(0, |sum: usize, byte| sum << 8 | usize::from(*byte))
    };
    let end = (0..workbook.len())
        .rfind(|at| workbook[*at..].starts_with(b"PK\x05\x06"))
        .unwrap();
    let (count, mut at) = (number(end + 10, 2), number(end + 16, 4));
    let mut xml = String::new();
    for _ in 0..count {
        let (packed, name, local) = (number(at + 20, 4), number(at + 28, 2), number(at + 42, 4));
        if workbook[at + 46..at + 46 + name].ends_with(b"sharedStrings.xml") {
            let from = local + 30 + number(local + 26, 2) + number(local + 28, 2);
            let packed = &workbook[from..from + packed];
            flate2::read::DeflateDecoder::new(packed)
                .read_to_string(&mut xml)
                .unwrap();
        }
        at += 46 + name + number(at + 30, 2) + number(at + 32, 2);
    }
    let text = |part: &str| {
        let text = &part[part.find("<t").unwrap()..part.find("</t>").unwrap()];
        crate::document::unescape(&text[text.find('>').unwrap() + 1..])
    };
    xml.split("<si>").skip(1).map(text).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn texts_come_back_unchanged(text in "[=+@<>&\"' .,;_a-z-]{0,6}\\PC{0,20}") {
        // Digits may make a number.
        let text = text.replace(|c: char| c.is_ascii_digit(), "x");
        let text = text.trim();
        prop_assume!(!text.is_empty());
        let html = format!("<table><tr><td>{}</td></tr></table>", crate::document::escape(text));
        prop_assert_eq!(texts(&workbook_of(&html, "a")), [text]);
    }
}
