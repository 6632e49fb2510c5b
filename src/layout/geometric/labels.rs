//! Labels of blocks, from their wording, appearance and position on the page.
//!
//! Properties that depend on the whole document (running headers, body size, heading levels) are decided
//! later, in `restructure`.

use super::headings;
use super::line::{BoldWords, Line};
use super::thresholds::headings::{
    ALL_BOLD, CAPITALS_PER_SMALL, DISTINCT_SIZE, MIN_CAPITALS, SIZE,
};
use super::thresholds::{captions, footnotes, formulas, margins, scores};
use crate::document::{BlockStyle, Label};
use crate::geometry::Rect;
use crate::layout::captions::caption_kind;

/// Context of the labelling rules besides the lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageShape {
    /// Body font size in pixels.
    pub body: f32,
    /// Height of the page in pixels.
    pub height: f32,
    /// `true` if the lines come from a recognizer, which knows no fonts.
    pub recognized: bool,
    /// `true` if the page's body text has a font with equal widths, so that this is no sign of code.
    pub fixed_pitch: bool,
    /// `true` if it has such a font beside others: a page of listings in a book.
    pub has_listings: bool,
    /// Left and right edge of the block's zone.
    pub zone: (f32, f32),
    /// Vertical position of the rule above the footnotes.
    pub footnote_rule: Option<f32>,
}

/// The label of a text block and its confidence, 0 to 1.
pub(crate) fn label(lines: &[Line], shape: &PageShape) -> (Label, f32) {
    let text = lines
        .iter()
        .map(|l| l.text.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    let style = style(lines);
    if is_contents(lines) {
        return (Label::Content, scores::CONTENTS);
    }
    if is_formula(lines, shape) {
        return (Label::DisplayFormula, scores::FORMULA);
    }
    if is_footnote(lines, shape) {
        return (Label::Footnote, scores::FOOTNOTE);
    }
    if is_code(lines, shape) {
        return (Label::Algorithm, scores::LISTING);
    }
    if caption_kind(&text)
        .is_some_and(|strong| strong || style.font_size < captions::WEAK_SIZE * shape.body)
    {
        return (Label::FigureTitle, scores::CAPTION);
    }
    if lines.iter().any(Line::is_heading) {
        return (Label::ParagraphTitle, scores::TAGGED_HEADING);
    }
    if !is_run_in(&text, lines, shape.body)
        && headings::sign(&text, &style, shape.body, shape.recognized).is_some()
    {
        return (Label::ParagraphTitle, scores::HEADING);
    }
    (Label::Text, scores::TEXT)
}

/// `true` for a paragraph that begins with its heading: words in bold, then a sentence of body text that is not.
fn is_run_in(text: &str, lines: &[Line], body: f32) -> bool {
    let rest = lines
        .iter()
        .skip_while(|line| line.bold_words == BoldWords::All);
    let rest: Vec<&Line> = rest.collect();
    let Some((first, others)) = rest.split_first() else {
        return false;
    };
    let begins = first.bold_words == BoldWords::Start || rest.len() < lines.len();
    let is_plain = |line: &&Line| line.bold_words == BoldWords::None;
    let goes_on = (first.bold_words == BoldWords::Start || is_plain(first))
        && others.iter().all(is_plain)
        && rest.iter().all(|line| line.plain_size <= SIZE * body);
    let ends = text.trim_end().ends_with(['.', '!', '?', '。']);
    begins && goes_on && ends && !headings::is_numbered(text)
}

/// Typographic properties of a block.
pub(crate) fn style(lines: &[Line]) -> BlockStyle {
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
    let bold: f32 = lines
        .iter()
        .map(|l| l.bold_share * l.text.chars().count() as f32)
        .sum();
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
        // A label in bold before its value makes no heading.
        bold: bold > ALL_BOLD * total as f32,
        italic: most(&|l| l.italic),
        fixed_pitch: most(&|l| l.fixed_pitch),
        capitals: upper >= MIN_CAPITALS && upper > CAPITALS_PER_SMALL * cased,
        line_count: lines.len(),
        tagged_level: lines.iter().find_map(|l| l.tag.and_then(|t| t.1)),
        is_seen_title: lines.iter().any(|l| l.seen_title.is_some()),
        is_open: false,
    }
}

