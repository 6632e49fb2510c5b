//! Greedy decoding through the scheduler: any mix of requests, in any order, with any number of slots and any
//! drafts, must give the tokens that each request gives alone.

use super::Check;
use super::expected::{cases, error, expected, picture};
use crate::fault::Fault;
use crate::kernels::attention::PAGE;
use crate::onnx::Runtime;
use crate::onnx::checkpoint::CheckpointError;
use crate::onnx::graph::Element;
use crate::onnx::projection::Quantization;
use crate::onnx::slots::AttentionKernel;
use crate::plan::PixelLimits;
use crate::recognize::draft::Draft;
use crate::recognize::paddleocr_vl::decoder::heads;
use crate::recognize::paddleocr_vl::image::patches;
use crate::recognize::paddleocr_vl::model::{
    DecoderSteps, EncodedPrompt, Kernels, Model, ModelOptions, Slots,
};
use crate::recognize::paddleocr_vl::slot_decoder::token_bytes;
use crate::recognize::sampling::Sampling;
use crate::recognize::scheduler::kv_cache::CacheLayout;
use crate::recognize::scheduler::{GenerationTask, Predictions, Scheduler, StepRow, Steps};
use rand_mt::Mt64;
use std::path::Path;
use std::time::Instant;

/// A request and its answer by transformers.
struct Expected {
    prompt: EncodedPrompt,
    answer: Vec<u32>,
}

/// Rounds: number of slots, pages of the KV cache, kind of drafts, and stride of the order of requests.
type Round = (usize, usize, Drafts, usize);

/// Tolerance of the recognizer's tensors.
pub(super) const TOLERANCE: f64 = 1e-5;
/// Pages of the KV cache, enough for all requests of a folder at once.
const PAGES: usize = 250;
/// So few pages that sequences must wait for each other: enough for the longest, plus two.
const FEW_PAGES: usize = 0;

const ROUNDS: [Round; 9] = [
    (1, PAGES, Drafts::None, 1),
    (2, PAGES, Drafts::None, 3),
    (4, PAGES, Drafts::None, 5),
    (16, PAGES, Drafts::None, 7),
    (4, FEW_PAGES, Drafts::None, 3),
    (1, PAGES, Drafts::Perfect, 1),
    (4, PAGES, Drafts::Noisy, 5),
    (2, PAGES, Drafts::Hostile, 3),
    (3, PAGES, Drafts::Sampled, 5),
];

/// Rounds with ONNX Runtime's operators.
const STANDARD_ROUNDS: [Round; 4] = [
    (1, PAGES, Drafts::None, 1),
    (3, PAGES, Drafts::None, 3),
    (4, PAGES, Drafts::Noisy, 5),
    (3, PAGES, Drafts::Sampled, 5),
];

/// Slots too short for half of a folder's requests, which have to move; two of the four are long.
const SLOTS: Slots = Slots {
    count: 4,
    longest: 400,
    common: 60,
    most_long: 4,
};
/// Total tokens of the slots.
const SLOT_TOKENS: usize = 2 * 400 + 2 * 60;

#[derive(Clone, Copy, PartialEq)]
enum Drafts {
    None,
    Perfect,
    /// Some tokens wrong, one too many, some missing.
    Noisy,
    /// Tokens of other answers.
    Hostile,
    /// No drafts, but tokens are sampled; the distribution leaves hardly any but the largest logit.
    Sampled,
}

