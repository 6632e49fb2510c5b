//! Aligned tables on synthetic pages: positive and negative cases, and heading spans.

use super::*;
use crate::lines::Word;

/// Segments at `(x, y)`, ten pixels per character, words separated at spaces.
fn page(texts: &[(f32, f32, &str)]) -> Vec<Segment> {
    let segment = |&(x, y, text): &(f32, f32, &str)| {
        let mut words = Vec::new();
        let mut at = 0;
        for part in text.split(' ') {
            let left = x + at as f32 * 10.0;
            let bbox = Rect::new(left, y, left + part.len() as f32 * 10.0, y + 20.0);
            words.push(Word {
                space_before: at > 0,
                ..Word::of(bbox, part)
            });
            at += part.len() + 1;
        }
        Segment::of(words, 20.0)
    };
    // Spaces of half an em are wide: words of one piece are moved closer.
    let mut segments: Vec<Segment> = texts.iter().map(segment).collect();
    for word in segments.iter_mut().flat_map(|s| &mut s.words) {
        word.bbox.x2 += 4.0;
    }
    segments
}

fn tables(segments: &[Segment], rulings: &[Rect]) -> Vec<String> {
    let all: Vec<usize> = (0..segments.len()).collect();
    let mut found = find_framed(&all, segments, rulings, 20.0);
    if found.is_empty() {
        found = find(&rows(&all, segments), segments, rulings, 20.0);
    }
    found.iter().map(|t| t.table.to_html()).collect()
}

#[test]
fn aligned_pieces_are_a_table() {
    let segments = page(&[
        (0.0, 0.0, "name"),
        (200.0, 0.0, "size"),
        (300.0, 0.0, "price"),
        (0.0, 30.0, "green tea"),
        (200.0, 30.0, "1"),
        (300.0, 30.0, "2.50"),
        (0.0, 60.0, "milk"),
        (200.0, 60.0, "2"),
        (300.0, 60.0, "1.10"),
    ]);
    assert_eq!(
        tables(&segments, &[]),
        [
            "<table><tr><td>name</td><td>size</td><td>price</td></tr><tr><td>green tea</td><td>1</td><td>2.50</td>\
          </tr><tr><td>milk</td><td>2</td><td>1.10</td></tr></table>"
        ]
    );
}

#[test]
fn a_heading_over_a_partial_rule_spans_its_columns() {
    let segments = page(&[
        (250.0, 0.0, "both"),
        (0.0, 30.0, "name"),
        (200.0, 30.0, "min"),
        (320.0, 30.0, "max"),
        (0.0, 60.0, "a"),
        (200.0, 60.0, "1"),
        (320.0, 60.0, "2"),
    ]);
    let rule = |y: f32, x1: f32, x2: f32| Rect::new(x1, y, x2, y + 1.0);
    let rulings = [
        rule(-5.0, 0.0, 360.0),
        rule(25.0, 195.0, 355.0),
        rule(90.0, 0.0, 360.0),
    ];
    let html = tables(&segments, &rulings);
    assert_eq!(html.len(), 1);
    assert!(
        html[0].starts_with("<table><tr><td></td><td colspan=\"2\">both</td></tr>"),
        "{}",
        html[0]
    );
}

#[test]
fn lists_and_prose_are_no_tables() {
    let list = page(&[
        (0.0, 0.0, "1."),
        (60.0, 0.0, "first thing"),
        (0.0, 30.0, "2."),
        (60.0, 30.0, "second"),
        (0.0, 60.0, "3."),
        (60.0, 60.0, "third thing"),
        (0.0, 90.0, "4."),
        (60.0, 90.0, "fourth thing with a much longer text to it"),
    ]);
    assert!(tables(&list, &[]).is_empty());
    assert!(
        tables(
            &page(&[(0.0, 0.0, "one line"), (0.0, 30.0, "and another")]),
            &[]
        )
        .is_empty()
    );
}

#[test]
fn markers_are_told_from_words() {
    for marker in ["•", "1.", "(a)", "iv)", "2.1.", "[3]"] {
        assert!(is_marker(marker), "{marker}");
    }
    for word in ["a", "1998", "tea", "e.g.,", "12"] {
        assert!(!is_marker(word), "{word}");
    }
}
