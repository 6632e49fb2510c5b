//! Milliseconds of the networks on the CPU, beside transformers and PyTorch on the same checkpoints.
//!
//! `CHECKPOINTS=DIR PYTHON=python cargo bench --bench networks [-- --profile]`: `DIR` holds folders of checkpoints at
//! real size, random weights will do. Without `PYTHON` there is no other side. Both sides run in turns, one after the
//! other, so that a busy machine slows both; medians are compared. `--profile` prints instead the operators that take
//! the most time.

#![allow(missing_docs, clippy::print_stdout)]

use docparse::internals::layout::pp_doclayout::{PpDocLayout, released_name};
use docparse::internals::onnx::checkpoint::Checkpoint;
use docparse::internals::onnx::{Device, Runtime, SessionOptions};
use docparse::internals::preprocess::pp_lcnet::OrientationClassifier;
use docparse::internals::preprocess::uvdoc::Unwarper;
use docparse::internals::raster::Pixels;
use docparse::internals::runtime::{ONNXRUNTIME, RuntimeDirs};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// A network on the bench.
struct Bench {
    /// The input of a page.
    page: Vec<f32>,
    /// Runs pages that lie one behind the other, and how many these are.
    run: Box<dyn FnMut(Vec<f32>, usize)>,
    /// Whether it takes several at once.
    is_batched: bool,
}

fn main() {
    let Some(folder) = std::env::var_os("CHECKPOINTS").map(PathBuf::from) else {
        println!("CHECKPOINTS names no folder of checkpoints: nothing to measure");
        return;
    };
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get());
    let profiles = std::env::args().any(|argument| argument == "--profile");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    folders.sort();
    folders.retain(|folder| folder.join("config.json").exists());
    if profiles {
        return folders.iter().for_each(|folder| profile(folder, threads));
    }
    println!(
        "{:<18} {:>5} {:>12} {:>12} {:>7} {:>10}",
        "network", "batch", "docparse ms", "torch ms", "ratio", "memory MB"
    );
    let library = RuntimeDirs::new(None, None).find(ONNXRUNTIME).unwrap();
    let runtime = Runtime::load(&library, SessionOptions::on(Device::Cpu, threads)).unwrap();
    for folder in &folders {
        let start = Instant::now();
        let Some(Bench {
            page,
            mut run,
            is_batched,
        }) = network(folder, &runtime)
        else {
            continue;
        };
        let loaded = start.elapsed();
        let mut other = Torch::start(folder, threads);
        for (batch, rounds) in [(1, 9), (8, 3)] {
            if batch > 1 && !is_batched {
                continue;
            }
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for round in 0..=rounds {
                let pages = page.repeat(batch);
                let start = Instant::now();
                run(pages, batch);
                let elapsed = start.elapsed().as_secs_f64() * 1000.0;
                let torch = other.as_mut().map(|other| other.run(batch));
                // The first run makes room and is not counted.
                if round > 0 {
                    ours.push(elapsed);
                    theirs.extend(torch);
                }
            }
            let (ours, theirs) = (median(ours), median(theirs));
            let name = folder.file_name().unwrap().to_string_lossy();
            let ratio = theirs / ours;
            println!(
                "{name:<18} {batch:>5} {ours:>12.1} {theirs:>12.1} {ratio:>7.2} {:>10.0}",
                memory()
            );
        }
        println!("{:<18} loaded in {:.2} s", "", loaded.as_secs_f64());
    }
}