/// Checks a folder with a tokenizer; others contain nothing to request.
pub(super) fn check(folder: &Path, runtime: &Runtime) -> Result<Vec<Check>, String> {
    if !folder.join("tokenizer.json").exists() {
        return Ok(Vec::new());
    }
    let text = |error: CheckpointError| error.to_string();
    let config =
        crate::onnx::checkpoint::ModelConfig::read(folder.join("config.json")).map_err(text)?;
    let config = crate::recognize::paddleocr_vl::config::VlModelConfig::read(folder, &config)
        .map_err(text)?;
    let page = heads(&config.text).page_bytes();
    let options = |kernels, memory| ModelOptions {
        kernels,
        memory,
        is_first_version: false,
        store: None,
    };
    let own = Kernels::Own {
        decoder: Quantization::Exact,
        vision: Quantization::Exact,
    };
    let mut checks = Vec::new();
    let mut model = Model::load(folder, &runtime.on_cpu(), options(own, PAGES * page))
        .map_err(|e| e.to_string())?;
    rounds(folder, &mut model, &ROUNDS, "", Some(0.0), &mut checks)?;
    // The fused operator has no single-precision kernel on CUDA, and no bfloat16 kernel on the CPU.
    let ways = match runtime.uses_gpu() {
        true => [
            (Element::F32, AttentionKernel::Plain),
            (Element::F16, AttentionKernel::Fused),
            (Element::Bf16, AttentionKernel::Fused),
        ],
        false => [
            (Element::F32, AttentionKernel::Plain),
            (Element::F32, AttentionKernel::Fused),
            (Element::F16, AttentionKernel::Fused),
        ],
    };
    for (element, attention_kernel) in ways {
        let kernels = Kernels::Standard {
            element,
            attention_kernel,
            slots: SLOTS,
        };
        let budget = SLOT_TOKENS * token_bytes(&config.text, element);
        let mut model =
            Model::load(folder, runtime, options(kernels, budget)).map_err(|e| e.to_string())?;
        let is_exact = element == Element::F32;
        let name = format!("{element:?} {attention_kernel:?}, ").to_lowercase();
        let tolerance = is_exact.then_some(0.0);
        rounds(
            folder,
            &mut model,
            &STANDARD_ROUNDS,
            &name,
            tolerance,
            &mut checks,
        )?;
    }
    Ok(checks)
}

fn rounds(
    folder: &Path,
    model: &mut Model,
    rounds: &[Round],
    kernels: &str,
    tolerance: Option<f64>,
    checks: &mut Vec<Check>,
) -> Result<(), String> {
    let (requests, seen) = requests(folder, model)?;
    let tokens = requests
        .iter()
        .map(|r| model.decoder.prompt_tokens(&r.prompt) + r.answer.len());
    let few = tokens.max().unwrap_or(0).div_ceil(PAGE) + 2;
    let mut add = |tensor: String, error: f64, tolerance: Option<f64>| {
        checks.push(Check {
            case: "batched".into(),
            tensor,
            error,
            tolerance,
        });
    };
    if let Some(error) = seen {
        add(
            format!("{kernels}pictures in prompts"),
            error,
            tolerance.map(|_| TOLERANCE),
        );
    }
    for &(slots, pages, drafts, stride) in rounds {
        let room = if pages == FEW_PAGES { few } else { pages };
        let differing = differing(&mut model.decoder, room, slots, drafts, stride, &requests);
        let name = match drafts {
            Drafts::None => "no drafts",
            Drafts::Perfect => "perfect drafts",
            Drafts::Noisy => "noisy drafts",
            Drafts::Hostile => "hostile drafts",
            Drafts::Sampled => "sampled",
        };
        let room = if pages == FEW_PAGES {
            ", little memory"
        } else {
            ""
        };
        let tensor = format!("{kernels}{slots} slots, {name}{room}: answers that differ");
        add(tensor, differing as f64, tolerance);
    }
    Ok(())
}

/// The decoder with a limited number of cache pages.
struct Part<'a> {
    steps: &'a mut DecoderSteps,
    pages: usize,
}

impl Steps for Part<'_> {
    type Prompt = EncodedPrompt;

    fn prompt_tokens(&self, prompt: &EncodedPrompt) -> usize {
        self.steps.prompt_tokens(prompt)
    }

    fn cache_layout(&self) -> CacheLayout {
        match self.steps.cache_layout() {
            CacheLayout::Pages { tokens, .. } => CacheLayout::Pages {
                count: self.pages,
                tokens,
            },
            slots => slots,
        }
    }

    fn release(&mut self, pages: &[u32]) {
        self.steps.release(pages);
    }

    fn step(&mut self, rows: &[StepRow<'_, EncodedPrompt>]) -> Result<Vec<Predictions>, Fault> {
        self.steps.step(rows)
    }
}

