//! Whole answers: with drafts of which a share is right, and those of pages, in batches and block by block.

use super::median;
use docparse::document::Label;
use docparse::internals::geometry::Rect;
use docparse::internals::layout::Region;
use docparse::internals::lines::PreparedPage;
use docparse::internals::onnx::Runtime;
use docparse::internals::onnx::graph::Element;
use docparse::internals::onnx::projection::Quantization;
use docparse::internals::onnx::slots::AttentionKernel;
use docparse::internals::plan::{Request, RequestOptions};
use docparse::internals::raster::Pixels;
use docparse::internals::recognize::draft::Draft;
use docparse::internals::recognize::paddleocr_vl::backend::{PaddleOcrVl, RunOptions};
use docparse::internals::recognize::paddleocr_vl::image::Patches;
use docparse::internals::recognize::paddleocr_vl::model::{
    EncodedPrompt, Kernels, Model, ModelOptions, Slots,
};
use docparse::internals::recognize::scheduler::{Answer, GenerationTask, Scheduler, Steps};
use docparse::internals::recognize::{BlockRequest, Recognizer, Ticket};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

fn load(folder: &Path, runtime: &Runtime) -> Model {
    let slots = Slots {
        count: slots(runtime),
        longest: 2048,
        common: 2048,
        most_long: slots(runtime),
    };
    let (kernels, memory) = match runtime.uses_gpu() {
        true => (
            Kernels::Standard {
                element: Element::Bf16,
                attention_kernel: AttentionKernel::Fused,
                slots,
            },
            8 << 30,
        ),
        false => (
            Kernels::Own {
                decoder: Quantization::Int8,
                vision: Quantization::Exact,
            },
            1 << 30,
        ),
    };
    let options = ModelOptions {
        kernels,
        memory,
        is_first_version: false,
        store: None,
    };
    Model::load(folder, runtime, options).unwrap()
}

/// Blocks that decode together.
fn slots(runtime: &Runtime) -> usize {
    if runtime.uses_gpu() { 64 } else { 16 }
}

/// A picture of `grid` patches and the tokens of a question about it.
fn shown(model: &Model, grid: [usize; 2]) -> (Patches, Vec<u32>) {
    let count = grid[0] * grid[1];
    let values = (0..count * model.config.vision.patch_numbers())
        .map(|i| (i % 29) as f32 / 29.0 - 0.5)
        .collect();
    let ids = model.prompts.encode("OCR:", count / 4).unwrap();
    (Patches { values, grid }, ids)
}

/// The prompts of pictures.
fn prompts(model: &mut Model, grids: &[[usize; 2]]) -> Vec<EncodedPrompt> {
    let counts: Vec<usize> = grids.iter().map(|grid| grid[0] * grid[1]).collect();
    let mut prompts: Vec<Option<EncodedPrompt>> = vec![None; grids.len()];
    for batch in model.encoder.arranger().batches(&counts) {
        let shown = batch.iter().map(|at| shown(model, grids[*at])).collect();
        let made = model.encoder.encode_all(shown).unwrap();
        batch
            .into_iter()
            .zip(made)
            .for_each(|(at, prompt)| prompts[at] = Some(prompt));
    }
    prompts.into_iter().flatten().collect()
}

fn task(
    prompt: EncodedPrompt,
    tokens: usize,
    draft: Vec<u32>,
) -> GenerationTask<EncodedPrompt, ()> {
    GenerationTask {
        tag: (),
        prompt,
        max_new_tokens: tokens,
        // Nothing ends an answer: lengths are given.
        eos: Vec::new(),
        sampling: None,
        early_end: None,
        draft: Draft::new(draft),
        started: Instant::now(),
        timeout: None,
        cancel: Default::default(),
    }
}

/// Runs a scheduler to its end: the answers, in the order in which they ended.
fn finish<S: Steps>(scheduler: &mut Scheduler<S, ()>) -> Vec<Answer> {
    let mut answers = Vec::new();
    while scheduler.load() > 0 {
        answers.extend(
            scheduler
                .step()
                .into_iter()
                .map(|(_, result)| result.unwrap()),
        );
    }
    answers
}

pub fn drafts(folder: &Path, runtime: &Runtime) {
    const TOKENS: usize = 400;
    let mut model = load(folder, runtime);
    let prompt = prompts(&mut model, &[[22, 30]]).remove(0);
    let mut scheduler = Scheduler::new(model.decoder, 1);
    let mut run = |draft: Vec<u32>| {
        scheduler.push(task(prompt.clone(), TOKENS, draft));
        let start = Instant::now();
        // The prompt is no part of what drafts are for.
        scheduler.step();
        let prefill = start.elapsed().as_secs_f64();
        let answer = finish(&mut scheduler).remove(0);
        (start.elapsed().as_secs_f64() - prefill, answer)
    };
    let (_, plain) = run(Vec::new());
    println!(
        "{:<8} {:>10} {:>10} {:>9} {:>9}",
        "right", "plain ms", "drafted ms", "speed-up", "accepted"
    );
    for percent in [100, 98, 90, 0] {
        let mut number = 12345u64;
        let mut next = || {
            number = number
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            number >> 33
        };
        let noisy = |id: &u32| {
            if next() % 100 < percent {
                *id
            } else {
                (next() % 1000) as u32 + 50_000
            }
        };
        let draft: Vec<u32> = plain.ids.iter().map(noisy).collect();
        let (mut without, mut with, mut accepted) = (Vec::new(), Vec::new(), 0.0);
        for _ in 0..3 {
            without.push(run(Vec::new()).0);
            let (seconds, answer) = run(draft.clone());
            assert_eq!(answer.ids, plain.ids);
            with.push(seconds);
            accepted = answer.generation.drafted_share.unwrap();
        }
        let (without, with) = (median(without), median(with));
        println!(
            "{:<8} {:>10.0} {:>10.0} {:>9.2} {:>8.0}%",
            format!("{percent} %"),
            without * 1e3,
            with * 1e3,
            without / with,
            accepted * 100.0
        );
    }
}

