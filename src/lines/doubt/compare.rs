//! Compares the text of a layer with what a recognizer reads at the same place.

use super::super::line_text::LineText;
use super::thresholds::compare::*;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Short words of running text in many languages, in small letters and in order.
#[rustfmt::skip]
const FUNCTION_WORDS: &[&str] = &[
    "a", "aan", "al", "als", "and", "are", "as", "at", "auf", "av", "az", "be", "bir", "by", "che", "con", "dan",
    "das", "de", "dem", "den", "der", "des", "det", "di", "die", "do", "du", "e", "een", "ein", "eine", "el", "en",
    "er", "es", "et", "for", "from", "har", "het", "i", "il", "in", "is", "it", "ja", "je", "la", "las", "le", "les",
    "los", "med", "mit", "na", "nie", "och", "of", "on", "or", "os", "para", "per", "por", "que", "se", "si", "som",
    "su", "that", "the", "to", "um", "un", "una", "und", "van", "ve", "von", "w", "was", "with", "y", "yang", "z",
    "zu",
];

/// What a comparison found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The layer is as good as what was read, or better.
    AsGood,
    /// What was read is better.
    Worse,
    /// Too little could be read to tell.
    Unknown,
}

/// A text of the layer, and the same place as it was read.
pub(super) struct Pair<'a> {
    /// Text of the layer.
    pub layer: &'a str,
    /// Text that was read.
    pub read: &'a str,
    /// Mean probability of its characters, 0 to 1.
    pub confidence: f32,
}

impl<'a> Pair<'a> {
    /// A text of the layer and a line that was read.
    pub(super) fn new(layer: &'a str, line: &'a LineText) -> Pair<'a> {
        Pair {
            layer,
            read: &line.text,
            confidence: line.confidence,
        }
    }
}

/// Compares texts. `enough`: share of equal characters, 0 to 1, from which a layer is good without a look at
/// its words.
pub(super) fn compare(pairs: &[Pair<'_>], enough: f32) -> Found {
    let (mut edits, mut all) = (0usize, 0usize);
    let (mut of_layer, mut of_read) = (Words::default(), Words::default());
    for pair in pairs.iter().filter(|pair| pair.confidence >= SURE) {
        let (layer, read) = (folded(pair.layer), folded(pair.read));
        if read.len() < LEAST_LINE || layer.len().max(read.len()) > LONGEST {
            continue;
        }
        edits += strsim::generic_levenshtein(&layer, &read);
        all += layer.len().max(read.len());
        of_layer.add(pair.layer);
        of_read.add(pair.read);
    }
    if all < LEAST_COMPARED {
        return Found::Unknown;
    }
    let agreement = 1.0 - edits as f32 / all as f32;
    let is_good = agreement >= enough
        || agreement >= HALF && of_layer.plausibility() >= of_read.plausibility() - WORD_SLACK;
    match is_good {
        true => Found::AsGood,
        false => Found::Worse,
    }
}

/// Letters and digits of a text without case and accents: a recognizer loses these first.
fn folded(text: &str) -> Vec<char> {
    let plain = text.nfkd().filter(|c| !is_combining_mark(*c));
    let small = plain.flat_map(char::to_lowercase);
    small.filter(|c| c.is_alphanumeric()).collect()
}

/// Counts of what speaks for words.
#[derive(Default)]
struct Words {
    /// Characters of all words.
    chars: usize,
    /// Characters of words that look like words or numbers.
    clean: usize,
    words: usize,
    /// Words of many languages' running text.
    function: usize,
}

impl Words {
    fn add(&mut self, text: &str) {
        for word in text.split_whitespace() {
            let word = word.trim_matches(|c: char| ",.;:!?()[]{}\"'“”‘’«»„…–—*".contains(c));
            let length = word.chars().count();
            self.chars += length;
            self.clean += if is_clean(word) { length } else { 0 };
            self.words += 1;
            let small = word.to_lowercase();
            self.function += usize::from(FUNCTION_WORDS.binary_search(&small.as_str()).is_ok());
        }
    }

    /// How much the text looks like that of people, 0 to 2.
    fn plausibility(&self) -> f32 {
        let share = |part: usize, whole: usize| part as f32 / whole.max(1) as f32;
        share(self.clean, self.chars) + share(self.function, self.words)
    }
}

/// `true` for a word in one of the usual cases and with a vowel, or a number.
fn is_clean(word: &str) -> bool {
    let is_inner = |c: char| "-'’./".contains(c);
    let is_number = word
        .chars()
        .all(|c| c.is_numeric() || ".,:;/-–%€$£°+×".contains(c));
    if is_number {
        return word.chars().any(char::is_numeric);
    }
    if !word.chars().all(|c| c.is_alphabetic() || is_inner(c)) {
        return false;
    }
    // Small letters before capitals within a part are none of a word: "tHe", not "McKay" or "PDFs".
    word.split(is_inner).all(|part| {
        let letters: Vec<char> = part.chars().collect();
        let turns = letters
            .windows(2)
            .filter(|pair| pair[0].is_lowercase() && pair[1].is_uppercase())
            .count();
        let plain: Vec<char> = folded(part);
        let is_latin = plain.iter().all(char::is_ascii_alphabetic);
        let has_vowel = plain.iter().any(|c| "aeiouy".contains(*c));
        let is_short = letters.len() < SHORT_WORD;
        let is_capital = letters.iter().all(|c| c.is_uppercase());
        turns <= 1 && (!is_latin || has_vowel || is_short || is_capital)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(layer: &str, read: &str, confidence: f32, expected: Found) {
        let pair = Pair {
            layer,
            read,
            confidence,
        };
        assert_eq!(compare(&[pair], ENOUGH), expected, "{layer} / {read}");
    }

    #[test]
    fn the_list_is_in_order() {
        assert!(FUNCTION_WORDS.is_sorted());
    }

    #[test]
    fn equal_texts_are_as_good() {
        let text = "The harbour was closed for two days in March";
        check(text, text, 0.97, Found::AsGood);
        check(
            "Uvolnění vinkulace proběhlo podle smlouvy",
            "Uvolneni vinkulaceprobehlo podle smlouvy.",
            0.9,
            Found::AsGood,
        );
    }

    #[test]
    fn other_letters_are_worse() {
        check(
            "Chqj Fqndmudkc, Hy Adkszfx, Odsd Vzkrg",
            "Dirk Groeneveld, Iz Beltagy, Pete Walsh",
            0.97,
            Found::Worse,
        );
        // The words decide where both have much in common.
        check(
            "Tlie liarb0ur vvas cl0sed f0r tw0 davs ln Ma_rch",
            "The harbour was closed for two days in March",
            0.95,
            Found::Worse,
        );
        check(
            "The harbour was closed for two days in March",
            "Tlie liarb0ur vvas cl0sed f0r tw0 davs ln Ma_rch",
            0.95,
            Found::AsGood,
        );
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        let text = "The harbour was closed for two days in March";
        check(text, "Il|1 lI1", 0.4, Found::Unknown);
        check(text, "", 0.0, Found::Unknown);
        check("short", "other", 0.99, Found::Unknown);
    }
}
