//! Rows of a text layer: characters of one line that follow each other in the layer, with their place on the
//! page. They are what can be read from the picture by itself.

use super::letters::is_other_script;
use super::thresholds::rows::*;
use crate::geometry::{Point, Quad, Rect};
use crate::input::pdf::page::{PdfChar, PdfPage};
use std::ops::Range;

/// A part of a line without large gaps.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Indices of its characters in the layer.
    pub chars: Range<usize>,
    /// Box of those that leave a mark, in page pixels.
    pub bbox: Rect,
    /// Clockwise quarter turns of its direction of writing, 0 to 3.
    pub quarters: u32,
}

/// The rows of a page's text that is seen, in the order of the layer; slanted text is in none.
pub(super) fn rows(content: &PdfPage) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut open: Option<(Row, Rect)> = None;
    for (at, c) in content.chars.iter().enumerate() {
        if matches!(char::from_u32(c.code), Some('\r' | '\n')) && c.run == u32::MAX {
            rows.extend(open.take().map(|(row, _)| row));
        }
        if !c.is_mark() {
            continue;
        }
        let Some((bbox, quarters)) = place(content, c) else {
            rows.extend(open.take().map(|(row, _)| row));
            continue;
        };
        let goes_on = open.as_ref().is_some_and(|(row, last)| {
            row.quarters == quarters
                && follows(last, &bbox, quarters)
                && row.chars.len() < MOST_CHARS
        });
        match &mut open {
            Some((row, last)) if goes_on => {
                row.chars.end = at + 1;
                row.bbox = row.bbox.union(&bbox);
                *last = bbox;
            }
            _ => {
                rows.extend(open.take().map(|(row, _)| row));
                let row = Row {
                    chars: at..at + 1,
                    bbox,
                    quarters,
                };
                open = Some((row, bbox));
            }
        }
    }
    rows.extend(open.map(|(row, _)| row));
    rows
}

/// Box and quarter turns of a character that is seen and not slanted.
fn place(content: &PdfPage, c: &PdfChar) -> Option<(Rect, u32)> {
    let run = content.runs.get(c.run as usize)?;
    let quarters = (run.angle / 90.0).round();
    let is_slanted = (run.angle - quarters * 90.0).abs() > SLANTED;
    let [x1, y1, x2, y2] = c.bbox;
    let is_sound = c.bbox.iter().all(|v| v.is_finite()) && x2 > x1 && y2 > y1;
    (run.hidden.is_none() && !is_slanted && is_sound)
        .then(|| (Rect { x1, y1, x2, y2 }, quarters.rem_euclid(4.0) as u32))
}

/// `true` if a character follows another one on its line.
fn follows(last: &Rect, next: &Rect, quarters: u32) -> bool {
    let (along, across, height) = match quarters % 2 {
        0 => (
            next.x1.max(last.x1) - next.x2.min(last.x2),
            last.overlap_y(next),
            last.height().min(next.height()),
        ),
        _ => (
            next.y1.max(last.y1) - next.y2.min(last.y2),
            last.overlap_x(next),
            last.width().min(next.width()),
        ),
    };
    across >= OVERLAP * height && along <= GAP * height
}

