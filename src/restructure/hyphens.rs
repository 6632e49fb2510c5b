//! Hyphens at line ends: whether a word that a line's end divides has one.
//!
//! Until a document is finished, such a place is a soft hyphen ([`LINE_HYPHEN`]) in a block's content. Here
//! each becomes a hyphen ("attention-based") or nothing ("attention"), by what the rest of the document
//! writes, else by lists of words, else by the language: English writes most compounds of two known words
//! with a hyphen, German writes them together.

use crate::document::{Block, LINE_HYPHEN, Label};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Most letters of a word that are looked at on either side of a line's end.
const LONGEST: usize = 64;
/// Least letters of a word that may be half of a compound: shorter ones are endings and syllables.
const HALF_LETTERS: usize = 3;
/// Least share of English function words among the words of an English text. A third of running English are
/// such; lists of names and other languages have hardly any. Larger: reports full of tables are not English.
/// Smaller: German with English citations is.
const ENGLISH_SHARE: f32 = 0.08;

/// First parts that make hyphenated compounds with any word.
const FIRST_PARTS: &[&str] = &[
    "all", "cross", "double", "ex", "half", "high", "large", "long", "low", "mid", "non", "one",
    "self", "short", "single", "small", "so", "three", "two", "well",
];
/// Last parts that make hyphenated compounds with any word.
const LAST_PARTS: &[&str] = &[
    "agnostic",
    "aware",
    "based",
    "bound",
    "box",
    "class",
    "dependent",
    "driven",
    "end",
    "free",
    "friendly",
    "grained",
    "independent",
    "invariant",
    "level",
    "like",
    "oriented",
    "quality",
    "related",
    "rich",
    "scale",
    "sensitive",
    "shot",
    "side",
    "sized",
    "source",
    "specific",
    "style",
    "time",
    "to",
    "trained",
    "tuned",
    "tuning",
    "type",
    "wide",
    "world",
];
/// Words of which every English text is full, and no text of other languages.
const FUNCTION_WORDS: &[&str] = &[
    "the", "of", "and", "to", "is", "that", "for", "with", "are", "this", "from", "which", "be",
    "by",
];

static CLOSED: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let lines = include_str!("words/closed_compounds.txt").lines();
    lines.filter(|line| !line.starts_with('#')).collect()
});

/// The words of a document, in small letters, with the number of their occurrences.
#[derive(Default)]
pub(super) struct Vocabulary {
    counts: HashMap<String, usize>,
    is_english: bool,
}

impl Vocabulary {
    /// The words of these blocks, without those that a line's end divides.
    pub(super) fn of<'a>(blocks: impl Iterator<Item = &'a Block> + Clone) -> Self {
        let mut words = Vocabulary::default();
        if !blocks
            .clone()
            .any(|block| block.content.contains(LINE_HYPHEN))
        {
            return words;
        }
        let (mut total, mut english) = (0usize, 0usize);
        for block in blocks {
            let is_letter =
                |c: char| c.is_alphanumeric() || matches!(c, '-' | '\u{2010}' | LINE_HYPHEN);
            // The tags of tables are no words, and figures are of no language.
            let is_table = block.label == Label::Table;
            for word in text_of(&block.content, is_table).split(|c| !is_letter(c)) {
                if word.is_empty() || word.contains(LINE_HYPHEN) {
                    continue;
                }
                let word = word.replace('\u{2010}', "-").to_lowercase();
                total += usize::from(word.chars().any(char::is_alphabetic));
                english += usize::from(FUNCTION_WORDS.contains(&word.as_str()));
                // A compound's parts are words as well.
                let parts = word
                    .split('-')
                    .filter(|part| part.len() < word.len() && !part.is_empty());
                for part in parts {
                    *words.counts.entry(part.to_string()).or_default() += 1;
                }
                *words.counts.entry(word).or_default() += 1;
            }
        }
        words.is_english = english as f32 > ENGLISH_SHARE * total as f32;
        words
    }

    fn count(&self, word: &str) -> usize {
        self.counts.get(word).copied().unwrap_or(0)
    }

    /// `true` if the word that a line's end divides into `left` and `right` is written with a hyphen.
    ///
    /// `left` may itself have hyphens: "state-of-the" before "art".
    pub(super) fn keeps_hyphen(&self, left: &str, right: &str) -> bool {
        let (Some(end), Some(start)) = (left.chars().next_back(), right.chars().next()) else {
            return true;
        };
        let in_capitals =
            !left.chars().any(char::is_lowercase) && !right.chars().any(char::is_lowercase);
        if !end.is_alphabetic() || !start.is_alphabetic() || (start.is_uppercase() && !in_capitals)
        {
            return true;
        }
        let (left, right) = (left.to_lowercase(), right.to_lowercase());
        let (with, without) = (format!("{left}-{right}"), format!("{left}{right}"));
        match (self.count(&with), self.count(&without)) {
            (0, 0) => {}
            (hyphenated, joined) => return hyphenated > joined,
        }
        // No language divides a word after one letter: a grade or a blood group ends there.
        if left.chars().count() < 2 {
            return true;
        }
        // Of a compound with several hyphens the last part decides: "self-atten-tion".
        let half = left.rsplit('-').next().unwrap_or(&left);
        let rest = right.split('-').next().unwrap_or(&right);
        let whole = format!("{half}{rest}");
        if self.count(&whole) > 0 || CLOSED.contains(whole.as_str()) {
            return false;
        }
        let is_known = |word: &str| self.count(word) > 0;
        if self.is_english {
            let by_first = FIRST_PARTS.contains(&half) && is_known(rest);
            let is_long = half.chars().count() > HALF_LETTERS
                && rest.chars().count() > HALF_LETTERS
                || rest == "box";
            let by_last = LAST_PARTS.contains(&rest) && (is_long || is_known(half));
            let is_half = |word: &str| word.chars().count() >= HALF_LETTERS && is_known(word);
            if by_first || by_last || is_half(half) && is_half(rest) {
                return true;
            }
        }
        // "state-of-the-" is followed by the next part of the compound, unless that is a mere ending.
        left.contains('-') && is_known(half) && is_known(rest)
    }
}

