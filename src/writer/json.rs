//! The document as JSON: per page the reference's result object (specification, section 9.1) and `diagnostics`.
//!
//! Pages are turned into JSON one at a time while the file is written. Indented by four, non-ASCII characters as
//! they are, as the reference writes.

use super::format::{Format, FormatOptions};
use super::markdown::{self, MarkdownBlock, MarkdownOptions, Pictures};
use crate::document::{Block, Document, Generation, Page, Preprocessing};
use crate::geometry::Point;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value, json};
use std::io::Write;

/// The format `json`: the whole document with the reference's keys, and what was noticed.
pub struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".json"]
    }

    fn write(
        &self,
        document: &Document,
        options: &FormatOptions,
        out: &mut dyn Write,
    ) -> std::io::Result<()> {
        write(out, document, &options.json, options.concatenate_pages)
    }
}

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
    pub fn page_text(pipeline: &str, markdown: MarkdownOptions) -> Self {
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

/// Writes the document, all pages joined into one if asked for.
pub fn write(
    out: &mut (impl Write + ?Sized),
    document: &Document,
    options: &JsonOptions,
    concatenate_pages: bool,
) -> std::io::Result<()> {
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, formatter);
    Root {
        document,
        options,
        concatenate_pages,
    }
    .serialize(&mut serializer)?;
    out.write_all(b"\n")
}

struct Root<'a> {
    document: &'a Document,
    options: &'a JsonOptions,
    concatenate_pages: bool,
}

impl Serialize for Root<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("docparse", env!("CARGO_PKG_VERSION"))?;
        map.serialize_entry("pipeline", &self.options.pipeline)?;
        map.serialize_entry("settings", &self.options.settings)?;
        let input =
            json!({"path": self.document.input_path, "page_count": self.document.page_count});
        map.serialize_entry("input", &input)?;
        map.serialize_entry("pages", &Pages(self))?;
        map.end()
    }
}

struct Pages<'a>(&'a Root<'a>);

impl Serialize for Pages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pages = &self.0.document.pages;
        if self.0.concatenate_pages && !pages.is_empty() {
            let mut value = result_value(pages, self.0.document, None, self.0.options);
            value["diagnostics"] = pages.iter().map(diagnostics).collect();
            return [value].serialize(serializer);
        }
        let mut seq = serializer.serialize_seq(Some(pages.len()))?;
        for page in pages {
            seq.serialize_element(&page_value(page, self.0.document, self.0.options))?;
        }
        seq.end()
    }
}

/// The result object of a page, with `diagnostics`.
pub fn page_value(page: &Page, document: &Document, options: &JsonOptions) -> Value {
    let page_index = document.page_count.map(|_| page.page_index);
    let mut value = result_value(std::slice::from_ref(page), document, page_index, options);
    if let (Some(last), Value::Object(map)) = (page.through, &mut value) {
        // Beside the first: the entry is for all pages from the one to the other.
        let (before, after) = (["input_path", "page_index"], std::mem::take(map));
        let (before, after): (Vec<_>, Vec<_>) = after
            .into_iter()
            .partition(|(key, _)| before.contains(&key.as_str()));
        *map = before
            .into_iter()
            .chain([("last_page_index".to_string(), json!(last))])
            .chain(after)
            .collect();
    }
    value["diagnostics"] = diagnostics(page);
    value
}

/// The result object of the reference (specification, section 9.1) for a page, or for several that were joined
/// (section 9.6): then sizes and settings are those of the first.
pub fn result_value(
    pages: &[Page],
    document: &Document,
    page_index: Option<usize>,
    options: &JsonOptions,
) -> Value {
    let Some(first) = pages.first() else {
        return Value::Null;
    };
    let joined = pages.len() > 1 || (page_index.is_none() && document.page_count.is_some());
    let joined_count = || pages.iter().map(Page::stands_for).sum::<usize>();
    let page_count = if joined {
        Some(joined_count())
    } else {
        document.page_count
    };
    let mut value = json!({
        "input_path": document.input_path,
        "page_index": page_index,
        "page_count": page_count,
        "width": first.width,
        "height": first.height,
        "model_settings": model_settings(options),
        "parsing_res_list": blocks(pages, first.width, options),
    });
    let each = |part: &dyn Fn(&Page) -> Option<Value>| -> Option<Value> {
        if joined {
            pages.iter().map(part).collect()
        } else {
            part(first)
        }
    };
    let optional = [
        (
            "spotting_res",
            first.spotting.as_ref().map(|found| json!(found)),
        ),
        (
            "doc_preprocessor_res",
            each(&|page| page.preprocessed.as_ref().map(preprocessor_value)),
        ),
        (
            "layout_det_res",
            each(&|page| {
                options
                    .markdown
                    .use_layout_detection
                    .then(|| layout_value(page, options))
            }),
        ),
    ];
    for (key, part) in optional {
        if let Some(part) = part {
            value[key] = part;
        }
    }
    value
}

fn model_settings(options: &JsonOptions) -> Value {
    let markdown = &options.markdown;
    json!({
        "use_doc_preprocessor": options.use_doc_preprocessor,
        "use_layout_detection": markdown.use_layout_detection,
        "use_chart_recognition": markdown.use_chart_recognition,
        "use_seal_recognition": markdown.use_seal_recognition,
        "use_ocr_for_image_block": markdown.use_ocr_for_image_block,
        "format_block_content": options.format_block_content,
        "merge_layout_blocks": options.merge_layout_blocks,
        "markdown_ignore_labels": options.ignore_labels,
        "return_layout_polygon_points": options.return_layout_polygon_points,
    })
}

