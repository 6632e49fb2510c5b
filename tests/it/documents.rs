//! Born-digital documents: what the report says must come out, cell by cell and in order.

use super::support::{Folder, blocks_with, contents, example, root, tiny_pdf};
use serde_json::Value;

fn report() -> Value {
    let folder = Folder::new();
    let path = example("report.pdf").display().to_string();
    folder
        .run(&["-i", &path, "--save-path", "out", "--formats", "json"])
        .expect(0);
    folder.json("out/report.json")
}

/// The two tables of the report as a person reads them off the page.
const RULED: &str = "<table><tr><td rowspan=\"2\">Harbour</td><td colspan=\"2\">Range</td><td rowspan=\"2\">Days</td></tr>\
    <tr><td>Neap</td><td>Spring</td></tr><tr><td>Alderby</td><td>1.12</td><td>3.46</td><td>712</td></tr>\
    <tr><td>Brakness</td><td>0.94</td><td>2.87</td><td>698</td></tr><tr><td>Corvik</td><td>1.31</td><td>3.92</td>\
    <td>724</td></tr><tr><td>Dunmouth</td><td>1.05</td><td>3.18</td><td>655</td></tr>\
    <tr><td colspan=\"3\">All stations</td><td>2,789</td></tr></table>";
const BETWEEN_RULES: &str = "<table><tr><td>Winter</td><td>Harbour</td><td>Surge (m)</td><td>Hours</td></tr>\
    <tr><td>First</td><td>Alderby</td><td>1.42</td><td>22</td></tr><tr><td>Second</td><td>Corvik</td><td>1.84</td>\
    <td>31</td></tr><tr><td>Third</td><td>Brakness</td><td>1.07</td><td>18</td></tr><tr><td>Fourth</td><td>Corvik</td>\
    <td>1.65</td><td>27</td></tr></table>";

#[test]
fn tables_cell_by_cell() {
    let document = report();
    let tables: Vec<String> = blocks_with(&document["pages"][0], "table")
        .into_iter()
        .map(|t| t.0)
        .collect();
    assert_eq!(tables, [RULED, BETWEEN_RULES]);
}

#[test]
fn spans_that_only_tags_tell() {
    let folder = Folder::new();
    let path = root()
        .join("tests/fixtures/tagged_table.pdf")
        .display()
        .to_string();
    folder
        .run(&["-i", &path, "--save-path", "out", "--formats", "json"])
        .expect(0);
    let tables = blocks_with(&folder.json("out/tagged_table.json")["pages"][0], "table");
    let expected = "<table><tr><td>A</td><td colspan=\"2\">BC wide</td></tr><tr><td rowspan=\"2\">tall</td><td>1</td>\
        <td>2</td></tr><tr><td>3</td><td>4</td></tr><tr><td>x</td><td>y</td><td>z</td></tr></table>";
    assert_eq!(
        tables.iter().map(|t| t.0.as_str()).collect::<Vec<_>>(),
        [expected]
    );
}

#[test]
fn labels_and_reading_order() {
    let document = report();
    let page = &document["pages"][0];
    let labels: Vec<&str> = page["parsing_res_list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["block_label"].as_str().unwrap())
        .collect();
    let expected = [
        "doc_title",
        "text",
        "paragraph_title",
        "abstract",
        "paragraph_title",
        "text",
        "text",
        "paragraph_title",
        "text",
        "text",
        "text",
        "text",
        "paragraph_title",
        "text",
        "display_formula",
        "formula_number",
        "text",
        "paragraph_title",
        "text",
        "display_formula",
        "formula_number",
        "text",
        "table",
        "figure_title",
        "paragraph_title",
        "text",
        "chart",
        "figure_title",
        "text",
        "table",
        "figure_title",
        "text",
        "footnote",
        "number",
    ];
    assert_eq!(labels, expected);
    let texts = contents(page);
    assert!(
        texts[6].starts_with("The series presented here"),
        "{:?}",
        texts[6]
    );
    assert!(texts[24].starts_with("3 Results"), "{:?}", texts[24]);
}

#[test]
fn words_cut_at_line_ends_are_whole() {
    let all = contents(&report()["pages"][0]).join("\n");
    assert!(all.contains("One hectopascal corresponds"), "{all}");
    assert!(!all.contains("hec-") && !all.contains('\u{2}') && !all.contains('\u{fffe}'));
}

#[test]
fn running_headers_stay_out_of_the_text() {
    let document = report();
    let headers = blocks_with(&document["pages"][1], "header");
    assert_eq!(
        headers[0].0,
        "Tidal Observations at Twelve Harbours Annual Report"
    );
    let references = blocks_with(&document["pages"][1], "reference_content");
    assert_eq!(references.len(), 3);
}

#[test]
fn every_page_says_where_its_text_came_from() {
    let text = &report()["pages"][0]["diagnostics"]["text"];
    assert_eq!(
        (&text["source"], &text["reason"]),
        (&"text_layer".into(), &"passed all checks".into())
    );
}

#[test]
fn a_turned_page_is_read_upright() {
    let folder = Folder::new();
    let lines: String = (0..12)
        .map(|i| {
            format!(
                "BT /F 12 Tf 0 1 -1 0 {} 72 Tm (Line {i} of a page that lies on its side) Tj ET\n",
                72 + i * 16
            )
        })
        .collect();
    folder.write("turned.pdf", tiny_pdf(612.0, 792.0, &lines));
    folder
        .run(&[
            "-i",
            "turned.pdf",
            "--save-path",
            "out",
            "--formats",
            "json",
        ])
        .expect(0);
    let document = folder.json("out/turned.json");
    let page = &document["pages"][0];
    assert_eq!(
        (&page["diagnostics"]["rotation"], &page["width"]),
        (&270.into(), &1584.into())
    );
    let text = contents(page).join(" ");
    assert!(
        text.starts_with("Line 0 of a page that lies on its side Line 1 of"),
        "{text}"
    );
}

#[test]
fn hidden_text_is_not_read() {
    let folder = Folder::new();
    let content = "BT /F 12 Tf 72 700 Td (What people see here.) Tj ET BT 3 Tr /F 12 Tf 72 600 Td (unseen) Tj ET";
    folder.write("a.pdf", tiny_pdf(612.0, 792.0, content));
    let ran = folder.run(&["-i", "a.pdf", "--stdout", "md"]).expect(0);
    assert_eq!(ran.stdout, "What people see here.\n");
}

#[test]
fn a_blank_page_has_an_outcome_too() {
    let folder = Folder::new();
    folder.write("blank.pdf", tiny_pdf(612.0, 792.0, ""));
    folder
        .run(&["-i", "blank.pdf", "--save-path", "out"])
        .expect(0);
    assert_eq!(
        folder.json("out/blank.json")["pages"][0]["diagnostics"]["text"]["reason"],
        "the page is blank"
    );
}
