//! The PaddleOCR-VL pipelines on recorded answers, and the files of `--compat`.

use super::support::{Folder, Ran, example, root};
use serde_json::{Value, json};

/// Runs a case of the golden folder with further arguments; the results lie in `out`.
fn replay(folder: &Folder, case: &str, input: &str, more: &[&str]) -> Ran {
    let golden = root().join("tests/golden/pipeline").join(case);
    let (input, answers) = (
        golden.join(input).display().to_string(),
        golden.join("case.json").display().to_string(),
    );
    let mut arguments = vec!["-i", &input, "--save-path", "out", "--replay", &answers];
    arguments.extend(more);
    folder.run(&arguments)
}

fn tables(text: &str) -> usize {
    let heads = text.lines().filter(|line| line.starts_with("| ---"));
    text.matches("<table").count() + heads.count()
}

#[test]
fn a_table_over_three_pages_becomes_one() {
    let folder = Folder::new();
    replay(
        &folder,
        "tables_document",
        "doc.tiff",
        &["--formats", "md,json,xlsx"],
    )
    .expect(0);
    let merged = tables(&folder.text("out/doc.md"));
    let document = folder.json("out/doc.json");
    let blocks = |page: usize| {
        document["pages"][page]["parsing_res_list"]
            .as_array()
            .unwrap()
            .clone()
    };
    let ids = |block: &Value| {
        (
            block["global_block_id"].as_u64().unwrap(),
            block["global_group_id"].as_u64().unwrap(),
        )
    };
    let continued = blocks(1)
        .iter()
        .find(|b| b["block_label"] == "table")
        .map(ids)
        .unwrap();
    let first = blocks(0)
        .iter()
        .find(|b| b["block_label"] == "table")
        .map(ids)
        .unwrap();
    assert_eq!((first.0, continued.1), (first.1, first.0));
    replay(
        &folder,
        "tables_document",
        "doc.tiff",
        &["--formats", "md,json", "--merge_tables", "false"],
    )
    .expect(0);
    assert!(tables(&folder.text("out/doc.md")) > merged);
}

#[test]
fn joined_pages_are_one_result() {
    let folder = Folder::new();
    replay(
        &folder,
        "tables_document",
        "doc.tiff",
        &["--formats", "json", "--concatenate-pages"],
    )
    .expect(0);
    let document = folder.json("out/doc.json");
    let pages = document["pages"].as_array().unwrap();
    assert_eq!(pages.len(), 1);
    assert_eq!(
        (&pages[0]["page_index"], &pages[0]["page_count"]),
        (&Value::Null, &json!(4))
    );
    assert_eq!(pages[0]["layout_det_res"].as_array().unwrap().len(), 4);
    let folder = Folder::new();
    replay(
        &folder,
        "tables_document",
        "doc.tiff",
        &["--compat", "--concatenate-pages"],
    )
    .expect(0);
    let tree = folder.tree("out");
    assert_eq!(
        tree.iter()
            .filter(|f| f.ends_with(".json"))
            .collect::<Vec<_>>(),
        ["doc_res.json"]
    );
    assert!(
        tree.contains(&"doc_layout_det_res_3.tiff".to_string()),
        "{tree:?}"
    );
}

#[test]
fn depths_of_headings_are_found_over_the_document_unless_told_not_to() {
    let folder = Folder::new();
    let headings = |more: &[&str]| {
        let ran = [&["--formats", "md"], more].concat();
        replay(&folder, "titles_document", "doc.tiff", &ran).expect(0);
        let text = folder.text("out/doc.md");
        text.lines()
            .filter(|l| l.starts_with('#'))
            .map(String::from)
            .collect::<Vec<_>>()
    };
    assert_ne!(headings(&[]), headings(&["--relevel-titles", "no"]));
}

#[test]
fn pictures_of_all_pages_have_their_own_names() {
    let folder = Folder::new();
    replay(&folder, "pdf_document", "doc.pdf", &[]).expect(0);
    let tree = folder.tree("out");
    let pictures: Vec<&String> = tree
        .iter()
        .filter(|f| f.starts_with("imgs/doc/p000"))
        .collect();
    assert!(!pictures.is_empty());
    let markdown = folder.text("out/doc.md");
    for link in markdown
        .split("](imgs/")
        .skip(1)
        .map(|rest| format!("imgs/{}", rest.split(')').next().unwrap()))
    {
        assert!(tree.contains(&link), "{link} is not in {tree:?}");
    }
}

