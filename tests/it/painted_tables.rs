//! Lines of tables as programs draw them: areas filled through a clip, pictures of a pixel.

use super::support::{Folder, assemble, tiny_pdf};

/// The tables of a PDF file, each as its rows of texts.
fn tables(pdf: &[u8]) -> Vec<Vec<Vec<String>>> {
    let folder = Folder::new();
    folder.write("page.pdf", pdf);
    folder
        .run(&["-i", "page.pdf", "--save-path", "out", "--formats", "json"])
        .expect(0);
    let document = folder.json("out/page.json");
    let blocks = document["pages"][0]["parsing_res_list"].as_array().unwrap();
    let bodies = blocks.iter().map(|block| &block["body"]);
    let rows = |body: &serde_json::Value| {
        let mut rows = vec![Vec::new(); body["rows"].as_u64().unwrap() as usize];
        for cell in body["cells"].as_array().unwrap() {
            let row = cell["row"].as_u64().unwrap() as usize;
            rows[row].push(cell["text"].as_str().unwrap().to_string());
        }
        rows
    };
    bodies
        .filter(|body| body["type"] == "table")
        .map(rows)
        .collect()
}

/// A text with the foot of its first letter at a place.
fn text(x: i32, y: i32, text: &str) -> String {
    format!("BT /F 11 Tf {x} {y} Td ({text}) Tj ET ")
}

/// Rows of texts in columns, 24 points apart.
fn rows(xs: &[i32], top: i32, rows: &[&[&str]]) -> String {
    let place = |(at, row): (usize, &&[&str])| {
        let y = top - 24 * at as i32;
        let cells = xs.iter().zip(*row).map(|(x, own)| text(*x, y, own));
        cells.collect::<String>()
    };
    rows.iter().enumerate().map(place).collect()
}

const LEAD: &str =
    "The stores of the harbour were counted on the first day of May and again in June.";

#[test]
fn rows_shaded_through_a_clip_are_those_of_a_table() {
    let own: [&[&str]; 3] = [&["Item", "Count"], &["Rope of hemp", "12"], &["Sail", "7"]];
    // A head and two rows: each fills the whole page through a clip of its own.
    let shade = |y: i32, level: f32| {
        format!("q 72 {y} 420 24 re W n {level} {level} {level} rg 0 0 612 792 re f Q ")
    };
    let clipped = [shade(616, 0.7), shade(592, 0.9), shade(568, 0.8)].concat();
    let written = text(72, 660, LEAD) + &rows(&[80, 320], 624, &own);
    let found = tables(&tiny_pdf(612.0, 792.0, &(clipped + &written)));
    assert_eq!(found, [own.map(|row| row.to_vec())]);
    // Three rows of two texts are no table without them.
    let found = tables(&tiny_pdf(612.0, 792.0, &written));
    assert!(found.is_empty(), "{found:?}");
}

/// How a program draws a rule: `[x, y, width, height]`, in points.
type Draw = fn([f32; 4]) -> String;

/// Rules around cells: level ones at `ys`, upright ones at `xs`.
fn ruled(xs: &[f32], ys: &[f32], draw: Draw) -> String {
    let (left, right) = (xs[0], xs[xs.len() - 1]);
    let (top, bottom) = (ys[0], ys[ys.len() - 1]);
    let level = ys.iter().map(|y| draw([left, *y, right - left, 0.75]));
    let upright = xs.iter().map(|x| draw([*x, bottom, 0.75, top - bottom]));
    level.chain(upright).collect()
}

/// A page whose picture `/I` has one pixel: `00` is black, `FF` white.
fn with_picture(pixel: &str, content: &str) -> Vec<u8> {
    assemble(&[
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_string(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R \
         /Resources << /Font << /F 5 0 R >> /XObject << /I 6 0 R >> >> >>"
            .to_string(),
        format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_string(),
        format!(
            "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 \
             /ColorSpace /DeviceGray /Filter /ASCIIHexDecode /Length 3 >>\n\
             stream\n{pixel}>\nendstream"
        ),
    ])
}

const STORES: [&[&str]; 2] = [
    &["Rope of hemp", "in the loft"],
    &["Sail of flax", "in the yard"],
];

#[test]
fn pictures_of_a_pixel_and_fills_through_narrow_clips_are_rules() {
    let written = text(72, 660, LEAD) + &rows(&[80, 240], 624, &STORES);
    let ways: [(&str, Draw); 3] = [
        ("an inline image", |[x, y, width, height]| {
            let image = "BI /W 1 /H 1 /BPC 8 /CS /G /F /AHx ID 00> EI";
            format!("q {width} 0 0 {height} {x} {y} cm {image} Q ")
        }),
        ("an image", |[x, y, width, height]| {
            format!("q {width} 0 0 {height} {x} {y} cm /I Do Q ")
        }),
        ("a clip", |[x, y, width, height]| {
            format!("q {x} {y} {width} {height} re W n 0 g 0 0 612 792 re f Q ")
        }),
    ];
    for (name, draw) in ways {
        let rules = ruled(&[72.0, 230.0, 420.0], &[640.0, 616.0, 592.0], draw);
        let found = tables(&with_picture("00", &(rules + &written)));
        assert_eq!(found, [STORES.map(|row| row.to_vec())], "{name}");
    }
    let found = tables(&with_picture("00", &written));
    assert!(found.is_empty(), "{found:?}");
}

/// Thin pictures that nobody sees, and those that would need a lot of memory to be looked at.
#[test]
fn white_and_endless_pictures_of_a_pixel_are_no_rules() {
    let written = text(72, 660, LEAD) + &rows(&[80, 240], 624, &STORES);
    let (xs, ys) = ([72.0, 230.0, 420.0], [640.0, 616.0, 592.0]);
    let spacers = ruled(&xs, &ys, |[x, y, width, height]| {
        format!("q {width} 0 0 {height} {x} {y} cm /I Do Q ")
    });
    let endless = ruled(&xs, &ys, |[x, y, _, height]| {
        format!("q 1000000 0 0 {height} {x} {y} cm /I Do Q ")
    });
    assert!(tables(&with_picture("FF", &(spacers + &written))).is_empty());
    assert!(tables(&with_picture("00", &(endless + &written))).is_empty());
}

#[test]
fn strips_of_a_scanned_page_are_no_rules() {
    // Below each other, and two beside each other below others.
    for xs in [&[0][..], &[0, 306]] {
        let width = 612 / xs.len();
        let strip = |y: i32| {
            let draw = move |x: &i32| format!("q {width} 0 0 2 {x} {y} cm /I Do Q ");
            xs.iter().map(draw).collect::<String>()
        };
        let strips: String = (0..396).rev().map(|at| strip(2 * at)).collect();
        let written = text(72, 660, LEAD) + &rows(&[80, 240], 624, &STORES);
        let found = tables(&with_picture("F0", &(strips + &written)));
        assert!(found.is_empty(), "{xs:?} {found:?}");
    }
}
