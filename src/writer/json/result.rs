//! The result of a page: the keys of the reference's result object in its order (docs/reference.md, "Result
//! object"), and our own beside them.

use super::JsonOptions;
use crate::document::{
    Block, DetectedRegion, Diagnostic, Document, FinishReason, Generation, HiddenReason,
    HiddenText, Page, Preprocessing, Spotting, TextDecision,
};
use crate::geometry::Point;
use crate::writer::markdown::{self, MarkdownBlock, PictureSources};
use serde::Serialize;
use serde_json::value::RawValue;

/// The result of a page.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct PageResult<'a> {
    /// The input as it was given.
    input_path: &'a str,
    /// Position of the page, from 0; null for a plain picture and for joined pages.
    page_index: Option<usize>,
    /// Position of the last page, where the result is for several in a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_page_index: Option<usize>,
    /// Pages of the whole document, of joined pages their number; null for a plain picture.
    page_count: Option<usize>,
    /// Width of the page in pixels.
    width: usize,
    /// Height of the page in pixels.
    height: usize,
    /// Settings, under the reference's names.
    model_settings: ModelSettings<'a>,
    /// The blocks, in reading order.
    parsing_res_list: Vec<BlockResult>,
    /// Pieces of text all over the page, where text spotting ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    spotting_res: Option<&'a Spotting>,
    /// What document preprocessing did, where it ran; a list for joined pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    doc_preprocessor_res: Option<OneOrMany<PreprocessorResult>>,
    /// Regions as the layout was detected, where it was; a list for joined pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    layout_det_res: Option<OneOrMany<LayoutResult>>,
    /// What was noticed; a list for joined pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnostics: Option<OneOrMany<Diagnostics<'a>>>,
    /// Text of the file that a reader of the page does not see, where there is some; a list for each of joined pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden_text: Option<OneOrMany<&'a [HiddenText]>>,
}

/// One value for a page, several for joined pages.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum OneOrMany<T> {
    /// Of a page.
    One(T),
    /// Of joined pages, in order.
    Many(Vec<T>),
}

/// Settings, under the reference's names.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ModelSettings<'a> {
    use_doc_preprocessor: bool,
    use_layout_detection: bool,
    use_chart_recognition: bool,
    use_seal_recognition: bool,
    use_ocr_for_image_block: bool,
    format_block_content: bool,
    merge_layout_blocks: bool,
    markdown_ignore_labels: &'a [String],
    return_layout_polygon_points: bool,
}

/// A block.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct BlockResult {
    /// Its label.
    block_label: &'static str,
    /// Its content as the reference writes it: text, HTML of tables; as Markdown with `format_block_content`.
    block_content: String,
    /// Left, top, right and bottom in page pixels.
    block_bbox: [i32; 4],
    /// Position among the blocks of the page.
    block_id: usize,
    /// Number in the reading order, from 1; null for furniture, pictures and tables.
    block_order: Option<usize>,
    /// The group of blocks that were read together.
    group_id: usize,
    /// Position among the blocks of the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    global_block_id: Option<usize>,
    /// Position in the document of the block that it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    global_group_id: Option<usize>,
    /// Its outline as `[x, y]` in page pixels, where the detector sees shapes.
    #[serde(skip_serializing_if = "Option::is_none")]
    block_polygon_points: Option<Vec<[f64; 2]>>,
    /// Why a reader does not see it, where it is marked text of that kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    block_hidden: Option<HiddenReason>,
    /// Its content by kind, on one line: a table of many cells would take a multiple of its size otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "crate::document::Body"))]
    body: Option<Box<RawValue>>,
}

/// What document preprocessing did.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PreprocessorResult {
    /// Always null, as the reference has it here.
    input_path: (),
    /// Always null, as the reference has it here.
    page_index: (),
    model_settings: PreprocessorSettings,
    /// Degrees by which the page was turned counter-clockwise; -1 when nobody looked.
    angle: i32,
}

/// The steps of document preprocessing that ran.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PreprocessorSettings {
    use_doc_orientation_classify: bool,
    use_doc_unwarping: bool,
}

