//! Headings that the bookmarks of a PDF name: lines whose text is the title of a bookmark that leads to their page.

use super::headings::NUMBER_WORDS;
use super::line::Line;
use super::thresholds::bookmarks::{MAX_LINES, MAX_NUMBER, SMALLEST};
use crate::document::OutlineEntry;
use std::ops::Range;

/// Numbers of elements that bookmarks stand for begin here: beyond those of a structure tree.
const FIRST_ELEMENT: usize = usize::MAX / 2;
/// Most bookmarks of a page that are looked for in its text.
const MOST: usize = 500;
/// Deepest level of a heading.
const MAX_LEVEL: u8 = 6;

/// Tags lines as headings, as the structure tree of a tagged page does, where their text is that of a bookmark.
///
/// `lines` are those of a zone from top to bottom. A title may take several lines, and either of the two may have the
/// heading's number, as in `2.1 Tides` and `Tides`. Lines that are smaller than `body` text are none: they are
/// running headers or entries of a table of contents. Lines that the tags of the page call a heading stay so.
pub(super) fn mark(lines: &mut [Line], bookmarks: &[OutlineEntry], body: f32) {
    if bookmarks.is_empty() {
        return;
    }
    let keys: Vec<String> = lines.iter().map(|line| key(&line.text)).collect();
    for (number, bookmark) in bookmarks.iter().take(MOST).enumerate() {
        let title = key(&bookmark.title);
        let level = Some(bookmark.depth.clamp(1, MAX_LEVEL));
        if let Some(found) = best_place(lines, &keys, &title, body) {
            for line in &mut lines[found] {
                line.tag = Some((FIRST_ELEMENT + number, level));
            }
        }
    }
}

/// The lines that are a title: of several places the one in the largest or bold type, then the last, since what stands
/// above it is a running header or an entry of a table of contents.
fn best_place(lines: &[Line], keys: &[String], title: &str, body: f32) -> Option<Range<usize>> {
    let is_free = |line: &Line| line.tag.is_none_or(|(_, level)| level.is_none());
    let look = |place: &Range<usize>| (lines[place.start].size, lines[place.start].bold);
    (0..lines.len())
        .filter_map(|start| Some(start..start + matching(&keys[start..], title)?))
        .filter(|place| lines[place.start].size >= SMALLEST * body)
        .filter(|place| lines[place.clone()].iter().all(is_free))
        .max_by(|a, b| {
            let ((size, bold), (other_size, other_bold)) = (look(a), look(b));
            size.total_cmp(&other_size).then(bold.cmp(&other_bold))
        })
}

/// Number of lines at the start of `keys` that are a title together, up to the number of a heading.
fn matching(keys: &[String], title: &str) -> Option<usize> {
    let mut text = String::new();
    for (count, key) in keys.iter().take(MAX_LINES).enumerate() {
        if key.is_empty() || title.is_empty() {
            return None;
        }
        text.push_str(key);
        if text == title || is_numbered_form(&text, title) || is_numbered_form(title, &text) {
            return Some(count + 1);
        }
        if text.len() > title.len() + MAX_NUMBER {
            return None;
        }
    }
    None
}

/// `true` if `long` is `short` after the number of a heading.
fn is_numbered_form(long: &str, short: &str) -> bool {
    let Some(number) = long.strip_suffix(short) else {
        return false;
    };
    let number = NUMBER_WORDS
        .iter()
        .find_map(|word| number.strip_prefix(word))
        .unwrap_or(number);
    // One letter is a number too, and may have figures after it: those of an appendix.
    let figures = number.trim_start_matches(|c: char| c.is_alphabetic());
    let letters = number.chars().count() - figures.chars().count();
    let is_number = letters <= 1 && figures.chars().all(|c| c.is_ascii_digit())
        || number.chars().all(|c| "ivxlc".contains(c));
    !number.is_empty() && number.len() <= MAX_NUMBER && is_number && short.chars().count() > 2
}

/// Letters and digits of a text in small letters: spaces, dots and signs differ between page and bookmark.
fn key(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Rect;

    fn lines(texts: &[(&str, f32)]) -> Vec<Line> {
        let line = |(at, (text, size)): (usize, &(&str, f32))| {
            let y = at as f32 * 30.0;
            Line {
                bbox: Rect::new(0.0, y, 400.0, y + size),
                size: *size,
                text: text.to_string(),
                ..Line::new(Vec::new(), &[], &|_| None)
            }
        };
        texts.iter().enumerate().map(line).collect()
    }

    fn marked(texts: &[(&str, f32)], title: &str) -> Vec<usize> {
        let mut lines = lines(texts);
        let bookmark = OutlineEntry {
            title: title.into(),
            page_index: Some(0),
            depth: 2,
        };
        mark(&mut lines, &[bookmark], 20.0);
        let level = |line: &Line| line.tag.and_then(|tag| tag.1);
        assert!(lines.iter().all(|line| level(line).is_none_or(|l| l == 2)));
        (0..lines.len())
            .filter(|i| level(&lines[*i]).is_some())
            .collect()
    }

    #[test]
    fn lines_with_the_text_of_a_bookmark_are_headings() {
        let page = [
            ("The rise of", 20.0),
            ("the tides", 20.0),
            ("The tides rise.", 20.0),
        ];
        assert_eq!(marked(&page, "The Rise of the Tides"), [0, 1]);
        assert_eq!(marked(&page, "the tides"), [1]);
        assert!(marked(&page, "Tides").is_empty() && marked(&page, "").is_empty());
        assert!(marked(&page, "The rise of the tides in spring").is_empty());
    }

    #[test]
    fn numbers_of_headings_may_be_missing_on_either_side() {
        assert_eq!(marked(&[("2.1 Ebb and flow", 20.0)], "Ebb and flow"), [0]);
        assert_eq!(marked(&[("Ebb and flow", 20.0)], "2.1 Ebb and flow"), [0]);
        assert_eq!(
            marked(&[("A", 20.0), ("Ebb and flow", 20.0)], "Ebb and flow"),
            [1]
        );
        assert_eq!(marked(&[("Chapter 2", 20.0), ("Ebb", 20.0)], "Ebb"), [1]);
        assert_eq!(marked(&[("A.1 Ebb and flow", 20.0)], "Ebb and flow"), [0]);
        assert!(marked(&[("On ebb and flow", 20.0)], "Ebb and flow").is_empty());
        assert!(marked(&[("2. Is it ebb?", 20.0)], "Ebb").is_empty());
    }

    #[test]
    fn of_several_places_the_most_prominent_is_the_heading() {
        let twice = [
            ("Tides", 20.0),
            ("Text", 20.0),
            ("Tides", 24.0),
            ("Tides", 12.0),
        ];
        assert_eq!(marked(&twice, "Tides"), [2]);
        assert!(
            marked(&[("Tides", 12.0)], "Tides").is_empty(),
            "smaller than text"
        );
    }
}
