//! Lines and the paragraphs that they make.

use super::super::line::BoldWords;
use super::*;

fn line(x1: f32, y: f32, x2: f32, text: &str) -> Line {
    Line {
        segments: vec![0],
        bbox: Rect::new(x1, y, x2, y + 24.0),
        size: 20.0,
        bold: false,
        bold_share: 0.0,
        bold_words: BoldWords::None,
        plain_size: 20.0,
        italic: false,
        fixed_pitch: false,
        math: 0.0,
        color: [0; 3],
        right_to_left: false,
        hyphenated: false,
        text: text.into(),
        tag: None,
        seen_title: None,
    }
}

#[track_caller]
fn check(lines: Vec<Line>, expected: &[usize]) {
    let counts: Vec<usize> = paragraphs(lines, false, false)
        .iter()
        .map(Vec::len)
        .collect();
    assert_eq!(counts, expected);
}

#[test]
fn divided_words_are_never_cut() {
    let lines = |gap: f32, rest: &str| {
        let mut divided = line(0.0, 0.0, 400.0, "the word is di");
        divided.hyphenated = true;
        let more = line(0.0, 24.0 + gap, 200.0, rest);
        vec![line(0.0, -24.0, 400.0, "words of a line"), divided, more]
    };
    check(lines(14.0, "vided here."), &[3]);
    check(lines(14.0, "Another"), &[2, 1]);
    check(lines(60.0, "vided here."), &[2, 1]);
}

#[test]
fn first_lines_that_stand_in_start_paragraphs() {
    let l = |x, y, x2| line(x, y, x2, "words of a line");
    check(
        vec![
            l(0.0, 0.0, 400.0),
            l(0.0, 24.0, 400.0),
            l(30.0, 48.0, 400.0),
            l(0.0, 72.0, 390.0),
        ],
        &[2, 2],
    );
}

#[test]
fn entries_of_an_index_are_lines_of_their_own() {
    let texts = [
        "acre, long, 1",
        "April, mornings in, 12, 15",
        "chain",
        "oiling of, 7",
        "measurement of very long",
        "distances, 8",
        "towers, 9-11",
    ];
    let ends = [130.0, 260.0, 60.0, 120.0, 400.0, 110.0, 120.0];
    let lines = texts.iter().zip(ends).enumerate();
    let lines = lines.map(|(i, (text, x2))| line(0.0, 24.0 * i as f32, x2, text));
    check(lines.collect(), &[1, 1, 1, 1, 2, 1]);
}

#[test]
fn white_space_starts_paragraphs() {
    let l = |y| line(0.0, y, 400.0, "words of a line");
    check(vec![l(0.0), l(24.0), l(48.0), l(90.0), l(114.0)], &[3, 2]);
}

#[test]
fn a_bold_line_stands_apart() {
    let mut heading = line(0.0, 0.0, 120.0, "Heading");
    (heading.bold, heading.bold_share) = (true, 1.0);
    check(
        vec![
            heading,
            line(0.0, 24.0, 400.0, "and text"),
            line(0.0, 48.0, 400.0, "and text"),
        ],
        &[1, 2],
    );
}

#[test]
fn parts_of_tall_formulas_are_in_their_line() {
    use crate::lines::Word;
    let piece = |order: usize, x1: f32, y: f32, size: f32, text: &str| {
        let width = size * 0.5 * text.len() as f32;
        let words = text
            .split(' ')
            .map(|word| Word::of(Rect::new(x1, y, x1 + width, y + size), word));
        Segment {
            order: Some(order),
            ..Segment::of(words.collect(), size)
        }
    };
    // A sum with its limits, and a fraction at the start of a line.
    let all = [
        piece(0, 0.0, 0.0, 20.0, "the error of all of the chains is"),
        piece(8, 0.0, 40.0, 20.0, "the sum S"),
        piece(11, 100.0, 28.0, 14.0, "n"),
        piece(12, 100.0, 58.0, 14.0, "k = 1"),
        piece(15, 130.0, 40.0, 20.0, "of all parts"),
        piece(18, 0.0, 72.0, 14.0, "w"),
        piece(19, 0.0, 92.0, 14.0, "24"),
        piece(20, 30.0, 80.0, 20.0, "for each bay and so on"),
    ];
    let indices: Vec<usize> = (0..all.len()).collect();
    let lines = lines_of(&indices, &all, &|_| None);
    let mut found: Vec<Vec<usize>> = lines.into_iter().map(|line| line.segments).collect();
    found.iter_mut().for_each(|line| line.sort_unstable());
    assert_eq!(found, [vec![0], vec![1, 2, 3, 4], vec![5, 6, 7]]);
}

