//! What a PDF holds beside the text of its pages: values of forms, annotations, links, metadata, bookmarks.

use super::support::{Folder, assemble};
use serde_json::{Value, json};

const FONT: &str = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>";

fn stream(dictionary: &str, content: &str) -> String {
    format!(
        "<< /Length {} {dictionary} >>\nstream\n{content}\nendstream",
        content.len()
    )
}

/// A PDF of one page with that content and those annotations; `more` objects have numbers from 6 on, and the catalog
/// these entries.
fn page(content: &str, annotations: &str, catalog: &str, more: &[String]) -> Vec<u8> {
    let mut objects = vec![
        format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>"),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".into(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Annots [{annotations}] \
             /Resources << /Font << /F 5 0 R >> >> >>"
        ),
        stream("", content),
        FONT.into(),
    ];
    objects.extend(more.iter().cloned());
    assemble(&objects)
}

fn parsed(file: &[u8]) -> (Value, String, String) {
    let folder = Folder::new();
    folder.write("in.pdf", file);
    let ran = folder
        .run(&["-i", "in.pdf", "--save-path", "out", "--formats", "json,md"])
        .expect(0);
    (
        folder.json("out/in.json"),
        folder.text("out/in.md"),
        ran.stderr,
    )
}

#[track_caller]
fn check_lines(markdown: &str, expected: &[&str]) {
    let lines: Vec<&str> = markdown.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, expected);
}

fn field(place: &str, entries: &str) -> String {
    format!("<< /Type /Annot /Subtype /Widget /Rect [{place}] /F 4 {entries} >>")
}

#[test]
fn values_of_fields_stand_in_their_places() {
    let label = |y: usize, text: &str| format!("BT /F 11 Tf 50 {y} Td ({text}) Tj ET\n");
    let content: String = [
        label(704, "Surname:"),
        label(674, "Notes:"),
        label(604, "Student"),
        label(574, "Retired"),
        label(544, "Branch:"),
        label(514, "Secret:"),
        label(484, "Printed: already there"),
    ]
    .concat();
    let appearance = stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 14 14]",
        "0 0 14 14 re S",
    );
    let states = "/AP << /N << /Yes 14 0 R /Off 14 0 R >> >>";
    let fields = [
        // Without an appearance.
        field(
            "130 700 330 718",
            "/FT /Tx /T (a) /V (Sample) /DA (/F 11 Tf 0 g)",
        ),
        field(
            "130 620 330 690",
            "/FT /Tx /Ff 4096 /T (b) /V (first line\\nsecond line) /DA (/F 11 Tf 0 g)",
        ),
        field(
            "130 600 144 614",
            &format!("/FT /Btn /T (c) /V /Yes /AS /Yes {states}"),
        ),
        field(
            "130 570 144 584",
            &format!("/FT /Btn /T (d) /V /Off /AS /Off {states}"),
        ),
        field(
            "130 540 330 558",
            "/FT /Ch /Ff 131072 /T (e) /Opt [[(n) (North)] [(s) (South)]] /V (s) /DA (/F 11 Tf 0 g)",
        ),
        field(
            "130 510 330 528",
            "/FT /Tx /Ff 8192 /T (f) /V (sesame) /DA (/F 11 Tf 0 g)",
        ),
        field(
            "90 480 330 498",
            "/FT /Tx /T (g) /V (already there) /DA (/F 11 Tf 0 g)",
        ),
        // Hidden.
        field(
            "130 400 330 418",
            "/FT /Tx /T (h) /V (never shown) /DA (/F 11 Tf 0 g)",
        )
        .replace("/F 4", "/F 2"),
        appearance,
    ];
    let references = "6 0 R 7 0 R 8 0 R 9 0 R 10 0 R 11 0 R 12 0 R 13 0 R";
    let catalog = format!("/AcroForm << /Fields [{references}] /DR << /Font << /F 5 0 R >> >> >>");
    let (_, markdown, _) = parsed(&page(&content, references, &catalog, &fields));
    // Labels and values in rows may be a table.
    let cells = markdown.replace(['<', '>', '|'], "\n");
    let is_text = |line: &&str| !line.starts_with(['/', 't', '-']) && !line.is_empty();
    let lines = cells.lines().map(str::trim).filter(is_text);
    let all = lines.collect::<Vec<_>>().join(" ");
    let order = [
        "Surname: Sample",
        "first line",
        "second line",
        "Student \u{2611}",
        "Retired \u{2610}",
        "Branch: South",
        "Secret: ******",
        "Printed: already there",
    ];
    let mut at = 0;
    for text in order {
        let found = all[at..].find(text);
        at += found.unwrap_or_else(|| panic!("{text} behind {at}: {markdown}"));
    }
    assert!(
        !all.contains("never shown") && !all.contains("sesame"),
        "{markdown}"
    );
    assert_eq!(all.matches("already there").count(), 1, "{markdown}");
}

