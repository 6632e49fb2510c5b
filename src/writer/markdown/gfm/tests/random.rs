//! Random paragraphs and pages.

use super::{block, of_blocks, styled, table};
use crate::document::inline::{Inline, Script};
use crate::document::{Body, Label, ListItem, Markup, Page, Paragraph, Table};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Words and signs that mean something in Markdown, HTML or TeX, or nearly do.
const PIECES: &[&str] = &[
    "a",
    "word",
    "Zeit",
    "12",
    "1.",
    "2)",
    "5",
    ".",
    ",",
    " ",
    " ",
    " ",
    " ",
    "\n",
    "*",
    "**",
    "_",
    "__",
    "~",
    "~~",
    "`",
    "```",
    "$",
    "$$",
    "[",
    "]",
    "(",
    ")",
    "](",
    "]:",
    "[^1]",
    "!",
    "<",
    "<b>",
    "</b>",
    "<!--",
    "&",
    "&amp;",
    "&#35;",
    "#",
    "-",
    "+",
    "=",
    "---",
    "|",
    "\\",
    ":",
    ";",
    "\"",
    "'",
    "^",
    "{",
    "}",
    "[x] ",
    "[ ] ",
    "\u{e9}",
    "\u{201c}",
    "\u{4e2d}",
    "\u{1f600}",
    "\u{a0}",
    "\u{7}",
    "\u{20ac}",
    "http://a.b/c_d*e",
    "    ",
    "\t",
    ">",
    "\r\n",
];

fn words() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(PIECES);
    proptest::collection::vec(piece, 1..7).prop_map(|pieces| pieces.concat())
}

/// Formulas that stay what they are: no comment, no dollar sign, pairs of braces.
const FORMULAS: &[&str] = &[
    "x^2",
    "\\frac{a}{b}",
    "a_i",
    "a<b",
    "|x|",
    "[a](b)",
    "\\alpha",
    "a * b * c",
    "x\n+ y",
    "\\|v\\|",
];
const ADDRESSES: &[&str] = &[
    "https://a.b/c",
    "http://a.b/(c)_*d*?e=1&f=2",
    "mailto:a@b.c",
    "javascript:alert(1)",
    "#top",
    "https://a.b/ c",
];
pub(super) const MARKS: &[&str] = &["1", "2", "3", "*", "\u{2020}"];

fn inline() -> impl Strategy<Value = Inline> {
    let run = (words(), 0..14u8, proptest::sample::select(ADDRESSES)).prop_map(
        |(text, style, address)| {
            styled(&text, |run| match style {
                0 | 1 => run.bold = true,
                2 | 3 => run.italic = true,
                4 => (run.bold, run.italic) = (true, true),
                5 => run.code = true,
                6 => run.script = Some(Script::Sub),
                7 => run.script = Some(Script::Sup),
                8 => run.link = Some(address.to_string()),
                9 => (run.link, run.bold) = (Some(address.to_string()), true),
                10 => run.strike = true,
                11 => (run.strike, run.bold) = (true, true),
                _ => {}
            })
        },
    );
    let formula = (proptest::sample::select(FORMULAS), any::<bool>());
    let formula = formula.prop_map(|(latex, display)| Inline::Formula {
        latex: latex.to_string(),
        display,
    });
    let reference = proptest::sample::select(MARKS);
    let reference = reference.prop_map(|mark| Inline::FootnoteReference {
        mark: mark.to_string(),
        page: None,
    });
    prop_oneof![8 => run, 1 => formula, 1 => reference]
}

pub(super) fn inlines() -> impl Strategy<Value = Paragraph> {
    proptest::collection::vec(inline(), 0..5)
}

fn paragraphs() -> impl Strategy<Value = Vec<Paragraph>> {
    proptest::collection::vec(inlines(), 0..3)
}

