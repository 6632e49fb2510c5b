//! The document as JSON: per page the reference's result object (specification, section 9.1) and `diagnostics`.
//!
//! Pages are turned into JSON one at a time while the file is written. Indented by four, non-ASCII characters as
//! they are, as the reference writes.

use super::markdown::{self, MarkdownBlock, MarkdownOptions};
use crate::document::{Block, Document, Page};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value, json};
use std::io::Write;

/// What stands in the file besides the document.
#[derive(Debug, Clone)]
pub struct JsonOptions {
    /// Name of the pipeline.
    pub pipeline: String,
    /// Settings to be written down.
    pub settings: Value,
    /// Options of Markdown, which also name labels without a number in the reading order.
    pub markdown: MarkdownOptions,
    /// Whether block contents are written as Markdown.
    pub format_block_content: bool,
}

/// Writes the document.
pub fn write(
    out: &mut (impl Write + ?Sized),
    document: &Document,
    options: &JsonOptions,
) -> std::io::Result<()> {
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, formatter);
    Root { document, options }.serialize(&mut serializer)?;
    out.write_all(b"\n")
}

struct Root<'a> {
    document: &'a Document,
    options: &'a JsonOptions,
}

impl Serialize for Root<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("docparse", env!("CARGO_PKG_VERSION"))?;
        map.serialize_entry("pipeline", &self.options.pipeline)?;
        map.serialize_entry("settings", &self.options.settings)?;
        let input = json!({"path": self.document.input_path, "page_count": self.document.page_count});
        map.serialize_entry("input", &input)?;
        map.serialize_entry("pages", &Pages(self))?;
        map.end()
    }
}

struct Pages<'a>(&'a Root<'a>);

impl Serialize for Pages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pages = &self.0.document.pages;
        let mut seq = serializer.serialize_seq(Some(pages.len()))?;
        for page in pages {
            seq.serialize_element(&page_value(page, self.0.document, self.0.options))?;
        }
        seq.end()
    }
}

/// The result object of a page.
pub fn page_value(page: &Page, document: &Document, options: &JsonOptions) -> Value {
    let markdown = &options.markdown;
    let page_index = document.page_count.map(|_| page.page_index);
    let settings = json!({
        "use_doc_preprocessor": false,
        "use_layout_detection": markdown.use_layout_detection,
        "use_chart_recognition": markdown.use_chart_recognition,
        "use_seal_recognition": markdown.use_seal_recognition,
        "use_ocr_for_image_block": markdown.use_ocr_for_image_block,
        "format_block_content": options.format_block_content,
        "merge_layout_blocks": false,
        "markdown_ignore_labels": markdown.ignore_labels,
        "return_layout_polygon_points": false,
    });
    let boxes: Vec<Value> = page
        .regions
        .iter()
        .enumerate()
        .map(|(i, region)| {
            json!({
                "cls_id": region.label.class_id(),
                "label": region.label,
                "score": short_float(region.score),
                "coordinate": region.bbox.to_pixels(),
                "order": order_of(&page.regions, i),
            })
        })
        .collect();
    json!({
        "input_path": document.input_path,
        "page_index": page_index,
        "page_count": document.page_count,
        "width": page.width,
        "height": page.height,
        "model_settings": settings,
        "parsing_res_list": blocks(page, options),
        "layout_det_res": {"input_path": null, "page_index": null, "boxes": boxes},
        "diagnostics": diagnostics(page),
    })
}

/// Position of a region among those that have one.
fn order_of(regions: &[crate::document::DetectedRegion], index: usize) -> Option<usize> {
    let ordered = |i: &usize| !regions[*i].label.is_unordered();
    ordered(&index).then(|| (0..=index).filter(ordered).count())
}

fn blocks(page: &Page, options: &JsonOptions) -> Vec<Value> {
    let mut order = 0;
    let block_value = |(id, block): (usize, &Block)| {
        let label = block.label.as_str();
        let ordered = !block.label.is_unordered() && !options.markdown.ignore_labels.contains(label);
        order += usize::from(ordered);
        json!({
            "block_label": label,
            "block_content": content(block, page, options),
            "block_bbox": block.bbox.to_pixels(),
            "block_id": id,
            "block_order": ordered.then_some(order),
            "group_id": id,
        })
    };
    page.blocks.iter().enumerate().map(block_value).collect()
}

fn content(block: &Block, page: &Page, options: &JsonOptions) -> String {
    if !options.format_block_content {
        return block.content.clone();
    }
    let view = MarkdownBlock {
        label: block.label.as_str(),
        width: block.bbox.width(),
        content: &block.content,
        image: block.picture.as_ref().map(|p| p.path.as_str()),
        alt: block.alt.as_deref(),
        title_level: block.title_level,
    };
    markdown::block(&view, page.width as f32, &options.markdown).unwrap_or_else(|| block.content.clone())
}

fn diagnostics(page: &Page) -> Value {
    let blocks: Vec<Value> = page
        .blocks
        .iter()
        .enumerate()
        .map(|(id, block)| {
            let mut map = Map::new();
            map.insert("block_id".into(), id.into());
            map.insert("score".into(), json!(short_float(block.score)));
            if let Some(picture) = &block.picture {
                map.insert("image".into(), picture.path.clone().into());
            }
            if let Some(level) = block.title_level {
                map.insert("title_level".into(), level.into());
            }
            if let Some(alt) = &block.alt {
                map.insert("alt".into(), alt.clone().into());
            }
            if let Some(confidence) = block.confidence {
                map.insert("confidence".into(), json!(short_float(confidence)));
                let lines = block.lines.iter().map(
                    |l| json!({"text": l.text, "bbox": l.bbox, "confidence": short_float(l.confidence)}),
                );
                map.insert("lines".into(), lines.collect());
            }
            Value::Object(map)
        })
        .collect();
    json!({
        "text": page.text_decision,
        "rotation": page.rotation_quarters * 90,
        "skew_degrees": short_float(page.skew_degrees),
        "messages": page.diagnostics,
        "blocks": blocks,
    })
}

/// Four decimals are more than any of these numbers means.
fn short_float(value: f32) -> f64 {
    (value as f64 * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Label;
    use crate::geometry::Rect;

    #[test]
    fn pages_have_the_keys_of_the_reference_in_its_order() {
        let mut page = Page::failed(0, "broken".into());
        page.blocks.push(Block::new(Label::Header, Rect::new(0.4, 0.0, 9.2, 5.0), 0.912345));
        page.blocks.push(Block::new(Label::Text, Rect::new(0.0, 6.0, 9.0, 9.0), 0.9));
        let document = Document { input_path: "a.pdf".into(), pages: vec![page], page_count: Some(1) };
        let options = JsonOptions {
            pipeline: "lite".into(),
            settings: json!({}),
            markdown: MarkdownOptions::default(),
            format_block_content: false,
        };
        let value = page_value(&document.pages[0], &document, &options);
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
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
        assert_eq!(value["parsing_res_list"][0]["block_bbox"], json!([0, 0, 10, 5]));
        assert_eq!(value["diagnostics"]["messages"][0]["message"], "broken");
        let mut bytes = Vec::new();
        write(&mut bytes, &document, &options).unwrap();
        let read: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read["pages"][0], value);
    }
}
