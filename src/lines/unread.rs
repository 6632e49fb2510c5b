//! Which lines of a page could not be read, or not surely.
//!
//! The detector finds lines of any script. A recognizer that lacks the script gives a few marks with a confidence near 1 (of a
//! line in Cyrillic: its commas and full stops), or letters of others that look alike, with a low one.

use super::line_text::LineText;
use super::thresholds::unread::*;
use crate::geometry::Rect;
use serde::{Deserialize, Serialize};

/// How sure a reading is, 0 to 1: its confidence, or 0 if it has far fewer characters than the line has room for.
///
/// `ratio`: length of the line by its height.
pub(super) fn sureness(ratio: f32, line: &LineText) -> f32 {
    match has_too_few_characters(ratio, line) {
        true => 0.0,
        false => line.confidence,
    }
}

/// `true` if a line of this shape would have several times as many characters, whatever its script.
pub(super) fn has_too_few_characters(ratio: f32, line: &LineText) -> bool {
    let count = line.text.chars().filter(|c| !c.is_whitespace()).count();
    ratio >= LEAST_RATIO && (count as f32) < LEAST_CHARACTERS * ratio
}

/// `true` if a line is long enough to be told from marks of any kind, and short enough to be read.
pub(super) fn is_line(ratio: f32, line: &LineText) -> bool {
    ratio >= LEAST_RATIO && !line.is_too_long
}

/// Lines of a page by how they were read; small ones, which may be anything, do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Lines without a reading, or with hardly any.
    pub unread: usize,
    /// Lines whose reading is doubtful.
    pub unsure: usize,
    /// All lines.
    pub lines: usize,
    /// Length of all, and of those without a sure reading, in heights.
    length: (f32, f32),
}

impl Tally {
    /// Adds a line. `is_dropped`: its reading is not used.
    pub(super) fn add(&mut self, ratio: f32, line: &LineText, is_dropped: bool) {
        if !is_line(ratio, line) {
            return;
        }
        self.lines += 1;
        self.length.0 += ratio;
        if is_dropped {
            self.unread += 1;
        } else if line.confidence < SURE {
            self.unsure += 1;
        } else {
            return;
        }
        self.length.1 += ratio;
    }

    /// `true` if so much of the page is not surely read that its text is in question.
    pub(super) fn is_told(&self) -> bool {
        let count = self.unread + self.unsure;
        (count > 1 || count == self.lines)
            && self.length.1 > 0.0
            && self.length.1 >= TOLD_SHARE * self.length.0
    }
}

/// Adds the places of unread lines to the pictures of a page, lines of a paragraph as one; a picture that shows such a
/// place in part becomes one with it.
pub(super) fn keep_pictures(unread: &[Rect], pictures: &mut Vec<Rect>) {
    let mut lines: Vec<Rect> = unread.to_vec();
    lines.sort_by(|a, b| a.y1.total_cmp(&b.y1));
    let mut paragraphs: Vec<Rect> = Vec::new();
    for line in lines {
        let follows = |above: &&mut Rect| {
            line.y1 - above.y2 < line.height() && line.x1 < above.x2 && above.x1 < line.x2
        };
        match paragraphs.iter_mut().rev().find(follows) {
            Some(above) => *above = above.union(&line),
            None => paragraphs.push(line),
        }
    }
    for place in paragraphs {
        let mut whole = place;
        pictures.retain(|shown| {
            let across = place.x2.min(shown.x2) - place.x1.max(shown.x1);
            let down = place.y2.min(shown.y2) - place.y1.max(shown.y1);
            let smaller = (place.width() * place.height()).min(shown.width() * shown.height());
            let is_apart = across <= 0.0 || down <= 0.0 || across * down * 2.0 < smaller;
            if !is_apart {
                whole = whole.union(shown);
            }
            is_apart
        });
        pictures.push(whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, confidence: f32) -> LineText {
        LineText {
            text: text.into(),
            confidence,
            ..LineText::default()
        }
    }

    #[test]
    fn marks_alone_are_no_reading_of_a_line() {
        assert_eq!(sureness(21.0, &line(".   ,      .", 0.95)), 0.0);
        assert_eq!(sureness(21.0, &line("a line of some words", 0.95)), 0.95);
        // Leader dots are many, and a short line may be a single mark.
        assert_eq!(sureness(21.0, &line("Index ............ 9", 0.9)), 0.9);
        assert_eq!(sureness(2.0, &line(".", 0.9)), 0.9);
    }

    #[test]
    fn unread_lines_of_a_paragraph_are_one_picture_with_what_is_there() {
        let at = |y1: f32, y2: f32| Rect::new(10.0, y1, 300.0, y2);
        let apart = Rect::new(400.0, 10.0, 500.0, 90.0);
        let mut pictures = vec![apart, at(12.0, 50.0)];
        keep_pictures(
            &[at(70.0, 90.0), at(10.0, 30.0), at(40.0, 60.0)],
            &mut pictures,
        );
        assert_eq!(pictures, [apart, at(10.0, 90.0)]);
        keep_pictures(&[at(200.0, 220.0)], &mut pictures);
        assert_eq!(pictures.len(), 3);
    }

    #[test]
    fn pages_are_told_by_the_share_of_doubtful_lines() {
        let mut tally = Tally::default();
        assert!(!tally.is_told());
        (0..20).for_each(|_| tally.add(20.0, &line("words", 0.97), false));
        tally.add(2.0, &line("x", 0.1), true);
        tally.add(10.0, &line("doubtful", 0.6), false);
        assert!(!tally.is_told());
        assert_eq!((tally.unread, tally.unsure, tally.lines), (0, 1, 21));
        (0..4).for_each(|_| tally.add(20.0, &line("", 0.0), true));
        assert!(tally.is_told());
        assert_eq!((tally.unread, tally.unsure, tally.lines), (4, 1, 25));
    }
}
