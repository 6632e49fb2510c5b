//! Reads glyphs without meaning from the picture of the page: the lines with them alone, and of these no more
//! than it takes to see each glyph a few times.

use super::super::line_text::LineText;
use super::super::rows::Row;
use super::Read;
use super::align::{Slot, align};
use super::readings::{GlyphKey, Readings};
use super::thresholds::fill::*;
use crate::fault::Fault;
use crate::input::pdf::page::{PdfChar, PdfPage};
use std::collections::{BTreeMap, BTreeSet};
use unicode_normalization::UnicodeNormalization;

/// A glyph: its font and code, and the index of the character where its code says nothing.
type Glyph = (u16, u32, Option<usize>);

/// Gives characters that `is_wanted` texts that are read from the picture; returns their number. At most
/// [`MOST_ROWS`] of the rows are read. With `has_blanks` a glyph for which nothing is read wherever it stands
/// is a space. What `readings` has of other pages is not read again.
pub(super) fn fill(
    content: &mut PdfPage,
    rows: &[Row],
    (is_wanted, has_blanks): (&dyn Fn(&PdfChar) -> bool, bool),
    readings: &mut Readings,
    read: &mut Read<'_>,
) -> Result<usize, Fault> {
    let mut missing: BTreeMap<Glyph, u32> = BTreeMap::new();
    let mut glyphs: Vec<(&Row, BTreeMap<Glyph, u32>)> = Vec::new();
    for row in rows {
        let mut of_row: BTreeMap<Glyph, u32> = BTreeMap::new();
        for at in row.chars.clone() {
            let wanted = glyph(content, at).filter(|_| is_wanted(&content.chars[at]));
            let is_open = |glyph: &Glyph| {
                let key = key(content, glyph, has_blanks);
                key.is_none_or(|key| readings.text(key).is_none() && !readings.is_given_up(key))
            };
            if let Some(glyph) = wanted.filter(is_open) {
                *of_row.entry(glyph).or_default() += 1;
                *missing.entry(glyph).or_default() += 1;
            }
        }
        if !of_row.is_empty() {
            glyphs.push((row, of_row));
        }
    }
    missing.values_mut().for_each(|n| *n = (*n).min(SEEN));
    let mut chosen = chosen(&mut glyphs, &mut missing);
    chosen.truncate(readings.take(chosen.len()));
    let quads: Vec<_> = chosen.iter().map(|row| row.quad()).collect();
    let lines = match quads.is_empty() {
        true => Vec::new(),
        false => read(&quads)?,
    };
    let mut votes: BTreeMap<Glyph, BTreeMap<String, u32>> = BTreeMap::new();
    for (row, line) in chosen.iter().zip(&lines) {
        for (at, text) in texts(content, row, line, is_wanted) {
            if let Some(glyph) = glyph(content, at) {
                *votes.entry(glyph).or_default().entry(text).or_default() += 1;
            }
        }
    }
    let looked_at = chosen.iter().flat_map(|row| row.chars.clone());
    let looked_at: BTreeSet<Glyph> = looked_at
        .filter(|at| is_wanted(&content.chars[*at]))
        .filter_map(|at| glyph(content, at))
        .collect();
    let mut known: BTreeMap<Glyph, String> = BTreeMap::new();
    for glyph in looked_at {
        let key = key(content, &glyph, has_blanks);
        // It was read on other pages, perhaps from more lines than here.
        if key.is_some_and(|key| readings.text(key).is_some()) {
            continue;
        }
        let text = votes
            .remove(&glyph)
            .and_then(|votes| elected(votes, has_blanks));
        if let Some(key) = key {
            readings.note(key, text.clone());
        }
        known.extend(text.map(|text| (glyph, text)));
    }
    let text_of = |(at, c): (usize, &PdfChar)| {
        let glyph = glyph(content, at).filter(|_| is_wanted(c))?;
        let key = key(content, &glyph, has_blanks);
        let of_document = key.and_then(|key| readings.text(key));
        let of_page = || known.get(&glyph).map(String::as_str);
        Some((at, of_document.or_else(of_page)?.to_string()))
    };
    let texts: BTreeMap<usize, String> = content
        .chars
        .iter()
        .enumerate()
        .filter_map(text_of)
        .collect();
    let count = texts.len();
    content.replace_chars(texts);
    Ok(count)
}

fn glyph(content: &PdfPage, at: usize) -> Option<Glyph> {
    let c = content.chars.get(at).filter(|c| c.is_mark())?;
    let run = content.runs.get(c.run as usize)?;
    Some((run.font, c.code, (c.code == 0xFFFD).then_some(at)))
}

/// The key of a glyph in the document.
fn key(content: &PdfPage, glyph: &Glyph, has_blanks: bool) -> Option<GlyphKey> {
    match glyph {
        (font, code, None) => Some((Readings::key(content, *font)?, *code, has_blanks)),
        _ => None,
    }
}

