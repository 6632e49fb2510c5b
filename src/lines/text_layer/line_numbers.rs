//! Finds the numbers of lines that drafts and manuscripts for review have beside their text.

use super::super::thresholds::line_numbers::*;
use super::{Direction, RawWord, horizontal_by_top};

/// Takes the line numbers of a page out of its words: figures in small type in one column beside all other text, each
/// larger than the one above by the same step, on most lines.
pub(super) fn remove(words: &mut Vec<RawWord>) {
    let body = body_size(words);
    let numbers: Vec<(usize, u32)> = horizontal_by_top(words)
        .into_iter()
        .filter(|i| words[*i].size <= SMALL * body)
        .filter_map(|i| {
            let text = &words[i].text;
            let is_number = text.len() <= DIGITS && text.bytes().all(|b| b.is_ascii_digit());
            Some((i, text.parse().ok().filter(|_| is_number)?))
        })
        .collect();
    if !(LEAST..MOST).contains(&numbers.len()) {
        return;
    }
    // They end at one place, at the left of the text or at its right.
    let edges: Vec<f32> = numbers.iter().map(|(i, _)| words[*i].bbox.x2).collect();
    let edge = |at: f32| {
        edges
            .iter()
            .filter(|x| (**x - at).abs() < EDGE * body)
            .count()
    };
    let Some(at) = edges.iter().copied().max_by_key(|at| edge(*at)) else {
        return;
    };
    let column: Vec<(usize, u32)> = numbers
        .into_iter()
        .filter(|(i, _)| (words[*i].bbox.x2 - at).abs() < EDGE * body)
        .collect();
    let (Some((first, start)), Some((last, _))) = (column.first(), column.last()) else {
        return;
    };
    let step = column
        .get(1)
        .map_or(0, |(_, next)| next.saturating_sub(*start));
    let is_even = column
        .windows(2)
        .all(|pair| pair[1].1.checked_sub(pair[0].1) == Some(step));
    if column.len() < LEAST || !(1..=MAX_STEP).contains(&step) || !is_even {
        return;
    }
    let (left, right) = column
        .iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), (i, _)| {
            (a.min(words[*i].bbox.x1), b.max(words[*i].bbox.x2))
        });
    let (top, bottom) = (words[*first].bbox.y1, words[*last].bbox.y2);
    let mut is_number = vec![false; words.len()];
    column.iter().for_each(|(i, _)| is_number[*i] = true);
    let others = || {
        let all = words.iter().zip(&is_number);
        let others =
            all.filter(|(word, is_number)| !**is_number && word.direction == Direction::Horizontal);
        others
            .map(|(word, _)| &word.bbox)
            .filter(|bbox| bbox.y2 > top && bbox.y1 < bottom)
    };
    let is_beside = others().all(|bbox| bbox.x1 > right) || others().all(|bbox| bbox.x2 < left);
    let lines = rows(others().map(|bbox| (bbox.y1, bbox.y2)).collect());
    let is_on_most = column.len() as f32 * step as f32 >= ON_LINES * lines as f32;
    if is_beside && is_on_most {
        let mut is_number = is_number.into_iter();
        words.retain(|_| !is_number.next().unwrap_or(false));
        for (order, word) in words.iter_mut().enumerate() {
            word.order = order;
        }
    }
}

/// Font size of most characters.
fn body_size(words: &[RawWord]) -> f32 {
    let mut sizes: Vec<(f32, usize)> = words
        .iter()
        .map(|word| (word.size, word.text.len()))
        .collect();
    sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = sizes.iter().map(|(_, n)| n).sum::<usize>() / 2;
    let mut seen = 0;
    for (size, count) in sizes {
        seen += count;
        if seen > half {
            return size;
        }
    }
    0.0
}

/// Number of lines that boxes with these tops and bottoms make.
fn rows(mut spans: Vec<(f32, f32)>) -> usize {
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut count, mut middle) = (0, f32::NEG_INFINITY);
    for (top, bottom) in spans {
        if top > middle {
            count += 1;
            middle = (top + bottom) / 2.0;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Rect;

    fn word(x1: f32, x2: f32, y: f32, size: f32, text: &str) -> RawWord {
        RawWord {
            bbox: Rect::new(x1, y, x2, y + size),
            text: text.into(),
            space_before: true,
            hyphenated: false,
            has_space_after: true,
            order: 0,
            run: 0,
            size,
            direction: Direction::Horizontal,
            right_to_left: false,
        }
    }

    /// The words that stay of 12 lines of text from 100 to 500, each with a number that ends at 90.
    fn left(number: impl Fn(usize) -> usize, size: f32, from: f32) -> usize {
        let mut words = Vec::new();
        for line in 0..12 {
            let y = line as f32 * 30.0;
            words.push(word(80.0, 90.0, y + 4.0, size, &number(line).to_string()));
            words.push(word(
                from,
                500.0,
                y,
                20.0,
                "the tides of the sea rise and fall",
            ));
        }
        remove(&mut words);
        words.len()
    }

    #[test]
    fn numbers_beside_all_lines_are_taken_away() {
        assert_eq!(left(|line| 176 + line, 10.0, 100.0), 12);
        assert_eq!(left(|line| 5 * line, 10.0, 100.0), 12);
    }

    #[test]
    fn other_numbers_stay() {
        assert_eq!(
            left(|line| 176 + line, 20.0, 100.0),
            24,
            "a column of a table"
        );
        assert_eq!(left(|line| line * line, 10.0, 100.0), 24, "values");
        assert_eq!(
            left(|line| 176 + line, 10.0, 60.0),
            24,
            "text on both sides"
        );
    }
}
