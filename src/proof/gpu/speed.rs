//! Speed of the operators that take most of a run's time, at sizes of PaddleOCR-VL: products in half precision, products of
//! few rows (which read weights, as decode steps do), and attention over a large picture.
//!
//! On the CPU sizes are small and elements are of single precision: it shows that the graphs are right, not how fast a
//! machine is.

use super::cards::{Peak, peak_of};
use super::noise::noise;
use super::{SelfTest, Speed};
use crate::onnx::graph::{Attr, Dim, Element, Graph, Value};
use crate::onnx::network::{Array, Network};
use crate::onnx::weights::Weights;
use crate::onnx::{OnnxError, Runtime};
use half::{bf16, f16};
use std::time::{Duration, Instant};

/// Time that each measurement takes at least, after a first run.
const TIME: Duration = Duration::from_millis(400);
/// Products in a chain, so that the start of a run counts little.
const CHAIN: usize = 8;
/// Name of the graphs, for errors.
const NAME: &str = "a measurement";

/// Sizes of a device.
struct Sizes {
    /// Side of the square matrices.
    square: usize,
    /// Rows of the products that read weights: slots of the recognizer.
    rows: usize,
    /// Tokens of the picture.
    tokens: usize,
}

const ON_GPU: Sizes = Sizes {
    square: 8192,
    rows: 64,
    tokens: 4096,
};
const ON_CPU: Sizes = Sizes {
    square: 128,
    rows: 8,
    tokens: 64,
};
/// Heads of PaddleOCR-VL's vision encoder, and their size.
const HEADS: usize = 16;
const HEAD: usize = 72;

/// Measures all of it.
pub(super) fn measure(runtime: &Runtime, found: &mut SelfTest) -> Result<(), String> {
    let gpu = runtime.gpu().map_err(|e| e.to_string())?;
    let peak = gpu.as_ref().and_then(|gpu| peak_of(&gpu.name));
    let (sizes, elements) = match &gpu {
        None => (ON_CPU, vec![Element::F32]),
        Some(gpu) if gpu.has_bf16() => (ON_GPU, vec![Element::Bf16, Element::F16]),
        Some(_) => (ON_GPU, vec![Element::F16]),
    };
    for element in elements {
        let kind = format!("{element:?}").to_lowercase();
        let all = products(runtime, element, &sizes, &kind, peak, found);
        all.map_err(|e| e.to_string())?;
        let all = attention(runtime, element, &sizes, &kind, found);
        all.map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn products(
    runtime: &Runtime,
    element: Element,
    sizes: &Sizes,
    kind: &str,
    peak: Option<Peak>,
    found: &mut SelfTest,
) -> Result<(), OnnxError> {
    let side = sizes.square;
    // So that results keep their size from product to product: a sum of `side` terms of variance 1/3 each.
    let scale = (3.0 / side as f32).sqrt();
    let values: Vec<f32> = noise(side * side)
        .iter()
        .map(|value| value * scale)
        .collect();
    for rows in [side, sizes.rows] {
        let mut graph = Graph::new(NAME);
        let input = graph.input("x", Element::F32, &[Dim::Named("rows"), Dim::Fixed(side)]);
        let weights = graph.weight("weights", &[side, side], weights(element, &values));
        let mut x = cast(&mut graph, &input, element);
        for _ in 0..CHAIN {
            x = graph.op("MatMul", NAME, &[&x, &weights], &[]);
        }
        let shape = [Dim::Named("rows"), Dim::Fixed(side)];
        graph.output("y", &x, element, &shape);
        let network = graph.build(&runtime.on_gpu(false))?;
        let array = Array::F32(vec![rows, side], noise(rows * side));
        let seconds = timed(network, &[("x", array)], element, &[rows, side])?;
        let speed = match rows == side {
            true => Speed {
                name: format!("products in {kind}, {side} x {side}"),
                value: (CHAIN * 2 * side * side * side) as f64 / seconds / 1e12,
                unit: "TFLOP/s",
                peak: peak.map(|peak| peak.tflops),
            },
            false => Speed {
                name: format!("weights in {kind} read by products of {rows} rows"),
                value: (CHAIN * side * side * element.bytes()) as f64 / seconds / 1e9,
                unit: "GB/s",
                peak: peak.map(|peak| peak.bandwidth),
            },
        };
        found.speeds.push(speed);
    }
    Ok(())
}

fn attention(
    runtime: &Runtime,
    element: Element,
    sizes: &Sizes,
    kind: &str,
    found: &mut SelfTest,
) -> Result<(), OnnxError> {
    let (tokens, width) = (sizes.tokens, HEADS * HEAD);
    let mut graph = Graph::new(NAME);
    let dims = [Dim::Fixed(1), Dim::Named("tokens"), Dim::Fixed(width)];
    let input = graph.input("x", Element::F32, &dims);
    let mut x = cast(&mut graph, &input, element);
    for _ in 0..CHAIN {
        let heads = [("num_heads", Attr::Int(HEADS as i64))];
        x = graph.contrib("MultiHeadAttention", NAME, &[&x, &x, &x], &heads);
    }
    graph.output("y", &x, element, &dims);
    let network = graph.build(&runtime.on_gpu(false))?;
    let shape = [1, tokens, width];
    let array = Array::F32(shape.to_vec(), noise(tokens * width));
    let seconds = timed(network, &[("x", array)], element, &shape)?;
    found.speeds.push(Speed {
        name: format!("attention in {kind} over {tokens} patches"),
        value: seconds * 1e3 / CHAIN as f64,
        unit: "ms",
        peak: None,
    });
    found.speeds.push(Speed {
        name: format!("attention in {kind}, its products"),
        value: (CHAIN * 4 * tokens * tokens * width) as f64 / seconds / 1e12,
        unit: "TFLOP/s",
        // Attention stays far below the peak of plain products, so it is shown and not judged.
        peak: None,
    });
    Ok(())
}

fn cast(graph: &mut Graph, x: &Value, element: Element) -> Value {
    match element {
        Element::F32 => x.clone(),
        other => graph.cast(NAME, x, other),
    }
}

fn weights(element: Element, values: &[f32]) -> Weights {
    let half = |convert: fn(f32) -> u16| {
        Weights::Half(
            element,
            values.iter().map(|value| convert(*value)).collect(),
        )
    };
    match element {
        Element::Bf16 => half(|value| bf16::from_f32(value).to_bits()),
        Element::F16 => half(|value| f16::from_f32(value).to_bits()),
        _ => Weights::F32(values.to_vec()),
    }
}

/// Seconds that a run takes, its result staying on the device: the fastest of several.
fn timed(
    mut network: Network,
    inputs: &[(&str, Array)],
    element: Element,
    shape: &[usize],
) -> Result<f64, OnnxError> {
    let mut call = network.call(None)?;
    for (name, array) in inputs {
        call.array(name, array.clone())?;
    }
    let result = network.buffer(element, shape)?;
    call.output("y", &result, 0..shape[0])?;
    network.run_call(&mut call, |_| Ok(()))?;
    let (start, mut fastest) = (Instant::now(), f64::INFINITY);
    while start.elapsed() < TIME || fastest.is_infinite() {
        let one = Instant::now();
        network.run_call(&mut call, |_| Ok(()))?;
        fastest = fastest.min(one.elapsed().as_secs_f64());
    }
    Ok(fastest)
}