#[test]
fn the_embedded_pipeline_can_write_the_reference_s_files_too() {
    let folder = Folder::new();
    let report = example("report.pdf").display().to_string();
    folder
        .run(&[
            "-i",
            &report,
            "--save-path",
            "out",
            "--compat",
            "--pages",
            "1",
        ])
        .expect(0);
    let tree = folder.tree("out");
    for file in [
        "report_0.md",
        "report_0_res.json",
        "report_0_layout_det_res.png",
    ] {
        assert!(
            tree.contains(&file.to_string()),
            "{file} is not in {tree:?}"
        );
    }
    assert!(
        !tree
            .iter()
            .any(|f| f.ends_with(".xlsx") || f.contains(".part")),
        "{tree:?}"
    );
    let result = folder.json("out/report_0_res.json");
    assert_eq!(result["diagnostics"], Value::Null);
    assert!(
        folder
            .run(&["-i", &report, "--stdout", "md", "--compat"])
            .expect(2)
            .stderr
            .contains("--compat writes files")
    );
    let again = [
        "-i",
        &report,
        "--save-path",
        "out",
        "--compat",
        "--skip-existing",
        "--report",
        "r.json",
    ];
    // Other settings, then the same ones.
    folder.run(&again).expect(0);
    assert_eq!(folder.json("r.json")["inputs"][0]["outcome"], "done");
    folder.run(&again).expect(0);
    assert_eq!(folder.json("r.json")["inputs"][0]["outcome"], "skipped");
}

/// A case of one page with two boxes of text.
fn case(answers: Value) -> String {
    let boxes = json!([[22, 0.9, 10, 10, 90, 30, 0], [22, 0.8, 10, 40, 90, 60, 1]]);
    json!({"pipeline_version": "v1.6", "pages": [{"raw_boxes": boxes}], "vlm_answers": answers})
        .to_string()
}

fn page(folder: &Folder) {
    let ppm = [b"P6 100 100 255\n".to_vec(), [200, 10, 30].repeat(10_000)].concat();
    folder.write("page.ppm", ppm);
}

#[test]
fn a_block_without_an_answer_is_one_lost_block() {
    let folder = Folder::new();
    page(&folder);
    folder.write("case.json", case(json!({"0:0": "read"})));
    let ran = folder
        .run(&[
            "-i",
            "page.ppm",
            "--save-path",
            "out",
            "--replay",
            "case.json",
        ])
        .expect(3);
    assert!(
        ran.stderr.contains("no answer was recorded for `0:1`"),
        "{}",
        ran.stderr
    );
    assert_eq!(folder.text("out/page.md"), "read\n");
}

