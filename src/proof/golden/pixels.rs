//! Vectors of pixel operations.

use super::Context;
use super::compare::{exactly, numbers, polygon, rect, same, text, whole};
use crate::engine::TracedPicture;
use crate::input::fetch::Fetcher;
use crate::input::{decode_all, discover};
use crate::plan::crop::{cut_area, stack, trim_margin};
use crate::plan::{Align, CropArea, figure_tokens as tokens};
use crate::raster::{Filter, Pixels};
use serde_json::{Value, json};
use std::path::Path;

use super::compare::Checked;
/// A picture of the golden folder.
pub(super) fn picture(path: &Path) -> Result<Pixels, String> {
    let pages = decode_all(path).map_err(|e| format!("{}: {e}", path.display()))?;
    pages
        .into_iter()
        .next()
        .ok_or_else(|| format!("{}: no page", path.display()))
}

pub(super) fn crop_margin(v: &Value, context: &Context) -> Checked {
    let whole_picture = picture(&context.root.join(text(&v["image"])))?;
    let trimmed = trim_margin(&whole_picture).ok_or("nothing is left")?;
    let expected = rect(&v["box"]);
    let cut = whole_picture
        .crop(&expected)
        .ok_or("the box lies outside")?;
    exactly("width", &json!(cut.width), trimmed.width)?;
    exactly("height", &json!(cut.height), trimmed.height)?;
    if cut == trimmed {
        Ok(())
    } else {
        Err("the pixels differ".into())
    }
}

pub(super) fn polygon_crop(v: &Value, context: &Context) -> Checked {
    let page = picture(&context.root.join(text(&v["image"])))?;
    let area = CropArea {
        bbox: rect(&v["coordinate"]),
        polygon: Some(polygon(&v["polygon_points"])),
    };
    let crop = cut_area(&page, &area).ok_or("nothing was cut")?;
    let plain = cut_area(
        &page,
        &CropArea {
            polygon: None,
            ..area
        },
    )
    .ok_or("nothing was cut")?;
    let changed: Vec<bool> = crop
        .data
        .chunks_exact(3)
        .zip(plain.data.chunks_exact(3))
        .map(|(a, b)| a != b)
        .collect();
    let runs = numbers(&v["whitened_rle"]);
    let mut expected = vec![false; changed.len()];
    for run in runs.chunks_exact(2) {
        let (start, length) = (run[0] as usize, run[1] as usize);
        expected
            .iter_mut()
            .skip(start)
            .take(length)
            .for_each(|cell| *cell = true);
    }
    // Pixels that were white before carry no information.
    let wrong = (0..changed.len())
        .filter(|i| changed[*i] != expected[*i] && plain.data[i * 3..i * 3 + 3] != [255; 3])
        .count();
    if wrong > 0 {
        return Err(format!("{wrong} pixels are whitened otherwise"));
    }
    exactly(
        "rgb_sha256",
        &v["rgb_sha256"],
        TracedPicture::of(&crop).rgb_sha256,
    )
}

pub(super) fn merge_images(v: &Value, context: &Context) -> Checked {
    let paths = v["images"].as_array().into_iter().flatten();
    let parts: Vec<Pixels> = paths
        .map(|p| picture(&context.root.join(text(p))))
        .collect::<Result<_, _>>()?;
    let aligns: Vec<Align> = v["aligns"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|a| match text(a) {
            "left" => Align::Left,
            "right" => Align::Right,
            _ => Align::Center,
        })
        .collect();
    let whole = stack(parts, &aligns).ok_or("nothing to stack")?;
    exactly("width", &v["width"], whole.width)?;
    exactly("height", &v["height"], whole.height)?;
    exactly(
        "rgb_sha256",
        &v["rgb_sha256"],
        TracedPicture::of(&whole).rgb_sha256,
    )
}

/// The picture defined by the rotation vectors: (10 (x + 1), 10 (y + 1), x y), each modulo 256.
fn rotation_input(width: usize, height: usize) -> Pixels {
    let pixel =
        |(x, y): (usize, usize)| [10 * (x + 1), 10 * (y + 1), x * y].map(|v| (v % 256) as u8);
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    Pixels {
        width,
        height,
        data: places.flat_map(pixel).collect(),
    }
}

pub(super) fn rotation(v: &Value, _: &Context) -> Checked {
    let page = rotation_input(whole(&v["width"]), whole(&v["height"]));
    let turned = page.rotate_page(whole(&v["angle"]) as u32);
    exactly("out_width", &v["out_width"], turned.width)?;
    exactly("out_height", &v["out_height"], turned.height)?;
    let rows = turned.data.chunks_exact((turned.width * 3).max(1));
    let rows = rows
        .map(|row| row.chunks_exact(3).map(|p| json!(p)).collect::<Value>())
        .collect::<Value>();
    exactly("out", &v["out"], rows)
}

/// Tolerance in levels after the detector's bicubic filter: builds of OpenCV round differently.
const BICUBIC_LEVELS: f64 = 1.0;
/// Tolerance of normalized values.
const NORMALIZED: f64 = 1e-5;

