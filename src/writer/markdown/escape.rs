//! Text as Markdown that displays it: the only place where characters are kept from becoming markup.
//!
//! Only characters that would act as markup are escaped, so prose stays readable: `3 * 4`, `a_b`, `R&D` and
//! `C:\dir` pass unchanged. The rules are those of CommonMark 0.31 and of GitHub's tables, strike-through and
//! formulas; characters that may be Unicode punctuation count as such.
//!
//! Only two things do not round-trip: blanks at the ends of lines, which would become indented code, list
//! continuations or hard breaks, are dropped; control characters become blanks or U+FFFD.

use super::formulas;
use crate::document::Markup;
use crate::document::inline::{InlineSegment, segments};

/// A text in which existing markup (formulas, superscripts) is distinguished from plain text.
#[derive(Default)]
pub(super) struct Marked {
    chars: Vec<char>,
    /// `true` for characters that are plain text.
    is_text: Vec<bool>,
    /// Some of the markup is emphasis: no star, underscore or tilde of the text may pair with it.
    has_emphasis: bool,
    /// Some of the markup is code: no backtick of the text may pair with it.
    has_code: bool,
}

impl Marked {
    /// Separates markup from plain text in a text, by the rules of `markup`.
    pub(super) fn new(text: &str, markup: Markup) -> Marked {
        let chars: Vec<char> = text.chars().collect();
        let mut out = Marked {
            chars: Vec::with_capacity(chars.len()),
            ..Marked::default()
        };
        for segment in segments(&chars, markup) {
            match segment {
                InlineSegment::Text { within, .. } => {
                    out.chars.extend(&chars[within]);
                    out.is_text.resize(out.chars.len(), true);
                }
                InlineSegment::Tag(tag) => out.push_markup(chars[tag].iter().copied()),
                InlineSegment::Formula { whole, within } => {
                    let mark = &chars[whole.start..within.start];
                    let formula = formulas::safe(&chars[within]);
                    out.push_markup(mark.iter().copied().chain(formula.chars()));
                    out.push_markup(mark.iter().copied());
                }
            }
        }
        out
    }

    /// Adds a character of plain text, which is normalized.
    pub(super) fn push_text(&mut self, c: char) {
        self.chars.push(c);
        self.is_text.push(true);
    }

    /// Adds markup that is written as it is.
    pub(super) fn push_markup(&mut self, chars: impl Iterator<Item = char>) {
        self.chars.extend(chars);
        self.is_text.resize(self.chars.len(), false);
    }

    /// The last character so far.
    pub(super) fn last(&self) -> Option<char> {
        self.chars.last().copied()
    }

    /// Adds stars or underscores that open or close emphasis.
    pub(super) fn push_emphasis(&mut self, mark: &str) {
        self.push_markup(mark.chars());
        self.has_emphasis = true;
    }

    /// Adds a code span on one line.
    pub(super) fn push_code(&mut self, code: &str) {
        let fence = "`".repeat(longest_run(code, '`') + 1);
        // A blank keeps a backtick of the code apart from the fence.
        let blank = if code.starts_with('`') || code.ends_with('`') {
            " "
        } else {
            ""
        };
        for part in [&fence, blank, code, blank, &fence] {
            self.push_markup(part.chars());
        }
        self.has_code = true;
    }

    /// `true` if some markup, such as a formula, has a dollar sign.
    fn has_dollar(&self) -> bool {
        let mut all = self.chars.iter().zip(&self.is_text);
        all.any(|(c, is_text)| *c == '$' && !is_text)
    }

    /// `true` if this character is part of the markup.
    fn markup_at(&self, at: usize, c: char) -> bool {
        self.chars.get(at) == Some(&c) && !self.is_text[at]
    }

    fn text_at(&self, at: usize) -> Option<char> {
        self.chars.get(at).copied().filter(|_| self.is_text[at])
    }

    /// Runs of one character within plain text: start position and length.
    fn runs(&self, of: char) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for at in (0..self.chars.len()).filter(|at| self.text_at(*at) == Some(of)) {
            match runs.last_mut() {
                Some((start, length)) if *start + *length == at => *length += 1,
                _ => runs.push((at, 1)),
            }
        }
        runs
    }
}

