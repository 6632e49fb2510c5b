//! The command line: flags, exit codes, messages, the output tree.

mod messages;

use super::support::{Folder, assemble, blocks_with, example, root, tiny_pdf};
use serde_json::Value;

const PAGE: &str = "BT /F 12 Tf 72 700 Td (Hello from page one.) Tj ET";

fn hello() -> Vec<u8> {
    tiny_pdf(612.0, 792.0, PAGE)
}

#[test]
fn every_flag_of_the_reference_is_in_the_help() {
    let text =
        std::fs::read_to_string(root().join("tests/golden/functions/cli_flags.json")).unwrap();
    let flags: Value = serde_json::from_str(&text).unwrap();
    let help = Folder::new().run(&["--help"]).expect(0).stdout;
    for flag in flags["flags"].as_array().unwrap() {
        let name = flag["flags"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .as_str()
            .unwrap()
            .replace('_', "-");
        assert!(help.contains(&name), "{name} is not in the help");
    }
}

#[test]
fn a_document_becomes_its_files() {
    let folder = Folder::new();
    let report = example("report.pdf").display().to_string();
    let ran = folder
        .run(&[
            "-i",
            &report,
            "--save-path",
            "out",
            "--report",
            "report.json",
        ])
        .expect(0);
    assert_eq!(ran.stdout, "");
    assert!(
        ran.stderr
            .starts_with("note: using the embedded pipeline `lite`"),
        "{}",
        ran.stderr
    );
    let tree = folder.tree("out");
    for file in [
        "report.md",
        "report.json",
        "report.xlsx",
        "report_layout_det_res.pdf",
        "report_layout_order_res.pdf",
    ] {
        assert!(
            tree.contains(&file.to_string()),
            "{file} is not in {tree:?}"
        );
    }
    assert!(tree.iter().all(|f| !f.contains(".part")), "{tree:?}");
    // Every link of the Markdown leads to a file, and every picture has a link.
    let markdown = folder.text("out/report.md");
    let pictures: Vec<&String> = tree
        .iter()
        .filter(|f| f.starts_with("imgs/report/"))
        .collect();
    assert_eq!(pictures.len(), 3);
    assert_eq!(markdown.matches("](imgs/").count(), 3);
    for picture in pictures {
        assert!(markdown.contains(&format!("]({picture})")), "{picture}");
    }
    let record = folder.json("report.json");
    assert_eq!(record["exit_code"], 0);
    assert_eq!(record["inputs"][0]["outcome"], "done");
    let outputs = record["inputs"][0]["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), tree.len());
    assert!(
        outputs
            .iter()
            .all(|o| o["sha256"].as_str().unwrap().len() == 64)
    );
}

#[test]
fn two_runs_write_the_same_bytes() {
    let folder = Folder::new();
    let report = example("report.pdf").display().to_string();
    for out in ["a", "b"] {
        folder
            .run(&[
                "-i",
                &report,
                "--save-path",
                out,
                "--threads",
                if out == "a" { "1" } else { "4" },
            ])
            .expect(0);
    }
    assert_eq!(folder.tree("a"), folder.tree("b"));
    for file in folder.tree("a") {
        let bytes = |out: &str| std::fs::read(folder.path().join(out).join(&file)).unwrap();
        assert!(bytes("a") == bytes("b"), "{file} differs");
    }
}

#[test]
fn the_word_doc_parser_changes_nothing() {
    let folder = Folder::new();
    folder.write("a.pdf", hello());
    folder
        .run(&[
            "doc_parser",
            "-i",
            "a.pdf",
            "--save_path",
            "out",
            "--use_doc_unwarping",
            "False",
            "--enable_mkldnn=t",
        ])
        .expect(0);
    assert_eq!(folder.text("out/a.md"), "Hello from page one.\n");
}

#[test]
fn formats_choose_files() {
    let folder = Folder::new();
    folder.write("a.pdf", hello());
    folder
        .run(&["-i", "a.pdf", "--save-path", "out", "--formats", "md,json"])
        .expect(0);
    assert_eq!(folder.tree("out"), ["a.json", "a.md"]);
    // Not among the default ones, and with the pictures that it shows.
    let report = example("report.pdf").display().to_string();
    folder
        .run(&["-i", &report, "-o", "web", "--formats", "html"])
        .expect(0);
    let tree = folder.tree("web");
    assert!(tree.contains(&"report.html".to_string()), "{tree:?}");
    let html = folder.text("web/report.html");
    let pictures = tree.iter().filter(|path| path.ends_with(".jpg"));
    assert!(pictures.clone().count() > 0);
    for picture in pictures {
        assert!(html.contains(&format!("src=\"{picture}\"")), "{picture}");
    }
    let ran = folder
        .run(&["-i", "a.pdf", "--save-path", "out", "--formats", "md,odt"])
        .expect(2);
    assert!(
        ran.stderr.contains("unknown format `odt`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn standard_output_carries_the_result_alone() {
    let folder = Folder::new();
    folder.write("a.pdf", hello());
    let ran = folder
        .run(&["-i", "a.pdf", "--stdout", "md", "--verbose"])
        .expect(0);
    assert_eq!(ran.stdout, "Hello from page one.\n");
    assert!(ran.stderr.contains("debug: page done"));
    let ran = folder
        .run(&["-i", "a.pdf", "--stdout", "json", "--quiet"])
        .expect(0);
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        value["pages"][0]["parsing_res_list"][0]["block_content"],
        "Hello from page one."
    );
    assert_eq!(ran.stderr, "");
    assert_eq!(folder.tree("."), ["a.pdf"]);
}

#[test]
fn layers_of_settings_override_each_other() {
    let folder = Folder::new();
    folder.write("a.pdf", hello());
    folder.write(
        "own.yaml",
        "text_layer: never\nSubModules:\n  LineRecognition:\n    drop_score: 0.25\n",
    );
    let base = [
        "-i",
        "a.pdf",
        "--formats",
        "json",
        "--save-path",
        "out",
        "--config",
        "own.yaml",
    ];
    let settings = |extra: &[&str], environment: &[(&str, &str)]| {
        folder
            .run_with(&[&base, extra].concat(), environment, "")
            .expect(0);
        folder.json("out/a.json")["settings"].clone()
    };
    let file = settings(&[], &[]);
    assert_eq!(
        (
            &file["text_layer"],
            &file["SubModules"]["LineRecognition"]["drop_score"]
        ),
        (&"never".into(), &0.25.into())
    );
    assert_eq!(
        settings(&[], &[("DOCPARSE_TEXT_LAYER", "always")])["text_layer"],
        "always"
    );
    assert_eq!(
        settings(
            &["--text_layer", "auto"],
            &[("DOCPARSE_TEXT_LAYER", "always")]
        )["text_layer"],
        "auto"
    );
}

#[test]
fn wrong_settings_name_file_key_and_line() {
    let folder = Folder::new();
    folder.write("a.pdf", hello());
    folder.write("own.yaml", "use_queues: true\ntext_leyer: never\n");
    let ran = folder
        .run(&["-i", "a.pdf", "--save-path", "out", "--config", "own.yaml"])
        .expect(2);
    assert!(
        ran.stderr
            .contains("own.yaml, line 2: unknown key `text_leyer`; did you mean `text_layer`?"),
        "{}",
        ran.stderr
    );
}

#[test]
fn messages_name_flags_and_leave_names_of_files_as_they_are() {
    let folder = Folder::new();
    folder.write("(`seed`).pdf", hello());
    // Somebody else's file in its place.
    folder.write("out/(`seed`)_0.md", "mine");
    let arguments = [
        "(`seed`).pdf",
        "-o",
        "out",
        "--compat",
        "--report",
        "r.json",
    ];
    let stderr = folder.run(&arguments).expect(1).stderr;
    let reason = "`out/(`seed`)_0.md` is not docparse's own; give another --save-path";
    assert!(
        stderr.contains(&format!("error: (`seed`).pdf: {reason}\n")),
        "{stderr}"
    );
    let input = &folder.json("r.json")["inputs"][0];
    assert_eq!(
        (&input["path"], &input["message"]),
        (&"(`seed`).pdf".into(), &reason.into())
    );
    // As JSON too.
    let arguments = [
        "-",
        "-o",
        "out",
        "--max-input-size",
        "4",
        "--log-format",
        "json",
    ];
    let stderr = folder
        .run_with(&arguments, &[], "too much")
        .expect(1)
        .stderr;
    assert!(
        stderr.contains("larger than 4 bytes; --max-input-size takes more\""),
        "{stderr}"
    );
}

#[test]
fn keys_of_files_that_nothing_reads_are_told_once() {
    let folder = Folder::new();
    folder.write("a.pdf", hello());
    folder.write(
        "own.yaml",
        "batch_size: 4\nServing: {return_urls: true}\ntext_layer: auto\n",
    );
    let run = |more: &[&str]| {
        let arguments = ["a.pdf", "--dry-run", "--config", "own.yaml"];
        folder
            .run(&[&arguments[..], more].concat())
            .expect(0)
            .stderr
    };
    let told = "batch_size: accepted and not used by docparse (how much is done at once follows from memory and threads); \
                Serving.return_urls: accepted and not used by docparse (only the service reads it)";
    let stderr = run(&[]);
    assert_eq!(
        stderr.matches("accepted and not used").count(),
        2,
        "{stderr}"
    );
    assert!(stderr.contains(&format!("note: {told}\n")), "{stderr}");
    assert!(run(&["--log-format", "json"]).contains(told));
    assert_eq!(run(&["--quiet"]), "");
}

#[test]
fn usage_errors_exit_with_two_and_a_hint() {
    let folder = Folder::new();
    folder.write("a.pdf", hello());
    for (arguments, message) in [
        (&["-i", "a.pdf"][..], "nothing says where the result goes"),
        (&["--save-path", "out"], "no input was given"),
        (
            &["-i", "a.pdf", "--save-path", "o", "--pages", "3-1"],
            "`3-1` is no range of pages",
        ),
        (
            &["-i", "a.pdf", "--save-path", "o", "--device", "npu"],
            "`npu` is no device",
        ),
        (
            &[
                "-i",
                "a.pdf",
                "--save-path",
                "o",
                "--pipeline-version",
                "v1.6",
            ],
            "is not on this machine",
        ),
        (
            &[
                "-i",
                "a.pdf",
                "--save-path",
                "o",
                "--vl_rec_server_url",
                "http://x",
            ],
            "--vl-rec-server-url is about a server",
        ),
        (
            &["-i", "a.pdf", "--save-path", "o", "--use_chart_recognition"],
            "--use-chart-recognition belongs to",
        ),
        (
            &["-i", "a.pdf", "--save-path", "o", "--drop_score", "7"],
            "`SubModules.LineRecognition.drop_score` must be a number from 0 to 1",
        ),
        (
            &["-i", "a.pdf", "--save-path", "o", "--use_queues", "perhaps"],
            "expected true, yes, t, y, 1",
        ),
        (
            &["-i", "a.pdf", "--save-path", "o", "--nonsense"],
            "unexpected argument",
        ),
    ] {
        let ran = folder.run(arguments).expect(2);
        assert!(
            ran.stderr.contains(message),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert_eq!(folder.tree("."), ["a.pdf"], "nothing is written");
    }
}

#[test]
fn flags_without_effect_are_said_to_have_none() {
    let folder = Folder::new();
    folder.write("a.pdf", hello());
    let ran = folder
        .run(&[
            "-i",
            "a.pdf",
            "--stdout",
            "md",
            "--use_tensorrt",
            "--cpu_threads",
            "1",
        ])
        .expect(0);
    assert!(
        ran.stderr
            .contains("note: --use-tensorrt: for the reference's engines, without effect here"),
        "{}",
        ran.stderr
    );
}

#[test]
fn pages_are_selected_and_keep_their_numbers() {
    let folder = Folder::new();
    let report = example("report.pdf").display().to_string();
    folder
        .run(&[
            "-i",
            &report,
            "--save-path",
            "out",
            "--formats",
            "json",
            "--pages",
            "2-",
        ])
        .expect(0);
    let document = folder.json("out/report.json");
    let pages = document["pages"].as_array().unwrap();
    assert_eq!(
        (
            pages.len(),
            &pages[0]["page_index"],
            &pages[0]["page_count"]
        ),
        (1, &1.into(), &2.into())
    );
}

#[test]
fn directories_are_mirrored_and_stems_never_meet() {
    let folder = Folder::new();
    for name in ["in/a.pdf", "in/a.PDF", "in/sub/a.pdf", "in/notes.txt"] {
        folder.write(name, hello());
    }
    folder
        .run(&["-i", "in", "--save-path", "out", "--formats", "md"])
        .expect(0);
    assert_eq!(folder.tree("out"), ["a.PDF.md", "a.pdf.md", "sub/a.md"]);
}

#[test]
fn documents_written_before_are_left_out_on_demand() {
    let folder = Folder::new();
    folder.write("a.pdf", hello());
    let base = ["-i", "a.pdf", "--save-path", "out", "--formats", "md"];
    folder.run(&base).expect(0);
    folder.write("out/a.md", "kept");
    folder
        .run(&[&base[..], &["--skip-existing"]].concat())
        .expect(0);
    assert_eq!(folder.text("out/a.md"), "kept");
    folder
        .run(&[&base[..], &["--overwrite"]].concat())
        .expect(0);
    assert_eq!(folder.text("out/a.md"), "Hello from page one.\n");
}

#[test]
fn standard_input_is_a_document() {
    let folder = Folder::new();
    let text = String::from_utf8(hello()).unwrap();
    let ran = folder
        .run_with(&["-i", "-", "--stdout", "md"], &[], &text)
        .expect(0);
    assert_eq!(ran.stdout, "Hello from page one.\n");
}

#[test]
fn a_dry_run_lists_and_writes_nothing() {
    let folder = Folder::new();
    folder.write("a.pdf", hello());
    let ran = folder
        .run(&[
            "-i",
            "a.pdf",
            "missing.pdf",
            "--save-path",
            "out",
            "--dry-run",
        ])
        .expect(3);
    assert_eq!(ran.stdout, "a.pdf: 1 pages -> out/a\n");
    assert!(
        ran.stderr.contains("error: missing.pdf: no such file"),
        "{}",
        ran.stderr
    );
    assert_eq!(folder.tree("."), ["a.pdf"]);
}

#[test]
fn helpers_print_what_they_should() {
    let folder = Folder::new();
    assert!(
        folder
            .run(&["completions", "bash"])
            .expect(0)
            .stdout
            .contains("_docparse")
    );
    assert!(
        folder
            .run(&["man"])
            .expect(0)
            .stdout
            .contains(".TH docparse")
    );
    let doctor = folder.run(&["doctor"]).expect(0).stdout;
    assert!(
        doctor.lines().all(|line| line.starts_with("ok ")),
        "{doctor}"
    );
    let broken = folder
        .run(&["doctor", "--runtime-dir", "."])
        .expect(1)
        .stdout;
    assert!(broken.contains("missing  libpdfium.so"), "{broken}");
    assert!(
        folder
            .run(&["--version"])
            .expect(0)
            .stdout
            .starts_with("docparse 0.")
    );
}

#[test]
fn block_contents_become_markdown_on_demand() {
    let folder = Folder::new();
    let report = example("report.pdf").display().to_string();
    folder
        .run(&[
            "-i",
            &report,
            "--save-path",
            "out",
            "--formats",
            "json",
            "--format_block_content",
        ])
        .expect(0);
    let document = folder.json("out/report.json");
    let titles = blocks_with(&document["pages"][0], "doc_title");
    assert_eq!(titles[0].0, "# Tidal Observations at Twelve Harbours");
}
