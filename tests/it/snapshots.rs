//! Whole outputs compared with snapshots, which lie in `snapshots` beside this file: one character more or less fails.
//!
//! Only PDFs with a text layer are parsed here. The text of pictures is read by networks whose kernels depend on the CPU
//! (with or without AVX-512), and with them the last digits of scores and sometimes a letter; `scans` compares those outputs with
//! tolerance. The version, times and checksums of files are replaced before the comparison.
//!
//! After an intended change, `INSTA_UPDATE=always cargo test --release --test it snapshots` writes the snapshots anew; the
//! differences are reviewed and committed like code.

use super::support::{Folder, Ran, example, root};
use serde_json::Value;
use std::path::Path;

/// All snapshots.
const NAMES: &[&str] = &[
    "help",
    "help.commands",
    "help.short",
    "manual",
    "report.json",
    "report.md",
    "run",
    "run.log.json",
    "second_page.stdout.json",
    "second_page.stdout.md",
    "tagged_table.json",
    "tagged_table.md",
    "wrong_uses",
];

/// Compares a text with the snapshot of this name.
fn compare(name: &str, text: &str) {
    assert!(NAMES.contains(&name), "{name} is not in the list");
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("snapshots");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The text without what changes from release to release and from folder to folder.
fn stable(folder: &Folder, text: &str) -> String {
    let here = folder.path().display().to_string();
    text.replace(&here, "[folder]")
        .replace(env!("CARGO_PKG_VERSION"), "[version]")
}

/// Runs the program as in a pipe, where help is 100 columns wide.
fn run(folder: &Folder, arguments: &[&str]) -> Ran {
    folder.run_with(arguments, &[("COLUMNS", "100")], "")
}

/// A command line with its exit code and all that it prints.
fn session(folder: &Folder, arguments: &[&str]) -> String {
    let ran = run(folder, arguments);
    let printed = stable(folder, &format!("{}{}", ran.stdout, ran.stderr));
    let code = ran.code;
    format!(
        "$ docparse {}\n{printed}[exit code {code}]\n",
        arguments.join(" ")
    )
}

/// Parses a document under its own name, without its folder, to all formats.
fn parsed(document: &Path, more: &[&str]) -> (Folder, Ran) {
    let folder = Folder::new();
    let name = document.file_name().unwrap().to_str().unwrap();
    folder.write(name, std::fs::read(document).unwrap());
    let arguments = [
        &[
            "-i",
            name,
            "--save-path",
            "out",
            "--report",
            "report_of_run.json",
        ],
        more,
    ];
    let ran = run(&folder, &arguments.concat()).expect(0);
    (folder, ran)
}

/// Compares Markdown and JSON of a document.
fn compare_document(document: &Path, more: &[&str]) {
    let (folder, _) = parsed(document, more);
    let stem = document.file_stem().unwrap().to_str().unwrap();
    for kind in ["md", "json"] {
        let text = folder.text(&format!("out/{stem}.{kind}"));
        compare(&format!("{stem}.{kind}"), &stable(&folder, &text));
    }
}

#[test]
fn markdown_and_json_of_the_report() {
    compare_document(&example("report.pdf"), &[]);
}

#[test]
fn markdown_and_json_of_a_tagged_table() {
    compare_document(&root().join("tests/fixtures/tagged_table.pdf"), &[]);
}

#[test]
fn a_page_on_standard_output() {
    let folder = Folder::new();
    folder.write("report.pdf", std::fs::read(example("report.pdf")).unwrap());
    let arguments = [
        "-i",
        "report.pdf",
        "--pages",
        "2",
        "--pipeline-version",
        "lite",
    ];
    for form in ["md", "json"] {
        let ran = run(&folder, &[&arguments[..], &["--stdout", form]].concat()).expect(0);
        assert_eq!(ran.stderr, "done: 1 document, 1 page -> standard output\n");
        compare(
            &format!("second_page.stdout.{form}"),
            &stable(&folder, &ran.stdout),
        );
    }
}

#[test]
fn messages_files_and_report_of_a_run() {
    let (folder, ran) = parsed(&example("report.pdf"), &[]);
    assert_eq!(ran.stdout, "");
    let mut report: Value = folder.json("report_of_run.json");
    without_measurements(&mut report);
    let text = format!(
        "{}\n{}\n\n{}\n",
        ran.stderr,
        folder.tree("out").join("\n"),
        serde_json::to_string_pretty(&report).unwrap()
    );
    compare("run", &stable(&folder, &text));
}

#[test]
fn messages_of_a_run_as_json() {
    let folder = Folder::new();
    folder.write("a.pdf", "no PDF");
    folder.write("report.pdf", std::fs::read(example("report.pdf")).unwrap());
    let arguments = ["a.pdf", "missing.pdf", "report.pdf", "--save-path", "out"];
    let text = session(
        &folder,
        &[&arguments[..], &["--log-format", "json"]].concat(),
    );
    compare("run.log.json", &text);
}

/// Replaces times and checksums by words.
fn without_measurements(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_measurements),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match name.as_str() {
                    "seconds" | "first_page_seconds" | "stage_seconds" => *field = "[time]".into(),
                    "sha256" => *field = "[checksum]".into(),
                    _ => without_measurements(field),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn help_and_manual_page() {
    let folder = Folder::new();
    compare("help", &session(&folder, &["--help"]));
    compare("help.short", &session(&folder, &["-h"]));
    let of_commands = ["doctor", "conform", "models", "completions", "man"]
        .map(|name| session(&folder, &[name, "--help"]));
    compare("help.commands", &of_commands.join("\n"));
    compare("manual", &session(&folder, &["man"]));
}

#[test]
fn wrong_uses() {
    let folder = Folder::new();
    folder.write("report.pdf", std::fs::read(example("report.pdf")).unwrap());
    folder.write(
        "locked.pdf",
        std::fs::read(root().join("tests/fixtures/encrypted.pdf")).unwrap(),
    );
    folder.write("text.pdf", "no PDF");
    folder.write("taken", "a file");
    folder.write("wrong.yaml", "pipeline_name: lite\nuse_telepathy: true\n");
    folder.write("broken.yaml", "pipeline_name: [lite\n");
    let to = ["--save-path", "out"];
    let lines: &[&[&str]] = &[
        &[],
        &["report.pdf"],
        &["--save-path", "out"],
        &["report.pdf", "--fromats", "md"],
        &["report.pdf", to[0], to[1], "--formats", "odt"],
        &["report.pdf", to[0], to[1], "--pages", "5-2"],
        &["report.pdf", to[0], to[1], "--pages", "9"],
        &["report.pdf", to[0], to[1], "--device", "abacus"],
        &["report.pdf", to[0], to[1], "--memory-limit", "lots"],
        &["report.pdf", to[0], to[1], "--memory-limit", "1M"],
        &[
            "report.pdf",
            to[0],
            to[1],
            "--use-layout-detection",
            "maybe",
        ],
        &["report.pdf", to[0], to[1], "--pipeline-version", "v3"],
        &["report.pdf", to[0], to[1], "--pipeline-version", "v1.6"],
        &["report.pdf", to[0], to[1], "--layout-threshold", "2"],
        &["report.pdf", to[0], to[1], "--vl-rec-backend", "oracle"],
        &["report.pdf", to[0], to[1], "--vl-rec-server-url", "here"],
        &[
            "report.pdf",
            to[0],
            to[1],
            "--paddlex-config",
            "absent.yaml",
        ],
        &["report.pdf", to[0], to[1], "--paddlex-config", "wrong.yaml"],
        &[
            "report.pdf",
            to[0],
            to[1],
            "--paddlex-config",
            "broken.yaml",
        ],
        &["report.pdf", "--save-path", "taken"],
        &["report.pdf", "--stdout", "md", "--stdout", "json"],
        &["missing.pdf", to[0], to[1]],
        &["text.pdf", to[0], to[1]],
        &["locked.pdf", to[0], to[1]],
        &["locked.pdf", to[0], to[1], "--password", "guess"],
        &["*.tiff", to[0], to[1]],
        &["ftp://localhost/report.pdf", to[0], to[1]],
        &["models", "pull", "PP-Nothing"],
        &["models", "frobnicate"],
        &["models", "path", "PP-DocLayoutV3"],
        &["completions", "tcsh"],
    ];
    let sessions: Vec<String> = lines.iter().map(|line| session(&folder, line)).collect();
    compare("wrong_uses", &sessions.join("\n"));
}

#[test]
fn no_snapshot_is_left_over() {
    let folder = root().join("tests/it/snapshots");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = name.strip_suffix(".snap").map(String::from);
        known.unwrap_or_else(|| panic!("{name} is not accepted yet"))
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert_eq!(names, NAMES);
}
