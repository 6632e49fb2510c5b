//! PP-LCNet_x1_0_doc_ori and UVDoc.

use super::Check;
use super::expected::{cases, error, expected, open, picture};
use crate::onnx::Runtime;
use crate::preprocess::pp_lcnet::{self, OrientationClassifier};
use crate::preprocess::uvdoc::Unwarper;
use std::path::Path;

const TOLERANCE: f64 = 5e-5;
/// One level of a picture, plus a rounding margin.
const LEVEL: f64 = 1.01 / 255.0;

/// Names of the pictures in a file of tensors `<picture>.<tensor>`.
fn pictures<'a>(tensors: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = tensors
        .filter_map(|name| Some(name.split_once('.')?.0.to_string()))
        .collect();
    names.dedup();
    names
}

/// Checks a folder of PP-LCNet.
pub(super) fn orientation(folder: &Path, runtime: &Runtime) -> Result<Vec<Check>, String> {
    let checkpoint = open(folder)?;
    let mut network = OrientationClassifier::read(&checkpoint, &["encoder".to_string()])
        .map_err(|e| e.to_string())
        .and_then(|build| build(runtime).map_err(|e| e.to_string()))?;
    let mut checks = Vec::new();
    for case in cases(folder)? {
        let (tensors, facts) = expected(folder, &case)?;
        for name in pictures(tensors.keys()) {
            let page = picture(folder, &format!("{name}.png"))?
                .ok_or(format!("`{name}.png` is missing"))?;
            let (logits, inner) = network
                .run(pp_lcnet::pixel_values(&page), &["encoder"])
                .map_err(|e| e.to_string())?;
            let mut add = |tensor: &str, error: f64, tolerance: f64| {
                let case = format!("{case}.{name}");
                checks.push(Check {
                    case,
                    tensor: tensor.into(),
                    error,
                    tolerance: Some(tolerance),
                });
            };
            for (tensor, got) in [("encoder", &inner[0]), ("logits", &logits)] {
                if let Some((_, values)) = tensors.get(&format!("{name}.{tensor}")) {
                    add(tensor, error(values, got), TOLERANCE);
                }
            }
            if let Some(best) = facts[&name]["argmax"].as_u64() {
                let degrees = network.classify(&page).map_err(|e| e.to_string())?;
                let wanted = pp_lcnet::DEGREES.get(best as usize);
                add(
                    "class, whether it differs",
                    f64::from(u8::from(wanted != Some(&degrees))),
                    0.0,
                );
            }
        }
    }
    Ok(checks)
}

/// Checks a folder of UVDoc.
pub(super) fn unwarping(folder: &Path, runtime: &Runtime) -> Result<Vec<Check>, String> {
    let checkpoint = open(folder)?;
    let mut network = Unwarper::read(&checkpoint)
        .map_err(|e| e.to_string())
        .and_then(|build| build(runtime).map_err(|e| e.to_string()))?;
    let mut checks = Vec::new();
    for case in cases(folder)? {
        let (tensors, _) = expected(folder, &case)?;
        for name in pictures(tensors.keys()) {
            let page = picture(folder, &format!("{name}.png"))?
                .ok_or(format!("`{name}.png` is missing"))?;
            let mesh = network.mesh(&page).map_err(|e| e.to_string())?;
            let mut add = |tensor: &str, error: f64, tolerance: f64| {
                let case = format!("{case}.{name}");
                checks.push(Check {
                    case,
                    tensor: tensor.into(),
                    error,
                    tolerance: Some(tolerance),
                });
            };
            if let Some((_, values)) = tensors.get(&format!("{name}.mesh")) {
                let planes: Vec<f32> = (0..2)
                    .flat_map(|axis| mesh.places.iter().map(move |place| place[axis]))
                    .collect();
                add("mesh", error(values, &planes), TOLERANCE);
            }
            if let Some(wanted) = picture(folder, &format!("{name}.rectified.png"))? {
                let flat = page.warp(&mesh);
                let worst = flat
                    .data
                    .iter()
                    .zip(&wanted.data)
                    .map(|(a, b)| a.abs_diff(*b))
                    .max();
                // Values are truncated to whole levels, so noise in the last digit can change one.
                let error = if flat.data.len() == wanted.data.len() {
                    f64::from(worst.unwrap_or(0))
                } else {
                    f64::NAN
                };
                add("rectified picture", error / 255.0, LEVEL);
            }
        }
    }
    Ok(checks)
}
