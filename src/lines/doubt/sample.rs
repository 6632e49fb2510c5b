//! Compares a layer with the page's picture: a few lines of it, or all lines that were read.

use super::super::page_text::PageText;
use super::super::rows::Row;
use super::Read;
use super::compare::{Found, Pair, compare};
use super::thresholds::compare::SURE;
use super::thresholds::sample::*;
use crate::fault::Fault;
use crate::input::pdf::page::PdfPage;

/// Reads a few of the rows, spread over the page, and compares them.
pub(super) fn sample(
    content: &PdfPage,
    rows: &[&Row],
    enough: f32,
    read: &mut Read<'_>,
) -> Result<Found, Fault> {
    let chosen = spread(content, rows);
    if chosen.is_empty() {
        return Ok(Found::Unknown);
    }
    let quads: Vec<_> = chosen.iter().map(|row| row.quad()).collect();
    let lines = read(&quads)?;
    let texts: Vec<String> = chosen.iter().map(|row| row.text(content)).collect();
    let pairs = texts.iter().zip(&lines);
    let pairs: Vec<Pair<'_>> = pairs.map(|(text, line)| Pair::new(text, line)).collect();
    Ok(compare(&pairs, enough))
}

/// Number of the rows that would be read.
pub(super) fn count(content: &PdfPage, rows: &[&Row]) -> usize {
    spread(content, rows).len()
}

/// At most [`MOST_ROWS`] of the longest rows that can be read, spread evenly.
fn spread<'r>(content: &PdfPage, rows: &[&'r Row]) -> Vec<&'r Row> {
    let letters = |row: &Row| {
        let text = row.text(content);
        text.chars().filter(|c| c.is_alphanumeric()).count()
    };
    let counted = rows.iter().map(|row| (letters(row), *row));
    let mut long: Vec<(usize, &Row)> = counted
        .filter(|(count, row)| *count >= LEAST_LETTERS && row.is_readable(content))
        .collect();
    long.sort_by_key(|(count, row)| (std::cmp::Reverse(*count), row.chars.start));
    long.truncate(MOST_ROWS * LONGEST);
    long.sort_by_key(|(_, row)| row.chars.start);
    let count = long.len().min(MOST_ROWS);
    let at = |i: usize| long[(2 * i + 1) * long.len() / (2 * count)].1;
    (0..count).map(at).collect()
}

/// `true` if the layer has what was read on the whole page, and has it as well. Both are in the same pixels,
/// but for a slight skew.
pub(super) fn has_all(content: &PdfPage, text: &PageText, enough: f32) -> bool {
    let sure = |confidence: Option<f32>| confidence.is_some_and(|c| c >= SURE);
    let segments: Vec<_> = text
        .segments
        .iter()
        .filter(|s| sure(s.confidence))
        .collect();
    if segments.is_empty() || segments.len() * content.chars.len() > MOST_PAIRS {
        return false;
    }
    let (mut all, mut covered) = (0, 0);
    let mut texts = Vec::new();
    for segment in segments {
        let inside = content.chars.iter().filter(|c| {
            let [x1, y1, x2, y2] = c.bbox;
            let is_space = !c.is_mark() && c.run != u32::MAX;
            content.is_seen(c)
                && (c.is_mark() || is_space)
                && segment.bbox.contains((x1 + x2) / 2.0, (y1 + y2) / 2.0)
        });
        let layer: String = inside.map(|c| c.letter()).collect();
        let count = segment.char_count();
        all += count;
        if layer.chars().filter(|c| !c.is_whitespace()).count() * 2 >= count {
            covered += count;
        }
        texts.push((
            layer,
            segment.plain_text(),
            segment.confidence.unwrap_or(0.0),
        ));
    }
    let pairs = texts.iter().map(|(layer, read, confidence)| Pair {
        layer,
        read,
        confidence: *confidence,
    });
    let pairs: Vec<Pair<'_>> = pairs.collect();
    covered as f32 >= COVERED * all as f32 && compare(&pairs, enough) == Found::AsGood
}

#[cfg(test)]
mod tests {
    use super::super::super::line_text::LineText;
    use super::super::super::page_text::{Segment, Word};
    use super::super::super::rows::{rows, tests::page};
    use super::*;
    use crate::document::TextSource;
    use crate::geometry::Rect;

    #[test]
    fn few_lines_of_many_are_read() {
        let lines: Vec<String> = (0..100)
            .map(|n| format!("line number {n} of the page"))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let content = page(&lines);
        let rows = rows(&content);
        let rows: Vec<&Row> = rows.iter().collect();
        let mut asked = 0;
        let mut read = |quads: &[crate::geometry::Quad]| {
            asked += quads.len();
            Ok(vec![LineText::default(); quads.len()])
        };
        let found = sample(&content, &rows, 0.9, &mut read).unwrap();
        assert_eq!((found, asked), (Found::Unknown, MOST_ROWS));
        let chosen = spread(&content, &rows);
        assert!(
            chosen
                .windows(2)
                .all(|pair| pair[0].bbox.y1 < pair[1].bbox.y1)
        );
        assert_eq!(spread(&content, &rows[..2]).len(), 2);
    }

    #[test]
    fn a_layer_must_have_what_is_on_the_page() {
        let content = page(&["the harbour was closed", "for two days in March"]);
        let line = |y: f32, text: &str| {
            let bbox = Rect::new(0.0, y, 230.0, y + 20.0);
            Segment {
                confidence: Some(0.95),
                ..Segment::of(vec![Word::of(bbox, text)], 16.0)
            }
        };
        let read = |lines: &[(f32, &str)]| PageText {
            source: TextSource::Lines,
            segments: lines.iter().map(|(y, text)| line(*y, text)).collect(),
        };
        let both = [
            (0.0, "the harbour was closed"),
            (30.0, "for two days in March"),
        ];
        assert!(has_all(&content, &read(&both), 0.85));
        let more = [both[0], both[1], (90.0, "and nobody said so")];
        assert!(!has_all(&content, &read(&more), 0.85));
        let other = [
            (0.0, "quite another sentence"),
            (30.0, "of some other page"),
        ];
        assert!(!has_all(&content, &read(&other), 0.85));
        assert!(!has_all(&content, &PageText::empty(), 0.85));
    }
}
