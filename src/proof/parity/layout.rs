//! PP-DocLayout: intermediate values, query outputs, reading order and detections.

use super::Check;
use super::expected::{cases, error, expected, facts, open, picture};
use crate::layout::pixel_values;
use crate::layout::postprocess::{RawBox, Threshold};
use crate::layout::pp_doclayout::config::{LayoutConfig, Version};
use crate::layout::pp_doclayout::decode::DetectorOutput;
use crate::layout::pp_doclayout::reading_order::OrderRequest;
use crate::layout::pp_doclayout::{PpDocLayout, released_name};
use crate::onnx::Runtime;
use crate::onnx::checkpoint::Tensors;
use crate::raster::Pixels;
use serde_json::Value;
use std::path::Path;

/// Intermediate values of the detection network.
const TAPS: [&str; 13] = [
    "backbone_0",
    "backbone_1",
    "backbone_2",
    "backbone_3",
    "encoder_0",
    "encoder_1",
    "encoder_2",
    "mask_feat",
    "init_reference_points",
    "intermediate_logits",
    "intermediate_reference_points",
    "enc_topk_logits",
    "last_hidden_state",
];
/// Values before query selection; at real size only these are comparable, because random weights make the
/// network select 300 of 13125 nearly equal scores.
const BEFORE_CHOICE: [&str; 3] = ["backbone_", "encoder_", "mask_feat"];
const TOLERANCE: f64 = 2e-4;
const TOLERANCE_FULL: f64 = 1e-3;
/// V2's order depends on integer parts of coordinates and on sines of large numbers.
const TOLERANCE_ORDER_V2: f64 = 2e-3;
/// Tolerance as a multiple of the reference's own rounding errors, if its file states them: both sides have
/// such errors, and random weights amplify them.
const ROUNDING: f64 = 4.0;
/// One level of a picture, plus a margin since pictures need not reach the highest level.
const LEVEL: f64 = 1.5 / 255.0;
/// Votes that differ by less count as equal, so their order is not compared.
const EQUAL_VOTES: f32 = 0.01;
/// The case with inputs of the reading-order network instead of a picture.
const READING_ORDER: &str = "reading_order";

/// Checks a folder.
pub(super) fn check(folder: &Path, runtime: &Runtime) -> Result<Vec<Check>, String> {
    let checkpoint = open(folder)?.with_names(released_name);
    let config = LayoutConfig::read(&checkpoint.config, folder).map_err(|e| e.to_string())?;
    let is_full = facts(&folder.join("goldens/summary.json"))?["size"] == "full";
    let taps: Vec<String> = TAPS
        .iter()
        .filter(|tap| is_inside(tap, &config))
        .map(|t| t.to_string())
        .collect();
    let mut network = PpDocLayout::read(&checkpoint, &taps, runtime.takes_own_kernels())
        .map_err(|e| e.to_string())
        .and_then(|build| build(runtime).map_err(|e| e.to_string()))?;
    let mut checks = Vec::new();
    for case in cases(folder)? {
        let (tensors, facts) = expected(folder, &case)?;
        if case == READING_ORDER {
            checks.extend(reading_order(&mut network, &tensors, &facts)?);
            continue;
        }
        let missing = || format!("`{case}.png` is missing");
        let page = picture(folder, &format!("{case}.png"))?.ok_or_else(missing)?;
        let mut add = |tensor: &str, error: f64, tolerance: Option<f64>| {
            checks.push(Check {
                case: case.clone(),
                tensor: tensor.into(),
                error,
                tolerance,
            });
        };
        let [height, width] = network.config.input;
        let mut pixels = pixel_values(&page, width, height);
        if let Some(resized) = picture(folder, &format!("{case}.resized_cv2.png"))? {
            let given = pixel_values(&resized, width, height);
            add("resized picture", error(&given, &pixels), Some(LEVEL));
            pixels = given;
        }
        let (answers, inner) = network.run(pixels, 1).map_err(|e| e.to_string())?;
        let answer = &answers[0];
        for (name, error) in compared(&tensors, &inner, answer) {
            let before = BEFORE_CHOICE.iter().any(|start| name.starts_with(start));
            let tolerance = match (is_full, before, config.version) {
                (true, true, _) => Some(TOLERANCE_FULL),
                (true, false, _) => None,
                (false, _, Version::V2) if name == "order_logits" => Some(TOLERANCE_ORDER_V2),
                _ => Some(TOLERANCE),
            };
            add(
                &name,
                error,
                tolerance.map(|tolerance| tolerance.max(rounding(&facts, &name))),
            );
        }
        if !is_full {
            for (threshold, rows) in facts["detections"].as_object().into_iter().flatten() {
                let limit = ["logits", "pred_boxes"].map(|name| rounding(&facts, name));
                // Scores and corners depend on both.
                let limit = 2.0 * limit.into_iter().fold(TOLERANCE, f64::max);
                let (error, order) = detections(answer, &page, threshold, rows, limit);
                add(&format!("detections above {threshold}"), error, Some(limit));
                add(
                    &format!("order above {threshold}, pairs that differ"),
                    order as f64,
                    Some(0.0),
                );
            }
        }
    }
    Ok(checks)
}

