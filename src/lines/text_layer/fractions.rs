//! Fractions within a line of text: their numerators and denominators are above and below the line, and belong into it.

use super::super::thresholds::fractions::*;
use super::{RawWord, horizontal_by_top};
use crate::deadline;
use crate::geometry::Rect;
use crate::lines::Direction;

/// A chain of words with its measures.
struct Chain {
    words: Vec<usize>,
    bbox: Rect,
    size: f32,
    chars: usize,
}

/// Puts the words of every fraction into the line that it stands in; chains go from left to right.
pub(super) fn gather(words: &[RawWord], chains: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let measured = |chain: Vec<usize>| Chain {
        bbox: Rect::union_all(chain.iter().map(|i| &words[*i].bbox)).unwrap_or_default(),
        size: chain.iter().map(|i| words[*i].size).fold(0.0, f32::max),
        chars: chain.iter().map(|i| words[*i].text.chars().count()).sum(),
        words: chain,
    };
    let mut chains: Vec<Chain> = chains.into_iter().map(measured).collect();
    let fractions = fractions(words, &chains);
    if fractions.is_empty() {
        return chains.into_iter().map(|chain| chain.words).collect();
    }
    let by_top = horizontal_by_top(words);
    let mut chain_of = vec![0; words.len()];
    for (at, chain) in chains.iter().enumerate() {
        chain.words.iter().for_each(|i| chain_of[*i] = at);
    }
    for (upper, lower) in fractions {
        deadline::check();
        let bbox = chains[upper].bbox.union(&chains[lower].bbox);
        let Some((left, right)) = neighbours(words, &by_top, &chain_of, [upper, lower], &bbox)
        else {
            continue;
        };
        let (line, rest) = (chain_of[left], chain_of[right]);
        if [line, rest].iter().any(|at| [upper, lower].contains(at)) {
            continue;
        }
        let parts = [upper, lower]
            .map(|at| std::mem::take(&mut chains[at].words))
            .concat();
        let at = chains[line]
            .words
            .iter()
            .position(|i| *i == left)
            .map_or(0, |at| at + 1);
        if rest != line {
            let more = std::mem::take(&mut chains[rest].words);
            chains[line].words.extend(more);
        }
        chains[line].words.splice(at..at, parts);
        chains[line].words.iter().for_each(|i| chain_of[*i] = line);
    }
    let whole = chains.into_iter().map(|chain| chain.words);
    whole.filter(|chain| !chain.is_empty()).collect()
}

/// Pairs of short chains of which one stands on the other, as numerator and denominator do.
fn fractions(words: &[RawWord], chains: &[Chain]) -> Vec<(usize, usize)> {
    let is_horizontal = |chain: &Chain| words[chain.words[0]].direction == Direction::Horizontal;
    let mut short: Vec<usize> = (0..chains.len())
        .filter(|i| chains[*i].chars <= MAX_CHARS && is_horizontal(&chains[*i]))
        .collect();
    short.sort_by(|&a, &b| {
        chains[a]
            .bbox
            .y1
            .total_cmp(&chains[b].bbox.y1)
            .then(a.cmp(&b))
    });
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (at, &upper) in short.iter().enumerate() {
        deadline::check();
        let (a, em) = (&chains[upper].bbox, chains[upper].size);
        for &lower in short[at + 1..].iter().take(MOST_BELOW) {
            let b = &chains[lower].bbox;
            let gap = b.y1 - a.y2;
            if gap > BAR_GAP * em {
                break;
            }
            let is_below =
                gap > -BAR_OVERLAP * em && a.overlap_x(b) > STACKED * a.width().min(b.width());
            let is_free = !found
                .iter()
                .rev()
                .take(4)
                .any(|pair| pair.1 == upper || pair.1 == lower);
            if is_below && is_free {
                found.push((upper, lower));
                break;
            }
        }
    }
    found
}

/// The words of a line right before and after a box, if that fills the gap between them.
fn neighbours(
    words: &[RawWord],
    by_top: &[usize],
    chain_of: &[usize],
    parts: [usize; 2],
    bbox: &Rect,
) -> Option<(usize, usize)> {
    let middle = bbox.center_y();
    let above = by_top.partition_point(|i| words[*i].bbox.y1 < middle);
    let mut found: [Option<usize>; 2] = [None; 2];
    // Words that begin far above are taller than any letter.
    for &i in by_top[..above].iter().rev().take(MOST_NEIGHBOURS) {
        let word = &words[i];
        if parts.contains(&chain_of[i])
            || (word.bbox.center_y() - middle).abs() > OFF_AXIS * word.size
        {
            continue;
        }
        let gaps = [bbox.x1 - word.bbox.x2, word.bbox.x1 - bbox.x2];
        for (side, gap) in gaps.into_iter().enumerate() {
            let is_near = gap > -SIDE_OVERLAP * word.size && gap < SIDE_GAP * word.size;
            found[side] = found[side].or(is_near.then_some(i));
        }
    }
    match found {
        [Some(left), Some(right)] if words[left].bbox.overlap_y(&words[right].bbox) > 0.0 => {
            Some((left, right))
        }
        _ => None,
    }
}
