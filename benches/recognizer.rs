//! Speed and memory of PaddleOCR-VL on the CPU.
//!
//! `CHECKPOINT=DIR cargo bench --bench recognizer [-- fp32 int8 ...]`: `DIR` holds a checkpoint at real size, random
//! weights will do.

#![allow(missing_docs, clippy::print_stdout)]

use docparse::kernels::attention::{PAGE, Row};
use docparse::onnx::checkpoint::Checkpoint;
use docparse::onnx::projection::Keep;
use docparse::onnx::{Device, Runtime, SessionOptions};
use docparse::recognize::paddleocr_vl::config::Config;
use docparse::recognize::paddleocr_vl::decoder::{Decoder, Packed};
use docparse::recognize::paddleocr_vl::image::Patches;
use docparse::recognize::paddleocr_vl::positions::TextRotary;
use docparse::recognize::paddleocr_vl::released_name;
use docparse::recognize::paddleocr_vl::vision::Vision;
use docparse::runtime::{ONNXRUNTIME, RuntimeDirs};
use std::path::PathBuf;
use std::time::Instant;

fn main() {
    let Some(folder) = std::env::var_os("CHECKPOINT").map(PathBuf::from) else {
        println!("CHECKPOINT names no folder of a checkpoint: nothing to measure");
        return;
    };
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get());
    let library = RuntimeDirs::new(None, None).find(ONNXRUNTIME).unwrap();
    let runtime = Runtime::load(&library, SessionOptions::on(Device::Cpu, threads)).unwrap();
    let checkpoint = Checkpoint::open(&folder).unwrap().with_names(released_name);
    let config = Config::read(&folder, &checkpoint.config).unwrap();
    for (name, keep) in [("fp32", Keep::Exact), ("int8", Keep::Int8), ("int4", Keep::Int4)] {
        if std::env::args().skip(1).any(|a| !a.starts_with("--")) && !std::env::args().any(|a| a == name) {
            continue;
        }
        let start = Instant::now();
        let mut decoder = Decoder::read(&checkpoint, &config, keep, &[], 8 * 40).unwrap()(&runtime).unwrap();
        println!("{name}: decoder loaded in {:.2} s", start.elapsed().as_secs_f64());
        let rotary = TextRotary::new(&config.text);
        let call = |decoder: &Decoder, rows: &[(usize, usize)]| {
            let mut call = Packed::default();
            for (slot, (past, tokens)) in rows.iter().enumerate() {
                let first = call.embeddings.len() / config.text.hidden_size;
                for token in 0..*tokens {
                    decoder.embeddings().embed((token * 37 % 1000) as u32, &mut call.embeddings);
                    call.rotary.extend(&rotary.at(&[[(past + token) as i64; 3]]));
                }
                let pages = (0..40).map(|page| (slot * 40 + page) as u32).collect();
                call.rows.push(Row { tokens: first..first + tokens, past: *past, pages });
                call.wanted.push(first + tokens - 1);
            }
            call
        };
        let _ = PAGE;
        for (what, rows, count) in [
            ("prefill 256", vec![(0, 256)], 256),
            ("decode 1 row at 256", vec![(256, 1)], 1),
            ("decode 8 rows at 256", vec![(256, 1); 8], 8),
            ("verify 16 at 256", vec![(256, 16)], 16),
        ] {
            let mut times = Vec::new();
            for _ in 0..12 {
                let call = call(&decoder, &rows);
                let start = Instant::now();
                decoder.run(call).unwrap();
                times.push(start.elapsed().as_secs_f64());
            }
            times.sort_by(f64::total_cmp);
            println!("{name}: {what}: {:.1} ms, {:.1} tokens/s", times[6] * 1000.0, count as f64 / times[6]);
        }
        drop(decoder);
        if name == "int4" || std::env::var_os("NOVISION").is_some() {
            continue;
        }
        let start = Instant::now();
        let mut vision = Vision::read(&checkpoint, &config, keep, &[], true).unwrap()(&runtime).unwrap();
        println!("{name}: vision loaded in {:.2} s", start.elapsed().as_secs_f64());
        for grid in [[22, 30], [40, 64]] {
            let count = grid[0] * grid[1];
            let mut times = Vec::new();
            for _ in 0..4 {
                let patches = Patches { values: vec![0.1; count * config.vision.patch_numbers()], grid };
                let start = Instant::now();
                vision.encode(patches).unwrap();
                times.push(start.elapsed().as_secs_f64());
            }
            times.sort_by(f64::total_cmp);
            println!("{name}: vision {count} patches: {:.3} s", times[1]);
        }
    }
}