/// The network of a folder.
fn network(folder: &Path, runtime: &Runtime) -> Option<Bench> {
    let checkpoint = Checkpoint::open(folder).unwrap().with_names(released_name);
    let page = Pixels {
        width: 800,
        height: 800,
        data: (0..800 * 800 * 3).map(|i| (i * 7 % 251) as u8).collect(),
    };
    match checkpoint.config.model_type() {
        "pp_lcnet" => {
            let mut network =
                OrientationClassifier::read(&checkpoint, &[]).unwrap()(runtime).unwrap();
            let run = Box::new(move |pages, _| drop(network.run(pages, &[]).unwrap()));
            Some(Bench {
                page: docparse::internals::preprocess::pp_lcnet::pixel_values(&page),
                run,
                is_batched: false,
            })
        }
        "uvdoc" => {
            let mut network = Unwarper::read(&checkpoint).unwrap()(runtime).unwrap();
            let run = Box::new(move |_, _| drop(network.mesh(&page).unwrap()));
            Some(Bench {
                page: Vec::new(),
                run,
                is_batched: false,
            })
        }
        _ => {
            let mut network = PpDocLayout::read(&checkpoint, &[], true).ok()?(runtime).unwrap();
            let [height, width] = network.config.input;
            let run = Box::new(move |pages, batch| drop(network.run(pages, batch).unwrap()));
            Some(Bench {
                page: docparse::internals::layout::pixel_values(&page, width, height),
                run,
                is_batched: true,
            })
        }
    }
}

/// Prints the operators that take the most time, together and by kind.
fn profile(folder: &Path, threads: usize) {
    let library = RuntimeDirs::new(None, None).find(ONNXRUNTIME).unwrap();
    let path = std::env::temp_dir().join("docparse-profile");
    let options = SessionOptions {
        profile: Some(path),
        ..SessionOptions::on(Device::Cpu, threads)
    };
    let runtime = Runtime::load(&library, options).unwrap();
    let checkpoint = Checkpoint::open(folder).unwrap().with_names(released_name);
    let Ok(read) = PpDocLayout::read(&checkpoint, &[], true) else {
        return;
    };
    let mut network = read(&runtime).unwrap();
    let [height, width] = network.config.input;
    let rounds = 4;
    (0..rounds).for_each(|_| drop(network.run(vec![0.5; 3 * height * width], 1).unwrap()));
    let file = network.end_profile().unwrap();
    let events: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    std::fs::remove_file(file).unwrap();
    let (mut nodes, mut kinds) = (
        BTreeMap::<String, f64>::new(),
        BTreeMap::<String, f64>::new(),
    );
    for event in events.as_array().unwrap() {
        let name = event["name"].as_str().unwrap_or_default();
        if event["cat"] == "Node" && name.ends_with("_kernel_time") {
            let ms = event["dur"].as_f64().unwrap() / 1000.0 / rounds as f64;
            *nodes
                .entry(name.trim_end_matches("_kernel_time").to_string())
                .or_default() += ms;
            *kinds
                .entry(event["args"]["op_name"].as_str().unwrap().to_string())
                .or_default() += ms;
        }
    }
    for (title, times) in [("operators", nodes), ("kinds", kinds)] {
        let mut sorted: Vec<(String, f64)> = times.into_iter().collect();
        sorted.sort_by(|a, b| b.1.total_cmp(&a.1));
        let total: f64 = sorted.iter().map(|(_, ms)| ms).sum();
        println!("{}: {title}, {total:.0} ms a page", folder.display());
        sorted
            .iter()
            .take(25)
            .for_each(|(name, ms)| println!("  {ms:8.2} ms {:5.1} %  {name}", 100.0 * ms / total));
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Most memory that this process has held, in megabytes.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok())
        .map_or(f64::NAN, |kb| kb / 1024.0)
}

/// The other side.
struct Torch {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Torch {
    fn start(folder: &Path, threads: usize) -> Option<Torch> {
        let python = std::env::var_os("PYTHON")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/networks.py");
        let mut command = Command::new(python);
        command.arg(script).arg(folder).arg(threads.to_string());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready", "PYTHON needs torch and transformers");
        Some(Torch { child, answers })
    }

    fn run(&mut self, batch: usize) -> f64 {
        writeln!(self.child.stdin.as_mut().unwrap(), "{batch}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    }
}

impl Drop for Torch {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}
