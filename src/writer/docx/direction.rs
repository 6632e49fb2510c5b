//! Directions of text: whether a paragraph runs from right to left, and which of its characters do.
//!
//! Word asks for both: for paragraphs the side at which they begin, for runs whether their characters belong to a script
//! written from right to left. Characters without a direction follow their neighbours, as in rules N1 and N2 of the Unicode
//! Bidirectional Algorithm.

/// `true` for a letter that is written from right to left, `false` for one from left to right, `None` for other characters.
fn direction(c: char) -> Option<bool> {
    if !c.is_alphabetic() {
        return None;
    }
    // The blocks that Unicode sets aside for scripts written from right to left.
    Some(matches!(c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}'))
}

/// Letters from left to right for each one from right to left that a paragraph from right to left has at most, where it
/// begins with one of the latter. A larger value turns sentences that begin with a foreign word; a smaller one leaves those
/// with many names in Latin letters.
const MOST_FOREIGN: usize = 2;

/// `true` if a text runs from right to left: most of its letters do, or the first one and a good part of them.
pub(super) fn is_right_to_left(text: &str) -> bool {
    let mut directions = text.chars().filter_map(direction).peekable();
    let is_first = directions.peek() == Some(&true);
    let (mut right, mut left) = (0_usize, 0_usize);
    directions.for_each(|is_rtl| if is_rtl { right += 1 } else { left += 1 });
    right > left || (is_first && right * MOST_FOREIGN >= left)
}

/// `true` for every character of a text that is set from right to left; `is_rtl` is the direction of its paragraph.
/// Empty if none is.
pub(super) fn directions(text: &str, is_rtl: bool) -> Vec<bool> {
    let own: Vec<Option<bool>> = text.chars().map(direction).collect();
    if !is_rtl && !own.contains(&Some(true)) {
        return Vec::new();
    }
    let mut found = Vec::with_capacity(own.len());
    let mut before = is_rtl;
    while found.len() < own.len() {
        let rest = &own[found.len()..];
        let gap = rest.iter().take_while(|own| own.is_none()).count();
        let after = rest.get(gap).copied().flatten();
        let filling = if before == after.unwrap_or(is_rtl) {
            before
        } else {
            is_rtl
        };
        found.extend(std::iter::repeat_n(filling, gap));
        if let Some(after) = after {
            found.push(after);
            before = after;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, is_rtl: bool, expected: &str) {
        let found = directions(text, is_rtl);
        let found: String = found.iter().map(|r| if *r { 'r' } else { 'l' }).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn characters_without_direction_follow_their_neighbours() {
        check("abc 1.", false, "");
        check("ab אב ab", false, "lllrrlll");
        check("אב 12 אב", false, "rrrrrrrr");
        check("אב ab cd.", true, "rrrlllllr");
        check("12", true, "rr");
    }

    #[test]
    fn the_letters_of_most_decide() {
        assert!(is_right_to_left("PDF هذا مستند"));
        assert!(is_right_to_left(
            "שלום עולם, version 2.0 (beta) של docparse."
        ));
        assert!(!is_right_to_left("שלום means hello or goodbye"));
        assert!(!is_right_to_left("the word שלום in a sentence"));
        assert!(!is_right_to_left("2024"));
    }
}
