//! Inline content: runs of text and formulas, as they are told apart in a block's raw content by its [`Markup`].

use super::Markup;
use serde::Serialize;
use std::ops::Range;

/// Longest text between `<sup>` and `</sup>` that counts as raised, in characters.
const MAX_SHIFTED: usize = 200;
/// Characters of `<sup>` and of `</sup>`.
const OPEN_TAG: usize = 5;
const CLOSE_TAG: usize = 6;

/// A piece of a line of text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Inline {
    /// Text of one style.
    Text(TextRun),
    /// A formula inside of a line.
    Formula {
        /// Its LaTeX, without dollar signs.
        latex: String,
        /// It stood between `$$`.
        #[serde(skip_serializing_if = "is_false")]
        display: bool,
    },
    /// A mark that refers to a footnote.
    FootnoteReference {
        /// The mark, as the footnote has it.
        mark: String,
        /// Position of the page that has the footnote, from 0, where the text is part of a paragraph that began on an
        /// earlier one.
        #[serde(skip_serializing_if = "Option::is_none")]
        page: Option<usize>,
    },
}

/// Text of one style.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TextRun {
    /// The text; a line end is `\n`.
    pub text: String,
    /// Set in bold.
    #[serde(skip_serializing_if = "is_false")]
    pub bold: bool,
    /// Set in italic.
    #[serde(skip_serializing_if = "is_false")]
    pub italic: bool,
    /// Set as code.
    #[serde(skip_serializing_if = "is_false")]
    pub code: bool,
    /// Struck out.
    #[serde(skip_serializing_if = "is_false")]
    pub strike: bool,
    /// Raised or lowered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<Script>,
    /// Address of the link that it is; `#page=N` for a page of the document, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// Place of small letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Script {
    /// Subscript.
    Sub,
    /// Superscript.
    Sup,
}

/// For fields that are written only where they say something.
pub(super) fn is_false(value: &bool) -> bool {
    !value
}

/// A part of a text, with positions in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InlineSegment {
    /// Text between `<sup>` or `<sub>` and its end, or outside of both (`None`).
    Text {
        /// Raised or lowered.
        script: Option<Script>,
        /// The characters of the text.
        within: Range<usize>,
    },
    /// The tag before or after raised or lowered text.
    Tag(Range<usize>),
    /// A formula with its dollar signs.
    Formula {
        /// All of it.
        whole: Range<usize>,
        /// Without its dollar signs.
        within: Range<usize>,
    },
}

/// Tells text and markup of a text apart. The segments cover it without gaps, in order.
pub fn segments(chars: &[char], markup: Markup) -> Vec<InlineSegment> {
    let mut found = Vec::new();
    let mut search = FormulaSearch::new(chars);
    let mut shift: Option<(usize, Script)> = None;
    let (mut at, mut text_start) = (0, 0);
    let text =
        |range: Range<usize>, shift: Option<(usize, Script)>, found: &mut Vec<InlineSegment>| {
            if !range.is_empty() {
                let script = shift.map(|(_, script)| script);
                found.push(InlineSegment::Text {
                    script,
                    within: range,
                });
            }
        };
    while at < chars.len() {
        let (segment, after) = if markup.formulas
            && let Some(formula) = search.at(at)
        {
            let end = formula.whole.end;
            let Formula { whole, within } = formula;
            // Tags inside of a formula are no tags.
            let shift = shift.filter(|(close, _)| *close >= end);
            (InlineSegment::Formula { whole, within }, (end, shift))
        } else if shift.is_some_and(|(end, _)| end == at) {
            let end = at + CLOSE_TAG;
            (InlineSegment::Tag(at..end), (end, None))
        } else if markup.scripts
            && shift.is_none()
            && let Some((end, script)) = shifted(&chars[at..])
        {
            let start = at + OPEN_TAG;
            (
                InlineSegment::Tag(at..start),
                (start, Some((at + end, script))),
            )
        } else {
            at += 1;
            continue;
        };
        text(text_start..at, shift, &mut found);
        found.push(segment);
        (at, shift) = after;
        text_start = at;
    }
    text(text_start..at, shift, &mut found);
    found
}

