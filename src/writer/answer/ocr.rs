//! Pages of an answer as the reference's OCR pipeline has them: the lines of a page with boxes and scores.
//!
//! Blocks that a recognizer wrote as a whole have no lines: each line of their text then has the block's box, and the
//! mean probability of the block's tokens as its score.

use crate::document::{Block, Body, Page, Spotting};
use crate::lines::LimitType;
use crate::writer::options::OcrForm;
use serde_json::{Value, json};

/// A line: its text, its box in page pixels (left, top, right, bottom), its score from 0 to 1.
type Line = (String, [i32; 4], f32);

/// The lines of a page in reading order.
fn lines(page: &Page) -> Vec<Line> {
    let of_block = |block: &Block| -> Vec<Line> {
        if !block.lines.is_empty() {
            let lines = block.lines.iter();
            let line =
                |line: &crate::document::ReadLine| (line.text.clone(), line.bbox, line.confidence);
            return lines.map(line).collect();
        }
        let generation = block.generation.as_ref();
        let probability = generation.and_then(|generation| generation.mean_log_probability);
        let score = probability.map_or(1.0, |log| log.exp());
        let text = texts(block).into_iter();
        text.filter(|text| !text.trim().is_empty())
            .map(|text| (text, block.bbox.to_pixels(), score))
            .collect()
    };
    page.blocks.iter().flat_map(of_block).collect()
}

/// The text of a block line by line; of a table row by row, with tabs between its cells.
fn texts(block: &Block) -> Vec<String> {
    match &block.body {
        Body::Table { table, .. } => {
            let mut rows = vec![Vec::new(); table.rows];
            for cell in &table.cells {
                if let Some(row) = rows.get_mut(cell.row) {
                    row.push(cell.text.as_str());
                }
            }
            rows.into_iter().map(|row| row.join("\t")).collect()
        }
        _ => block.content.lines().map(String::from).collect(),
    }
}

/// The corners of a box, clockwise from the top left.
fn corners([left, top, right, bottom]: [i32; 4]) -> [[i32; 2]; 4] {
    [[left, top], [right, top], [right, bottom], [left, bottom]]
}

/// A parameter as it was written, without the digits of single precision.
fn short(number: f32) -> f64 {
    (f64::from(number) * 1e6).round() / 1e6
}

/// What is drawn of a page: the boxes of its lines, and their texts beside it.
pub(super) fn drawn(page: &Page, form: &OcrForm) -> Spotting {
    let kept = lines(page).into_iter();
    let (rec_polys, rec_texts) = kept
        .filter(|(_, _, score)| *score >= form.score_thresh)
        .map(|(text, bbox, _)| (corners(bbox).map(|point| point.map(f64::from)), text))
        .unzip();
    Spotting {
        rec_polys,
        rec_texts,
    }
}

/// The result object of a page. `preprocessed` is what document preprocessing did, where it ran.
pub(super) fn pruned(page: &Page, form: &OcrForm, preprocessed: Option<Value>) -> Value {
    let all = lines(page);
    let kept: Vec<&Line> = all
        .iter()
        .filter(|(_, _, score)| *score >= form.score_thresh)
        .collect();
    let mut result = json!({
        "model_settings": {
            "use_doc_preprocessor": preprocessed.is_some(),
            "use_textline_orientation": form.use_textline_orientation,
        },
    });
    if let Some(preprocessed) = preprocessed {
        result["doc_preprocessor_res"] = preprocessed;
    }
    let detect = form.detect;
    let polys: Vec<_> = kept.iter().map(|(_, bbox, _)| corners(*bbox)).collect();
    let rest = json!({
        "dt_polys": all.iter().map(|(_, bbox, _)| corners(*bbox)).collect::<Vec<_>>(),
        "text_det_params": {
            "limit_side_len": detect.limit_side_len,
            "limit_type": match detect.limit_type {
                LimitType::Min | LimitType::Letters => "min",
                LimitType::Max => "max",
            },
            "thresh": short(detect.thresh),
            "box_thresh": short(detect.box_thresh),
            "unclip_ratio": short(detect.unclip_ratio),
        },
        "text_type": "general",
        // Lines are turned where they are upside down, and nobody keeps which.
        "textline_orientation_angles": vec![-1; all.len()],
        "text_rec_score_thresh": short(form.score_thresh),
        "return_word_box": false,
        "rec_texts": kept.iter().map(|(text, ..)| text).collect::<Vec<_>>(),
        "rec_scores": kept.iter().map(|(.., score)| score).collect::<Vec<_>>(),
        "rec_polys": polys,
        "rec_boxes": kept.iter().map(|(_, bbox, _)| bbox).collect::<Vec<_>>(),
    });
    if let (Some(result), Value::Object(rest)) = (result.as_object_mut(), rest) {
        result.extend(rest);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Label, ReadLine};
    use crate::fault::Fault;
    use crate::geometry::Rect;
    use crate::lines::DetectOptions;

    fn block(content: &str, lines: &[(&str, f32)]) -> Block {
        let bbox = Rect {
            x1: 1.0,
            y1: 2.0,
            x2: 30.0,
            y2: 40.0,
        };
        let mut block = Block::new(Label::Text, bbox, 1.0);
        block.content = content.into();
        block.lines = lines
            .iter()
            .map(|(text, confidence)| ReadLine {
                text: (*text).into(),
                bbox: [5, 6, 7, 8],
                confidence: *confidence,
            })
            .collect();
        block
    }

    #[test]
    fn lines_below_the_threshold_are_detected_and_not_recognized() {
        let mut page = Page::failed(0, Fault::internal(""));
        page.blocks = vec![
            block("x", &[("sure", 0.9), ("unsure", 0.6)]),
            block("first\n\nsecond", &[]),
        ];
        let form = OcrForm {
            score_thresh: 0.7,
            detect: DetectOptions::default(),
            use_textline_orientation: true,
        };
        let result = pruned(&page, &form, None);
        assert_eq!(result["rec_texts"], json!(["sure", "first", "second"]));
        assert_eq!(
            result["rec_boxes"],
            json!([[5, 6, 7, 8], [1, 2, 30, 40], [1, 2, 30, 40]])
        );
        assert_eq!(
            result["rec_polys"][1],
            json!([[1, 2], [30, 2], [30, 40], [1, 40]])
        );
        assert_eq!(result["dt_polys"].as_array().unwrap().len(), 4);
        assert_eq!(result["model_settings"]["use_doc_preprocessor"], false);
        assert_eq!(drawn(&page, &form).rec_texts, ["sure", "first", "second"]);
    }
}