#[test]
fn notes_and_stamps_on_the_page_are_its_text() {
    let content = "BT /F 11 Tf 50 700 Td (Minutes of the meeting) Tj ET";
    let appearance = stream(
        &format!(
            "/Type /XObject /Subtype /Form /BBox [0 0 200 30] /Resources << /Font << /F {FONT} >> >>"
        ),
        "BT /F 11 Tf 5 8 Td (Received on 12 May.) Tj ET",
    );
    let more = [
        "<< /Type /Annot /Subtype /FreeText /Rect [50 600 350 620] /F 4 /Contents (Approved by the chair) /DA (/F 11 Tf) >>".into(),
        "<< /Type /Annot /Subtype /Stamp /Rect [50 500 250 530] /F 4 /Contents (a comment on it) /AP << /N 8 0 R >> >>".into(),
        appearance,
        // Comments stand beside the page.
        "<< /Type /Annot /Subtype /Text /Rect [400 600 420 620] /F 4 /Contents (Why so late?) >>".into(),
        "<< /Type /Annot /Subtype /FreeText /Rect [50 400 350 420] /F 32 /Contents (Not on a screen) >>".into(),
    ];
    let (_, markdown, _) = parsed(&page(content, "6 0 R 7 0 R 9 0 R 10 0 R", "", &more));
    check_lines(
        &markdown,
        &[
            "Minutes of the meeting",
            "Approved by the chair",
            "Received on 12 May.",
        ],
    );
}

#[test]
fn values_of_an_xfa_form_are_read_with_a_warning() {
    let xml = "<xdp:xdp xmlns:xdp=\"http://ns.adobe.com/xdp/\"><template><subform><field name=\"A\"><caption><value>\
        <text>Family name</text></value></caption></field></subform></template><xfa:datasets \
        xmlns:xfa=\"http://www.xfa.org/schema/xfa-data/1.0/\"><xfa:data><f><A>Sample</A></f></xfa:data></xfa:datasets></xdp:xdp>";
    let more = [stream("", xml)];
    let content = "BT /F 11 Tf 50 700 Td (Please wait...) Tj ET";
    let catalog = "/NeedsRendering true /AcroForm << /Fields [] /XFA 6 0 R >>";
    let (document, markdown, stderr) = parsed(&page(content, "", catalog, &more));
    check_lines(&markdown, &["Please wait...", "Family name: Sample"]);
    assert!(stderr.contains("XFA form"), "{stderr}");
    let messages = &document["pages"][0]["diagnostics"]["messages"];
    assert_eq!(messages[0]["code"], "xfa_form");
}

