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

mod answers;
mod steps;

use docparse::internals::onnx::{Device, Runtime, SessionOptions};
use docparse::internals::runtime::{ONNXRUNTIME, RuntimeDirs};
use std::path::PathBuf;

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
        steps::steps(&folder, &runtime, threads);
    }
    if wants("errors") && gpu.is_none() {
        steps::errors(&folder, &runtime);
    }
    if wants("drafts") {
        answers::drafts(&folder, &runtime);
    }
    if wants("pages") {
        answers::pages(&folder, &runtime);
    }
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