/// Regions as the layout was detected.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LayoutResult {
    /// Always null, as the reference has it here.
    input_path: (),
    /// Always null, as the reference has it here.
    page_index: (),
    boxes: Vec<LayoutBox>,
}

/// A region.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LayoutBox {
    /// Number of its class in the layout networks.
    cls_id: usize,
    /// Its label.
    label: &'static str,
    /// Confidence, 0 to 1.
    score: f64,
    /// Left, top, right and bottom in page pixels.
    coordinate: [i32; 4],
    /// Number in the reading order.
    order: Option<usize>,
    /// Its outline as `[x, y]` in page pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    polygon_points: Option<Vec<[f64; 2]>>,
}

/// What was noticed of a page.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Diagnostics<'a> {
    /// Origin of its text.
    text: &'a TextDecision,
    /// Degrees clockwise that were undone by quarter turns.
    rotation: u32,
    /// Small angle in degrees that was straightened, clockwise positive.
    skew_degrees: f64,
    /// `true` if curved lines, or lines in several directions, were made level: boxes are on the page made so, as the
    /// drawings show it. Left out if `false`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_unwarped: bool,
    /// Messages.
    messages: &'a [Diagnostic],
    /// Facts about its blocks.
    blocks: Vec<BlockDiagnostics<'a>>,
}

/// Facts about a block.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct BlockDiagnostics<'a> {
    /// Position among the blocks of the page.
    block_id: usize,
    /// Confidence of the label, 0 to 1.
    score: f64,
    /// Path of its picture below the document's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    /// Depth of a heading, 1 for the first level below the document's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    title_level: Option<i32>,
    /// Alternative text of a tagged picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    alt: Option<&'a str>,
    /// Mean confidence of its lines, where lines were recognized.
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    /// Its lines, where lines were recognized.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<LineResult<'a>>>,
    /// Origin of its text, where a recognizer might have read it instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a TextDecision>,
    /// The model's answer that it is made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<GenerationResult>,
}

/// A recognized line.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LineResult<'a> {
    text: &'a str,
    /// Left, top, right and bottom in page pixels.
    bbox: [i32; 4],
    /// Confidence, 0 to 1.
    confidence: f64,
}

/// The generation of an answer by a model.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct GenerationResult {
    /// Tokens of the answer.
    token_count: usize,
    finish_reason: FinishReason,
    /// From the crop's encoding to the last token.
    milliseconds: f64,
    /// Mean logarithm of the tokens' probabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_log_probability: Option<f64>,
    /// That of the least likely token.
    #[serde(skip_serializing_if = "Option::is_none")]
    min_log_probability: Option<f64>,
    /// Share of the tokens that were drafted and accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    drafted_share: Option<f64>,
}

/// The reference's result, with its own keys only; `None` without pages.
pub(super) fn of_reference<'a>(
    pages: &'a [Page],
    document: &'a Document,
    page_index: Option<usize>,
    options: &'a JsonOptions,
) -> Option<PageResult<'a>> {
    let first = pages.first()?;
    let joined = pages.len() > 1 || (page_index.is_none() && document.page_count.is_some());
    let page_count = match joined {
        true => Some(pages.iter().map(Page::stands_for).sum()),
        false => document.page_count,
    };
    let preprocessed = each(pages, joined, &|page| {
        page.preprocessed.as_ref().map(preprocessor_result)
    });
    let detected = each(pages, joined, &|page| {
        let is_detected = options.markdown.use_layout_detection;
        is_detected.then(|| layout_result(page, options))
    });
    Some(PageResult {
        input_path: &document.input_path,
        page_index,
        last_page_index: None,
        page_count,
        width: first.width,
        height: first.height,
        model_settings: model_settings(options),
        parsing_res_list: blocks(pages, first.width, options),
        spotting_res: first.spotting.as_ref(),
        doc_preprocessor_res: preprocessed,
        layout_det_res: detected,
        diagnostics: None,
        hidden_text: None,
    })
}

