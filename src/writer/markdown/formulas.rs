//! Formulas of documents, written so that they remain formulas.
//!
//! Inside its dollar signs a formula is TeX. A Markdown parser without formulas reads it as text with markup,
//! so anything that could be a tag, a link or the start of a block is broken up with blanks that TeX ignores.

/// The inside of a formula: unchanged to TeX, plain text to parsers without formulas.
pub(super) fn safe(inner: &[char]) -> String {
    let mut out = String::with_capacity(inner.len() + 8);
    let mut is_escaped = false;
    for (at, c) in inner.iter().enumerate() {
        let next = inner.get(at + 1).copied();
        match c {
            // A comment would hide the rest once lines are joined; a dollar sign would end the formula.
            '%' | '$' if !is_escaped => out.extend(['\\', *c]),
            // The next line would start a block; to TeX a line end is a blank.
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