/// Length of the longest run of a character.
pub(super) fn longest_run(text: &str, of: char) -> usize {
    let runs = text.split(|c| c != of);
    runs.map(|run| run.len() / of.len_utf8()).max().unwrap_or(0)
}

/// Text without control characters and trailing blanks, all line ends as `\n`.
pub(super) fn normalized(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = text.replace("\r\n", "\n");
    for (index, line) in text.split(['\n', '\r']).enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let clean = line.chars().map(without_control);
        let start = out.len();
        out.extend(clean.skip_while(|c| is_blank(*c)));
        let end = start + out[start..].trim_end_matches(is_blank).len();
        out.truncate(end);
    }
    out
}

/// A character as it may be shown: tabs stay, other control characters become blanks or U+FFFD.
pub(in crate::writer) fn without_control(c: char) -> char {
    match c {
        '\t' => '\t',
        '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1f}' | '\u{85}' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// One paragraph, without blank lines inside; `text` is normalized.
pub(super) fn paragraph(text: &str, markup: Markup) -> String {
    escaped(&Marked::new(text, markup), true)
}

/// The text of a heading, on one line; `text` is normalized.
pub(super) fn heading(text: &str, markup: Markup) -> String {
    marked_heading(&Marked::new(text.trim(), markup))
}

/// One paragraph, as [`paragraph`].
pub(super) fn marked_paragraph(text: &Marked) -> String {
    escaped(text, true)
}

/// A cell of a table between bars, on one line; its markup holds no bar.
pub(super) fn marked_cell(text: &Marked) -> String {
    let mut plan = plan_inline(text);
    for (at, escape) in plan.iter_mut().enumerate() {
        if text.text_at(at) == Some('|') {
            *escape = Escape::Backslash;
        }
    }
    written(text, &plan)
}

/// The text of a heading, as [`heading`].
pub(super) fn marked_heading(text: &Marked) -> String {
    let mut out = escaped(text, false);
    // A `#` at the end would close the heading; braces at the end are heading attributes in some dialects.
    let open = out.trim_end_matches('#').len();
    if open < out.len() && (open == 0 || out[..open].ends_with(is_blank)) {
        out.insert(open, '\\');
    }
    // Parsers with that syntax look for the brace before they process backslashes.
    if out.ends_with('}') && out.contains('{') {
        out.truncate(out.len() - 1);
        out.push_str("&#125;");
    }
    out
}

/// Alternative text of a picture, between brackets.
pub(super) fn description(text: &str) -> String {
    let text = normalized(text).replace('\n', " ");
    let marked = Marked::new(&text, Markup::default());
    let mut plan = plan_inline(&marked);
    for (at, c) in marked.chars.iter().enumerate() {
        if matches!(c, '[' | ']') {
            plan[at] = Escape::Backslash;
        }
    }
    written(&marked, &plan)
}

/// Text inside an HTML element, on one line.
pub(super) fn html(text: &str, markup: Markup) -> String {
    let text = normalized(text).replace('\n', " ");
    let markup = Markup {
        formulas: false,
        ..markup
    };
    let marked = Marked::new(&text, markup);
    let mut out = String::with_capacity(text.len());
    for (c, is_text) in marked.chars.iter().zip(&marked.is_text) {
        match c {
            '&' if *is_text => out.push_str("&amp;"),
            '<' if *is_text => out.push_str("&lt;"),
            '>' if *is_text => out.push_str("&gt;"),
            c => out.push(*c),
        }
    }
    out
}

/// Way of escaping a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    Backslash,
    /// Character reference: more Markdown processors support `&lt;` than `\<`.
    Entity,
}

fn escaped(text: &Marked, starts_blocks: bool) -> String {
    let mut plan = plan_inline(text);
    if starts_blocks {
        plan_lines(text, &mut plan);
    }
    written(text, &plan)
}

fn written(text: &Marked, plan: &[Escape]) -> String {
    let mut out = String::with_capacity(text.chars.len() + text.chars.len() / 8);
    for (c, escape) in text.chars.iter().zip(plan) {
        match (escape, c) {
            (Escape::Entity, '<') => out.push_str("&lt;"),
            (Escape::Entity, '&') => out.push_str("&amp;"),
            (Escape::Entity, '`') => out.push_str("&#96;"),
            (Escape::None, c) => out.push(*c),
            (_, c) => out.extend(['\\', *c]),
        }
    }
    out
}

/// Escapes characters that act as markup anywhere in a line.
fn plan_inline(text: &Marked) -> Vec<Escape> {
    let mut plan = vec![Escape::None; text.chars.len()];
    for (at, escape) in plan.iter_mut().enumerate() {
        let next = text.chars.get(at + 1).copied();
        *escape = match text.text_at(at) {
            Some('\\') if next.is_none_or(|c| c.is_ascii_punctuation() || c == '\n') => {
                Escape::Backslash
            }
            // Even if the tag never ends: not every Markdown parser checks that.
            Some('<')
                if next
                    .is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) =>
            {
                Escape::Entity
            }
            Some('&') if is_entity(&text.chars[at + 1..]) => Escape::Entity,
            // No link reference is ever defined, so only `](` makes a link.
            Some(']') if next == Some('(') => Escape::Backslash,
            Some('[') if next == Some('^') => Escape::Backslash,
            // Together with a link it would be a picture.
            Some('!') if text.markup_at(at + 1, '[') => Escape::Backslash,
            // Behind the reference to a footnote, the address of a link or the text of a footnote.
            Some('(' | ':') if at > 0 && text.markup_at(at - 1, ']') => Escape::Backslash,
            _ => continue,
        };
    }
    for mark in ['*', '_', '~'] {
        plan_emphasis(text, mark, &mut plan);
    }
    // Code spans run from some backticks to as many, or from three at the start of a line. All or none are
    // escaped: a backtick behind a backslash still ends code that starts before it.
    let ticks = text.runs('`');
    let lengths: std::collections::BTreeSet<usize> = ticks.iter().map(|run| run.1).collect();
    if text.has_code {
        for (start, length) in ticks {
            plan[start..start + length].fill(Escape::Entity);
        }
    } else if lengths.len() < ticks.len() || lengths.last().is_some_and(|longest| *longest > 2) {
        fill(&ticks, &mut plan);
    }
    // A single dollar sign is an amount. Two could delimit a formula, whatever stands between them: formula
    // parsers differ too much for a finer rule.
    let dollars = text.runs('$');
    if dollars.len() > 1
        || dollars.iter().any(|run| run.1 > 1)
        || (!dollars.is_empty() && text.has_dollar())
    {
        fill(&dollars, &mut plan);
    }
    plan
}

