//! The files of a folder with expected values, and the error relative to them.

use crate::onnx::checkpoint::{Checkpoint, Tensors, read_tensors};
use crate::raster::Pixels;
use serde_json::Value;
use std::path::Path;

/// The checkpoint of a folder.
pub(super) fn open(folder: &Path) -> Result<Checkpoint, String> {
    Checkpoint::open(folder).map_err(|e| e.to_string())
}

/// Expected tensors and facts of a case.
pub(super) fn expected(folder: &Path, case: &str) -> Result<(Tensors, Value), String> {
    let path = folder.join("goldens").join(format!("{case}.safetensors"));
    let tensors = read_tensors(&path).map_err(|e| e.to_string())?;
    Ok((tensors, facts(&path.with_extension("json"))?))
}

/// A JSON file; null if missing.
pub(super) fn facts(path: &Path) -> Result<Value, String> {
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Value::Null),
        Err(error) => Err(format!("cannot read `{}`: {error}", path.display())),
        Ok(text) => serde_json::from_slice(&text).map_err(|e| format!("`{}`: {e}", path.display())),
    }
}

/// Names of the cases, one per file of tensors.
pub(super) fn cases(folder: &Path) -> Result<Vec<String>, String> {
    let folder = folder.join("goldens");
    let entries = std::fs::read_dir(&folder)
        .map_err(|e| format!("cannot read `{}`: {e}", folder.display()))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let tensors = paths.filter(|path| path.extension().is_some_and(|e| e == "safetensors"));
    let mut names: Vec<String> = tensors
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_string()))
        .collect();
    names.sort();
    Ok(names)
}

/// A picture of the goldens; `None` if missing.
pub(super) fn picture(folder: &Path, name: &str) -> Result<Option<Pixels>, String> {
    let path = folder.join("goldens/images").join(name);
    if !path.exists() {
        return Ok(None);
    }
    let picture = image::open(&path)
        .map_err(|e| format!("`{}`: {e}", path.display()))?
        .into_rgb8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    Ok(Some(Pixels {
        width,
        height,
        data: picture.into_raw(),
    }))
}

/// The largest difference relative to the largest expected value; infinite if sizes differ.
pub(in crate::proof) fn error(expected: &[f32], got: &[f32]) -> f64 {
    if expected.len() != got.len() {
        return f64::INFINITY;
    }
    let largest = expected
        .iter()
        .map(|v| f64::from(v.abs()))
        .fold(0.0, f64::max);
    let pairs = expected.iter().zip(got).filter(|(a, b)| a != b);
    // `f64::max` would ignore NaN.
    let worst = pairs
        .map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs())
        .fold(
            0.0,
            |worst: f64, d| if d.is_nan() || d > worst { d } else { worst },
        );
    worst / (largest + 1e-30)
}

#[cfg(test)]
mod tests {
    use super::super::Check;
    use super::*;

    #[test]
    fn errors_are_relative_to_the_largest_value() {
        assert_eq!(error(&[1.0, -4.0], &[1.0, -3.0]), 0.25);
        assert_eq!(error(&[f32::MAX, 1.0], &[f32::MAX, 1.0]), 0.0);
        assert!(error(&[1.0], &[f32::NAN]).is_nan() && error(&[1.0], &[1.0, 2.0]).is_infinite());
        let check = |error| Check {
            case: "c".into(),
            tensor: "t".into(),
            error,
            tolerance: Some(1e-3),
        };
        assert!(check(f64::NAN).fails() && check(0.01).fails() && !check(1e-3).fails());
    }
}