/// `true` if a text holds a formula between dollar signs.
pub(crate) fn has_formula(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let markup = Markup {
        formulas: true,
        ..Markup::default()
    };
    let is_formula = |segment: &InlineSegment| matches!(segment, InlineSegment::Formula { .. });
    segments(&chars, markup).iter().any(is_formula)
}

/// Position of `</sup>` or `</sub>`, if the characters are raised or lowered text with its tags.
fn shifted(chars: &[char]) -> Option<(usize, Script)> {
    let (open, close, script): ([char; OPEN_TAG], [char; CLOSE_TAG], Script) =
        match chars.get(1..4)? {
            ['s', 'u', 'p'] => (
                ['<', 's', 'u', 'p', '>'],
                ['<', '/', 's', 'u', 'p', '>'],
                Script::Sup,
            ),
            ['s', 'u', 'b'] => (
                ['<', 's', 'u', 'b', '>'],
                ['<', '/', 's', 'u', 'b', '>'],
                Script::Sub,
            ),
            _ => return None,
        };
    let inner = chars.strip_prefix(&open)?;
    let end = inner
        .iter()
        .take(MAX_SHIFTED)
        .position(|c| matches!(c, '<' | '\n'))?;
    inner[end..]
        .starts_with(&close)
        .then_some((OPEN_TAG + end, script))
}

/// A formula found in a text.
#[derive(Debug, PartialEq, Eq)]
struct Formula {
    whole: Range<usize>,
    within: Range<usize>,
}

/// Finds formulas from left to right; looks at every character a bounded number of times.
struct FormulaSearch<'a> {
    chars: &'a [char],
    /// Position of the next dollar sign that is not escaped, from every position on; the length where there is none.
    next_dollar: Vec<usize>,
    /// No `$$` follows from here on.
    last_display: usize,
}

impl<'a> FormulaSearch<'a> {
    fn new(chars: &'a [char]) -> Self {
        let mut dollars = vec![chars.len(); chars.len() + 1];
        let mut is_escaped = false;
        let free: Vec<bool> = chars
            .iter()
            .map(|c| {
                let free = *c == '$' && !is_escaped;
                is_escaped = *c == '\\' && !is_escaped;
                free
            })
            .collect();
        for at in (0..chars.len()).rev() {
            dollars[at] = if free[at] { at } else { dollars[at + 1] };
        }
        let is_display = |at: &usize| free[*at] && free.get(at + 1).copied().unwrap_or(false);
        let last_display = (0..chars.len()).rev().find(is_display).unwrap_or(0);
        FormulaSearch {
            chars,
            next_dollar: dollars,
            last_display,
        }
    }

    /// The formula that starts here.
    fn at(&mut self, start: usize) -> Option<Formula> {
        if self.next_dollar[start] != start {
            return None;
        }
        if self.next_dollar.get(start + 1) == Some(&(start + 1)) {
            let open = start + 2;
            let close = self.display_end(open)?;
            let inner = &self.chars[open..close];
            let holds = inner.iter().any(|c| !c.is_whitespace()) && !inner.contains(&'`');
            return holds.then_some(Formula {
                whole: start..close + 2,
                within: open..close,
            });
        }
        let close = *self.next_dollar.get(start + 1)?;
        let inner = self
            .chars
            .get(start + 1..close)
            .filter(|_| close < self.chars.len())?;
        let before = start.checked_sub(1).and_then(|at| self.chars.get(at));
        let after = self.chars.get(close + 1);
        let apart = |c: Option<&char>| c.is_none_or(|c| !c.is_ascii_alphanumeric() && *c != '$');
        (apart(before) && apart(after) && is_formula(inner)).then_some(Formula {
            whole: start..close + 1,
            within: start + 1..close,
        })
    }

