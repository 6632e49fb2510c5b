//! What the letters of a text say about it without a look at the page: whether a recognizer can read them, and
//! whether they can be those of a language.

use super::page_text::is_cjk;
use super::thresholds::letters::*;
use crate::input::pdf::page::PdfPage;
use std::collections::BTreeSet;

/// Letters of the Latin alphabet, without accents.
const LETTERS: usize = 26;
/// Codes of characters that are counted: printable ASCII.
const CODES: std::ops::Range<usize> = 0x21..0x7F;

/// How often each letter from `a` to `z` stands in a thousand letters of running text, accents left out.
///
/// English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Polish, Czech, Finnish, Turkish,
/// Hungarian, Indonesian, Romanian; others are near one of them.
#[rustfmt::skip]
const LANGUAGES: [[u8; LETTERS]; 15] = [
    [82, 15, 28, 43, 127, 22, 20, 61, 70, 2, 8, 40, 24, 67, 75, 19, 1, 60, 63, 91, 28, 10, 24, 2, 20, 1],
    [70, 19, 27, 51, 164, 17, 30, 46, 66, 3, 14, 34, 25, 98, 28, 7, 0, 70, 76, 62, 52, 8, 19, 0, 0, 11],
    [81, 9, 33, 37, 171, 11, 9, 7, 76, 6, 0, 55, 30, 71, 58, 25, 14, 67, 79, 72, 64, 18, 0, 4, 1, 3],
    [120, 22, 40, 50, 127, 7, 18, 7, 68, 5, 0, 50, 32, 70, 93, 25, 9, 69, 80, 46, 40, 11, 0, 2, 10, 5],
    [117, 9, 45, 37, 118, 12, 16, 6, 101, 0, 0, 65, 25, 69, 98, 31, 5, 64, 50, 56, 30, 21, 0, 0, 0, 12],
    [146, 10, 39, 50, 130, 10, 13, 13, 62, 4, 0, 28, 47, 50, 107, 25, 12, 65, 78, 43, 46, 17, 0, 2, 0, 5],
    [75, 16, 12, 59, 189, 8, 34, 24, 65, 15, 22, 36, 22, 100, 61, 16, 0, 64, 37, 68, 20, 28, 15, 0, 0, 14],
    [130, 15, 15, 47, 101, 20, 28, 21, 58, 6, 31, 53, 35, 85, 58, 18, 0, 84, 66, 77, 19, 24, 1, 2, 7, 0],
    [99, 15, 44, 33, 88, 3, 14, 11, 82, 23, 35, 40, 28, 57, 84, 31, 0, 47, 50, 40, 25, 0, 47, 0, 38, 65],
    [90, 16, 27, 36, 105, 3, 3, 12, 75, 21, 37, 38, 32, 66, 87, 34, 0, 49, 53, 57, 40, 47, 0, 0, 29, 32],
    [158, 3, 3, 10, 80, 2, 4, 19, 108, 20, 50, 58, 32, 88, 61, 18, 0, 29, 79, 88, 50, 22, 0, 0, 17, 0],
    [120, 28, 20, 47, 90, 5, 24, 12, 140, 0, 47, 59, 38, 75, 33, 9, 0, 67, 48, 33, 52, 10, 0, 0, 33, 15],
    [125, 19, 7, 19, 140, 5, 38, 13, 48, 13, 46, 64, 36, 58, 68, 9, 0, 42, 66, 74, 18, 19, 0, 0, 25, 44],
    [204, 26, 8, 42, 83, 3, 37, 27, 80, 8, 51, 33, 42, 93, 13, 26, 0, 46, 42, 56, 50, 2, 5, 0, 15, 1],
    [120, 11, 50, 35, 115, 12, 10, 5, 110, 2, 1, 45, 31, 65, 45, 31, 0, 68, 52, 70, 60, 12, 0, 1, 0, 7],
];

