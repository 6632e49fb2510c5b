//! Pages a second that the recognizer can reach on a GPU, calculated: from the arithmetic of a page, the card's data sheet, and
//! what a decode step takes as counted over stand-ins for the CUDA libraries. Nothing here was measured on a GPU.
//!
//! `cargo bench --bench gpu_model [-- COUNTS]`: COUNTS is the file that `STANDIN_COUNTS` named in a run over the
//! stand-ins (tests/standin_cuda/README.md); without it, the counts in `benches/gpu_model.json`, made by
//!
//! ```text
//! STANDIN_COUNTS=benches/gpu_model.json LD_LIBRARY_PATH=STANDINS docparse -i DOCUMENTS --save-path out --device gpu \
//!   --pipeline-version v1.6 --use-layout-detection false --vl-rec-model-dir tests/parity/paddleocr_vl --max-new-tokens 200
//! ```
//!
//! Two things go on side by side, and the longer one sets the pace: the card computes pictures, prompts and steps; a thread
//! of the host starts the decoder's work and waits for it, prompt by prompt and step by step.

use serde_json::Value;

/// Sizes of PaddleOCR-VL (its config.json): the vision encoder.
const VISION: Sizes = Sizes {
    layers: 27.0,
    hidden: 1152.0,
    inner: 4304.0,
};
/// The decoder.
const TEXT: Sizes = Sizes {
    layers: 18.0,
    hidden: 1024.0,
    inner: 3072.0,
};
/// Widths of the decoder's queries and of its keys: 16 and 2 heads of 128.
const QUERIES: f64 = 2048.0;
const KEYS: f64 = 256.0;
const VOCABULARY: f64 = 103_424.0;
/// Patches whose values are merged to one token of a prompt.
const MERGED: f64 = 4.0;
/// Bytes of a number in half precision.
const HALF: f64 = 2.0;

struct Sizes {
    layers: f64,
    hidden: f64,
    inner: f64,
}

/// A page: a dense one, of 12 blocks.
const BLOCKS: f64 = 12.0;
const PATCHES: f64 = 10_240.0;
const ANSWER_TOKENS: f64 = 1000.0;
/// Tokens of a prompt besides its picture.
const PROMPT_TEXT: f64 = 20.0;
/// The layout network, in TFLOP: RT-DETR's order of size at 800 x 800 pixels, in single precision.
const LAYOUT: f64 = 0.2;

/// Blocks that decode together by default, and the part of them that is busy while there is work.
const SLOTS: f64 = 64.0;
const FILLED: f64 = 0.85;
/// Part of the data sheet's speed that large products reach: 790 of 989 TFLOP/s on an H100.
const OF_PEAK: f64 = 0.8;
/// Part of the data sheet's bandwidth that long reads reach.
const OF_BANDWIDTH: f64 = 0.8;
/// Time of the smallest kernel within a graph, in microseconds.
const KERNEL_US: f64 = 2.0;

/// Cards: name, dense products in half precision in TFLOP/s, bandwidth in GB/s, single precision in TFLOP/s.
const CARDS: [(&str, f64, f64, f64); 7] = [
    ("H200", 989.0, 4800.0, 67.0),
    ("H100 SXM", 989.0, 3350.0, 67.0),
    ("A100 80GB", 312.0, 2039.0, 19.5),
    ("L40S", 362.0, 864.0, 91.6),
    ("RTX 4090", 165.0, 1008.0, 82.6),
    ("L4", 121.0, 300.0, 30.3),
    ("T4", 65.0, 320.0, 8.1),
];

/// Arithmetic of a page in TFLOP, by part.
struct Work {
    vision: f64,
    vision_attention: f64,
    prompts: f64,
    answers: f64,
}

/// A product with a weight is two operations.
fn work() -> Work {
    let picture_tokens = PATCHES / MERGED;
    let prompt_tokens = picture_tokens + PROMPT_TEXT * BLOCKS;
    let vision_weights =
        VISION.layers * (4.0 * VISION.hidden * VISION.hidden + 2.0 * VISION.hidden * VISION.inner);
    let per_block = PATCHES / BLOCKS;
    Work {
        vision: 2.0 * vision_weights * PATCHES / 1e12,
        // Queries with keys, and weights with values.
        vision_attention: BLOCKS * 4.0 * per_block * per_block * VISION.hidden * VISION.layers
            / 1e12,
        prompts: 2.0 * layer_weights() * prompt_tokens / 1e12,
        answers: 2.0 * (layer_weights() + head_weights()) * ANSWER_TOKENS / 1e12,
    }
}

fn layer_weights() -> f64 {
    TEXT.layers * (TEXT.hidden * (2.0 * QUERIES + 2.0 * KEYS) + 3.0 * TEXT.hidden * TEXT.inner)
}

fn head_weights() -> f64 {
    TEXT.hidden * VOCABULARY
}