/// `true` for an entry of an index: words, then the numbers of pages after a comma or a gap: `tides, height of, 12, 15-17`.
pub(crate) fn is_entry(text: &str) -> bool {
    // `12f`, `12ff` and `12n`: the following pages, a note.
    let text = text.trim();
    let bare = text.trim_end_matches(['f', 'n']);
    let text = if bare.ends_with(|c: char| c.is_ascii_digit()) {
        bare
    } else {
        text
    };
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, ',' | ' ' | '-' | '\u{2013}');
    let words = text.trim_end_matches(is_number);
    let numbers = &text[words.len()..];
    let starts = text.chars().next().is_some_and(char::is_alphabetic);
    starts
        && numbers.starts_with([',', ' '])
        && numbers.chars().any(|c| c.is_ascii_digit())
        && words.chars().filter(|c| c.is_alphabetic()).count() >= captions::ENTRY_LETTERS
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
        leader
            && is_page_number(number)
            && l.text.matches(['.', '…', '·']).count() >= captions::LEADER_DOTS
    };
    lines.iter().filter(|l| entry(l)).count() * 2 > lines.len()
}

/// `true` for a displayed formula: mostly symbols, narrower than the text.
fn is_formula(lines: &[Line], shape: &PageShape) -> bool {
    let zone_width = (shape.zone.1 - shape.zone.0).max(1.0);
    let total: usize = lines.iter().map(|l| l.text.chars().count()).sum();
    if total == 0 || lines.len() > formulas::MAX_LINES {
        return false;
    }
    let text = lines
        .iter()
        .map(|l| l.text.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    let words = text
        .split(|c: char| !c.is_alphabetic())
        .filter(|w| w.chars().count() >= formulas::WORD_LETTERS)
        .count();
    let signs = text
        .chars()
        .filter(|c| {
            matches!(
                c,
                '=' | '^'
                    | '{'
                    | '}'
                    | '|'
                    | '±'
                    | '×'
                    | '÷'
                    | '≤'
                    | '≥'
                    | '∑'
                    | '∏'
                    | '∫'
                    | '√'
                    | '∂'
                    | '∞'
                    | '≈'
                    | '≠'
                    | '∈'
                    | '→'
                    | '∝'
            )
        })
        .count();
    let left = lines
        .iter()
        .map(|l| l.bbox.x1)
        .fold(f32::INFINITY, f32::min);
    let right = lines
        .iter()
        .map(|l| l.bbox.x2)
        .fold(f32::NEG_INFINITY, f32::max);
    let set_in = left > shape.zone.0 + formulas::SET_IN * shape.body;
    let fixed = lines.iter().any(|l| l.fixed_pitch);
    let open = right < shape.zone.1 - formulas::SET_IN * shape.body;
    let wordless = words <= usize::from(shape.recognized) && (shape.recognized || open);
    if signs >= 1
        && wordless
        && set_in
        && !fixed
        && total <= formulas::MAX_SIGNED_CHARS
        && text.split_whitespace().count() >= formulas::MIN_PIECES
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
        .all(|l| l.bbox.width() < formulas::FULL_LINE * zone_width || l.math > formulas::MATH_LINE);
    math > formulas::MATH_SHARE && words * formulas::CHARS_PER_WORD <= total && narrow
}

fn is_code(lines: &[Line], shape: &PageShape) -> bool {
    let fixed = lines.iter().filter(|l| l.fixed_pitch).count();
    if fixed * 2 <= lines.len() {
        return false;
    }
    let has_signs = |line: &Line| line.text.contains(['{', '}', '(', ';', '=', '$', '#', '/']);
    if shape.fixed_pitch {
        // Gaps within lines, as a program writes its tables.
        let is_set_out = |line: &&Line| shape.has_listings && line.segments.len() > 1;
        let is_code = |line: &&Line| has_signs(line) || is_set_out(line);
        return lines.len() > 1 && lines.iter().filter(is_code).count() * 2 > lines.len();
    }
    if lines.len() > 1 {
        return true;
    }
    // Addresses are often set in such fonts, and headings that name a function.
    let line = &lines[0];
    let is_address = line.text.contains('@') || line.text.contains("://");
    let is_heading = line.bold && line.size > DISTINCT_SIZE * shape.body;
    has_signs(line) && !is_address && !is_heading
}

/// `true` for small text low on the page that begins with a note mark.
fn is_footnote(lines: &[Line], shape: &PageShape) -> bool {
    let first = &lines[0];
    if shape
        .footnote_rule
        .is_some_and(|y| first.bbox.center_y() > y)
    {
        let text = first.text.as_str();
        return first.size < footnotes::RULED_SIZE * shape.body
            && !(lines.len() == 1 && is_page_number(text));
    }
    let low = first.bbox.y1 > footnotes::PLACE * shape.height;
    let most = match shape.recognized {
        true => footnotes::SIZE_RECOGNIZED,
        false => footnotes::SIZE,
    };
    let small = first.size < most * shape.body;
    let mark = first.text.trim_start();
    let digits = mark.chars().take_while(char::is_ascii_digit).count();
    let marked = mark.starts_with(['*', '†', '‡', '§', '¹', '²', '³', '①'])
        || ((1..=footnotes::MARK_DIGITS).contains(&digits)
            && mark[digits..]
                .trim_start()
                .chars()
                .next()
                .is_some_and(|c| c.is_alphabetic() || c == '"'));
    low && small && marked
}

/// `true` if a text is a page number: digits or roman numerals, alone or in the usual decoration.
pub(crate) fn is_page_number(text: &str) -> bool {
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
    let number = |s: &str| {
        !s.is_empty() && s.len() <= margins::NUMBER_DIGITS && s.chars().all(|c| c.is_ascii_digit())
    };
    let roman = !text.is_empty()
        && text.len() <= margins::ROMAN_CHARS
        && text.chars().all(|c| "ivxl".contains(c));
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
pub(crate) fn formula_number(texts: &[String]) -> Option<usize> {
    let last = texts.len().checked_sub(1)?;
    let text = texts[last].trim();
    let core = text.strip_prefix('(')?.strip_suffix(')')?;
    let plausible = !core.is_empty()
        && core.len() <= formulas::NUMBER_CHARS
        && core.chars().any(|c| c.is_ascii_digit())
        && core
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    plausible.then_some(last)
}

/// `true` if a box lies in the top or bottom margin of the page.
pub(crate) fn in_margin(bbox: &Rect, height: f32) -> bool {
    let (top, bottom) = margins::NUMBER_PLACE;
    bbox.y2 < top * height || bbox.y1 > bottom * height
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_an_index_end_with_numbers() {
        for text in [
            "acre, long, 1",
            "April, mornings in, 12, 15-17",
            "Chain 7",
            "tides, 12ff",
        ] {
            assert!(is_entry(text), "{text}");
        }
        for text in ["in 1902, the", "see Office", "12, 13", "of 12", "3 chains"] {
            assert!(!is_entry(text), "{text}");
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
    fn formula_numbers_stand_in_brackets_at_the_end() {
        let texts = |t: &[&str]| t.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        assert_eq!(formula_number(&texts(&["x = y", "(3a)"])), Some(1));
        assert_eq!(formula_number(&texts(&["(3)", "x"])), None);
        assert_eq!(formula_number(&texts(&["f", "(x)"])), None);
    }
}
