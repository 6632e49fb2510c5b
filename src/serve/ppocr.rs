//! Texts and lines as the PP-OCR service gives them, made of parsed documents.
//!
//! The text layer of a PDF is taken where docparse trusts it. If it trusts the layers of all pages with text, the answer is
//! their text, page after page. If the text of any page was recognized, every page with text is a block of its own under its
//! number, in lines. Lines whose recognition is unsure are left out, as the service does.

use super::parsed::{BlockFacts, Parsed, ParsedBlock, ParsedPage};
use serde_json::{Value, json};

/// Confidence below which a line is left out (`drop_score` of the service).
const DROP_SCORE: f64 = 0.5;
/// Where the text of a page whose layer is trusted comes from.
const TEXT_LAYER: &str = "text_layer";

/// Extensions that the service takes.
pub(crate) const EXTENSIONS: [&str; 8] =
    ["jpg", "jpeg", "png", "bmp", "tiff", "gif", "webp", "pdf"];

/// The extension of a file's name: what follows the last dot, in lower case.
pub(crate) fn extension(name: &str) -> String {
    let after = name.rsplit_once('.').map(|(_, after)| after);
    after.unwrap_or_default().to_lowercase()
}

/// A line of a page.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    text: String,
    bbox: [f64; 4],
    confidence: f64,
}

/// The lines of a page in reading order: as they were recognized, or the text of its blocks where no lines were.
fn lines(page: &ParsedPage) -> Vec<Line> {
    let none = BlockFacts::default();
    let mut lines = Vec::new();
    for (index, block) in page.blocks.iter().enumerate() {
        let facts = page.diagnostics.blocks.get(index).unwrap_or(&none);
        if facts.lines.is_empty() {
            lines.extend(lines_of_text(block, facts));
        }
        lines.extend(facts.lines.iter().map(|line| Line {
            text: line.text.clone(),
            bbox: line.bbox,
            confidence: line.confidence,
        }));
    }
    lines
}

fn lines_of_text(block: &ParsedBlock, facts: &BlockFacts) -> Vec<Line> {
    let generation = facts.generation.as_ref();
    let probability = generation.and_then(|generation| generation.mean_log_probability);
    let confidence = probability.map_or(1.0, f64::exp);
    let texts = block.body.texts();
    let pieces = texts.iter().flat_map(|text| text.lines());
    let pieces = pieces.filter(|piece| !piece.trim().is_empty());
    pieces
        .map(|piece| Line {
            text: piece.to_string(),
            bbox: block.bbox,
            confidence,
        })
        .collect()
}

fn sure_texts(page: &ParsedPage) -> Vec<String> {
    let lines = lines(page).into_iter();
    let sure = lines.filter(|line| line.confidence >= DROP_SCORE);
    sure.map(|line| line.text)
        .filter(|text| !text.trim().is_empty())
        .collect()
}

/// Texts in one line, white space squeezed.
fn merged(texts: &[String]) -> String {
    let words = texts.iter().flat_map(|text| text.split_whitespace());
    words.collect::<Vec<_>>().join(" ")
}

/// The text of a picture, in one line.
pub(crate) fn picture_text(parsed: &Parsed) -> String {
    let texts: Vec<String> = parsed.pages.iter().flat_map(sure_texts).collect();
    merged(&texts)
}

/// The text of a PDF.
pub(crate) fn pdf_text(parsed: &Parsed) -> String {
    let pages: Vec<(usize, &ParsedPage, Vec<String>)> = parsed
        .pages
        .iter()
        .enumerate()
        .map(|(at, page)| (page.page_index.unwrap_or(at) + 1, page, sure_texts(page)))
        .filter(|(_, _, texts)| !texts.is_empty())
        .collect();
    let is_own = |page: &ParsedPage| page.diagnostics.text.source == TEXT_LAYER;
    let all_own = pages.iter().all(|(_, page, _)| is_own(page));
    let texts = pages.iter().map(|(number, _, texts)| match all_own {
        true => texts.join("\n"),
        false => format!("--- 第{number}页 ---\n{}", texts.join("\n")),
    });
    let between = if all_own { "\n" } else { "\n\n" };
    texts.collect::<Vec<_>>().join(between).trim().to_string()
}

