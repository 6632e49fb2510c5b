//! Greedy answers through the scheduler: any mix of requests, in any order and any number of slots, with drafts of any
//! kind, must give the tokens that each gives alone.

use super::{Check, cases, expected, picture};
use crate::onnx::Runtime;
use crate::onnx::checkpoint::CheckpointError;
use crate::onnx::projection::Keep;
use crate::plan::PixelLimits;
use crate::recognize::draft::Draft;
use crate::recognize::paddleocr_vl::decoder::heads;
use crate::recognize::paddleocr_vl::image::patches;
use crate::recognize::paddleocr_vl::model::{DecoderSteps, Model, ModelOptions, Prompt};
use crate::recognize::scheduler::{Scheduler, Task};
use std::path::Path;
use std::time::Instant;

/// A request and the answer that transformers gives it.
struct Expected {
    prompt: Prompt,
    answer: Vec<u32>,
}

/// Rounds: slots, tokens of the cache for each, what the drafts are, and in which order requests come.
const ROUNDS: [(usize, usize, Drafts, usize); 8] = [
    (1, 4000, Drafts::None, 1),
    (2, 4000, Drafts::None, 3),
    (4, 4000, Drafts::None, 5),
    (16, 4000, Drafts::None, 7),
    // So little room that sequences have to wait for each other.
    (4, 160, Drafts::None, 3),
    (1, 4000, Drafts::Perfect, 1),
    (4, 4000, Drafts::Noisy, 5),
    (2, 4000, Drafts::Hostile, 3),
];

#[derive(Clone, Copy, PartialEq)]
enum Drafts {
    None,
    Perfect,
    /// Some tokens wrong, one too much, some missing.
    Noisy,
    /// Other answers' tokens.
    Hostile,
}

/// Checks a folder that has a tokenizer; others hold nothing that could be asked for.
pub fn check(folder: &Path, runtime: &Runtime) -> Result<Vec<Check>, String> {
    if !folder.join("tokenizer.json").exists() {
        return Ok(Vec::new());
    }
    let text = |error: CheckpointError| error.to_string();
    let config = crate::onnx::checkpoint::ModelConfig::read(folder.join("config.json")).map_err(text)?;
    let config = crate::recognize::paddleocr_vl::config::Config::read(folder, &config).map_err(text)?;
    let token = heads(&config.text).page_bytes() / crate::kernels::attention::PAGE;
    let mut checks = Vec::new();
    for (slots, tokens, drafts, stride) in ROUNDS {
        let options = ModelOptions {
            decoder: Keep::Exact,
            vision: Keep::Exact,
            memory: tokens * token,
            is_first_version: false,
            store: None,
        };
        let mut model = Model::load(folder, runtime, options)?;
        let requests = requests(folder, &mut model)?;
        let differing = differing(model.decoder, slots, drafts, stride, requests);
        let name = match drafts {
            Drafts::None => "no drafts",
            Drafts::Perfect => "perfect drafts",
            Drafts::Noisy => "noisy drafts",
            Drafts::Hostile => "hostile drafts",
        };
        let room = if tokens < 1000 { ", little memory" } else { "" };
        let tensor = format!("{slots} slots, {name}{room}: answers that differ");
        checks.push(Check { case: "batched".into(), tensor, error: differing as f64, tolerance: Some(0.0) });
    }
    Ok(checks)
}

fn requests(folder: &Path, model: &mut Model) -> Result<Vec<Expected>, String> {
    let mut requests = Vec::new();
    for case in cases(folder)? {
        let (tensors, facts) = expected(folder, &case)?;
        let (Some((_, ids)), Some(answer)) = (tensors.get("input_ids"), facts["greedy_ids"].as_array())
        else {
            continue;
        };
        let name = case.split('.').next().unwrap_or(&case);
        let source = picture(folder, &format!("{name}.png"))?.ok_or(format!("`{name}.png` is missing"))?;
        let [min, max] = model.config.image.limits;
        let patches = patches(&source, PixelLimits { min, max }, &model.config)?;
        let ids: Vec<u32> = ids.iter().map(|id| *id as u32).collect();
        let prompt = model.encoder.encode(patches, &ids).map_err(|e| e.to_string())?;
        let answer = answer.iter().filter_map(|id| id.as_u64()).map(|id| id as u32).collect();
        requests.push(Expected { prompt, answer });
    }
    Ok(requests)
}

/// How many answers are not the expected ones.
fn differing(
    decoder: DecoderSteps,
    slots: usize,
    drafts: Drafts,
    stride: usize,
    requests: Vec<Expected>,
) -> usize {
    let answers: Vec<Vec<u32>> = requests.iter().map(|request| request.answer.clone()).collect();
    let mut scheduler: Scheduler<DecoderSteps, usize> = Scheduler::new(decoder, slots);
    let count = requests.len();
    let mut requests: Vec<Option<Expected>> = requests.into_iter().map(Some).collect();
    // Each once, whatever the stride: what was taken before is left out, what is left comes at the end.
    for at in (0..count).map(|i| i * stride % count.max(1)).chain(0..count) {
        let Some(Expected { prompt, answer }) = requests[at].take() else { continue };
        let draft = match drafts {
            Drafts::None => Vec::new(),
            Drafts::Perfect => answer.clone(),
            Drafts::Noisy => noisy(&answer),
            Drafts::Hostile => answers[(at + 1) % count].clone(),
        };
        scheduler.push(Task {
            tag: at,
            prompt,
            max_new_tokens: answer.len(),
            // The expected answers go on behind the token that ends others.
            eos: Vec::new(),
            sampling: None,
            early_end: None,
            draft: Draft::new(draft),
            started: Instant::now(),
            timeout: None,
        });
    }
    let mut right = 0;
    while scheduler.load() > 0 {
        for (at, result) in scheduler.step() {
            right += usize::from(result.is_ok_and(|answer| answer.ids == answers[at]));
        }
    }
    count - right
}

fn noisy(answer: &[u32]) -> Vec<u32> {
    let mut draft = answer.to_vec();
    (5..draft.len()).step_by(9).for_each(|i| draft[i] ^= 1);
    draft.insert(draft.len() / 3, 7);
    draft.drain(draft.len() / 2..(draft.len() / 2 + 2).min(draft.len()));
    draft
}
