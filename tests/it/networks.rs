//! The networks: tiny random checkpoints of the real structure against the numbers of transformers (`tests/parity`,
//! tolerances in `docparse::internals::proof::parity`), model files made for the purpose, and what is said of folders that are wrong.

mod kernels;
mod refused;

use super::support::{Folder, example, root};
use serde_json::Value;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

pub fn fixture(name: &str) -> PathBuf {
    root().join("tests/parity").join(name)
}

/// A folder with a copy of a checkpoint, its weights rewritten by `change` (table of contents, elements).
pub fn changed(
    folder: &Folder,
    name: &str,
    change: impl FnOnce(&mut Value, &mut Vec<u8>),
) -> PathBuf {
    let copy = folder.path().join(name);
    copy_folder(&fixture(name), &copy);
    let path = copy.join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let mut data = bytes[8 + length..].to_vec();
    change(&mut header, &mut data);
    let mut header = header.to_string();
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    let file = [
        &(header.len() as u64).to_le_bytes(),
        header.as_bytes(),
        &data,
    ]
    .concat();
    std::fs::write(&path, file).unwrap();
    copy
}

pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, to) = (
            entry.as_ref().unwrap().path(),
            to.join(entry.unwrap().file_name()),
        );
        if path.is_dir() {
            copy_folder(&path, &to);
        } else {
            std::fs::copy(path, to).unwrap();
        }
    }
}

fn parity(folder: &Folder, below: &Path) -> (i32, String) {
    let ran = folder.run(&["parity", &below.display().to_string(), "--device", "cpu"]);
    (ran.code, ran.stdout)
}

pub fn doctor(folder: &Folder, model: &Path) -> super::support::Ran {
    folder.run(&[
        "doctor",
        "--device",
        "cpu",
        "--model",
        &model.display().to_string(),
    ])
}

#[test]
fn all_tensors_are_within_their_tolerances() {
    let (code, table) = parity(&Folder::new(), &root().join("tests/parity"));
    assert!(
        code == 0 && table.ends_with("5 of 5 checkpoints agree\n"),
        "{table}"
    );
    let compared = [
        "mask_feat",
        "out_masks",
        "order_logits",
        "detections above 0.3",
        "mesh",
        "rectified picture",
    ];
    for tensor in compared {
        assert!(table.contains(tensor), "{tensor} is not compared");
    }
}

#[test]
fn a_network_that_differs_is_found() {
    let folder = Folder::new();
    let model = changed(&folder, "pp_doclayout_v3", |header, data| {
        let place = &header["model.encoder.pan_blocks.0.conv1.norm.weight"]["data_offsets"];
        let start = place[0].as_u64().unwrap() as usize;
        data[start..start + 4].copy_from_slice(&1.7f32.to_le_bytes());
    });
    let (code, table) = parity(&folder, &model);
    assert_eq!(code, 1);
    let row = |tensor: &str| {
        table
            .lines()
            .find(|l| l.starts_with("  page") && l.contains(tensor))
            .unwrap()
    };
    // What comes before the changed weight still agrees.
    assert!(
        row(" encoder_0 ").ends_with("ok") && row(" encoder_1 ").ends_with("FAIL"),
        "{table}"
    );
    assert!(table.ends_with("0 of 1 checkpoints agree\n"));
}

#[test]
fn names_of_transformers_are_read_as_well() {
    let folder = Folder::new();
    let model = changed(&folder, "pp_doclayout_v2", |header, _| {
        let renamed = header.as_object().unwrap().iter().map(|(name, value)| {
            let name = name.replace("encoder.encoder.0.layers", "encoder.aifi.0.layers");
            let is_layer = !name.starts_with("reading_order") && name.contains(".layers.");
            let name = if is_layer {
                name.replace(".fc1.", ".mlp.fc1.")
                    .replace(".fc2.", ".mlp.fc2.")
            } else {
                name
            };
            (name.replace(".out_proj.", ".o_proj."), value.clone())
        });
        *header = Value::Object(renamed.collect());
    });
    let (code, table) = parity(&folder, &model);
    assert_eq!(code, 0, "{table}");
}

/// Runs a layout model over the page's own text; returns the JSON of the document.
fn parse(folder: &Folder, input: &Path, model: &str, flags: &[&str]) -> Value {
    let (input, model) = (
        input.display().to_string(),
        fixture(model).display().to_string(),
    );
    let fixed = [
        "-i",
        &input,
        "--save-path",
        "out",
        "--device",
        "cpu",
        "--layout-detection-model-dir",
        &model,
    ];
    folder.run(&[&fixed, flags].concat()).expect(0);
    let stem = Path::new(&input)
        .file_stem()
        .unwrap()
        .to_string_lossy()
        .into_owned();
    serde_json::from_slice(&std::fs::read(folder.path().join(format!("out/{stem}.json"))).unwrap())
        .unwrap()
}

fn blocks(page: &Value) -> &Vec<Value> {
    page["parsing_res_list"].as_array().unwrap()
}

