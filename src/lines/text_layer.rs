//! Splits the characters of a PDF's text layer into words and segments of lines.
//!
//! Words follow the layer's character order, which is that of the program that made the PDF; lines are built
//! by geometry, because that order often jumps. Steps: [`words`], then [`link`] finds each word's right
//! neighbour, and [`segment`] makes one segment of every chain.

mod accents;
mod arabic;
mod doubled;
mod drop_caps;
mod fonts;
mod fractions;
mod gutters;
mod line_numbers;
mod links;
mod logos;
mod markers;
mod strikes;

use super::page_text::{
    Direction, PageText, Segment, Shift, Word, is_cjk, is_hangul, is_right_to_left,
};
use super::thresholds::layer::*;
use crate::deadline;
use crate::document::{SpanStyle, TextSource};
use crate::geometry::Rect;
use crate::input::pdf::page::{PdfPage, PdfRun, has_no_meaning};
use fonts::{fixed_pitch_fonts, run_styles, style};
use links::Links;
use unicode_normalization::UnicodeNormalization;

/// A word of the layer, not yet assigned to a line.
struct RawWord {
    bbox: Rect,
    text: String,
    space_before: bool,
    /// `true` if it ends with a hyphen that only breaks the line.
    hyphenated: bool,
    /// `true` if the layer has a space after it.
    has_space_after: bool,
    /// Index in the layer's order.
    order: usize,
    run: u32,
    size: f32,
    direction: Direction,
    right_to_left: bool,
}

/// The text of a page from its text layer. Characters that are not displayed are left out.
pub(crate) fn page_text(content: &PdfPage) -> PageText {
    let mut raw = words(content);
    line_numbers::remove(&mut raw);
    logos::join(&mut raw);
    drop_caps::join(&mut raw);
    insert(markers::words(content, &raw), &mut raw);
    let fixed_pitch = fixed_pitch_fonts(content);
    let styles = run_styles(content, &fixed_pitch);
    let links = Links::of(content);
    let chains = gutters::cut(&raw, fractions::gather(&raw, link(&raw)));
    let mut raw: Vec<Option<RawWord>> = raw.into_iter().map(Some).collect();
    let mut segments: Vec<Segment> = chains
        .into_iter()
        .map(|chain| {
            chain
                .into_iter()
                .filter_map(|i| raw[i].take())
                .collect::<Vec<_>>()
        })
        .filter(|words| !words.is_empty())
        .map(|words| {
            let mut segment = segment(words, content, &fixed_pitch, &styles);
            links.put_on(&mut segment.words);
            segment
        })
        .collect();
    strikes::mark(content, &mut segments);
    PageText {
        source: TextSource::TextLayer,
        segments,
    }
}

/// Puts words before others; `added` has the positions of those, in order.
fn insert(added: Vec<(usize, RawWord)>, words: &mut Vec<RawWord>) {
    if added.is_empty() {
        return;
    }
    let mut added = added.into_iter().peekable();
    let mut all = Vec::with_capacity(words.len());
    for (at, word) in std::mem::take(words).into_iter().enumerate() {
        while let Some((_, mark)) = added.next_if(|(before, _)| *before == at) {
            all.push(mark);
        }
        all.push(word);
    }
    for (order, word) in all.iter_mut().enumerate() {
        word.order = order;
    }
    *words = all;
}

/// Indices of the horizontal words, from top to bottom.
fn horizontal_by_top(words: &[RawWord]) -> Vec<usize> {
    let horizontal = |i: &usize| words[*i].direction == Direction::Horizontal;
    by_top(words, (0..words.len()).filter(horizontal))
}

/// Indices of some words, from top to bottom.
fn by_top(words: &[RawWord], indices: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut found: Vec<usize> = indices.collect();
    let top = |i: usize| words[i].bbox.y1;
    found.sort_by(|&a, &b| top(a).total_cmp(&top(b)).then(a.cmp(&b)));
    found
}

/// `true` for codes that pdfium and PDF producers use for a hyphen at a line's end.
fn is_soft_hyphen(code: u32) -> bool {
    matches!(code, 0x02 | 0xAD | 0xFFFE)
}

