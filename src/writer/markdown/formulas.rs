//! Formulas in what a recognizer says: where they are, and what is done so that they stay formulas.
//!
//! Between its dollar signs a formula is TeX. A reader of Markdown that knows no formulas takes it for text with markup, so
//! what could be a tag, a link or the start of a block there is written with blanks that TeX does not see.

/// A formula found in a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Formula {
    /// Position of the character after it.
    pub end: usize,
    /// It with its dollar signs, made safe.
    pub markdown: String,
}

/// Finds formulas from left to right; looks at every character a bounded number of times.
pub(super) struct Search<'a> {
    chars: &'a [char],
    /// Position of the next dollar sign that is not escaped, from every position on; the length where there is none.
    next_dollar: Vec<usize>,
    /// From here on no `$$` follows.
    last_display: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(chars: &'a [char]) -> Self {
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
        Search {
            chars,
            next_dollar: dollars,
            last_display,
        }
    }

    /// The formula that starts here.
    pub(super) fn at(&mut self, start: usize) -> Option<Formula> {
        if self.next_dollar[start] != start {
            return None;
        }
        if self.next_dollar.get(start + 1) == Some(&(start + 1)) {
            let open = start + 2;
            let close = self.display_end(open)?;
            let inner = &self.chars[open..close];
            let holds = inner.iter().any(|c| !c.is_whitespace()) && !inner.contains(&'`');
            let markdown = format!("$${}$$", safe(inner));
            return holds.then_some(Formula {
                end: close + 2,
                markdown,
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
        let markdown = || format!("${}$", safe(inner));
        (apart(before) && apart(after) && is_formula(inner)).then(|| Formula {
            end: close + 1,
            markdown: markdown(),
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

/// Whether what stands between two dollar signs is a formula rather than the words between two amounts.
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

/// The inside of a formula: the same to TeX, and nothing but text to who knows no formulas.
pub(super) fn safe(inner: &[char]) -> String {
    let mut out = String::with_capacity(inner.len() + 8);
    let mut is_escaped = false;
    for (at, c) in inner.iter().enumerate() {
        let next = inner.get(at + 1).copied();
        match c {
            // A comment would hide what follows once lines are joined; dollar signs would end the formula.
            '%' | '$' if !is_escaped => out.extend(['\\', *c]),
            // Some lines would start a block: TeX takes a line end for a blank.
            '\n' if is_escaped || next.is_some_and(starts_block) => out.push(' '),
            c => out.push(*c),
        }
        let opens = match (c, next) {
            ('<', Some(next)) => next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?'),
            (']', Some(next)) => matches!(next, '(' | '[' | ':'),
            ('[', Some(next)) => next == '^',
            _ => false,
        };
        if opens {
            out.push(' ');
        }
        is_escaped = *c == '\\' && !is_escaped;
    }
    if is_escaped {
        out.push(' ');
    }
    out
}

fn starts_block(c: char) -> bool {
    matches!(
        c,
        '#' | '>' | '-' | '+' | '*' | '=' | '_' | '~' | '`' | '|' | ':' | '[' | '<' | '0'
            ..='9' | '\n'
    ) || c.is_whitespace()
}
