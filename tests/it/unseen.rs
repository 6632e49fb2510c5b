//! Text that a reader of a page does not see: left out of every text, listed in the JSON with its reason, kept or
//! marked if asked; and its relatives that are seen.

use super::support::{Folder, assemble, contents, tiny_pdf};
use serde_json::Value;

/// Pages with one hidden text each beside others that are seen.
const VISIBLE: &str = "0 g BT /F 14 Tf 50 700 Td (A line that everybody sees) Tj ET\n";

fn parsed(file: &[u8], arguments: &[&str]) -> (Value, String) {
    let folder = Folder::new();
    folder.write("in.pdf", file);
    let common = [
        "-i",
        "in.pdf",
        "--save-path",
        "out",
        "--formats",
        "json,md,html",
    ];
    let ran = folder.run(&[&common, arguments].concat()).expect(0);
    drop(ran);
    let page = folder.json("out/in.json")["pages"][0].clone();
    let html = folder.text("out/in.html");
    let markdown = folder.text("out/in.md");
    assert_eq!(
        html.contains("<!-- hidden"),
        markdown.contains("<!-- hidden")
    );
    (page, markdown)
}

fn hidden(page: &Value) -> Vec<(String, String)> {
    let texts = page["hidden_text"].as_array().cloned().unwrap_or_default();
    let piece =
        |text: &Value| ["text", "reason"].map(|key| text[key].as_str().unwrap().to_string());
    texts.iter().map(|text| piece(text).into()).collect()
}

#[track_caller]
fn check_hidden(drawn: &str, text: &str, reason: &str) {
    let file = tiny_pdf(595.0, 842.0, &format!("{VISIBLE}{drawn}"));
    let (page, markdown) = parsed(&file, &[]);
    assert_eq!(hidden(&page), [(text.to_string(), reason.to_string())]);
    assert!(
        contents(&page)
            .iter()
            .all(|content| !content.contains(text)),
        "{page}"
    );
    assert!(
        markdown.contains("everybody sees") && !markdown.contains(text),
        "{markdown}"
    );
}

#[track_caller]
fn check_seen(drawn: &str, text: &str) {
    let file = tiny_pdf(595.0, 842.0, &format!("{VISIBLE}{drawn}"));
    let (page, markdown) = parsed(&file, &[]);
    assert_eq!(hidden(&page), []);
    assert!(markdown.contains(text), "{markdown}");
}

#[test]
fn text_that_leaves_no_mark_is_listed_with_its_reason() {
    check_hidden(
        "1 g BT /F 14 Tf 50 600 Td (White words) Tj ET",
        "White words",
        "ground",
    );
    check_hidden(
        "0.2 0.3 0.5 rg 40 590 300 30 re f BT /F 14 Tf 50 600 Td (Blue words) Tj ET",
        "Blue words",
        "ground",
    );
    check_hidden(
        "BT /F 14 Tf 50 600 Td (Lost words) Tj ET 1 g 40 590 300 30 re f",
        "Lost words",
        "covered",
    );
    check_hidden(
        "BT 3 Tr /F 14 Tf 50 600 Td (No ink) Tj ET",
        "No ink",
        "invisible",
    );
    check_hidden(
        "BT /F 14 Tf 50 900 Td (Too high) Tj ET",
        "Too high",
        "outside_page",
    );
    check_hidden(
        "BT /F 0.2 Tf 50 600 Td (Too small) Tj ET",
        "Too small",
        "tiny",
    );
    check_hidden(
        "q 0 0 5 5 re W n BT /F 14 Tf 50 600 Td (Cut away) Tj ET Q",
        "Cut away",
        "no_ink",
    );
}

#[test]
fn text_covered_by_a_box_with_new_words_gives_way_to_them() {
    let drawn = "BT /F 14 Tf 50 600 Td (Old words) Tj ET 1 g 40 590 300 30 re f 0 g BT /F 14 Tf 50 600 Td (New) Tj ET";
    check_hidden(drawn, "Old words", "covered");
}

#[test]
fn text_that_is_seen_is_not_hidden() {
    check_seen(
        "0 0 0.4 rg 40 590 300 30 re f 1 g BT /F 14 Tf 50 600 Td (White on blue) Tj ET",
        "White on blue",
    );
    check_seen(
        "0.85 g BT /F 14 Tf 50 600 Td (A pale watermark) Tj ET",
        "A pale watermark",
    );
    // A box that is drawn later and covers a part of a word only, and one that is drawn before.
    check_seen(
        "BT /F 14 Tf 50 600 Td (Halfcovered) Tj ET 1 g 40 590 30 30 re f",
        "Halfcovered",
    );
    check_seen(
        "1 g 40 590 300 30 re f 0 g BT /F 14 Tf 50 600 Td (On a white box) Tj ET",
        "On a white box",
    );
    // Twice in the same place, as bold type is imitated.
    let twice =
        "BT /F 14 Tf 50 600 Td (Bold by hand) Tj ET BT /F 14 Tf 50 600 Td (Bold by hand) Tj ET";
    check_seen(twice, "Bold by hand");
}

