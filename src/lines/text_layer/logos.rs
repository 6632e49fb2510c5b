//! Joins words of letters in several sizes that overlap, as in the logos of TeX and LaTeX: the small raised letter between
//! large ones is no superscript.

use super::super::thresholds::logos::*;
use super::RawWord;

/// Makes one word of three, in the layer's order, where a small capital overlaps the capitals at both its sides.
pub(super) fn join(words: &mut Vec<RawWord>) {
    let mut at = 1;
    let mut gone: Vec<usize> = Vec::new();
    while at + 1 < words.len() {
        if !is_between(&words[at - 1], &words[at], &words[at + 1]) {
            at += 1;
            continue;
        }
        let (first, rest) = words.split_at_mut(at);
        let (word, [middle, last, ..]) = (&mut first[at - 1], rest) else {
            break;
        };
        // What was joined before ends here, so that logos may follow each other.
        let joined = format!("{}{}{}", word.text, middle.text, last.text);
        last.bbox.x1 = word.bbox.x1;
        (last.text, last.space_before) = (joined, word.space_before);
        gone.extend([at - 1, at]);
        at += 2;
    }
    if gone.is_empty() {
        return;
    }
    let mut index = 0..;
    words.retain(|_| index.next().is_none_or(|i| gone.binary_search(&i).is_err()));
    for (order, word) in words.iter_mut().enumerate() {
        word.order = order;
    }
}

fn is_between(before: &RawWord, middle: &RawWord, after: &RawWord) -> bool {
    let is_capital = |c: Option<char>| c.is_some_and(char::is_uppercase);
    let em = before.size.max(1.0);
    let is_small = SIZES.contains(&(middle.size / em)) && (after.size - em).abs() < SAME_SIZE * em;
    let overlaps = |left: &RawWord, right: &RawWord| {
        left.bbox.x2 - right.bbox.x1 > OVERLAP * em
            && right.bbox.x1 > left.bbox.x1
            && left.bbox.overlap_y(&right.bbox) > 0.0
    };
    let mut letters = middle.text.chars();
    is_small
        && is_capital(letters.next())
        && letters.next().is_none()
        && is_capital(before.text.chars().next_back())
        && is_capital(after.text.chars().next())
        && [before, middle, after]
            .iter()
            .all(|word| word.direction == before.direction)
        && overlaps(before, middle)
        && overlaps(middle, after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Rect;
    use crate::lines::Direction;

    fn word(x1: f32, x2: f32, size: f32, text: &str) -> RawWord {
        RawWord {
            bbox: Rect::new(x1, 20.0 - size, x2, 24.0),
            text: text.into(),
            space_before: true,
            hyphenated: false,
            has_space_after: false,
            order: 0,
            run: 0,
            size,
            direction: Direction::Horizontal,
            right_to_left: false,
        }
    }

    fn texts(mut words: Vec<RawWord>) -> Vec<String> {
        join(&mut words);
        words.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn overlapping_capitals_are_one_word() {
        let logo = |x: f32| {
            [
                word(x, x + 12.0, 20.0, "L"),
                word(x + 5.0, x + 15.0, 14.0, "A"),
                word(x + 12.0, x + 50.0, 20.0, "TEX"),
            ]
        };
        let mut words: Vec<RawWord> = logo(0.0).into();
        words.extend(logo(60.0));
        assert_eq!(texts(words), ["LATEX", "LATEX"]);
    }

    #[test]
    fn exponents_stay() {
        let apart = vec![
            word(0.0, 12.0, 20.0, "L"),
            word(13.0, 20.0, 14.0, "A"),
            word(21.0, 50.0, 20.0, "TEX"),
        ];
        assert_eq!(texts(apart), ["L", "A", "TEX"]);
        let figure = vec![
            word(0.0, 12.0, 20.0, "L"),
            word(5.0, 15.0, 14.0, "2"),
            word(12.0, 50.0, 20.0, "TEX"),
        ];
        assert_eq!(texts(figure).len(), 3);
    }
}
