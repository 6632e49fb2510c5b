//! Speed and memory of PaddleOCR-VL, on the CPU beside transformers on the same checkpoint.
//!
//! `CHECKPOINT=DIR PYTHON=python cargo bench --bench recognizer [-- steps|errors|drafts|pages ...]`: `DIR` holds a checkpoint at
//! real size with a tokenizer, random weights will do. Without `PYTHON` there is no other side.
//!
//! * `steps`: vision, prefill and decoding by themselves. Both sides run in turns; medians are compared.
//! * `errors`: what each precision is off single precision.
//! * `drafts`: answers with drafts of which a share of the tokens is right, against the same without.
//! * `pages`: pages of 12 blocks with answers of given lengths, all together and block by block; 8 of them, and 64 on a GPU.
//!
//! `GPU=0` runs `drafts` and `pages` in bfloat16 on the GPU of that number; the others are for the CPU.

#![allow(missing_docs, clippy::print_stdout)]

use docparse::document::Label;
use docparse::geometry::Rect;
use docparse::kernels::attention::Row;
use docparse::layout::Region;
use docparse::lines::PreparedPage;
use docparse::onnx::checkpoint::Checkpoint;
use docparse::onnx::graph::Element;
use docparse::onnx::projection::Keep;
use docparse::onnx::slots::Way;
use docparse::onnx::{Device, Runtime, SessionOptions};
use docparse::plan::{Request, RequestOptions};
use docparse::raster::Pixels;
use docparse::recognize::draft::Draft;
use docparse::recognize::paddleocr_vl::backend::{PaddleOcrVl, RunOptions};
use docparse::recognize::paddleocr_vl::config::Config;
use docparse::recognize::paddleocr_vl::decoder::{Decoder, Packed};
use docparse::recognize::paddleocr_vl::image::Patches;
use docparse::recognize::paddleocr_vl::model::{Kernels, Model, ModelOptions, Prompt, Slots};
use docparse::recognize::paddleocr_vl::positions::TextRotary;
use docparse::recognize::paddleocr_vl::released_name;
use docparse::recognize::paddleocr_vl::vision::{Computing, Vision};
use docparse::recognize::scheduler::{Answer, Scheduler, Steps, Task};
use docparse::recognize::{BlockRequest, Recognizer, Ticket};
use docparse::runtime::{ONNXRUNTIME, RuntimeDirs};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

fn main() {
    let Some(folder) = std::env::var_os("CHECKPOINT").map(PathBuf::from) else {
        println!("CHECKPOINT names no folder of a checkpoint: nothing to measure");
        return;
    };
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get());
    let library = RuntimeDirs::new(None, None).find(ONNXRUNTIME).unwrap();
    let gpu = std::env::var("GPU")
        .ok()
        .and_then(|number| number.parse().ok());
    let device = gpu.map_or(Device::Cpu, Device::Gpu);
    let runtime = Runtime::load(&library, SessionOptions::on(device, threads)).unwrap();
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let wants = |name: &str| asked.is_empty() || asked.iter().any(|a| a == name);
    if wants("steps") && gpu.is_none() {
        steps(&folder, &runtime, threads);
    }
    if wants("errors") && gpu.is_none() {
        errors(&folder, &runtime);
    }
    if wants("drafts") {
        drafts(&folder, &runtime);
    }
    if wants("pages") {
        pages(&folder, &runtime);
    }
}

/// Tokens that a sequence of the bench may have.
const LENGTH: usize = 640;

/// A job of both sides: its name, what the other side is told, how many tokens or patches it is, and rounds.
struct Job {
    name: &'static str,
    line: &'static str,
    count: usize,
    rounds: usize,
    run: fn(&mut Ours) -> f64,
}

const JOBS: [Job; 5] = [
    Job {
        name: "vision, 660 patches",
        line: "vision 22 30",
        count: 660,
        rounds: 5,
        run: |o| o.vision([22, 30]),
    },
    Job {
        name: "vision, 2560 patches",
        line: "vision 40 64",
        count: 2560,
        rounds: 2,
        run: |o| o.vision([40, 64]),
    },
    Job {
        name: "prefill of 256 tokens",
        line: "prefill 256",
        count: 256,
        rounds: 5,
        run: |o| o.rows(1, 0, 256),
    },
    Job {
        name: "a step of 1 row at 256",
        line: "decode 1 256",
        count: 1,
        rounds: 25,
        run: |o| o.rows(1, 256, 1),
    },
    Job {
        name: "a step of 8 rows at 256",
        line: "decode 8 256",
        count: 8,
        rounds: 25,
        run: |o| o.rows(8, 256, 1),
    },
];