#[test]
fn an_invisible_layer_over_marks_is_text_and_over_the_same_words_is_left_out() {
    // Marks that are no text: a row of thin boxes, like a picture of letters.
    let marks: String = (0..12)
        .map(|i| format!("{} 600 3 10 re f ", 50 + i * 7))
        .collect();
    check_seen(
        &format!("{marks} BT 3 Tr /F 14 Tf 50 600 Td (Layer words) Tj ET"),
        "Layer words",
    );
    let same =
        "BT /F 14 Tf 50 600 Td (Said once) Tj ET BT 3 Tr /F 14 Tf 50 600 Td (Said once) Tj ET";
    let (page, markdown) = parsed(&tiny_pdf(595.0, 842.0, &format!("{VISIBLE}{same}")), &[]);
    assert_eq!(hidden(&page), []);
    assert_eq!(markdown.matches("Said once").count(), 1, "{markdown}");
}

/// A page with two layers, the second of which is off, as marked content and as a form.
fn layered() -> Vec<u8> {
    let font = "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>";
    let stream = |dictionary: &str, content: &str| {
        format!(
            "<< /Length {} {dictionary} >>\nstream\n{content}\nendstream",
            content.len()
        )
    };
    let content = format!(
        "{VISIBLE} /OC /On BDC BT /F 14 Tf 50 660 Td (Layer that is on) Tj ET EMC \
         /OC /Off BDC BT /F 14 Tf 50 620 Td (Layer that is off) Tj ET EMC /X Do"
    );
    let form = format!(
        "/Type /XObject /Subtype /Form /BBox [0 0 595 842] /OC 4 0 R /Resources << {font} >>"
    );
    assemble(&[
        "<< /Type /Catalog /Pages 2 0 R /OCProperties << /OCGs [3 0 R 4 0 R] \
         /D << /ON [3 0 R] /OFF [4 0 R] >> >> >>"
            .into(),
        "<< /Type /Pages /Kids [5 0 R] /Count 1 >>".into(),
        "<< /Type /OCG /Name (on) >>".into(),
        "<< /Type /OCG /Name (off) >>".into(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 6 0 R /Resources << {font} \
             /Properties << /On 3 0 R /Off 4 0 R >> /XObject << /X 7 0 R >> >> >>"
        ),
        stream("", &content),
        stream(&form, "BT /F 14 Tf 50 580 Td (Form that is off) Tj ET"),
    ])
}

#[test]
fn layers_that_are_off_are_hidden() {
    let (page, markdown) = parsed(&layered(), &[]);
    let expected = [
        ("Layer that is off", "layer"),
        ("Form that is off", "no_ink"),
    ];
    let expected = expected.map(|(text, reason)| (text.to_string(), reason.to_string()));
    assert_eq!(hidden(&page), expected);
    assert!(
        markdown.contains("Layer that is on") && !markdown.contains("is off"),
        "{markdown}"
    );
}

#[test]
fn hidden_text_is_kept_or_marked_if_asked() {
    let drawn = "1 g BT /F 14 Tf 50 600 Td (White -- words) Tj ET 0 g BT /F 14 Tf 50 500 Td (The end) Tj ET";
    let file = tiny_pdf(595.0, 842.0, &format!("{VISIBLE}{drawn}"));
    let (page, markdown) = parsed(&file, &["--hidden-text", "keep"]);
    assert_eq!(hidden(&page), []);
    assert!(
        markdown.contains("White -- words") && !markdown.contains("<!--"),
        "{markdown}"
    );
    let (page, markdown) = parsed(&file, &["--hidden-text", "mark"]);
    assert_eq!(hidden(&page).len(), 1);
    let at = |text: &str| {
        markdown
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {markdown}"))
    };
    let comment = at("<!-- hidden (ground): White - - words -->");
    assert!(at("everybody sees") < comment && comment < at("The end"));
    let blocks = page["parsing_res_list"].as_array().unwrap();
    let marked = blocks
        .iter()
        .filter(|block| block["block_hidden"] == "ground");
    assert_eq!(
        marked
            .map(|b| b["block_content"].clone())
            .collect::<Vec<_>>(),
        ["White -- words"]
    );
}

#[test]
fn a_page_of_boxes_over_boxes_ends() {
    let boxes = "0.5 g 0 0 595 842 re f ".repeat(20_000);
    let file = tiny_pdf(595.0, 842.0, &format!("{boxes} {VISIBLE}"));
    let (page, markdown) = parsed(&file, &[]);
    assert_eq!(hidden(&page), []);
    assert!(markdown.contains("everybody sees"), "{markdown}");
}
