//! Reasons of what failed, for programs: the same word in the JSON of results, in the report, and in lines of `--log-format json`.

use super::interrupts::slow_shading;
use super::support::{Folder, example, root, tiny_pdf};
use serde_json::Value;

fn png() -> Vec<u8> {
    let picture = image::RgbImage::from_fn(200, 200, |x, y| {
        image::Rgb([x as u8, y as u8, (x * y) as u8])
    });
    let mut bytes = Vec::new();
    picture
        .write_to(
            &mut std::io::Cursor::new(&mut bytes),
            image::ImageFormat::Png,
        )
        .unwrap();
    bytes
}

fn records(stderr: &str) -> Vec<Value> {
    stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The reason and the message of an input: in the report, and in the one line of the log that says that it failed.
#[track_caller]
fn told(report: &Value, log: &[Value], path: &str) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let inputs = report["inputs"].as_array().unwrap();
    let input = inputs.iter().find(|input| input["path"] == path).unwrap();
    assert_eq!(input["outcome"], "failed", "{input}");
    let lines: Vec<&Value> = log
        .iter()
        .filter(|line| line["code"] == "input_failed" && line["file"] == path)
        .collect();
    assert_eq!(lines.len(), 1, "{path}: {log:?}");
    assert_eq!(lines[0]["reason"], input["reason"]);
    assert_eq!(lines[0]["message"], input["message"]);
    (text(&input["reason"]), text(&input["message"]))
}

#[test]
fn documents_that_cannot_be_opened_say_why() {
    let folder = Folder::new();
    let mut cut = std::fs::read(example("report.pdf")).unwrap();
    cut.truncate(400);
    folder.write("cut.pdf", cut);
    folder.write("empty.pdf", "");
    folder.write("notes.pdf", "Only some notes.");
    let encrypted = std::fs::read(root().join("tests/fixtures/encrypted.pdf")).unwrap();
    folder.write("encrypted.pdf", encrypted);
    folder.write("good.pdf", tiny_pdf(612.0, 792.0, ""));
    let expected = [
        ("cut.pdf", "damaged"),
        ("empty.pdf", "damaged"),
        ("notes.pdf", "unsupported"),
        ("encrypted.pdf", "encrypted"),
        ("missing.pdf", "not_found"),
        ("ftp://127.0.0.1/a.pdf", "unsupported"),
        ("http://127.0.0.1:1/a.pdf", "network"),
        ("none-*.pdf", "not_found"),
    ];
    let inputs = expected.iter().map(|(path, _)| *path).chain(["good.pdf"]);
    let flags = [
        "--save-path",
        "out",
        "--formats",
        "md",
        "--report",
        "run.json",
        "--log-format",
        "json",
    ];
    let arguments: Vec<&str> = std::iter::once("-i").chain(inputs).chain(flags).collect();
    let ran = folder.run(&arguments).expect(3);
    let (report, log) = (folder.json("run.json"), records(&ran.stderr));
    for (path, reason) in expected {
        let (told, message) = told(&report, &log, path);
        assert_eq!(told, reason, "{path}: {message}");
        assert!(!message.is_empty());
    }
    // What is done has none.
    let inputs = report["inputs"].as_array().unwrap();
    let good = inputs.iter().find(|input| input["path"] == "good.pdf");
    assert_eq!(good.unwrap()["reason"], Value::Null);
    assert!(
        log.iter()
            .filter(|line| line["code"] == "document_done")
            .all(|line| line["reason"].is_null())
    );
}

#[test]
fn what_was_not_tried_after_a_failure_has_a_reason_of_its_own() {
    let folder = Folder::new();
    folder.write("bad.pdf", "");
    folder.write("good.pdf", tiny_pdf(612.0, 792.0, ""));
    let arguments = [
        "-i",
        "bad.pdf",
        "good.pdf",
        "--save-path",
        "out",
        "--fail-fast",
        "--report",
        "run.json",
    ];
    folder.run(&arguments).expect(1);
    let report = folder.json("run.json");
    let of = |path: &str| {
        let inputs = report["inputs"].as_array().unwrap();
        let input = inputs.iter().find(|input| input["path"] == path).unwrap();
        (input["outcome"].clone(), input["reason"].clone())
    };
    assert_eq!(of("bad.pdf"), ("failed".into(), "damaged".into()));
    assert_eq!(of("good.pdf"), ("cancelled".into(), "not_tried".into()));
}

/// What the JSON of a document says about the failure of its first page: reason and message.
#[track_caller]
fn page_failure(folder: &Folder, stem: &str) -> (String, String) {
    let document = folder.json(&format!("out/{stem}.json"));
    let told = &document["pages"][0]["diagnostics"]["messages"][0];
    assert_eq!(told["code"], "page_failed", "{told}");
    // It stands after the code.
    let keys: Vec<&String> = told.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["severity", "code", "reason", "message"]);
    let text = |key: &str| told[key].as_str().unwrap().to_string();
    (text("reason"), text("message"))
}

#[test]
fn pages_that_fail_say_why() {
    let folder = Folder::new();
    // It ends before its first row: later rows would be read without the others.
    let mut cut = png();
    cut.truncate(60);
    folder.write("cut.png", cut);
    // A header alone: it is refused before anything is decoded.
    folder.write("huge.ppm", "P6\n30000 30000\n255\n");
    let arguments = [
        "-i",
        "cut.png",
        "huge.ppm",
        "-o",
        "out",
        "--formats",
        "json",
    ];
    folder.run(&arguments).expect(3);
    assert_eq!(page_failure(&folder, "cut").0, "damaged");
    assert_eq!(page_failure(&folder, "huge").0, "too_large");
}

#[test]
fn a_page_whose_time_is_up_says_so() {
    let folder = Folder::new();
    folder.write("slow.pdf", slow_shading());
    let arguments = [
        "slow.pdf",
        "-o",
        "out",
        "--formats",
        "json",
        "--page-timeout",
        "1",
    ];
    folder.run(&arguments).expect(3);
    let (reason, message) = page_failure(&folder, "slow");
    assert_eq!(reason, "time_up", "{message}");
    assert!(message.contains("longer than 1 s"), "{message}");
}

#[test]
fn a_run_that_cannot_begin_says_why() {
    let folder = Folder::new();
    folder.write("good.pdf", tiny_pdf(612.0, 792.0, ""));
    folder.write("file", "");
    let error_of = |more: &[&str]| {
        let arguments = [&["good.pdf", "--log-format", "json"], more].concat();
        let ran = folder.run(&arguments);
        let records = records(&ran.stderr);
        let record = records.iter().find(|record| record["level"] == "ERROR");
        let record = record.unwrap_or_else(|| panic!("{records:?}"));
        (record["code"].clone(), record["reason"].clone())
    };
    assert_eq!(
        error_of(&["-o", "out", "--memory-limit", "100M"]),
        ("usage".into(), "out_of_memory".into())
    );
    assert_eq!(error_of(&["-o", "file"]), ("fatal".into(), "access".into()));
    // Words alone: the arguments are wrong.
    assert_eq!(error_of(&[]), ("usage".into(), Value::Null));
}