/// Bytes that a decode step reads: all weights, and the keys and values of all slots, half of the answer on average.
fn step_bytes() -> f64 {
    let weights = (layer_weights() + head_weights()) * HALF;
    let tokens = (PATCHES / MERGED + ANSWER_TOKENS / 2.0) / BLOCKS + PROMPT_TEXT;
    weights + SLOTS * tokens * 2.0 * TEXT.layers * KEYS * HALF
}

/// What was counted over the stand-ins.
struct Counts {
    launches_in_step: f64,
    host_us_per_step: f64,
    host_us_per_launch: f64,
    copies: f64,
    syncs: f64,
    bytes: f64,
}

impl Counts {
    /// From the counts of the tiny checkpoint, which has fewer layers of the same form.
    fn of(counts: &Value, tiny_layers: f64) -> Counts {
        let number = |key: &str| {
            counts[key]
                .as_f64()
                .unwrap_or_else(|| panic!("the counts have no `{key}`"))
        };
        Counts {
            launches_in_step: number("launches_in_step") * TEXT.layers / tiny_layers,
            host_us_per_step: number("host_us_per_step"),
            host_us_per_launch: number("host_us_per_launch"),
            copies: number("copies_per_step"),
            syncs: number("syncs_per_step"),
            bytes: number("bytes_up_per_step") + number("bytes_down_per_step"),
        }
    }
}

/// Milliseconds of a page, by part.
struct Times {
    pictures: f64,
    layout: f64,
    prompts: f64,
    /// The steps on the card, and the host's part between them.
    steps: f64,
    host: f64,
    /// The card, and the decoder's thread.
    card: f64,
    thread: f64,
}

fn times((_, tflops, bandwidth, single): (&str, f64, f64, f64), counts: &Counts) -> Times {
    let work = work();
    let speed = tflops * OF_PEAK;
    // Attention of heads of 72 reaches about half of what plain products do.
    let pictures = (work.vision / speed + work.vision_attention / (speed / 2.0)) * 1e3;
    let layout = LAYOUT / (single * OF_PEAK / 2.0) * 1e3;
    let prompts_on_card = work.prompts / speed * 1e3;
    let prompts_on_host = BLOCKS * counts.launches_in_step * counts.host_us_per_launch / 1e3;
    let prompts = prompts_on_card.max(prompts_on_host);
    let step_us = (step_bytes() / (bandwidth * OF_BANDWIDTH * 1e9) * 1e6)
        .max(counts.launches_in_step * KERNEL_US);
    let count = ANSWER_TOKENS / (SLOTS * FILLED);
    let (steps, host) = (count * step_us / 1e3, count * counts.host_us_per_step / 1e3);
    Times {
        pictures,
        layout,
        prompts,
        steps,
        host,
        card: pictures + layout + prompts_on_card + steps,
        thread: prompts + steps + host,
    }
}

fn main() {
    let given = std::env::args()
        .skip(1)
        .find(|word| !word.starts_with("--"));
    let path = given.unwrap_or_else(|| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/benches/gpu_model.json").to_string()
    });
    let read = |path: &str| -> Value {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("`{path}`: {e}"));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("`{path}`: {e}"))
    };
    let tiny = read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/parity/paddleocr_vl/config.json"
    ));
    let layers = tiny["num_hidden_layers"]
        .as_f64()
        .or(tiny["text_config"]["num_hidden_layers"].as_f64())
        .expect("the tiny checkpoint has layers");
    let counts = Counts::of(&read(&path), layers);
    let work = work();
    let all = work.vision + work.vision_attention + work.prompts + work.answers + LAYOUT;
    let mut out = format!(
        "A page is {all:.1} TFLOP: vision {:.1}, its attention {:.1}, prompts {:.1}, answers {:.1}, layout {LAYOUT:.1}.\n",
        work.vision, work.vision_attention, work.prompts, work.answers
    );
    out += &format!(
        "A step reads {:.0} MB and has {:.0} launches in one graph; the host takes {:.0} us, {:.1} copies, {:.1} waits, {:.0} kB.\n\n",
        step_bytes() / 1e6,
        counts.launches_in_step,
        counts.host_us_per_step,
        counts.copies,
        counts.syncs,
        counts.bytes / 1e3
    );
    out += "card        pictures   layout  prompts    steps     host |  pages/s  bound by         | arithmetic alone\n";
    for card in CARDS {
        let times = times(card, &counts);
        let slowest = times.card.max(times.thread);
        let bound = match times.thread > times.card {
            true if times.host > times.steps => "host of the steps",
            true if times.prompts > times.steps => "starting prompts",
            true => "memory, in steps",
            false if times.pictures > times.steps => "products",
            false => "memory, in steps",
        };
        out += &format!(
            "{:<10} {:>6.1} ms {:>5.1} ms {:>5.1} ms {:>5.1} ms {:>5.1} ms | {:>8.1}  {bound:<16} | {:>8.1} pages/s\n",
            card.0,
            times.pictures,
            times.layout,
            times.prompts,
            times.steps,
            times.host,
            1e3 / slowest,
            card.1 * OF_PEAK / all
        );
    }
    use std::io::Write;
    // A reader that has gone is nobody's fault.
    let _ = std::io::stdout().write_all(out.as_bytes());
}
