//! Labels of blocks, from their wording, appearance and position on the page.
//!
//! Properties that depend on the whole document (running headers, body size, heading levels) are decided
//! later, in `restructure`.

use super::line::Line;
use crate::document::{BlockStyle, Label};
use crate::geometry::Rect;

/// Context of the labelling rules besides the lines.
#[derive(Debug, Clone, Copy)]
pub struct PageShape {
    /// Body font size in pixels.
    pub body: f32,
    /// Height of the page in pixels.
    pub height: f32,
    /// `true` if the lines come from a recognizer, which knows no fonts.
    pub recognized: bool,
    /// Left and right edge of the block's zone.
    pub zone: (f32, f32),
    /// Vertical position of the rule above the footnotes.
    pub footnote_rule: Option<f32>,
}

/// Words that begin captions, in lower case.
const CAPTION_WORDS: &[&str] = &[
    "figure",
    "fig",
    "table",
    "tab",
    "chart",
    "scheme",
    "plate",
    "listing",
    "algorithm",
    "exhibit",
    "example",
    "abbildung",
    "abb",
    "tabelle",
    "figura",
    "tabla",
    "tableau",
    "tabela",
    "图",
    "表",
    "圖",
    "附图",
    "附表",
    "図",
];
/// Size over body size from which a line is a heading whatever else it is.
const HEADING_SIZE: f32 = 1.13;
/// The same for recognized lines, whose size is only known from their boxes.
const HEADING_SIZE_RECOGNIZED: f32 = 1.3;
/// Headings have at most so many lines and characters.
const MAX_HEADING_LINES: usize = 4;
const MAX_HEADING_CHARS: usize = 220;
/// Share of characters in formula fonts that makes a line a formula.
const FORMULA_SHARE: f32 = 0.33;

