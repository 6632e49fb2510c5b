//! Order of Arabic characters that pdfium turns too often: it reverses the characters of a glyph, and the
//! marks and their letters, together with the line.

use super::super::page_text::is_right_to_left;
use crate::input::pdf::page::PdfChar;

/// Puts the characters in reading order: lam before the alef that shares its glyph, marks behind the letters
/// over which they stand, without the space that was seen between.
pub(super) fn reorder(chars: &mut Vec<PdfChar>) {
    if !chars.iter().any(is_letter) {
        return;
    }
    let mut at = 1;
    while at < chars.len() {
        let (before, this) = (&chars[at - 1], &chars[at]);
        let is_turned = is_alef(before)
            && this.code == LAM
            && this.run == before.run
            && this.bbox == before.bbox;
        if is_turned {
            chars.swap(at - 1, at);
        } else if is_mark(before) && is_letter(this) && !is_mark(this) && stands_over(before, this)
        {
            chars.swap(at - 1, at);
            let is_space = |c: &PdfChar| c.code == ' ' as u32 && c.bbox[2] - c.bbox[0] < 0.5;
            if at >= 2
                && is_space(&chars[at - 2])
                && chars.get(at.wrapping_sub(3)).is_some_and(is_letter)
            {
                chars.remove(at - 2);
            }
        }
        at += 1;
    }
}

const LAM: u32 = 0x644;

fn is_alef(c: &PdfChar) -> bool {
    matches!(c.code, 0x622 | 0x623 | 0x625 | 0x627 | 0x671)
}

/// Short vowels and their like, which stand over or under a letter.
fn is_mark(c: &PdfChar) -> bool {
    matches!(c.code, 0x610..=0x61A | 0x64B..=0x65F | 0x670)
}

fn is_letter(c: &PdfChar) -> bool {
    c.run != u32::MAX && char::from_u32(c.code).is_some_and(is_right_to_left)
}

/// `true` if the middle of a mark lies in the box of a letter, across.
fn stands_over(mark: &PdfChar, letter: &PdfChar) -> bool {
    let middle = (mark.bbox[0] + mark.bbox[2]) / 2.0;
    (letter.bbox[0]..=letter.bbox[2]).contains(&middle)
}
