//! The document as JSON: per page the reference's result object (docs/reference.md, "Result object") and `diagnostics`.
//!
//! Pages are converted to JSON one at a time. As in the reference, the indent is four and non-ASCII
//! characters are not escaped. `docs/output.schema.json` describes the file; a test generates it from the
//! types.

mod result;

use super::format::Format;
use super::kept::Finished;
use super::options::FormatOptions;
pub(crate) use super::options::JsonOptions;
use crate::document::{Document, DocumentInfo, OutlineEntry, Page};
pub(crate) use result::points;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::io::Write;

/// The format `json`: the whole document with the reference's keys, and its diagnostics.
pub(crate) struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".json"]
    }

    fn write(
        &self,
        finished: Finished,
        options: &FormatOptions,
        out: &mut dyn Write,
    ) -> std::io::Result<()> {
        write(
            out,
            finished.document,
            &options.json,
            options.concatenate_pages,
        )
    }
}

/// Writes the document, with all pages joined into one if requested.
pub(crate) fn write(
    out: &mut (impl Write + ?Sized),
    document: &Document,
    options: &JsonOptions,
    concatenate_pages: bool,
) -> std::io::Result<()> {
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, formatter);
    let output = ResultFile {
        docparse: env!("CARGO_PKG_VERSION"),
        pipeline: &options.pipeline,
        settings: &options.settings,
        input: InputDocument {
            path: &document.input_path,
            page_count: document.page_count,
        },
        metadata: Metadata::of(&document.info),
        outline: &document.info.outline,
        pages: Pages {
            document,
            options,
            concatenate_pages,
        },
    };
    output.serialize(&mut serializer)?;
    out.write_all(b"\n")
}

/// The file.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ResultFile<'a> {
    /// Version of the program that wrote it.
    docparse: &'static str,
    /// The pipeline that parsed the document.
    pipeline: &'a str,
    /// The settings that it was parsed with.
    settings: &'a Value,
    /// The document that was parsed.
    input: InputDocument<'a>,
    /// What the document says about itself, where it says something.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    /// Its bookmarks, where it has some, in the order of the file.
    #[serde(skip_serializing_if = "<[OutlineEntry]>::is_empty")]
    outline: &'a [OutlineEntry],
    /// A result for every page, or for several in a row that have nothing but the same message; one for all where pages
    /// are joined.
    #[cfg_attr(test, schemars(with = "Vec<result::PageResult>"))]
    pages: Pages<'a>,
}

/// The document that was parsed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct InputDocument<'a> {
    /// The input as it was given.
    path: &'a str,
    /// Pages of the whole document, those included that were not asked for; null for a plain picture.
    page_count: Option<usize>,
}

/// What the document says about itself. Nothing of it is checked.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Metadata<'a> {
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    /// Author.
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a str>,
    /// Subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    /// Keywords, as one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    keywords: Option<&'a str>,
    /// Language, such as `en-GB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    /// Program that the document was made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    creator: Option<&'a str>,
    /// Program that wrote the PDF.
    #[serde(skip_serializing_if = "Option::is_none")]
    producer: Option<&'a str>,
    /// Date of creation, as in RFC 3339 where the file has a date that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<&'a str>,
    /// Date of the last change, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<&'a str>,
}

impl<'a> Metadata<'a> {
    /// `None` if there is none.
    fn of(info: &'a DocumentInfo) -> Option<Metadata<'a>> {
        let says_nothing = DocumentInfo {
            outline: Vec::new(),
            ..info.clone()
        } == DocumentInfo::default();
        (!says_nothing).then_some(Metadata {
            title: info.title.as_deref(),
            author: info.author.as_deref(),
            subject: info.subject.as_deref(),
            keywords: info.keywords.as_deref(),
            language: info.language.as_deref(),
            creator: info.creator.as_deref(),
            producer: info.producer.as_deref(),
            created: info.created.as_deref(),
            modified: info.modified.as_deref(),
        })
    }
}

/// Converts pages to results one at a time.
struct Pages<'a> {
    document: &'a Document,
    options: &'a JsonOptions,
    concatenate_pages: bool,
}

impl Serialize for Pages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (document, options) = (self.document, self.options);
        if self.concatenate_pages && !document.pages.is_empty() {
            return [result::joined(document, options)].serialize(serializer);
        }
        let pages = document.pages.iter();
        serializer.collect_seq(pages.map(|page| result::of_page(page, document, options)))
    }
}

