//! Vision, prefill and decoding by themselves: their time beside transformers, and what each precision is off.

use super::{median, memory};
use docparse::internals::kernels::attention::Row;
use docparse::internals::onnx::Runtime;
use docparse::internals::onnx::checkpoint::Checkpoint;
use docparse::internals::onnx::projection::Quantization;
use docparse::internals::recognize::paddleocr_vl::config::VlModelConfig;
use docparse::internals::recognize::paddleocr_vl::decoder::{Decoder, Packed};
use docparse::internals::recognize::paddleocr_vl::image::Patches;
use docparse::internals::recognize::paddleocr_vl::positions::TextRotary;
use docparse::internals::recognize::paddleocr_vl::released_name;
use docparse::internals::recognize::paddleocr_vl::vision::{Computing, Vision};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

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
    config: VlModelConfig,
    vision: Vision,
    decoder: Decoder,
    rotary: TextRotary,
}

impl Ours {
    fn load(folder: &Path, runtime: &Runtime, decoder: Quantization, vision: Quantization) -> Ours {
        let checkpoint = Checkpoint::open(folder).unwrap().with_names(released_name);
        let config = VlModelConfig::read(folder, &checkpoint.config).unwrap();
        let computing = Computing::Single {
            quantization: vision,
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

pub fn steps(folder: &Path, runtime: &Runtime, threads: usize) {
    let sides = [
        ("fp32", Quantization::Exact, Quantization::Exact, "fp32"),
        ("auto", Quantization::Int8, Quantization::Exact, "bf16"),
        ("int8", Quantization::Int8, Quantization::Int8, "bf16"),
        ("int4", Quantization::Int4, Quantization::Exact, "bf16"),
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
            // Each quantization of weights once: `int8` is that of the vision encoder, `int4` of the decoder.
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

/// Differences of the logits of a sequence and the representations of a picture from those in single precision.
pub fn errors(folder: &Path, runtime: &Runtime) {
    const WANTED: usize = 33;
    let of = |keep: Quantization| {
        let mut ours = Ours::load(
            folder,
            runtime,
            keep,
            if keep == Quantization::Int4 {
                Quantization::Exact
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
    let (ids, logits, picture) = of(Quantization::Exact);
    println!(
        "{:<6} {:>14} {:>16} {:>14}",
        "", "logits, rms", "same likeliest", "picture, rms"
    );
    for (name, keep) in [("int8", Quantization::Int8), ("int4", Quantization::Int4)] {
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