/// What was read in a picture, line by line.
pub(crate) fn debug(parsed: &Parsed, name: &str, seconds: f64) -> Value {
    let size = parsed.pages.first();
    let (width, height) = size.map_or((0.0, 0.0), |page| (page.width, page.height));
    let all: Vec<Line> = parsed.pages.iter().flat_map(lines).collect();
    let results = all.iter().enumerate().map(|(index, line)| {
        let [left, top, right, bottom] = line.bbox;
        let length = line.text.chars().count();
        json!({
            "index": index,
            "text": line.text,
            "confidence": rounded(line.confidence),
            "bbox": [[left, top], [right, top], [right, bottom], [left, bottom]],
            "text_length": length,
            "is_single_char": length == 1,
        })
    });
    json!({
        "filename": name,
        "image_size": format!("{width}x{height}"),
        "raw_result_count": all.len(),
        "raw_results": results.collect::<Vec<_>>(),
        "filtered_text": picture_text(parsed),
        "processing_time": rounded(seconds),
    })
}

/// A number with three decimals.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of one block: where its text comes from, the text of its body, its lines with confidence.
    type PageOf<'a> = (&'a str, &'a str, &'a [(&'a str, f64)]);

    fn parsed(pages: &[PageOf]) -> Parsed {
        let pages: Vec<Value> = pages
            .iter()
            .enumerate()
            .map(|(index, (source, text, lines))| {
                let body =
                    json!({"type": "text", "paragraphs": [[{"type": "text", "text": text}]]});
                let lines = lines.iter().map(|(text, confidence)| {
                    json!({"text": text, "bbox": [1, 2, 30, 40], "confidence": confidence})
                });
                json!({
                    "page_index": index,
                    "width": 100,
                    "height": 50,
                    "parsing_res_list": [
                        {"block_label": "text", "block_bbox": [0, 0, 99, 49], "body": body},
                    ],
                    "diagnostics": {
                        "text": {"source": source, "reason": ""},
                        "blocks": [{"block_id": 0, "lines": lines.collect::<Vec<_>>()}],
                    },
                })
            })
            .collect();
        serde_json::from_value(json!({"pages": pages})).unwrap()
    }

    #[test]
    fn extensions_follow_the_last_dot() {
        for (name, expected) in [("a.b.PDF", "pdf"), ("pdf", ""), ("a.", ""), (".png", "png")] {
            assert_eq!(extension(name), expected, "{name}");
        }
    }

    #[test]
    fn unsure_lines_are_left_out_and_white_space_is_squeezed() {
        let picture = parsed(&[(
            "lines",
            "",
            &[("a  b", 0.9), ("noise", 0.49), (" c\t", 0.5)],
        )]);
        assert_eq!(picture_text(&picture), "a b c");
        let shown = debug(&picture, "x.png", 1.23456);
        assert_eq!(shown["raw_result_count"], 3);
        assert_eq!(shown["filtered_text"], "a b c");
        assert_eq!(shown["image_size"], "100x50");
        assert_eq!(shown["processing_time"], 1.235);
        assert_eq!(shown["raw_results"][1]["confidence"], 0.49);
        assert_eq!(
            shown["raw_results"][0]["bbox"],
            json!([[1.0, 2.0], [30.0, 2.0], [30.0, 40.0], [1.0, 40.0]])
        );
    }

    #[test]
    fn pages_are_blocks_if_any_was_recognized() {
        let own = parsed(&[
            (TEXT_LAYER, "one", &[]),
            (TEXT_LAYER, "", &[]),
            (TEXT_LAYER, "three", &[]),
        ]);
        assert_eq!(pdf_text(&own), "one\nthree");
        let mixed = parsed(&[
            (TEXT_LAYER, "one", &[]),
            ("none", "", &[]),
            ("lines", "", &[("a", 0.9), ("b", 0.9)]),
        ]);
        assert_eq!(
            pdf_text(&mixed),
            "--- 第1页 ---\none\n\n--- 第3页 ---\na\nb"
        );
        assert_eq!(pdf_text(&parsed(&[("none", "", &[])])), "");
    }
}
