//! Headings: the sign that makes a block one, of its size, its looks, its number and its wording.
//!
//! [`sign`] is asked twice: of the blocks of a page, with the size of body text there, and of a whole document's in
//! `restructure`, with the size over all pages, where [`is_still_one`] says which headings of a page are taken back.

use super::thresholds::headings::*;
use crate::document::BlockStyle;

/// Words before the number of a heading, in small letters.
pub(crate) const NUMBER_WORDS: &[&str] = &[
    "chapter",
    "section",
    "part",
    "book",
    "appendix",
    "annex",
    "unit",
    "lesson",
    "kapitel",
    "abschnitt",
    "teil",
    "anhang",
    "chapitre",
    "partie",
    "annexe",
    "capítulo",
    "sección",
    "parte",
    "anexo",
    "capitolo",
    "hoofdstuk",
    "глава",
    "часть",
    "第",
];

/// The sign that makes a block a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It is larger than body text by enough.
    Size,
    /// It is bold or in capitals, or has the number or wording of a heading.
    Looks,
}

/// The sign that makes a block a heading, if it has one.
///
/// `body` is the size of body text; `recognized` tells that the block comes from a recognizer, which knows no fonts.
pub(crate) fn sign(text: &str, style: &BlockStyle, body: f32, recognized: bool) -> Option<Sign> {
    let chars = text.chars().count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let goes_on = text.trim_end().ends_with([',', ';', '-']);
    if is_sentence(text, style) || is_code_like(text) && !is_numbered(text) || is_keywords(text) {
        return None;
    }
    if ends_with_amount(text) {
        return None;
    }
    if style.line_count > MAX_LINES || chars > MAX_CHARS || letters < MIN_LETTERS || goes_on {
        return None;
    }
    if is_large(style, body, recognized) && letters * 2 > chars {
        return Some(Sign::Size);
    }
    if !has_looks(text, style, recognized)
        || style.line_count > MAX_DISTINCT_LINES
        || chars > MAX_DISTINCT_CHARS
    {
        return None;
    }
    let ratio = ratio(style, body);
    let is_sentence = text.trim_end().ends_with('.') && !is_numbered(text);
    let is_distinct = style.bold || (style.capitals && chars > CAPITALS_CHARS && !recognized);
    let by_looks = is_distinct
        && !is_sentence
        && ratio > DISTINCT_SIZE
        && chars >= MIN_DISTINCT_CHARS
        // Names of functions begin with a small letter.
        && (starts_like_heading(text) || style.fixed_pitch && style.bold);
    let by_wording = is_special(text) && style.line_count == 1;
    let by_number = recognized
        && is_numbered(text)
        && style.line_count == 1
        && chars < MAX_NUMBERED_CHARS
        && ratio > NUMBERED_SIZE
        && !is_sentence;
    (by_looks || by_wording || by_number).then_some(Sign::Looks)
}

/// `true` if a block that was a heading on its page is one in its document, where body text has another size.
///
/// Only what had no sign but its size is taken back: looks were compared with the text beside them, which says more.
pub(crate) fn is_still_one(text: &str, style: &BlockStyle, body: f32, recognized: bool) -> bool {
    style.tagged_level.is_some()
        || style.is_seen_title
        || style.font_size >= size_limit(recognized) * body
        || has_looks(text, style, recognized)
}

/// `true` if a block that was text on its page is a heading in its document, where body text has another size.
///
/// By its size alone, so it must be shorter than on a page; a single letter counts: those that head the parts of an index
/// have the size of the body text of their own pages.
pub(crate) fn is_one_after_all(
    text: &str,
    style: &BlockStyle,
    body: f32,
    recognized: bool,
) -> bool {
    let chars = text.chars().count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    style.font_size >= size_limit(recognized) * body
        && style.line_count <= MAX_PROMOTED_LINES
        && chars <= MAX_PROMOTED_CHARS
        && letters * 2 > chars
        && !text.trim_end().ends_with([',', ';'])
        && !is_sentence(text, style)
        && !is_keywords(text)
        && !ends_with_amount(text)
        && !is_several_sentences(text)
}

