//! Tables.
//!
//! Evidence is collected first: lines and borders that are drawn ([`evidence`]), lines of text in pieces ([`pieces`]).
//! It proposes areas of the page ([`regions`]), and each of them gets the grid that leaves one thing in each cell
//! ([`grid`]): columns by dynamic programming over gaps and lines, rows by judging neighbouring lines. Areas that overlap
//! compete; those that win are each a [`FoundTable`]: its box, its grid with the text of every cell, and its segments,
//! which the rest of the layout then ignores. docs/tables.md explains the model; [`trace`] collects what was considered,
//! for drawings.

mod areas;
mod evidence;
mod fields;
mod frames;
mod grid;
mod judge;
mod pieces;
mod reason;
mod regions;
mod rules;
#[cfg(test)]
mod tests;
mod thresholds;
mod trace;
mod turned;

pub(crate) use evidence::{Evidence, FixedPitch};
pub(crate) use judge::is_listing;
pub(crate) use pieces::note_text;
#[cfg(test)]
pub(crate) use reason::Reason;
pub(crate) use regions::{find_drawn, find_numbers, find_open};
pub(crate) use rules::Rule;
pub(crate) use trace::{Considered, Origin, Outline, TableTrace, Trace};
pub(crate) use turned::find_turned;

use crate::document::{Cell, CellPlace, LINE_HYPHEN, Table};
use crate::geometry::{Rect, rows_by_overlap};
use crate::lines::{Direction, Segment, Shift, Word, is_cjk, words_text};

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

/// A row of text: segments side by side.
#[derive(Debug, Clone)]
pub(crate) struct TextRow {
    /// Indices of the segments, from left to right.
    pub segments: Vec<usize>,
    /// Bounding box of all of them.
    pub bbox: Rect,
}

/// Groups segments into rows by their vertical extent, from top to bottom.
pub(crate) fn rows(indices: &[usize], segments: &[Segment]) -> Vec<TextRow> {
    let boxes: Vec<Rect> = indices.iter().map(|i| segments[*i].bbox).collect();
    let rows = rows_by_overlap(&boxes, Rect::union)
        .into_iter()
        .map(|(row, bbox)| {
            let mut row: Vec<usize> = row.into_iter().map(|i| indices[i]).collect();
            row.sort_by(|&a, &b| segments[a].bbox.x1.total_cmp(&segments[b].bbox.x1));
            TextRow {
                segments: row,
                bbox,
            }
        });
    rows.collect()
}

/// `true` if a word is a list marker: a bullet, or a number or letter with a dot or bracket.
pub(crate) fn is_marker(word: &str) -> bool {
    let mut chars = word.chars();
    match (chars.next(), word.chars().count()) {
        (Some(c), 1) => "•◦▪▫■□●○‣⁃·*–—-➢➤✓✔".contains(c),
        (Some(_), n) if n <= thresholds::aligned::MARKER_CHARS => {
            let core = word
                .trim_start_matches(['(', '['])
                .trim_end_matches([')', '.', ']', ':']);
            let closed = word.ends_with([')', '.', ']', ':']);
            let roman = core.chars().all(|c| "ivxIVX".contains(c));
            let number = core
                .split('.')
                .all(|p| !p.is_empty() && p.chars().all(|c| c.is_ascii_digit()));
            closed && !core.is_empty() && (number || roman || core.chars().count() == 1)
        }
        _ => false,
    }
}

/// Words with the segments that contain them.
pub(super) type PlacedWords<'a> = Vec<(&'a Segment, &'a Word)>;

/// Fills a cell with words, and tells where it stands: within `bbox`, or around its words. `confidence` is that of the
/// grid, 0 to 1.
pub(super) fn placed_cell(
    cell: Cell,
    words: PlacedWords,
    bbox: Option<Rect>,
    confidence: f32,
) -> Cell {
    let read = words.iter().filter_map(|(segment, _)| segment.confidence);
    let (sum, count) = read.fold((0.0, 0usize), |(sum, n), own| (sum + own, n + 1));
    let read = if count > 0 { sum / count as f32 } else { 1.0 };
    let lines = lines_of(words);
    let boxes = lines
        .iter()
        .filter_map(|line| Rect::union_all(line.iter().map(|(_, word)| &word.bbox)));
    let boxes: Vec<Rect> = boxes.collect();
    let text = Rect::union_all(&boxes);
    // Lines set solid reach into the rows beside theirs.
    let bbox = bbox.map(|own| Rect {
        y1: text.map_or(own.y1, |text| own.y1.min(text.y1)),
        y2: text
            .map_or(own.y2, |text| own.y2.max(text.y2))
            .max(own.y1 + 1.0),
        ..own
    });
    let place = bbox.or(text).map(|bbox| CellPlace {
        page_index: None,
        bbox: bbox.to_pixels(),
        lines: boxes.iter().map(Rect::to_pixels).collect(),
        confidence: (100.0 * read * confidence).round() / 100.0,
    });
    Cell {
        text: text_of(lines),
        place: place.map(Box::new),
        ..cell
    }
}

/// Joins the words of a cell to one text, line after line; words hyphenated at a line's end are rejoined.
pub(super) fn cell_text(words: PlacedWords) -> String {
    text_of(lines_of(words))
}

fn is_turned(words: &PlacedWords) -> bool {
    words
        .iter()
        .all(|(segment, _)| segment.direction == Direction::Turned)
}

/// The lines of the words of a cell, from top to bottom. Rotated text, whose lines stand side by side, is one.
fn lines_of(mut words: PlacedWords) -> Vec<PlacedWords> {
    if !words.is_empty() && is_turned(&words) {
        return vec![words];
    }
    // Words of one segment stand on one line, raised ones, too.
    words.sort_by(|a, b| a.0.bbox.center_y().total_cmp(&b.0.bbox.center_y()));
    let mut lines: Vec<(Rect, PlacedWords)> = Vec::new();
    for (segment, word) in words {
        let own = &segment.bbox;
        let is_on = |line: &Rect| {
            let off = (line.center_y() - own.center_y()).abs();
            off < thresholds::cells::SAME_LINE * line.height().min(own.height())
        };
        match lines.last_mut() {
            Some((line, words)) if is_on(line) => {
                if own.width() > line.width() {
                    *line = *own;
                }
                words.push((segment, word));
            }
            _ => lines.push((*own, vec![(segment, word)])),
        }
    }
    lines.into_iter().map(|(_, words)| words).collect()
}

/// The text of the lines of a cell.
fn text_of(mut lines: Vec<PlacedWords>) -> String {
    if let [words] = &lines[..]
        && is_turned(words)
    {
        return turned_text(words);
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

/// The text of rotated words, which come in writing order: a space is a gap along the line, or the step to the next line.
fn turned_text(words: &PlacedWords) -> String {
    let mut out: Vec<Word> = Vec::with_capacity(words.len());
    let mut last: Option<Rect> = None;
    for (segment, word) in words {
        let mut next = (*word).clone();
        if let Some(last) = last {
            let own = &word.bbox;
            let is_same_line = last.overlap_x(own) > 0.5 * last.width().min(own.width());
            let gap = (own.y1 - last.y2).max(last.y1 - own.y2);
            let space = thresholds::cells::TURNED_SPACE * segment.style.font_size;
            next.space_before |= !is_same_line || gap > space;
        }
        last = Some(word.bbox);
        out.push(next);
    }
    words_text(&out)
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
