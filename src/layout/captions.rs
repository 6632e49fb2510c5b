//! Captions of tables and figures, told by their first words.

/// First words of captions of what is drawn, in lower case.
const FIGURE_WORDS: &[&str] = &[
    "figure",
    "fig",
    "chart",
    "scheme",
    "plate",
    "abbildung",
    "abb",
    "figura",
    "рис",
    "图",
    "圖",
    "附图",
    "図",
];

/// First words of other captions, in lower case.
const OTHER_WORDS: &[&str] = &[
    "table",
    "tab",
    "listing",
    "algorithm",
    "exhibit",
    "example",
    "tabelle",
    "tabla",
    "tableau",
    "tabela",
    "таблица",
    "表",
    "附表",
];

/// Maximum length of a roman number in a caption: `XVIII`.
const ROMAN_CHARS: usize = 5;
/// Maximum length of a number that starts with a letter: `A.12`.
const LETTERED_CHARS: usize = 4;

/// `true` if a text begins as captions of figures do.
pub(super) fn is_of_figure(text: &str) -> bool {
    let lower = text.trim_start().to_lowercase();
    caption_kind(text).is_some() && FIGURE_WORDS.iter().any(|word| lower.starts_with(word))
}

/// `Some(true)` if a text begins as only captions do, `Some(false)` if it could also be a sentence.
pub(crate) fn caption_kind(text: &str) -> Option<bool> {
    let text = text.trim_start();
    let lower = text.to_lowercase();
    let word = FIGURE_WORDS
        .iter()
        .chain(OTHER_WORDS)
        .filter(|w| lower.starts_with(**w))
        .max_by_key(|w| w.len())?;
    // Lower-casing may change byte lengths: counts characters.
    let rest: String = text.chars().skip(word.chars().count()).collect();
    let rest = rest.trim_start_matches(['.', ' ', '\u{a0}']);
    let number: String = rest
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        .collect();
    let core = number.trim_end_matches(['.', '-']);
    let numbered = core.chars().next().is_some_and(|c| c.is_ascii_digit())
        || (!core.is_empty()
            && core.len() <= ROMAN_CHARS
            && core.chars().all(|c| "IVXLC".contains(c)))
        || (core.len() <= LETTERED_CHARS
            && core.chars().next().is_some_and(|c| c.is_ascii_uppercase())
            && core.contains(['.', '-']));
    if !numbered {
        return None;
    }
    let after = &rest[core.len()..];
    let strong = after.is_empty()
        || after.starts_with(['.', ':', '|', '：', '。', '–', '—', '-'])
        || after
            .trim_start()
            .chars()
            .next()
            .is_some_and(|c| c.is_uppercase() || !c.is_ascii());
    Some(strong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_told_from_sentences() {
        for text in [
            "Figure 3: The way",
            "Table 1. HPO",
            "Fig. 2 The way",
            "TABLE IV",
            "表 1 结果",
            "Figure A.1. x",
        ] {
            assert_eq!(caption_kind(text), Some(true), "{text}");
        }
        assert_eq!(caption_kind("Table 2 shows that"), Some(false));
        for text in [
            "Tables are",
            "Figure it out",
            "Table of contents",
            "The figure 3",
        ] {
            assert_eq!(caption_kind(text), None, "{text}");
        }
    }

    #[test]
    fn figures_are_told_from_tables() {
        assert!(is_of_figure("Figure 2. Oil"));
        assert!(!is_of_figure("Table 2. Oil"));
        assert!(!is_of_figure("Figures of the year"));
    }
}
