//! Whole pipeline cases: every file that the reference writes for an input.

use super::compare::{exactly, polygon, rect, same, same_text, text, whole};
use super::{Context, FileReport, drawings};
use crate::engine::TracedPicture;
use crate::layout::{NETWORK_SIDE, pixel_values};
use crate::plan::CropArea;
use crate::plan::crop::cut_area;
use crate::raster::Pixels;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::compare::Checked;
/// Outputs of a case's run.
pub(crate) struct CaseRun {
    /// Folder of the files that the reference would have written.
    pub saved: PathBuf,
    /// Folder of the trace.
    pub trace: PathBuf,
    /// Contains both; deleted on drop.
    pub _folder: tempfile::TempDir,
}

/// Runs the case in a folder, which is the working directory.
pub(crate) type RunCase<'a> = dyn Fn(&Path) -> Result<CaseRun, String> + 'a;

/// Word documents of the reference's kind are not supported.
const NOT_OFFERED: &str = ".docx";

/// A case with its expected and actual outputs.
struct ComparedCase {
    expected: PathBuf,
    run: CaseRun,
    /// `true` if the page's pixels do not depend on a decoder.
    pixel_exact: bool,
    /// Expected stages, which contain the recorded polygons.
    stages: Value,
}

/// Checks a case: one report for it, and one for its unsupported parts.
pub(super) fn check(name: &str, context: &Context) -> Vec<FileReport> {
    let folder = context.root.join("pipeline").join(name);
    let full = format!("pipeline/{name}");
    let expected = folder.join("expected");
    let files = files_below(&expected);
    let is_crop = |file: &&PathBuf| file.starts_with("crops");
    let (word, files): (Vec<PathBuf>, Vec<PathBuf>) = files
        .into_iter()
        .filter(|f| !is_crop(&f))
        .partition(|file| file.starts_with("docx"));
    let mut reports = Vec::new();
    let results = match prepare(&folder, context) {
        Err(error) => vec![Err(error); files.len().max(1)],
        Ok(case) => files.iter().map(|file| guarded(&case, file)).collect(),
    };
    reports.push(FileReport::of(full.clone(), results));
    if !word.is_empty() {
        let report = FileReport::of(format!("{full}/docx"), Vec::new());
        reports.push(FileReport {
            not_offered: true,
            total: word.len(),
            ..report
        });
    }
    reports
}

fn prepare(folder: &Path, context: &Context) -> Result<ComparedCase, String> {
    let case = read_json(&folder.join("case.json"))?;
    let expected = folder.join("expected");
    Ok(ComparedCase {
        run: (context.run_case)(folder)?,
        pixel_exact: case["pixel_exact"].as_bool().unwrap_or(true),
        stages: read_json(&expected.join("stages.json")).unwrap_or(Value::Null),
        expected,
    })
}

/// Files below a folder, relative to it, sorted.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(at) = waiting.pop() {
        for entry in std::fs::read_dir(at).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if let Ok(relative) = path.strip_prefix(folder) {
                found.push(relative.to_path_buf());
            }
        }
    }
    found.sort();
    found
}

fn guarded(case: &ComparedCase, file: &Path) -> Checked {
    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check_file(case, file)));
    let shown = file.display();
    checked
        .unwrap_or_else(|_| Err("panicked".into()))
        .map_err(|difference| format!("{shown}: {difference}"))
}