pub fn pages(folder: &Path, runtime: &Runtime) {
    /// Patches and tokens of the answer of each block of a page.
    const BLOCKS: [([usize; 2], usize); 12] = [
        ([24, 24], 20),
        ([24, 24], 60),
        ([22, 30], 140),
        ([22, 30], 110),
        ([24, 24], 90),
        ([26, 26], 200),
        ([22, 30], 80),
        ([24, 24], 35),
        ([22, 30], 150),
        ([24, 24], 15),
        ([26, 26], 120),
        ([24, 24], 70),
    ];
    let count = if runtime.uses_gpu() { 64 } else { 8 };
    let mut model = load(folder, runtime);
    let blocks: Vec<([usize; 2], usize)> = BLOCKS
        .iter()
        .copied()
        .cycle()
        .take(BLOCKS.len() * count)
        .collect();
    let tokens: usize = blocks.iter().map(|(_, tokens)| tokens).sum();
    let start = Instant::now();
    let grids: Vec<[usize; 2]> = blocks.iter().map(|(grid, _)| *grid).collect();
    let prompts = prompts(&mut model, &grids);
    let vision = start.elapsed().as_secs_f64();
    drop(model.encoder);
    let mut decoder = Some(model.decoder);
    let mut decode = |slots: usize, most: usize| {
        let mut scheduler = Scheduler::new(decoder.take().unwrap(), slots);
        for (prompt, (_, tokens)) in prompts.iter().zip(&blocks) {
            scheduler.push(task(prompt.clone(), (*tokens).min(most), Vec::new()));
        }
        let start = Instant::now();
        finish(&mut scheduler);
        decoder = Some(scheduler.steps);
        start.elapsed().as_secs_f64()
    };
    // Answers of one token are nothing but their prompts.
    let prefill = decode(1, 1);
    let single = decode(1, usize::MAX) - prefill;
    let batched = decode(slots(runtime), usize::MAX) - prefill;
    drop(decoder);
    let whole = whole_run(load(folder, runtime), &blocks, slots(runtime));
    let sum = vision + prefill + batched;
    println!("{count} pages of {} blocks, {tokens} tokens", BLOCKS.len());
    println!(
        "vision {vision:.1} s, prefill {prefill:.1} s, decoding {single:.1} s block by block, {batched:.1} s in {} slots",
        slots(runtime)
    );
    println!(
        "decoding in batches is {:.2} times as fast",
        single / batched
    );
    println!(
        "the whole run takes {whole:.1} s, {:.2} of the sum of its parts ({sum:.1} s)",
        whole / sum
    );
    println!("{:.2} pages a second", count as f64 / whole);
}

/// Seconds of the recognizer as the program runs it, from crops to text.
fn whole_run(model: Model, blocks: &[([usize; 2], usize)], slots: usize) -> f64 {
    let page = Arc::new(PreparedPage::blank(0, 1000, 1000));
    let region = Arc::new(Region::new(
        Label::Text,
        Rect::new(0.0, 0.0, 100.0, 100.0),
        1.0,
    ));
    let (to_recognizer, requests) = crossbeam_channel::unbounded();
    for (block, (grid, tokens)) in blocks.iter().enumerate() {
        let [height, width] = grid.map(|n| n * 14);
        let data = (0..width * height * 3)
            .map(|i| (i * 7 % 251) as u8)
            .collect();
        let mut request = Request::of(Label::Text, &RequestOptions::default());
        request.max_new_tokens = *tokens as u64;
        let sent = to_recognizer.send(BlockRequest {
            ticket: Ticket { page: 0, block },
            document: Arc::default(),
            page: page.clone(),
            region: region.clone(),
            request: Arc::new(request),
            crop: Some(Arc::new(Pixels {
                width,
                height,
                data,
            })),
            draft: None,
            time_left: None,
            time_spent: Arc::default(),
        });
        sent.unwrap();
    }
    drop(to_recognizer);
    let (answers, answered) = crossbeam_channel::unbounded();
    let options = RunOptions {
        slots,
        repetition_stop: true,
        timeout: None,
        drafts: false,
        seed: 0,
    };
    let start = Instant::now();
    PaddleOcrVl::new(model, options)
        .run(requests, answers)
        .unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let said: usize = answered
        .iter()
        .map(|answer| answer.result.unwrap().generation.unwrap().token_count)
        .sum();
    let wanted: usize = blocks.iter().map(|(_, tokens)| tokens).sum();
    // Random weights say the token that ends an answer once in a hundred thousand.
    assert!(
        said * 100 >= wanted * 97,
        "{said} tokens instead of {wanted}"
    );
    seconds
}