fn words(content: &PdfPage) -> Vec<RawWord> {
    let mut words: Vec<RawWord> = Vec::new();
    let mut open: Option<RawWord> = None;
    let mut last_box = Rect::default();
    let mut space = true;
    let mut chars = accents::composed(content, &doubled::doubled(content));
    arabic::reorder(&mut chars);
    for c in &chars {
        let character = c.letter();
        let run = content.runs.get(c.run as usize);
        let visible = run.is_none_or(|run| run.hidden.is_none());
        let soft_hyphen = is_soft_hyphen(c.code);
        if soft_hyphen {
            if let Some(word) = &mut open {
                word.hyphenated = true;
                // Some files map every hyphen to this sign.
                let [x1, y1, x2, y2] = c.bbox;
                if c.code == 0xAD && x2 > x1 {
                    last_box = Rect { x1, y1, x2, y2 };
                }
            }
            continue;
        }
        if run.is_none() || !visible || character.is_whitespace() || character.is_control() {
            space |= visible;
            if let Some(mut word) = open.take() {
                word.has_space_after = run.is_some() && character.is_whitespace();
                words.push(word);
            }
            continue;
        }
        let run = run.expect("checked above");
        let [x1, y1, x2, y2] = c.bbox;
        let bbox = Rect { x1, y1, x2, y2 };
        let size = if run.size > LEAST_SIZE {
            run.size
        } else {
            bbox.height().max(1.0)
        };
        let step = open.as_ref().map_or(CharStep::Apart, |word| {
            step(word, &last_box, &bbox, run, size)
        });
        if step == CharStep::Apart {
            words.extend(open.take());
        }
        if let Some(word) = open.as_mut().filter(|word| word.hyphenated) {
            word.hyphenated = false;
            word.text.push('-');
        }
        let word = open.get_or_insert_with(|| RawWord {
            bbox,
            text: String::new(),
            space_before: std::mem::replace(&mut space, false),
            hyphenated: false,
            has_space_after: false,
            order: 0,
            run: c.run,
            size,
            direction: if run.angle.abs() > TURNED_ANGLE {
                Direction::Turned
            } else {
                Direction::Horizontal
            },
            right_to_left: false,
        });
        if step == CharStep::Down {
            word.direction = Direction::Vertical;
        }
        word.right_to_left |= is_right_to_left(character);
        word.bbox = word.bbox.union(&bbox);
        push_normalized(&mut word.text, character);
        last_box = bbox;
    }
    words.extend(open);
    for (order, word) in words.iter_mut().enumerate() {
        word.order = order;
    }
    words
}

/// Position of a character relative to the one before it.
#[derive(PartialEq)]
enum CharStep {
    /// In the same word, beside it.
    Beside,
    /// In the same word, below it.
    Down,
    /// In another word.
    Apart,
}

fn step(word: &RawWord, last: &Rect, next: &Rect, run: &PdfRun, size: f32) -> CharStep {
    let em = size.max(word.size);
    let turned = run.angle.abs() > TURNED_ANGLE;
    if turned || word.direction == Direction::Turned {
        let same = turned && word.direction == Direction::Turned;
        return if same && last.near(next, WORD_GAP * em) {
            CharStep::Beside
        } else {
            CharStep::Apart
        };
    }
    let gap_x = (next.x1 - last.x2).max(last.x1 - next.x2);
    let overlap_y = last.overlap_y(next) / last.height().min(next.height()).max(0.1);
    // A change of size is where a superscript or subscript starts.
    let same_size = (size - word.size).abs() <= SAME_SIZE * em;
    if overlap_y > LINE_OVERLAP && gap_x <= WORD_GAP * em && same_size {
        return if word.direction == Direction::Vertical {
            CharStep::Apart
        } else {
            CharStep::Beside
        };
    }
    let gap_y = next.y1 - last.y2;
    let below = last.overlap_x(next) > COLUMN_OVERLAP * last.width().min(next.width());
    let single = word.text.chars().count() == 1 || word.direction == Direction::Vertical;
    let square = |r: &Rect| r.width() > SQUARE * em;
    if below
        && single
        && gap_y.abs() < COLUMN_GAP * em
        && square(last)
        && square(next)
        && word.text.chars().all(|c| is_cjk(c) || is_hangul(c))
    {
        return CharStep::Down;
    }
    CharStep::Apart
}

