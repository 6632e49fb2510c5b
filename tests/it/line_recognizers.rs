//! Line recognizers that are given in folders, beside the embedded one.

use super::support::{Folder, contents, root};

/// A folder with a recognizer of the fixtures and a dictionary.
fn recognizer(folder: &Folder, name: &str, model: &str, dictionary: &str) {
    let model = root().join("tests/fixtures/recognizers").join(model);
    folder.write(
        &format!("{name}/inference.onnx"),
        std::fs::read(model).unwrap(),
    );
    folder.write(&format!("{name}/dict.txt"), dictionary);
}

fn letters() -> String {
    std::fs::read_to_string(root().join("tests/fixtures/recognizers/dict.txt")).unwrap()
}

fn picture() -> String {
    let path = root().join("tests/fixtures/recognizers/russian.png");
    path.to_str().unwrap().to_string()
}

/// The text of the picture, read with these recognizers.
fn read(folder: &Folder, flags: &[&str]) -> String {
    let picture = picture();
    let all = [
        &["-i", &picture, "--save-path", "out", "--formats", "json"][..],
        flags,
    ]
    .concat();
    folder.run(&all).expect(0);
    let name = folder.tree("out").remove(0);
    contents(&folder.json(&format!("out/{name}"))["pages"][0]).join("\n")
}

#[test]
fn a_line_in_a_script_that_is_lacking_is_read_by_the_recognizer_that_has_it() {
    let folder = Folder::new();
    recognizer(&folder, "cyrillic", "cyrillic.onnx", &letters());
    let text = read(&folder, &["--rec-model-dir", "cyrillic"]);
    assert!(text.contains("привет"), "{text}");
    assert!(
        text.contains("The quick brown fox jumps"),
        "a sure line stays: {text}"
    );
    let without = read(&Folder::new(), &[]);
    assert!(!without.contains("привет"), "{without}");
}

#[test]
fn folders_may_be_in_a_file_of_settings_and_dictionaries_in_inference_yml() {
    let folder = Folder::new();
    let model = root().join("tests/fixtures/recognizers/cyrillic.onnx");
    folder.write("cyrillic/inference.onnx", std::fs::read(model).unwrap());
    let list: String = letters()
        .lines()
        .map(|letter| format!("  - {letter}\n"))
        .collect();
    let yml = format!("PostProcess:\n  name: CTCLabelDecode\n  character_dict:\n{list}");
    folder.write("cyrillic/inference.yml", yml);
    let settings =
        "pipeline_name: lite\nSubModules:\n  LineRecognition:\n    model_dirs:\n      - cyrillic\n";
    folder.write("settings.yaml", settings);
    let text = read(&folder, &["--paddlex-config", "settings.yaml"]);
    assert!(text.contains("привет"), "{text}");
}

#[test]
fn a_folder_without_a_recognizer_ends_the_run() {
    let folder = Folder::new();
    folder.write("empty/readme.md", "");
    let ran = folder.run(&[
        "-i",
        &picture(),
        "--save-path",
        "out",
        "--rec-model-dir",
        "empty",
    ]);
    let ran = ran.expect(1);
    assert!(
        ran.stderr.contains("no file that ends in .onnx"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_doctor_lists_scripts_and_says_what_does_not_fit() {
    let folder = Folder::new();
    recognizer(&folder, "cyrillic", "cyrillic.onnx", &letters());
    recognizer(&folder, "short", "cyrillic.onnx", "а\nб\n");
    recognizer(&folder, "low", "low.onnx", &letters());
    recognizer(&folder, "logits", "logits.onnx", &letters());
    let doctor = |name: &str, code: i32| {
        folder
            .run(&["doctor", "--rec-model-dir", name])
            .expect(code)
            .stdout
    };
    let told = doctor("cyrillic", 0);
    assert!(
        told.contains("ok       cyrillic: reads Cyrillic 33"),
        "{told}"
    );
    assert!(
        told.contains("ok       PP-OCRv6_rec_small.onnx: reads Han "),
        "{told}"
    );
    for (name, reason) in [
        (
            "short",
            "35 classes apart, and its dictionary has 2 entries",
        ),
        ("low", "?x3x32x?"),
        ("logits", "no probabilities"),
    ] {
        let told = doctor(name, 1);
        assert!(told.contains(reason), "{name}: {told}");
    }
}