fn fill(runs: &[(usize, usize)], plan: &mut [Escape]) {
    for (start, length) in runs {
        plan[*start..start + length].fill(Escape::Backslash);
    }
}

/// `true` if an ampersand before this text starts a character reference.
fn is_entity(after: &[char]) -> bool {
    const LONGEST: usize = 33;
    let after = after.strip_prefix(&['#']).unwrap_or(after);
    let name = after
        .iter()
        .take(LONGEST)
        .take_while(|c| c.is_ascii_alphanumeric())
        .count();
    name > 0 && after.get(name) == Some(&';')
}

/// Escapes runs that could open or close emphasis, if an opening one precedes a closing one.
fn plan_emphasis(text: &Marked, mark: char, plan: &mut [Escape]) {
    let runs = text.runs(mark);
    let is_space = |c: Option<&char>| c.is_none_or(|c| c.is_whitespace());
    let sides = |(start, length): &(usize, usize)| {
        let before = start.checked_sub(1).and_then(|at| text.chars.get(at));
        let after = text.chars.get(start + length);
        let inside_word = |c: Option<&char>| mark == '_' && c.is_some_and(|c| is_word(*c));
        (
            !is_space(after) && !inside_word(before),
            !is_space(before) && !inside_word(after),
        )
    };
    if text.has_emphasis {
        let touches = |(start, length): &(usize, usize)| {
            let before = start.checked_sub(1).is_some_and(|at| !text.is_text[at]);
            before || text.is_text.get(start + length) == Some(&false)
        };
        let active = |run: &&(usize, usize)| sides(run) != (false, false) || touches(run);
        let active: Vec<(usize, usize)> = runs.iter().filter(active).copied().collect();
        return fill(&active, plan);
    }
    let first_opener = runs.iter().position(|run| sides(run).0);
    let last_closer = runs.iter().rposition(|run| sides(run).1);
    let has_effect = first_opener
        .zip(last_closer)
        .is_some_and(|(open, close)| open < close);
    if has_effect {
        for run in runs.iter().filter(|run| sides(run) != (false, false)) {
            plan[run.0..run.0 + run.1].fill(Escape::Backslash);
        }
    }
}