#[track_caller]
fn check_recognized(lines: Vec<Line>, expected: &[usize]) {
    let found = paragraphs(lines, true, false);
    let counts: Vec<usize> = found.iter().map(Vec::len).collect();
    assert_eq!(counts, expected);
}

#[test]
fn recognized_sentences_with_some_room_between_them_are_paragraphs() {
    let lines = |gap: f32, text: &str, next: &str| {
        vec![
            line(0.0, 0.0, 400.0, "words of a line"),
            line(0.0, 24.0, 400.0, text),
            line(0.0, 48.0 + gap, 400.0, next),
            line(0.0, 72.0 + gap, 400.0, "and of a fourth one"),
        ]
    };
    check_recognized(lines(8.0, "are at an end.", "Others begin"), &[2, 2]);
    check_recognized(lines(8.0, "are not at an end", "Others begin"), &[4]);
    check_recognized(lines(2.0, "are at an end.", "Others begin"), &[4]);
    check(lines(4.0, "are at an end.", "Others begin"), &[4]);
}

#[test]
fn a_short_line_above_recognized_prose_is_a_heading() {
    let lines = |first: &str, count: usize| -> Vec<Line> {
        let line = |i: usize| match i {
            0 => line(0.0, 0.0, 180.0, first),
            _ => line(0.0, 24.0 * i as f32, 400.0, "Words of a full line"),
        };
        (0..count).map(line).collect()
    };
    check_recognized(lines("What the river left", 4), &[1, 3]);
    // Two lines of an address.
    check_recognized(lines("Edith Fairley", 2), &[2]);
}

#[test]
fn numbers_within_recognized_sentences_start_no_items() {
    let lines = |text: &str| {
        vec![
            line(0.0, 0.0, 400.0, "the yield stayed the same"),
            line(0.0, 24.0, 400.0, text),
            line(0.0, 48.0, 400.0, "23). The harbour closes"),
        ]
    };
    check_recognized(lines("as in the year before (see page"), &[3]);
    check_recognized(lines("as in the year before."), &[2, 1]);
}

#[test]
fn items_keep_their_hanging_lines() {
    let lines = vec![
        line(0.0, 0.0, 400.0, "• first item that"),
        line(20.0, 24.0, 200.0, "goes on"),
        line(0.0, 48.0, 300.0, "• second"),
        line(0.0, 72.0, 400.0, "A new paragraph"),
    ];
    check(lines, &[2, 1, 1]);
}

#[test]
fn a_short_last_line_ends_its_paragraph() {
    let lines = vec![
        line(0.0, 0.0, 400.0, "a long line of"),
        line(0.0, 24.0, 200.0, "text that ends."),
        line(0.0, 48.0, 400.0, "The next one starts"),
    ];
    check(lines, &[2, 1]);
}

#[test]
fn short_lines_with_room_above_recognized_prose_are_headings() {
    let lines = |gap: f32, text: &str| {
        let full = |y: f32| line(0.0, y, 400.0, "Words of a full line.");
        vec![
            full(0.0),
            full(24.0),
            line(0.0, 48.0 + gap, 160.0, text),
            full(74.0 + gap),
            full(98.0 + gap),
        ]
    };
    let found = |lines: Vec<Line>| -> Vec<String> {
        let all = paragraphs(lines, true, false);
        let headings = all.iter().filter(|block| block[0].is_heading());
        headings.map(|block| block[0].text.clone()).collect()
    };
    assert_eq!(
        found(lines(10.0, "The winter market")),
        ["The winter market"]
    );
    assert!(found(lines(0.0, "The winter market")).is_empty());
    assert!(found(lines(10.0, "Ashford Mere \u{2013}")).is_empty());
    assert!(found(lines(10.0, "Dear Edith,")).is_empty());
    assert!(found(lines(10.0, "It was over.")).is_empty());
}