pub(super) fn resize_samples(v: &Value, context: &Context) -> Checked {
    let source = picture(&context.root.join(text(&v["image"])))?;
    let layout = source.resize_bicubic(800, 800);
    samples(
        "layout",
        &v["layout_800_cv2_bicubic"],
        BICUBIC_LEVELS,
        |x, y| color(&layout, x, y),
    )?;
    let size = &v["spotting_2x_lanczos"]["size"];
    let doubled = source.resize_pillow(whole(&size[0]), whole(&size[1]), Filter::Lanczos);
    exactly("size", size, vec![source.width * 2, source.height * 2])?;
    samples("spotting", &v["spotting_2x_lanczos"], 0.0, |x, y| {
        color(&doubled, x, y)
    })?;
    let resized = &v["orientation"]["resized"];
    let (width, height) = crate::preprocess::orientation_size(source.width, source.height);
    exactly("orientation", resized, vec![width, height])?;
    let small = source.resize_bilinear(width, height);
    samples("orientation", &v["orientation"], NORMALIZED, |x, y| {
        crate::preprocess::orientation_value(&small, x, y).map(f64::from)
    })?;
    let (resized, vlm) = (&v["vlm"]["resized"], &v["vlm"]);
    let shown = source.resize_pillow(whole(&resized[0]), whole(&resized[1]), Filter::Bicubic);
    let (mean, deviation) = (numbers(&vlm["mean"]), numbers(&vlm["std"]));
    let columns = shown.width / PATCH;
    for sample in vlm["samples"].as_array().into_iter().flatten() {
        let [patch, channel, row, column] = std::array::from_fn(|i| whole(&sample[i]));
        let (x, y) = (
            patch % columns * PATCH + column,
            patch / columns * PATCH + row,
        );
        let value = (color(&shown, x, y)[channel] / 255.0 - mean[channel]) / deviation[channel];
        same("vlm", &sample[4], &json!(value), NORMALIZED)?;
    }
    Ok(())
}

/// Patch size of the recognizer.
const PATCH: usize = 14;

fn color(pixels: &Pixels, x: usize, y: usize) -> [f64; 3] {
    pixels.clamped_pixel(x as i64, y as i64).map(f64::from)
}

/// Samples `[x, y, r, g, b]`.
fn samples(
    name: &str,
    list: &Value,
    tolerance: f64,
    at: impl Fn(usize, usize) -> [f64; 3],
) -> Checked {
    for sample in list["samples"].as_array().into_iter().flatten() {
        let got = at(whole(&sample[0]), whole(&sample[1]));
        for (c, got) in got.into_iter().enumerate() {
            same(
                &format!("{name}{sample}"),
                &sample[c + 2],
                &json!(got),
                tolerance,
            )?;
        }
    }
    Ok(())
}

/// Tolerance in levels of lossy formats: decoders differ.
const LOSSY_LEVELS: f64 = 6.0;

pub(super) fn inputs(v: &Value, context: &Context) -> Checked {
    let Some(name) = v["file"].as_str() else {
        return directory_order(v);
    };
    let pages = decode_all(&context.root.join(name)).map_err(|e| e.to_string())?;
    let expected = v["pages"].as_array().map(Vec::as_slice).unwrap_or_default();
    exactly("pages", &json!(expected.len()), pages.len())?;
    let lower = name.to_lowercase();
    let lossy = [".jpg", ".jpeg", ".webp"]
        .iter()
        .any(|e| lower.ends_with(e));
    for (page, expected) in pages.iter().zip(expected) {
        exactly("width", &expected["width"], page.width)?;
        exactly("height", &expected["height"], page.height)?;
        let (right, bottom) = (page.width - 1, page.height - 1);
        let corners =
            [(0, 0), (right, 0), (0, bottom), (right, bottom)].map(|(x, y)| color(page, x, y));
        if lossy {
            same(
                "corners",
                &expected["corners"],
                &json!(corners),
                LOSSY_LEVELS,
            )?;
        } else {
            exactly(
                "rgb_sha256",
                &expected["rgb_sha256"],
                TracedPicture::of(page).rgb_sha256,
            )?;
        }
    }
    Ok(())
}

/// Order of the files found in a directory; GIF pictures are accepted in addition.
fn directory_order(v: &Value) -> Checked {
    let names = |key: &str| {
        v[key]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect::<Vec<_>>()
    };
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    for name in names("directory_files") {
        let path = folder.path().join(name);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(&path, "x"))
            .map_err(|e| e.to_string())?;
    }
    let found = discover(&[folder.path().into()], &Fetcher::default()).files;
    let relative = |path: &Path| {
        path.strip_prefix(folder.path())
            .map(|p| p.display().to_string())
    };
    let found = found
        .into_iter()
        .flatten()
        .filter_map(|f| relative(&f.path).ok());
    let found: Vec<String> = found.filter(|n| !n.ends_with(".gif")).collect();
    exactly("directory_order", &v["directory_order"], found)
}

/// Tokens by number of pictures on the page.
pub(super) fn figure_tokens(value: &Value) -> Vec<Checked> {
    let lists = value["tokens"].as_object().into_iter().flatten();
    lists
        .map(|(count, expected)| exactly(count, expected, tokens(count.parse().unwrap_or(0))))
        .collect()
}