/// The rows that show most of what is missing, taken out of `glyphs` one after the other.
fn chosen<'r>(
    glyphs: &mut Vec<(&'r Row, BTreeMap<Glyph, u32>)>,
    missing: &mut BTreeMap<Glyph, u32>,
) -> Vec<&'r Row> {
    let mut chosen = Vec::new();
    while chosen.len() < MOST_ROWS {
        let gain = |of_row: &BTreeMap<Glyph, u32>| -> u32 {
            let gains = of_row.iter().map(|(glyph, n)| (*n).min(missing[glyph]));
            gains.sum()
        };
        let gains = glyphs.iter().map(|(_, of_row)| gain(of_row));
        let best = gains
            .enumerate()
            .max_by_key(|(at, gain)| (*gain, std::cmp::Reverse(*at)));
        let Some((at, _)) = best.filter(|(_, gain)| *gain > 0) else {
            break;
        };
        let (row, of_row) = glyphs.remove(at);
        for (glyph, count) in of_row {
            if let Some(missing) = missing.get_mut(&glyph) {
                *missing = missing.saturating_sub(count);
            }
        }
        chosen.push(row);
    }
    chosen
}

/// Texts of the wanted characters of a row, by their indices, if the line that was read is that row.
fn texts(
    content: &PdfPage,
    row: &Row,
    line: &LineText,
    is_wanted: &dyn Fn(&PdfChar) -> bool,
) -> Vec<(usize, String)> {
    let length = row.length_in_heights();
    let mut slots: Vec<Slot> = Vec::new();
    let mut indices: Vec<Option<usize>> = Vec::new();
    for at in row.chars.clone() {
        let c = &content.chars[at];
        if !c.is_mark() {
            continue;
        }
        let (from, to) = row.stretch(c.bbox);
        let (from, to) = (from * length, to * length);
        if is_wanted(c) {
            let stretch = (from, to);
            slots.push(Slot {
                known: None,
                stretch,
            });
            indices.push(Some(at));
            continue;
        }
        // Ligatures are read as their letters.
        let letters: Vec<char> = std::iter::once(c.letter()).nfkc().collect();
        let width = (to - from) / letters.len().max(1) as f32;
        for (part, letter) in letters.into_iter().enumerate() {
            let from = from + part as f32 * width;
            slots.push(Slot {
                known: Some(letter),
                stretch: (from, from + width),
            });
            indices.push(None);
        }
    }
    let chars = line.text.chars().zip(&line.positions);
    let read: Vec<(char, f32)> = chars
        .filter(|(c, _)| !c.is_whitespace())
        .map(|(c, at)| (c, at * length))
        .take(MOST_READ)
        .collect();
    let aligned = align(&slots, &read);
    let is_same = match aligned.known < LEAST_KNOWN {
        true => line.confidence >= SURE_ALONE,
        false => {
            line.confidence >= SURE && aligned.equal as f32 >= SAME_LINE * aligned.known as f32
        }
    };
    if !is_same {
        return Vec::new();
    }
    let texts = indices.into_iter().zip(aligned.texts);
    texts.filter_map(|(at, text)| Some((at?, text))).collect()
}

