//! Drawings of how tables were found (`--draw-tables`): what they name, and what they leave as it is.

use super::support::{Folder, root};

/// Documents of `tests/tables` with their numbers of pages.
const DOCUMENTS: [(&str, usize); 4] = [
    ("office_two_pages", 2),
    ("drawn_chart_none", 1),
    ("latex_contents_none", 1),
    ("browser_turned_timetable", 1),
];

fn path(name: &str) -> String {
    let path = root().join("tests/tables").join(name);
    format!("{}.pdf", path.display())
}

/// Arguments for all documents into a folder.
fn arguments<'a>(paths: &'a [String], out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let inputs = paths.iter().map(String::as_str);
    let fixed = ["--save-path", out, "--formats", "md,json", "-q"];
    let all = std::iter::once("-i").chain(inputs).chain(fixed);
    all.chain(more.iter().copied()).collect()
}

/// The texts of a drawing, whose contents are not compressed.
fn texts(pdf: &[u8]) -> Vec<String> {
    let pdf = String::from_utf8_lossy(pdf);
    let shown = pdf.split(") Tj").filter_map(|part| part.rsplit_once('('));
    shown.map(|(_, text)| text.to_string()).collect()
}

#[test]
fn drawings_name_what_was_considered_and_why_it_is_no_table() {
    let folder = Folder::new();
    let paths = DOCUMENTS.map(|(name, _)| path(name));
    folder.run(&arguments(&paths, "plain", &[])).expect(0);
    folder
        .run(&arguments(&paths, "drawn", &["--draw-tables"]))
        .expect(0);
    let drawing = |name: &str| format!("{name}_tables.pdf");
    let read = |place: String| std::fs::read(folder.path().join(place)).unwrap();
    let mut texts_of = Vec::new();
    for (name, pages) in DOCUMENTS {
        let pdf = read(format!("drawn/{}", drawing(name)));
        let is_page = |bytes: &&[u8]| *bytes == b"/Type /Page\n";
        let count = pdf.windows(12).filter(is_page).count();
        assert_eq!(count, pages, "{name}");
        texts_of.push(texts(&pdf));
        // docparse opens it, too.
        let own = format!("drawn/{}", drawing(name));
        let ran = folder.run(&["-i", &own, "--stdout", "md", "-q"]).expect(0);
        assert!(!ran.stdout.is_empty());
    }
    let names = |at: usize, words: &[&str]| {
        let is_named = |text: &String| words.iter().all(|word| text.contains(word));
        assert!(texts_of[at].iter().any(is_named), "{:#?}", texts_of[at]);
    };
    names(0, &["lines meet, value ", " x ", ": chosen"]);
    names(
        0,
        &["between lines, value ", ": lost against one of value "],
    );
    names(0, &["page 2: "]);
    names(1, &["page 1: 0 of "]);
    names(1, &["lines meet: no grid"]);
    names(1, &["numbers, value ", ": too few rows: "]);
    names(
        2,
        &["open, value ", ": contents: leader dots lead to pages"],
    );
    names(3, &["turned, lines meet, value "]);
    for entry in ["1 evidence", "2 considered", "3 chosen", "ruling line"] {
        names(0, &[entry]);
    }
    // Nothing else differs.
    let plain = folder.tree("plain");
    let drawn = folder.tree("drawn");
    let others: Vec<&String> = drawn
        .iter()
        .filter(|file| !file.ends_with("_tables.pdf"))
        .collect();
    assert_eq!(others.len() + DOCUMENTS.len(), drawn.len());
    assert_eq!(others, plain.iter().collect::<Vec<_>>());
    for file in &plain {
        let [before, after] = ["plain", "drawn"].map(|tree| read(format!("{tree}/{file}")));
        assert!(before == after, "{file}");
    }
}

#[test]
fn drawings_need_a_folder_of_ours_and_regions_found_in_text() {
    let folder = Folder::new();
    let input = path("drawn_chart_none");
    let case = r#"{"pipeline_version": "v1.6", "pages": [], "vlm_answers": {}}"#;
    folder.write("case.json", case);
    let to = ["--save-path", "out"];
    for more in [
        &["--stdout", "md"][..],
        &[to[0], to[1], "--compat"],
        &[to[0], to[1], "--replay", "case.json"],
    ] {
        let args = [&["-i", &input, "--draw-tables"], more].concat();
        let ran = folder.run(&args).expect(2);
        assert!(
            ran.stderr.contains("error: --draw-tables "),
            "{}",
            ran.stderr
        );
        assert!(folder.tree("out").is_empty());
    }
}

#[test]
fn drawings_of_an_earlier_run_are_replaced_and_listed() {
    let folder = Folder::new();
    let put = |name: &str| folder.write("page.pdf", std::fs::read(path(name)).unwrap());
    put("drawn_chart_none");
    let paths = [folder.path().join("page.pdf").display().to_string()];
    let more = ["--draw-tables", "--report", "report.json"];
    folder.run(&arguments(&paths, "out", &more)).expect(0);
    let own = "out/page_tables.pdf";
    let outputs = folder.json("report.json")["inputs"][0]["outputs"].clone();
    let is_own = |output: &serde_json::Value| output["path"] == own;
    assert!(outputs.as_array().unwrap().iter().any(is_own), "{outputs}");
    let first = std::fs::read(folder.path().join(own)).unwrap();
    put("latex_contents_none");
    folder.run(&arguments(&paths, "out", &more)).expect(0);
    assert!(first != std::fs::read(folder.path().join(own)).unwrap());
    let files = folder.tree("out");
    let drawings = files.iter().filter(|file| file.ends_with(".pdf"));
    assert_eq!(drawings.count(), 1, "{files:?}");
}
