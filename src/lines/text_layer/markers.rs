//! Bullets and check boxes that are drawn as shapes: they become words before the text that they mark.
//!
//! Browsers draw them so, and many forms.

use super::super::thresholds::markers::*;
use super::{RawWord, horizontal_by_top};
use crate::deadline;
use crate::geometry::Rect;
use crate::input::pdf::page::{PdfPage, SmallShape};
use crate::lines::Direction;

/// Shapes that are drawn over each other.
struct Mark {
    bbox: Rect,
    shapes: Vec<SmallShape>,
}

/// The marks of a page as words, with the position in the layer's order of the words that they stand before.
pub(super) fn words(content: &PdfPage, words: &[RawWord]) -> Vec<(usize, RawWord)> {
    if content.small_shapes.is_empty() || content.small_shapes.len() > MAX_SHAPES {
        return Vec::new();
    }
    let by_top = horizontal_by_top(words);
    let mut found: Vec<(usize, RawWord)> = Vec::new();
    for mark in marks(&content.small_shapes) {
        deadline::check();
        let Some(next) = marked(&mark.bbox, words, &by_top) else {
            continue;
        };
        let Some(sign) = sign(&mark, words[next].size) else {
            continue;
        };
        // Its box has the height of the line, so that it belongs to that.
        let Rect { y1, y2, .. } = words[next].bbox;
        let word = RawWord {
            bbox: Rect {
                y1,
                y2,
                ..mark.bbox
            },
            text: sign.to_string(),
            space_before: true,
            hyphenated: false,
            has_space_after: false,
            order: 0,
            run: words[next].run,
            size: words[next].size,
            direction: Direction::Horizontal,
            right_to_left: words[next].right_to_left,
        };
        found.push((next, word));
    }
    found.sort_by_key(|(next, _)| *next);
    found
}

/// Puts together shapes of which one covers the other.
fn marks(shapes: &[SmallShape]) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    for shape in shapes {
        let [x1, y1, x2, y2] = shape.bbox;
        let bbox = Rect { x1, y1, x2, y2 };
        // The parts of a mark are drawn one after the other.
        let same = marks.iter_mut().rev().take(MOST_PARTS).find(|mark| {
            let smaller = mark.bbox.area().min(bbox.area()).max(0.1);
            mark.bbox.intersection(&bbox).area() > COVERED * smaller
        });
        match same {
            Some(mark) => {
                mark.bbox = mark.bbox.union(&bbox);
                mark.shapes.push(*shape);
            }
            None => marks.push(Mark {
                bbox,
                shapes: vec![*shape],
            }),
        }
    }
    marks
}

/// The word that a box marks: the first of its line, right after it.
fn marked(bbox: &Rect, words: &[RawWord], by_top: &[usize]) -> Option<usize> {
    let middle = bbox.center_y();
    let above = by_top.partition_point(|i| words[*i].bbox.y1 < middle);
    let mut next: Option<usize> = None;
    let mut end = f32::NEG_INFINITY;
    for &i in by_top[..above].iter().rev().take(MOST_WORDS) {
        let word = &words[i];
        let height = word.bbox.height();
        if middle < word.bbox.y1 + TOP * height || middle > word.bbox.y2 - BOTTOM * height {
            continue;
        }
        if word.bbox.x1 >= bbox.x2 {
            let is_nearer = next.is_none_or(|known| word.bbox.x1 < words[known].bbox.x1);
            next = if is_nearer { Some(i) } else { next };
        } else {
            end = end.max(word.bbox.x2);
        }
    }
    let word = &words[next?];
    let (gap, before) = (word.bbox.x1 - bbox.x2, bbox.x1 - end);
    (gap < AFTER * word.size && before > BEFORE * word.size).then_some(next?)
}

/// The sign of a mark before text of a size in pixels.
fn sign(mark: &Mark, size: f32) -> Option<char> {
    let (width, height) = (mark.bbox.width(), mark.bbox.height());
    if !ASPECT.contains(&(width / height.max(0.1))) {
        return None;
    }
    let side = width.max(height) / size.max(1.0);
    let is_dark = |color: [u8; 3]| color.iter().map(|v| u32::from(*v)).sum::<u32>() < 3 * LIGHT;
    let is_gray = |[r, g, b]: [u8; 3]| r.max(g).max(b) - r.min(g).min(b) < TINT;
    let filled = mark.shapes.iter().filter_map(|shape| shape.fill);
    let is_filled = filled.clone().any(is_dark);
    if BULLET.contains(&side) {
        let is_square = mark.shapes.iter().all(|shape| shape.segments <= STRAIGHT);
        // Coloured squares before words are a legend.
        let is_legend = is_square && !filled.clone().all(is_gray);
        return (!is_legend).then_some(if is_filled { '\u{2022}' } else { '\u{25e6}' });
    }
    if !BOX.contains(&side) {
        return None;
    }
    // A tick or a cross is an open path of few segments within the box.
    let is_tick = |shape: &SmallShape| shape.fill.is_none() && TICK.contains(&shape.segments);
    let (ticks, others): (Vec<&SmallShape>, Vec<&SmallShape>) =
        mark.shapes.iter().partition(|s| is_tick(s));
    if others.is_empty() || is_filled && ticks.is_empty() {
        return None;
    }
    Some(if ticks.is_empty() {
        '\u{2610}'
    } else {
        '\u{2611}'
    })
}
