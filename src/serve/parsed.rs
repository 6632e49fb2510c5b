//! The JSON that a job has written, read back: what other dialects make their answers of.
//!
//! Only what they need of `docs/output.schema.json`; everything else in the file is passed over.

use serde::Deserialize;

/// A document.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Parsed {
    /// Its pages, in order.
    pub pages: Vec<ParsedPage>,
}

impl Parsed {
    /// `true` if any of its pages could be read: those that could not have no size.
    pub(crate) fn is_readable(&self) -> bool {
        self.pages.is_empty() || self.pages.iter().any(|page| page.width > 0.0)
    }
}

/// A page, or several in a row that have nothing but the same message.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct ParsedPage {
    /// Position, from 0; `None` for a plain picture.
    #[serde(default)]
    pub page_index: Option<usize>,
    /// Width in pixels.
    pub width: f64,
    /// Height in pixels.
    pub height: f64,
    /// Blocks in reading order.
    #[serde(rename = "parsing_res_list", default)]
    pub blocks: Vec<ParsedBlock>,
    /// What was noticed.
    pub diagnostics: PageFacts,
}

/// A block.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct ParsedBlock {
    /// Label.
    #[serde(rename = "block_label")]
    pub label: String,
    /// Left, top, right and bottom in page pixels.
    #[serde(rename = "block_bbox")]
    pub bbox: [f64; 4],
    /// Content by kind.
    #[serde(default)]
    pub body: Body,
}

/// What was noticed of a page.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct PageFacts {
    /// Where its text comes from.
    pub text: TextOrigin,
    /// The same of its blocks, in order.
    #[serde(default)]
    pub blocks: Vec<BlockFacts>,
}

/// Where a text comes from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct TextOrigin {
    /// `text_layer`, `lines` or `none`.
    pub source: String,
}

/// What was noticed of a block.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub(crate) struct BlockFacts {
    /// Path of its picture below the result's folder.
    #[serde(default)]
    pub image: Option<String>,
    /// Its lines, where lines were recognized.
    #[serde(default)]
    pub lines: Vec<ParsedLine>,
    /// How a model wrote it.
    #[serde(default)]
    pub generation: Option<GenerationFacts>,
}

/// A recognized line.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct ParsedLine {
    /// Text.
    pub text: String,
    /// Left, top, right and bottom in page pixels.
    pub bbox: [f64; 4],
    /// Confidence, 0 to 1.
    pub confidence: f64,
}

/// How a model wrote a block.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct GenerationFacts {
    /// Mean logarithm of its tokens' probabilities.
    #[serde(default)]
    pub mean_log_probability: Option<f64>,
}

/// A paragraph.
pub(crate) type Paragraph = Vec<Inline>;

/// Content by kind.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// Part of an earlier block.
    Joined {
        /// Position of its page.
        page: usize,
        /// Position on that page.
        block: usize,
    },
    /// Running text.
    Text {
        /// Its paragraphs.
        paragraphs: Vec<Paragraph>,
    },
    /// A heading.
    Heading {
        /// 0 for the title of the document.
        #[serde(default)]
        depth: Option<u8>,
        /// Its text.
        text: Paragraph,
    },
    /// A list.
    List {
        /// Its items.
        items: Vec<Item>,
    },
    /// A table of contents.
    Contents {
        /// Its lines.
        entries: Vec<Paragraph>,
    },
    /// A table.
    Table {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
        /// Cells, by row and column.
        cells: Vec<Cell>,
    },
    /// Program code.
    Code {
        /// Its language.
        #[serde(default)]
        language: Option<String>,
        /// The code.
        text: String,
    },
    /// A formula.
    Formula {
        /// Its LaTeX.
        latex: String,
        /// Its number.
        #[serde(default)]
        number: Option<String>,
    },
    /// A picture.
    Picture {
        /// Alternative text.
        #[serde(default)]
        alt: Option<String>,
        /// Text in it.
        #[serde(default)]
        paragraphs: Vec<Paragraph>,
    },
    /// A caption.
    Caption {
        /// Its text.
        text: Paragraph,
    },
    /// A footnote.
    Footnote {
        /// Its mark.
        #[serde(default)]
        mark: Option<String>,
        /// Its paragraphs.
        paragraphs: Vec<Paragraph>,
    },
    /// Furniture of the page.
    Running {
        /// Its paragraphs.
        paragraphs: Vec<Paragraph>,
    },
}

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Item {
    /// Bullet or number.
    #[serde(default)]
    pub marker: Option<String>,
    /// Its paragraphs.
    pub paragraphs: Vec<Paragraph>,
    /// Items below it.
    #[serde(default)]
    pub items: Vec<Item>,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Cell {
    /// First row.
    pub row: usize,
    /// First column.
    pub column: usize,
    /// Rows covered.
    #[serde(default = "one")]
    pub row_span: usize,
    /// Columns covered.
    #[serde(default = "one")]
    pub column_span: usize,
    /// Its text.
    pub text: String,
    /// It heads a row or column.
    #[serde(default)]
    pub header: bool,
    /// Its page, if that is not the one of its block.
    #[serde(default)]
    pub page_index: Option<usize>,
    /// Its rectangle in page pixels.
    #[serde(default)]
    pub bbox: Option<[f64; 4]>,
}

fn one() -> usize {
    1
}

/// A piece of a paragraph.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Inline {
    /// Text of one style.
    Text(Run),
    /// A formula.
    Formula {
        /// Its LaTeX.
        latex: String,
    },
    /// A mark that refers to a footnote.
    FootnoteReference {
        /// The mark.
        mark: String,
    },
}

