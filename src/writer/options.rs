//! Settings of the formats.

use crate::document::Label;
use crate::lines::DetectOptions;
use serde_json::Value;
use std::collections::BTreeSet;

/// Settings that writers share.
#[derive(Debug, Clone)]
pub(crate) struct FormatOptions {
    /// Settings of JSON and Markdown.
    pub json: JsonOptions,
    /// All pages are joined into one result (`concatenate_pages`).
    pub concatenate_pages: bool,
    /// What the answer of the service has.
    pub answer: Option<AnswerForm>,
    /// `true` if document preprocessing runs; adds a drawing that compares pages before and after.
    pub preprocesses: bool,
}

/// Parts of the answer of the reference's service.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct AnswerForm {
    /// Drawings and the picture of each page.
    pub visualize: bool,
    /// Pictures that Markdown shows.
    pub images: bool,
    /// A Word document of each page, named by this number of seconds since 1970.
    pub docx: Option<u64>,
    /// The file is a PDF; other files with pages are TIFFs.
    pub is_pdf: bool,
    /// Pictures and Word documents are files of their own, and their names stand in place of base64.
    pub as_files: bool,
    /// Pages are answered as lines, and not as blocks.
    pub ocr: Option<OcrForm>,
}

/// Form of pages that are answered as lines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OcrForm {
    /// Score below which lines are left out, 0 to 1.
    pub score_thresh: f32,
    /// The parameters that lines were detected with; they are only told.
    pub detect: DetectOptions,
    /// Lines that are upside down were looked for; likewise.
    pub use_textline_orientation: bool,
}

/// Form of our own Markdown; the reference's has none of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MarkdownForm {
    /// What blocks are written as.
    pub style: MarkdownStyle,
    /// What stands between pages.
    pub page_breaks: PageBreaks,
    /// The document begins with what is known about it, as YAML.
    pub front_matter: bool,
    /// Pictures are part of the text, as `data:` addresses, instead of links to files.
    pub embed_images: bool,
    /// Footnotes are left out where [`MarkdownOptions::ignore_labels`] names them: the user did. In the reference's look they always
    /// are.
    pub ignores_footnotes: bool,
}

/// What blocks are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MarkdownStyle {
    /// GitHub's Markdown, from the bodies of blocks.
    #[default]
    Gfm,
    /// The reference's look: HTML with styles around figures, captions and cells.
    Html,
}

/// What stands between pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PageBreaks {
    /// Nothing.
    #[default]
    None,
    /// A comment with its number, before each page.
    Comment,
    /// A rule, between pages that have something on them.
    Rule,
}

/// Options of Markdown; names and defaults are the reference's.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkdownOptions {
    /// HTML for centred content and styled tables; else plain Markdown.
    pub pretty: bool,
    /// Write formula numbers as tags.
    pub show_formula_number: bool,
    /// Labels that are left out.
    pub ignore_labels: BTreeSet<String>,
    /// `true` if a layout was detected.
    pub use_layout_detection: bool,
    /// `true` if charts were recognized.
    pub use_chart_recognition: bool,
    /// `true` if seals were recognized.
    pub use_seal_recognition: bool,
    /// `true` if pictures were recognized as text.
    pub use_ocr_for_image_block: bool,
    /// Form of our own Markdown.
    pub form: MarkdownForm,
}

impl MarkdownOptions {
    /// `true` if blocks of the label are shown as pictures.
    pub(super) fn shows_picture(&self, label: Label) -> bool {
        match label {
            Label::Image | Label::HeaderImage | Label::FooterImage => true,
            Label::Chart => !self.use_chart_recognition,
            Label::Seal => self.use_layout_detection,
            _ => false,
        }
    }

    /// `true` if a block shown as a picture also has its text written.
    pub(super) fn reads_picture(&self, label: Label) -> bool {
        match label {
            Label::Seal => self.use_seal_recognition,
            _ => self.use_ocr_for_image_block,
        }
    }

    /// `true` if blocks of the label are left out of GitHub's Markdown.
    pub(super) fn is_left_out(&self, label: Label) -> bool {
        let is_kept = label == Label::Footnote && !self.form.ignores_footnotes;
        !is_kept && self.ignore_labels.contains(label.as_str())
    }

    /// `true` if text that was read in a picture is shown beside it; a recognized chart is a table.
    pub(super) fn shows_text_of(&self, label: Label) -> bool {
        (label == Label::Chart && self.use_chart_recognition) || self.reads_picture(label)
    }
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
            form: MarkdownForm::default(),
        }
    }
}

/// Contents of the file besides the document.
#[derive(Debug, Clone)]
pub(crate) struct JsonOptions {
    /// Name of the pipeline.
    pub pipeline: String,
    /// Settings to record.
    pub settings: Value,
    /// Options of Markdown, which also name the labels outside the reading order.
    pub markdown: MarkdownOptions,
    /// `true` if block contents are written as Markdown.
    pub format_block_content: bool,
    /// `true` if pages were preprocessed.
    pub use_doc_preprocessor: bool,
    /// `true` if neighbouring blocks were merged.
    pub merge_layout_blocks: bool,
    /// `true` if regions have polygon outlines, if their detector supports them.
    pub return_layout_polygon_points: bool,
    /// Labels left out of Markdown, in the order given.
    pub ignore_labels: Vec<String>,
    /// `true` for `--compat`: numbers are not rounded.
    pub compat: bool,
}

impl JsonOptions {
    /// Options for regions derived from the page's text.
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