struct Ours {
    config: Config,
    vision: Vision,
    decoder: Decoder,
    rotary: TextRotary,
}

impl Ours {
    fn load(folder: &Path, runtime: &Runtime, decoder: Keep, vision: Keep) -> Ours {
        let checkpoint = Checkpoint::open(folder).unwrap().with_names(released_name);
        let config = Config::read(folder, &checkpoint.config).unwrap();
        let computing = Computing::Single {
            keep: vision,
            own_kernels: true,
        };
        let vision =
            Vision::read(&checkpoint, &config, computing, &[], None).unwrap()(runtime).unwrap();
        let pages = 8 * LENGTH / 16;
        let decoder =
            Decoder::read(&checkpoint, &config, decoder, &[], pages, None).unwrap()(runtime);
        Ours {
            vision,
            decoder: decoder.unwrap(),
            rotary: TextRotary::new(&config.text),
            config,
        }
    }

    /// Seconds of looking at a picture.
    fn vision(&mut self, grid: [usize; 2]) -> f64 {
        let numbers = grid[0] * grid[1] * self.config.vision.patch_numbers();
        let patches = Patches {
            values: vec![0.1; numbers],
            grid,
        };
        let start = Instant::now();
        self.vision.encode(patches).unwrap();
        start.elapsed().as_secs_f64()
    }

    /// Seconds of a step of `tokens` tokens behind `past` others in every row.
    fn rows(&mut self, rows: usize, past: usize, tokens: usize) -> f64 {
        let mut call = Packed::default();
        for row in 0..rows {
            let first = row * tokens;
            let places: Vec<[i64; 3]> = (past..past + tokens).map(|n| [n as i64; 3]).collect();
            call.rotary.extend(&self.rotary.at(&places));
            (0..tokens).for_each(|n| {
                self.decoder
                    .embeddings()
                    .embed((n * 37 % 1000) as u32, &mut call.embeddings)
            });
            let pages = (0..LENGTH / 16)
                .map(|page| (row * LENGTH / 16 + page) as u32)
                .collect();
            call.rows.push(Row {
                tokens: first..first + tokens,
                past,
                pages,
            });
            call.wanted.push(first + tokens - 1);
        }
        let start = Instant::now();
        self.decoder.run(call).unwrap();
        start.elapsed().as_secs_f64()
    }
}

fn steps(folder: &Path, runtime: &Runtime, threads: usize) {
    let sides = [
        ("fp32", Keep::Exact, Keep::Exact, "fp32"),
        ("auto", Keep::Int8, Keep::Exact, "bf16"),
        ("int8", Keep::Int8, Keep::Int8, "bf16"),
        ("int4", Keep::Int4, Keep::Exact, "bf16"),
    ];
    println!(
        "{:<5} {:<24} {:>11} {:>9} {:>7} {:>11} {:>7}",
        "", "", "docparse ms", "per s", "torch", "torch ms", "ratio"
    );
    for (name, decoder, vision, kind) in sides {
        let before = memory("VmRSS");
        let start = Instant::now();
        let mut ours = Ours::load(folder, runtime, decoder, vision);
        let loaded = start.elapsed().as_secs_f64();
        let mut other = Other::start(folder, kind, threads);
        for job in &JOBS {
            let is_vision = job.name.starts_with("vision");
            // Each way of keeping weights once: `int8` is that of the vision encoder, `int4` of the decoder.
            if (name == "int8" && !is_vision) || (name == "int4" && is_vision) {
                continue;
            }
            let (mut mine, mut theirs) = (Vec::new(), Vec::new());
            for round in 0..=job.rounds {
                let seconds = (job.run)(&mut ours);
                let torch = other.as_mut().map(|other| other.run(job.line));
                // The first round makes room and is not counted.
                if round > 0 {
                    mine.push(seconds);
                    theirs.extend(torch);
                }
            }
            let (mine, theirs) = (median(mine), median(theirs));
            println!(
                "{name:<5} {:<24} {:>11.1} {:>9.1} {kind:>7} {:>11.1} {:>7.2}",
                job.name,
                mine * 1e3,
                job.count as f64 / mine,
                theirs * 1e3,
                theirs / mine
            );
        }
        let theirs = other.map_or(f64::NAN, |mut other| other.run("memory"));
        println!(
            "{name:<5} loaded in {loaded:.2} s; memory without mapped files {:.0} MB (before: {before:.0} MB in all); torch at most {theirs:.0} MB",
            memory("RssAnon")
        );
    }
}

