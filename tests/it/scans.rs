//! Pages without a text layer, read by the real networks.

use super::support::{Folder, blocks_with, contents, example, root};
use serde_json::Value;

fn parse(path: &str, flags: &[&str]) -> Value {
    let folder = Folder::new();
    let all = [
        &["-i", path, "--save-path", "out", "--formats", "json"][..],
        flags,
    ]
    .concat();
    folder.run(&all).expect(0);
    let name = folder.tree("out").remove(0);
    folder.json(&format!("out/{name}"))
}

/// Edits that turn one text into the other, over the length of the second.
fn error_rate(read: &str, truth: &str) -> f64 {
    let squeeze = |s: &str| {
        s.chars()
            .filter(|c| !c.is_whitespace())
            .collect::<Vec<char>>()
    };
    let (a, b) = (squeeze(read), squeeze(truth));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()] as f64 / b.len() as f64
}

#[test]
fn the_skewed_noisy_scan_of_the_report() {
    let document = parse(&example("report_scan.pdf").display().to_string(), &[]);
    let page = &document["pages"][0];
    assert_eq!(page["diagnostics"]["text"]["source"], "lines");
    let skew = page["diagnostics"]["skew_degrees"].as_f64().unwrap();
    assert!(
        (skew + 0.7).abs() < 0.2,
        "the scan was turned by 0.7 degrees counter-clockwise, found {skew}"
    );
    // The table with drawn lines, cell by cell.
    let tables = blocks_with(page, "table");
    assert!(
        tables[0]
            .0
            .starts_with("<table><tr><td rowspan=\"2\">Harbour</td><td colspan=\"2\">Range</td>"),
        "{}",
        tables[0].0
    );
    for cell in [
        "<td>Alderby</td><td>1.12</td><td>3.46</td><td>712</td>",
        "<td colspan=\"3\">All stations</td>",
    ] {
        assert!(
            tables[0].0.contains(cell),
            "{cell} is not in {}",
            tables[0].0
        );
    }
    // The text of both pages in reading order: pictured formulas and misread signs are all that may be lost.
    let text = document["pages"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(contents)
        .collect::<Vec<_>>()
        .join("\n");
    let plain = text.replace("<td", "\n<td");
    let mut stripped = String::new();
    let mut inside = false;
    for c in plain.chars() {
        inside = (inside || c == '<') && c != '>';
        if !inside && c != '>' {
            stripped.push(c);
        }
    }
    let truth = std::fs::read_to_string(example("report.txt")).unwrap();
    let rate = error_rate(&stripped, &truth);
    assert!(rate < 0.04, "character error rate {rate}");
}

#[test]
fn every_line_has_its_confidence() {
    let document = parse(
        &example("report_scan.pdf").display().to_string(),
        &["--pages", "2"],
    );
    let blocks = document["pages"][0]["diagnostics"]["blocks"]
        .as_array()
        .unwrap();
    let lines: Vec<&Value> = blocks
        .iter()
        .flat_map(|b| b["lines"].as_array().unwrap())
        .collect();
    assert!(lines.len() > 15);
    assert!(
        lines
            .iter()
            .all(|l| (0.5..=1.0).contains(&l["confidence"].as_f64().unwrap()))
    );
}

/// The second page of the scan, read in a precision with the libraries and models of a folder.
fn read_in(precision: &str, runtime: &std::path::Path) -> Value {
    let flags = [
        "--pages",
        "2",
        "--rec-precision",
        precision,
        "--runtime-dir",
        runtime.to_str().unwrap(),
    ];
    let document = parse(&example("report_scan.pdf").display().to_string(), &flags);
    document["pages"][0].clone()
}

#[test]
fn eight_bits_read_what_single_precision_reads() {
    let runtime = root().join("runtime");
    let (int8, f32) = (read_in("int8", &runtime), read_in("f32", &runtime));
    let text = |page: &Value| contents(page).join("\n");
    let rate = error_rate(&text(&int8), &text(&f32));
    assert!(rate < 0.003, "{rate}: {}\n{}", text(&int8), text(&f32));
    let lines = |page: &Value| page["diagnostics"]["blocks"].to_string();
    assert_ne!(lines(&int8), lines(&f32), "confidences differ a little");
}

#[test]
fn another_recognizer_is_read_in_its_own_precision() {
    let folder = Folder::new();
    for file in std::fs::read_dir(root().join("runtime")).unwrap() {
        let file = file.unwrap();
        let place = folder.path().join(file.file_name());
        if file.file_name() == "PP-OCRv6_rec_small.onnx" {
            // The same network under another version of its own: `model_version`, field 5 of the file.
            let mut bytes = std::fs::read(file.path()).unwrap();
            bytes.extend([5 << 3, 7]);
            std::fs::write(place, bytes).unwrap();
        } else {
            std::os::unix::fs::symlink(file.path(), place).unwrap();
        }
    }
    let int8 = read_in("int8", folder.path());
    assert_eq!(int8, read_in("f32", &root().join("runtime")));
}

/// A picture of a page, turned clockwise by quarters, is found upright again.
#[track_caller]
fn check_turned(quarters: u32) {
    let folder = Folder::new();
    let pages = page_picture();
    let turned = pages.rotate_quarters(quarters);
    let picture =
        image::RgbImage::from_raw(turned.width as u32, turned.height as u32, turned.data).unwrap();
    let path = folder.path().join("page.png");
    picture.save(&path).unwrap();
    folder
        .run(&["-i", "page.png", "--save-path", "out", "--formats", "json"])
        .expect(0);
    let page = folder.json("out/page.json")["pages"][0].clone();
    assert_eq!(page["diagnostics"]["rotation"], quarters * 90);
    let text = contents(&page).join("\n");
    assert!(
        text.contains("The harmonic method predicts the tide at all twelve harbours"),
        "{text}"
    );
}

/// The second page of the report as pixels, by the program itself: its visualization holds the page picture.
fn page_picture() -> docparse::internals::raster::Pixels {
    let folder = Folder::new();
    let path = example("report.pdf").display().to_string();
    folder
        .run(&[
            "-i",
            &path,
            "--save-path",
            "out",
            "--formats",
            "vis",
            "--pages",
            "2",
        ])
        .expect(0);
    let bytes = std::fs::read(folder.path().join("out/report_layout_det_res.pdf")).unwrap();
    let find = |needle: &[u8], from: usize| {
        from + bytes[from..]
            .windows(needle.len())
            .position(|w| w == needle)
            .unwrap()
    };
    let start = find(b"\xff\xd8\xff", 0);
    let end = find(b"\nendstream", start);
    let picture = image::load_from_memory(&bytes[start..end])
        .unwrap()
        .into_rgb8();
    docparse::internals::raster::Pixels {
        width: picture.width() as usize,
        height: picture.height() as usize,
        data: picture.into_raw(),
    }
}

#[test]
fn pages_turned_by_quarters_are_found() {
    for quarters in 1..4 {
        check_turned(quarters);
    }
}

#[test]
fn the_text_layer_can_be_refused() {
    let document = parse(
        &example("report.pdf").display().to_string(),
        &["--text_layer", "never", "--pages", "2"],
    );
    let page = &document["pages"][0];
    assert_eq!(page["diagnostics"]["text"]["source"], "lines");
    assert!(
        contents(page)
            .join(" ")
            .contains("harmonic method predicts")
    );
}

/// What a picture of the set in docs/pictures.md says, as read and as it is.
fn read_and_truth(name: &str) -> (String, String) {
    let folder = root().join("tests/pictures");
    let document = parse(&folder.join(name).display().to_string(), &[]);
    let truth = std::fs::read(folder.join(name).with_extension("json")).unwrap();
    let truth: Value = serde_json::from_slice(&truth).unwrap();
    let texts = truth["blocks"].as_array().unwrap().iter();
    let texts: Vec<&str> = texts.filter_map(|block| block["text"].as_str()).collect();
    (contents(&document["pages"][0]).join("\n"), texts.join("\n"))
}

#[test]
fn lines_that_seem_to_be_upside_down_are_read_as_they_stand() {
    let (read, truth) = read_and_truth("letter_de_photo.jpg");
    let rate = error_rate(&read, &truth);
    assert!(rate < 0.05, "{rate}: {read}");
    assert!(read.contains("Die Prüfung ergab keine Mängel"), "{read}");
}

#[test]
fn a_short_line_alone_on_a_page_is_found() {
    let page = image::open(root().join("tests/pictures/paper_en_clean.png")).unwrap();
    let heading = page.crop_imm(66, 343, 154, 27).into_rgb8();
    let mut empty = image::RgbImage::from_pixel(1190, 1684, image::Rgb([255; 3]));
    image::imageops::replace(&mut empty, &heading, 380, 360);
    let folder = Folder::new();
    empty.save(folder.path().join("page.png")).unwrap();
    folder
        .run(&["-i", "page.png", "--save-path", "out", "--formats", "json"])
        .expect(0);
    let page = folder.json("out/page.json")["pages"][0].clone();
    assert_eq!(contents(&page), ["1 Introduction"]);
}

/// A picture of `tests/pictures` as it is read, and the text of its truth.
fn picture(name: &str) -> (Value, String) {
    let folder = root().join("tests/pictures");
    let document = parse(&folder.join(name).display().to_string(), &[]);
    let truth = folder.join(name).with_extension("json");
    let truth: Value = serde_json::from_slice(&std::fs::read(truth).unwrap()).unwrap();
    let blocks = truth["blocks"].as_array().unwrap().iter();
    let texts: Vec<&str> = blocks.filter_map(|block| block["text"].as_str()).collect();
    (document["pages"][0].clone(), texts.join("\n"))
}

/// Text of the lines of a page.
fn lines_of(page: &Value) -> Vec<(String, Vec<f64>)> {
    let blocks = page["diagnostics"]["blocks"].as_array().unwrap();
    let lines = blocks.iter().flat_map(|b| b["lines"].as_array().unwrap());
    lines
        .map(|line| {
            let bbox = line["bbox"].as_array().unwrap();
            let bbox = bbox.iter().map(|v| v.as_f64().unwrap()).collect();
            (line["text"].as_str().unwrap().to_string(), bbox)
        })
        .collect()
}

#[test]
fn curved_lines_of_a_book_are_read_and_their_boxes_are_level() {
    let (page, truth) = picture("book_en_curved.jpg");
    let diagnostics = &page["diagnostics"];
    assert_eq!(diagnostics["is_unwarped"], true);
    let skew = diagnostics["skew_degrees"].as_f64().unwrap();
    assert!(skew.abs() < 2.5, "{skew}");
    let rate = error_rate(&contents(&page).join("\n"), &truth);
    assert!(rate < 0.05, "{rate}");
    // Lines rise by 45 pixels and stand 24 apart; letters with their box are 30 high.
    let lines = lines_of(&page);
    assert!(lines.len() > 40);
    for (text, bbox) in lines {
        assert!(bbox[3] - bbox[1] < 40.0, "{text}: {bbox:?}");
    }
}

#[test]
fn straight_pages_are_not_unwarped() {
    let (page, _) = picture("book_es_paper.jpg");
    assert_eq!(page["diagnostics"]["is_unwarped"], Value::Null);
}

#[test]
fn vertical_lines_keep_their_marks_and_small_kana() {
    let (page, truth) = picture("book_ja_vertical.png");
    let rate = error_rate(&contents(&page).join("\n"), &truth);
    assert!(rate < 0.06, "{rate}");
}