    fn display_end(&mut self, from: usize) -> Option<usize> {
        let mut at = from;
        while at <= self.last_display {
            at = self.next_dollar[at];
            if self.next_dollar.get(at + 1) == Some(&(at + 1)) {
                return Some(at);
            }
            at += 1;
        }
        None
    }
}

/// `true` if the characters between two dollar signs are a formula rather than the words between two amounts.
fn is_formula(inner: &[char]) -> bool {
    let (Some(first), Some(last)) = (inner.first(), inner.last()) else {
        return false;
    };
    let is_symmetric = first.is_whitespace() == last.is_whitespace();
    let is_blank = inner.iter().all(|c| c.is_whitespace());
    if !is_symmetric || is_blank || inner.contains(&'`') {
        return false;
    }
    let has_signs = inner
        .iter()
        .any(|c| matches!(c, '\\' | '^' | '_' | '=' | '{' | '}' | '+' | '<' | '>'));
    let has_words = inner
        .split(|c| !c.is_alphabetic())
        .any(|word| word.len() > 2);
    has_signs || !has_words
}

impl Inline {
    /// The runs of a text; `style` is that of all of them.
    pub fn parse(text: &str, markup: Markup, style: &TextRun) -> Vec<Inline> {
        let chars: Vec<char> = text.chars().collect();
        let of = |range: Range<usize>| chars[range].iter().collect::<String>();
        let runs = segments(&chars, markup).into_iter().filter_map(|segment| {
            Some(match segment {
                InlineSegment::Tag(_) => return None,
                InlineSegment::Text { script, within } => Inline::Text(TextRun {
                    text: of(within),
                    script,
                    ..style.clone()
                }),
                InlineSegment::Formula { whole, within } => Inline::Formula {
                    display: within.start - whole.start > 1,
                    latex: of(within).trim().to_string(),
                },
            })
        });
        runs.collect()
    }

    /// The text of a paragraph without any style; LaTeX of formulas.
    pub fn plain_of(paragraph: &[Inline]) -> String {
        paragraph.iter().map(Inline::plain).collect()
    }

    /// Its text without any style; LaTeX of formulas.
    pub fn plain(&self) -> &str {
        match self {
            Inline::Text(run) => &run.text,
            Inline::Formula { latex, .. } => latex,
            Inline::FootnoteReference { mark, .. } => mark,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Vec<(Option<Script>, String, bool)> {
        let markup = Markup {
            formulas: true,
            scripts: true,
            list_item: false,
        };
        let runs = Inline::parse(text, markup, &TextRun::default());
        runs.iter()
            .map(|run| match run {
                Inline::Text(run) => (run.script, run.text.clone(), false),
                other => (None, other.plain().to_string(), true),
            })
            .collect()
    }

    #[test]
    fn scripts_and_formulas_are_told_from_text() {
        let found = parse("H<sub>2</sub>O, $x^2$ and $5 or $6");
        let text = |text: &str| (None, text.to_string(), false);
        assert_eq!(
            found,
            [
                text("H"),
                (Some(Script::Sub), "2".into(), false),
                text("O, "),
                (None, "x^2".into(), true),
                text(" and $5 or $6"),
            ]
        );
        assert_eq!(parse("a <sup>b"), [text("a <sup>b")]);
    }

    proptest::proptest! {
        #[test]
        fn segments_cover_the_text(text in "(\\$|<sup>|</sup>|<sub>|</sub>|[a-z\\\\ ]){0,40}") {
            let chars: Vec<char> = text.chars().collect();
            let markup = Markup { formulas: true, scripts: true, ..Markup::default() };
            let mut at = 0;
            for segment in segments(&chars, markup) {
                let range = match segment {
                    InlineSegment::Text { within, .. } | InlineSegment::Tag(within) => within,
                    InlineSegment::Formula { whole, .. } => whole,
                };
                proptest::prop_assert_eq!(range.start, at);
                proptest::prop_assert!(range.end > at);
                at = range.end;
            }
            proptest::prop_assert_eq!(at, chars.len());
        }
    }
}
