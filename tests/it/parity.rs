//! Against recorded outputs of the reference (`tests/golden/README.md`).
//!
//! Exact, except JPEG pixels: decoders differ by rounding, so their corners may differ by six levels.

use super::support::root;
use docparse::config::{Pipeline, Settings};
use docparse::input::decode_all;
use docparse::input::pdf::render_scale;
use docparse::writer::markdown::{self, MarkdownBlock, MarkdownOptions};
use serde_json::Value;
use sha2::{Digest, Sha256};

fn load(name: &str) -> Value {
    let path = root().join("tests/golden/functions").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn vectors(name: &str) -> Vec<Value> {
    let vectors = load(name)["vectors"].as_array().unwrap().clone();
    assert!(!vectors.is_empty());
    vectors
}

#[test]
fn pipeline_configurations() {
    let expected = load("pipeline_configs.json");
    for (version, config) in expected.as_object().unwrap() {
        let settings = Settings::defaults(Pipeline::from_version(version).unwrap());
        assert_eq!(&settings.to_json(), config, "{version}");
    }
}

#[test]
fn flags_change_the_configuration() {
    for vector in vectors("config_overrides.json") {
        let pipeline = Pipeline::from_version(vector["pipeline_version"].as_str().unwrap()).unwrap();
        let before = Settings::defaults(pipeline);
        let mut after = before.clone();
        after.apply_flags(vector["flags"].as_object().unwrap()).unwrap();
        let mut changed = serde_json::Map::new();
        difference("", &json_of(&before), &json_of(&after), &mut changed);
        let mut keys: Vec<_> = changed.into_iter().collect();
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        let mut expected: Vec<_> = vector["changed"].as_object().unwrap().clone().into_iter().collect();
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(keys, expected, "{vector}");
    }
}

/// The tree with secrets as they are.
fn json_of(settings: &Settings) -> Value {
    let mut value = settings.to_json();
    let key = "SubModules.VLRecognition.genai_config.client_kwargs.api_key";
    if let Some(secret) = settings.get(key) {
        value["SubModules"]["VLRecognition"]["genai_config"]["client_kwargs"]["api_key"] = secret.clone();
    }
    value
}

fn difference(path: &str, before: &Value, after: &Value, out: &mut serde_json::Map<String, Value>) {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in b {
                let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match a.get(key) {
                    Some(before) => difference(&full, before, value, out),
                    None => drop(out.insert(full, value.clone())),
                }
            }
        }
        (a, b) if a != b => drop(out.insert(path.to_string(), b.clone())),
        _ => {}
    }
}

#[test]
fn render_scales() {
    for vector in vectors("pdf_scale.json") {
        let number = |key: &str| vector[key].as_f64().unwrap();
        let scale = render_scale(
            number("page_width"),
            number("page_height"),
            number("requested_scale"),
            number("min_scale"),
            number("max_pixels") as u64,
        );
        assert_eq!(scale, vector["scale"].as_f64(), "{vector}");
    }
}

#[test]
fn decoded_inputs() {
    for vector in vectors("inputs.json") {
        let Some(name) = vector["file"].as_str() else {
            directory_order(&vector);
            continue;
        };
        let pages =
            decode_all(&root().join("tests/golden").join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let expected = vector["pages"].as_array().unwrap();
        assert_eq!(pages.len(), expected.len(), "{name}");
        for (page, expected) in pages.iter().zip(expected) {
            let size =
                (expected["width"].as_u64().unwrap() as usize, expected["height"].as_u64().unwrap() as usize);
            assert_eq!((page.width, page.height), size, "{name}");
            if name.ends_with(".jpg") || name.ends_with(".webp") {
                let (right, bottom) = (page.width as i64 - 1, page.height as i64 - 1);
                let corners =
                    [(0, 0), (right, 0), (0, bottom), (right, bottom)].map(|(x, y)| page.clamped_pixel(x, y));
                for (corner, wanted) in corners.iter().zip(expected["corners"].as_array().unwrap()) {
                    for (value, wanted) in corner.iter().zip(wanted.as_array().unwrap()) {
                        assert!((*value as i64 - wanted.as_i64().unwrap()).abs() <= 6, "{name}: {corners:?}");
                    }
                }
            } else {
                let hash: String = Sha256::digest(&page.data).iter().map(|b| format!("{b:02x}")).collect();
                assert_eq!(hash, expected["rgb_sha256"].as_str().unwrap(), "{name}");
            }
        }
    }
}

/// The order in which the files of a directory are found; pictures in GIF are taken in addition.
fn directory_order(vector: &Value) {
    let names =
        |key: &str| vector[key].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect::<Vec<_>>();
    let folder = tempfile::tempdir().unwrap();
    for name in names("directory_files") {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    let found = docparse::input::discover(&[folder.path().display().to_string()]);
    let relative = |path: &std::path::Path| path.strip_prefix(folder.path()).unwrap().display().to_string();
    let found: Vec<String> =
        found.into_iter().map(|f| relative(&f.unwrap().path)).filter(|n| !n.ends_with(".gif")).collect();
    assert_eq!(found, names("directory_order"));
}

#[test]
fn headings() {
    for vector in vectors("titles.json") {
        let content = vector["content"].as_str().unwrap();
        assert_eq!(markdown::title(content), vector["format_title"].as_str().unwrap(), "{content:?}");
        for level in [-1, 0, 1, 3] {
            let expected = vector[format!("format_para_title_level_{level}")].as_str().unwrap();
            assert_eq!(markdown::leveled_title(content, level), expected, "{content:?}");
        }
    }
}

#[test]
fn blocks_to_markdown() {
    for vector in vectors("markdown_labels.json") {
        let settings = &vector["model_settings"];
        let on = |key: &str| settings[key].as_bool().unwrap_or(false);
        let ignored = settings["markdown_ignore_labels"].as_array().unwrap();
        let options = |pretty, show_formula_number| MarkdownOptions {
            pretty,
            show_formula_number,
            ignore_labels: ignored.iter().map(|l| l.as_str().unwrap().to_string()).collect(),
            use_layout_detection: on("use_layout_detection"),
            use_chart_recognition: on("use_chart_recognition"),
            use_seal_recognition: on("use_seal_recognition"),
            use_ocr_for_image_block: on("use_ocr_for_image_block"),
        };
        let blocks: Vec<MarkdownBlock> = vector["blocks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|block| MarkdownBlock {
                label: block["label"].as_str().unwrap(),
                width: (block["bbox"][2].as_f64().unwrap() - block["bbox"][0].as_f64().unwrap()) as f32,
                content: block["content"].as_str().unwrap(),
                image: block["image_path"].as_str(),
                alt: None,
                title_level: None,
            })
            .collect();
        let width = vector["page_width"].as_f64().unwrap() as f32;
        for (key, pretty, numbers) in [
            ("pretty", true, false),
            ("pretty_formula_number", true, true),
            ("plain", false, false),
            ("plain_formula_number", false, true),
        ] {
            let text = markdown::blocks(&blocks, width, &options(pretty, numbers));
            assert_eq!(text, vector[key].as_str().unwrap(), "{key} of {vector}");
        }
    }
}