/// A content without the tags of a table.
fn text_of(content: &str, is_table: bool) -> Cow<'_, str> {
    if !is_table {
        return Cow::Borrowed(content);
    }
    let pieces = content.split('<').enumerate();
    let texts = pieces.map(|(at, piece)| match piece.split_once('>') {
        Some((_, text)) if at > 0 => text,
        _ => piece,
    });
    Cow::Owned(texts.collect::<Vec<_>>().join(" "))
}

/// A word's end before a place, and its start after it.
fn around(before: &str, after: &str) -> (String, String) {
    let is_part = |c: &char| c.is_alphanumeric() || *c == '-';
    // No word of any language is longer.
    let mut left: Vec<char> = before
        .chars()
        .rev()
        .take(LONGEST)
        .take_while(is_part)
        .collect();
    left.reverse();
    (
        left.into_iter().collect(),
        after.chars().take(LONGEST).take_while(is_part).collect(),
    )
}

/// Settles the places in the content of a block; its spans move with the text.
pub(super) fn settle_block(block: &mut Block, words: &Vocabulary) {
    // Soft hyphens in the answer of a recognizer are its own.
    if block.markup.formulas {
        return;
    }
    let Cow::Owned(settled) = settle(&block.content, None, words) else {
        return;
    };
    // After every place, how many bytes the text before it has lost.
    let mut lost: Vec<(usize, usize)> = Vec::new();
    let mut shift = 0;
    for (at, hyphen) in block.content.match_indices(LINE_HYPHEN) {
        let keeps = settled[at - shift..].starts_with('-');
        shift += hyphen.len() - usize::from(keeps);
        lost.push((at + hyphen.len(), shift));
    }
    let moved = |at: usize| {
        let before = lost.partition_point(|(end, _)| *end <= at);
        at - before.checked_sub(1).map_or(0, |before| lost[before].1)
    };
    for span in &mut block.spans {
        span.range = moved(span.range.start)..moved(span.range.end);
    }
    block.content = settled;
}