#[test]
fn files_that_are_no_cases_are_told() {
    let folder = Folder::new();
    page(&folder);
    let run = |case: &str| {
        folder
            .run(&["-i", "page.ppm", "--save-path", "out", "--replay", case])
            .expect(2)
            .stderr
    };
    assert!(run("missing.json").starts_with("error: missing.json: "));
    folder.write("list.json", "[1, 2]");
    assert!(run("list.json").contains("not a recorded case"));
    folder.write("lite.json", r#"{"pipeline_version": "lite"}"#);
    assert!(run("lite.json").contains("recorded answers are for v1, v1.5 or v1.6"));
}

#[test]
fn flags_win_over_the_case_and_colors_can_change_places() {
    let folder = Folder::new();
    page(&folder);
    folder.write("case.json", case(json!({"0:0": "a", "0:1": "b"})));
    let run = |more: &[&str]| {
        let fixed = [
            "-i",
            "page.ppm",
            "--save-path",
            "out",
            "--replay",
            "case.json",
            "--trace",
            "trace",
        ];
        folder.run(&[&fixed[..], more].concat()).expect(0);
        folder.json("trace/vlm_requests.json")["requests"]
            .as_array()
            .unwrap()
            .clone()
    };
    assert_eq!(run(&[]).len(), 2);
    assert_eq!(run(&["--layout-threshold", "0.85"]).len(), 1);
    let limits = run(&["--min-pixels", "2000", "--max-pixels", "5000"]);
    assert_eq!(
        (&limits[0]["min_pixels"], &limits[0]["max_pixels"]),
        (&json!(2000), &json!(5000))
    );
    let lite = [
        "-i",
        "page.ppm",
        "--save-path",
        "out",
        "--vl_rec_channel_order",
        "bgr",
    ];
    assert!(
        folder
            .run(&lite)
            .expect(2)
            .stderr
            .contains("--vl-rec-channel-order belongs to")
    );
    assert_ne!(
        run(&["--vl_rec_channel_order", "bgr"])[0]["rgb_sha256"],
        run(&[])[0]["rgb_sha256"]
    );
}

#[test]
fn pages_read_before_a_stop_keep_their_files() {
    let folder = Folder::new();
    let golden = root().join("tests/golden/pipeline/tables_document");
    let mut case: Value =
        serde_json::from_str(&std::fs::read_to_string(golden.join("case.json")).unwrap()).unwrap();
    case["vlm_answers"]
        .as_object_mut()
        .unwrap()
        .retain(|key, _| key.starts_with("0:"));
    folder.write("case.json", case.to_string());
    let input = golden.join("doc.tiff").display().to_string();
    let arguments = [
        "-i",
        &input,
        "--save-path",
        "out",
        "--replay",
        "case.json",
        "--compat",
        "--fail-fast",
    ];
    let ran = folder.run(&[&arguments[..], &["--threads", "1"]].concat());
    assert!(ran.code == 1 || ran.code == 3, "{}", ran.stderr);
    let expected = std::fs::read_to_string(golden.join("expected/save_all/doc_0.md")).unwrap();
    assert_eq!(folder.text("out/doc_0.md"), expected);
}

/// The first page of `a.pdf` has the files of `a_0.png`.
#[test]
fn a_document_with_the_name_of_a_page_is_refused_before_any_work() {
    let folder = Folder::new();
    folder.write("a.pdf", std::fs::read(example("report.pdf")).unwrap());
    let picture = std::fs::read(root().join("src/serve/selftest/page.png")).unwrap();
    for name in ["a_0.png", "a_2024.png", "b_1.png"] {
        folder.write(name, &picture);
    }
    let run = |inputs: &[&str], more: &[&str]| {
        let arguments = [inputs, &["--save-path", "out", "--compat"], more].concat();
        folder.run(&arguments)
    };
    // It is told by a dry run, too; there are fewer pages than 2024.
    let inputs = ["a.pdf", "a_0.png", "a_2024.png", "b_1.png"];
    let dry = run(&inputs, &["--dry-run"]).expect(3);
    assert!(dry.stdout.contains("a_2024.png: 1 pages"), "{}", dry.stdout);
    for ran in [dry, run(&inputs, &[]).expect(3)] {
        assert!(ran.stderr.contains("page 1 of `a.pdf`"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("a_2024"), "{}", ran.stderr);
    }
    let of_pdf = folder.text("out/a_0.md");
    assert!(!of_pdf.contains("self-test"), "{of_pdf}");
    assert!(folder.text("out/b_1.md").contains("self-test"));
    // Another run knows whose file it is.
    let told = run(&["a_0.png"], &[]).expect(1).stderr;
    assert!(told.contains("a_0.md"), "{told}");
    assert_eq!(folder.text("out/a_0.md"), of_pdf);
    // Joined pages have no numbers.
    let joined = ["a.pdf", "a_0.png", "--concatenate_pages", "true"];
    let more = ["--save-path", "joined", "--compat"];
    folder.run(&[&joined[..], &more].concat()).expect(0);
    assert!(folder.text("joined/a_0.md").contains("self-test"));
}

#[test]
fn a_page_does_not_take_the_file_of_another_run() {
    let folder = Folder::new();
    folder.write("a.pdf", std::fs::read(example("report.pdf")).unwrap());
    let picture = std::fs::read(root().join("src/serve/selftest/page.png")).unwrap();
    folder.write("a_1.png", picture);
    let run = |input: &str| folder.run(&[input, "--save-path", "out", "--compat"]);
    run("a_1.png").expect(0);
    let ran = run("a.pdf").expect(3);
    assert!(
        ran.stderr.contains("file of another document"),
        "{}",
        ran.stderr
    );
    assert!(folder.text("out/a_1.md").contains("self-test"));
    assert!(!folder.text("out/a_0.md").is_empty());
}
