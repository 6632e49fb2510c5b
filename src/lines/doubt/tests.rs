//! Doubts in layers of synthetic pages, settled by a recognizer that reads what it is told.

use super::super::rows::tests::page;
use super::*;

/// Settles a page whose picture shows these lines, as [`page`] lays them.
fn settled(content: &mut PdfPage, verdict: &Verdict, shown: &[&str]) -> (Settled, usize) {
    let mut asked = 0;
    let mut read = |quads: &[Quad]| {
        asked += quads.len();
        let line = |quad: &Quad| {
            let bbox = quad.bounds();
            let text = shown[(bbox.center_y() / 30.0) as usize];
            // The part of the line that the quad covers.
            let from = (bbox.x1 / 10.0).round().max(0.0) as usize;
            let to = (bbox.x2 / 10.0).round() as usize;
            let text: String = text.chars().take(to).skip(from).collect();
            let middle = |at: usize| ((from + at) as f32 * 10.0 + 5.0 - bbox.x1) / bbox.width();
            LineText {
                positions: (0..text.chars().count()).map(middle).collect(),
                confidence: 0.97,
                text,
                is_too_long: false,
            }
        };
        Ok(quads.iter().map(line).collect())
    };
    let settled = settle(content, verdict, &mut Readings::default(), &mut read).unwrap();
    (settled, asked)
}

fn text(content: &PdfPage) -> String {
    content.chars.iter().map(PdfChar::letter).collect()
}

fn shifted(text: &str, distance: i32) -> String {
    let shift = |c: char| match c.is_ascii_alphabetic() {
        true => (c as i32 + distance) as u8 as char,
        false => c,
    };
    text.chars().map(shift).collect()
}

const NAMES: [&str; 3] = [
    "Dirk Groeneveld and Iz Beltagy",
    "Pete Walsh and Akshita Bhagia",
    "Rodney Kinney and Oyvind Tafjord",
];

#[test]
fn a_shifted_font_is_read_anew() {
    let lines = NAMES.map(|line| shifted(line, -1));
    let mut content = page(&lines.each_ref().map(String::as_str));
    let verdict = Verdict {
        odd_fonts: vec![0],
        ..Verdict::sure(TextSource::TextLayer, "passed")
    };
    let (found, asked) = settled(&mut content, &verdict, &NAMES);
    assert!(
        matches!(&found, Settled::Layer(reason) if reason.contains("read from the picture")),
        "{found:?}"
    );
    assert_eq!(
        text(&content).trim_end().split('\n').collect::<Vec<_>>(),
        NAMES
    );
    assert_eq!(asked, 6, "a sample of three, then the same again");
}

#[test]
fn spaces_that_are_shifted_too_are_spaces_again() {
    let shift = |line: &str| line.chars().map(|c| (c as u8 + 1) as char).collect();
    let lines: [String; 3] = NAMES.map(shift);
    let mut content = page(&lines.each_ref().map(String::as_str));
    let verdict = Verdict {
        odd_fonts: vec![0],
        ..Verdict::sure(TextSource::TextLayer, "passed")
    };
    let (found, _) = settled(&mut content, &verdict, &NAMES);
    assert!(matches!(found, Settled::Layer(_)), "{found:?}");
    assert_eq!(
        text(&content).trim_end().split('\n').collect::<Vec<_>>(),
        NAMES
    );
}

#[test]
fn odd_letters_that_the_picture_shows_stay() {
    let lines = NAMES.map(|line| shifted(line, 2));
    let lines = lines.each_ref().map(String::as_str);
    let mut content = page(&lines);
    let before = content.clone();
    let verdict = Verdict {
        odd_fonts: vec![0],
        ..Verdict::sure(TextSource::TextLayer, "passed")
    };
    let (found, _) = settled(&mut content, &verdict, &lines);
    assert_eq!((found, content), (Settled::Layer("passed".into()), before));
}

#[test]
fn a_hidden_layer_is_kept_if_it_is_as_good() {
    let rejected = Verdict {
        rejected: Some(Rejected::Quality),
        ..Verdict::sure(TextSource::Lines, "hidden")
    };
    let lines = [
        "the harbour was closed for",
        "two days in March because of",
        "the ice on the river",
    ];
    let mut content = page(&lines);
    content.runs[0].visible = false;
    let (found, _) = settled(&mut content, &rejected, &lines);
    assert!(matches!(found, Settled::Layer(_)), "{found:?}");
    let slips = [
        "tlie harb0ur vvas cl0sed f0r",
        "tw0 davs ln Ma_rch b3cause 0f",
        "thc lce 0n thc rlver",
    ];
    let (found, _) = settled(&mut content, &rejected, &slips);
    assert!(
        matches!(found, Settled::Layer(_)),
        "the layer is better: {found:?}"
    );
    let mut content = page(&slips);
    content.runs[0].visible = false;
    let (found, _) = settled(&mut content, &rejected, &lines);
    assert!(matches!(found, Settled::Lines(_)), "{found:?}");
    let (found, _) = settled(&mut content, &rejected, &["", "", ""]);
    assert_eq!(found, Settled::Open);
}

#[test]
fn a_hidden_layer_that_cannot_be_compared_is_kept() {
    let rejected = Verdict {
        rejected: Some(Rejected::Quality),
        ..Verdict::sure(TextSource::Lines, "hidden")
    };
    let mut content = page(&["올해의 총수입은 작년보다", "십이 퍼센트 늘었다"]);
    content.runs[0].visible = false;
    let (found, asked) = settled(&mut content, &rejected, &["", ""]);
    assert!(
        matches!(&found, Settled::Layer(reason) if reason.contains("script")),
        "{found:?}"
    );
    assert_eq!(asked, 0);
}

#[test]
fn glyphs_that_cannot_be_read_leave_a_page_to_its_picture() {
    let verdict = Verdict {
        has_unknown: true,
        rejected: Some(Rejected::Quality),
        ..Verdict::sure(TextSource::Lines, "no meaning")
    };
    let shown = ["the office of the firm", "is closed for the winter"];
    let lines = ["the o##ice o# the #irm", "is closed #or the winter"];
    let mut content = page(&lines);
    let (found, _) = settled(&mut content, &verdict, &["", ""]);
    assert_eq!(found, Settled::Open);
    let (found, _) = settled(&mut content, &verdict, &shown);
    assert!(matches!(found, Settled::Layer(_)), "{found:?}");
    assert_eq!(
        text(&content).trim_end().split('\n').collect::<Vec<_>>(),
        shown
    );
}
