//! How much of an answer is looked at. A model or a server that fails can say anything, without end; honest answers lie
//! far below these limits, and nothing above them may cost time or memory without bound.
//!
//! What is cut is told: [`super::Reading::notes`] become warnings of the page.

/// Characters of an answer that are kept. The longest honest one, 32,768 tokens where somebody asks for so many, has some
/// 160,000.
pub const MAX_ANSWER_CHARS: usize = 500_000;
/// Places, rows times columns, of a table that is made of tokens. Every honest cell costs a token, so that a table of
/// 32,768 tokens cannot have more unless its rows differ in length.
pub const MAX_TABLE_PLACES: usize = 100_000;
/// Bytes of a table's content up to which pictures are put back into it.
pub const MAX_RESTORED_BYTES: usize = 4_000_000;

/// The first `limit` characters of a text, and how many it has in all if that is more.
pub(super) fn first_chars(text: &str, limit: usize) -> (&str, Option<usize>) {
    // Most texts are shorter in bytes already.
    if text.len() <= limit {
        return (text, None);
    }
    match text.char_indices().nth(limit) {
        Some((at, _)) => (&text[..at], Some(limit + text[at..].chars().count())),
        None => (text, None),
    }
}
