//! Accents that are printed as characters of their own over or under a letter, as TeX does: put together
//! with it, wherever they stand in the layer's order.

use super::super::thresholds::accents::*;
use crate::input::pdf::page::{PdfChar, PdfPage};
use std::collections::BTreeSet;
use unicode_normalization::char::compose;

/// The characters of the layer without those that `left_out` names, accents composed with their letters.
///
/// Time is linear in the number of characters.
pub(super) fn composed(content: &PdfPage, left_out: &[bool]) -> Vec<PdfChar> {
    let kept = content
        .chars
        .iter()
        .zip(left_out)
        .filter(|(_, left_out)| !**left_out);
    let mut chars: Vec<PdfChar> = kept.map(|(c, _)| *c).collect();
    let accents: Vec<usize> = (0..chars.len())
        .filter(|at| mark_of(chars[*at].code).is_some())
        .collect();
    let mut gone: BTreeSet<usize> = BTreeSet::new();
    for at in accents {
        let Some((letter, both)) = letter_of(&chars, at, content) else {
            continue;
        };
        chars[letter] = both;
        gone.insert(at);
        // pdfium adds spaces where boxes do not follow each other: between the accent and its letter, and
        // before the accent.
        let between = (at + 1..letter).take_while(|i| is_added(&chars[*i]));
        if letter > at && between.clone().count() == letter - at - 1 {
            gone.extend(between);
            gone.extend(
                at.checked_sub(1)
                    .filter(|space| is_no_space(&chars, *space, &both, content)),
            );
        }
    }
    let mut index = 0..;
    chars.retain(|_| index.next().is_none_or(|i| !gone.contains(&i)));
    chars
}

/// `true` for what pdfium adds to the characters of the page.
fn is_added(c: &PdfChar) -> bool {
    c.run == u32::MAX
}

/// The letter over which the accent at `at` stands most exactly, with the accent.
fn letter_of(chars: &[PdfChar], at: usize, content: &PdfPage) -> Option<(usize, PdfChar)> {
    let accent = &chars[at];
    let around = at.saturating_sub(AROUND)..(at + AROUND).min(chars.len());
    let distance = |c: &PdfChar| (middle(c) - middle(accent)).abs();
    around
        .filter(|other| *other != at)
        .filter_map(|other| Some((other, together(accent, &chars[other], content)?)))
        .min_by(|a, b| distance(&a.1).total_cmp(&distance(&b.1)))
}

/// `true` if the character at `space` was added before an accent although no gap is before its letter.
fn is_no_space(chars: &[PdfChar], space: usize, letter: &PdfChar, content: &PdfPage) -> bool {
    let Some(before) = space
        .checked_sub(1)
        .map(|at| &chars[at])
        .filter(|c| !is_added(c))
    else {
        return false;
    };
    let size = content
        .runs
        .get(letter.run as usize)
        .map_or(0.0, |run| run.size);
    let gap = letter.bbox[0] - before.bbox[2];
    let is_line = letter.bbox[1] < before.bbox[3] && before.bbox[1] < letter.bbox[3];
    is_added(&chars[space]) && is_line && gap.abs() < SPACE * size
}

fn middle(c: &PdfChar) -> f32 {
    (c.bbox[0] + c.bbox[2]) / 2.0
}

/// The letter with the accent, if the accent stands over it and Unicode has the two as one.
fn together(accent: &PdfChar, letter: &PdfChar, content: &PdfPage) -> Option<PdfChar> {
    let mark = mark_of(accent.code)?;
    let base = match char::from_u32(letter.code)? {
        'ı' => 'i',
        'ȷ' => 'j',
        base => base,
    };
    let both = match (mark, base) {
        (CIRCLE, 'c' | 'C') => '©',
        (CIRCLE, 'r' | 'R') => '®',
        _ => compose(base, mark)?,
    };
    let size = |c: &PdfChar| content.runs.get(c.run as usize).map(|run| run.size);
    let (accent_size, size) = (size(accent)?, size(letter)?);
    let [_, top, _, bottom] = letter.bbox;
    let height = bottom - top;
    let over = accent.bbox[3].min(bottom) - accent.bbox[1].max(top);
    let near = (middle(accent) - middle(letter)).abs() <= OFF_MIDDLE * size.max(height / 2.0);
    let alike = (accent_size - size).abs() <= OTHER_SIZE * size;
    (near && alike && over >= OVERLAP * height).then_some(PdfChar {
        code: both as u32,
        ..*letter
    })
}

/// The mark of a letter in a circle, of which Unicode has few as one.
const CIRCLE: char = '\u{20DD}';

/// The combining mark of an accent.
fn mark_of(code: u32) -> Option<char> {
    Some(match char::from_u32(code)? {
        '`' => '\u{300}',
        '´' => '\u{301}',
        '^' | 'ˆ' => '\u{302}',
        '~' | '˜' => '\u{303}',
        '¯' | 'ˉ' => '\u{304}',
        '˘' => '\u{306}',
        '˙' => '\u{307}',
        '¨' => '\u{308}',
        '°' | '˚' => '\u{30A}',
        '˝' => '\u{30B}',
        'ˇ' => '\u{30C}',
        '◯' => CIRCLE,
        '¸' => '\u{327}',
        '˛' => '\u{328}',
        mark @ '\u{300}'..='\u{36F}' => mark,
        _ => return None,
    })
}
