//! Everything between and after the networks for one page, and resampling beside Pillow.
//!
//! `cargo bench --bench page` runs all. Where `python3` (or the program that `PYTHON` names) has Pillow, its own time
//! for the same resampling is measured right before and after, and the ratio is printed.

#![allow(missing_docs, clippy::print_stdout)]

use criterion::{Criterion, criterion_group, criterion_main};
use docparse::document::{Label, Markup};
use docparse::internals::config::vl::VlConfig;
use docparse::internals::config::{Pipeline, Settings};
use docparse::internals::content::content_of;
use docparse::internals::geometry::contour::Mask;
use docparse::internals::layout::postprocess::{RawBox, RawLayout, postprocess};
use docparse::internals::plan::{PageName, PlanOptions, plan_page};
use docparse::internals::raster::{Filter, Pixels};
use docparse::internals::writer::markdown::{self, MarkdownBlock};
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

/// What a layout network returns of a page with 60 blocks in two columns: 300 rows, most with a low score.
fn raw_page(width: usize, height: usize, with_masks: bool) -> RawLayout {
    let classes = [22, 22, 22, 17, 21, 14, 7, 5];
    let mut boxes = Vec::new();
    let mut masks = Vec::new();
    for i in 0..300 {
        let (block, ghost) = (i % 60, i / 60);
        let (column, row) = (block / 30, block % 30);
        let x = 60.0 + column as f32 * 560.0 + ghost as f32 * 2.0;
        let y = 40.0 + row as f32 * 50.0 + ghost as f32;
        let bbox = [x, y, x + 520.0, y + 44.0];
        let score = if ghost == 0 {
            0.9 - block as f32 * 0.001
        } else {
            0.2 - i as f32 * 0.0001
        };
        boxes.push(RawBox {
            class_id: classes[block % 8],
            score,
            bbox,
            order: Some(block as f32),
            votes: None,
        });
        let mut mask = Mask::new(200, 200);
        let cell = |v: f32, side: usize| (v / side as f32 * 200.0) as usize;
        for row in cell(bbox[1], height)..cell(bbox[3], height).min(200) {
            mask.cells[row * 200 + cell(bbox[0], width)..row * 200 + cell(bbox[2], width).min(200)]
                .fill(true);
        }
        masks.push(mask);
    }
    RawLayout {
        boxes,
        masks: with_masks.then_some(masks),
    }
}

fn answer(label: Label, index: usize) -> String {
    match label {
        Label::Table => (0..12)
            .map(|r| format!("<fcel>row {r}<fcel>{index}<fcel>3.14<lcel><nl>"))
            .collect(),
        Label::DisplayFormula => "\\[ a = b_{1} + \\frac{c}{d} \\]".into(),
        _ => format!(
            "{index}. The quick brown fox jumps over the lazy dog, and not for the first time. "
        )
        .repeat(4),
    }
}

fn page_of_60_blocks(c: &mut Criterion) {
    let (width, height) = (1224, 1584);
    let config = VlConfig::new(
        &Settings::defaults(Pipeline::V16),
        &Default::default(),
        false,
    )
    .unwrap();
    let options = PlanOptions::Vl(Box::new(config.plan.clone()));
    for with_masks in [false, true] {
        let raw = raw_page(width, height, with_masks);
        let name = if with_masks {
            "page of 60 blocks, with masks"
        } else {
            "page of 60 blocks"
        };
        c.bench_function(name, |b| {
            b.iter(|| {
                let regions = postprocess(black_box(&raw), width, height, &config.layout);
                let plan = plan_page(
                    regions,
                    PageName {
                        folder: "bench",
                        page_index: 0,
                    },
                    &options,
                );
                let contents: Vec<(Label, f32, String)> = plan
                    .blocks
                    .iter()
                    .enumerate()
                    .map(|(i, block)| {
                        let label = block.region.label;
                        (
                            label,
                            block.region.bbox.width(),
                            content_of(&answer(label, i), label, (520, 44)).0,
                        )
                    })
                    .collect();
                let views: Vec<MarkdownBlock> = contents
                    .iter()
                    .map(|(label, width, content)| MarkdownBlock {
                        label: label.as_str(),
                        width: *width,
                        content,
                        markup: Markup::default(),
                        image: None,
                        alt: None,
                        title_level: None,
                    })
                    .collect();
                markdown::blocks(&views, width as f32, &config.markdown)
            })
        });
    }
}

/// Size of the crop, and what the recognizer's image processor makes of it.
const CROP: (usize, usize) = (2000, 2800);
const SHOWN: (usize, usize) = (840, 1176);

fn noise() -> Pixels {
    let data = (0..CROP.0 * CROP.1 * 3)
        .map(|i| ((i * 2_654_435_761) >> 7) as u8)
        .collect();
    Pixels {
        width: CROP.0,
        height: CROP.1,
        data,
    }
}

/// Best of several runs of Pillow in milliseconds; `None` where there is no Pillow.
fn pillow_ms() -> Option<f64> {
    let script = format!(
        "import time\nfrom PIL import Image\na = Image.effect_noise(({w}, {h}), 80).convert('RGB')\nbest = 9e9\n\
         for _ in range(15):\n    t = time.perf_counter(); a.resize(({sw}, {sh}), Image.BICUBIC)\n    \
         best = min(best, time.perf_counter() - t)\nprint(best * 1000)",
        w = CROP.0,
        h = CROP.1,
        sw = SHOWN.0,
        sh = SHOWN.1
    );
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let output = Command::new(python).args(["-c", &script]).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

fn own_ms(picture: &Pixels) -> f64 {
    let once = |_| {
        let start = Instant::now();
        black_box(picture.resize_pillow(SHOWN.0, SHOWN.1, Filter::Bicubic));
        start.elapsed().as_secs_f64() * 1000.0
    };
    (0..15).map(once).fold(f64::INFINITY, f64::min)
}

fn resampling(c: &mut Criterion) {
    let picture = noise();
    c.bench_function("bicubic 2000x2800 -> 840x1176", |b| {
        b.iter(|| black_box(&picture).resize_pillow(SHOWN.0, SHOWN.1, Filter::Bicubic))
    });
    c.bench_function("detector input 2000x2800 -> 800x800", |b| {
        b.iter(|| docparse::internals::layout::pixel_values(black_box(&picture), 800, 800))
    });
    let single = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let rounds: Vec<(f64, f64, f64)> = (0..3)
        .filter_map(|_| {
            Some((
                pillow_ms()?,
                own_ms(&picture),
                single.install(|| own_ms(&picture)),
            ))
        })
        .collect();
    let median = |pick: fn(&(f64, f64, f64)) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(pick).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    if rounds.is_empty() {
        println!("Pillow: not found (set PYTHON to a Python that has it)");
        return;
    }
    let (pillow, own, one) = (median(|r| r.0), median(|r| r.1), median(|r| r.2));
    println!(
        "bicubic, best of 15, median of 3 rounds: Pillow {pillow:.1} ms; docparse {own:.1} ms ({:.2} of it), on one thread {one:.1} ms ({:.2} of it)",
        own / pillow,
        one / pillow
    );
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = page_of_60_blocks, resampling
}
criterion_main!(benches);