/// `true` if the network has an intermediate value of this name.
fn is_inside(tap: &str, config: &LayoutConfig) -> bool {
    config.version == Version::V3 || !["backbone_3", "mask_feat"].contains(&tap)
}

/// Errors of all tensors expected for a page.
fn compared(tensors: &Tensors, inner: &Tensors, answer: &DetectorOutput) -> Vec<(String, f64)> {
    let compared = tensors.iter().map(|(name, (_, values))| {
        let error = match name.as_str() {
            "logits" => error(values, &answer.logits),
            "pred_boxes" => error(values, &answer.boxes),
            "order_logits" => above_diagonal(values, &answer.order_logits, answer.queries),
            "out_masks" => answer.masks.as_ref().map_or(f64::INFINITY, |masks| {
                let all: Vec<f32> = (0..answer.queries)
                    .flat_map(|query| masks.logits(query))
                    .collect();
                error(values, &all)
            }),
            "init_reference_points" => {
                let sigmoid = |values: &[f32]| {
                    values
                        .iter()
                        .map(|v| 1.0 / (1.0 + (-v).exp()))
                        .collect::<Vec<_>>()
                };
                inner.get(name).map_or(f64::INFINITY, |(_, got)| {
                    error(&sigmoid(values), &sigmoid(got))
                })
            }
            _ => inner
                .get(name)
                .map_or(f64::INFINITY, |(_, got)| error(values, got)),
        };
        (name.clone(), error)
    });
    compared.collect()
}

fn above_diagonal(expected: &[f32], got: &[f32], queries: usize) -> f64 {
    let part = |values: &[f32]| -> Vec<f32> {
        let rows = values.chunks(queries).enumerate();
        rows.flat_map(|(i, row)| row.iter().skip(i + 1).copied())
            .collect()
    };
    error(&part(expected), &part(got))
}

/// Checks the reading-order network alone, on given boxes.
fn reading_order(
    network: &mut PpDocLayout,
    tensors: &Tensors,
    facts: &Value,
) -> Result<Vec<Check>, String> {
    let (queries, order) = (network.config.queries, network.config.reading_order.clone());
    let order =
        order.ok_or("expected numbers of a reading-order network, but the model has none")?;
    let network = network
        .reading_order()
        .ok_or("the model has no reading-order network")?;
    let mut names: Vec<&String> = facts
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
        .collect();
    names.sort();
    let tensor = |name: &str, part: &str| {
        let key = format!("{name}.{part}");
        tensors
            .get(&key)
            .map(|(_, values)| values.as_slice())
            .ok_or(format!("`{key}` is missing"))
    };
    let mut requests = Vec::new();
    for name in &names {
        let valid = facts[name.as_str()]["valid"].as_u64().unwrap_or(0) as usize;
        let boxes = tensor(name, "boxes")?.as_chunks::<4>().0;
        let classes = tensor(name, "class_ids")?;
        if boxes.len() < valid || classes.len() < valid {
            return Err(format!("`{name}` has fewer boxes than are valid"));
        }
        let kind = |class: &f32| {
            let kind = order.class_order.get(*class as usize);
            kind.copied().ok_or(format!("`{name}` has class {class}"))
        };
        requests.push(OrderRequest {
            boxes: boxes[..valid].to_vec(),
            kinds: classes[..valid]
                .iter()
                .map(kind)
                .collect::<Result<_, _>>()?,
            queries,
        });
    }
    // In one batch, so that shorter pages are padded, and each alone.
    let together = network.run(&requests).map_err(|e| e.to_string())?;
    let mut checks = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let alone = network
            .run(&requests[index..=index])
            .map_err(|e| e.to_string())?
            .swap_remove(0);
        let expected = tensor(name, "order_logits")?;
        let mut add = |tensor: &str, error: f64, tolerance: f64| {
            let case = format!("{READING_ORDER}.{name}");
            checks.push(Check {
                case,
                tensor: tensor.into(),
                error,
                tolerance: Some(tolerance),
            });
        };
        add(
            "order_logits",
            above_diagonal(expected, &alone, queries),
            TOLERANCE_ORDER_V2,
        );
        add(
            "order_logits, batched",
            above_diagonal(expected, &together[index], queries),
            TOLERANCE_ORDER_V2,
        );
        let valid = requests[index].boxes.len();
        let answer = DetectorOutput {
            queries,
            order_logits: alone,
            ..DetectorOutput::default()
        };
        let places: Vec<f32> = answer.places()[..valid]
            .iter()
            .map(|(place, _)| *place as f32)
            .collect();
        let differing = places
            .iter()
            .zip(tensor(name, "order_seq")?)
            .filter(|(a, b)| a != b)
            .count();
        add("order_seq, places that differ", differing as f64, 0.0);
    }
    Ok(checks)
}