/// The result of a page, with our keys beside the reference's.
pub(super) fn of_page<'a>(
    page: &'a Page,
    document: &'a Document,
    options: &'a JsonOptions,
) -> Option<PageResult<'a>> {
    let page_index = document.page_count.map(|_| page.page_index);
    let pages = std::slice::from_ref(page);
    let mut result = with_bodies(pages, document, page_index, options)?;
    result.last_page_index = page.through;
    result.diagnostics = Some(OneOrMany::One(diagnostics(page)));
    let hidden = page.hidden_text.as_slice();
    result.hidden_text = (!hidden.is_empty()).then_some(OneOrMany::One(hidden));
    Some(result)
}

/// The result of all pages joined.
pub(super) fn joined<'a>(
    document: &'a Document,
    options: &'a JsonOptions,
) -> Option<PageResult<'a>> {
    let mut result = with_bodies(&document.pages, document, None, options)?;
    let diagnostics = document.pages.iter().map(diagnostics).collect();
    result.diagnostics = Some(OneOrMany::Many(diagnostics));
    let hidden = document
        .pages
        .iter()
        .map(|page| page.hidden_text.as_slice());
    if hidden.clone().any(|texts| !texts.is_empty()) {
        result.hidden_text = Some(OneOrMany::Many(hidden.collect()));
    }
    Some(result)
}

fn with_bodies<'a>(
    pages: &'a [Page],
    document: &'a Document,
    page_index: Option<usize>,
    options: &'a JsonOptions,
) -> Option<PageResult<'a>> {
    let mut result = of_reference(pages, document, page_index, options)?;
    let blocks = pages.iter().flat_map(|page| &page.blocks);
    for (written, block) in result.parsing_res_list.iter_mut().zip(blocks) {
        written.block_hidden = block.hidden;
        written.body = serde_json::value::to_raw_value(&block.body).ok();
    }
    Some(result)
}

/// A value per page; for joined pages all or none.
fn each<T>(
    pages: &[Page],
    joined: bool,
    part: &dyn Fn(&Page) -> Option<T>,
) -> Option<OneOrMany<T>> {
    if joined {
        let parts: Option<Vec<T>> = pages.iter().map(part).collect();
        return parts.map(OneOrMany::Many);
    }
    pages.first().and_then(part).map(OneOrMany::One)
}

fn model_settings(options: &JsonOptions) -> ModelSettings<'_> {
    let markdown = &options.markdown;
    ModelSettings {
        use_doc_preprocessor: options.use_doc_preprocessor,
        use_layout_detection: markdown.use_layout_detection,
        use_chart_recognition: markdown.use_chart_recognition,
        use_seal_recognition: markdown.use_seal_recognition,
        use_ocr_for_image_block: markdown.use_ocr_for_image_block,
        format_block_content: options.format_block_content,
        merge_layout_blocks: options.merge_layout_blocks,
        markdown_ignore_labels: &options.ignore_labels,
        return_layout_polygon_points: options.return_layout_polygon_points,
    }
}

fn preprocessor_result(done: &Preprocessing) -> PreprocessorResult {
    PreprocessorResult {
        input_path: (),
        page_index: (),
        model_settings: PreprocessorSettings {
            use_doc_orientation_classify: done.use_doc_orientation_classify,
            use_doc_unwarping: done.use_doc_unwarping,
        },
        angle: done.angle,
    }
}

fn layout_result(page: &Page, options: &JsonOptions) -> LayoutResult {
    let numbered = page.regions.iter().any(|region| region.order.is_some());
    let regions = page.regions.iter().enumerate();
    let boxes = regions.map(|(at, region)| LayoutBox {
        cls_id: region.label.class_id(),
        label: region.label.as_str(),
        score: match options.compat {
            true => f64::from(region.score),
            false => short_float(region.score),
        },
        coordinate: region.bbox.to_pixels(),
        order: match numbered {
            true => region.order,
            false => order_of(&page.regions, at),
        },
        polygon_points: region.polygon.as_deref().map(points),
    });
    LayoutResult {
        input_path: (),
        page_index: (),
        boxes: boxes.collect(),
    }
}