#[test]
fn a_layout_network_works_over_the_text_layer() {
    let folder = Folder::new();
    let document = parse(
        &folder,
        &example("report.pdf"),
        "exported/layout_7",
        &["--vl-rec-backend", "lines"],
    );
    let page = &document["pages"][0];
    // The model's first row, a tenth of the page from the left, with its polygon from the mask.
    let found = &page["layout_det_res"]["boxes"][0];
    assert_eq!(found["label"], "doc_title");
    let width = page["width"].as_f64().unwrap();
    assert!(
        (found["coordinate"][0].as_f64().unwrap() - 0.1 * width).abs() < 2.0,
        "{found}"
    );
    assert!(found["polygon_points"].as_array().unwrap().len() >= 4);
    let title = blocks(page)
        .iter()
        .find(|b| b["block_label"] == "doc_title")
        .unwrap();
    assert!(
        title["block_content"]
            .as_str()
            .unwrap()
            .contains("Tidal Observations"),
        "{title}"
    );
    // Every word of the page is somewhere, also those that the network passed over.
    let all: String = blocks(page)
        .iter()
        .map(|b| b["block_content"].as_str().unwrap())
        .collect();
    for words in ["Clara Holm", "exceeded the prediction", "Introduction"] {
        assert!(all.contains(words), "{words}");
    }
    for file in [
        "report.md",
        "report_layout_det_res.pdf",
        "report_layout_order_res.pdf",
    ] {
        assert!(folder.path().join("out").join(file).exists(), "{file}");
    }
    assert!(
        !folder
            .path()
            .join("out/report_preprocessed_img.pdf")
            .exists()
    );
}

#[test]
fn pages_are_turned_and_flattened_when_asked_to() {
    let folder = Folder::new();
    let [orientation, unwarping] =
        ["exported/doc_ori", "exported/uvdoc"].map(|name| fixture(name).display().to_string());
    let flags = [
        "--vl-rec-backend",
        "lines",
        "--use-doc-orientation-classify",
        "--use-doc-unwarping",
        "--doc-orientation-classify-model-dir",
        &orientation,
        "--doc-unwarping-model-dir",
        &unwarping,
        "--pages",
        "1",
    ];
    let document = parse(
        &folder,
        &example("report_scan.pdf"),
        "exported/layout_8",
        &flags,
    );
    let page = &document["pages"][0];
    assert_eq!(page["doc_preprocessor_res"]["angle"], 0, "{page}");
    assert_eq!(
        page["doc_preprocessor_res"]["model_settings"]["use_doc_unwarping"],
        true
    );
    let drawing =
        std::fs::read(folder.path().join("out/report_scan_preprocessed_img.pdf")).unwrap();
    assert!(drawing.starts_with(b"%PDF-1.7"));
}

#[test]
fn tiny_checkpoints_run_the_whole_way() {
    let folder = Folder::new();
    for model in ["pp_doclayout_v2", "pp_doclayout_v3"] {
        let document = parse(
            &folder,
            &example("report.pdf"),
            model,
            &["--vl-rec-backend", "text_layer"],
        );
        let pages = document["pages"].as_array().unwrap();
        assert_eq!(pages.len(), 2);
        assert!(pages.iter().all(|page| !blocks(page).is_empty()), "{model}");
        // The same input and settings give the same result.
        let again = parse(
            &folder,
            &example("report.pdf"),
            model,
            &["--vl-rec-backend", "text_layer"],
        );
        assert_eq!(
            document["pages"][0]["parsing_res_list"],
            again["pages"][0]["parsing_res_list"]
        );
    }
}

#[test]
fn folders_of_networks_have_names_of_any_bytes() {
    let folder = Folder::new();
    let input = folder.write("a.pdf", std::fs::read(example("report.pdf")).unwrap());
    // A checkpoint and a file of ONNX; the second name is what the first is shown as.
    let raw = OsString::from_vec(b"net-\xe9".to_vec());
    for (name, model) in [
        (raw.clone(), "pp_doclayout_v3"),
        ("net-\\xE9".into(), "exported/layout_7"),
    ] {
        std::fs::create_dir(folder.path().join(&name)).unwrap();
        for file in std::fs::read_dir(fixture(model)).unwrap().flatten() {
            if file.path().is_file() {
                std::fs::copy(
                    file.path(),
                    folder.path().join(&name).join(file.file_name()),
                )
                .unwrap();
            }
        }
        let fixed = [
            "--save-path",
            "out",
            "--formats",
            "json",
            "--device",
            "cpu",
            "--vl-rec-backend",
            "lines",
        ];
        let dir = ["--layout-detection-model-dir".into(), name.clone()];
        let arguments = [
            vec!["-i".into(), input.clone().into()],
            fixed.map(OsString::from).into(),
            dir.into(),
        ];
        folder.run(&arguments.concat()).expect(0);
        let document = folder.json("out/a.json");
        assert!(!blocks(&document["pages"][0]).is_empty(), "{model}");
        let shown = if name == raw {
            r"net-\xE9"
        } else {
            r"net-\\xE9"
        };
        let settings = &document["settings"]["SubModules"]["LayoutDetection"];
        assert_eq!(settings["model_dir"], shown, "{settings}");
    }
}
