//! Headings and running headers that a network sees in the picture of the page.
//!
//! Lines read from a picture have no weight, so that geometry knows only headings that are larger or numbered; a network
//! sees the others. It also takes short paragraphs for headings; those are refused by their text.

use super::headings::{is_code_like, is_keywords};
use super::line::Line;
use super::thresholds::seen::*;
use crate::document::Label;
use crate::geometry::Rect;
use crate::layout::picture::Seen;

/// Numbers the headings among the lines of a zone, given from top to bottom. `titles`: boxes, from the surest to the least sure.
pub(super) fn mark(lines: &mut [Line], titles: &[Rect]) {
    for (number, title) in titles.iter().enumerate() {
        let is_in = |line: &Line| {
            line.bbox.share_inside(title) > INSIDE && title.overlap_y(&line.bbox) > 0.0
        };
        let own: Vec<usize> = (0..lines.len()).filter(|i| is_in(&lines[*i])).collect();
        let is_free = own
            .iter()
            .all(|i| lines[*i].tag.is_none() && lines[*i].seen_title.is_none());
        let texts: Vec<&str> = own.iter().map(|i| lines[*i].text.as_str()).collect();
        if is_free && may_be_heading(&texts) {
            own.iter().for_each(|i| lines[*i].seen_title = Some(number));
        }
    }
}

/// `true` if lines can be a heading by their text.
pub(super) fn may_be_heading(lines: &[&str]) -> bool {
    let text = lines.join(" ");
    let text = text.trim_end();
    let end = text.trim_end_matches(['"', '\'', '”', '’', '»', '“']);
    let chars = text.chars().count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let is_sentence = end.ends_with(['.', '。', '，', '、'])
        && text.split_whitespace().count() >= SENTENCE_WORDS
        || lines.len() > 1 && end.ends_with('。');
    let goes_on = text.ends_with([',', ';', '-']);
    let is_bullet = text.starts_with(['•', '-', '·', '・', '☐', '□', '*']);
    (1..=MAX_LINES).contains(&lines.len())
        && chars <= MAX_CHARS
        && letters * 2 > chars
        && !is_sentence
        && !goes_on
        && !is_bullet
        && !is_code_like(text)
        && !is_keywords(text)
}

/// Header or footer, if the outermost line of a page is seen as one. `ends`: it is the first line, it is the last line.
pub(super) fn margin(seen: &Seen, line: &Line, (top, bottom): (bool, bool)) -> Option<Label> {
    let is_in = |boxes: &[Rect]| boxes.iter().any(|own| line.bbox.share_inside(own) > INSIDE);
    match (top && is_in(&seen.headers), bottom && is_in(&seen.footers)) {
        (true, _) => Some(Label::Header),
        (_, true) => Some(Label::Footer),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<Line> {
        let line = |(at, text): (usize, &&str)| {
            let y = at as f32 * 30.0;
            Line {
                bbox: Rect::new(0.0, y, 400.0, y + 20.0),
                text: text.to_string(),
                ..Line::new(Vec::new(), &[], &|_| None)
            }
        };
        texts.iter().enumerate().map(line).collect()
    }

    fn marked(texts: &[&str], titles: &[(f32, f32)]) -> Vec<Option<usize>> {
        let mut lines = lines(texts);
        let titles: Vec<Rect> = titles
            .iter()
            .map(|(y1, y2)| Rect::new(-2.0, *y1, 402.0, *y2))
            .collect();
        mark(&mut lines, &titles);
        lines.iter().map(|line| line.seen_title).collect()
    }

    #[test]
    fn lines_in_the_box_of_a_heading_are_one() {
        let page = ["The rise of", "the tides", "All the tides rise.", "Ice"];
        let boxes = [(88.0, 112.0), (-2.0, 51.0), (58.0, 82.0)];
        assert_eq!(marked(&page, &boxes), [Some(1), Some(1), None, Some(0)]);
        assert_eq!(
            marked(&page, &[(9.0, 22.0)]),
            [None; 4],
            "it has half of a line"
        );
        assert_eq!(
            marked(&page, &[(-2.0, 51.0), (-2.0, 22.0)]),
            [Some(0), Some(0), None, None]
        );
    }

    #[test]
    fn paragraphs_are_refused_by_their_text() {
        for text in [
            "Please write in block letters.",
            "tides, ice,",
            "\u{2022} Every step of the method",
            "2026/06/11 17:42",
            "https://a.b/Tides",
            "Keywords: tides, ice",
        ] {
            assert!(!may_be_heading(&[text]), "{text}");
        }
        for text in [
            "1. Scope.",
            "Section A: Vessel",
            "\u{6ce8}\u{610f}",
            "What is ice?",
        ] {
            assert!(may_be_heading(&[text]), "{text}");
        }
        assert!(!may_be_heading(&["a line"; 4]));
        assert!(!may_be_heading(&[]));
    }

    #[test]
    fn only_the_outermost_lines_are_headers_and_footers() {
        let line = &lines(&["Tide tables"])[0];
        let seen = Seen {
            headers: vec![Rect::new(0.0, 0.0, 500.0, 25.0)],
            ..Seen::default()
        };
        assert_eq!(margin(&seen, line, (true, false)), Some(Label::Header));
        assert_eq!(margin(&seen, line, (false, true)), None);
        assert_eq!(margin(&Seen::default(), line, (true, true)), None);
    }
}