/// `true` if a character is certainly neither blank nor punctuation.
pub(super) fn is_word(c: char) -> bool {
    // Circled and squared letters are symbols.
    let is_symbol = matches!(c, '\u{24b6}'..='\u{24e9}' | '\u{1f130}'..='\u{1f189}');
    c.is_alphanumeric() && !is_symbol
}

/// Escapes characters that act as markup at the start of a line.
fn plan_lines(text: &Marked, plan: &mut [Escape]) {
    // A link label may span several lines.
    let last_label = text
        .chars
        .windows(2)
        .rposition(|pair| pair == [']', ':'])
        .unwrap_or(0);
    let mut start = 0;
    while start < text.chars.len() {
        let end = start
            + text.chars[start..]
                .iter()
                .take_while(|c| **c != '\n')
                .count();
        // Blanks that Markdown treats as text may be trimmed by other processors.
        start += text.chars[start..end]
            .iter()
            .take_while(|c| c.is_whitespace())
            .count();
        let length = end - start;
        if text.text_at(start) == Some('[') && start < last_label {
            plan[start] = Escape::Backslash;
        }
        if text.text_at(start).is_some()
            && let Some(at) = line_start(&text.chars[start..start + length])
            && text.text_at(start + at).is_some()
            && plan[start + at] == Escape::None
        {
            plan[start + at] = Escape::Backslash;
            // The rest of the run would follow a non-blank, the escaped character, and might close emphasis.
            if matches!(text.chars[start], '*' | '_') {
                let run = text.chars[start..end]
                    .iter()
                    .take_while(|c| **c == text.chars[start])
                    .count();
                plan[start..start + run].fill(Escape::Backslash);
            }
        }
        let tildes = text.chars[start..end]
            .iter()
            .take_while(|c| **c == '~')
            .count();
        if tildes >= 3 {
            plan[start..start + tildes].fill(Escape::Backslash);
        }
        start = end + 1;
    }
}

/// Position of the character that would give the line a block meaning, if any. The line starts with no blank.
fn line_start(line: &[char]) -> Option<usize> {
    let ends_marker = |at: usize| line.get(at).is_none_or(|c| c.is_whitespace());
    let first = *line.first()?;
    let only = |allowed: &[char]| {
        line.iter()
            .all(|c| allowed.contains(c) || c.is_whitespace())
    };
    match first {
        // `:` starts a definition in some dialects, and the delimiter row of a table.
        '#' | '>' | '|' | ':' => Some(0),
        // List items; thematic breaks and underlines of headings.
        '-' | '+' | '*' if ends_marker(1) || only(&[first]) => Some(0),
        '=' if only(&[first]) => Some(0),
        '_' if only(&[first]) && line.iter().filter(|c| **c == first).count() > 2 => Some(0),
        // Delimiter row of a table.
        '-' if only(&['-', ':', '|']) => Some(0),
        // Task list items.
        '[' if matches!(line, [_, ' ' | 'x' | 'X', ']', ..]) => Some(0),
        '0'..='9' => {
            let digits = line.iter().take_while(|c| c.is_ascii_digit()).count();
            let ends = matches!(line.get(digits), Some('.' | ')')) && ends_marker(digits + 1);
            (digits <= 9 && ends).then_some(digits)
        }
        _ => None,
    }
}

/// Paragraphs separated by blank lines; their line breaks are kept.
pub(super) fn paragraphs(content: &str, markup: Markup) -> Vec<String> {
    let text = normalized(content);
    let mut out: Vec<String> = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for line in text.split('\n').chain([""]) {
        if !line.is_empty() {
            open.push(line);
        } else if !open.is_empty() {
            out.push(paragraph(&open.join("\n"), markup));
            open.clear();
        }
    }
    out
}
