//! The networks: tiny random checkpoints of the real structure against the numbers of transformers (`tests/parity`,
//! tolerances in `docparse::proof::parity`), model files made for the purpose, and what is said of folders that are wrong.

use super::support::{Folder, example, root};
use docparse::kernels::winograd::{self, Filter};
use docparse::onnx::checkpoint::Checkpoint;
use docparse::onnx::graph::{Attr, Dim, Element, Graph};
use docparse::onnx::network::Array;
use docparse::onnx::projection::Keep;
use docparse::onnx::{Device, Runtime, SessionOptions};
use docparse::recognize::paddleocr_vl;
use docparse::recognize::paddleocr_vl::config::Config;
use docparse::recognize::paddleocr_vl::image::Patches;
use docparse::recognize::paddleocr_vl::vision::{Computing, Vision};
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

#[test]
fn what_is_wrong_with_a_checkpoint_is_named() {
    let folder = Folder::new();
    let says = |model: &Path, words: &[&str]| {
        let ran = doctor(&folder, model).expect(1);
        for word in words {
            assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
        }
    };
    let key = "model.enc_score_head.bias";
    let missing = changed(&folder, "pp_doclayout_v3", |header, _| {
        let header = header.as_object_mut().unwrap();
        let value = header.remove(key).unwrap();
        header.insert("model.another".into(), value);
    });
    says(
        &missing,
        &["model.safetensors` has no tensor `model.enc_score_head.bias`"],
    );
    let ran = folder
        .run(&["doctor", "--model", &fixture("uvdoc").display().to_string()])
        .expect(0);
    assert!(!ran.stdout.contains("unknown"), "{}", ran.stdout);
    let more = changed(&folder, "uvdoc", |header, data| {
        let end = data.len();
        data.extend([0; 4]);
        header["head.extra"] =
            serde_json::json!({"dtype": "F32", "shape": [1], "data_offsets": [end, end + 4]});
    });
    let ran = doctor(&folder, &more).expect(0);
    assert!(ran.stdout.contains("unknown  head.extra"), "{}", ran.stdout);
    let shape = changed(&folder, "uvdoc", |header, _| {
        header["head.bridge_connector.normalization.bias"]["shape"] = serde_json::json!([2, 8]);
    });
    says(
        &shape,
        &[
            "tensor `head.bridge_connector.normalization.bias` has shape [2, 8]",
            "must be [16]",
        ],
    );
    let kind = changed(&folder, "pp_lcnet_doc_ori", |header, _| {
        header["head.bias"]["dtype"] = "I32".into();
    });
    says(&kind, &["tensor `head.bias` holds I32"]);
    let cut = changed(&folder, "pp_doclayout_v2", |_, data| data.truncate(1000));
    says(
        &cut,
        &["model.safetensors` is damaged", "download it again"],
    );
    let other = folder.path().join("other");
    copy_folder(&fixture("pp_doclayout_v3"), &other);
    std::fs::write(other.join("config.json"), r#"{"model_type": "qwen2_vl"}"#).unwrap();
    says(
        &other,
        &["config.json` describes `qwen2_vl`, not PP-DocLayoutV2"],
    );
    std::fs::write(
        other.join("config.json"),
        r#"{"model_type": "pp_doclayout_v3", "d_model": 0}"#,
    )
    .unwrap();
    says(&other, &["`d_model` cannot be `0`"]);
    std::fs::write(
        other.join("config.json"),
        r#"{"model_type": "pp_doclayout_v3", "normalize_before": true}"#,
    )
    .unwrap();
    says(
        &other,
        &["`normalize_before` is `true`; only `false` is supported"],
    );
    std::fs::write(other.join("config.json"), "{").unwrap();
    says(&other, &["config.json` is damaged"]);
    folder.write("paddle/inference.pdiparams", "");
    says(
        &folder.path().join("paddle"),
        &["neither config.json", "weights for Paddle"],
    );
    says(Path::new("nowhere"), &["`nowhere` is no folder"]);
}

#[test]
fn the_doctor_tells_what_a_folder_holds() {
    let folder = Folder::new();
    let ran = doctor(&folder, &fixture("pp_doclayout_v2")).expect(0);
    for words in [
        "PP-DocLayoutV2",
        "reading_order.encoder.rel_pos_x_bias.weight",
        "30 rows without masks",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    let ran = doctor(&folder, &fixture("exported/layout_7")).expect(0);
    assert!(
        ran.stdout.contains("model file") && ran.stdout.contains("2 rows with masks"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_model_file_with_another_signature_is_refused() {
    let folder = Folder::new();
    let model = folder.path().join("model");
    copy_folder(&fixture("exported/layout_8"), &model);
    // Same length, another name: nothing else of the file changes.
    let path = model.join("inference.onnx");
    let bytes = std::fs::read(&path).unwrap();
    let renamed = replaced(&bytes, b"im_shape", b"in_shape");
    std::fs::write(&path, renamed).unwrap();
    let ran = doctor(&folder, &model).expect(1);
    assert!(
        ran.stderr.contains("no input `im_shape`, only in_shape"),
        "{}",
        ran.stderr
    );
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let ran = doctor(&folder, &model).expect(1);
    assert!(
        ran.stderr.contains("failed to load the model"),
        "{}",
        ran.stderr
    );
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for start in 0..=bytes.len() - from.len() {
        if bytes[start..].starts_with(from) {
            out[start..start + to.len()].copy_from_slice(to);
        }
    }
    out
}

#[test]
fn our_own_layers_compute_what_the_runtime_does() {
    let folder = fixture("paddleocr_vl");
    let checkpoint = Checkpoint::open(&folder)
        .unwrap()
        .with_names(paddleocr_vl::released_name);
    let config = Config::read(&folder, &checkpoint.config).unwrap();
    let library = root().join("runtime/libonnxruntime.so");
    let runtime = Runtime::load(&library, SessionOptions::on(Device::Cpu, 2)).unwrap();
    let encode = |keep, own_kernels| {
        let computing = Computing::Single { keep, own_kernels };
        let read = Vision::read(&checkpoint, &config, computing, &[], None).unwrap();
        let numbers = 6 * 10 * config.vision.patch_numbers();
        let values = (0..numbers)
            .map(|i| (i * 7919 % 255) as f32 / 127.5 - 1.0)
            .collect();
        read(&runtime)
            .unwrap()
            .encode(Patches {
                values,
                grid: [6, 10],
            })
            .unwrap()
    };
    let runtimes = encode(Keep::Exact, false);
    let largest = runtimes.iter().fold(0f32, |a, b| a.max(b.abs()));
    assert!(runtimes.len() == 15 * config.text.hidden_size && largest > 0.1);
    for (keep, allowed) in [(Keep::Exact, 1e-5), (Keep::Int8, 0.1)] {
        let own = encode(keep, true);
        let worst = own
            .iter()
            .zip(&runtimes)
            .map(|(a, b)| (a - b).abs() / largest)
            .fold(0f32, f32::max);
        assert!(worst < allowed, "{keep:?}: {worst}");
    }
}

#[test]
fn our_own_kernel_computes_what_the_runtime_does() {
    let (channels, size) = (64, [50, 49]);
    if !winograd::is_supported(channels) {
        return;
    }
    let number = |i: usize, scale: f64| ((i * 2_654_435_761 % 1009) as f64 / 504.5 - 1.0) * scale;
    let weight: Vec<f64> = (0..channels * channels * 9)
        .map(|i| number(i, 0.06))
        .collect();
    let bias: Vec<f64> = (0..channels).map(|i| number(i + 5, 0.5)).collect();
    let dims = [
        Dim::Named("batch"),
        Dim::Fixed(channels),
        Dim::Fixed(size[0]),
        Dim::Fixed(size[1]),
    ];
    let mut graph = Graph::new("test");
    let x = graph.input("x", Element::F32, &dims);
    let filter = || Filter::new(channels, &weight, &bias);
    let own = graph.silu_chain("own", &x, vec![filter(), filter()], Default::default());
    let single = |values: &[f64]| values.iter().map(|v| *v as f32).collect();
    let w = graph.floats("w", &[channels, channels, 3, 3], single(&weight));
    let b = graph.floats("b", &[channels], single(&bias));
    let mut y = x;
    for _ in 0..2 {
        let sum = graph.op(
            "Conv",
            "conv",
            &[&y, &w, &b],
            &[("pads", Attr::Ints(vec![1; 4]))],
        );
        let gate = graph.op("Sigmoid", "conv", &[&sum], &[]);
        y = graph.op("Mul", "conv", &[&sum, &gate], &[]);
    }
    graph.output("own", &own, Element::F32, &dims);
    graph.output("runtime", &y, Element::F32, &dims);
    let library = root().join("runtime/libonnxruntime.so");
    let runtime = Runtime::load(&library, SessionOptions::on(Device::Cpu, 2)).unwrap();
    let mut network = graph.build(&runtime).unwrap();
    let shape = vec![2, channels, size[0], size[1]];
    let input = (0..shape.iter().product())
        .map(|i| number(i + 7, 1.0) as f32)
        .collect();
    let worst = network.run(vec![("x", Array::F32(shape, input))], |outputs| {
        let (own, runtime) = (outputs.f32("own")?.1, outputs.f32("runtime")?.1);
        let largest = runtime.iter().fold(0f32, |a, b| a.max(b.abs()));
        assert!(largest > 0.1 && own.len() == runtime.len());
        Ok(own
            .iter()
            .zip(runtime)
            .map(|(a, b)| (a - b).abs() / largest)
            .fold(0f32, f32::max))
    });
    let worst = worst.unwrap();
    assert!(worst < 2e-5, "{worst}");
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

#[test]
fn what_is_missing_or_does_not_fit_is_said_before_anything_is_read() {
    let folder = Folder::new();
    let input = example("report.pdf").display().to_string();
    let model = |name: &str| fixture(name).display().to_string();
    let (v3, uvdoc) = (model("pp_doclayout_v3"), model("uvdoc"));
    let dir = "--layout-detection-model-dir";
    let lines = ["--vl-rec-backend", "lines"];
    let check = |flags: &[&str], code: i32, words: &str| {
        let ran = folder.run(&[&["-i", &input, "--save-path", "out"], flags].concat());
        assert!(
            ran.code == code && ran.stderr.contains(words),
            "{flags:?}: {} {}",
            ran.code,
            ran.stderr
        );
    };
    check(&[dir, &v3], 2, "give its folder with --vl-rec-model-dir");
    check(
        &lines,
        2,
        "give its folder with --layout-detection-model-dir",
    );
    check(
        &[&lines[..], &[dir, &uvdoc]].concat(),
        2,
        "UVDoc is no network for layout detection",
    );
    check(
        &[&lines[..], &[dir, "nowhere"]].concat(),
        1,
        "`nowhere` is no folder",
    );
    let name = ["--layout-detection-model-name", "PP-DocLayoutV2"];
    check(
        &[&lines[..], &[dir, &v3], &name].concat(),
        2,
        "holds PP-DocLayoutV3, not PP-DocLayoutV2",
    );
    check(
        &[&lines[..], &[dir, &v3, "--use-doc-unwarping"]].concat(),
        2,
        "--doc-unwarping-model-dir",
    );
    check(
        &[&lines[..], &[dir, &v3, "--use-chart-recognition"]].concat(),
        2,
        "PaddleOCR-VL recognizer",
    );
    check(
        &[&lines[..], &[dir, &v3, "--pipeline-version", "lite"]].concat(),
        2,
        "without a network",
    );
    assert!(!folder.path().join("out/report.md").exists());
}