fn list_items() -> impl Strategy<Value = Vec<ListItem>> {
    const MARKERS: &[&str] = &[
        "", "", "\u{2022}", "-", "1.", "2.", "3.", "1)", "7)", "\u{2610}", "[x]", "(a)", "iv.",
    ];
    let marker = || proptest::sample::select(MARKERS);
    let leaf = (marker(), paragraphs());
    let leaf = leaf.prop_map(|(marker, paragraphs)| ListItem {
        marker: Some(marker.to_string()).filter(|marker| !marker.is_empty()),
        paragraphs,
        items: Vec::new(),
    });
    let item = leaf.prop_recursive(2, 8, 3, move |inner| {
        (marker(), inlines(), proptest::collection::vec(inner, 0..3)).prop_map(
            |(marker, paragraph, items)| ListItem {
                marker: Some(marker.to_string()).filter(|marker| !marker.is_empty()),
                paragraphs: vec![paragraph],
                items,
            },
        )
    });
    proptest::collection::vec(item, 1..4)
}

fn tables() -> impl Strategy<Value = (Table, Markup)> {
    let rows = proptest::collection::vec(proptest::collection::vec(words(), 1..4), 1..4);
    (rows, any::<bool>(), 1..3usize).prop_map(|(rows, is_marked, span)| {
        let rows: Vec<Vec<&str>> = rows
            .iter()
            .map(|row| row.iter().map(String::as_str).collect())
            .collect();
        let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
        let mut table = table(&rows);
        for cell in table.cells.iter_mut().filter(|cell| cell.row == 0) {
            cell.header = is_marked;
        }
        if let Some(last) = table.cells.last_mut().filter(|_| span > 1) {
            last.column_span = span;
            table.columns = table.columns.max(last.column + span);
        }
        (table, Markup::default())
    })
}

fn body() -> impl Strategy<Value = Body> {
    let heading = (0..7u8, inlines()).prop_map(|(depth, text)| Body::Heading {
        depth: Some(depth),
        text,
    });
    let code = (words(), words(), any::<bool>()).prop_map(|(a, b, named)| Body::Code {
        language: named.then(|| "rust".to_string()),
        text: format!("{a}\n  {b}"),
    });
    let formula =
        (proptest::sample::select(FORMULAS), any::<bool>()).prop_map(|(latex, numbered)| {
            Body::Formula {
                latex: latex.to_string(),
                number: numbered.then(|| "(1)".to_string()),
            }
        });
    let picture = (words(), any::<bool>()).prop_map(|(alt, has_path)| Body::Picture {
        path: has_path.then(|| "imgs/a (b)*.jpg".to_string()),
        alt: Some(format!("a {alt}")),
        paragraphs: Vec::new(),
    });
    let note = (proptest::sample::select(MARKS), paragraphs());
    let note = note.prop_map(|(mark, paragraphs)| Body::Footnote {
        mark: Some(mark.to_string()),
        paragraphs,
    });
    prop_oneof![
        6 => paragraphs().prop_map(|paragraphs| Body::Text { paragraphs }),
        3 => heading,
        4 => list_items().prop_map(|items| Body::List { items }),
        1 => proptest::collection::vec(inlines(), 1..3).prop_map(|entries| Body::Contents { entries }),
        3 => tables().prop_map(|(table, _)| Body::Table { table, is_cut: false }),
        1 => code,
        1 => formula,
        1 => picture,
        1 => inlines().prop_map(|text| Body::Caption { text }),
        4 => note,
    ]
}

pub(super) fn pages() -> impl Strategy<Value = Vec<Page>> {
    let block_of = |body: Body| match &body {
        Body::Footnote { .. } => block(Label::Footnote, body),
        Body::Picture { .. } => block(Label::Image, body),
        _ => block(Label::Text, body),
    };
    let page = proptest::collection::vec(body().prop_map(block_of), 0..6);
    // Marks are told apart on each page.
    let page = page.prop_map(|mut blocks| {
        let mut known = BTreeSet::new();
        blocks.retain(|block| match &block.body {
            Body::Footnote { mark, .. } => known.insert(mark.clone()),
            _ => true,
        });
        of_blocks(blocks)
    });
    proptest::collection::vec(page, 1..3)
}