/// What the logits of a sequence and the representations of a picture are off those in single precision.
fn errors(folder: &Path, runtime: &Runtime) {
    const WANTED: usize = 33;
    let of = |keep: Keep| {
        let mut ours = Ours::load(
            folder,
            runtime,
            keep,
            if keep == Keep::Int4 {
                Keep::Exact
            } else {
                keep
            },
        );
        let mut call = Packed::default();
        let ids = (0..256u32).map(|n| n * 7919 % 90_000 + 500);
        ids.for_each(|id| ours.decoder.embeddings().embed(id, &mut call.embeddings));
        let places: Vec<[i64; 3]> = (0..256).map(|n| [n; 3]).collect();
        call.rotary = ours.rotary.at(&places);
        call.rows = vec![Row {
            tokens: 0..256,
            past: 0,
            pages: (0..16).collect(),
        }];
        call.wanted = (256 - WANTED..256).collect();
        let (next, logits) = ours.decoder.run_for_logits(call).unwrap();
        let grid = [22, 30];
        let count = grid[0] * grid[1] * ours.config.vision.patch_numbers();
        let values = (0..count)
            .map(|i| (i * 7919 % 255) as f32 / 127.5 - 1.0)
            .collect();
        let picture = ours.vision.encode(Patches { values, grid }).unwrap();
        (
            next.iter().map(|next| next.id).collect::<Vec<_>>(),
            logits,
            picture,
        )
    };
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let off = |a: &[f32], b: &[f32]| {
        let difference = square(&mut a.iter().zip(b).map(|(a, b)| f64::from(a - b)));
        difference / square(&mut a.iter().map(|v| f64::from(*v)))
    };
    let (ids, logits, picture) = of(Keep::Exact);
    println!(
        "{:<6} {:>14} {:>16} {:>14}",
        "", "logits, rms", "same likeliest", "picture, rms"
    );
    for (name, keep) in [("int8", Keep::Int8), ("int4", Keep::Int4)] {
        let (other_ids, other_logits, other_picture) = of(keep);
        let same = ids.iter().zip(&other_ids).filter(|(a, b)| a == b).count();
        let (logits, picture) = (
            off(&logits, &other_logits) * 100.0,
            off(&picture, &other_picture) * 100.0,
        );
        println!("{name:<6} {logits:>12.1} % {same:>10} of {WANTED} {picture:>12.1} %");
    }
}

/// transformers in another process.
struct Other {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Other {
    fn start(folder: &Path, kind: &str, threads: usize) -> Option<Other> {
        let python = std::env::var_os("PYTHON")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/recognizer.py");
        let mut process = Command::new(python)
            .arg(script)
            .arg(folder)
            .args([kind, &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut other = Other { process, answers };
        println!("      torch {kind} loaded in {:.2} s", other.answer());
        Some(other)
    }

    fn run(&mut self, job: &str) -> f64 {
        writeln!(self.process.stdin.as_mut().unwrap(), "{job}").unwrap();
        self.answer()
    }

    fn answer(&mut self) -> f64 {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn load(folder: &Path, runtime: &Runtime) -> Model {
    let slots = Slots {
        count: slots(runtime),
        longest: 2048,
        common: 2048,
    };
    let (kernels, memory) = match runtime.uses_gpu() {
        true => (
            Kernels::Standard {
                element: Element::Bf16,
                way: Way::Fused,
                slots,
            },
            8 << 30,
        ),
        false => (
            Kernels::Own {
                decoder: Keep::Int8,
                vision: Keep::Exact,
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
fn prompts(model: &mut Model, grids: &[[usize; 2]]) -> Vec<Prompt> {
    let counts: Vec<usize> = grids.iter().map(|grid| grid[0] * grid[1]).collect();
    let mut prompts: Vec<Option<Prompt>> = vec![None; grids.len()];
    for batch in model.encoder.batches(&counts) {
        let shown = batch.iter().map(|at| shown(model, grids[*at])).collect();
        let made = model.encoder.encode_all(shown).unwrap();
        batch
            .into_iter()
            .zip(made)
            .for_each(|(at, prompt)| prompts[at] = Some(prompt));
    }
    prompts.into_iter().flatten().collect()
}

fn task(prompt: Prompt, tokens: usize, draft: Vec<u32>) -> Task<Prompt, ()> {
    Task {
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

fn drafts(folder: &Path, runtime: &Runtime) {
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

fn pages(folder: &Path, runtime: &Runtime) {
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

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Megabytes that the system accounts to this process.
fn memory(key: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with(key))
        .unwrap_or("0");
    line.split_whitespace()
        .nth(1)
        .and_then(|n| n.parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1024.0
}