#[test]
fn links_are_on_the_words_that_they_cover() {
    let content = "BT /F 12 Tf 50 700 Td (Read the manual and the second page or www.example.org today) Tj ET";
    let link = |x1: usize, x2: usize, target: &str| {
        format!("<< /Type /Annot /Subtype /Link /Rect [{x1} 697 {x2} 711] /F 4 {target} >>")
    };
    let more = [
        link(78, 145, "/A << /S /URI /URI (https://a.example/manual) >>"),
        link(169, 260, "/Dest [3 0 R /Fit]"),
        link(50, 77, "/A << /S /URI /URI (javascript:alert\\(1\\)) >>"),
    ];
    let (document, _, _) = parsed(&page(content, "6 0 R 7 0 R 8 0 R", "", &more));
    let body = &document["pages"][0]["parsing_res_list"][0]["body"];
    let runs = body["paragraphs"][0].as_array().unwrap();
    let links: Vec<(String, String)> = runs
        .iter()
        .filter(|run| run["link"].is_string())
        .map(|run| {
            ["text", "link"]
                .map(|key| run[key].as_str().unwrap().to_string())
                .into()
        })
        .collect();
    let expected = [
        ("the manual", "https://a.example/manual"),
        ("the second page", "#page=1"),
        ("www.example.org", "http://www.example.org"),
    ];
    let expected = expected.map(|(text, link)| (text.to_string(), link.to_string()));
    assert_eq!(links, expected, "{body}");
    let whole: String = runs
        .iter()
        .map(|run| run["text"].as_str().unwrap())
        .collect();
    assert_eq!(
        document["pages"][0]["parsing_res_list"][0]["block_content"],
        whole
    );
}

#[test]
fn emphasis_within_a_text_is_told_in_its_body() {
    let bold = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>";
    let content = "BT /F 12 Tf 50 700 Td (An ordinary sentence with ) Tj /B 12 Tf (two words) Tj /F 12 Tf ( in bold type.) Tj ET";
    let file = assemble(&[
        "<< /Type /Catalog /Pages 2 0 R >>".into(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".into(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F {FONT} /B {bold} >> >> >>"
        ),
        stream("", content),
    ]);
    let (document, _, _) = parsed(&file);
    let body = &document["pages"][0]["parsing_res_list"][0]["body"];
    let expected = json!([
        {"type": "text", "text": "An ordinary sentence with "},
        {"type": "text", "text": "two words", "bold": true},
        {"type": "text", "text": " in bold type."},
    ]);
    assert_eq!(body["paragraphs"][0], expected);
}

#[test]
fn what_the_file_says_about_itself_is_in_the_json() {
    let more = [
        "<< /Type /Outlines /First 7 0 R /Last 8 0 R /Count 2 >>".to_string(),
        "<< /Title (One) /Parent 6 0 R /Next 8 0 R /First 9 0 R /Last 9 0 R /Dest [3 0 R /Fit] >>"
            .into(),
        // It goes on with the first one: a circle.
        "<< /Title (Two) /Parent 6 0 R /Prev 7 0 R /Next 7 0 R >>".into(),
        "<< /Title (Below one) /Parent 7 0 R /A << /S /GoTo /D [3 0 R /Fit] >> >>".into(),
        "<< /Title (A title) /Author (An author) /CreationDate (D:20240131120501Z) >>".into(),
    ];
    let content = "BT /F 11 Tf 50 700 Td (Some text) Tj ET";
    let catalog = "/Lang (en-GB) /Outlines 6 0 R";
    let file = page(content, "", catalog, &more);
    let text = String::from_utf8(file).unwrap();
    let file = text.replace("trailer\n<<", "trailer\n<< /Info 10 0 R");
    let (document, _, _) = parsed(file.as_bytes());
    let expected = json!({
        "title": "A title", "author": "An author", "language": "en-GB", "created": "2024-01-31T12:05:01Z",
    });
    assert_eq!(document["metadata"], expected);
    let expected = json!([
        {"title": "One", "page_index": 0, "depth": 1},
        {"title": "Below one", "page_index": 0, "depth": 2},
        {"title": "Two", "page_index": null, "depth": 1},
    ]);
    assert_eq!(document["outline"], expected);
}

