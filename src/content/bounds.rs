//! Limits on how much of an answer is processed. A failing model or server can return anything, of any
//! length; legitimate answers stay far below these limits, and beyond them nothing may cost unbounded time or
//! memory.
//!
//! Truncation is reported: [`super::ParsedAnswer::notes`] become warnings of the page.

/// Characters of an answer that are kept. The longest legitimate answer, of 32,768 tokens if a user allows so
/// many, has about 160,000.
pub(crate) const MAX_ANSWER_CHARS: usize = 500_000;
/// Cells, rows times columns, of a table made from tokens. Every legitimate cell costs a token, so a table of
/// 32,768 tokens cannot have more unless its rows differ in length.
pub(crate) const MAX_TABLE_PLACES: usize = 100_000;
/// Size in bytes of a table's content up to which pictures are restored in it.
pub(crate) const MAX_RESTORED_BYTES: usize = 4_000_000;

/// The first `limit` characters of a text, and its total number of characters if that is more.
pub(super) fn first_chars(text: &str, limit: usize) -> (&str, Option<usize>) {
    // A string has at least as many bytes as characters, so most texts need no counting.
    if text.len() <= limit {
        return (text, None);
    }
    match text.char_indices().nth(limit) {
        Some((at, _)) => (&text[..at], Some(limit + text[at..].chars().count())),
        None => (text, None),
    }
}
