//! What networks and the recognizer are shown, against pictures resampled by the libraries that the reference uses
//! (`tests/parity/imageproc`, made with Pillow 13 and OpenCV 4.10).

use super::support::root;
use docparse::internals::input::decode_all;
use docparse::internals::plan::{FACTOR, PixelLimits, smart_resize};
use docparse::internals::preprocess::orientation_size;
use docparse::internals::raster::{Filter, Pixels};
use serde_json::Value;
use sha2::{Digest, Sha256};

fn fixture() -> Value {
    let text =
        std::fs::read_to_string(root().join("tests/parity/imageproc/imageproc.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Entries whose picture is kept, with it.
fn entries(key: &str) -> Vec<(Value, Pixels)> {
    let fixture = fixture();
    let kept = fixture[key]
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["image"].is_string());
    let load = |entry: &Value| {
        let path = root()
            .join("tests/parity/imageproc")
            .join(entry["image"].as_str().unwrap());
        (entry.clone(), decode_all(&path).unwrap().remove(0))
    };
    let entries: Vec<_> = kept.map(load).collect();
    assert!(entries.len() >= 5);
    entries
}

fn hash(pixels: &Pixels) -> String {
    Sha256::digest(&pixels.data)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn size(entry: &Value) -> (usize, usize) {
    let side = |i: usize| entry["resized_wh"][i].as_u64().unwrap() as usize;
    (side(0), side(1))
}

#[test]
fn the_recognizer_sees_the_same_pixels() {
    for (entry, source) in entries("vl") {
        let (min, max) = match entry["limits"].as_str().unwrap() {
            "1.0" => (147_384, 2_822_400),
            "spotting" => (112_896, 1_605_632),
            _ => (112_896, 1_003_520),
        };
        let limits = PixelLimits { min, max };
        let (width, height) =
            smart_resize(source.width, source.height, FACTOR, limits, false).unwrap();
        assert_eq!((width, height), size(&entry), "{entry}");
        let shown = source.resize_pillow(width, height, Filter::Bicubic);
        assert_eq!(
            hash(&shown),
            entry["pil_bicubic_sha256"].as_str().unwrap(),
            "{entry}"
        );
    }
}

#[test]
fn the_orientation_classifier_sees_the_same_pixels() {
    for (entry, source) in entries("lcnet") {
        let (width, height) = orientation_size(source.width, source.height);
        assert_eq!((width, height), size(&entry), "{entry}");
        let shown = source.resize_bilinear(width, height);
        assert_eq!(
            hash(&shown),
            entry["cv2_linear_sha256"].as_str().unwrap(),
            "{entry}"
        );
    }
}

/// OpenCV's own order of single-precision sums is not known: about one value in a million is rounded otherwise.
#[test]
fn layout_networks_see_the_same_pixels_but_for_rounding() {
    for (entry, source) in entries("layout") {
        let shown = source.resize_bicubic(800, 800);
        for (c, mean) in entry["mean"].as_array().unwrap().iter().enumerate() {
            let sum: u64 = shown
                .data
                .iter()
                .skip(c)
                .step_by(3)
                .map(|v| *v as u64)
                .sum();
            assert!(
                (sum as f64 / 640_000.0 - mean.as_f64().unwrap()).abs() < 1e-4,
                "{entry}"
            );
        }
        if entry["image"] == "a.png" {
            let recorded = decode_all(&root().join("tests/parity/imageproc/a.layout.png"))
                .unwrap()
                .remove(0);
            let differ: Vec<u8> = shown
                .data
                .iter()
                .zip(&recorded.data)
                .map(|(a, b)| a.abs_diff(*b))
                .filter(|d| *d > 0)
                .collect();
            assert!(
                differ.len() <= 2 && differ.iter().all(|d| *d == 1),
                "{differ:?}"
            );
        }
    }
}
