//! Lines in scripts that docparse's own line recognizer lacks: told, kept as a picture, and read by another recognizer.

use super::support::{Folder, contents, root};

const RUN: [&str; 6] = [
    "-i",
    "russian.png",
    "--save-path",
    "out",
    "--formats",
    "md,json",
];

/// A folder with a picture of four lines in Cyrillic.
fn folder() -> Folder {
    let folder = Folder::new();
    let picture = std::fs::read(root().join("tests/fixtures/scripts/russian.png")).unwrap();
    folder.write("russian.png", picture);
    folder
}

fn codes(page: &serde_json::Value) -> Vec<&str> {
    let messages = page["diagnostics"]["messages"].as_array();
    let codes = messages.into_iter().flatten();
    codes.map(|told| told["code"].as_str().unwrap()).collect()
}

#[test]
fn lines_in_a_script_that_is_not_read_are_told_and_kept_as_pictures() {
    let folder = folder();
    let ran = folder.run(&RUN).expect(0);
    assert!(ran.stderr.contains("could not be read"), "{}", ran.stderr);
    let page = &folder.json("out/russian.json")["pages"][0];
    assert_eq!(codes(page), ["lines_unread"]);
    let blocks = page["parsing_res_list"].as_array().unwrap().iter();
    let images = blocks.filter(|block| block["block_label"] == "image");
    assert!(images.count() > 0, "{page}");
    // Commas and full stops of the lines are no text.
    let letters: String = contents(page).concat();
    assert!(!letters.contains([',', '.']), "{letters}");
    folder
        .run(&[&RUN[..], &["--strict-language"]].concat())
        .expect(3);
}

#[test]
fn lines_that_are_read_surely_are_not_told() {
    let folder = Folder::new();
    let picture = std::fs::read(root().join("tests/fixtures/kinds/frames.png")).unwrap();
    folder.write("russian.png", picture);
    let ran = folder.run(&[&RUN[..], &["--strict-language"]].concat());
    let ran = ran.expect(0);
    assert!(!ran.stderr.contains("could not be read"), "{}", ran.stderr);
}
