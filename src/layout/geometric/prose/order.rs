//! The order of blocks, from the places of two of them each.

use super::super::thresholds::prose::*;
use super::Block;
use crate::geometry::Rect;

/// The blocks in reading order.
pub(super) fn in_order(blocks: &[Block], body: f32, right_to_left: bool) -> Vec<usize> {
    let count = blocks.len();
    let comes_first: Vec<Vec<bool>> = (0..count)
        .map(|a| {
            crate::deadline::check();
            let other = |b: usize| a != b && is_before(blocks, a, b, body, right_to_left);
            (0..count).map(other).collect()
        })
        .collect();
    let mut left: Vec<usize> = (0..count).collect();
    left.sort_by(|&a, &b| blocks[a].bbox.y1.total_cmp(&blocks[b].bbox.y1));
    let mut waits: Vec<usize> = (0..count)
        .map(|b| (0..count).filter(|a| comes_first[*a][b]).count())
        .collect();
    let mut order: Vec<usize> = Vec::with_capacity(count);
    while !left.is_empty() {
        let is_free = |at: &usize| waits[left[*at]] == 0;
        let goes_on = |at: &usize| {
            let last = order.last().map(|last| &blocks[*last]);
            last.is_some_and(|last| last.shares_width(&blocks[left[*at]]))
        };
        let free = || (0..left.len()).filter(is_free);
        // Of blocks that wait for each other, the highest one.
        let at = free().find(goes_on).or(free().next()).unwrap_or(0);
        let block = left.remove(at);
        (0..count)
            .filter(|b| comes_first[block][*b])
            .for_each(|b| waits[b] = waits[b].saturating_sub(1));
        order.push(block);
    }
    order
}

/// `true` if one block is read before another one, by their places.
fn is_before(blocks: &[Block], a: usize, b: usize, body: f32, right_to_left: bool) -> bool {
    let (first, second) = (&blocks[a], &blocks[b]);
    if first.shares_width(second) {
        return first.bbox.center_y() < second.bbox.center_y();
    }
    let (x, other) = (first.span.0 + first.span.1, second.span.0 + second.span.1);
    if (x < other) == right_to_left {
        return false;
    }
    // Unless what lies across both is between them.
    let slack = OVERLAP * body;
    let (upper, lower) = match first.bbox.y1 < second.bbox.y1 {
        true => (first, second),
        false => (second, first),
    };
    if lower.bbox.y1 < upper.bbox.y2 - slack {
        return true;
    }
    let between = |block: &Block| {
        block.bbox.y1 > upper.bbox.y2 - slack
            && block.bbox.y2 < lower.bbox.y1 + slack
            && block.shares_width(first)
            && block.shares_width(second)
    };
    std::ptr::eq(upper, first) || !blocks.iter().any(between)
}

/// White space across several columns at which all of them end and begin again, as blocks that divide them.
pub(super) fn white_strips(columns: &[Block], body: f32) -> Vec<Block> {
    // The room below each block and above the next one.
    let mut gaps: Vec<Rect> = Vec::new();
    for upper in columns {
        let below = columns.iter().filter(|lower| {
            lower.bbox.center_y() > upper.bbox.center_y() && lower.shares_width(upper)
        });
        let Some(lower) = below.min_by(|a, b| a.bbox.y1.total_cmp(&b.bbox.y1)) else {
            continue;
        };
        if lower.bbox.y1 - upper.bbox.y2 > STRIP * body {
            gaps.push(Rect::new(
                upper.span.0,
                upper.bbox.y2,
                upper.span.1,
                lower.bbox.y1,
            ));
        }
    }
    gaps.sort_by(|a, b| a.x1.total_cmp(&b.x1));
    let mut strips: Vec<Vec<Rect>> = Vec::new();
    for gap in gaps {
        let goes_on = |strip: &&mut Vec<Rect>| {
            strip.last().is_some_and(|last| {
                last.overlap_y(&gap) > STRIP_OVERLAP * body && last.x2 < gap.center_x()
            })
        };
        match strips.iter_mut().find(goes_on) {
            Some(strip) => strip.push(gap),
            None => strips.push(vec![gap]),
        }
    }
    let ends = |strip: &[Rect]| Rect::union_all(strip).unwrap_or_default();
    let is_crossed = |strip: &[Rect]| {
        let whole = ends(strip);
        columns.iter().any(|block| {
            let x = (block.span.0 + block.span.1) / 2.0;
            let away = |gap: &Rect| (gap.center_x() - x).abs();
            let gap = strip.iter().min_by(|a, b| away(a).total_cmp(&away(b)));
            (whole.x1..whole.x2).contains(&x)
                && gap.is_some_and(|gap| {
                    let y = gap.center_y();
                    block.bbox.y1 < y - body && block.bbox.y2 > y + body
                })
        })
    };
    strips.retain(|strip| strip.len() >= STRIP_COLUMNS && !is_crossed(strip));
    let block = |strip: Vec<Rect>| {
        let y = strip.iter().map(Rect::center_y).sum::<f32>() / strip.len() as f32;
        let whole = ends(&strip);
        Block {
            items: Vec::new(),
            bbox: Rect::new(whole.x1, y, whole.x2, y),
            span: (whole.x1, whole.x2),
            divides: true,
        }
    };
    strips.into_iter().map(block).collect()
}
