//! Stops runaway repetition early once the token limit is certain to cut it anyway.
//!
//! An answer is stopped if
//!
//! 1. its last tokens, [`LONGEST_TEXT`] of them or for tables [`LONGEST_TABLE`], consist of ten or more
//!    copies of one unit (rows of dots, ruled forms and rows of empty cells are shorter); and
//! 2. if it continued like this to the token limit, post-processing ([`truncate_repetition`]) would cut it.
//!
//! The result is the text that it would have had at the limit, so post-processing gives the same content.

use crate::content::{MIN_LENGTH, MIN_LENGTH_TABLE, truncate_repetition};
use crate::plan::Task;

/// Tokens of the longest legitimate repetition in text: a page of ruled lines has about 600.
pub(crate) const LONGEST_TEXT: usize = 768;
/// The same in tables: a form of 60 rows and 30 columns has 1,860 empty cells and ends of rows.
pub(crate) const LONGEST_TABLE: usize = 2048;
/// Least number of copies of the unit.
const COPIES: usize = 10;

/// Text that an answer in runaway repetition would have at its limit; `None` for any other answer.
///
/// `decode` turns tokens into text; `limit` is in tokens.
pub(crate) fn endless(
    ids: &[u32],
    task: Task,
    limit: usize,
    decode: &dyn Fn(&[u32]) -> Option<String>,
) -> Option<String> {
    let (longest, min_length) = match task {
        Task::Table => (LONGEST_TABLE, MIN_LENGTH_TABLE),
        _ => (LONGEST_TEXT, MIN_LENGTH),
    };
    let tail = &ids[ids.len().checked_sub(longest)?..];
    let unit = period(tail)?;
    if tail.len() < unit * COPIES {
        return None;
    }
    let last = &ids[ids.len() - unit..];
    let going_on = ids
        .iter()
        .chain(last.iter().cycle())
        .take(limit.max(ids.len()))
        .copied();
    let text = decode(&going_on.collect::<Vec<_>>())?;
    (truncate_repetition(&text, min_length) != text).then_some(text)
}

/// Length of the shortest unit of which the tokens are copies, the first of them perhaps partial.
fn period(tokens: &[u32]) -> Option<usize> {
    // Knuth-Morris-Pratt prefix function from the end: the longest border gives the shortest period.
    let at = |i: usize| tokens[tokens.len() - 1 - i];
    let mut border = vec![0usize; tokens.len()];
    for i in 1..tokens.len() {
        let mut k = border[i - 1];
        while k > 0 && at(i) != at(k) {
            k = border[k - 1];
        }
        border[i] = k + usize::from(at(i) == at(k));
    }
    Some(tokens.len() - border.last()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens that are characters.
    fn ids(text: &str) -> Vec<u32> {
        text.chars().map(u32::from).collect()
    }

    fn decode(ids: &[u32]) -> Option<String> {
        Some(ids.iter().filter_map(|id| char::from_u32(*id)).collect())
    }

    fn ends(text: &str, task: Task) -> Option<String> {
        endless(&ids(text), task, 4096, &decode)
    }

    /// Interval of the scheduler's check, in tokens.
    const LOOK: usize = 64;

    /// Number of tokens of an answer that are decoded.
    fn decoded(text: &str, task: Task) -> usize {
        let ids = ids(text);
        let ended = (LOOK..=ids.len())
            .step_by(LOOK)
            .find(|n| endless(&ids[..*n], task, 4096, &decode).is_some());
        ended.unwrap_or(ids.len())
    }

    #[test]
    fn loops_are_ended_early_and_read_as_at_the_limit() {
        let loops = [
            ("The text begins. ", "and again and ", Task::Ocr),
            ("", "x", Task::Formula),
            ("A line\n", "the same line\n", Task::Ocr),
            ("Sums: ", "\\frac{1}{2}+", Task::Formula),
        ];
        for (begin, unit, task) in loops {
            let whole: String = begin
                .chars()
                .chain(unit.chars().cycle())
                .take(4096)
                .collect();
            let tokens = decoded(&whole, task);
            assert!(
                tokens <= LONGEST_TEXT + begin.len() + LOOK,
                "{unit:?}: {tokens}"
            );
            let text = endless(&ids(&whole)[..tokens], task, 4096, &decode).unwrap();
            assert_eq!(text, whole, "{unit:?}");
        }
    }

    #[test]
    fn honest_repetitions_are_left_alone() {
        let dots = format!("Chapter one {} 17", ". ".repeat(200));
        let leaders: String = (1..40)
            .map(|i| format!("Chapter {i} {} {i}\n", ".".repeat(60)))
            .collect();
        let ruled = "________________\n".repeat(40);
        let blank_form: String = (0..30)
            .map(|i| format!("Name {i}: {}\n", "_".repeat(40)))
            .collect();
        for text in [&dots, &leaders, &ruled, &blank_form] {
            assert_eq!(decoded(text, Task::Ocr), ids(text).len(), "{text:?}");
        }
        // Each cell is one token.
        let cells = |rows: usize, columns: usize| -> Vec<u32> {
            (0..rows)
                .flat_map(|_| std::iter::repeat_n(1, columns).chain([2]))
                .collect()
        };
        let names = |ids: &[u32]| {
            Some(
                ids.iter()
                    .map(|id| if *id == 1 { "<ecel>" } else { "<nl>" })
                    .collect(),
            )
        };
        for (rows, columns) in [(60, 30), (200, 8), (1, 500)] {
            assert_eq!(
                endless(&cells(rows, columns), Task::Table, 4096, &names),
                None
            );
        }
        assert!(endless(&cells(600, 5), Task::Table, 4096, &names).is_some());
    }

    #[test]
    fn what_would_not_be_cut_is_not_ended() {
        // Lines that differ, however similar.
        let numbered: String = (0..2000).map(|i| format!("{i:05}\n")).collect();
        assert_eq!(ends(&numbered[..4000], Task::Ocr), None);
        // Copies with a line break inside the unit: neither one period nor one prevailing line.
        let pairs = "first\nsecond\n".repeat(300);
        assert_eq!(ends(&pairs[..3000], Task::Ocr), None);
    }

    #[test]
    fn periods() {
        assert_eq!(period(&[1, 2, 3, 1, 2, 3, 1]), Some(3));
        assert_eq!(period(&[1, 2, 3]), Some(3));
        assert_eq!(period(&[]), None);
    }
}