impl Row {
    /// Its corners in reading direction, with some room around it.
    pub(super) fn quad(&self) -> Quad {
        let height = match self.quarters % 2 {
            0 => self.bbox.height(),
            _ => self.bbox.width(),
        };
        let Rect { x1, y1, x2, y2 } = self.bbox.expanded(ROOM * height, ROOM * height);
        let [a, b, c, d] = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)].map(|(x, y)| Point { x, y });
        Quad(match self.quarters {
            0 => [a, b, c, d],
            1 => [b, c, d, a],
            2 => [c, d, a, b],
            _ => [d, a, b, c],
        })
    }

    /// Where a box begins and ends along [`Row::quad`], as fractions of its length.
    pub(super) fn stretch(&self, [x1, y1, x2, y2]: [f32; 4]) -> (f32, f32) {
        let whole = self.quad().bounds();
        let (from, to, length) = match self.quarters {
            0 => (x1 - whole.x1, x2 - whole.x1, whole.width()),
            1 => (y1 - whole.y1, y2 - whole.y1, whole.height()),
            2 => (whole.x2 - x2, whole.x2 - x1, whole.width()),
            _ => (whole.y2 - y2, whole.y2 - y1, whole.height()),
        };
        (from / length.max(1.0), to / length.max(1.0))
    }

    /// Length over height of [`Row::quad`].
    pub(super) fn length_in_heights(&self) -> f32 {
        let quad = self.quad();
        quad.width() / quad.height().max(1.0)
    }

    /// Its text, with spaces as the layer has them.
    pub(super) fn text(&self, content: &PdfPage) -> String {
        let chars = content.chars[self.chars.clone()].iter();
        let letter = |c: &PdfChar| match c.letter() {
            c if c.is_whitespace() || c.is_control() => ' ',
            c => c,
        };
        chars.map(letter).collect()
    }

    /// `true` if the line recognizer knows its letters.
    pub(super) fn is_readable(&self, content: &PdfPage) -> bool {
        let text = self.text(content);
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        let other = text.chars().filter(|c| is_other_script(*c)).count();
        other as f32 <= MAX_OTHER * letters as f32
    }

    /// `true` if a glyph without meaning is part of one of its words: it touches a letter or a digit, or several
    /// such glyphs follow each other. One that stands alone is a sign or a bullet, as a rule.
    pub(super) fn has_unknown_letter(&self, content: &PdfPage) -> bool {
        let mut unknown = 0;
        let mut last: Option<&PdfChar> = None;
        for c in &content.chars[self.chars.clone()] {
            let is_unknown = c.is_mark() && c.is_meaningless();
            if !is_unknown && !c.letter().is_alphanumeric() {
                (unknown, last) = (0, None);
                continue;
            }
            let before = last.filter(|last| self.touch(last, c));
            if before.is_none() {
                unknown = 0;
            }
            let is_known_before = before.is_some_and(|last| !last.is_meaningless());
            if before.is_some() && is_unknown == is_known_before
                || is_unknown && unknown + 1 >= WORD_GLYPHS
            {
                return true;
            }
            unknown = if is_unknown { unknown + 1 } else { 0 };
            last = Some(c);
        }
        false
    }

    /// `true` if two characters stand beside each other without a space.
    fn touch(&self, a: &PdfChar, b: &PdfChar) -> bool {
        let side = self.quarters as usize % 2;
        let gap = (b.bbox[side] - a.bbox[side + 2]).max(a.bbox[side] - b.bbox[side + 2]);
        let width = |c: &PdfChar| c.bbox[side + 2] - c.bbox[side];
        let height = self.bbox.width().min(self.bbox.height());
        gap <= WORD_GAP * height && gap >= -SAME_PLACE * width(a).min(width(b))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::input::pdf::page::PdfRun;

    /// A page with these lines: letters ten pixels wide and twenty high, thirty pixels apart, all of font 0.
    /// `#` is a glyph without Unicode.
    pub(in crate::lines) fn page(lines: &[&str]) -> PdfPage {
        let run = PdfRun {
            size: 16.0,
            ..PdfRun::PLAIN
        };
        let mut chars = Vec::new();
        for (row, line) in lines.iter().enumerate() {
            let y = 30.0 * row as f32;
            for (at, c) in line.chars().enumerate() {
                let x = 10.0 * at as f32;
                chars.push(PdfChar {
                    code: if c == '#' { 0xF0023 } else { c as u32 },
                    bbox: [x, y, x + 10.0, y + 20.0],
                    run: 0,
                    unmapped: c == '#',
                });
            }
            chars.push(PdfChar {
                code: '\n' as u32,
                bbox: [0.0; 4],
                run: u32::MAX,
                unmapped: false,
            });
        }
        PdfPage {
            chars,
            runs: vec![run],
            fonts: vec!["Font".into()],
            embedded: vec![true],
            ..PdfPage::default()
        }
    }

    #[test]
    fn lines_and_columns_are_rows() {
        let mut content = page(&["one line", "two"]);
        // The last word in a column of its own.
        content.chars[4..8].iter_mut().for_each(|c| {
            (c.bbox[0], c.bbox[2]) = (c.bbox[0] + 60.0, c.bbox[2] + 60.0);
        });
        let rows = rows(&content);
        let texts: Vec<_> = rows.iter().map(|row| row.text(&content)).collect();
        assert_eq!(texts, ["one", "line", "two"]);
        let (from, to) = rows[2].stretch(content.chars[rows[2].chars.start].bbox);
        assert!(from > 0.0 && to < 0.5, "{from} {to}");
    }

    #[test]
    fn turned_rows_are_read_along_their_direction() {
        let mut content = page(&["ab"]);
        content.runs[0].angle = 90.0;
        content.chars[0].bbox = [0.0, 0.0, 20.0, 10.0];
        content.chars[1].bbox = [0.0, 10.0, 20.0, 20.0];
        let rows = rows(&content);
        assert_eq!((rows.len(), rows[0].quarters), (1, 1));
        let quad = rows[0].quad();
        // The top left of the text is the top right of the page.
        assert!(quad.0[0].x > quad.0[2].x && quad.0[0].y < quad.0[1].y);
        let first = rows[0].stretch(content.chars[0].bbox);
        let second = rows[0].stretch(content.chars[1].bbox);
        assert!(first.1 <= second.0 + 1e-3, "{first:?} {second:?}");
    }

    #[test]
    fn only_glyphs_in_words_are_worth_reading() {
        for (line, expected) in [
            ("the o#ce", true),
            ("##", false),
            ("a ###", true),
            ("# item", false),
            ("a # b", false),
            ("plain", false),
            ("end#.", true),
        ] {
            let content = page(&[line]);
            let found = rows(&content)[0].has_unknown_letter(&content);
            assert_eq!(found, expected, "{line}");
        }
    }
}