/// `true` for a label with an amount of money, as in the sums of an invoice: `Total RM 2,318.22`. Versions such as `22.04` have
/// fewer digits.
fn ends_with_amount(text: &str) -> bool {
    let is_currency = |c: char| "$€£¥₹₽₩₺₫฿".contains(c);
    let text = text.trim_end_matches(|c: char| c.is_whitespace() || is_currency(c) || c == ')');
    let last = text.split_whitespace().next_back().unwrap_or_default();
    let last = last.trim_start_matches(|c: char| is_currency(c) || "(-−–+".contains(c));
    let Some((whole, cents)) = last.rsplit_once(['.', ',']) else {
        return false;
    };
    let is_digit = |c: char| c.is_ascii_digit();
    let is_grouped = whole.chars().all(|c| is_digit(c) || ".,'’".contains(c));
    let digits = whole.chars().filter(|c| is_digit(*c)).count();
    text != last && digits >= 3 && is_grouped && cents.len() == 2 && cents.chars().all(is_digit)
}

/// `true` for more than one sentence, the last one with its end: a heading within its paragraph.
fn is_several_sentences(text: &str) -> bool {
    let text = text.trim_end();
    let goes_on = |(at, _): (usize, &str)| {
        // Not an abbreviation.
        let word = text[..at].rsplit(|c: char| !c.is_alphabetic()).next();
        let is_word = word.is_some_and(|word| word.chars().count() >= WORD_LETTERS);
        is_word && text[at + 2..].starts_with(char::is_uppercase)
    };
    text.ends_with('.') && !is_numbered(text) && text.match_indices(". ").any(goes_on)
}

/// `true` for a paragraph of keywords, whose label stands in it: `Keywords: tides, ice`, `Index Terms—tides`.
pub(crate) fn is_keywords(text: &str) -> bool {
    const LABELS: &[&str] = &[
        "acm classification",
        "additional key words and phrases",
        "ams subject classification",
        "ams subject classifications",
        "categories and subject descriptors",
        "ccs concepts",
        "general terms",
        "index terms",
        "jel classification",
        "jel classification codes",
        "jel code",
        "jel codes",
        "key words",
        "key words and phrases",
        "keywords",
        "keywords and phrases",
        "mathematics subject classification",
        "mots clés",
        "mots-clés",
        "msc codes",
        "pacs",
        "pacs numbers",
        "palabras clave",
        "palavras-chave",
        "parole chiave",
        "schlagwörter",
        "schlüsselwörter",
        "subject classification",
        "ключевые слова",
        "关键字",
        "关键词",
        "關鍵字",
        "關鍵詞",
        "キーワード",
        "주제어",
        "핵심어",
    ];
    let text = text.trim_start().to_lowercase();
    let is_label = |label: &&str| {
        let Some(rest) = text.strip_prefix(*label) else {
            return false;
        };
        let keywords = rest.trim_start().strip_prefix([':', '：', '—', '–']);
        // `PACS-based` is one word.
        let keywords = keywords.or_else(|| {
            rest.trim_start()
                .strip_prefix('-')
                .filter(|_| rest.starts_with(' '))
        });
        keywords.is_some_and(|keywords| keywords.contains(char::is_alphanumeric))
    };
    LABELS.iter().any(is_label)
}

/// `true` for a sentence over several lines: a standfirst or a quotation in large type.
fn is_sentence(text: &str, style: &BlockStyle) -> bool {
    let end = text
        .trim_end()
        .trim_end_matches(['"', '\'', '”', '’', '»', '“']);
    style.line_count > 1
        && end.ends_with(['.', '!', '…', '。', '！'])
        && !is_numbered(text)
        && text.split_whitespace().count() >= SENTENCE_WORDS
        && !style.capitals
}

/// Size over body size.
fn ratio(style: &BlockStyle, body: f32) -> f32 {
    style.font_size / body.max(1.0)
}

