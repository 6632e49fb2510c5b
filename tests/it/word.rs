//! Word documents: what is written is opened again, its XML read to the end.

use super::support::{Folder, example};
use quick_xml::Reader;
use quick_xml::events::Event;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// The parts of a document below the save path, by name.
fn parts(folder: &Folder, file: &str) -> BTreeMap<String, Vec<u8>> {
    let bytes = std::fs::read(folder.path().join("out").join(file)).unwrap();
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut parts = BTreeMap::new();
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        parts.insert(part.name().unwrap().to_string(), bytes);
    }
    parts
}

/// The values of an attribute of all elements with a name, in order.
fn values(xml: &str, element: &str, attribute: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let mut found = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) | Event::Empty(tag) if tag.name().into_inner() == element => {
                let mut attributes = tag.attributes().flatten();
                let own = attributes.find(|own| own.key.into_inner() == attribute);
                found.push(own.map_or(String::new(), |own| own.value.to_string()));
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn a_report_is_one_file_with_its_pictures() {
    let folder = Folder::new();
    let report = example("report.pdf").display().to_string();
    let run = |formats: &str, out: &str| {
        let arguments = [report.as_str(), "-o", out, "--formats", formats];
        folder.run(&arguments).expect(0);
    };
    run("docx", "out");
    let tree = folder.tree("out");
    let shown: Vec<&String> = tree.iter().filter(|file| !file.starts_with('.')).collect();
    assert_eq!(shown, ["report.docx"]);
    let parts = parts(&folder, "report.docx");
    let text = |name: &str| String::from_utf8(parts[name].clone()).unwrap();
    let document = text("word/document.xml");

    let styles = values(&document, "w:pStyle", "w:val");
    let count = |style: &str| styles.iter().filter(|own| *own == style).count();
    assert_eq!(count("Title"), 1);
    assert_eq!(count("Heading1"), 6);
    assert_eq!(count("Heading2"), 2);
    assert_eq!(count("ListParagraph"), 3);
    assert_eq!(values(&document, "w:tbl", "").len(), 2);
    assert_eq!(values(&document, "w:gridSpan", "w:val"), ["2", "3"]);
    // Two cells of the head over two rows, with what goes on below them.
    assert_eq!(
        values(&document, "w:vMerge", "w:val"),
        ["restart", "restart", "", ""]
    );
    assert_eq!(values(&document, "w:footnoteReference", "w:id"), ["1", "2"]);
    let defined: BTreeSet<String> = values(&text("word/styles.xml"), "w:style", "w:styleId")
        .into_iter()
        .collect();
    assert!(
        styles.iter().all(|style| defined.contains(style)),
        "{styles:?}"
    );
    assert!(text("docProps/core.xml").contains("The docparse project"));

    // Every picture is there, as the format of pictures writes it, and named where it is shown.
    run("images", "pictures");
    let files = folder
        .tree("pictures")
        .into_iter()
        .filter(|file| file.ends_with(".jpg"));
    let mut files: Vec<Vec<u8>> = files
        .map(|file| std::fs::read(folder.path().join("pictures").join(file)).unwrap())
        .collect();
    let entries = text("word/_rels/document.xml.rels");
    let ids = values(&entries, "Relationship", "Id").into_iter();
    let targets: BTreeMap<String, String> = ids
        .zip(values(&entries, "Relationship", "Target"))
        .collect();
    let embedded = values(&document, "a:blip", "r:embed");
    let mut embedded: Vec<Vec<u8>> = embedded
        .iter()
        .map(|id| parts[&format!("word/{}", targets[id])].clone())
        .collect();
    files.sort();
    embedded.sort();
    assert!(files.len() == 3 && files == embedded);
}

#[test]
fn the_same_document_gives_the_same_bytes_beside_other_formats() {
    let folder = Folder::new();
    let report = example("report.pdf").display().to_string();
    let run = |formats: &str, out: &str| {
        let arguments = [report.as_str(), "-o", out, "--formats", formats];
        folder.run(&arguments).expect(0);
        std::fs::read(folder.path().join(out).join("report.docx")).unwrap()
    };
    assert!(run("docx", "one") == run("md,-images,docx,html", "two"));
    let markdown = folder.text("two/report.md");
    assert!(
        !markdown.contains("data:"),
        "embedding is asked for by the format alone"
    );
}