/// The text with a hyphen or nothing at each place where a line's end divides a word.
///
/// `next`: the text that goes on after its end, in another block.
pub(super) fn settle<'a>(text: &'a str, next: Option<&str>, words: &Vocabulary) -> Cow<'a, str> {
    if !text.contains(LINE_HYPHEN) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split(LINE_HYPHEN).peekable();
    while let Some(piece) = pieces.next() {
        out.push_str(piece);
        let Some(after) = pieces.peek() else { break };
        let after = if after.is_empty() {
            next.unwrap_or("")
        } else {
            after
        };
        let (left, right) = around(&out, after);
        if words.keeps_hyphen(&left, &right) {
            out.push('-');
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Span, SpanStyle};
    use crate::geometry::Rect;

    fn settled(text: &str, elsewhere: &str) -> String {
        let block = |content: &str| {
            let mut block = Block::new(Label::Text, Rect::new(0.0, 0.0, 9.0, 9.0), 1.0);
            block.content = content.into();
            block
        };
        let blocks = [block(text), block(elsewhere)];
        settle(text, None, &Vocabulary::of(blocks.iter())).into_owned()
    }

    const ENGLISH: &str = "The rest of the text is that which is to be read with care. ";

    #[test]
    fn what_the_document_writes_decides() {
        assert_eq!(settled("atten\u{ad}tion", "Attention is all"), "attention");
        assert_eq!(
            settled("pre\u{ad}trained", "a pre-trained net"),
            "pre-trained"
        );
        assert_eq!(
            settled(
                "pre\u{ad}trained",
                "a pretrained net, pre-trained, Pretrained"
            ),
            "pretrained"
        );
    }

    #[test]
    fn english_compounds_keep_their_hyphens() {
        let with = |words: &str| format!("{ENGLISH}{words}");
        assert_eq!(
            settled("attention\u{ad}based", &with("attention")),
            "attention-based"
        );
        assert_eq!(settled("black\u{ad}box", &with("black")), "black-box");
        assert_eq!(
            settled("energy\u{ad}storage", &with("energy storage")),
            "energy-storage"
        );
        assert_eq!(
            settled("state-of-the\u{ad}art", &with("the art")),
            "state-of-the-art"
        );
    }

    #[test]
    fn divided_words_are_joined() {
        let with = |words: &str| format!("{ENGLISH}{words}");
        assert_eq!(settled("inter\u{ad}nal", ENGLISH), "internal");
        assert_eq!(
            settled(
                "with\u{ad}out and net\u{ad}work",
                &with("with out net work")
            ),
            "without and network"
        );
        assert_eq!(
            settled("self-atten\u{ad}tion", &with("attention")),
            "self-attention"
        );
        assert_eq!(
            settled("Daten\u{ad}bank", "Die Daten der Bank und die bank"),
            "Datenbank"
        );
        assert_eq!(settled("TIDAL STREN\u{ad}GTH", ""), "TIDAL STRENGTH");
    }

    #[test]
    fn tables_of_numbers_leave_a_text_english() {
        let mut table = Block::new(Label::Table, Rect::new(0.0, 0.0, 9.0, 9.0), 1.0);
        table.content = format!(
            "<table>{}</table>",
            "<tr><td>1.5</td><td>2</td></tr>".repeat(90)
        );
        let mut text = table.clone();
        (text.label, text.content) = (
            Label::Text,
            format!("{ENGLISH}attention attention\u{ad}based"),
        );
        let words = Vocabulary::of([table, text.clone()].iter());
        assert!(settle(&text.content, None, &words).ends_with("attention-based"));
    }

    #[test]
    fn names_numbers_and_ends_keep_theirs() {
        assert_eq!(settled("Nord\u{ad}S\u{fc}d", ""), "Nord-S\u{fc}d");
        assert_eq!(settled("COVID\u{ad}19", ""), "COVID-19");
        assert_eq!(settled("the end\u{ad}", ""), "the end-");
        assert_eq!(settled("group A\u{ad}the next", ""), "group A-the next");
    }

    #[test]
    fn spans_stay_on_their_words() {
        let mut block = Block::new(Label::Text, Rect::new(0.0, 0.0, 9.0, 9.0), 1.0);
        block.content = "inter\u{ad}nal and Nord\u{ad}S\u{fc}d of it".into();
        for word in ["inter\u{ad}nal", "Nord\u{ad}S\u{fc}d", "it"] {
            let start = block.content.rfind(word).unwrap();
            block.spans.push(Span {
                range: start..start + word.len(),
                style: SpanStyle::default(),
            });
        }
        settle_block(&mut block, &Vocabulary::default());
        let texts = block
            .spans
            .iter()
            .map(|span| &block.content[span.range.clone()]);
        assert_eq!(
            texts.collect::<Vec<_>>(),
            ["internal", "Nord-S\u{fc}d", "it"]
        );
    }

    #[test]
    fn a_word_may_end_in_another_block() {
        let words = Vocabulary::default();
        assert_eq!(
            settle("an inter\u{ad}", Some("nal matter"), &words),
            "an inter"
        );
    }
}