/// `true` for a letter whose script is not in the line recognizer's alphabet: that has Latin, Greek, Chinese
/// and Japanese ones.
pub(super) fn is_other_script(c: char) -> bool {
    let latin_or_greek = matches!(c as u32, 0..=0x3FF | 0x1D00..=0x2BFF | 0x2C60..=0x2C7F
        | 0xA720..=0xA7FF | 0xFB00..=0xFB06 | 0x1D400..=0x1D7FF);
    c.is_alphabetic() && !latin_or_greek && !is_cjk(c)
}

/// Indices of the fonts of a page whose text, of Latin letters, looks like that of a wrong map to Unicode:
/// as a rule every code is off by one distance. Each word counts once, and names with figures do not.
pub(super) fn odd_fonts(content: &PdfPage) -> Vec<u16> {
    let mut words: Vec<BTreeSet<String>> = vec![BTreeSet::new(); content.fonts.len()];
    let mut open: Option<(u16, String)> = None;
    let mut close = |open: &mut Option<(u16, String)>| {
        if let Some((font, word)) = open.take().filter(|(_, word)| is_counted(word))
            && let Some(words) = words.get_mut(usize::from(font))
        {
            words.insert(word);
        }
    };
    for c in &content.chars {
        let run = content.runs.get(c.run as usize);
        let run = run.filter(|run| run.hidden.is_none() && c.is_mark());
        let font = run.map(|run| run.font);
        if open.as_ref().map(|(font, _)| *font) != font {
            close(&mut open);
        }
        if let (Some(font), false) = (font, c.is_meaningless()) {
            let (_, word) = open.get_or_insert_with(|| (font, String::new()));
            word.push(c.letter());
        }
    }
    close(&mut open);
    let odd = |(font, words): (usize, &BTreeSet<String>)| {
        let mut counts = [0; CODES.end];
        for byte in words.iter().flat_map(|word| word.bytes()) {
            if CODES.contains(&usize::from(byte)) {
                counts[usize::from(byte)] += 1;
            }
        }
        let font = u16::try_from(font).ok()?;
        are_odd(&counts).then_some(font)
    };
    words.iter().enumerate().filter_map(odd).collect()
}

/// `true` unless a word is a single sign, has figures, or is a name such as `MAX_SIZE`.
fn is_counted(word: &str) -> bool {
    let is_name = word.contains('_') && !word.contains(|c: char| c.is_ascii_lowercase());
    word.len() > 1 && !is_name && !word.contains(|c: char| c.is_ascii_digit())
}

/// `true` if characters, counted by their codes, are hardly the letters of a language, or if they are far more
/// like them when all codes are moved by one distance.
fn are_odd(counts: &[u32; CODES.end]) -> bool {
    let total: u32 = counts.iter().sum();
    let own = moved(counts, 0);
    let letters: u32 = own.iter().sum();
    // Of text whose codes are off by a little, most characters are letters still.
    if total < LEAST_TO_SHIFT || (letters as f32) < MOST_LETTERS * total as f32 {
        return false;
    }
    let likeness_of_own = likeness(&own);
    if letters >= LEAST_TO_JUDGE && likeness_of_own < ODD {
        return true;
    }
    if likeness_of_own > USUAL {
        return false;
    }
    let fits = |distance: &i32| {
        let letters = moved(counts, *distance);
        letters.iter().sum::<u32>() as f32 >= SHIFTED_LETTERS * total as f32
            && likeness(&letters) > (likeness_of_own + SHIFT_GAIN).max(SHIFTED)
    };
    (-FARTHEST..=FARTHEST).any(|distance| fits(&distance))
}

/// Counts of the letters that characters become when `distance` is added to their codes.
fn moved(counts: &[u32; CODES.end], distance: i32) -> [u32; LETTERS] {
    let mut letters = [0; LETTERS];
    for (code, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let moved = u8::try_from(code as i32 + distance).unwrap_or(0);
        if moved.is_ascii_alphabetic() {
            letters[usize::from(moved.to_ascii_lowercase() - b'a')] += count;
        }
    }
    letters
}