/// `true` if a block is so much larger than body text that its size makes it a heading.
fn is_large(style: &BlockStyle, body: f32, recognized: bool) -> bool {
    ratio(style, body) > size_limit(recognized)
}

/// Size relative to body text that makes a heading.
fn size_limit(recognized: bool) -> f32 {
    match recognized {
        true => SIZE_RECOGNIZED,
        false => SIZE,
    }
}

/// `true` if a block looks like a heading of any size, or has the number or wording of one.
fn has_looks(text: &str, style: &BlockStyle, recognized: bool) -> bool {
    style.bold || style.capitals || is_special(text) || (recognized && is_numbered(text))
}

fn starts_like_heading(text: &str) -> bool {
    text.chars()
        .find(|c| c.is_alphanumeric())
        .is_some_and(|c| !c.is_lowercase())
}

/// `true` if a text is a command, an address or part of one, which no heading is.
pub(crate) fn is_code_like(text: &str) -> bool {
    let text = text.trim();
    let has_command = text.match_indices('\\').any(|(at, _)| {
        let next = text[at + 1..].chars().next();
        next.is_some_and(char::is_alphabetic)
    });
    has_command && (text.contains('{') || text.starts_with('\\'))
        || text.contains("://")
        || text.starts_with("//")
        || text.ends_with(['{', ';'])
}

/// `true` if a text begins with a heading number: `1 Title`, `2.3 Title`, `IV. Title`, `A. Title`.
pub(crate) fn is_numbered(text: &str) -> bool {
    let Some((number, rest)) = text.trim_start().split_once(char::is_whitespace) else {
        return false;
    };
    let core = number.trim_end_matches(['.', ')']);
    let parts: Vec<&str> = core.split('.').collect();
    let digits = parts.iter().all(|p| {
        !p.is_empty() && p.len() <= NUMBER_DIGITS && p.chars().all(|c| c.is_ascii_digit())
    });
    let roman =
        number.ends_with('.') && !core.is_empty() && core.chars().all(|c| "IVX".contains(c));
    let lettered = core.len() <= LETTERED_CHARS
        && core.chars().next().is_some_and(|c| c.is_ascii_uppercase())
        && (parts.len() > 1 || number.ends_with('.'))
        && parts[0].len() == 1
        && parts[1..]
            .iter()
            .all(|p| !p.is_empty() && p.chars().all(|c| c.is_ascii_digit()));
    (digits || roman || lettered)
        && rest
            .trim_start()
            .chars()
            .next()
            .is_some_and(char::is_uppercase)
}