/// The label of a text block and its confidence, 0 to 1.
pub fn label(lines: &[Line], shape: &PageShape) -> (Label, f32) {
    let text = lines
        .iter()
        .map(|l| l.text.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    let style = style(lines);
    if is_contents(lines) {
        return (Label::Content, 0.85);
    }
    if is_formula(lines, shape) {
        return (Label::DisplayFormula, 0.8);
    }
    if is_footnote(lines, shape) {
        return (Label::Footnote, 0.75);
    }
    if is_code(lines) {
        return (Label::Algorithm, 0.85);
    }
    if caption_kind(&text).is_some_and(|strong| strong || style.font_size < 0.97 * shape.body) {
        return (Label::FigureTitle, 0.85);
    }
    if lines.iter().any(|l| l.tag.is_some_and(|t| t.1.is_some())) {
        return (Label::ParagraphTitle, 0.95);
    }
    if is_heading(&text, &style, shape) {
        return (Label::ParagraphTitle, 0.8);
    }
    (Label::Text, 0.9)
}

/// Typographic properties of a block.
pub fn style(lines: &[Line]) -> BlockStyle {
    let total: usize = lines.iter().map(|l| l.text.chars().count()).sum();
    let most = |f: &dyn Fn(&Line) -> bool| {
        lines
            .iter()
            .filter(|l| f(l))
            .map(|l| l.text.chars().count())
            .sum::<usize>()
            * 2
            > total
    };
    let longest = lines.iter().max_by_key(|l| l.text.chars().count());
    let letters = || {
        lines
            .iter()
            .flat_map(|l| l.text.chars())
            .filter(|c| c.is_alphabetic())
    };
    let (upper, cased) = (
        letters().filter(|c| c.is_uppercase()).count(),
        letters().filter(|c| c.is_lowercase()).count(),
    );
    BlockStyle {
        font_size: longest.map_or(0.0, |l| l.size),
        bold: most(&|l| l.bold),
        italic: most(&|l| l.italic),
        capitals: upper >= 3 && upper > 4 * cased,
        line_count: lines.len(),
        tagged_level: lines.iter().find_map(|l| l.tag.and_then(|t| t.1)),
    }
}

/// `Some(true)` if a text begins as only captions do, `Some(false)` if it could also be a sentence.
pub fn caption_kind(text: &str) -> Option<bool> {
    let text = text.trim_start();
    let lower = text.to_lowercase();
    let word = CAPTION_WORDS
        .iter()
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
        || (!core.is_empty() && core.len() <= 5 && core.chars().all(|c| "IVXLC".contains(c)))
        || (core.len() <= 4
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

/// `true` for a table of contents: most lines end with a page number after dots or white space.
fn is_contents(lines: &[Line]) -> bool {
    let entry = |l: &Line| {
        let Some((head, number)) = l.text.trim_end().rsplit_once(['.', ' ', '…', '·']) else {
            return false;
        };
        let head = head.trim_end();
        let leader = ["...", ". .", ".", "…", "··"]
            .iter()
            .any(|dots| head.ends_with(dots));
        leader && is_page_number(number) && l.text.matches(['.', '…', '·']).count() >= 3
    };
    lines.iter().filter(|l| entry(l)).count() * 2 > lines.len()
}

/// `true` for a displayed formula: mostly symbols, narrower than the text.
fn is_formula(lines: &[Line], shape: &PageShape) -> bool {
    let zone_width = (shape.zone.1 - shape.zone.0).max(1.0);
    let total: usize = lines.iter().map(|l| l.text.chars().count()).sum();
    if total == 0 || lines.len() > 12 {
        return false;
    }
    let text = lines
        .iter()
        .map(|l| l.text.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    let words = text
        .split(|c: char| !c.is_alphabetic())
        .filter(|w| w.chars().count() >= 4)
        .count();
    let signs = text
        .chars()
        .filter(|c| "=≤≥±∑∏∫√∂∞≈≠×÷^{}|∈→∝".contains(*c))
        .count();
    let left = lines
        .iter()
        .map(|l| l.bbox.x1)
        .fold(f32::INFINITY, f32::min);
    let right = lines
        .iter()
        .map(|l| l.bbox.x2)
        .fold(f32::NEG_INFINITY, f32::max);
    let set_in = left > shape.zone.0 + 2.0 * shape.body;
    let fixed = lines.iter().any(|l| l.fixed_pitch);
    let open = right < shape.zone.1 - 2.0 * shape.body;
    let wordless = words <= usize::from(shape.recognized) && (shape.recognized || open);
    if signs >= 1
        && wordless
        && set_in
        && !fixed
        && total <= 120
        && text.split_whitespace().count() >= 2
    {
        return true;
    }
    if shape.recognized {
        return false;
    }
    let math: f32 = lines
        .iter()
        .map(|l| l.math * l.text.chars().count() as f32)
        .sum::<f32>()
        / total as f32;
    let narrow = lines
        .iter()
        .all(|l| l.bbox.width() < 0.97 * zone_width || l.math > 0.5);
    math > FORMULA_SHARE && words * 8 <= total && narrow
}

fn is_code(lines: &[Line]) -> bool {
    let fixed = lines.iter().filter(|l| l.fixed_pitch).count();
    fixed * 2 > lines.len()
        && (lines.len() >= 2 || lines[0].text.contains(['{', '(', ';', '=', '$', '#', '/']))
}

/// `true` for small text low on the page that begins with a note mark.
fn is_footnote(lines: &[Line], shape: &PageShape) -> bool {
    let first = &lines[0];
    if shape
        .footnote_rule
        .is_some_and(|y| first.bbox.center_y() > y)
    {
        let text = first.text.as_str();
        return first.size < 1.05 * shape.body && !(lines.len() == 1 && is_page_number(text));
    }
    let low = first.bbox.y1 > 0.6 * shape.height;
    let small = first.size < if shape.recognized { 0.85 } else { 0.93 } * shape.body;
    let mark = first.text.trim_start();
    let digits = mark.chars().take_while(char::is_ascii_digit).count();
    let marked = mark.starts_with(['*', '†', '‡', '§', '¹', '²', '³', '①'])
        || ((1..=3).contains(&digits)
            && mark[digits..]
                .trim_start()
                .chars()
                .next()
                .is_some_and(|c| c.is_alphabetic() || c == '"'));
    low && small && marked
}

fn is_heading(text: &str, style: &BlockStyle, shape: &PageShape) -> bool {
    let chars = text.chars().count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if style.line_count > MAX_HEADING_LINES || chars > MAX_HEADING_CHARS || letters < 2 {
        return false;
    }
    let ratio = style.font_size / shape.body.max(1.0);
    let large = ratio
        > if shape.recognized {
            HEADING_SIZE_RECOGNIZED
        } else {
            HEADING_SIZE
        };
    let ends_open = !text.trim_end().ends_with([',', ';', '-']);
    if large && ends_open && letters * 2 > chars {
        return true;
    }
    if style.line_count > 2 || chars > 120 || !ends_open {
        return false;
    }
    let sentence = text.trim_end().ends_with('.') && !numbered_heading(text);
    let special = is_special_heading(text);
    let distinct = style.bold || (style.capitals && chars > 4 && !shape.recognized);
    (distinct && !sentence && ratio > 0.88 && chars >= 3 && starts_like_heading(text))
        || (special && style.line_count == 1)
        || (shape.recognized
            && numbered_heading(text)
            && style.line_count == 1
            && chars < 70
            && ratio > 0.9
            && !sentence)
}

fn starts_like_heading(text: &str) -> bool {
    text.chars()
        .find(|c| c.is_alphanumeric())
        .is_some_and(|c| !c.is_lowercase())
}

/// `true` if a text begins with a heading number: `1 Title`, `2.3 Title`, `IV. Title`, `A. Title`.
pub fn numbered_heading(text: &str) -> bool {
    let Some((number, rest)) = text.trim_start().split_once(char::is_whitespace) else {
        return false;
    };
    let core = number.trim_end_matches(['.', ')']);
    let parts: Vec<&str> = core.split('.').collect();
    let digits = parts
        .iter()
        .all(|p| !p.is_empty() && p.len() <= 2 && p.chars().all(|c| c.is_ascii_digit()));
    let roman =
        number.ends_with('.') && !core.is_empty() && core.chars().all(|c| "IVX".contains(c));
    let lettered = core.len() <= 6
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
pub fn is_special_heading(text: &str) -> bool {
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

/// `true` if a text is a page number: digits or roman numerals, alone or in the usual decoration.
pub fn is_page_number(text: &str) -> bool {
    let text = text
        .trim()
        .trim_matches(['-', '–', '—', '·', '|', ' ', '[', ']'])
        .trim()
        .to_lowercase();
    let text = text
        .strip_prefix("page")
        .or(text.strip_prefix("seite"))
        .or(text.strip_prefix("p."))
        .unwrap_or(&text)
        .trim();
    let number = |s: &str| !s.is_empty() && s.len() <= 5 && s.chars().all(|c| c.is_ascii_digit());
    let roman = !text.is_empty() && text.len() <= 6 && text.chars().all(|c| "ivxl".contains(c));
    let of = ["of", "/", "von", "de"].iter().any(|w| {
        text.split_once(w)
            .is_some_and(|(a, b)| number(a.trim()) && number(b.trim()))
    });
    let chinese = text
        .strip_prefix('第')
        .and_then(|t| t.strip_suffix('页'))
        .is_some_and(|t| number(t.trim()));
    number(text) || roman || of || chinese
}

/// Index, among a line's segments, of the formula number at its right end.
pub fn formula_number(texts: &[String]) -> Option<usize> {
    let last = texts.len().checked_sub(1)?;
    let text = texts[last].trim();
    let core = text.strip_prefix('(')?.strip_suffix(')')?;
    let plausible = !core.is_empty()
        && core.len() <= 7
        && core.chars().any(|c| c.is_ascii_digit())
        && core
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    plausible.then_some(last)
}

/// `true` if a box lies in the top or bottom margin of the page.
pub fn in_margin(bbox: &Rect, height: f32) -> bool {
    bbox.y2 < 0.09 * height || bbox.y1 > 0.91 * height
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
    fn page_numbers_come_in_several_dresses() {
        for text in ["7", "- 12 -", "Page 3 of 10", "xii", "3/10", "第 5 页"] {
            assert!(is_page_number(text), "{text}");
        }
        for text in ["", "Chapter 7", "1234567", "of", "mix"] {
            assert!(!is_page_number(text), "{text}");
        }
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
            assert!(numbered_heading(text), "{text}");
        }
        for text in ["1998 was", "1 of them", "3.5", "A plan"] {
            assert!(!numbered_heading(text), "{text}");
        }
    }

    #[test]
    fn formula_numbers_stand_in_brackets_at_the_end() {
        let texts = |t: &[&str]| t.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        assert_eq!(formula_number(&texts(&["x = y", "(3a)"])), Some(1));
        assert_eq!(formula_number(&texts(&["(3)", "x"])), None);
        assert_eq!(formula_number(&texts(&["f", "(x)"])), None);
    }
}