/// A PDF whose three lines of text in one size and weight are followed by paragraphs; two of them are bookmarks.
fn with_bookmarks(titles: [&str; 2]) -> Vec<u8> {
    let lines = [
        "On tides",
        "The sea rises twice a day, and falls as often, in most of the ports of the world.",
        "2.1 Ebb and flow",
        "The moon draws the water towards itself, and the earth turns below the water, day by day.",
        "Nobody knows",
        "A line that is nobody's heading stays what it is, whatever stands above and below it.",
    ];
    let lines = lines.iter().enumerate().map(|(at, text)| {
        let y = 780 - at * 28;
        format!("BT /F 11 Tf 50 {y} Td ({text}) Tj ET")
    });
    let more = [
        "<< /Type /Outlines /First 7 0 R /Last 7 0 R /Count 1 >>".to_string(),
        format!(
            "<< /Title ({}) /Parent 6 0 R /First 8 0 R /Last 8 0 R /Dest [3 0 R /Fit] >>",
            titles[0]
        ),
        format!(
            "<< /Title ({}) /Parent 7 0 R /Dest [3 0 R /Fit] >>",
            titles[1]
        ),
    ];
    let content = lines.collect::<Vec<_>>().join("\n");
    page(&content, "", "/Outlines 6 0 R", &more)
}

#[test]
fn lines_that_bookmarks_name_are_headings_of_their_level() {
    let headings = |titles| {
        let (_, markdown, _) = parsed(&with_bookmarks(titles));
        let lines = markdown.lines().filter(|line| line.starts_with('#'));
        lines.map(str::to_string).collect::<Vec<_>>()
    };
    let found = headings(["On tides", "Ebb and flow"]);
    assert_eq!(found, ["## On tides", "### 2.1 Ebb and flow"]);
    assert!(headings(["Sea", "Moon"]).is_empty());
}

#[test]
fn words_are_struck_out_by_lines_and_by_notes() {
    let content = "BT /F 20 Tf 50 700 Td (The price is 40 or 30 crowns.) Tj ET\n\
        BT /F 20 Tf 50 600 Td (Under no line, under one.) Tj ET\n0.8 w 50 597 m 130 597 l S";
    // "40", from 152 to 174, by a line; "30 crowns.", from 203 on, by a note.
    let drawn = format!("{content}\n1 w 158 706.5 m 180 706.5 l S");
    let note = "<< /Type /Annot /Subtype /StrikeOut /Rect [202 690 320 720] /F 4 \
        /QuadPoints [206 716 305 716 206 695 305 695] >>";
    let (document, markdown, _) = parsed(&page(&drawn, "6 0 R", "", &[note.to_string()]));
    assert!(markdown.contains("~~40~~"), "{markdown}");
    assert!(markdown.contains("~~30 crowns.~~"), "{markdown}");
    assert!(!markdown.contains("~~Under"), "{markdown}");
    let runs = &document["pages"][0]["parsing_res_list"][0]["body"]["paragraphs"][0];
    let struck = runs
        .as_array()
        .unwrap()
        .iter()
        .filter(|run| run["strike"] == true);
    assert_eq!(struck.count(), 2, "{runs}");
}

#[test]
fn what_limits_leave_out_is_told() {
    let long = format!("/Contents ({})", "word ".repeat(5000));
    let note = |at: usize| {
        format!(
            "<< /Type /Annot /Subtype /FreeText /Rect [50 {at} 500 {}] /F 4 {long} >>",
            at + 20
        )
    };
    let notes: Vec<String> = (0..12).map(|at| note(40 * at + 50)).collect();
    let list: Vec<String> = (0..12).map(|at| format!("{} 0 R", at + 6)).collect();
    let (document, markdown, stderr) = parsed(&page(
        "BT /F 11 Tf 50 800 Td (Notes) Tj ET",
        &list.join(" "),
        "",
        &notes,
    ));
    let told = document["pages"][0]["diagnostics"]["messages"].to_string();
    assert!(
        told.contains("pdf_cut") && told.contains("12"),
        "{told} {stderr}"
    );
    assert!(markdown.contains("word word"), "what fits is there");
}