fn check_file(case: &ComparedCase, file: &Path) -> Checked {
    let expected = case.expected.join(file);
    let name = file.to_string_lossy();
    match name.as_ref() {
        "stages.json" => exactly("", &case.stages, case.traced("stages.json")?),
        "vlm_requests.json" => requests(case, &read_json(&expected)?),
        "markdown.json" => markdown(case, &read_json(&expected)?),
        "concatenated.md" => concatenated(case, &read_text(&expected)?),
        "files.json" => file_names(case, &read_json(&expected)?),
        "restructured.json" => restructured(case, &read_json(&expected)?),
        "layout_input.json" => layout_input(case, &read_json(&expected)?),
        _ => match file.strip_prefix("save_all") {
            Ok(saved) => saved_file(case, &expected, saved),
            Err(_) => Err("unknown kind of file".into()),
        },
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

impl ComparedCase {
    fn traced(&self, name: &str) -> Result<Value, String> {
        read_json(&self.run.trace.join(name))
    }

    fn page(&self, page: usize) -> Result<Pixels, String> {
        super::pixels::picture(&self.run.trace.join(format!("pages/p{page}.png")))
    }

    /// The expected block with this box.
    fn block(&self, page: usize, bbox: &Value) -> Option<&Value> {
        let blocks = self.stages["pages"][page]["blocks_after_merge"].as_array()?;
        blocks.iter().find(|b| b["box"] == *bbox)
    }

    /// Hash of the crop by the recorded polygon: the computed polygon's corners differ by noise.
    fn hash_with_recorded_polygon(&self, page: usize, bbox: &Value) -> Option<String> {
        let recorded = self.block(page, bbox)?.get("polygon_points").map(polygon);
        let area = CropArea {
            bbox: rect(bbox),
            polygon: recorded,
        };
        Some(TracedPicture::of(&cut_area(&self.page(page).ok()?, &area)?).rgb_sha256)
    }
}

/// Requests must be equal, except for the pixels of crops, see [`crop_pixels`].
fn requests(case: &ComparedCase, expected: &Value) -> Checked {
    let got = case.traced("vlm_requests.json")?;
    let (expected, got) = (list(&expected["requests"]), list(&got["requests"]));
    exactly("requests", &json!(expected.len()), got.len())?;
    for (i, (expected, got)) in expected.iter().zip(got).enumerate() {
        let path = format!("requests[{i}]");
        for (key, value) in expected.as_object().into_iter().flatten() {
            match key.as_str() {
                "rgb_sha256" | "pixel_exact" | "is_plain_crop" | "crop_file" => {}
                // Any error message is accepted.
                "vlm_input_error" if got[key].is_string() => {}
                _ => exactly(&format!("{path}.{key}"), value, got[key].clone())?,
            }
        }
        crop_pixels(case, expected, got).map_err(|e| format!("{path}: {e}"))?;
    }
    Ok(())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Compares the pixels of a crop: by hash, by the hash of the crop by the recorded polygon, or by similarity
/// to the recorded picture (whitened borders, fonts and decoders differ a little).
fn crop_pixels(case: &ComparedCase, expected: &Value, got: &Value) -> Checked {
    if expected["rgb_sha256"] == got["rgb_sha256"] {
        return Ok(());
    }
    let exact = expected["pixel_exact"].as_bool().unwrap_or(true) && case.pixel_exact;
    if exact {
        let recorded = case.hash_with_recorded_polygon(whole(&expected["page"]), &expected["bbox"]);
        if recorded.as_deref() == expected["rgb_sha256"].as_str() {
            return Ok(());
        }
    }
    let Some(file) = expected["crop_file"].as_str() else {
        return if exact {
            Err("the pixels of the crop differ".into())
        } else {
            Ok(())
        };
    };
    let reference = super::pixels::picture(&case.expected.join(file))?;
    let own = text(&got["crop_file"]);
    let own = if own.is_empty() {
        return Err("the crop is the plain page".into());
    } else {
        own
    };
    let own = super::pixels::picture(&case.run.trace.join(own))?;
    match exact {
        true => drawings::same_but_for_borders(&reference, &own),
        false => drawings::alike(&reference, &own),
    }
}

/// Texts must be equal; pictures are compared by size and hash.
fn markdown(case: &ComparedCase, expected: &Value) -> Checked {
    let got = case.traced("markdown.json")?;
    let (expected, got) = (list(&expected["pages"]), list(&got["pages"]));
    exactly("pages", &json!(expected.len()), got.len())?;
    for (expected, got) in expected.iter().zip(got) {
        let page = whole(&expected["page"]);
        for (key, value) in expected.as_object().into_iter().flatten() {
            match value.as_str() {
                Some(value) => same_text(&format!("page {page} {key}"), value, text(&got[key]))?,
                None if key == "images" => pictures(case, page, value, &got["images"])?,
                None => exactly(key, value, got[key].clone())?,
            }
        }
    }
    Ok(())
}

fn pictures(case: &ComparedCase, page: usize, expected: &Value, got: &Value) -> Checked {
    let names = |value: &Value| {
        value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(k, _)| k.clone())
            .collect::<Vec<_>>()
    };
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    exactly(
        "images",
        &json!(sorted(names(expected))),
        sorted(names(got)),
    )?;
    for (path, expected) in expected.as_object().into_iter().flatten() {
        let got = &got[path];
        exactly(
            &format!("{path}.width"),
            &expected["width"],
            got["width"].clone(),
        )?;
        exactly(
            &format!("{path}.height"),
            &expected["height"],
            got["height"].clone(),
        )?;
        if expected["rgb_sha256"] == got["rgb_sha256"] || !case.pixel_exact {
            continue;
        }
        // The numbers at the end of the name are the bounding box.
        let numbers: Vec<u64> = path
            .trim_end_matches(".jpg")
            .rsplit('_')
            .take(4)
            .map_while(|n| n.parse().ok())
            .collect();
        let bbox: Value = numbers.into_iter().rev().collect();
        let recorded = case.hash_with_recorded_polygon(page, &bbox);
        if recorded.as_deref() != expected["rgb_sha256"].as_str() {
            return Err(format!("{path}: the pixels differ"));
        }
    }
    Ok(())
}

fn concatenated(case: &ComparedCase, expected: &str) -> Checked {
    let got = case.traced("markdown.json")?;
    let joined: String = list(&got["pages"])
        .iter()
        .map(|p| format!("\n\n{}", text(&p["pretty"])))
        .collect();
    same_text("concatenated", expected, &joined)
}

fn file_names(case: &ComparedCase, expected: &Value) -> Checked {
    let wanted = list(&expected["save_all"])
        .iter()
        .map(text)
        .filter(|f| !f.ends_with(NOT_OFFERED));
    let wanted: BTreeSet<String> = wanted.map(String::from).collect();
    let got = files_below(&case.run.saved)
        .into_iter()
        .map(|f| f.to_string_lossy().into_owned());
    let got: BTreeSet<String> = got.collect();
    let missing: Vec<&String> = wanted.difference(&got).collect();
    let unexpected: Vec<&String> = got.difference(&wanted).collect();
    if missing.is_empty() && unexpected.is_empty() {
        return Ok(());
    }
    Err(format!("missing {missing:?}, not expected {unexpected:?}"))
}

/// Runs with equal switches are compared in the keys that the expected one has.
fn restructured(case: &ComparedCase, expected: &Value) -> Checked {
    let got = case.traced("restructured.json")?;
    let switches = [
        "source",
        "merge_tables",
        "relevel_titles",
        "concatenate_pages",
    ];
    for expected in list(&expected["runs"]) {
        let equal = |run: &&Value| switches.iter().all(|key| run[*key] == expected[*key]);
        let shown = switches.map(|key| expected[key].to_string()).join(" ");
        let got = list(&got["runs"])
            .iter()
            .find(equal)
            .ok_or(format!("no run {shown}"))?;
        for (key, value) in expected.as_object().into_iter().flatten() {
            match (value.as_array(), key.as_str()) {
                (Some(texts), "markdown") => {
                    exactly(
                        "markdown",
                        &json!(texts.len()),
                        list(&got["markdown"]).len(),
                    )?;
                    for (expected, got) in texts.iter().zip(list(&got["markdown"])) {
                        same_text(&format!("{shown} markdown"), text(expected), text(got))?;
                    }
                }
                _ => exactly(&format!("{shown} {key}"), value, got[key].clone())?,
            }
        }
    }
    Ok(())
}

/// Levels by which the detector's input may differ with a decoder involved, and with rounding only.
const DECODED_LEVELS: f64 = 6.0;
const ROUNDED_LEVELS: f64 = 1.0;
const LEVELS: f64 = 255.0;

fn layout_input(case: &ComparedCase, expected: &Value) -> Checked {
    let levels = if case.pixel_exact {
        ROUNDED_LEVELS
    } else {
        DECODED_LEVELS
    };
    for page in list(&expected["pages"]) {
        let pixels = case.page(whole(&page["page"]))?;
        let side = crate::layout::NETWORK_SIDE;
        let scale = [
            side as f64 / pixels.height as f64,
            side as f64 / pixels.width as f64,
        ];
        same("scale_factor", &page["scale_factor"], &json!(scale), 1e-6)?;
        exactly("shape", &page["shape"], vec![3, side, side])?;
        let input = pixel_values(&pixels, NETWORK_SIDE, NETWORK_SIDE);
        let means = input
            .chunks_exact(side * side)
            .map(|c| c.iter().map(|v| *v as f64).sum::<f64>() / c.len() as f64);
        same(
            "channel_means",
            &page["channel_means"],
            &means.collect(),
            levels / LEVELS,
        )?;
        for sample in list(&page["samples"]) {
            let [channel, y, x] = std::array::from_fn(|i| whole(&sample[i]));
            let got = input[(channel * side + y) * side + x];
            same(
                &format!("sample {sample}"),
                &sample[3],
                &json!(got),
                (levels + 0.01) / LEVELS,
            )?;
        }
    }
    Ok(())
}

/// Compares a saved file: texts byte for byte except for polygon points, pictures by similarity.
fn saved_file(case: &ComparedCase, expected: &Path, name: &Path) -> Checked {
    let got = case.run.saved.join(name);
    let shown = name.to_string_lossy();
    if shown.ends_with(".md") {
        return same_text("text", &read_text(expected)?, &read_text(&got)?);
    }
    if shown.ends_with(".json") {
        let (wanted, own) = (read_text(expected)?, read_text(&got)?);
        let (wanted_value, own_value) = (read_json(expected)?, read_json(&got)?);
        exactly("", &wanted_value, own_value)?;
        return match wanted.contains("polygon_points") {
            true => same_text(
                "layout of the text",
                &without_numbers(&wanted),
                &without_numbers(&own),
            ),
            false => same_text("text", &wanted, &own),
        };
    }
    let reference = super::pixels::picture(expected)?;
    // Drawings are kept as PNG, whichever format the reference wrote.
    let own = [got.clone()]
        .into_iter()
        .chain(["jpg", "jpeg", "tiff", "tif", "bmp", "webp"].map(|e| got.with_extension(e)));
    let own = own.into_iter().find(|p| p.exists()).ok_or("missing")?;
    let own = super::pixels::picture(&own)?;
    let stem = shown.split('.').next().unwrap_or("");
    if stem.ends_with("_layout_det_res") {
        let page = stem
            .trim_end_matches("_layout_det_res")
            .rsplit('_')
            .next()
            .and_then(|n| n.parse().ok());
        let boxes = &case.stages["pages"][page.unwrap_or(0)]["layout_boxes"];
        return drawings::same_layout(&reference, &own, boxes);
    }
    if stem.ends_with("_spotting_res_img") {
        // The right half is text.
        return drawings::same_left_half(&reference, &own);
    }
    if stem.ends_with("_preprocessed_img") {
        return drawings::same_above_captions(&reference, &own);
    }
    drawings::alike(&reference, &own)
}

/// The text with all fractional numbers replaced by one placeholder.
fn without_numbers(text: &str) -> String {
    let is_number =
        |line: &str| line.trim().trim_end_matches(',').parse::<f64>().is_ok() && line.contains('.');
    text.lines()
        .map(|line| if is_number(line) { "0.0" } else { line })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Reads a JSON file.
pub(super) fn read_json(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
}
