//! The recognizer on a device beside the same network on the CPU: pictures, and decode steps of every size that is
//! captured, while the load rises to all slots and falls again.
//!
//! Captured steps write their results to fixed places. If two of them, or a step and a prompt between two steps, used
//! the same memory for different things, answers would be spoilt at certain sizes only, and only after other sizes have
//! run: so all sizes run, upwards and downwards, with prompts in between. Both sides are given the same tokens,
//! so that one difference does not hide what follows.

use super::noise::noise;
use super::{Check, SelfTest, Speed};
use crate::onnx::Runtime;
use crate::onnx::checkpoint::ModelConfig;
use crate::onnx::graph::Element;
use crate::onnx::slots::AttentionKernel;
use crate::plan::PixelLimits;
use crate::proof::parity::error;
use crate::raster::Pixels;
use crate::recognize::paddleocr_vl::config::VlModelConfig;
use crate::recognize::paddleocr_vl::image::patches;
use crate::recognize::paddleocr_vl::model::{EncodedPrompt, Kernels, Model, ModelOptions, Slots};
use crate::recognize::paddleocr_vl::slot_decoder::token_bytes;
use crate::recognize::scheduler::{StepRow, Steps};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

/// Slots on a GPU, as many as parsing has by default: steps of 1, 2, 4, ..., 64.
const GPU_SLOTS: usize = 64;
/// Slots on the CPU, where the test only has to show that it passes.
const CPU_SLOTS: usize = 8;
/// Tokens of the longest prompt; they differ in length.
const PROMPT: usize = 23;
/// Steps at each load.
const STEPS: usize = 2;

/// A way to compute, with the limits of what its rounding may make.
struct Way {
    element: Element,
    attention_kernel: AttentionKernel,
    /// Of the difference of log-probabilities.
    log_probability: f64,
    /// Of the share of steps in which another token is the likeliest: random weights make many nearly equal.
    tokens: f64,
    /// Of the pictures, relative to the largest value.
    picture: f64,
}

const SINGLE: Way = Way {
    element: Element::F32,
    attention_kernel: AttentionKernel::Plain,
    log_probability: 1e-3,
    tokens: 0.0,
    picture: 1e-4,
};
const HALF: Way = Way {
    element: Element::F16,
    attention_kernel: AttentionKernel::Fused,
    log_probability: 0.02,
    tokens: 0.05,
    picture: 5e-3,
};
/// Eight times as coarse as half precision.
const BFLOAT: Way = Way {
    element: Element::Bf16,
    attention_kernel: AttentionKernel::Fused,
    log_probability: 0.16,
    tokens: 0.3,
    picture: 4e-2,
};

/// Checks all ways that the device computes in.
pub(super) fn check(folder: &Path, runtime: &Runtime, found: &mut SelfTest) -> Result<(), String> {
    let gpu = runtime.gpu().map_err(|e| e.to_string())?;
    let slots = if gpu.is_some() { GPU_SLOTS } else { CPU_SLOTS };
    let mut ways = vec![SINGLE, HALF];
    if gpu.is_some_and(|gpu| gpu.has_bf16()) {
        ways.push(BFLOAT);
    }
    let expected = Run::of(folder, &runtime.on_cpu(), &SINGLE, slots)?;
    for way in ways {
        let got = Run::of(folder, runtime, &way, slots)?;
        compare(&expected, &got, &way, found);
    }
    Ok(())
}

/// What a side computes.
struct Run {
    /// The prompt of a picture.
    picture: Vec<f32>,
    /// Predictions of the steps, by phase and number of slots.
    steps: BTreeMap<(Phase, usize), Vec<(u32, f32)>>,
    /// Seconds of the fastest step, by number of slots.
    seconds: BTreeMap<usize, f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Rising,
    Falling,
}

