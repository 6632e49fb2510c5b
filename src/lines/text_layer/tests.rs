//! The text layer on synthetic pages: words, lines, superscripts, styles.

use super::*;
use crate::document::HiddenReason;
use crate::input::pdf::page::{PdfChar, SmallShape};

/// A page with one line for each `(x, y, size, text)`; a character is half an em wide, `|` a hyphen that
/// breaks a line.
fn page(lines: &[(f32, f32, f32, &str)]) -> PdfPage {
    let mut page = PdfPage {
        fonts: vec!["ABCDEF+Serif".into()],
        ..PdfPage::default()
    };
    for (index, &(x, y, size, text)) in lines.iter().enumerate() {
        page.runs.push(PdfRun {
            size,
            mcid: index as i32,
            ..PdfRun::PLAIN
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
    let page = page(&[(49.0, 0.0, 10.0, "end"), (0.0, 0.0, 10.0, "the other")]);
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

#[test]
fn fractions_stand_in_their_line() {
    // The bar is at the height of the line's middle; 12 pixels of room around it.
    let page = page(&[
        (0.0, 20.0, 10.0, "where weights a="),
        (85.0, 12.0, 10.0, "x+y"),
        (82.0, 27.0, 10.0, "2zzz"),
        (106.0, 20.0, 10.0, "are given"),
        (0.0, 44.0, 10.0, "in the next line of it"),
    ]);
    assert_eq!(
        texts(&page),
        [
            "where weights a= x+y 2zzz are given",
            "in the next line of it"
        ]
    );
}

#[test]
fn lines_between_columns_are_no_fractions() {
    let page = page(&[
        (0.0, 20.0, 10.0, "some words"),
        (85.0, 12.0, 10.0, "x+y"),
        (82.0, 27.0, 10.0, "2zzz"),
    ]);
    assert_eq!(texts(&page).len(), 3);
}

#[test]
fn initials_belong_to_their_word() {
    let page = page(&[
        (0.0, 0.0, 36.0, "O"),
        (20.0, 2.0, 12.0, "ver the past"),
        (20.0, 15.0, 12.0, "three decades"),
        (0.0, 40.0, 12.0, "the United Nations"),
    ]);
    assert_eq!(
        texts(&page),
        ["Over the past", "three decades", "the United Nations"]
    );
}

#[test]
fn an_article_as_an_initial_stays_a_word() {
    let lines = |rest: &str| {
        let page = page(&[
            (0.0, 0.0, 36.0, "A"),
            (20.0, 2.0, 12.0, rest),
            (20.0, 15.0, 12.0, "and a valley"),
        ]);
        texts(&page).remove(0)
    };
    assert_eq!(lines("valley lies"), "A valley lies");
    assert_eq!(lines("fter that"), "After that");
}

#[test]
fn a_letter_before_one_line_is_no_initial() {
    let page = page(&[(0.0, 0.0, 24.0, "A"), (14.0, 6.0, 12.0, "appendix")]);
    assert!(!texts(&page).concat().contains("Aappendix"));
}

/// Moves the character at `at` over the next one.
fn over_next(page: &mut PdfPage, at: usize) {
    page.chars[at].bbox = page.chars[at + 1].bbox;
}

#[test]
fn accents_of_their_own_are_put_on_their_letters() {
    // B¨orsch: the accent lies over the letter behind it.
    let mut before = page(&[(0.0, 0.0, 10.0, "B¨orsch")]);
    over_next(&mut before, 1);
    before.chars[2..7]
        .iter_mut()
        .for_each(|c| (c.bbox[0], c.bbox[2]) = (c.bbox[0] - 5.0, c.bbox[2] - 5.0));
    before.chars[1].bbox = before.chars[2].bbox;
    assert_eq!(texts(&before), ["Börsch"]);
    // The letter stands before its accent, and has no dot.
    let mut behind = page(&[(0.0, 0.0, 10.0, "naı¨ve")]);
    behind.chars[3].bbox = behind.chars[2].bbox;
    behind.chars[4..6]
        .iter_mut()
        .for_each(|c| (c.bbox[0], c.bbox[2]) = (c.bbox[0] - 5.0, c.bbox[2] - 5.0));
    assert_eq!(texts(&behind), ["naïve"]);
}

#[test]
fn letters_in_circles_are_signs() {
    let mut circled = page(&[(0.0, 0.0, 10.0, "◯c ◯x")]);
    over_next(&mut circled, 0);
    over_next(&mut circled, 3);
    assert!(
        texts(&circled).concat().starts_with("©"),
        "{:?}",
        texts(&circled)
    );
    assert!(!texts(&circled).concat().contains("◯c"));
    assert!(
        texts(&circled).concat().contains('◯'),
        "x has no sign of its own"
    );
}

#[test]
fn accents_beside_letters_stay_what_they_are() {
    assert_eq!(
        texts(&page(&[(0.0, 0.0, 10.0, "x^a 20°C a~b")])),
        ["x^a 20°C a~b"]
    );
}

#[test]
fn shadows_and_bold_tricks_stand_once() {
    let shifted = page(&[
        (0.0, 0.0, 10.0, "ANHUI ANLI"),
        (0.3, 0.2, 10.0, "ANHUI"),
        (30.5, 0.1, 10.0, "ANLI"),
    ]);
    assert_eq!(texts(&shifted), ["ANHUI ANLI"]);
    // The letters of a ligature have one box.
    let mut ligature = page(&[(0.0, 0.0, 10.0, "office")]);
    ligature.chars[2].bbox = ligature.chars[1].bbox;
    assert_eq!(texts(&ligature), ["office"]);
    let repeated = page(&[(0.0, 0.0, 10.0, "all too"), (0.0, 12.0, 10.0, "all too")]);
    assert_eq!(texts(&repeated), ["all too", "all too"]);
}

/// A line from right to left, of characters with the widths of `page`.
fn right_to_left(text: &str) -> PdfPage {
    let mut page = page(&[(0.0, 0.0, 10.0, text)]);
    let count = text.chars().count();
    for (i, c) in page.chars.iter_mut().take(count).enumerate() {
        let left = (count - i) as f32 * 5.0;
        c.bbox = [left, 0.0, left + 5.0, 10.0];
    }
    page
}

#[test]
fn lam_and_alef_of_one_glyph_come_in_reading_order() {
    let mut page = right_to_left("سالم");
    page.chars[2].bbox = page.chars[1].bbox;
    assert_eq!(texts(&page), ["سلام"]);
    // Alef before a lam of its own.
    assert_eq!(texts(&right_to_left("سالم")), ["سالم"]);
}

#[test]
fn arabic_marks_stand_behind_their_letters_and_part_no_words() {
    let mut page = right_to_left("أي \u{64B}ضا");
    page.chars[4].bbox = [20.0, 0.0, 25.0, 10.0];
    page.chars[3].bbox = [22.0, 0.0, 23.0, 10.0];
    page.chars[5].bbox = [15.0, 0.0, 20.0, 10.0];
    (page.chars[2].bbox[0], page.chars[2].bbox[2]) = (23.0, 23.0);
    assert_eq!(texts(&page), ["أيض\u{64B}ا"]);
}

#[test]
fn words_of_the_other_direction_have_their_spaces() {
    // The layer has the space behind the Latin word before it.
    let mut page = right_to_left("لغة  ABC");
    page.chars.truncate(8);
    let latin = [20.0, 25.0, 30.0];
    for (c, left) in page.chars[5..8].iter_mut().zip(latin) {
        c.bbox = [left - 10.0, 0.0, left - 5.0, 10.0];
    }
    let mut rest = right_to_left("من");
    rest.chars.truncate(2);
    for (c, left) in rest.chars.iter_mut().zip([1.5, -3.5]) {
        c.bbox = [left, 0.0, left + 5.0, 10.0];
    }
    page.chars.extend(rest.chars);
    assert_eq!(texts(&page), ["لغة ABC من"]);
}

#[test]
fn a_soft_hyphen_within_a_line_is_shown() {
    let text = "state\u{ad}of\u{ad}the\u{ad}art and 2019\u{ad}20\u{ad}";
    let page = page(&[(0.0, 0.0, 10.0, text), (0.0, 12.0, 10.0, "and more")]);
    assert_eq!(texts(&page)[0], "state-of-the-art and 2019-20");
    assert!(page_text(&page).segments[0].hyphenated);
}

#[test]
fn shapes_before_a_line_are_its_marks() {
    let mut page = page(&[
        (30.0, 0.0, 10.0, "an item"),
        (30.0, 20.0, 10.0, "to do"),
        (30.0, 40.0, 10.0, "done"),
        (30.0, 60.0, 10.0, "a legend"),
    ]);
    let shape = |x: f32, y: f32, side: f32, segments: u32, fill: Option<[u8; 3]>| SmallShape {
        bbox: [x, y, x + side, y + side],
        segments,
        fill,
    };
    page.small_shapes = vec![
        shape(20.0, 3.0, 3.0, 49, Some([0; 3])),
        shape(15.0, 21.0, 9.0, 53, Some([255; 3])),
        shape(15.0, 21.0, 9.0, 53, None),
        shape(15.0, 41.0, 9.0, 53, Some([0, 117, 255])),
        shape(15.0, 41.0, 9.0, 3, None),
        // Far from any text, and a coloured square.
        shape(200.0, 3.0, 3.0, 49, Some([0; 3])),
        shape(22.0, 63.0, 4.0, 5, Some([250, 20, 20])),
    ];
    let lines = texts(&page);
    let texts: Vec<String> = lines.iter().map(|text| text.replace(' ', "")).collect();
    assert_eq!(
        texts.concat(),
        "\u{2022}anitem\u{2610}todo\u{2611}donealegend"
    );
}

#[test]
fn notes_close_to_the_text_stand_apart() {
    // The first line of the note is written right after the line that it stands beside.
    let page = page(&[
        (0.0, 0.0, 10.0, "a line of text"),
        (76.0, 0.0, 10.0, "a note"),
        (76.0, 12.0, 10.0, "goes on"),
        (0.0, 12.0, 10.0, "another line ."),
        (0.0, 24.0, 10.0, "a wide"),
        (36.0, 24.0, 10.0, "space"),
    ]);
    let expected = [
        "a line of text",
        "a note",
        "goes on",
        "another line .",
        "a wide space",
    ];
    let mut found = texts(&page);
    found.sort_by_key(|text| expected.iter().position(|one| one == text));
    assert_eq!(found, expected);
}
