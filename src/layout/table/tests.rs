//! Tables on synthetic pages: drawn ones, aligned ones, and what is none. Here are the makers of such pages.

mod bands;
mod forms;
mod grids;
mod none;
mod open;
mod prose;

use super::*;
use crate::lines::Word;

/// Width of a character on a page.
fn advance(c: char) -> f32 {
    if is_cjk(c) { 20.0 } else { 10.0 }
}

fn width(text: &str) -> f32 {
    text.chars().map(advance).sum()
}

/// A segment at `(x, y)` with `space` pixels between its words.
fn spaced(x: f32, y: f32, space: f32, text: &str) -> Segment {
    let mut left = x;
    let mut words = Vec::new();
    for (at, part) in text.split(' ').enumerate() {
        let bbox = Rect::new(left, y, left + width(part), y + 20.0);
        words.push(Word {
            space_before: at > 0,
            ..Word::of(bbox, part)
        });
        left = bbox.x2 + space;
    }
    Segment::of(words, 20.0)
}

/// Segments at `(x, y)`, ten pixels per character, twenty per Chinese one, words separated at spaces.
fn page(texts: &[(f32, f32, &str)]) -> Vec<Segment> {
    let segment = |&(x, y, text): &(f32, f32, &str)| spaced(x, y, 10.0, text);
    // Spaces of half an em are wide: words of one piece are moved closer.
    let mut segments: Vec<Segment> = texts.iter().map(segment).collect();
    for word in segments.iter_mut().flat_map(|s| &mut s.words) {
        word.bbox.x2 += 4.0;
    }
    segments
}

/// Texts in columns at `xs` and rows 30 pixels apart, the first one at `y`. Empty texts are left out.
fn columns(xs: &[f32], y: f32, rows: &[&[&str]]) -> Vec<Segment> {
    let mut texts = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let places = xs.iter().zip(*row).filter(|(_, text)| !text.is_empty());
        texts.extend(places.map(|(x, text)| (*x, y + 30.0 * at as f32, *text)));
    }
    page(&texts)
}

/// What lines and shaded areas say of a page of 1000 x 1000 pixels with text of 20 pixels.
fn evidence<'a>(
    segments: &'a [Segment],
    rulings: &[Rect],
    fills: &[(Rect, [u8; 3])],
) -> Evidence<'a> {
    Evidence::new(segments, rulings, fills, (1000.0, 1000.0), 20.0)
}

/// Tables that lines are drawn for.
fn drawn(segments: &[Segment], rulings: &[Rect]) -> Vec<FoundTable> {
    shaded(segments, rulings, &[])
}

fn shaded(segments: &[Segment], rulings: &[Rect], fills: &[(Rect, [u8; 3])]) -> Vec<FoundTable> {
    let all: Vec<usize> = (0..segments.len()).collect();
    find_drawn(&evidence(segments, rulings, fills), &all)
}

/// The tables of a page, and why other areas are none.
fn judged(segments: &[Segment], rulings: &[Rect]) -> (Vec<String>, Vec<Reason>) {
    let all: Vec<usize> = (0..segments.len()).collect();
    let mut evidence = evidence(segments, rulings, &[]);
    evidence.trace = Trace::on();
    let mut found = find_drawn(&evidence, &all);
    if found.is_empty() {
        found = find_open(&evidence, &rows(&all, segments));
    }
    let considered = evidence.trace.into_inner().considered;
    let reasons = considered.iter().filter_map(|c| c.refused).collect();
    (found.iter().map(|t| t.table.to_html()).collect(), reasons)
}

fn tables(segments: &[Segment], rulings: &[Rect]) -> Vec<String> {
    judged(segments, rulings).0
}

/// There is no table, for this reason.
#[track_caller]
fn is_none(segments: &[Segment], rulings: &[Rect], reason: Reason) {
    let (found, reasons) = judged(segments, rulings);
    assert!(
        found.is_empty() && reasons.contains(&reason),
        "{found:?} {reasons:?}"
    );
}

fn segment(x: f32, y: f32, text: &str) -> Segment {
    let bbox = Rect::new(x, y, x + 10.0 * text.len() as f32, y + 20.0);
    Segment::of(vec![Word::of(bbox, text)], 20.0)
}

fn horizontal(y: f32, x1: f32, x2: f32) -> Rect {
    Rect::new(x1, y, x2, y + 1.0)
}

fn vertical(x: f32, y1: f32, y2: f32) -> Rect {
    Rect::new(x, y1, x + 1.0, y2)
}

/// A table without spans.
fn html(rows: &[&[&str]]) -> String {
    let cell = |text: &&str| format!("<td>{text}</td>");
    let cells = |row: &&[&str]| row.iter().map(cell).collect::<String>();
    let rows = rows.iter().map(|row| format!("<tr>{}</tr>", cells(row)));
    format!("<table>{}</table>", rows.collect::<String>())
}
