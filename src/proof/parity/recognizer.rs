//! The recognizer: every tensor of vision encoder, projector and decoder, prompt tokens, and greedy answers.

use super::Check;
use super::batches::{self, TOLERANCE};
use super::expected::{cases, error, expected, facts, open, picture};
use crate::kernels::attention::{PAGE, Row};
use crate::onnx::Runtime;
use crate::onnx::checkpoint::Tensors;
use crate::onnx::projection::Quantization;
use crate::plan::{PixelLimits, smart_resize};
use crate::raster::Filter;
use crate::recognize::paddleocr_vl::config::VlModelConfig;
use crate::recognize::paddleocr_vl::decoder::{Decoder, Next, Packed};
use crate::recognize::paddleocr_vl::image::patches;
use crate::recognize::paddleocr_vl::positions::{TextRotary, prompt_positions};
use crate::recognize::paddleocr_vl::prompt::Prompts;
use crate::recognize::paddleocr_vl::released_name;
use crate::recognize::paddleocr_vl::vision::{Computing, Vision};
use serde_json::Value;
use std::path::Path;

/// Networks of the folder, ready to run.
struct LoadedNetworks {
    config: VlModelConfig,
    vision: Vision,
    decoder: Decoder,
    rotary: TextRotary,
    vision_taps: Vec<String>,
    decoder_taps: Vec<String>,
    pages: usize,
}

/// Checks a folder.
pub(super) fn check(folder: &Path, runtime: &Runtime) -> Result<Vec<Check>, String> {
    let (asked, runtime) = (runtime, &runtime.on_cpu());
    let mut checks = tokens(folder)?;
    let cases = cases(folder)?;
    let mut loaded = Vec::new();
    for case in &cases {
        loaded.push(expected(folder, case)?);
    }
    let longest = loaded.iter().map(|(tensors, facts)| {
        let generated = facts["greedy_ids"].as_array().map_or(0, Vec::len);
        tensors.get("input_ids").map_or(0, |(_, ids)| ids.len()) + generated
    });
    let pages = longest.max().unwrap_or(0).div_ceil(PAGE) + 1;
    let mut model = load(folder, runtime, pages)?;
    for (case, (tensors, facts)) in cases.iter().zip(&loaded) {
        one(folder, case, tensors, facts, &mut model, &mut checks)?;
    }
    drop(model);
    checks.extend(batches::check(folder, asked)?);
    Ok(checks)
}

fn load(folder: &Path, runtime: &Runtime, pages: usize) -> Result<LoadedNetworks, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let checkpoint = open(folder)?.with_names(released_name);
    let config = VlModelConfig::read(folder, &checkpoint.config).map_err(|e| text(&e))?;
    let layers = |name: &str, count: usize| {
        (0..count)
            .map(|i| format!("{name}_{i}"))
            .collect::<Vec<_>>()
    };
    let mut vision_taps = layers("vision_layer", config.vision.layers);
    vision_taps.extend(["vision_embeddings".into(), "vision_output".into()]);
    let decoder_taps = layers("decoder_layer", config.text.layers);
    let computing = Computing::Single {
        quantization: Quantization::Exact,
        own_kernels: runtime.takes_own_kernels(),
    };
    let vision =
        Vision::read(&checkpoint, &config, computing, &vision_taps, None).map_err(|e| text(&e))?;
    let vision = vision(runtime).map_err(|e| text(&e))?;
    let decoder = Decoder::read(
        &checkpoint,
        &config,
        Quantization::Exact,
        &decoder_taps,
        pages,
        None,
    )
    .map_err(|e| text(&e))?;
    let decoder = decoder(runtime).map_err(|e| text(&e))?;
    let rotary = TextRotary::new(&config.text);
    Ok(LoadedNetworks {
        config,
        vision,
        decoder,
        rotary,
        vision_taps,
        decoder_taps,
        pages,
    })
}

