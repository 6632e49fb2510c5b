//! Truncation of runaway repetition in a recognizer's answer (docs/reference.md, "Repetition truncation").

use crate::document::strip;

/// Texts shorter than this many characters stay unchanged.
pub const MIN_LENGTH: usize = 50;
/// The same for tables, which legitimately repeat themselves.
pub const MIN_LENGTH_TABLE: usize = 5000;

/// Number of copies from which a text that consists only of copies is cut to one.
const MIN_COPIES: usize = 10;
/// Lengths up to which a text is not searched for a repeated end, and for a period.
const LONG_ENOUGH_FOR_AN_END: usize = 100;
const LONG_ENOUGH_FOR_A_PERIOD: usize = 10;
/// Shortest unit of a repeated end, and how often it must occur.
const MIN_UNIT: usize = 8;
const MIN_REPEATS: usize = 5;
/// Share of the text that the repeated end must exceed.
const MOST: f64 = 0.5;
/// Least number of lines, and share of equal lines, for which only that line is kept.
const MIN_LINES: usize = 10;
const EQUAL_LINES: f64 = 0.8;

/// The text without repetition. Lengths count Unicode code points.
pub fn truncate_repetition(text: &str, min_length: usize) -> String {
    let stripped = strip(text);
    if stripped.is_empty()
        || text.chars().nth(min_length.saturating_sub(1)).is_none() && min_length > 0
    {
        return text.to_string();
    }
    if !stripped.contains('\n') {
        let chars: Vec<char> = stripped.chars().collect();
        if let Some(before) = before_repeated_end(&chars).or_else(|| one_period(&chars)) {
            return before.iter().collect();
        }
    }
    prevailing_line(stripped).map_or_else(|| text.to_string(), String::from)
}

/// The text before a unit repeated at the end, if the repetition makes up most of the text.
fn before_repeated_end(text: &[char]) -> Option<&[char]> {
    let length = text.len();
    if length <= LONG_ENOUGH_FOR_AN_END {
        return None;
    }
    let agreement = agreement_with_end(text);
    // Consecutive equal units: every character equals the one a unit earlier.
    let unit = (MIN_UNIT..=length / MIN_REPEATS)
        .rev()
        .find(|&u| agreement[u] >= (MIN_REPEATS - 1) * u)?;
    let tail = &text[length - unit..];
    let count = text
        .rchunks_exact(unit)
        .take_while(|chunk| *chunk == tail)
        .count();
    let repeated = count * unit;
    (repeated as f64 > MOST * length as f64).then(|| &text[..length - repeated])
}

/// For every distance, the length of the longest suffix that equals the text that distance earlier: the Z
/// function of the reversed text, in linear time.
fn agreement_with_end(text: &[char]) -> Vec<usize> {
    let length = text.len();
    let at = |i: usize| text[length - 1 - i];
    let mut agreement = vec![0; length];
    // The matching range that reaches farthest, `start..end`.
    let (mut start, mut end) = (0, 0);
    for i in 1..length {
        let mut known = if i < end {
            agreement[i - start].min(end - i)
        } else {
            0
        };
        while i + known < length && at(known) == at(i + known) {
            known += 1;
        }
        agreement[i] = known;
        if i + known > end {
            (start, end) = (i, i + known);
        }
    }
    agreement
}

/// One copy, if the text is an integer number of copies.
fn one_period(text: &[char]) -> Option<&[char]> {
    if text.len() <= LONG_ENOUGH_FOR_A_PERIOD {
        return None;
    }
    // Knuth-Morris-Pratt prefix function: the longest border gives the shortest period.
    let mut border = vec![0usize; text.len()];
    for i in 1..text.len() {
        let mut k = border[i - 1];
        while k > 0 && text[i] != text[k] {
            k = border[k - 1];
        }
        border[i] = k + usize::from(text[i] == text[k]);
    }
    let period = text.len() - border[text.len() - 1];
    let copies = text.len() / period;
    (copies >= MIN_COPIES && copies * period == text.len()).then(|| &text[..period])
}

/// The line that nearly all lines equal.
fn prevailing_line(text: &str) -> Option<&str> {
    let lines: Vec<&str> = text
        .split('\n')
        .map(strip)
        .filter(|l| !l.is_empty())
        .collect();
    if lines.len() < MIN_LINES {
        return None;
    }
    let mut counts: std::collections::BTreeMap<&str, (usize, usize)> = Default::default();
    for (i, line) in lines.iter().enumerate() {
        counts.entry(line).or_insert((0, i)).0 += 1;
    }
    let (line, (count, _)) = counts
        .into_iter()
        .max_by(|(_, a), (_, b)| a.0.cmp(&b.0).then(b.1.cmp(&a.1)))?;
    (count >= MIN_LINES && count as f64 / lines.len() as f64 >= EQUAL_LINES).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(truncate_repetition(text, MIN_LENGTH), expected);
    }

    #[test]
    fn a_repeated_end_goes_with_all_its_copies() {
        check(&format!("Start. {}", "again and ".repeat(20)), "Start.");
    }

    #[test]
    fn copies_leave_one() {
        check(&"abc".repeat(20), "abc");
        check(&"a".repeat(49), &"a".repeat(49));
        let six = "eleven char".repeat(6);
        check(&six, &six);
    }

    #[test]
    fn equal_lines_leave_one() {
        check(&"the same line\n".repeat(12), "the same line");
        let mixed = (0..40).map(|i| format!("line {i}\n")).collect::<String>();
        check(&mixed, &mixed);
    }

    #[test]
    fn nearly_repeated_ends_take_no_longer() {
        // Compared unit by unit, this took quadratic time.
        let nearly = format!("x{}b{}", "a".repeat(200_000), "a".repeat(200_000));
        assert_eq!(truncate_repetition(&nearly, MIN_LENGTH), nearly);
    }

    proptest::proptest! {
        /// The table agrees with a comparison character by character.
        #[test]
        fn agreement_is_counted(text in "[ab]{1,40}") {
            let text: Vec<char> = text.chars().collect();
            let count = |distance: usize| (distance..text.len())
                .take_while(|i| text[text.len() - 1 - i] == text[text.len() - 1 - (i - distance)]).count();
            let expected: Vec<usize> = (1..text.len()).map(count).collect();
            proptest::prop_assert_eq!(&agreement_with_end(&text)[1..], expected);
        }

        #[test]
        fn what_is_left_is_never_longer(text in "[ab \n]{0,300}", min in 0usize..100) {
            proptest::prop_assert!(truncate_repetition(&text, min).len() <= text.len());
        }
    }
}