/// Cosine between counts of letters and those of the language that is nearest, 0 to 1.
fn likeness(letters: &[u32; LETTERS]) -> f32 {
    let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>().sqrt();
    let own = norm(&mut letters.iter().map(|v| *v as f32));
    let cosine = |language: &[u8; LETTERS]| {
        let products = letters.iter().zip(language);
        let sum: f32 = products.map(|(a, b)| *a as f32 * f32::from(*b)).sum();
        sum / (own * norm(&mut language.iter().map(|v| f32::from(*v)))).max(1.0)
    };
    LANGUAGES.iter().map(cosine).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::page;
    use super::*;
    use crate::input::pdf::page::{PdfChar, PdfRun};

    const NAMES: &str =
        "Dirk Groeneveld, Iz Beltagy, Pete Walsh, Akshita Bhagia, Rodney Kinney, Oyvind Tafjord";

    fn counts(text: &str, distance: i32) -> [u32; CODES.end] {
        let mut counts = [0; CODES.end];
        for c in text.bytes().filter(u8::is_ascii_graphic) {
            let code = match c.is_ascii_alphabetic() {
                true => (i32::from(c) + distance) as usize,
                false => c.into(),
            };
            if let Some(count) = counts.get_mut(code) {
                *count += 1;
            }
        }
        counts
    }

    #[test]
    fn text_of_any_language_is_usual() {
        for text in [
            NAMES,
            "Der Vertrag wird geschlossen, sobald beide Seiten die Bedingungen unterzeichnet haben.",
            "Uvolneni vinkulace probehlo podle smlouvy, kterou obe strany podepsaly v lednu.",
            "Toplam gelir gecen yila gore yuzde on iki artarak yeni bir rekora ulasti.",
            "THE HARMONIC METHOD PREDICTS THE TIDE AT ALL TWELVE HARBOURS",
            "Kokonaistulot kasvoivat viime vuodesta kaksitoista prosenttia ja ylsivat ennatykseen.",
            "Tong thu nhap nam nay tang muoi hai phan tram so voi nam truoc, theo bao cao moi.",
        ] {
            assert!(!are_odd(&counts(text, 0)), "{text}");
        }
    }

    #[test]
    fn a_shift_of_all_letters_is_odd() {
        for distance in [-3, -1, 1, 2, 3, 5] {
            assert!(are_odd(&counts(NAMES, distance)), "{distance}");
        }
        assert!(!are_odd(&counts("Chqj", 0)), "too few to tell");
    }

    #[test]
    fn figures_and_part_numbers_are_not_odd() {
        let numbers =
            "1.25 3.50 17.75 20.00 AX-200 AX-300 BX-450 12 mm 15 mm 20 mm 0.004 ".repeat(4);
        assert!(!are_odd(&counts(&numbers, 0)));
    }

    #[test]
    fn only_the_font_with_odd_words_is_odd() {
        let odd: String = NAMES
            .chars()
            .map(|c| {
                if c.is_ascii_alphabetic() {
                    (c as u8 + 1) as char
                } else {
                    c
                }
            })
            .collect();
        let mut content = page(&[
            NAMES,
            &odd,
            "MAX_SIZE_OF_QXZ MAX_JJQ_KW 4XJ2 X X X X X X X X X X X X X X X X X X",
        ]);
        let other = PdfRun {
            font: 1,
            ..content.runs[0]
        };
        content.runs.push(other);
        content.fonts.push("Other".into());
        let of_line = |c: &&mut PdfChar| c.run == 0 && (30.0..60.0).contains(&c.bbox[1]);
        content
            .chars
            .iter_mut()
            .filter(of_line)
            .for_each(|c| c.run = 1);
        assert_eq!(odd_fonts(&content), [1]);
    }

    #[test]
    fn alphabets_that_cannot_be_read_are_known() {
        assert!(
            "ЖאعกΞ한"
                .chars()
                .filter(|c| is_other_script(*c))
                .eq("Жאعก한".chars())
        );
        assert!(!"aé字かΩ1".chars().any(is_other_script));
    }
}
