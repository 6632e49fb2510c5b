//! The forms of Markdown that can be asked for: looks, marks of pages, front matter, pictures inside of the text.

use super::support::{Folder, example};

fn report(folder: &Folder, more: &[&str]) -> String {
    let report = example("report.pdf").display().to_string();
    let arguments = [&["-i", &report, "--stdout", "md", "--quiet"], more].concat();
    folder.run(&arguments).expect(0).stdout
}

#[test]
fn tables_have_bars_or_no_styles() {
    let folder = Folder::new();
    let gfm = report(&folder, &[]);
    assert!(gfm.contains(
        "\n| Winter | Harbour | Surge (m) | Hours |\n| --- | --- | --- | --- |\n| First |"
    ));
    assert!(gfm.contains("\n<tr><th rowspan=\"2\">Harbour</th><th colspan=\"2\">Range</th>"));
    assert!(!gfm.contains("style=") && !gfm.contains("<div"));
    let html = report(&folder, &["--markdown-style", "html"]);
    assert!(html.contains("<table border=1 style=") && !html.contains("| --- |"));
    folder.write("settings.yaml", "markdown_style: html\n");
    assert_eq!(report(&folder, &["--config", "settings.yaml"]), html);
}

#[test]
fn footnotes_are_written_unless_labels_are_named() {
    let folder = Folder::new();
    let note = "asked for a night watch";
    assert!(report(&folder, &[]).contains(note));
    assert!(!report(&folder, &["--markdown-style", "html"]).contains(note));
    assert!(!report(&folder, &["--markdown-ignore-labels", "footnote"]).contains(note));
    folder.write(
        "settings.yaml",
        "markdown_ignore_labels: [header, footnote]\n",
    );
    assert!(!report(&folder, &["--config", "settings.yaml"]).contains(note));
}

#[test]
fn pages_and_the_document_are_marked_as_asked() {
    let folder = Folder::new();
    let comments = report(&folder, &["--page-breaks", "comment", "--front-matter"]);
    assert!(
        comments.starts_with("---\ntitle: \"Tidal Observations at Twelve Harbours\"\n")
            && comments.contains("\nsource: \"")
    );
    assert!(comments.contains("\npages: 2\n---\n\n<!-- page 1 -->\n\n# Tidal Observations"));
    assert_eq!(comments.matches("\n\n<!-- page 2 -->\n\n").count(), 1);
    let rule = report(&folder, &["--page-breaks", "rule"]);
    assert_eq!(rule.matches("\n\n---\n\n").count(), 1);
}

#[test]
fn embedded_pictures_need_no_files() {
    let folder = Folder::new();
    let report_file = example("report.pdf").display().to_string();
    folder
        .run(&[
            "-i",
            &report_file,
            "-o",
            "out",
            "--formats",
            "md,html",
            "--embed-images",
        ])
        .expect(0);
    assert_eq!(folder.tree("out"), ["report.html", "report.md"]);
    let markdown = folder.text("out/report.md");
    assert_eq!(markdown.matches("](data:image/jpeg;base64,/9j/").count(), 3);
    assert_eq!(
        folder
            .text("out/report.html")
            .matches("src=\"data:image/jpeg;base64,/9j/")
            .count(),
        3
    );
    assert_eq!(report(&folder, &["--embed-images"]), markdown);
    // The library has the pictures in memory.
    let mut options = docparse::ParserOptions {
        worker: Some(env!("CARGO_BIN_EXE_docparse").into()),
        ..docparse::ParserOptions::default()
    };
    options.request.parameters.set("embed_images", true);
    let parser = docparse::Parser::load(options).unwrap();
    assert_eq!(parser.parse(&report_file).unwrap().to_markdown(), markdown);
}
