//! The layout network and the line networks on a device, beside the same ones on the CPU.

use super::noise::noise;
use super::{Check, SelfTest};
use crate::layout::pixel_values;
use crate::layout::pp_doclayout::{PpDocLayout, released_name};
use crate::onnx::Runtime;
use crate::onnx::checkpoint::Checkpoint;
use crate::proof::parity::error;
use crate::raster::Pixels;
use crate::runtime::{LINE_DETECTOR, LINE_DIRECTION, LINE_RECOGNIZER, RuntimeDirs};
use std::path::Path;

/// Differences that sums in another order make, in single precision, relative to the largest value; several times what
/// the CPU's own kernels differ by.
const LIMIT: f64 = 2e-3;

/// The line networks: file, shape of a picture that they take.
const LINES: [(&str, [usize; 4]); 3] = [
    (LINE_DETECTOR, [1, 3, 320, 480]),
    (LINE_DIRECTION, [1, 3, 48, 192]),
    (LINE_RECOGNIZER, [2, 3, 48, 320]),
];

/// The layout network on a page of noise: logits and boxes of all queries.
pub(super) fn layout(folder: &Path, runtime: &Runtime, found: &mut SelfTest) -> Result<(), String> {
    let on_device = detect(folder, runtime)?;
    let on_cpu = detect(folder, &runtime.on_cpu())?;
    for ((name, got), (_, expected)) in on_device.iter().zip(&on_cpu) {
        let name = format!("layout network, {name}");
        found
            .checks
            .push(Check::new(name, error(expected, got), LIMIT));
    }
    Ok(())
}

/// Values of the layout network, with their names.
fn detect(folder: &Path, runtime: &Runtime) -> Result<[(&'static str, Vec<f32>); 2], String> {
    let checkpoint = Checkpoint::open(folder).map_err(|e| e.to_string())?;
    let checkpoint = checkpoint.with_names(released_name);
    let build = PpDocLayout::read(&checkpoint, &[], runtime.takes_own_kernels());
    let mut network = build
        .map_err(|e| e.to_string())
        .and_then(|build| build(runtime).map_err(|e| e.to_string()))?;
    let [height, width] = network.config.input;
    let page = Pixels {
        width,
        height,
        data: noise(3 * width * height)
            .iter()
            .map(|value| (127.5 + 127.5 * value) as u8)
            .collect(),
    };
    let pixels = pixel_values(&page, width, height);
    let (mut answers, _) = network.run(pixels, 1).map_err(|e| e.to_string())?;
    let answer = answers.pop().ok_or("there is no answer")?;
    Ok([("scores", answer.logits), ("boxes", answer.boxes)])
}

/// The line networks on noise.
pub(super) fn lines(
    dirs: &RuntimeDirs,
    runtime: &Runtime,
    found: &mut SelfTest,
) -> Result<(), String> {
    for (file, shape) in LINES {
        let path = dirs.find(file).map_err(|e| e.to_string())?;
        let run = |runtime: &Runtime| -> Result<Vec<f32>, String> {
            let mut model = runtime.model(&path).map_err(|e| e.to_string())?;
            let data = noise(shape.iter().product());
            let answer = model.run(&shape, data, |_, values| values.to_vec());
            answer.map_err(|e| e.to_string())
        };
        let (got, expected) = (run(runtime)?, run(&runtime.on_cpu())?);
        let name = format!("line network {}", file.trim_end_matches(".onnx"));
        found
            .checks
            .push(Check::new(name, error(&expected, &got), LIMIT));
    }
    Ok(())
}