/// The text that most readings of a glyph give it; `None` if they do not agree.
fn elected(votes: BTreeMap<String, u32>, has_blanks: bool) -> Option<String> {
    let all: u32 = votes.values().sum();
    if has_blanks && all >= SEEN && votes.get("") == Some(&all) {
        return Some(" ".into());
    }
    let (text, count) = votes.into_iter().max_by_key(|(_, count)| *count)?;
    let is_odd = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
    let is_sound = !text.is_empty() && !text.contains(is_odd);
    (is_sound && count as f32 >= AGREED * all as f32).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::super::super::rows::{rows, tests::page};
    use super::*;

    /// Reads rows as these texts, in the order in which they are asked for.
    fn reader<'a>(
        texts: &'a [&'a str],
    ) -> impl FnMut(&[crate::geometry::Quad]) -> Result<Vec<LineText>, Fault> + 'a {
        let mut texts = texts.iter();
        move |quads| {
            let line = |_| {
                let text = texts.next().copied().unwrap_or_default();
                let count = text.chars().count() as f32;
                LineText {
                    text: text.into(),
                    confidence: 0.97,
                    positions: (0..text.chars().count())
                        .map(|at| (at as f32 + 0.5) / count)
                        .collect(),
                    is_too_long: false,
                }
            };
            Ok(quads.iter().map(line).collect())
        }
    }

    fn filled(lines: &[&str], read: &[&str]) -> (String, usize) {
        let mut content = page(lines);
        let rows = rows(&content);
        let count = fill(
            &mut content,
            &rows,
            (&PdfChar::is_meaningless, false),
            &mut Readings::default(),
            &mut reader(read),
        );
        let text: String = content.chars.iter().map(PdfChar::letter).collect();
        (text.trim_end().replace('\n', "|"), count.unwrap())
    }

    #[test]
    fn unknown_glyphs_are_read_and_others_stay() {
        assert_eq!(
            filled(&["the o#ice"], &["tha office"]),
            ("the office".into(), 1)
        );
        assert_eq!(
            filled(&["the o#ice"], &["something else"]),
            ("the o\u{FFFD}ice".into(), 0)
        );
    }

    #[test]
    fn a_glyph_that_was_read_is_known_elsewhere() {
        // The fourth line is not read any more.
        let lines = ["su#er", "su#ix", "wa#le", "wa# and sta#"];
        let (text, count) = filled(&lines, &["wa f and sta f", "su f er", "su f ix"].map(|s| s));
        assert_eq!(
            (text.as_str(), count),
            ("sufer|sufix|wafle|waf and staf", 5)
        );
    }

    #[test]
    fn a_font_of_two_pages_is_read_once() {
        let mut readings = Readings::default();
        let mut asked = 0;
        for page_lines in [["su#er", "wa#le"], ["sta# of", "the o#ice"]] {
            let mut content = page(&page_lines);
            content.font_keys = vec![7];
            let rows = rows(&content);
            let texts = ["su f er", "wa f le"];
            let mut reader = reader(&texts);
            let mut read = |quads: &[crate::geometry::Quad]| {
                asked += quads.len();
                reader(quads)
            };
            let wanted: (&dyn Fn(&PdfChar) -> bool, bool) = (&PdfChar::is_meaningless, false);
            let count = fill(&mut content, &rows, wanted, &mut readings, &mut read);
            assert_eq!(count.unwrap(), 2);
        }
        assert_eq!(asked, 2, "both lines of the first page");
        assert_eq!(readings.take_shortage(), None);
    }

    #[test]
    fn a_glyph_that_was_read_is_not_read_otherwise_on_a_later_page() {
        let mut readings = Readings::default();
        let mut shown = Vec::new();
        for (lines, texts) in [
            (&["su#er", "wa#le"][..], &["su f er", "wa f le"][..]),
            // The second glyph is another one, which is not known yet.
            (&["to# o#"], &["tot og"]),
            (&["#or"], &[]),
        ] {
            let mut content = page(lines);
            content.font_keys = vec![7];
            let unknown = content.chars.iter_mut().filter(|c| c.unmapped);
            if lines.len() == 1 {
                unknown.skip(1).for_each(|c| c.code = 0xF0024);
            }
            let rows = rows(&content);
            let wanted: (&dyn Fn(&PdfChar) -> bool, bool) = (&PdfChar::is_meaningless, false);
            let mut read = reader(texts);
            fill(&mut content, &rows, wanted, &mut readings, &mut read).unwrap();
            let text: String = content.chars.iter().map(PdfChar::letter).collect();
            shown.push(text.trim_end().replace('\n', "|"));
        }
        assert_eq!(shown, ["sufer|wafle", "tof og", "for"]);
    }

    #[test]
    fn what_a_document_is_short_of_is_told() {
        let mut readings = Readings::default();
        readings.use_up();
        readings.take_shortage();
        let mut content = page(&["the o#ice"]);
        let rows = rows(&content);
        let wanted: (&dyn Fn(&PdfChar) -> bool, bool) = (&PdfChar::is_meaningless, false);
        let mut read = |_: &[crate::geometry::Quad]| unreachable!("no line is left");
        let count = fill(&mut content, &rows, wanted, &mut readings, &mut read);
        assert_eq!(count.unwrap(), 0);
        assert!(readings.take_shortage().is_some());
    }

    #[test]
    fn readings_that_disagree_are_not_believed() {
        let votes = |pairs: &[(&str, u32)], has_blanks: bool| {
            elected(
                pairs
                    .iter()
                    .map(|(text, n)| (text.to_string(), *n))
                    .collect(),
                has_blanks,
            )
        };
        assert_eq!(votes(&[("a", 2), ("o", 1)], false), Some("a".into()));
        assert_eq!(votes(&[("a", 1), ("o", 1)], false), None);
        assert_eq!(votes(&[("", 3)], false), None);
        assert_eq!(votes(&[("", 3)], true), Some(" ".into()));
        assert_eq!(votes(&[("", 3), ("a", 1)], true), None);
    }

    #[test]
    fn only_so_many_rows_are_read() {
        let lines = vec!["#"; 3 * MOST_ROWS];
        let mut content = page(&lines);
        content
            .chars
            .iter_mut()
            .filter(|c| c.unmapped)
            .for_each(|c| c.code = 0xFFFD);
        let rows = rows(&content);
        let mut asked = 0;
        let mut read = |quads: &[crate::geometry::Quad]| {
            asked += quads.len();
            Ok(vec![LineText::default(); quads.len()])
        };
        fill(
            &mut content,
            &rows,
            (&PdfChar::is_meaningless, false),
            &mut Readings::default(),
            &mut read,
        )
        .unwrap();
        assert_eq!(asked, MOST_ROWS);
    }
}
