//! Tables as workbooks and as files of text: what is written is opened again.

use super::support::{Folder, example, tiny_pdf};
use std::collections::BTreeMap;
use std::io::Read;

/// Rows of a ruled table: names, amounts, shares, a formula that must stay text.
const ROWS: [[&str; 4]; 6] = [
    ["Item", "Code", "Amount", "Share"],
    ["Rope", "007", "1,234.50", "12.5%"],
    ["=1+1", "010", "\\(250.00\\)", "7.0%"],
    ["@Anchor", "140", "$49,497", "80.5%"],
    ["-Chain, long", "220", "98.00", "0.0%"],
    ["Buoy", "300", "-12.00", "0.0%"],
];

/// A page with a title and the table within rules.
fn ruled() -> Vec<u8> {
    let mut page = String::from("0.8 w ");
    let (left, top, width, height) = (72, 640, 110, 24);
    for line in 0..=ROWS.len() as i32 {
        let y = top - line * height;
        page += &format!("{left} {y} m {} {y} l S ", left + 4 * width);
    }
    for line in 0..=4 {
        let x = left + line * width;
        page += &format!("{x} {top} m {x} {} l S ", top - ROWS.len() as i32 * height);
    }
    page += &format!("BT /F 11 Tf {left} 656 Td (Table 1. Stores of the harbour.) Tj ET ");
    for (row, texts) in ROWS.iter().enumerate() {
        for (column, text) in texts.iter().enumerate() {
            let (x, y) = (
                left + column as i32 * width + 6,
                top - (row as i32 + 1) * height + 8,
            );
            page += &format!("BT /F 11 Tf {x} {y} Td ({text}) Tj ET ");
        }
    }
    tiny_pdf(612.0, 792.0, &page)
}

/// The parts of a ZIP archive by name.
fn unzipped(bytes: &[u8]) -> BTreeMap<String, String> {
    let number = |at: usize, length: usize| {
        let bytes = bytes[at..at + length].iter().rev();
        bytes.fold(0, |sum: usize, byte| sum << 8 | usize::from(*byte))
    };
    let end = (0..bytes.len())
        .rfind(|at| bytes[*at..].starts_with(b"PK\x05\x06"))
        .unwrap();
    let (count, mut at) = (number(end + 10, 2), number(end + 16, 4));
    let mut parts = BTreeMap::new();
    for _ in 0..count {
        let (packed, name_length) = (number(at + 20, 4), number(at + 28, 2));
        let name = String::from_utf8(bytes[at + 46..at + 46 + name_length].to_vec()).unwrap();
        let local = number(at + 42, 4);
        let from = local + 30 + number(local + 26, 2) + number(local + 28, 2);
        let packed = &bytes[from..from + packed];
        let mut text = String::new();
        match number(at + 10, 2) {
            0 => text.push_str(std::str::from_utf8(packed).unwrap()),
            _ => drop(
                flate2::read::DeflateDecoder::new(packed)
                    .read_to_string(&mut text)
                    .unwrap(),
            ),
        }
        parts.insert(name, text);
        at += 46 + name_length + number(at + 30, 2) + number(at + 32, 2);
    }
    parts
}

/// The parts of a workbook below the save path.
fn workbook(folder: &Folder, file: &str) -> BTreeMap<String, String> {
    unzipped(&std::fs::read(folder.path().join("out").join(file)).unwrap())
}

/// Between the first `start` and the next `end`.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let from = text.find(start)? + start.len();
    let length = text[from..].find(end)?;
    Some(&text[from..from + length])
}

/// A cell of a sheet: its number, or its text in quotes.
fn cell(book: &BTreeMap<String, String>, sheet: &str, place: &str) -> String {
    let sheet = &book[&format!("xl/worksheets/{sheet}.xml")];
    let cell = between(sheet, &format!("<c r=\"{place}\""), "</c>")
        .unwrap_or_else(|| panic!("{place}: {sheet}"));
    assert!(!cell.contains("<f>"), "{cell}");
    let value = between(cell, "<v>", "</v>").unwrap();
    if !cell.contains(" t=\"s\"") {
        return value.to_string();
    }
    let texts: Vec<&str> = book["xl/sharedStrings.xml"].split("<si>").skip(1).collect();
    let text = texts[value.parse::<usize>().unwrap()];
    let text = &text[text.find('>').unwrap() + 1..];
    format!("'{}'", text.split('<').next().unwrap())
}

