//! Tables: grids of ruling lines ([`ruled`]), and columns separated by white space ([`aligned`]).
//!
//! Both yield a [`FoundTable`]: its box, its grid with the text of every cell, and its segments, which the
//! rest of the layout then ignores.

pub(super) mod aligned;
pub(super) mod ruled;
mod thresholds;

use crate::document::{LINE_HYPHEN, Table};
use crate::geometry::Rect;
use crate::lines::{Segment, Shift, Word, is_cjk, words_text};

/// A table on a page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FoundTable {
    /// Bounding box.
    pub bbox: Rect,
    /// Its cells.
    pub table: Table,
    /// Indices of its segments.
    pub segments: Vec<usize>,
}

/// Words with the segments that contain them.
pub(super) type PlacedWords<'a> = Vec<(&'a Segment, &'a Word)>;

/// Joins the words of a cell to one text, line after line; words hyphenated at a line's end are rejoined.
pub(super) fn cell_text(mut words: PlacedWords) -> String {
    words.sort_by(|a, b| a.1.bbox.center_y().total_cmp(&b.1.bbox.center_y()));
    let mut lines: Vec<Vec<(&Segment, &Word)>> = Vec::new();
    for (segment, word) in words {
        match lines.last_mut() {
            // Raised words lie above their line: half a line's height still belongs to it.
            Some(line)
                if {
                    let top = line
                        .iter()
                        .map(|(s, _)| s.bbox.y1)
                        .fold(f32::INFINITY, f32::min);
                    let bottom = line
                        .iter()
                        .map(|(s, _)| s.bbox.y2)
                        .fold(f32::NEG_INFINITY, f32::max);
                    let overlap = bottom.min(segment.bbox.y2) - top.max(segment.bbox.y1);
                    overlap
                        > thresholds::cells::LINE_OVERLAP * segment.bbox.height().min(bottom - top)
                } =>
            {
                line.push((segment, word));
            }
            _ => lines.push(vec![(segment, word)]),
        }
    }
    let mut text = String::new();
    let mut cut = false;
    for line in &mut lines {
        let rtl = line.iter().filter(|(s, _)| s.right_to_left).count() * 2 > line.len();
        line.sort_by(|a, b| a.1.bbox.x1.total_cmp(&b.1.bbox.x1));
        if rtl {
            line.reverse();
        }
        let mut words: Vec<Word> = line.iter().map(|(_, word)| (*word).clone()).collect();
        // Segments of a line are separate because there is space between them.
        for i in 1..words.len() {
            words[i].space_before |= !std::ptr::eq(line[i].0, line[i - 1].0);
        }
        // Cells are plain text: the markup of superscripts would be escaped with it.
        words.iter_mut().for_each(|word| word.shift = Shift::None);
        join_line(&mut text, &words_text(&words), cut);
        let last = line.last().expect("lines are made with a word");
        cut = last.0.hyphenated && std::ptr::eq(last.0.words.last().unwrap_or(last.1), last.1);
    }
    if cut {
        text.push('-');
    }
    text
}

/// Appends a line to a text, with a space unless both sides are CJK characters.
///
/// With `cut` the last word goes on, and may have a hyphen there or not: the place becomes a soft hyphen, about
/// which the finished document decides.
pub(crate) fn join_line(text: &mut String, line: &str, cut: bool) {
    let last = text.chars().next_back();
    let first = line.chars().next();
    let kept_hyphen =
        last == Some('-') && text.chars().rev().nth(1).is_some_and(char::is_alphanumeric);
    let wide = last.is_some_and(is_cjk) && first.is_some_and(is_cjk);
    let compound = kept_hyphen && first.is_some_and(char::is_alphanumeric);
    if cut && !text.is_empty() {
        text.push(LINE_HYPHEN);
    } else if !(text.is_empty() || wide || compound) {
        text.push(' ');
    }
    text.push_str(line);
}

#[cfg(test)]
mod tests {
    use super::join_line;

    #[test]
    fn lines_join_as_their_scripts_do() {
        let join = |a: &str, b: &str, cut| {
            let mut text = a.to_string();
            join_line(&mut text, b, cut);
            text
        };
        assert_eq!(join("one", "two", false), "one two");
        assert_eq!(join("hyphen", "ation", true), "hyphen\u{ad}ation");
        assert_eq!(join("well-", "known", false), "well-known");
        assert_eq!(join("a -", "b", false), "a - b");
        assert_eq!(join("中文", "文字", false), "中文文字");
        assert_eq!(join("", "x", false), "x");
    }
}