/// Appends a character; ligatures, presentation forms and mathematical alphabets become plain letters.
pub(super) fn push_normalized(text: &mut String, c: char) {
    match c as u32 {
        0xFB00..=0xFDFF | 0xFE70..=0xFEFC | 0x1D400..=0x1D7FF => {
            text.extend(std::iter::once(c).nfkc())
        }
        0xFEFF | 0x200B..=0x200F | 0x202A..=0x202E => {}
        // Some programs write a hyphen twice, with and without the right to break there.
        0x2010 | 0x2011 if text.ends_with('-') => {}
        _ => text.push(c),
    }
}

/// Chains of words that form a segment of a line, each from left to right.
fn link(words: &[RawWord]) -> Vec<Vec<usize>> {
    let by_top = by_top(words, 0..words.len());
    let mut next: Vec<Option<(usize, f32)>> = vec![None; words.len()];
    let mut previous: Vec<Option<usize>> = vec![None; words.len()];
    for (at, &i) in by_top.iter().enumerate() {
        deadline::check();
        for &j in &by_top[at + 1..] {
            if words[j].bbox.y1 > words[i].bbox.y2 {
                break;
            }
            consider(words, i, j, &mut next);
            consider(words, j, i, &mut next);
        }
    }
    // A word has one left neighbour: the nearest of those that chose it.
    let mut claims: Vec<(f32, usize, usize)> = next
        .iter()
        .enumerate()
        .filter_map(|(i, n)| n.map(|(j, gap)| (gap, i, j)))
        .collect();
    claims.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut following: Vec<Option<usize>> = vec![None; words.len()];
    for (_, i, j) in claims {
        if previous[j].is_none() {
            previous[j] = Some(i);
            following[i] = Some(j);
        }
    }
    let mut chains = Vec::new();
    for start in (0..words.len()).filter(|&i| previous[i].is_none()) {
        let mut chain = vec![start];
        while let Some(j) = following[*chain.last().expect("never empty")] {
            chain.push(j);
        }
        chains.push(chain);
    }
    chains
}

/// Makes `right` the neighbour of `left` if it follows in the line and is nearer than the best so far.
fn consider(words: &[RawWord], left: usize, right: usize, next: &mut [Option<(usize, f32)>]) {
    let (a, b) = (&words[left], &words[right]);
    if a.direction != Direction::Horizontal || b.direction != Direction::Horizontal {
        return;
    }
    let em = a.size.max(b.size);
    let gap = b.bbox.x1 - a.bbox.x2;
    if gap < -WORD_OVERLAP * em || b.bbox.center_x() <= a.bbox.center_x() {
        return;
    }
    let ratio = a.size.min(b.size) / em;
    // Different sizes belong together only if they touch: superscripts, not notes beside text. Words of nearly one size,
    // such as code in a sentence, need not if they stand on one baseline.
    let baseline = |word: &RawWord| word.bbox.y2 - DESCENT * word.size;
    let is_off = (baseline(a) - baseline(b)).abs() > SAME_BASELINE * em;
    let limit = if ratio < OTHER_SIZE || ratio < NEAR_SIZE && is_off {
        OTHER_SIZE_GAP * em
    } else {
        LINE_GAP * em
    };
    let overlap = a.bbox.overlap_y(&b.bbox) / a.bbox.height().min(b.bbox.height()).max(0.1);
    if gap > limit || overlap < LINE_OVERLAP || ratio < UNRELATED_SIZE {
        return;
    }
    if next[left].is_none_or(|(_, known)| gap < known) {
        next[left] = Some((right, gap));
    }
}

/// Makes a hyphen at the end of a line that stands apart from its word, as office programs write it, the word's.
fn take_hyphen(words: &mut Vec<RawWord>) {
    let [.., before, last] = &mut words[..] else {
        return;
    };
    let is_hyphen =
        matches!(last.text.as_str(), "-" | "\u{2010}") && last.order == before.order + 1;
    let is_divided = before.text.ends_with(char::is_lowercase) && !before.has_space_after;
    if is_hyphen && is_divided && last.bbox.x1 - before.bbox.x2 < HYPHEN_GAP * last.size {
        before.hyphenated = true;
        words.pop();
    }
}

