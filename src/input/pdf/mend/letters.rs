//! Whether the letters of a font's text can be those of a language, and whether two readings of it
//! disagree throughout.

use super::thresholds::*;
use std::collections::BTreeMap;

/// `true` if so many Latin letters are there that their vowels can be counted, and these are too few or too
/// many for any language: a map that is shifted by one letter leaves few.
pub(super) fn are_odd(letters: impl Iterator<Item = char>) -> bool {
    vowel_share(letters).is_some_and(|share| !VOWELS.contains(&share))
}

/// What must be added to the glyph indices of a text to make characters of them, if one of [`GLYPH_SHIFTS`]
/// makes words: printable characters, most of them letters and spaces, with the vowels of a language.
pub(super) fn glyph_shift(glyphs: &[u32]) -> Option<u32> {
    let count_of = |shift: u32, is: fn(&char) -> bool| {
        let shifted = glyphs
            .iter()
            .filter_map(|glyph| char::from_u32(glyph.checked_add(shift)?));
        shifted.filter(is).count() as f32
    };
    let fits = |shift: &u32| {
        let all = glyphs.len() as f32;
        let letters = glyphs
            .iter()
            .filter_map(|glyph| char::from_u32(glyph.checked_add(*shift)?));
        count_of(*shift, |c| matches!(c, ' '..='~')) >= MOST_PRINTABLE * all
            && count_of(*shift, |c| c.is_ascii_alphabetic() || *c == ' ') >= MOST_LETTERS * all
            && vowel_share(letters).is_some_and(|share| VOWELS.contains(&share))
    };
    let fitting = GLYPH_SHIFTS.into_iter().filter(fits);
    fitting.max_by(|a, b| count_of(*a, |c| *c == ' ').total_cmp(&count_of(*b, |c| *c == ' ')))
}

/// Share of vowels of the Latin letters; `None` if they are too few to tell.
fn vowel_share(letters: impl Iterator<Item = char>) -> Option<f32> {
    let (mut vowels, mut all) = (0u32, 0u32);
    for letter in letters.filter(char::is_ascii_alphabetic) {
        all += 1;
        vowels += u32::from("aeiouyAEIOUY".contains(letter));
    }
    (all >= LEAST_LETTERS).then(|| vowels as f32 / all as f32)
}

/// `true` if the map to Unicode is wrong: the font's own text differs from it for nearly all letters, and
/// either by one distance or so that it has the vowels of a language while the map has not. A map that gives
/// the vowels of a language is never wrong: names of glyphs may be arbitrary.
///
/// `readings`: for each letter of the map, how often the page has it and the font's own text of its glyph.
pub(super) fn is_map_wrong(readings: &BTreeMap<char, (u32, String)>) -> bool {
    let mut distances: BTreeMap<i64, usize> = BTreeMap::new();
    let (mut compared, mut differ) = (0usize, 0usize);
    for (mapped, (_, own)) in readings
        .iter()
        .filter(|(mapped, _)| mapped.is_ascii_alphanumeric())
    {
        let mut letters = own.chars();
        let (Some(own), None) = (letters.next(), letters.next()) else {
            continue;
        };
        compared += 1;
        // Small capitals are mapped to small letters.
        if !own.eq_ignore_ascii_case(mapped) {
            differ += 1;
            *distances.entry(own as i64 - *mapped as i64).or_default() += 1;
        }
    }
    if compared < LEAST_COMPARED || (differ as f32) < MOST_DIFFER * compared as f32 {
        return false;
    }
    let repeated = |letter: char, count: u32| std::iter::repeat_n(letter, count as usize);
    let mapped = readings.iter();
    let mapped = vowel_share(mapped.flat_map(|(letter, (count, _))| repeated(*letter, *count)));
    let own = readings.values();
    let own = own.flat_map(|(count, own)| repeated(own.chars().next().unwrap_or(' '), *count));
    let own = vowel_share(own);
    let is_language = |share: &f32| VOWELS.contains(share);
    if mapped.as_ref().is_some_and(is_language)
        || own.as_ref().is_some_and(|share| !is_language(share))
    {
        return false;
    }
    let commonest = distances.values().max().copied().unwrap_or(0);
    commonest as f32 >= MOST_DIFFER * compared as f32 || (mapped.is_some() && own.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "Dirk Groeneveld, Iz Beltagy, Pete Walsh, Akshita Bhagia, Rodney Kinney, Oyvind Tafjord";

    fn shifted(text: &str) -> impl Iterator<Item = char> {
        let shift = |c: char| {
            if c.is_ascii_alphabetic() {
                (c as u8 - 1) as char
            } else {
                c
            }
        };
        text.chars().map(shift)
    }

    #[test]
    fn a_shift_by_one_letter_is_odd() {
        assert!(!are_odd(TEXT.chars()));
        assert!(are_odd(shifted(TEXT)));
        assert!(!are_odd("BCDF".chars()), "too few to tell");
    }

    #[test]
    fn glyph_indices_in_the_usual_order_are_letters() {
        let glyphs = |shift: u32| TEXT.chars().map(|c| c as u32 - shift).collect::<Vec<_>>();
        assert_eq!(glyph_shift(&glyphs(29)), Some(29));
        assert_eq!(glyph_shift(&glyphs(31)), Some(31));
        assert_eq!(glyph_shift(&glyphs(30)), None);
        assert_eq!(glyph_shift(&[3, 40, 81]), None, "too few to tell");
        assert_eq!(glyph_shift(&[u32::MAX; 40]), None);
    }

    #[test]
    fn a_map_is_wrong_if_it_differs_throughout() {
        let readings =
            |mapped: &str, own: &dyn Fn(char) -> String| -> BTreeMap<char, (u32, String)> {
                let letters = mapped.chars().filter(char::is_ascii_alphabetic);
                let mut readings = BTreeMap::new();
                letters.for_each(|c| readings.entry(c).or_insert((0, own(c))).0 += 1);
                readings
            };
        let back = |c: char| ((c as u8 + 1) as char).to_string();
        let odd: String = shifted(TEXT).collect();
        assert!(is_map_wrong(&readings(&odd, &back)));
        assert!(!is_map_wrong(&readings(TEXT, &|c| c.to_string())));
        assert!(!is_map_wrong(&readings(TEXT, &|c| c
            .to_ascii_uppercase()
            .to_string())));
        assert!(!is_map_wrong(&readings("abc", &back)), "too few to tell");
        // Arbitrary names of glyphs, and a sound map.
        assert!(!is_map_wrong(&readings(TEXT, &back)));
        assert!(!is_map_wrong(&readings(TEXT, &|c| format!("{c}{c}"))));
    }
}
