//! From the order in which characters stand on the page to the order in which they are read.
//!
//! A recognizer of lines sees a picture from left to right, and so gives Arabic and Hebrew backwards, with numbers and
//! Latin words between them forwards. This is the part of the Unicode Bidirectional Algorithm (UAX 9) that such a
//! line needs, the other way round: the line runs from right to left, runs of Latin letters and digits do not.

use super::line_text::LineText;
use super::page_text::is_right_to_left;

/// Puts a line that is mostly in a script from right to left into reading order, its positions with it; leaves others.
pub(super) fn to_reading_order(line: &mut LineText) {
    let chars: Vec<char> = line.text.chars().collect();
    let to_left = chars.iter().filter(|c| runs_left(**c)).count();
    let letters = chars.iter().filter(|c| c.is_alphabetic()).count();
    if to_left * 2 <= letters || line.positions.len() != chars.len() {
        return;
    }
    let mut order = Vec::with_capacity(chars.len());
    let mut end = chars.len();
    while end > 0 {
        let start = run_start(&chars, end);
        order.extend(start..end);
        end = start;
    }
    line.text = order.iter().map(|at| chars[*at]).collect();
    line.positions = order.iter().map(|at| line.positions[*at]).collect();
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}')
}

/// A character of a script from right to left, numbers not included: those run to the right there, too.
fn runs_left(c: char) -> bool {
    is_right_to_left(c) && !is_digit(c)
}

/// A letter of a script from left to right.
fn runs_right(c: char) -> bool {
    c.is_alphabetic() && !is_right_to_left(c)
}

/// Where the run begins that ends before `end`: one character, or a row of words and numbers that run to the right.
fn run_start(chars: &[char], end: usize) -> usize {
    let belongs = |c: char| is_digit(c) || runs_right(c);
    let mut start = end - 1;
    if !belongs(chars[start]) {
        return start;
    }
    while start > 0 {
        let before = &chars[..start];
        // What is between two characters of the run; a space only between words, since numbers side by side run to the left.
        let gap = before.iter().rev().take_while(|c| !belongs(**c)).count();
        let Some(next) = before.len().checked_sub(gap + 1) else {
            break;
        };
        let between = &chars[next + 1..start];
        let is_within = match between {
            [] => true,
            ['.' | ',' | ':' | '/' | '-' | '+' | '\'' | '@' | '_'] => true,
            _ => {
                let has_word = runs_right(chars[next]) || runs_right(chars[start]);
                has_word && !between.iter().any(|c| runs_left(*c))
            }
        };
        if !is_within {
            break;
        }
        start = next;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a line reads if its characters stand like this from left to right.
    fn read(shown: &str) -> String {
        let count = shown.chars().count();
        let mut line = LineText {
            text: shown.into(),
            positions: (0..count).map(|at| at as f32).collect(),
            ..LineText::default()
        };
        to_reading_order(&mut line);
        let chars: Vec<char> = shown.chars().collect();
        let seen: String = line
            .positions
            .iter()
            .map(|at| chars[*at as usize])
            .collect();
        assert_eq!(seen, line.text, "positions go with their characters");
        line.text
    }

    #[test]
    fn arabic_and_hebrew_are_turned() {
        assert_eq!(read("םלוע םולש"), "שלום עולם");
        assert_eq!(read("ملاس"), "سالم");
    }

    #[test]
    fn numbers_and_words_between_them_are_not() {
        assert_eq!(read("םימי 12.5 ינפל"), "לפני 12.5 ימים");
        assert_eq!(read("ץבוק PDF file ןכותב"), "בתוכן PDF file קובץ");
        assert_eq!(read("12 34 םירפסמ"), "מספרים 34 12");
        assert_eq!(read("٢٠٢٤ ماع"), "عام ٢٠٢٤");
    }

    #[test]
    fn other_lines_stay() {
        for line in ["plain text", "the word םולש in a line", "2024", ""] {
            assert_eq!(read(line), line);
        }
    }
}