/// Makes a segment of a chain of words.
fn segment(
    mut raw: Vec<RawWord>,
    content: &PdfPage,
    fixed_pitch: &[Option<bool>],
    styles: &[SpanStyle],
) -> Segment {
    take_hyphen(&mut raw);
    // Only the last word may go on in the next line.
    let inner = raw.len().saturating_sub(1);
    for word in raw[..inner].iter_mut().filter(|word| word.hyphenated) {
        word.hyphenated = false;
        word.text.push('-');
    }
    let letters = |f: &dyn Fn(char) -> bool| {
        raw.iter()
            .flat_map(|w| w.text.chars())
            .filter(|c| f(*c))
            .count()
    };
    let right_to_left =
        letters(&is_right_to_left) > letters(&|c| c.is_alphabetic() && !is_right_to_left(c));
    let line_size = raw.iter().map(|w| w.size).fold(0.0, f32::max);
    if right_to_left {
        // The layer's order is the logical one, including spaces; numbers within run the other way.
        raw.sort_by_key(|w| w.order);
    }
    // A meaningless glyph at the start of a line is a bullet from a symbol font.
    if let Some(first) = raw
        .first_mut()
        .filter(|w| w.text.chars().all(|c| has_no_meaning(c as u32)))
    {
        first.text = "•".into();
    }
    let bbox = Rect::union_all(raw.iter().map(|w| &w.bbox)).unwrap_or_default();
    let main_middle = raw
        .iter()
        .filter(|w| w.size > SHIFT_SIZE * line_size)
        .map(|w| w.bbox.center_y())
        .fold((0.0, 0.0), |(sum, n), y| (sum + y, n + 1.0));
    let middle = if main_middle.1 > 0.0 {
        main_middle.0 / main_middle.1
    } else {
        bbox.center_y()
    };
    let style = style(&raw, content, fixed_pitch);
    let hyphenated = raw.last().is_some_and(|w| w.hyphenated);
    let has_space_after = raw.last().is_some_and(|w| w.has_space_after);
    let mcid = raw
        .first()
        .and_then(|w| content.runs.get(w.run as usize))
        .map_or(-1, |run| run.mcid);
    let direction = raw.first().map_or(Direction::Horizontal, |w| w.direction);
    let order = raw.iter().map(|w| w.order).min();
    let mut words: Vec<Word> = Vec::with_capacity(raw.len());
    let mut last: Option<(usize, Rect, bool)> = None;
    for word in raw {
        let shift = match word.bbox.center_y() - middle {
            _ if word.size > SHIFT_SIZE * line_size || direction != Direction::Horizontal => {
                Shift::None
            }
            offset if offset < -SHIFT_OFFSET * line_size => Shift::Super,
            offset if offset > SHIFT_OFFSET * line_size => Shift::Sub,
            _ => Shift::None,
        };
        let space_before = match &last {
            None => false,
            Some((order, bbox, was_right_to_left)) => {
                let gap = (word.bbox.x1 - bbox.x2).max(bbox.x1 - word.bbox.x2);
                // Around superscripts and subscripts pdfium inserts spaces that are not visible.
                let shifted = shift != Shift::None
                    || words.last().is_some_and(|w: &Word| w.shift != Shift::None);
                // Where a Latin word comes, pdfium sees no space, or one on the wrong side.
                let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
                let before = words.last().and_then(|w: &Word| w.text.chars().last());
                let turns = right_to_left
                    && word.right_to_left != *was_right_to_left
                    && is_letter(before)
                    && is_letter(word.text.chars().next());
                let stated = *order + 1 == word.order && !shifted;
                if stated {
                    word.space_before || turns
                } else {
                    gap > BLANK_GAP * word.size
                }
            }
        };
        last = Some((word.order, word.bbox, word.right_to_left));
        let mcid = content
            .runs
            .get(word.run as usize)
            .map_or(-1, |run| run.mcid);
        words.push(Word {
            bbox: word.bbox,
            text: word.text,
            space_before,
            shift,
            mcid,
            style: styles.get(word.run as usize).cloned().unwrap_or_default(),
        });
    }
    Segment {
        bbox,
        words,
        style,
        direction,
        right_to_left,
        hyphenated,
        has_space_after,
        confidence: None,
        mcid,
        order,
    }
}

#[cfg(test)]
mod tests;
