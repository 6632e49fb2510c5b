//! Settings of the formats.

use serde_json::Value;
use std::collections::BTreeSet;

/// Settings that writers share.
#[derive(Debug, Clone)]
pub(crate) struct FormatOptions {
    /// Settings of JSON and Markdown.
    pub json: JsonOptions,
    /// All pages are joined into one result (`concatenate_pages`).
    pub concatenate_pages: bool,
    /// Document preprocessing runs: every document gets a drawing that compares pages before and after.
    pub preprocesses: bool,
}

/// How Markdown is written; names and defaults are the reference's.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkdownOptions {
    /// HTML for centred things and styled tables; else plain Markdown.
    pub pretty: bool,
    /// Write formula numbers as tags.
    pub show_formula_number: bool,
    /// Labels that are left out.
    pub ignore_labels: BTreeSet<String>,
    /// Whether a layout was detected.
    pub use_layout_detection: bool,
    /// Whether charts were recognized.
    pub use_chart_recognition: bool,
    /// Whether seals were recognized.
    pub use_seal_recognition: bool,
    /// Whether pictures were recognized as text.
    pub use_ocr_for_image_block: bool,
}

impl Default for MarkdownOptions {
    fn default() -> Self {
        let ignored = [
            "number",
            "footnote",
            "header",
            "header_image",
            "footer",
            "footer_image",
            "aside_text",
        ];
        Self {
            pretty: true,
            show_formula_number: false,
            ignore_labels: ignored.map(String::from).into(),
            use_layout_detection: true,
            use_chart_recognition: false,
            use_seal_recognition: false,
            use_ocr_for_image_block: false,
        }
    }
}

/// What stands in the file besides the document.
#[derive(Debug, Clone)]
pub(crate) struct JsonOptions {
    /// Name of the pipeline.
    pub pipeline: String,
    /// Settings to be written down.
    pub settings: Value,
    /// Options of Markdown, which also name labels without a number in the reading order.
    pub markdown: MarkdownOptions,
    /// Whether block contents are written as Markdown.
    pub format_block_content: bool,
    /// Whether pages were preprocessed.
    pub use_doc_preprocessor: bool,
    /// Whether neighbouring blocks were merged.
    pub merge_layout_blocks: bool,
    /// Whether regions have shapes other than rectangles, where their detector sees any.
    pub return_layout_polygon_points: bool,
    /// Labels left out of Markdown, in the order in which they were given.
    pub ignore_labels: Vec<String>,
    /// As `--compat`: numbers in full.
    pub compat: bool,
}

impl JsonOptions {
    /// Options for regions that were found in the page's text.
    pub(crate) fn page_text(pipeline: &str, markdown: MarkdownOptions) -> Self {
        Self {
            pipeline: pipeline.into(),
            settings: Value::Null,
            ignore_labels: markdown.ignore_labels.iter().cloned().collect(),
            markdown,
            format_block_content: false,
            use_doc_preprocessor: false,
            merge_layout_blocks: false,
            return_layout_polygon_points: false,
            compat: false,
        }
    }
}
