//! Vectors of contents, Markdown and restructuring.

use super::Context;
use super::compare::{exactly, numbers, rect, same_text, text};
use crate::content;
use crate::document::{Block, Label, Markup, Page};
use crate::fault::Fault;
use crate::restructure::levels::{self, Numbering};
use crate::restructure::{RestructureOptions, level_of_heights, restructure_pages};
use crate::writer::markdown::{self, MarkdownBlock, MarkdownOptions};
use serde_json::{Value, json};

use super::compare::Checked;
pub(super) fn otsl_to_html(v: &Value, _: &Context) -> Checked {
    let squared = content::otsl::square(text(&v["otsl"]));
    same_text("padded", text(&v["padded"]), &squared)?;
    same_text(
        "html",
        text(&v["html"]),
        &content::otsl::to_html(text(&v["otsl"])),
    )
}

pub(super) fn repetition(v: &Value, _: &Context) -> Checked {
    let min_length = v["min_count"].as_u64().unwrap_or(0) as usize;
    same_text(
        "output",
        text(&v["output"]),
        &content::truncate_repetition(text(&v["text"]), min_length),
    )
}

pub(super) fn answer_to_content(v: &Value, _: &Context) -> Checked {
    // Labels that no pipeline has are treated as text.
    let label = Label::from_name(text(&v["label"])).unwrap_or(Label::Text);
    same_text(
        "content",
        text(&v["content"]),
        &content::content_of(text(&v["answer"]), label, (1, 1)).0,
    )
}

pub(super) fn spotting_answer(v: &Value, _: &Context) -> Checked {
    let side = |key: &str| v[key].as_f64().unwrap_or(0.0);
    let (content, found) =
        content::spotting_content(text(&v["answer"]), side("width"), side("height"));
    same_text("content", text(&v["content"]), &content)?;
    exactly("spotting_res", &v["spotting_res"], json!(found))
}

pub(super) fn titles(v: &Value, _: &Context) -> Checked {
    let content = text(&v["content"]);
    same_text(
        "format_title",
        text(&v["format_title"]),
        &markdown::title(content),
    )?;
    for (key, expected) in v.as_object().into_iter().flatten() {
        if let Some(level) = key
            .strip_prefix("format_para_title_level_")
            .and_then(|n| n.parse().ok())
        {
            same_text(
                key,
                text(expected),
                &markdown::leveled_title(content, level),
            )?;
        }
    }
    let (name, level) = match levels::numbering(content) {
        None => (None, -1),
        Some((style, level)) => (Some(numbering_name(style)), level),
    };
    exactly(
        "symbol_and_level",
        &v["symbol_and_level"],
        json!([name, level]),
    )
}

fn numbering_name(style: Numbering) -> &'static str {
    match style {
        Numbering::BracketedNumber => "NUM_LIST_BRACKET",
        Numbering::Roman => "ROMAN",
        Numbering::Chinese => "CHINESE_NUM",
        Numbering::Letter => "LETTER",
        Numbering::NumberList => "NUM_LIST",
    }
}

pub(super) fn markdown_labels(v: &Value, _: &Context) -> Checked {
    let settings = &v["model_settings"];
    let on = |key: &str| settings[key].as_bool().unwrap_or(false);
    let ignored = settings["markdown_ignore_labels"]
        .as_array()
        .into_iter()
        .flatten();
    let options = MarkdownOptions {
        ignore_labels: ignored.map(|l| text(l).to_string()).collect(),
        use_layout_detection: on("use_layout_detection"),
        use_chart_recognition: on("use_chart_recognition"),
        use_seal_recognition: on("use_seal_recognition"),
        use_ocr_for_image_block: on("use_ocr_for_image_block"),
        ..MarkdownOptions::default()
    };
    let view = |block: &'_ Value| {
        let bbox = numbers(&block["bbox"]);
        (bbox.get(2).unwrap_or(&0.0) - bbox.first().unwrap_or(&0.0)) as f32
    };
    let blocks: Vec<MarkdownBlock> = v["blocks"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|block| MarkdownBlock {
            label: text(&block["label"]),
            width: view(block),
            content: text(&block["content"]),
            markup: Markup::default(),
            image: block["image_path"].as_str(),
            alt: None,
            title_level: None,
        })
        .collect();
    let width = v["page_width"].as_f64().unwrap_or(0.0) as f32;
    for (key, pretty, show_formula_number) in markdown::VARIANTS {
        let options = MarkdownOptions {
            pretty,
            show_formula_number,
            ..options.clone()
        };
        same_text(
            key,
            text(&v[key]),
            &markdown::blocks(&blocks, width, &options),
        )?;
    }
    Ok(())
}

/// Pages of blocks with label, box and content only.
fn pages(value: &Value) -> Vec<Page> {
    let block = |block: &Value| {
        // Labels that no pipeline has are treated as text.
        let label = Label::from_name(text(&block["label"])).unwrap_or(Label::Text);
        let mut out = Block::new(label, rect(&block["bbox"]), 1.0);
        out.content = text(&block["content"]).to_string();
        out
    };
    let page = |(index, blocks): (usize, &Value)| {
        let mut page = Page::failed(index, Fault::internal(""));
        page.diagnostics.clear();
        page.blocks = blocks.as_array().into_iter().flatten().map(block).collect();
        page
    };
    value
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
        .map(page)
        .collect()
}

fn per_block(pages: &[Page], value: impl Fn(&Block) -> Value) -> Value {
    pages
        .iter()
        .map(|p| p.blocks.iter().map(&value).collect::<Value>())
        .collect()
}

pub(super) fn merge_tables(v: &Value, _: &Context) -> Checked {
    let mut pages = pages(&v["pages"]);
    let options = RestructureOptions {
        merge_tables: true,
        relevel_titles: false,
        concatenate_pages: false,
    };
    restructure_pages(&mut pages, &options);
    let expected = v["output"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_array)
        .flatten();
    for (block, expected) in pages.iter().flat_map(|p| &p.blocks).zip(expected) {
        same_text("content", text(&expected["content"]), &block.content)?;
        let group = block.global_ids.map(|ids| ids.1);
        exactly(
            "global_group_id",
            &expected["global_group_id"],
            json!(group),
        )?;
    }
    Ok(())
}

pub(super) fn title_levels(v: &Value, _: &Context) -> Checked {
    let mut pages = pages(&v["pages"]);
    let is_title = |b: &Block| b.label == Label::ParagraphTitle;
    let heights = per_block(&pages, |b| json!(is_title(b).then(|| levels::height(b))));
    exactly("heights", &v["heights"], heights)?;
    let options = RestructureOptions {
        merge_tables: false,
        relevel_titles: true,
        concatenate_pages: false,
    };
    restructure_pages(&mut pages, &options);
    exactly(
        "levels",
        &v["levels"],
        per_block(&pages, |b| json!(b.title_level)),
    )
}

pub(super) fn height_clusters(v: &Value, _: &Context) -> Checked {
    let heights: Vec<i64> = numbers(&v["heights"])
        .into_iter()
        .map(|h| h as i64)
        .collect();
    let levels = level_of_heights(&heights)
        .into_iter()
        .map(|(height, level)| (height.to_string(), json!(level)));
    exactly(
        "level_of_height",
        &v["level_of_height"],
        Value::Object(levels.collect()),
    )
}
