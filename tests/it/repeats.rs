//! PDFs that show one page again and again: what comes out stays in proportion to the file, and honest ones are whole.

use super::support::{Folder, assemble, contents};
use serde_json::Value;

/// A PDF of two pages, `first` and `second`, listed so: 0 is the first, 1 the second.
fn listing(order: impl Iterator<Item = usize>) -> Vec<u8> {
    let kids: Vec<&str> = order.map(|page| ["3 0 R", "4 0 R"][page]).collect();
    let page = |content: usize, turn: usize| {
        format!(
            "<< /Type /Page /Parent 2 0 R /Contents {content} 0 R /Rotate {turn} \
             /Resources << /Font << /F 7 0 R >> >> >>"
        )
    };
    let text = |words: &str| {
        let drawn = format!("BT /F 14 Tf 60 300 Td ({words}) Tj ET");
        format!("<< /Length {} >>\nstream\n{drawn}\nendstream", drawn.len())
    };
    assemble(&[
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        format!(
            "<< /Type /Pages /MediaBox [0 0 400 400] /Count {} /Kids [{}] >>",
            kids.len(),
            kids.join(" ")
        ),
        page(5, 0),
        page(6, 90),
        text("The first page of two."),
        text("Another page."),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_string(),
    ])
}

fn pages(json: &Value) -> &Vec<Value> {
    json["pages"].as_array().unwrap()
}

#[test]
fn a_page_listed_many_times_is_parsed_some_times_and_told() {
    let folder = Folder::new();
    folder.write("many.pdf", listing((0..20_000).map(|i| i % 2)));
    let ran = folder
        .run(&["many.pdf", "-o", "out", "--report", "report.json"])
        .expect(0);
    let message = "pages 103 to 20000 are the same in the file as pages 1, 2, and not parsed again";
    assert!(ran.stderr.contains(message), "{}", ran.stderr);
    let json = folder.json("out/many.json");
    assert_eq!(pages(&json).len(), 103);
    assert!(
        contents(&pages(&json)[100])
            .iter()
            .any(|text| text.contains("The first page of two."))
    );
    let last = &pages(&json)[102];
    assert_eq!(
        (
            last["page_index"].as_u64(),
            last["last_page_index"].as_u64()
        ),
        (Some(102), Some(19_999))
    );
    assert_eq!(last["diagnostics"]["messages"][0]["code"], "page_repeated");
    let input = &folder.json("report.json")["inputs"][0];
    assert_eq!(
        (input["outcome"].as_str(), input["pages"].as_u64()),
        (Some("done"), Some(20_000))
    );
    assert!(folder.text("out/many.json").len() < 1 << 20);
    // It is done, and not partly.
    let ran = folder
        .run(&["many.pdf", "-o", "out", "--skip-existing"])
        .expect(0);
    assert!(ran.stderr.contains("1 skipped"), "{}", ran.stderr);
}

#[test]
fn what_is_asked_for_is_parsed() {
    let folder = Folder::new();
    folder.write("many.pdf", listing((0..5000).map(|_| 0)));
    folder
        .run(&[
            "many.pdf",
            "-o",
            "out",
            "--formats",
            "json",
            "--pages",
            "4000,4002-4003",
        ])
        .expect(0);
    let json = folder.json("out/many.json");
    assert_eq!(pages(&json).len(), 3);
    assert!(
        pages(&json)
            .iter()
            .all(|page| contents(page) == ["The first page of two."])
    );
}

#[test]
fn a_document_with_a_page_that_comes_now_and_then_is_whole() {
    let folder = Folder::new();
    folder.write("some.pdf", listing((0..101).map(|_| 1)));
    let ran = folder
        .run(&["some.pdf", "-o", "out", "--formats", "json"])
        .expect(0);
    assert!(!ran.stderr.contains("not parsed again"), "{}", ran.stderr);
    assert_eq!(pages(&folder.json("out/some.json")).len(), 101);
}

#[test]
fn a_tree_of_pages_that_shows_its_branches_again_and_again_is_no_larger_than_it_is() {
    // Six floors, each of which lists the one below ten times: a million pages, in a kilobyte.
    let folder = Folder::new();
    let mut objects = vec!["<< /Type /Catalog /Pages 2 0 R >>".to_string()];
    for floor in 0..6 {
        let below = format!("{} 0 R ", floor + 3);
        let count = 10u64.pow(6 - floor);
        objects.push(format!(
            "<< /Type /Pages /Count {count} /Kids [{}] >>",
            below.repeat(10)
        ));
    }
    objects.push("<< /Type /Page /MediaBox [0 0 200 200] >>".to_string());
    folder.write("tree.pdf", assemble(&objects));
    folder.run(&["tree.pdf", "-o", "out"]).expect(0);
    assert!(folder.text("out/tree.json").len() < 1 << 20);
}