/// `true` for headings known by their wording (docs/reference.md, "Heading levels", and common variants).
pub(crate) fn is_special(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "abstract",
        "summary",
        "contents",
        "table of contents",
        "references",
        "bibliography",
        "appendix",
        "acknowledgments",
        "acknowledgements",
        "acknowledgment",
        "introduction",
        "conclusion",
        "conclusions",
        "摘要",
        "目录",
        "参考文献",
        "引言",
        "结论",
        "致谢",
        "附录",
    ];
    let text = text
        .trim()
        .trim_end_matches([':', '：', '.'])
        .to_lowercase();
    WORDS.contains(&text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(font_size: f32, bold: bool) -> BlockStyle {
        BlockStyle {
            font_size,
            bold,
            line_count: 1,
            ..BlockStyle::default()
        }
    }

    #[test]
    fn size_and_looks_make_headings() {
        let of = |text, size, bold| sign(text, &style(size, bold), 20.0, false);
        assert_eq!(of("The tides", 24.0, false), Some(Sign::Size));
        assert_eq!(of("The tides", 22.5, false), None);
        assert_eq!(of("The tides", 20.0, true), Some(Sign::Looks));
        assert_eq!(of("The tides", 17.0, true), None, "a small label");
        assert_eq!(of("the tides", 20.0, true), None, "a part of a sentence");
        assert_eq!(of("The tides rise.", 20.0, true), None, "a sentence");
        assert_eq!(of("The tides,", 24.0, true), None, "it goes on");
        assert_eq!(of("References", 20.0, false), Some(Sign::Looks));
        for code in ["\\section{Tides}", "https://a.b/Tides", "if (a) {", "//a.b"] {
            assert_eq!(of(code, 24.0, true), None, "{code}");
        }
        assert_eq!(
            of("2.1 The \\tides{} command", 20.0, true),
            Some(Sign::Looks)
        );
        let lines = |text: &str, line_count| {
            let style = BlockStyle {
                line_count,
                ..style(30.0, true)
            };
            sign(text, &style, 20.0, false)
        };
        let quotation = "For three weeks the town has had no clock, and nobody was late.";
        assert_eq!(lines(quotation, 2), None, "a standfirst");
        assert_eq!(lines(&quotation.replace('.', ""), 2), Some(Sign::Size));
        assert_eq!(lines(quotation, 1), Some(Sign::Size));
    }

    #[test]
    fn keywords_are_no_headings() {
        let of = |text| sign(text, &style(24.0, true), 20.0, false);
        for text in [
            "Keywords: tides, ice",
            "KEYWORDS: TIDES",
            "Key words \u{2013} Tides",
            "Keywords - tides, ice",
            "Index Terms\u{2014}Tides",
            "JEL codes: C32, Q54",
            "CCS Concepts: \u{2022} Computing methodologies",
            "关键词：潮汐与冰",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
        for text in [
            "Keywords",
            "Keywords of the language",
            "Keywords:",
            "Keywords-driven testing",
            "PACS-based workflows",
            "General terms of use",
            "General terms.",
        ] {
            assert!(of(text).is_some(), "{text}");
        }
        assert!(!is_keywords("General terms. Of use."));
    }

    #[test]
    fn only_headings_by_size_alone_are_taken_back() {
        let stays = |text, size, bold| is_still_one(text, &style(size, bold), 20.0, false);
        assert!(!stays("The tides", 20.0, false));
        assert!(stays("The tides", 24.0, false));
        assert!(stays("The tides", 16.0, true));
        assert!(stays("References", 20.0, false));
    }

    #[test]
    fn letters_of_an_index_are_headings_of_the_document() {
        let of = |text, size| is_one_after_all(text, &style(size, false), 11.0, false);
        assert!(of("A", 18.0) && of("\u{7532}", 18.0) && of("Tides and-", 18.0));
        assert!(!of("A", 12.0) && !of("17", 18.0) && !of("The tides,", 18.0));
        assert!(!of("Scope. Tides of all seas.", 18.0) && of("Scope. Tides", 18.0));
        assert!(of("Works of St. Paul.", 18.0));
        let long = "The tides rise and fall ".repeat(7);
        assert!(!of(&long, 18.0));
    }

    #[test]
    fn recognized_lines_are_told_by_number_and_by_more_of_their_size() {
        let of = |text, size| sign(text, &style(size, false), 20.0, true);
        assert_eq!(of("The tides", 24.0), None);
        assert_eq!(of("The tides", 26.5), Some(Sign::Size));
        assert_eq!(of("2.1 The tides", 20.0), Some(Sign::Looks));
    }

    #[test]
    fn numbered_headings_need_a_title() {
        for text in [
            "1 Introduction",
            "2.3 Methods",
            "IV. Results",
            "A. Proofs",
            "A.1 More",
        ] {
            assert!(is_numbered(text), "{text}");
        }
        for text in ["1998 was", "1 of them", "3.5", "A plan"] {
            assert!(!is_numbered(text), "{text}");
        }
    }

    #[test]
    fn sums_with_their_labels_are_no_headings() {
        let bold = style(20.0, true);
        for text in [
            "Total RM 2,318.22",
            "SST (6%) 131.22",
            "Rechnungsbetrag 1.359,22 €",
            "Balance (£204.18)",
        ] {
            assert_eq!(sign(text, &bold, 20.0, false), None, "{text}");
        }
        for text in ["Ubuntu 22.04", "Results of 2024", "Release 10.15"] {
            assert!(sign(text, &bold, 20.0, false).is_some(), "{text}");
        }
    }
}
