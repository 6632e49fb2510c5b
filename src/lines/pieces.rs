//! Lines too long for one input of the recognizer: splits them into pieces, and joins the pieces' texts.
//!
//! A piece ends in a gap between words if there is one near its end, else in a gap between letters, so that
//! no character is cut. Without a gap two pieces overlap, and each contributes its half of the overlap.

use super::line_text::LineText;
use super::page_text::is_cjk;
use crate::raster::Pixels;

/// Limit of pieces of a line: with the recognizer's 4096 columns, 5000 times as long as high.
const MOST_PIECES: usize = 64;
/// Fraction of a piece, at its end, that is searched for a gap: a quarter.
const SEARCH: usize = 4;
/// Minimum width of a gap between words as a fraction of the crop's height: an eighth. Crops are twice as
/// high as their letters, in which a narrow space is a fifth and the gap between letters a tenth.
const GAP: usize = 8;
/// Overlap if there is no gap, in line heights: two wide characters.
const OVERLAP: usize = 2;
/// Maximum contrast in levels within a column that counts as empty.
const EMPTY: u8 = 40;

/// A part of a line, in columns of its crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LinePiece {
    /// First column.
    pub start: usize,
    /// Column after the last.
    pub end: usize,
    /// Column from which its characters count; those before belong to the previous piece.
    pub from: usize,
    /// `true` if it begins a word.
    pub begins_word: bool,
}

/// `true` if a crop of this width is too long to be a line, given pieces of at most `longest` columns.
pub(super) fn is_too_long(width: usize, longest: usize) -> bool {
    width / longest.max(1) >= MOST_PIECES
}

/// Splits a line into pieces of at most `longest` columns; empty if the crop is too long to be a line
/// ([`is_too_long`]).
pub(super) fn pieces_of(crop: &Pixels, longest: usize) -> Vec<LinePiece> {
    let longest = longest.max(1);
    if is_too_long(crop.width, longest) {
        return Vec::new();
    }
    let overlap = (OVERLAP * crop.height).min(longest / SEARCH);
    let mut pieces = Vec::new();
    let mut next = LinePiece {
        start: 0,
        end: crop.width.min(longest),
        from: 0,
        begins_word: true,
    };
    while next.end < crop.width {
        let gap = widest_gap(crop, next.end - longest / SEARCH, next.end);
        let (start, from) = match gap {
            Some((middle, _)) => {
                next.end = middle;
                (middle, middle)
            }
            None => (next.end - overlap, next.end - overlap / 2),
        };
        pieces.push(next);
        let begins_word = gap.is_some_and(|(_, width)| width >= (crop.height / GAP).max(2));
        next = LinePiece {
            start,
            end: crop.width.min(start + longest),
            from,
            begins_word,
        };
    }
    pieces.push(next);
    pieces
}

/// Middle and width of the widest run of empty columns; ties go to the last.
fn widest_gap(crop: &Pixels, from: usize, to: usize) -> Option<(usize, usize)> {
    let (mut best, mut run) = (None, 0);
    for x in from..to {
        run = if is_empty(crop, x) { run + 1 } else { 0 };
        if run > 0 && best.is_none_or(|(_, widest)| run >= widest) {
            best = Some((x + 1 - run / 2, run));
        }
    }
    best.filter(|(middle, _)| *middle > from)
}

/// `true` if a column has no ink.
fn is_empty(crop: &Pixels, x: usize) -> bool {
    let (mut min, mut max) = (255u8, 0u8);
    for y in 0..crop.height {
        // Green contributes most to brightness.
        let level = crop.data[(y * crop.width + x) * 3 + 1];
        (min, max) = (min.min(level), max.max(level));
    }
    max.saturating_sub(min) <= EMPTY
}