/// All requests of a folder, and the largest error of their embeddings, if these are recorded.
fn requests(folder: &Path, model: &mut Model) -> Result<(Vec<Expected>, Option<f64>), String> {
    let (mut shown, mut wanted) = (Vec::new(), Vec::new());
    for case in cases(folder)? {
        let (tensors, facts) = expected(folder, &case)?;
        let (Some((_, ids)), Some(answer)) =
            (tensors.get("input_ids"), facts["greedy_ids"].as_array())
        else {
            continue;
        };
        let name = case.split('.').next().unwrap_or(&case);
        let source =
            picture(folder, &format!("{name}.png"))?.ok_or(format!("`{name}.png` is missing"))?;
        let [min, max] = model.config.image.limits;
        let patches =
            patches(&source, PixelLimits { min, max }, &model.config).map_err(|e| e.to_string())?;
        let ids: Vec<u32> = ids.iter().map(|id| *id as u32).collect();
        let answer = answer
            .iter()
            .filter_map(|id| id.as_u64())
            .map(|id| id as u32)
            .collect();
        let embeddings = tensors
            .get("inputs_embeds")
            .map(|(_, values)| values.clone());
        shown.push((patches, ids));
        wanted.push((embeddings, answer));
    }
    let counts: Vec<usize> = shown.iter().map(|(patches, _)| patches.count()).collect();
    let mut prompts: Vec<Option<EncodedPrompt>> = shown.iter().map(|_| None).collect();
    for batch in model.encoder.arranger().batches(&counts) {
        let together = batch.iter().map(|at| shown[*at].clone()).collect();
        let made = model
            .encoder
            .encode_all(together)
            .map_err(|e| e.to_string())?;
        batch
            .into_iter()
            .zip(made)
            .for_each(|(at, prompt)| prompts[at] = Some(prompt));
    }
    let (mut requests, mut largest) = (Vec::new(), None);
    for (prompt, (embeddings, answer)) in prompts.into_iter().zip(wanted) {
        let prompt = prompt.ok_or("a picture was not looked at")?;
        if let Some(embeddings) = embeddings {
            let error = error(&embeddings, prompt.embeddings());
            largest = Some(largest.map_or(error, |largest: f64| largest.max(error)));
        }
        requests.push(Expected { prompt, answer });
    }
    Ok((requests, largest))
}

/// Number of answers that differ from the expected ones.
fn differing(
    steps: &mut DecoderSteps,
    pages: usize,
    slots: usize,
    drafts: Drafts,
    stride: usize,
    requests: &[Expected],
) -> usize {
    let answers: Vec<&[u32]> = requests
        .iter()
        .map(|request| request.answer.as_slice())
        .collect();
    let mut scheduler: Scheduler<Part<'_>, usize> = Scheduler::new(Part { steps, pages }, slots);
    let count = requests.len();
    let mut requests: Vec<Option<&Expected>> = requests.iter().map(Some).collect();
    // Each request once, whatever the stride: repeated ones are skipped, the remaining ones come last.
    for at in (0..count)
        .map(|i| i * stride % count.max(1))
        .chain(0..count)
    {
        let Some(Expected { prompt, answer }) = requests[at].take() else {
            continue;
        };
        let draft = match drafts {
            Drafts::None | Drafts::Sampled => Vec::new(),
            Drafts::Perfect => answer.clone(),
            Drafts::Noisy => noisy(answer),
            Drafts::Hostile => answers[(at + 1) % count].to_vec(),
        };
        scheduler.push(GenerationTask {
            tag: at,
            prompt: prompt.clone(),
            max_new_tokens: answer.len(),
            // Expected answers continue past the end-of-sequence token.
            eos: Vec::new(),
            sampling: (drafts == Drafts::Sampled)
                .then(|| Sampling::of(Some(1.0), Some(1e-6), None))
                .flatten()
                .map(|sampling| (sampling, Mt64::new(0))),
            early_end: None,
            draft: Draft::new(draft),
            started: Instant::now(),
            timeout: None,
            cancel: Default::default(),
        });
    }
    let mut right = 0;
    while scheduler.load() > 0 {
        for (at, result) in scheduler.step() {
            if let Err(fault) = &result {
                tracing::warn!(reason = fault.message, "a request failed");
            }
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
