//! Formulas of documents, written so that they stay formulas.
//!
//! Between its dollar signs a formula is TeX. A reader of Markdown that knows no formulas takes it for text with markup, so
//! what could be a tag, a link or the start of a block there is written with blanks that TeX does not see.

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