/// Joins the texts of the pieces of a line of `width` columns.
///
/// A space precedes a piece that begins a word, unless there is one already or the script has none.
pub(super) fn joined(texts: &[(LinePiece, LineText)], width: usize) -> LineText {
    let mut line = LineText::default();
    let (mut sum, mut count) = (0f64, 0usize);
    for (i, (piece, text)) in texts.iter().enumerate() {
        let until = texts.get(i + 1).map_or(width, |(next, _)| next.from);
        let length = (piece.end - piece.start) as f32;
        let mut is_first = true;
        for (c, share) in text.text.chars().zip(&text.positions) {
            let at = piece.start as f32 + share * length;
            if at < piece.from as f32 || at >= until as f32 && piece.end > until {
                continue;
            }
            let last = line
                .text
                .chars()
                .next_back()
                .filter(|last| *last != ' ' && c != ' ');
            if is_first && piece.begins_word && last.is_some_and(|last| !is_cjk(last) || !is_cjk(c))
            {
                line.text.push(' ');
                line.positions.push(piece.start as f32 / width as f32);
            }
            is_first = false;
            line.text.push(c);
            line.positions.push((at / width as f32).min(1.0));
            sum += f64::from(text.confidence);
            count += 1;
        }
    }
    line.confidence = if count == 0 {
        0.0
    } else {
        (sum / count as f64) as f32
    };
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Black blocks of 8 columns, `apart` columns apart, with gaps of 10 more after each `word` blocks.
    fn line(width: usize, word: usize, apart: usize) -> Pixels {
        let mut picture = Pixels::white(width, 30);
        let block = 8 + apart;
        let period = word * block + 10;
        for x in (0..width).filter(|x| x % period < word * block && x % period % block < 8) {
            (4..26).for_each(|y| picture.set(x, y, [0; 3]));
        }
        picture
    }

    #[test]
    fn lines_are_cut_between_words() {
        let picture = line(2000, 5, 2);
        let pieces = pieces_of(&picture, 500);
        assert!(pieces.len() >= 4 && pieces.iter().all(|piece| piece.begins_word));
        for pair in pieces.windows(2) {
            assert_eq!((pair[0].end, pair[1].start), (pair[1].from, pair[1].from));
            assert!(is_empty(&picture, pair[1].from) && is_empty(&picture, pair[1].from - 1));
        }
    }

    #[test]
    fn words_are_cut_between_letters() {
        let picture = line(2000, 1000, 2);
        let pieces = pieces_of(&picture, 500);
        for pair in pieces.windows(2) {
            assert!(pair[0].end == pair[1].start && !pair[1].begins_word);
            assert!(is_empty(&picture, pair[1].from) || is_empty(&picture, pair[1].from - 1));
        }
    }

    #[test]
    fn without_gaps_pieces_overlap() {
        let pieces = pieces_of(&line(2000, 1000, 0), 500);
        let first = LinePiece {
            start: 0,
            end: 500,
            from: 0,
            begins_word: true,
        };
        let second = LinePiece {
            start: 440,
            end: 940,
            from: 470,
            begins_word: false,
        };
        assert_eq!(pieces[..2], [first, second]);
    }

    #[test]
    fn what_is_too_long_is_no_line() {
        assert!(pieces_of(&Pixels::white(100_000, 2), 100).is_empty());
        assert!(is_too_long(6400, 100) && !is_too_long(6399, 100));
        assert!(!pieces_of(&Pixels::white(6399, 2), 100).is_empty());
    }

    fn text(text: &str, positions: &[f32]) -> LineText {
        LineText {
            text: text.into(),
            confidence: 0.8,
            positions: positions.to_vec(),
            is_too_long: false,
        }
    }

    #[test]
    fn of_an_overlap_each_piece_gives_its_half() {
        let a = LinePiece {
            start: 0,
            end: 100,
            from: 0,
            begins_word: true,
        };
        let b = LinePiece {
            start: 80,
            end: 180,
            from: 90,
            begins_word: false,
        };
        // `d` at 85 and `e` at 95 are in both.
        let texts = [
            (a, text("abde", &[0.1, 0.3, 0.85, 0.95])),
            (b, text("defg", &[0.05, 0.15, 0.5, 0.9])),
        ];
        let line = joined(&texts, 180);
        assert_eq!(line.text, "abdefg");
        assert!(
            (line.positions[3] - 95.0 / 180.0).abs() < 1e-6 && (line.confidence - 0.8).abs() < 1e-6
        );
        assert!(line.positions.windows(2).all(|p| p[0] < p[1]));
    }

    #[test]
    fn a_gap_is_a_space() {
        let a = LinePiece {
            start: 0,
            end: 100,
            from: 0,
            begins_word: true,
        };
        let b = LinePiece {
            start: 100,
            end: 200,
            from: 100,
            begins_word: true,
        };
        let line = joined(
            &[(a, text("ab", &[0.1, 0.8])), (b, text("cd", &[0.1, 0.8]))],
            200,
        );
        assert_eq!((line.text.as_str(), line.positions.len()), ("ab cd", 5));
    }

    proptest! {
        #[test]
        fn pieces_cover_the_line(
            width in 1usize..3000,
            word in 1usize..60,
            apart in 0usize..4,
            longest in 60usize..700,
        ) {
            let pieces = pieces_of(&line(width, word, apart), longest);
            prop_assert_eq!((pieces[0].start, pieces.last().unwrap().end), (0, width));
            prop_assert!(pieces.iter().all(|p| p.end - p.start <= longest && p.start <= p.from && p.from < p.end));
            for pair in pieces.windows(2) {
                prop_assert!(pair[1].start <= pair[0].end && pair[1].from <= pair[0].end);
                prop_assert!(pair[1].start > pair[0].start);
            }
        }
    }
}