fn preprocessor_value(done: &Preprocessing) -> Value {
    json!({
        "input_path": null,
        "page_index": null,
        "model_settings": {
            "use_doc_orientation_classify": done.use_doc_orientation_classify,
            "use_doc_unwarping": done.use_doc_unwarping,
        },
        "angle": done.angle,
    })
}

/// Points of a polygon as `[x, y]`.
pub(crate) fn points(polygon: &[Point]) -> Value {
    polygon
        .iter()
        .map(|p| json!([p.x as f64, p.y as f64]))
        .collect()
}

fn layout_value(page: &Page, options: &JsonOptions) -> Value {
    let numbered = page.regions.iter().any(|r| r.order.is_some());
    let boxes: Vec<Value> = page
        .regions
        .iter()
        .enumerate()
        .map(|(i, region)| {
            let order = if numbered { region.order } else { order_of(&page.regions, i) };
            let mut value = json!({
                "cls_id": region.label.class_id(),
                "label": region.label,
                "score": if options.compat { region.score as f64 } else { short_float(region.score) },
                "coordinate": region.bbox.to_pixels(),
                "order": order,
            });
            if let Some(polygon) = &region.polygon {
                value["polygon_points"] = points(polygon);
            }
            value
        })
        .collect();
    json!({"input_path": null, "page_index": null, "boxes": boxes})
}

/// Position of a region among those that have one.
fn order_of(regions: &[crate::document::DetectedRegion], index: usize) -> Option<usize> {
    let ordered = |i: &usize| !regions[*i].label.is_unordered();
    ordered(&index).then(|| (0..=index).filter(ordered).count())
}

fn blocks(pages: &[Page], width: usize, options: &JsonOptions) -> Vec<Value> {
    let mut order = 0;
    let pictures = Pictures::of(pages);
    let block_value = |(id, block): (usize, &Block)| {
        let label = block.label.as_str();
        let ordered =
            !block.label.is_unordered() && !options.markdown.ignore_labels.contains(label);
        order += usize::from(ordered);
        let mut value = json!({
            "block_label": label,
            "block_content": content(block, width, &pictures, options),
            "block_bbox": block.bbox.to_pixels(),
            "block_id": id,
            "block_order": ordered.then_some(order),
            "group_id": block.group_id.unwrap_or(id),
        });
        if let Some((block_id, group_id)) = block.global_ids {
            value["global_block_id"] = block_id.into();
            value["global_group_id"] = group_id.into();
        }
        if let Some(polygon) = &block.polygon {
            value["block_polygon_points"] = points(polygon);
        }
        value
    };
    pages
        .iter()
        .flat_map(|p| &p.blocks)
        .enumerate()
        .map(block_value)
        .collect()
}

fn content(block: &Block, width: usize, pictures: &Pictures, options: &JsonOptions) -> String {
    if !options.format_block_content {
        return block.content.clone();
    }
    let view = MarkdownBlock::of(block, block.label);
    let formatted = match options.compat {
        true => markdown::reference_block(&view, width as f32, &options.markdown),
        false => markdown::block(&view, width as f32, pictures, &options.markdown),
    };
    formatted.unwrap_or_else(|| block.content.clone())
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
            if let Some(text) = &block.text {
                map.insert("text".into(), json!(text));
            }
            if let Some(generation) = &block.generation {
                map.insert("generation".into(), generation_value(generation));
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

/// How a block's content was come by.
fn generation_value(generation: &Generation) -> Value {
    let mut value = json!({
        "token_count": generation.token_count,
        "finish_reason": generation.finish_reason,
        "milliseconds": generation.milliseconds.round(),
    });
    for (key, number) in [
        ("mean_log_probability", generation.mean_log_probability),
        ("min_log_probability", generation.min_log_probability),
        ("drafted_share", generation.drafted_share),
    ] {
        if let Some(number) = number {
            value[key] = json!(short_float(number));
        }
    }
    value
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
    fn formatted_contents_are_escaped_and_compatible_ones_are_not() {
        let mut block = Block::new(Label::Text, Rect::new(0.0, 0.0, 9.0, 9.0), 0.9);
        block.content = "# <b>".into();
        let mut options = JsonOptions::page_text("lite", MarkdownOptions::default());
        let written = |options: &JsonOptions| content(&block, 100, &Pictures::default(), options);
        assert_eq!(written(&options), "# <b>");
        options.format_block_content = true;
        assert_eq!(written(&options), "\\# &lt;b>");
        options.compat = true;
        assert_eq!(written(&options), "# <b>");
    }

    #[test]
    fn pages_have_the_keys_of_the_reference_in_its_order() {
        let mut page = Page::failed(0, "broken".into());
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
        };
        let options = JsonOptions::page_text("lite", MarkdownOptions::default());
        let value = page_value(&document.pages[0], &document, &options);
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
    fn pages_that_failed_alike_are_one_entry_with_a_range() {
        let mut document = Document {
            input_path: "a.pdf".into(),
            pages: Vec::new(),
            page_count: Some(900),
        };
        (3..900).for_each(|index| document.push(Page::failed(index, "broken".into())));
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