/// Checks a case, whose name consists of a picture and a task.
fn one(
    folder: &Path,
    case: &str,
    tensors: &Tensors,
    facts: &Value,
    model: &mut LoadedNetworks,
    checks: &mut Vec<Check>,
) -> Result<(), String> {
    let name = case.split('.').next().unwrap_or(case);
    let source =
        picture(folder, &format!("{name}.png"))?.ok_or(format!("`{name}.png` is missing"))?;
    let [min, max] = model.config.image.limits;
    let shown =
        patches(&source, PixelLimits { min, max }, &model.config).map_err(|e| e.to_string())?;
    let mut add = |tensor: &str, error: f64, tolerance: f64| {
        let tensor = tensor.to_string();
        checks.push(Check {
            case: case.into(),
            tensor,
            error,
            tolerance: Some(tolerance),
        });
    };
    let grid = shown.grid;
    if let Some((_, values)) = tensors.get("pixel_values") {
        add("pixel_values", error(values, &shown.values), TOLERANCE);
    }
    if let Some(wanted) = picture(folder, &format!("{name}.resized_pil.png"))? {
        let resized = source.resize_pillow(wanted.width, wanted.height, Filter::Bicubic);
        let is_same = resized.data == wanted.data
            && [wanted.height, wanted.width] == grid.map(|n| n * model.config.vision.patch_size);
        add(
            "resized picture, whether it differs",
            f64::from(u8::from(!is_same)),
            0.0,
        );
    }
    let mut compare = |tensor: &str, got: &[f32]| {
        if let Some((_, values)) = tensors.get(tensor) {
            add(tensor, error(values, got), TOLERANCE);
        }
    };
    let ran = model
        .vision
        .run(shown, &model.vision_taps.clone())
        .map_err(|e| e.to_string())?;
    let (image_embeds, taps) = ran;
    taps.iter().for_each(|(name, values)| compare(name, values));
    compare("image_embeds", &image_embeds);

    let (_, ids) = tensors.get("input_ids").ok_or("there are no `input_ids`")?;
    let ids: Vec<u32> = ids.iter().map(|id| *id as u32).collect();
    let merged = grid.map(|n| n / model.config.vision.merge_size);
    let (positions, delta) = prompt_positions(&ids, model.config.image_token, merged);
    let by_axis: Vec<f32> = (0..3)
        .flat_map(|axis| positions.iter().map(move |p| p[axis] as f32))
        .collect();
    compare("position_ids", &by_axis);
    compare("rope_delta", &[delta as f32]);
    let mut call = Packed {
        rotary: model.rotary.at(&positions),
        ..Packed::default()
    };
    let mut pieces = image_embeds.chunks_exact(model.config.text.hidden_size);
    for id in &ids {
        match *id == model.config.image_token {
            true => call.embeddings.extend(
                pieces
                    .next()
                    .ok_or("more placeholders than pieces of the picture")?,
            ),
            false => model.decoder.embeddings().embed(*id, &mut call.embeddings),
        }
    }
    compare("inputs_embeds", &call.embeddings);
    let pages: Vec<u32> = (0..model.pages as u32).rev().collect();
    call.rows = vec![Row {
        tokens: 0..ids.len(),
        past: 0,
        pages: pages.clone(),
    }];
    call.wanted = (0..ids.len()).collect();
    let mut wanted = model.decoder_taps.clone();
    wanted.push("logits".into());
    let (next, mut taps) = model
        .decoder
        .run_tapped(call, &wanted)
        .map_err(|e| e.to_string())?;
    let logits = taps.pop().map(|(_, values)| values).unwrap_or_default();
    let vocabulary = model.config.text.vocab_size;
    let last = logits
        .rchunks_exact(vocabulary)
        .next()
        .unwrap_or_default()
        .to_vec();
    for (name, values) in &taps {
        compare(name, values);
    }
    if let Some((_, values)) = taps.last() {
        compare("decoder_layer_last", values);
    }
    compare("prefill_logits", &logits);
    compare("prefill_logits_last", &last);
    let [keys, values] = model.decoder.cached(0, &pages, ids.len());
    compare("cache_key_0", &keys);
    compare("cache_value_0", &values);

    let Some(greedy) = facts["greedy_ids"].as_array() else {
        return Ok(());
    };
    let mut step_logits = last;
    let mut got: Vec<Next> = next.last().copied().into_iter().collect();
    while got.len() < greedy.len() {
        let token = ids.len() + got.len() - 1;
        let position = [token as i64 + delta; 3];
        let mut call = Packed {
            rotary: model.rotary.at(&[position]),
            wanted: vec![0],
            ..Packed::default()
        };
        model
            .decoder
            .embeddings()
            .embed(got[got.len() - 1].id, &mut call.embeddings);
        call.rows = vec![Row {
            tokens: 0..1,
            past: token,
            pages: pages.clone(),
        }];
        let (next, logits) = model
            .decoder
            .run_for_logits(call)
            .map_err(|e| e.to_string())?;
        if got.len() < 4 {
            step_logits.extend(logits);
        }
        got.extend(next);
    }
    compare("step_logits", &step_logits);
    let differing = greedy
        .iter()
        .zip(&got)
        .filter(|(id, got)| id.as_u64() != Some(u64::from(got.id)))
        .count();
    add("greedy ids, how many differ", differing as f64, 0.0);
    Ok(())
}

