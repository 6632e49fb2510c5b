//! Gutters narrower than the widest spaces of justified lines: where the text layer does not go on from one word to the
//! next, a wide space separates columns, or a note from the text beside it.

use super::super::thresholds::gutters::*;
use super::super::thresholds::layer::NEAR_SIZE;
use super::RawWord;
use crate::deadline;

/// Cuts chains of words at gutters.
///
/// A gap is one if the layer goes on elsewhere behind it, and so is one at the same place in a line nearby: a note may be
/// written right after the line that it stands beside.
pub(super) fn cut(words: &[RawWord], chains: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let is_wide = |a: usize, b: usize| {
        let (a, b) = (&words[a], &words[b]);
        b.bbox.x1 - a.bbox.x2 > LEAST_GAP * a.size.max(b.size)
    };
    // pdfium sorts what has one baseline: a smaller note follows its line in the layer.
    let jumps = |a: usize, b: usize| {
        let (a, b) = (&words[a], &words[b]);
        a.order.abs_diff(b.order) != 1 || a.size.min(b.size) < NEAR_SIZE * a.size.max(b.size)
    };
    // Where pieces start to the right of a jump: vertical and horizontal place.
    let mut starts: Vec<(f32, f32)> = Vec::new();
    for pair in chains.iter().flat_map(|chain| chain.windows(2)) {
        if is_wide(pair[0], pair[1]) && jumps(pair[0], pair[1]) {
            let bbox = &words[pair[1]].bbox;
            starts.push((bbox.center_y(), bbox.x1));
        }
    }
    if starts.is_empty() {
        return chains;
    }
    starts.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let is_aligned = |b: usize| {
        let (size, bbox) = (words[b].size, &words[b].bbox);
        let (y, reach) = (bbox.center_y(), NEAR_LINES * size);
        let first = starts.partition_point(|start| start.0 < y - reach);
        let near = starts[first..].iter().take(MOST_STARTS);
        near.take_while(|start| start.0 <= y + reach)
            .any(|start| (start.1 - bbox.x1).abs() < SAME_START * size)
    };
    let mut out = Vec::with_capacity(chains.len());
    for chain in chains {
        deadline::check();
        let mut piece: Vec<usize> = Vec::new();
        for i in chain {
            let is_cut = piece
                .last()
                .is_some_and(|&last| is_wide(last, i) && (jumps(last, i) || is_aligned(i)));
            if is_cut {
                out.push(std::mem::take(&mut piece));
            }
            piece.push(i);
        }
        out.push(piece);
    }
    out
}