#[test]
fn numbers_are_values_and_all_else_is_text() {
    let folder = Folder::new();
    folder.write("stores.pdf", ruled());
    folder
        .run(&[
            "-i",
            "stores.pdf",
            "--save-path",
            "out",
            "--formats",
            "xlsx",
            "--tables",
            "csv",
        ])
        .expect(0);
    let book = workbook(&folder, "stores.xlsx");
    let sheets: Vec<&String> = book
        .keys()
        .filter(|name| name.starts_with("xl/worksheets/sheet"))
        .collect();
    assert_eq!(sheets.len(), 1, "one table needs no list");
    let cell = |place: &str| cell(&book, "sheet1", place);
    for (place, expected) in [
        ("A1", "'Item'"),
        ("C1", "'Amount'"),
        ("B2", "'007'"),
        ("B4", "'140'"),
        ("C2", "1234.5"),
        ("C4", "49497"),
        ("C5", "98"),
        ("C6", "-12"),
        ("D2", "0.125"),
        ("A3", "'=1+1'"),
        ("A4", "'@Anchor'"),
        ("A5", "'-Chain, long'"),
    ] {
        assert_eq!(cell(place), expected, "{place}");
    }
    let styles = &book["xl/styles.xml"];
    for format in ["0.0%", "&quot;$&quot;#,##0"] {
        assert!(styles.contains(format), "{format}: {styles}");
    }
    let sheet = &book["xl/worksheets/sheet1.xml"];
    assert!(sheet.contains("ySplit=\"1\"") && sheet.contains("state=\"frozen\""));
    let note = book
        .iter()
        .find(|(name, _)| name.starts_with("xl/comments"))
        .unwrap()
        .1;
    assert!(
        note.contains("Table 1. Stores of the harbour.") && note.contains("Page 1"),
        "{note}"
    );

    let csv = folder.text("out/tables/stores/p0001_t1.csv");
    let expected = "\u{feff}Item,Code,Amount,Share\r\nRope,007,\"1,234.50\",12.5%\r\n\
                    '=1+1,010,(250.00),7.0%\r\n'@Anchor,140,\"$49,497\",80.5%\r\n\
                    \"'-Chain, long\",220,98.00,0.0%\r\nBuoy,300,-12.00,0.0%\r\n";
    assert_eq!(csv, expected);
}

#[test]
fn several_tables_are_listed_first() {
    let folder = Folder::new();
    let report = example("report.pdf").display().to_string();
    folder
        .run(&["-i", &report, "--save-path", "out", "--formats", "xlsx"])
        .expect(0);
    let book = workbook(&folder, "report.xlsx");
    let names: Vec<&str> = book["xl/workbook.xml"]
        .split("<sheet name=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!(names[0], "Tables");
    assert!(
        names.len() > 2 && names[1..].iter().all(|name| name.starts_with('p')),
        "{names:?}"
    );
    assert_eq!(cell(&book, "sheet1", "A2"), format!("'{}'", names[1]));
    assert_eq!(cell(&book, "sheet1", "A1"), "'Sheet'");
    assert!(book["xl/worksheets/sheet1.xml"].contains(&format!("location=\"'{}'!A1\"", names[1])));
    assert!(!folder.tree("out").iter().any(|file| file.ends_with(".csv")));
}

#[test]
fn files_of_tables_are_kept_apart_from_those_of_the_user() {
    let folder = Folder::new();
    folder.write("stores.pdf", ruled());
    folder.write("out/tables/stores/p0001_t1.csv", "mine");
    let run = ["-i", "stores.pdf", "--save-path", "out", "--formats", "csv"];
    folder.run(&run).expect(0);
    assert_eq!(folder.text("out/tables/stores/p0001_t1.csv"), "mine");
    let own = "tables/stores_2/p0001_t1.csv".to_string();
    assert!(folder.tree("out").contains(&own));
    // Again, the same name; a document that is done is skipped.
    let again = folder
        .run(&[&run[..], &["--skip-existing"]].concat())
        .expect(0);
    assert!(again.stderr.contains("1 skipped"), "{}", again.stderr);
    // A document without tables loses those of its earlier run.
    folder.write(
        "stores.pdf",
        tiny_pdf(612.0, 792.0, "BT /F 12 Tf 72 700 Td (No table.) Tj ET"),
    );
    folder.run(&run).expect(0);
    let tree = folder.tree("out");
    assert!(!tree.contains(&own), "{tree:?}");
    assert_eq!(folder.text("out/tables/stores/p0001_t1.csv"), "mine");
}

#[test]
fn tables_as_files_need_a_folder_of_ours() {
    let folder = Folder::new();
    folder.write("stores.pdf", ruled());
    let to_folder = [
        "-i",
        "stores.pdf",
        "--save-path",
        "out",
        "--tables",
        "csv",
        "--compat",
    ];
    let printed = ["-i", "stores.pdf", "--stdout", "md", "--tables", "csv"];
    for args in [&to_folder[..], &printed] {
        let ran = folder.run(args).expect(2);
        assert!(ran.stderr.contains("--tables csv"), "{}", ran.stderr);
    }
}