/// Checks tokens of prompts and words, and sizes of pictures, if a folder lists them.
fn tokens(folder: &Path) -> Result<Vec<Check>, String> {
    let checkpoint = open(folder)?;
    let config = VlModelConfig::read(folder, &checkpoint.config).map_err(|e| e.to_string())?;
    let mut checks = Vec::new();
    let mut count = |what: &str, differing: usize| {
        let (case, tensor) = ("all".to_string(), format!("{what}, how many differ"));
        checks.push(Check {
            case,
            tensor,
            error: differing as f64,
            tolerance: Some(0.0),
        });
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let ids = |value: &Value| -> Vec<u32> {
        list(value)
            .iter()
            .filter_map(Value::as_u64)
            .map(|id| id as u32)
            .collect()
    };
    let listed = facts(&folder.join("goldens/prompts.json"))?;
    let words = facts(&folder.join("tokenizer_cases.json"))?;
    let text = |error: &dyn std::fmt::Display| error.to_string();
    if !listed.is_null() || !words.is_null() {
        let prompts = Prompts::read(folder, &config, false).map_err(|e| text(&e))?;
        let first = Prompts::read(folder, &config, true)
            .map_err(|e| text(&e))?
            .without_template(true);
        let later = Prompts::read(folder, &config, false)
            .map_err(|e| text(&e))?
            .without_template(false);
        let mut differing = 0;
        for row in list(&listed) {
            let words = row["text"].as_str().unwrap_or_default();
            let tokens = row["image_tokens"].as_u64().unwrap_or_default() as usize;
            let mut ways = vec![&first];
            if row["version"] != "1.0" {
                ways = vec![&prompts, &later];
            }
            let wanted = ids(&row["input_ids"]);
            let is_right = |attention_kernel: &&Prompts| {
                attention_kernel
                    .encode(words, tokens)
                    .is_ok_and(|got| got == wanted)
            };
            differing += usize::from(!ways.iter().all(is_right));
        }
        count("prompts", differing);
        let encoded = list(&words["encode"]);
        let is_wrong = |row: &&Value| {
            let wanted = ids(&row["ids"]);
            let text = |key: &str| row[key].as_str().unwrap_or_default();
            prompts.encode_answer(text("text")) != wanted
                || prompts.decode(&wanted, true) != Ok(text("decoded_skip").into())
                || prompts.decode(&wanted, false) != Ok(text("decoded_keep").into())
        };
        count("encoded words", encoded.iter().filter(is_wrong).count());
        let decoded = list(&words["decode"]);
        let is_wrong = |row: &&Value| {
            let text = |key: &str| row[key].as_str().unwrap_or_default();
            prompts.decode(&ids(&row["ids"]), true) != Ok(text("skip").into())
                || prompts.decode(&ids(&row["ids"]), false) != Ok(text("keep").into())
        };
        count("decoded tokens", decoded.iter().filter(is_wrong).count());
    }
    let summary = facts(&folder.join("goldens/summary.json"))?;
    if let Some(rows) = summary["smart_resize"].as_array() {
        let is_wrong = |row: &&Value| {
            let number = |i: usize| row[i].as_u64().unwrap_or_default();
            let limits = PixelLimits {
                min: number(2),
                max: number(3),
            };
            let (height, width) = (number(0) as usize, number(1) as usize);
            let size = smart_resize(width, height, config.vision.factor(), limits, false);
            let wanted = (row[4] != "error").then(|| (number(5) as usize, number(4) as usize));
            size != wanted
        };
        count("sizes of pictures", rows.iter().filter(is_wrong).count());
    }
    Ok(checks)
}