/// Tolerance by the reference's own rounding errors.
fn rounding(facts: &Value, tensor: &str) -> f64 {
    ROUNDING
        * facts["fp32_vs_fp64_max_rel"][tensor]
            .as_f64()
            .unwrap_or(0.0)
}

/// The largest error of detections (of scores, or of corners relative to the page's longer side), and the
/// number of pairs in another order.
///
/// The error is infinite if one side lacks a detection of the other, unless its score is within `limit` of
/// the threshold or of the last detection.
fn detections(
    answer: &DetectorOutput,
    page: &Pixels,
    threshold: &str,
    expected: &Value,
    limit: f64,
) -> (f64, usize) {
    let Ok(lowest) = threshold.parse::<f64>() else {
        return (f64::INFINITY, 0);
    };
    let side = page.width.max(page.height) as f64;
    let rows = answer
        .rows(page.width, page.height, &Threshold::Off, true)
        .boxes;
    let last = rows
        .iter()
        .map(|row| f64::from(row.score))
        .fold(1.0, f64::min)
        .max(lowest);
    let mut rows: Vec<Option<RawBox>> = rows
        .into_iter()
        .filter(|row| f64::from(row.score) >= lowest - limit)
        .map(Some)
        .collect();
    let number = |value: &Value| value.as_f64().unwrap_or(f64::INFINITY);
    let difference = |wanted: &Value, row: &RawBox| {
        let corners = row.bbox.iter().enumerate();
        let corners =
            corners.map(|(i, v)| (number(&wanted["box"][i]) - f64::from(*v)).abs() / side);
        corners.fold(
            (number(&wanted["score"]) - f64::from(row.score)).abs(),
            f64::max,
        )
    };
    let may_be_missing = |score: f64| (score - last).abs() <= limit;
    let mut worst = 0.0f64;
    let mut matched: Vec<(f64, RawBox)> = Vec::new();
    for wanted in expected.as_array().into_iter().flatten() {
        let same_class = |row: &RawBox| number(&wanted["label_id"]) == row.class_id as f64;
        let candidates = rows
            .iter()
            .enumerate()
            .filter_map(|(at, row)| Some((at, row.filter(same_class)?)));
        let nearest = candidates
            .map(|(at, row)| (at, difference(wanted, &row)))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        match nearest {
            // Farther away, it is a different detection.
            Some((at, error)) if error < 0.1 => {
                worst = worst.max(error);
                matched.extend(
                    rows[at]
                        .take()
                        .map(|row| (number(&wanted["order_seq"]), row)),
                );
            }
            _ if may_be_missing(number(&wanted["score"])) => {}
            _ => return (f64::INFINITY, 0),
        }
    }
    if rows
        .iter()
        .flatten()
        .any(|row| !may_be_missing(f64::from(row.score)))
    {
        return (f64::INFINITY, 0);
    }
    let is_swapped = |(place, row): &(f64, RawBox), (other_place, other): &(f64, RawBox)| {
        let votes = |row: &RawBox| row.votes.unwrap_or(0.0);
        place < other_place && votes(row) > votes(other) + EQUAL_VOTES
    };
    let swapped = matched
        .iter()
        .map(|a| matched.iter().filter(|b| is_swapped(a, b)).count())
        .sum();
    (worst, swapped)
}