/// Position of a region among those that are ordered.
fn order_of(regions: &[DetectedRegion], index: usize) -> Option<usize> {
    let ordered = |at: &usize| !regions[*at].label.is_unordered();
    ordered(&index).then(|| (0..=index).filter(ordered).count())
}

fn blocks(pages: &[Page], width: usize, options: &JsonOptions) -> Vec<BlockResult> {
    let mut order = 0;
    let pictures = PictureSources::of(pages);
    let result = |(id, block): (usize, &Block)| {
        let label = block.label.as_str();
        let ordered =
            !block.label.is_unordered() && !options.markdown.ignore_labels.contains(label);
        order += usize::from(ordered);
        BlockResult {
            block_label: label,
            block_content: content(block, width, &pictures, options),
            block_bbox: block.bbox.to_pixels(),
            block_id: id,
            block_order: ordered.then_some(order),
            group_id: block.group_id.unwrap_or(id),
            global_block_id: block.global_ids.map(|(block_id, _)| block_id),
            global_group_id: block.global_ids.map(|(_, group_id)| group_id),
            block_polygon_points: block.polygon.as_deref().map(points),
            block_hidden: None,
            body: None,
        }
    };
    let blocks = pages.iter().flat_map(|page| &page.blocks);
    blocks.enumerate().map(result).collect()
}

pub(super) fn content(
    block: &Block,
    width: usize,
    pictures: &PictureSources,
    options: &JsonOptions,
) -> String {
    if !options.format_block_content {
        return block.content.clone();
    }
    let formatted = match options.compat {
        true => {
            let view = MarkdownBlock::of(block, block.label);
            markdown::reference_block(&view, width as f32, &options.markdown)
        }
        false => markdown::own_block(block, width as f32, pictures, &options.markdown),
    };
    formatted.unwrap_or_else(|| block.content.clone())
}

fn diagnostics(page: &Page) -> Diagnostics<'_> {
    let blocks = page.blocks.iter().enumerate();
    Diagnostics {
        text: &page.text_decision,
        rotation: page.rotation_quarters * 90,
        skew_degrees: short_float(page.skew_degrees),
        is_unwarped: page.is_unwarped,
        messages: &page.diagnostics,
        blocks: blocks
            .map(|(id, block)| block_diagnostics(id, block))
            .collect(),
    }
}

fn block_diagnostics(block_id: usize, block: &Block) -> BlockDiagnostics<'_> {
    let lines = block.lines.iter().map(|line| LineResult {
        text: &line.text,
        bbox: line.bbox,
        confidence: short_float(line.confidence),
    });
    BlockDiagnostics {
        block_id,
        score: short_float(block.score),
        image: block.picture.as_ref().map(|picture| picture.path.as_str()),
        title_level: block.title_level,
        alt: block.alt.as_deref(),
        confidence: block.confidence.map(short_float),
        lines: block.confidence.is_some().then(|| lines.collect()),
        text: block.text.as_ref(),
        generation: block.generation.as_ref().map(generation),
    }
}

fn generation(generation: &Generation) -> GenerationResult {
    GenerationResult {
        token_count: generation.token_count,
        finish_reason: generation.finish_reason,
        milliseconds: generation.milliseconds.round(),
        mean_log_probability: generation.mean_log_probability.map(short_float),
        min_log_probability: generation.min_log_probability.map(short_float),
        drafted_share: generation.drafted_share.map(short_float),
    }
}

/// Rounded to four decimals, which is more than the precision of any of these numbers.
fn short_float(value: f32) -> f64 {
    (f64::from(value) * 10_000.0).round() / 10_000.0
}

/// Points of a polygon as `[x, y]`.
pub(crate) fn points(polygon: &[Point]) -> Vec<[f64; 2]> {
    let points = polygon.iter();
    points.map(|p| [f64::from(p.x), f64::from(p.y)]).collect()
}
