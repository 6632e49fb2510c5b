//! Folders of models that are damaged, incomplete or of another network: what is said of them.

use super::super::support::{Folder, example};
use super::{changed, copy_folder, doctor, fixture};
use std::path::Path;

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