impl Run {
    fn of(folder: &Path, runtime: &Runtime, way: &Way, slots: usize) -> Result<Run, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        // One place in a slot for each step over it, in both phases.
        let longest = PROMPT + 2 * STEPS * slots;
        let mut model = load(folder, runtime, way, (slots, longest))?;
        model.decoder.prepare().map_err(|e| text(&e))?;
        let picture = picture(&mut model)?;
        let prompts: Vec<EncodedPrompt> = (0..slots)
            .map(|slot| {
                let ids: Vec<u32> = (0..3 + slot * 7 % (PROMPT - 2))
                    .map(|at| token(&model, slot, at))
                    .collect();
                model.encoder.text_prompt(&ids)
            })
            .collect();
        let mut run = Run {
            picture,
            steps: BTreeMap::new(),
            seconds: BTreeMap::new(),
        };
        let mut tokens: Vec<Vec<u32>> = vec![Vec::new(); slots];
        let loads = (1..=slots).map(|load| (Phase::Rising, load));
        let falling = (1..slots).rev().map(|load| (Phase::Falling, load));
        for (phase, load) in loads.chain(falling) {
            if phase == Phase::Rising {
                Run::prompt(&mut model, &prompts[load - 1], load - 1)?;
            } else {
                model.decoder.release(&[load as u32]);
            }
            for _ in 0..STEPS {
                for (slot, own) in tokens[..load].iter_mut().enumerate() {
                    own.push(token(&model, slot, PROMPT + own.len()));
                }
                run.step(&mut model, (phase, load), (&prompts, &tokens))?;
            }
        }
        Ok(run)
    }

    /// Runs the prompt of a slot, between the steps of the others.
    fn prompt(model: &mut Model, prompt: &EncodedPrompt, slot: usize) -> Result<(), String> {
        let row = StepRow {
            prompt,
            tokens: &[],
            past: 0,
            wanted: 1,
            pages: &[slot as u32],
            wants_logits: false,
        };
        model.decoder.step(&[row]).map_err(|e| e.to_string())?;
        Ok(())
    }

    /// Runs a step over the first slots.
    fn step(
        &mut self,
        model: &mut Model,
        (phase, load): (Phase, usize),
        (prompts, tokens): (&[EncodedPrompt], &[Vec<u32>]),
    ) -> Result<(), String> {
        let pages: Vec<[u32; 1]> = (0..load as u32).map(|slot| [slot]).collect();
        let rows: Vec<StepRow<'_, EncodedPrompt>> = (0..load)
            .map(|slot| StepRow {
                prompt: &prompts[slot],
                tokens: &tokens[slot],
                past: model.decoder.prompt_tokens(&prompts[slot]) + tokens[slot].len() - 1,
                wanted: 1,
                pages: &pages[slot],
                wants_logits: false,
            })
            .collect();
        let start = Instant::now();
        let predicted = model.decoder.step(&rows).map_err(|e| e.to_string())?;
        let seconds = start.elapsed().as_secs_f64();
        let size = load.next_power_of_two();
        let all = self.steps.entry((phase, size)).or_default();
        all.extend(predicted.iter().map(|row| row.next[0]));
        let fastest = self.seconds.entry(size).or_insert(f64::INFINITY);
        *fastest = fastest.min(seconds);
        Ok(())
    }
}

fn load(
    folder: &Path,
    runtime: &Runtime,
    way: &Way,
    (count, longest): (usize, usize),
) -> Result<Model, String> {
    let config = ModelConfig::read(folder.join("config.json")).map_err(|e| e.to_string())?;
    let config = VlModelConfig::read(folder, &config).map_err(|e| e.to_string())?;
    let kernels = Kernels::Standard {
        element: way.element,
        attention_kernel: way.attention_kernel,
        slots: Slots {
            count,
            longest,
            common: longest,
            most_long: count,
        },
    };
    let options = ModelOptions {
        kernels,
        memory: count * longest * token_bytes(&config.text, way.element),
        is_first_version: false,
        store: None,
    };
    Model::load(folder, runtime, options).map_err(|e| e.to_string())
}

/// A picture of noise after vision encoding.
fn picture(model: &mut Model) -> Result<Vec<f32>, String> {
    let (width, height) = (112, 84);
    let values = noise(3 * width * height);
    let crop = Pixels {
        width,
        height,
        data: values.iter().map(|v| (127.5 + 127.5 * v) as u8).collect(),
    };
    let [min, max] = model.config.image.limits;
    let patches =
        patches(&crop, PixelLimits { min, max }, &model.config).map_err(|e| e.to_string())?;
    let pieces = patches.count() / model.config.vision.merge_size.pow(2);
    let ids = vec![model.config.image_token; pieces];
    let prompts = model.encoder.encode_all(vec![(patches, ids)]);
    let prompts = prompts.map_err(|e| e.to_string())?;
    Ok(prompts[0].embeddings().to_vec())
}

/// A token of the vocabulary that is no picture's.
fn token(model: &Model, slot: usize, at: usize) -> u32 {
    let vocabulary = model.config.text.vocab_size;
    let id = ((slot * 31 + at * 17 + 5) % vocabulary) as u32;
    match id == model.config.image_token {
        true => 0,
        false => id,
    }
}

fn compare(expected: &Run, got: &Run, way: &Way, found: &mut SelfTest) {
    let kind = format!("{:?}", way.element).to_lowercase();
    found.checks.push(Check::new(
        format!("recognizer in {kind}, a picture"),
        error(&expected.picture, &got.picture),
        way.picture,
    ));
    for ((phase, size), wanted) in &expected.steps {
        let none = Vec::new();
        let own = got.steps.get(&(*phase, *size)).unwrap_or(&none);
        let phase = format!("{phase:?}").to_lowercase();
        let name = format!("recognizer in {kind}, steps of {size} slots, load {phase}");
        let pairs = || wanted.iter().zip(own);
        // `f64::max` would ignore NaN.
        let largest = pairs()
            .map(|((_, a), (_, b))| f64::from((a - b).abs()))
            .fold(
                0.0,
                |worst: f64, d| if d.is_nan() || d > worst { d } else { worst },
            );
        let others = pairs().filter(|((a, _), (b, _))| a != b).count();
        let largest = if own.len() == wanted.len() {
            largest
        } else {
            f64::INFINITY
        };
        let share = others as f64 / wanted.len() as f64;
        found.checks.push(Check::new(
            format!("{name}: log-probabilities"),
            largest,
            way.log_probability,
        ));
        found.checks.push(Check::new(
            format!("{name}: share of other tokens"),
            share,
            way.tokens,
        ));
    }
    for (size, seconds) in &got.seconds {
        found.speeds.push(Speed {
            name: format!("step of the tiny recognizer in {kind}, {size} slots"),
            value: seconds * 1e6,
            unit: "us",
            peak: None,
        });
    }
}