/// Text of one style.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub(crate) struct Run {
    /// The text.
    pub text: String,
    /// Bold.
    #[serde(default)]
    pub bold: bool,
    /// Italic.
    #[serde(default)]
    pub italic: bool,
    /// Struck out.
    #[serde(default)]
    pub strike: bool,
    /// `sub` or `sup`.
    #[serde(default)]
    pub script: Option<String>,
    /// Address.
    #[serde(default)]
    pub link: Option<String>,
}

/// The text of a paragraph, formulas between dollar signs.
pub(crate) fn plain(paragraph: &[Inline]) -> String {
    let pieces = paragraph.iter().map(|piece| match piece {
        Inline::Text(run) => run.text.clone(),
        Inline::Formula { latex } => format!("${latex}$"),
        Inline::FootnoteReference { mark } => mark.clone(),
    });
    pieces.collect()
}

impl Body {
    /// Its text: a string for each paragraph, item, or row of a table.
    pub(crate) fn texts(&self) -> Vec<String> {
        let all = |paragraphs: &[Paragraph]| paragraphs.iter().map(|p| plain(p)).collect();
        match self {
            Body::Empty | Body::Joined { .. } => Vec::new(),
            Body::Text { paragraphs }
            | Body::Running { paragraphs }
            | Body::Picture { paragraphs, .. }
            | Body::Contents {
                entries: paragraphs,
            } => all(paragraphs),
            Body::Heading { text, .. } | Body::Caption { text } => vec![plain(text)],
            Body::List { items } => {
                let mut texts = Vec::new();
                list(items, "", &mut texts);
                texts
            }
            Body::Table { rows, cells, .. } => table(*rows, cells),
            Body::Code { text, .. } => vec![text.clone()],
            Body::Formula { latex, number } => vec![joined(latex, number.as_deref())],
            Body::Footnote { mark, paragraphs } => {
                let mut texts: Vec<String> = all(paragraphs);
                if let (Some(mark), Some(first)) = (mark, texts.first_mut()) {
                    *first = format!("{mark} {first}");
                }
                texts
            }
        }
    }
}

fn joined(text: &str, more: Option<&str>) -> String {
    match more {
        Some(more) => format!("{text} {more}"),
        None => text.to_string(),
    }
}

fn list(items: &[Item], indent: &str, texts: &mut Vec<String>) {
    for item in items {
        let text: Vec<String> = item.paragraphs.iter().map(|p| plain(p)).collect();
        let marker = item.marker.as_deref().unwrap_or("-");
        texts.push(format!("{indent}{marker} {}", text.join("\n")));
        list(&item.items, &format!("{indent}  "), texts);
    }
}

/// A line for each row; a cell stands in its first one.
fn table(rows: usize, cells: &[Cell]) -> Vec<String> {
    let mut lines: Vec<Vec<&str>> = vec![Vec::new(); rows];
    for cell in cells {
        if let Some(line) = lines.get_mut(cell.row) {
            line.push(&cell.text);
        }
    }
    lines.into_iter().map(|line| line.join("\t")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(body: serde_json::Value) -> Vec<String> {
        serde_json::from_value::<Body>(body).unwrap().texts()
    }

    #[test]
    fn every_kind_of_body_has_its_text() {
        let run = |text: &str| json!([{"type": "text", "text": text}]);
        for (body, expected) in [
            (json!({"type": "empty"}), vec![]),
            (json!({"type": "joined", "page": 0, "block": 1}), vec![]),
            (
                json!({"type": "text", "paragraphs": [run("a"), [
                    {"type": "text", "text": "b", "bold": true},
                    {"type": "formula", "latex": "x^2"},
                    {"type": "footnote_reference", "mark": "1"},
                ]]}),
                vec!["a", "b$x^2$1"],
            ),
            (
                json!({"type": "heading", "depth": 0, "text": run("t")}),
                vec!["t"],
            ),
            (
                json!({"type": "list", "items": [
                    {"paragraphs": [run("a")], "items": [{"marker": "1.", "paragraphs": [run("b")]}]},
                ]}),
                vec!["- a", "  1. b"],
            ),
            (
                json!({"type": "table", "rows": 2, "columns": 2, "cells": [
                    {"row": 0, "column": 0, "column_span": 2, "text": "a", "kind": "text"},
                    {"row": 1, "column": 0, "text": "b", "kind": "text"},
                    {"row": 1, "column": 1, "text": "c", "kind": "text", "bbox": [0, 0, 1, 1], "lines": [], "confidence": 1},
                ]}),
                vec!["a", "b\tc"],
            ),
            (json!({"type": "code", "text": "x"}), vec!["x"]),
            (
                json!({"type": "formula", "latex": "x", "number": "(1)"}),
                vec!["x (1)"],
            ),
            (
                json!({"type": "footnote", "mark": "2", "paragraphs": [run("n")]}),
                vec!["2 n"],
            ),
        ] {
            assert_eq!(texts(body.clone()), expected, "{body}");
        }
    }
}
