//! The text layer on synthetic pages: words, lines, superscripts, styles.

use super::*;
use crate::document::HiddenReason;
use crate::input::pdf::page::PdfChar;

/// A page with one line for each `(x, y, size, text)`; a character is half an em wide, `|` a hyphen that
/// breaks a line.
fn page(lines: &[(f32, f32, f32, &str)]) -> PdfPage {
    let mut page = PdfPage {
        fonts: vec!["ABCDEF+Serif".into()],
        ..PdfPage::default()
    };
    for (index, &(x, y, size, text)) in lines.iter().enumerate() {
        page.runs.push(PdfRun {
            font: 0,
            size,
            weight: 400,
            italic: false,
            fixed_pitch: false,
            color: [0; 3],
            visible: true,
            hidden: None,
            angle: 0.0,
            mcid: index as i32,
        });
        for (i, c) in text.chars().enumerate() {
            let left = x + i as f32 * size / 2.0;
            let code = if c == '|' { 0x02 } else { c as u32 };
            let bbox = [left, y, left + size / 2.0, y + size];
            page.chars.push(PdfChar {
                code,
                bbox,
                run: index as u32,
                unmapped: false,
            });
        }
        page.chars.push(PdfChar {
            code: '\n' as u32,
            bbox: [0.0; 4],
            run: u32::MAX,
            unmapped: false,
        });
    }
    page
}

fn texts(page: &PdfPage) -> Vec<String> {
    page_text(page).segments.iter().map(Segment::text).collect()
}

#[test]
fn words_and_columns_are_told_apart_by_gaps() {
    let page = page(&[
        (0.0, 0.0, 10.0, "left column"),
        (100.0, 0.5, 10.0, "right one"),
    ]);
    assert_eq!(texts(&page), ["left column", "right one"]);
}

#[test]
fn pieces_written_apart_make_one_line() {
    let page = page(&[(54.0, 0.0, 10.0, "end"), (0.0, 0.0, 10.0, "the other")]);
    assert_eq!(texts(&page), ["the other end"]);
}

#[test]
fn index_marks_are_raised_and_lowered() {
    let page = page(&[
        (0.0, 4.0, 10.0, "x"),
        (5.0, 2.0, 6.0, "2"),
        (20.0, 4.0, 10.0, "H"),
        (25.0, 10.0, 6.0, "2"),
    ]);
    let segments = page_text(&page).segments;
    let all: Vec<_> = segments.iter().map(Segment::text).collect();
    assert!(all.join(" ").contains("x<sup>2</sup>"), "{all:?}");
    assert!(all.join(" ").contains("H<sub>2</sub>"), "{all:?}");
}

#[test]
fn hyphens_at_line_ends_are_remembered_not_kept() {
    let segments = page_text(&page(&[
        (0.0, 0.0, 10.0, "hyphen|"),
        (0.0, 12.0, 10.0, "ation"),
    ]))
    .segments;
    assert_eq!(segments[0].text(), "hyphen");
    assert!(segments[0].hyphenated && !segments[1].hyphenated);
}

#[test]
fn ligatures_are_taken_apart() {
    assert_eq!(
        texts(&page(&[(0.0, 0.0, 10.0, "e\u{FB03}cient")])),
        ["efficient"]
    );
}

#[test]
fn upright_characters_below_each_other_are_vertical_text() {
    let mut page = page(&[(0.0, 0.0, 10.0, "縦書")]);
    for (i, c) in page.chars.iter_mut().take(2).enumerate() {
        c.bbox = [0.0, i as f32 * 10.0, 10.0, i as f32 * 10.0 + 10.0];
    }
    let segments = page_text(&page).segments;
    assert_eq!(
        (segments.len(), segments[0].direction),
        (1, Direction::Vertical)
    );
    assert_eq!(segments[0].text(), "縦書");
}

#[test]
fn right_to_left_lines_keep_the_order_of_the_layer() {
    let mut page = page(&[(0.0, 0.0, 10.0, "אב גד")]);
    for (i, c) in page.chars.iter_mut().take(5).enumerate() {
        c.bbox = [40.0 - i as f32 * 5.0, 0.0, 45.0 - i as f32 * 5.0, 10.0];
    }
    let segments = page_text(&page).segments;
    assert_eq!(segments[0].text(), "אב גד");
    assert!(segments[0].right_to_left);
}

#[test]
fn fonts_of_equal_widths_are_fixed_pitch() {
    let code = page(&[(0.0, 0.0, 10.0, "WHEN MATCHED THEN print(til);")]);
    assert!(page_text(&code).segments[0].style.fixed_pitch);
    assert!(
        !page_text(&page(&[(0.0, 0.0, 10.0, "til")])).segments[0]
            .style
            .fixed_pitch
    );
}

#[test]
fn a_glyph_without_meaning_at_the_start_is_a_bullet() {
    assert_eq!(
        texts(&page(&[(0.0, 0.0, 10.0, "\u{F0B7} first")])),
        ["• first"]
    );
}

#[test]
fn hidden_characters_are_left_out() {
    let mut page = page(&[(0.0, 0.0, 10.0, "seen"), (0.0, 20.0, 10.0, "hidden")]);
    page.runs[1].hidden = Some(HiddenReason::Ground);
    assert_eq!(texts(&page), ["seen"]);
    // The invisible layer of a scan is no hidden text.
    (page.runs[1].hidden, page.runs[1].visible) = (None, false);
    assert_eq!(texts(&page), ["seen", "hidden"]);
}