/// The reference's result object for a page, or for several joined pages, with sizes and settings of the
/// first (docs/reference.md, "Result object" and "Restructuring pages").
pub(crate) fn result_value(
    pages: &[Page],
    document: &Document,
    page_index: Option<usize>,
    options: &JsonOptions,
) -> Value {
    let result = result::of_reference(pages, document, page_index, options);
    serde_json::to_value(result).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::markdown::{MarkdownOptions, PictureSources};
    use super::*;
    use crate::document::{Block, Label};
    use crate::fault::Fault;
    use crate::geometry::Rect;
    use serde_json::json;

    #[test]
    fn formatted_contents_are_escaped_and_compatible_ones_are_not() {
        let mut block = Block::new(Label::Text, Rect::new(0.0, 0.0, 9.0, 9.0), 0.9);
        block.content = "# <b>".into();
        let mut options = JsonOptions::page_text("lite", MarkdownOptions::default());
        let pictures = PictureSources::default();
        let written = |options: &JsonOptions| result::content(&block, 100, &pictures, options);
        assert_eq!(written(&options), "# <b>");
        options.format_block_content = true;
        assert_eq!(written(&options), "\\# &lt;b>");
        options.compat = true;
        assert_eq!(written(&options), "# <b>");
    }

    #[test]
    fn pages_have_the_keys_of_the_reference_in_its_order() {
        let mut page = Page::failed(0, Fault::internal("broken"));
        page.blocks.push(Block::new(
            Label::Header,
            Rect::new(0.4, 0.0, 9.2, 5.0),
            0.912345,
        ));
        page.blocks
            .push(Block::new(Label::Text, Rect::new(0.0, 6.0, 9.0, 9.0), 0.9));
        let document = Document {
            input_path: "a.pdf".into(),
            pages: vec![page],
            page_count: Some(1),
            info: Default::default(),
        };
        let options = JsonOptions::page_text("lite", MarkdownOptions::default());
        let value = result::of_page(&document.pages[0], &document, &options);
        let value = serde_json::to_value(value).unwrap();
        let keys: Vec<&str> = value
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            keys,
            [
                "input_path",
                "page_index",
                "page_count",
                "width",
                "height",
                "model_settings",
                "parsing_res_list",
                "layout_det_res",
                "diagnostics"
            ]
        );
        assert_eq!(value["parsing_res_list"][0]["block_order"], Value::Null);
        assert_eq!(value["parsing_res_list"][1]["block_order"], 1);
        assert_eq!(
            value["parsing_res_list"][0]["block_bbox"],
            json!([0, 0, 10, 5])
        );
        assert_eq!(value["diagnostics"]["messages"][0]["message"], "broken");
        let mut bytes = Vec::new();
        write(&mut bytes, &document, &options, false).unwrap();
        let read: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read["pages"][0], value);
    }

    #[test]
    fn the_schema_is_that_of_the_types() {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        let schema = settings
            .into_generator()
            .into_root_schema_for::<ResultFile>();
        let made = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/output.schema.json");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == made,
            "docs/output.schema.json is not what it should be:\n{made}"
        );
    }

    #[test]
    fn pages_that_failed_alike_are_one_entry_with_a_range() {
        let mut document = Document {
            input_path: "a.pdf".into(),
            pages: Vec::new(),
            page_count: Some(900),
            info: Default::default(),
        };
        (3..900).for_each(|index| document.push(Page::failed(index, Fault::internal("broken"))));
        let options = JsonOptions::page_text("lite", MarkdownOptions::default());
        let mut bytes = Vec::new();
        write(&mut bytes, &document, &options, false).unwrap();
        let read: Value = serde_json::from_slice(&bytes).unwrap();
        let pages = read["pages"].as_array().unwrap();
        assert_eq!(pages.len(), 1);
        let keys: Vec<&str> = pages[0]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            keys[..4],
            ["input_path", "page_index", "last_page_index", "page_count"]
        );
        assert_eq!(
            (&pages[0]["page_index"], &pages[0]["last_page_index"]),
            (&json!(3), &json!(899))
        );
        assert_eq!(pages[0]["diagnostics"]["messages"][0]["message"], "broken");
        let joined = result_value(&document.pages, &document, None, &options);
        assert_eq!(joined["page_count"], 897);
    }
}
